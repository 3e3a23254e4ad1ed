"""Notes, keys, checkpoints and proofs as texts; the examples are those of the C2SP specifications."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.publiclog import merkle
from chatbranch.publiclog.notes import (
    COSIGNATURE,
    BadNote,
    Checkpoint,
    Key,
    Note,
    Signer,
    open_checkpoint,
    read_hash,
    read_size,
    write_hash,
)
from chatbranch.publiclog.proofs import Proof

VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = """This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""
US, WITNESS = Signer.of("log.example/a", bytes(32)), Signer.of("witness.example", b"\1" * 32, COSIGNATURE)


def test_the_specifications_example_is_signed_by_its_key() -> None:
    key = Key.read(VKEY)
    assert key.vkey == VKEY
    assert [found for found, _ in Note.read(NOTE).by([key])] == [key]


def test_a_changed_text_is_not_what_was_signed() -> None:
    with pytest.raises(BadNote, match="not over this text"):
        Note.read(NOTE.replace("example message", "exemplary message")).by([Key.read(VKEY)])


def test_a_signature_of_somebody_unknown_counts_for_nothing() -> None:
    assert Note.read(NOTE).by([US.key]) == []
    with pytest.raises(BadNote, match="not signed by"):
        open_checkpoint(Checkpoint("log.example/a", 0, merkle.EMPTY).signed(WITNESS), [US.key])


@given(st.binary(min_size=32, max_size=32), st.sampled_from([1, COSIGNATURE]))
def test_keys_are_read_as_they_are_written(seed: bytes, kind: int) -> None:
    signer = Signer.of("log.example/a", seed, kind)
    assert Signer.read(signer.skey) == signer
    assert Key.read(signer.key.vkey) == signer.key
    assert signer.skey.split("+", 4)[4] not in repr(signer), "a secret is never shown"


@given(st.integers(0, 10**17), st.binary(min_size=32, max_size=32), st.integers(0, 2**40))
def test_a_checkpoint_and_its_cosignature_are_read_as_they_were_signed(
    size: int, root: bytes, at: int
) -> None:
    checkpoint = Checkpoint("log.example/a", size, root)
    note = checkpoint.signed(US) + WITNESS.sign(checkpoint.text, at)
    found, opened = open_checkpoint(note, [US.key])
    assert found == checkpoint
    ((_, cosignature),) = opened.by([WITNESS.key])
    assert cosignature.at == at
    assert Checkpoint.read(checkpoint.text + "an extension\n") == checkpoint


def test_a_cosignature_holds_for_its_own_time_only() -> None:
    checkpoint = Checkpoint("log.example/a", 1, merkle.EMPTY)
    line = WITNESS.sign(checkpoint.text, 1_700_000_000)
    signature = Note.read(f"{checkpoint.text}\n{line}").signatures[0]
    later = (1_700_000_001).to_bytes(8, "big") + signature.bytes[8:]
    assert WITNESS.key.signed(signature.bytes, checkpoint.text)
    assert not WITNESS.key.signed(later, checkpoint.text)
    assert not WITNESS.key.signed(signature.bytes[8:], checkpoint.text)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"no signature\n",
        b"text\n\n",
        b"text\n\nno dash\n",
        "text\n\n— name \n".encode(),
        "text\n\n— name AAAA\n".encode(),
        "text\n\n— name !!!!!!!!!!!!\n".encode(),
        "text\n\n— name Uw2QOkn8srV1\n— x\n".encode(),
        "te\rxt\n\n— name Uw2QOkn8srV1\n".encode(),
        "text\n\n— name Uw2QOkn8srV1".encode(),
        b"\xff\n\n",
        b"a" * 1_000_001,
        ("text\n\n" + "— name Uw2QOkn8srV1\n" * 101).encode(),
    ],
)
def test_what_is_no_note_is_refused(said: bytes) -> None:
    with pytest.raises(BadNote):
        Note.read(said)


@pytest.mark.parametrize(
    "said", ["", "a\n1\n", "a\n01\nAA==\n", "a\n-1\n" + "A" * 43 + "=\n", "a\n1\nAAAA\n", "a\n1\n\n"]
)
def test_what_is_no_checkpoint_is_refused(said: str) -> None:
    with pytest.raises(BadNote):
        Checkpoint.read(said)


@pytest.mark.parametrize(
    "vkey", ["", "a+b", "a+00000000+AAAA", VKEY.replace("530d903a", "530d903b"), VKEY.replace(".com", ".org")]
)
def test_what_is_no_key_is_refused(vkey: str) -> None:
    with pytest.raises(BadNote):
        Key.read(vkey)


@pytest.mark.parametrize("skey", ["", "PRIVATE+KEY+a", VKEY, US.skey.replace("log.example", "gol.example")])
def test_what_is_no_secret_key_is_refused(skey: str) -> None:
    with pytest.raises(BadNote):
        Signer.read(skey)


@given(st.text(max_size=300))
def test_no_text_breaks_the_readers(said: str) -> None:
    readers: list[Callable[[str], object]] = [Note.read, Checkpoint.read, Key.read, Signer.read, Proof.read]
    for read in [*readers, read_size, read_hash]:
        with suppress(BadNote):
            read(said)


def proof(entries: list[bytes], index: int) -> Proof:
    leaves = [merkle.leaf_hash(each) for each in entries]

    def nodes(height: int, position: int) -> bytes:
        return merkle.levels(leaves)[height][position]

    note = Checkpoint("log.example/a", len(entries), merkle.root_of(leaves)).signed(US)
    return Proof(index, tuple(merkle.inclusion_proof(nodes, index, len(entries))), note, entries[index])


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=40), st.data())
def test_a_proof_is_read_as_it_was_written_and_holds(entries: list[bytes], data: st.DataObject) -> None:
    made = proof(entries, data.draw(st.integers(0, len(entries) - 1)))
    assert Proof.read(made.text) == made
    assert Proof.read(made.text).verified([US.key]).size == len(entries)


def test_a_forged_proof_does_not_hold() -> None:
    made = proof([b"true", b"false", b"unknown"], 1)
    forged = Proof(made.index, made.hashes, made.note, b"true")
    resigned = Proof(1, made.hashes, Checkpoint("log.example/a", 3, bytes(32)).signed(US), made.entry)
    elsewhere = Proof(2, made.hashes, made.note, made.entry)
    for each in (forged, resigned, elsewhere):
        with pytest.raises(BadNote, match="does not lead"):
            each.verified([US.key])
    with pytest.raises(BadNote, match="not signed"):
        made.verified([Signer.of("log.example/a", b"\2" * 32).key])
    assert write_hash(made.hashes[0]) in made.text
