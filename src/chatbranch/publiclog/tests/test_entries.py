"""What an entry can say, and that nothing a person wrote can enter one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.kernel import ids
from chatbranch.publiclog import entries
from chatbranch.publiclog.entries import BadEntry, Entry, canonical, commitment
from chatbranch.publiclog.notes import Key, Signer
from chatbranch.publiclog.rotation import handed_over, next_key

AT = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
SUBJECT = UUID("019ad000-0000-7000-8000-000000000001")
SAYS = {
    "version": 1,
    "rating": "false",
    "as_of": "2026-11-29",
    "wordings": 2,
    "sources": 1,
    "words": "ab" * 32,
}
OLD, NEW = Signer.of("log.example/a", bytes(32)), Signer.of("log.example/a", b"\1" * 32)


def test_an_entry_is_one_line_of_json_with_its_keys_in_order() -> None:
    leaf = Entry(entries.PUBLISHED, AT, SUBJECT, SAYS).leaf
    assert leaf.decode() == (
        '{"as_of":"2026-11-29","at":"2026-11-29T08:00:00Z","kind":"verdict.published","rating":"false","sources":1,'
        f'"subject":"{SUBJECT}","version":1,"wordings":2,"words":"{"ab" * 32}"}}'
    )
    assert Entry.read(leaf) == Entry(entries.PUBLISHED, AT, SUBJECT, SAYS)


@given(st.text(max_size=100), st.sampled_from(sorted(set().union(*entries.FIELDS.values()))))
def test_no_words_of_a_person_fit_into_any_field(words: str, field: str) -> None:
    """Only what matches the field's own pattern is taken: an identifier, a date, a word of ours, a hash, a key."""
    kind = next(kind for kind, fields in entries.FIELDS.items() if field in fields)
    with pytest.raises(BadEntry):
        _ = Entry(kind, AT, SUBJECT, {field: f"张三 {words}"}).leaf


@pytest.mark.parametrize(
    "says",
    [
        {"explanation": "anything"},
        {"previous": "true"},
        {"version": "1"},
        {"version": 1.0},
        {"version": True},
        {"version": -1},
        {"version": 2**53},
        {"rating": "FALSE"},
        {"words": "ab" * 31},
        {"as_of": "2026-11-29 "},
        {"as_of": None},
    ],
)
def test_what_an_entry_may_not_say_is_refused(says: dict[str, Any]) -> None:
    with pytest.raises(BadEntry):
        _ = Entry(entries.PUBLISHED, AT, SUBJECT, {**SAYS, **says}).leaf


@pytest.mark.parametrize(
    "change",
    [
        lambda leaf: leaf + b" ",
        lambda leaf: leaf.replace(b",", b", "),
        lambda leaf: json.dumps(dict(reversed(json.loads(leaf).items()))).encode(),
        lambda leaf: leaf.replace(b"verdict.published", b"verdict.invented"),
        lambda leaf: leaf.replace(b'"version":1', b'"version":1,"version":1'),
        lambda leaf: leaf.replace(b"T08:00:00Z", b"T28:00:00Z"),
        lambda leaf: b"[" * 100_000,
        lambda leaf: b"null",
        lambda leaf: b"\xff",
    ],
)
def test_only_the_canonical_form_is_an_entry(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BadEntry):
        Entry.read(change(Entry(entries.PUBLISHED, AT, SUBJECT, SAYS).leaf))


def test_canonical_json_has_no_floats_of_its_own_making() -> None:
    assert canonical({"b": 1, "a": ["中", None, True]}) == '{"a":["中",null,true],"b":1}'.encode()
    with pytest.raises(TypeError):
        canonical({"at": AT})


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=30), max_size=3))
def test_a_commitment_can_be_opened_with_its_salt_and_with_nothing_else(words: dict[str, str]) -> None:
    salt = entries.new_salt()
    assert commitment(salt, words) == commitment(salt, dict(reversed(words.items())))
    assert commitment(entries.new_salt(), words) != commitment(salt, words)
    assert commitment(salt, {**words, "more": ""}) != commitment(salt, words) or "more" in words


def test_a_salt_has_its_one_length() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        commitment(b"short", {})


def test_a_key_is_followed_by_the_one_it_signed_for() -> None:
    entry = Entry(entries.ROTATED, AT, ids.new_id(), handed_over(OLD, NEW.key))
    assert next_key(Entry.read(entry.leaf), OLD.key) == NEW.key
    assert next_key(Entry(entries.OPENED, AT, SUBJECT, {"words": "ab" * 32}), OLD.key) == OLD.key


@pytest.mark.parametrize(
    ("says", "present"),
    [
        (handed_over(NEW, NEW.key) | {"old": OLD.key.vkey}, OLD.key),  # signed by the new key
        (handed_over(NEW, OLD.key), OLD.key),  # by a key that is not in force
        (handed_over(OLD, Signer.of("other.example", b"\1" * 32).key), OLD.key),  # for another log
        ({"old": OLD.key.vkey, "new": NEW.key.vkey}, OLD.key),
        ({"old": OLD.key.vkey}, OLD.key),
    ],
)
def test_no_key_follows_without_the_signature_of_the_one_before(says: dict[str, str], present: Key) -> None:
    with pytest.raises(BadEntry, match=r"a key was changed|the key was lost"):
        next_key(Entry(entries.ROTATED, AT, SUBJECT, says), present)
