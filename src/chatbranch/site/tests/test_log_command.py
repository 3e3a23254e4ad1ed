"""`chatbranch log` and `chatbranch witness`, as people type them."""

from __future__ import annotations

import fcntl
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pytest_django import Settings
from tests.foreign.made import KEY, Log, entries
from tests.support.databases import Database

from chatbranch.publiclog.keys import public_keys
from chatbranch.publiclog.notes import COSIGNATURE, Key, Signer
from chatbranch.publiclog.tests.support import appended
from chatbranch.site.cli import main


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """A log of 300 entries, served by a web server that knows nothing but files."""
    Log(entries(300), tmp_path / "www" / "log").publish()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "www")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/log"
    server.shutdown()


def test_a_log_behind_a_plain_web_server_is_audited_by_its_address(served: str) -> None:
    done = run("log", "verify", served + "/", "--key", KEY.key.vkey)
    assert done.exit_code == 0, done.output
    assert "all 300 entries are what was signed" in done.output


def test_without_a_key_the_logs_own_is_believed_and_that_is_said(served: str) -> None:
    done = run("log", "verify", served)
    assert done.exit_code == 0
    assert "compare it with what the branch says elsewhere" in done.output


def test_what_is_wrong_ends_with_one_sentence_and_exit_code_1(served: str, tmp_path: Path) -> None:
    (tmp_path / "www/log/tile/0/000").unlink()
    for arguments, said in (
        ((served,), "The log has no file tile/0/000."),
        ((served + "/nowhere",), "The log has no file checkpoint."),
        ((tmp_path / "nowhere",), "neither an address nor a folder"),
        (("http://127.0.0.1:9/log",), "cannot be read"),
        ((served, "--key", "nonsense"), "not a verifier key"),
    ):
        done = run("log", "verify", *arguments)
        assert done.exit_code == 1
        assert said in done.output


def test_a_witness_that_must_have_cosigned_and_has_not_is_named(served: str) -> None:
    witness = Signer.of("w.example", b"\1" * 32, COSIGNATURE)
    done = run("log", "verify", served, "--witness", witness.key.vkey)
    assert (done.exit_code, "not cosigned by w.example" in done.output) == (1, True)


def test_a_witness_is_made_with_a_name_and_keeps_it(tmp_path: Path) -> None:
    first = run("witness", "--state", tmp_path / "w", "--name", "w.example")
    assert first.exit_code == 0
    assert Key.read(first.output).name == "w.example"
    assert run("witness", "--state", tmp_path / "w").output == first.output
    assert "keeps that name" in run("witness", "--state", tmp_path / "w", "--name", "x.example").output
    assert "give --name" in run("witness", "--state", tmp_path / "new").output


def test_the_key_is_changed_only_while_the_branch_is_stopped(
    sqlite_database: Database, settings: Settings, tmp_path: Path
) -> None:
    shutil.copytree(settings.CONFIG.keys, tmp_path / "data/keys")
    settings.CONFIG = replace(settings.CONFIG, data=tmp_path / "data")
    settings.SECRETS, settings.LOG_DIR = dict(settings.SECRETS), tmp_path / "data/log"
    appended(2)
    with (tmp_path / "data/up.lock").open("a") as running:
        fcntl.flock(running, fcntl.LOCK_EX)
        refused = run("log", "rotate-key")
        assert (refused.exit_code, len(public_keys())) == (1, 1)
    done = run("log", "rotate-key")
    assert done.exit_code == 0, done.output
    assert public_keys()[-1].vkey in done.output
    audited = run("log", "verify", tmp_path / "data/log", "--key", public_keys()[0].vkey)
    assert "signs now with" in audited.output
