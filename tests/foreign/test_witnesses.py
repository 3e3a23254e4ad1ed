"""Witnesses: ours, and witness-log from PyPI, in both directions. Neither cosigns a log that forked or was rolled back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from pytest_django import Settings
from uvicorn import Config, Server

from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.publiclog import queries, witnessing
from chatbranch.publiclog.actions import do_ask_witnesses, do_publish
from chatbranch.publiclog.keys import public_keys
from chatbranch.publiclog.models import Checkpoint as Signed
from chatbranch.publiclog.models import Entry as Row
from chatbranch.publiclog.models import Witness as Known
from chatbranch.publiclog.notes import COSIGNATURE, Checkpoint, Key, Note, Signer
from chatbranch.publiclog.proofs import Proof
from chatbranch.publiclog.submissions import CONFLICT, Submission
from chatbranch.publiclog.tests.conftest import own_log
from chatbranch.publiclog.tests.support import appended, audited
from chatbranch.publiclog.witness import Witness, application, key_of, place_of
from tests.foreign.made import KEY, OTHER, Log, entries
from tests.servers.install import CACHE
from tests.support.databases import Database

__all__ = ["own_log"]
HERE = Path(__file__).parent
OURS = Signer.of("ours.example", b"\5" * 32, COSIGNATURE)


def python() -> Path:
    found = CACHE / "witness_log/bin/python"
    if not found.exists():
        pytest.skip("needs witness-log: python3 tests/servers/install.py")
    return found


def submission(log: Log, old: int = 0) -> bytes:
    proof = tuple(log.tree.consistency_proof(old))
    return Submission(old, proof, log.checkpoint.signed(KEY)).body.encode()


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(OURS, [KEY.key], tmp_path / "witness")


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(entries(300), tmp_path / "log")


# --- a witness by itself --------------------------------------------------------------------------


def test_a_witness_cosigns_what_continues_what_it_saw(witness: Witness, log: Log) -> None:
    for old, new in ((0, 5), (5, 5), (5, 256), (256, 300)):
        grown = replace(log, entries=log.entries[:new])
        answer = witness.add_checkpoint(submission(grown, old))
        assert answer.status == 200
        ((_, line),) = Note.read(grown.checkpoint.signed(KEY) + answer.body).by([OURS.key])
        assert abs(line.at - clock.now().timestamp()) < 60
        kept = Note.read(witness.checkpoint(place_of(KEY.key.name)) or b"")
        assert [key for key, _ in kept.by([KEY.key, OURS.key])] == [KEY.key, OURS.key]


def test_a_witness_refuses_a_fork_and_a_rollback_also_after_a_restart(
    witness: Witness, log: Log, tmp_path: Path
) -> None:
    assert witness.add_checkpoint(submission(log)).status == 200
    again = Witness(OURS, [KEY.key], tmp_path / "witness")
    fork = Log([*log.entries[:10], *entries(300, seed=9)], tmp_path)
    rewritten = Log(entries(300, seed=9), tmp_path)
    shorter = replace(log, entries=log.entries[:299])
    assert again.add_checkpoint(submission(fork, 300)).status == 422
    assert again.add_checkpoint(submission(rewritten, 300)).status == 422
    assert again.add_checkpoint(submission(shorter)).status == 409
    assert again.add_checkpoint(submission(fork)).status == 409
    known = Checkpoint.read(Note.read(again.checkpoint(place_of(KEY.key.name)) or b"").text)
    assert (known.size, known.root) == (300, log.checkpoint.root)


def test_a_witness_tells_where_to_begin(witness: Witness, log: Log) -> None:
    witness.add_checkpoint(submission(replace(log, entries=log.entries[:7])))
    answer = witness.add_checkpoint(submission(log))
    assert (answer.status, answer.body, answer.kind) == (409, "7\n", CONFLICT)


def test_a_witness_answers_as_the_specification_has_it(witness: Witness, log: Log) -> None:
    said = submission(log).decode()
    unknown = Signer.of("other.example/log", b"\7" * 32)
    text = Checkpoint("other.example/log", 0, log.checkpoint.root).signed(unknown)
    empty = Checkpoint(KEY.key.name, 0, log.checkpoint.root).signed(KEY)
    for body, status in (
        ("nonsense", 400),
        (said.replace("old 0", "old 301"), 400),
        (said.replace("old 0", "old 00"), 400),
        (f"old 0\n\n{text}", 404),
        (said.replace(KEY.sign(log.checkpoint.text), OTHER.sign(log.checkpoint.text)), 403),
        (said.replace("\n300\n", "\n301\n"), 403),
        (f"old 0\n\n{empty}", 422),
        (said.replace("old 0\n", f"old 0\n{'A' * 43}=\n"), 422),
    ):
        assert witness.add_checkpoint(body.encode()).status == status, body[:60]
    assert witness.add_checkpoint(b"\xff").status == 400
    assert witness.checkpoint(place_of(KEY.key.name)) is None


def test_a_state_that_cannot_be_read_is_not_begun_anew(witness: Witness, log: Log, tmp_path: Path) -> None:
    witness.add_checkpoint(submission(log))
    (tmp_path / "witness" / place_of(KEY.key.name) / "checkpoint").write_text("damaged")
    with pytest.raises(Exception, match="signed note"):
        witness.add_checkpoint(submission(log, 300))


def test_a_witness_keeps_its_name_and_its_secret(tmp_path: Path) -> None:
    made = key_of(tmp_path / "w", "w.example")
    assert key_of(tmp_path / "w", "") == made
    assert (tmp_path / "w/witness.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Exception, match="keeps that name"):
        key_of(tmp_path / "w", "other.example")


def test_another_logs_software_is_cosigned_by_our_witness(tmp_path: Path) -> None:
    said = json.loads(
        subprocess.run([python(), HERE / "log_client.py"], capture_output=True, check=True).stdout
    )
    key = Key.read(said["vkey"])
    witness = Witness(OURS, [key], tmp_path / "witness")
    assert [witness.add_checkpoint(body.encode()).status for body in said["bodies"]] == [200, 200, 200]
    assert witness.add_checkpoint(said["fork"].encode()).status in (409, 422)


# --- our log and its witnesses ----------------------------------------------------------------------


@contextmanager
def foreign_witness(state: Path, key: Key) -> Iterator[dict[str, str]]:
    command = [python(), HERE / "witness_server.py", state, key.name, key.vkey]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        port, vkey = process.stdout.readline().split()
        yield {"url": f"http://127.0.0.1:{port}", "key": vkey}
    finally:
        process.kill()
        process.wait()


@contextmanager
def our_witness(state: Path, key: Key) -> Iterator[dict[str, str]]:
    import threading

    witness = Witness(OURS, [key], state)
    server = Server(Config(application(witness), port=0, lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        pass
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield {"url": f"http://127.0.0.1:{port}/", "key": OURS.key.vkey}
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def asked(sqlite_database: Database, settings: Settings, tmp_path: Path) -> Iterator[Any]:
    """A log of five entries, and its two witnesses; not asked yet."""
    appended(5)
    (key,) = public_keys()
    with foreign_witness(tmp_path / "theirs", key) as theirs, our_witness(tmp_path / "ours", key) as ours:
        settings.CONFIG = replace(settings.CONFIG, witnesses={"theirs": theirs, "ours": ours})
        yield settings.CONFIG.witnesses


def test_our_checkpoint_is_cosigned_by_two_and_published_with_that(asked: Any) -> None:
    assert queries.newest_witnessed() is None
    assert do_ask_witnesses() == 2
    keys = [Key.read(each["key"]) for each in asked.values()]
    assert len(audited(witnesses=keys).cosigned) == 2
    state = queries.state()
    assert state is not None
    assert state.witnessed
    proof = queries.proof(3)
    assert proof is not None
    assert len(Note.read(Proof.read(proof.text).note).by(keys)) == 2
    assert do_ask_witnesses() == 0, "nobody is asked twice for the same"


def test_a_log_that_grows_is_cosigned_again_and_old_proofs_stay_witnessed(asked: Any) -> None:
    do_ask_witnesses()
    appended(300)
    proof = queries.proof(3)
    assert proof is not None
    assert "\n5\n" in proof.note, (
        "the newest checkpoint is not witnessed yet, and the proof leads to the one that is"
    )
    newest = queries.proof(200)
    assert newest is not None
    assert "\n305\n" in newest.note
    assert do_ask_witnesses() == 2
    grown = queries.proof(3)
    assert grown is not None
    assert "\n305\n" in grown.note


def test_a_witness_that_knows_more_of_our_log_than_we_remember_is_asked_from_there(asked: Any) -> None:
    do_ask_witnesses()
    Known.objects.all().delete()
    appended(2)
    assert do_ask_witnesses() == 2


def test_no_witness_cosigns_our_log_once_it_was_rewritten(asked: Any, own_log: Path) -> None:
    import shutil

    from django.db import connection

    do_ask_witnesses()
    with connection.cursor() as cursor:
        for table in ("cosignature", "checkpoint", "salt", "entry"):
            cursor.execute(f"DELETE FROM publiclog_{table}")
    shutil.rmtree(own_log)
    appended(7)  # other salts, so another history; signed with the real key
    assert do_ask_witnesses() == 0
    assert set(Known.objects.values_list("problem", flat=True)) != {""}
    assert queries.newest_witnessed() is None


def test_a_witness_that_is_away_is_asked_later_and_holds_nothing_up(asked: Any, settings: Settings) -> None:
    gone = {**asked, "theirs": {**asked["theirs"], "url": "http://127.0.0.1:9"}}
    settings.CONFIG = replace(settings.CONFIG, witnesses=gone)
    assert do_ask_witnesses() == 1
    (row,) = Known.objects.exclude(failures=0)
    assert row.next_at > clock.now()
    assert row.problem
    assert do_ask_witnesses() == 0
    state = queries.state()
    assert state is not None
    assert not state.witnessed


def test_members_are_told_when_witnessing_has_waited_for_a_day(asked: Any) -> None:
    assert not witnessing.waits_too_long()
    with clock.held(clock.ahead(hours=25)):
        assert witnessing.waits_too_long()
        do_ask_witnesses()
        assert not witnessing.waits_too_long()


def test_what_witnesses_have_seen_can_be_asked_of_those_that_show_it(asked: Any) -> None:
    do_ask_witnesses()
    origin = Checkpoint.read(Note.read(Signed.objects.get().note).text).origin
    assert witnessing.seen_by_witnesses(origin) == {"ours": 5}
    assert witnessing.seen_by_witnesses("other.example") == {}


def test_an_answer_that_is_too_long_or_nobodys_is_no_cosignature(
    asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for said in ("x" * 100_000, OTHER.sign("another text\n")):
        monkeypatch.setattr(witnessing, "_submit", lambda *_, said=said: httpx.Response(200, text=said))
        Known.objects.all().delete()
        assert do_ask_witnesses() == 0


def test_rows_and_published_are_untouched_by_all_this(asked: Any) -> None:
    before = list(Row.objects.order_by("index").values_list("leaf", flat=True))
    do_ask_witnesses()
    do_publish()
    assert list(Row.objects.order_by("index").values_list("leaf", flat=True)) == before
    assert settings.LOG_DIR
    with pytest.raises(Refused):
        audited(key=OTHER.key)
