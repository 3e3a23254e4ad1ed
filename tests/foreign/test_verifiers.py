"""The published log, verified by software that is not ours; and every attack we can think of, found by it and by us.

Go's sumdb packages see everything: hashes, tiles, signatures, proofs. pymerkle and @transmute/rfc9162 see what hashes show.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatbranch.publiclog import queries
from chatbranch.publiclog.folder import Folder
from chatbranch.publiclog.proofs import Proof
from chatbranch.publiclog.tests.conftest import own_log
from chatbranch.publiclog.tests.support import appended, published
from chatbranch.site.cli import main
from tests.foreign.made import KEY, OTHER, Log, entries
from tests.servers.install import CACHE, RFC9162
from tests.support.databases import Database

__all__ = ["own_log"]
HERE = Path(__file__).parent
SIZE, SEEN = 600, 384
Verifier = Callable[..., str]


def ours(log: Path, seen: Path | None = None, proof: Path | None = None, vkey: str = KEY.key.vkey) -> str:
    """What `chatbranch log` finds wrong; empty for nothing."""
    kept = ["--seen", str(seen)] if seen else []
    runs = [["verify", str(log), "--key", vkey, *kept]]
    runs += [["check-proof", str(proof), "--key", vkey]] if proof else []
    for run in runs:
        done = CliRunner().invoke(main, ["log", *run])
        if done.exit_code:
            assert done.exit_code == 1, done.exception
            return done.output
    return ""


def foreign(*command: str | Path, env: dict[str, str] | None = None) -> Verifier:
    def verifier(
        log: Path, seen: Path | None = None, proof: Path | None = None, vkey: str = KEY.key.vkey
    ) -> str:
        given = [str(each or "") for each in (*command, log, vkey, seen, proof)]
        done = subprocess.run(given, capture_output=True, text=True, env=env, timeout=60)
        assert done.returncode in (0, 1), done.stderr
        assert not done.returncode or done.stdout + done.stderr
        return (done.stdout + done.stderr) if done.returncode else ""

    return verifier


def sumdb() -> Verifier:
    made = CACHE / "sumdb" / f"verify-{hashlib.sha256((HERE / 'verify.go').read_bytes()).hexdigest()[:16]}"
    if not made.exists():
        pytest.skip(
            "needs Go: apt-get install golang-go golang-golang-x-mod-dev, then python3 tests/servers/install.py"
        )
    return foreign(made)


def pymerkle() -> Verifier:
    python = CACHE / "pymerkle/bin/python"
    if not python.exists():
        pytest.skip("needs pymerkle: python3 tests/servers/install.py")
    return foreign(python, HERE / "verify_pymerkle.py")


def rfc9162() -> Verifier:
    node, home = shutil.which("node"), CACHE / "rfc9162/node_modules"
    if node is None or not (home / RFC9162.rpartition("@")[0]).exists():
        pytest.skip(
            "needs @transmute/rfc9162: apt-get install nodejs npm, then python3 tests/servers/install.py"
        )
    return foreign(node, HERE / "verify_rfc9162.cjs", env={"NODE_PATH": str(home)})


VERIFIERS = {"ours": lambda: ours, "sumdb": sumdb, "pymerkle": pymerkle, "rfc9162": rfc9162}
ALL, SIGNED = tuple(VERIFIERS), ("ours", "sumdb")


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(entries(SIZE), tmp_path / "log").publish()


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    """The checkpoint that somebody kept when the log was shorter."""
    file = tmp_path / "seen"
    file.write_text(Log(entries(SIZE)[:SEEN], tmp_path).checkpoint.signed(KEY))
    return file


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("index", [0, 255, 599])
def test_an_honest_log_is_found_honest(name: str, index: int, log: Log, seen: Path, tmp_path: Path) -> None:
    proof = tmp_path / "entry.tlog-proof"
    proof.write_text(log.proof(index).text)
    assert VERIFIERS[name]()(log.folder, seen, proof) == ""


def test_a_log_that_a_branch_appended_to_again_and_again_is_found_honest(
    sqlite_database: Database, own_log: Path, tmp_path: Path
) -> None:
    seen, proof = tmp_path / "kept", tmp_path / "proof"
    for count in (1, 254, 3, 300):
        appended(count)
        if count == 254:
            seen.write_bytes(published().read("checkpoint"))
    found = queries.proof(257)
    assert found is not None
    proof.write_text(found.text)
    vkey = published().read("vkey").decode().strip()
    assert [name for name in ALL if VERIFIERS[name]()(own_log, seen, proof, vkey) != ""] == []


# --- attacks on the whole log ---------------------------------------------------------------------


def edit(log: Log) -> None:
    bundle = log.folder / "tile/entries/001"
    bundle.write_bytes(bundle.read_bytes().replace(log.entries[300], entries(1, seed=9)[0]))


def edit_with_its_hashes(log: Log) -> None:
    changed = [*log.entries[:300], entries(1, seed=9)[0], *log.entries[301:]]
    Log(changed, log.folder).publish(note=log.checkpoint.signed(KEY))


def delete(log: Log) -> None:
    Log([*log.entries[:300], *log.entries[301:]], log.folder).publish(note=log.checkpoint.signed(KEY))


def delete_the_newest(log: Log) -> None:
    shorter = Log(log.entries[:-1], log.folder).publish(note=log.checkpoint.signed(KEY))
    for place in ("tile/0", "tile/entries"):
        (shorter.folder / place / "002.p/87").rename(shorter.folder / place / "002.p/88")


def reorder(log: Log) -> None:
    first, second = log.entries[10], log.entries[11]
    Log([*log.entries[:10], second, first, *log.entries[12:]], log.folder).publish(
        note=log.checkpoint.signed(KEY)
    )


def cut_off(log: Log) -> None:
    bundle = log.folder / "tile/entries/002.p/88"
    bundle.write_bytes(bundle.read_bytes()[:-40])


def lose_a_bundle(log: Log) -> None:
    (log.folder / "tile/entries/000").unlink()


def roll_back(log: Log) -> None:
    Log(log.entries[: SEEN - 1], log.folder).publish()


def rewrite_and_sign_with_the_real_key(log: Log) -> None:
    Log([*log.entries[:5], entries(1, seed=9)[0], *log.entries[6:]], log.folder).publish()


def rewrite_at_the_very_size(log: Log) -> None:
    Log([*log.entries[: SEEN - 1], entries(1, seed=9)[0]], log.folder).publish()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "attack",
    [
        edit,
        edit_with_its_hashes,
        delete,
        delete_the_newest,
        reorder,
        cut_off,
        lose_a_bundle,
        roll_back,
        rewrite_and_sign_with_the_real_key,
        rewrite_at_the_very_size,
    ],
)
def test_an_attack_on_the_log_is_found(
    name: str, attack: Callable[[Log], None], log: Log, seen: Path
) -> None:
    attack(log)
    assert VERIFIERS[name]()(log.folder, seen) != ""


# --- attacks on signatures and tiles -------------------------------------------------------------------


def sign_with_another_key(log: Log) -> None:
    log.publish(OTHER)


def strip_the_signature(log: Log) -> None:
    (log.folder / "checkpoint").write_text(log.checkpoint.text + "\n")


def take_the_signature_of_another_checkpoint(log: Log) -> None:
    line = KEY.sign(Log(log.entries[:5], log.folder).checkpoint.text)
    (log.folder / "checkpoint").write_text(log.checkpoint.text + "\n" + line)


def pass_for_another_log(log: Log) -> None:
    text = log.checkpoint.text.replace("branch.example", "other.example")
    (log.folder / "checkpoint").write_text(text + "\n" + KEY.sign(text))


def change_a_tile(log: Log) -> None:
    tile = log.folder / "tile/0/000"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])


def change_an_upper_tile(log: Log) -> None:
    tile = log.folder / "tile/1/000.p/2"
    tile.write_bytes(tile.read_bytes()[:32] + bytes(32))


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize(
    "attack",
    [
        sign_with_another_key,
        strip_the_signature,
        take_the_signature_of_another_checkpoint,
        pass_for_another_log,
        change_a_tile,
        change_an_upper_tile,
    ],
)
def test_a_forged_signature_or_tile_is_found(name: str, attack: Callable[[Log], None], log: Log) -> None:
    attack(log)
    assert VERIFIERS[name]()(log.folder) != ""


# --- attacks on a proof -------------------------------------------------------------------------------


def another_entry(log: Log, proof: Proof) -> Proof:
    return Proof(proof.index, proof.hashes, proof.note, entries(1, seed=9)[0])


def another_place(log: Log, proof: Proof) -> Proof:
    return Proof(proof.index + 1, proof.hashes, proof.note, proof.entry)


def another_way(log: Log, proof: Proof) -> Proof:
    return Proof(proof.index, (bytes(32), *proof.hashes[1:]), proof.note, proof.entry)


def a_shorter_way(log: Log, proof: Proof) -> Proof:
    return Proof(proof.index, proof.hashes[:-1], proof.note, proof.entry)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("attack", [another_entry, another_place, another_way, a_shorter_way])
def test_a_forged_proof_is_found(
    name: str, attack: Callable[[Log, Proof], Proof], log: Log, tmp_path: Path
) -> None:
    forged = tmp_path / "forged.spicy"
    forged.write_text(attack(log, log.proof(300)).text)
    assert VERIFIERS[name]()(log.folder, None, forged) != ""


@pytest.mark.parametrize("name", SIGNED)
def test_a_proof_under_a_root_of_the_attackers_own_is_found(name: str, log: Log, tmp_path: Path) -> None:
    forged = Log(entries(SIZE, seed=9), tmp_path / "forged").proof(300)
    note = forged.note.partition("\n\n")[0] + "\n\n" + OTHER.sign(forged.note.partition("\n\n")[0] + "\n")
    file = tmp_path / "forged.spicy"
    file.write_text(Proof(forged.index, forged.hashes, note, forged.entry).text)
    assert VERIFIERS[name]()(log.folder, None, file) != ""


# --- our own verifier's words -------------------------------------------------------------------------


@pytest.fixture
def lines(log: Log) -> Callable[[Callable[[Log], None]], str]:
    def said(attack: Callable[[Log], None]) -> str:
        attack(log)
        return ours(log.folder)

    return said


def test_what_is_wrong_is_said_in_a_plain_sentence(lines: Callable[[Callable[[Log], None]], str]) -> None:
    assert "Entry 300 does not fit the hash recorded for it" in lines(edit)
    assert "do not give the root hash that was signed" in lines(reorder)
    assert "is not signed by" in lines(sign_with_another_key)


def test_what_was_seen_is_kept_for_the_next_time(log: Log, seen: Path, tmp_path: Path) -> None:
    assert ours(log.folder, seen) == ""
    assert seen.read_text() == (log.folder / "checkpoint").read_text()
    roll_back(log)
    assert f"had {SIZE} entries when last seen, and has {SEEN - 1} now" in ours(log.folder, seen)
    assert seen.read_text() != Folder(log.folder).read("checkpoint").decode(), "what is wrong is not kept"
