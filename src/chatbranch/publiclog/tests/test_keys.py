"""The log's key: one follows another, and a change cut off anywhere leaves one of the two in force."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django import Settings
from tests.support.databases import Database

from chatbranch.kernel.errors import Refused
from chatbranch.publiclog import keys, rotating
from chatbranch.publiclog.actions import do_append, do_publish, do_replace_lost_key, do_rotate_key
from chatbranch.publiclog.models import Entry, LogKey
from chatbranch.publiclog.notes import Signer
from chatbranch.publiclog.tests.support import appended, audited, drafts


@pytest.fixture
def own_keys(settings: Settings, tmp_path: Path, sqlite_database: Database) -> Path:
    """Keys of this test's own, in a folder `data/keys`."""
    shutil.copytree(settings.CONFIG.keys, tmp_path / "data/keys")
    settings.CONFIG = replace(settings.CONFIG, data=tmp_path / "data")
    settings.SECRETS = dict(settings.SECRETS)
    return tmp_path / "data/keys"


def test_the_log_is_named_by_its_address_or_by_its_key(own_keys: Path, settings: Settings) -> None:
    appended(1)
    assert keys.public_keys()[0].name.endswith(".chatbranch.invalid/log")
    settings.CONFIG = replace(settings.CONFIG, public_url="https://分会.example/check/")
    named = keys._origin(keys.public_keys()[0])
    assert named == "xn--6oqz4e.example/check/log"


def test_a_new_key_follows_the_old_one_and_an_outsider_follows_too(own_keys: Path) -> None:
    appended(3)
    first, secret = keys.public_keys()[0], (own_keys / "log.key").read_text()
    second = do_rotate_key()
    appended(2)
    third = do_rotate_key()
    found = audited(key=first)
    assert (found.key, found.now, found.checkpoint.size) == (first, third, 7)
    assert keys.public_keys() == [first, second, third]
    assert Entry.objects.filter(kind="key.rotated").count() == 2
    assert (own_keys / "log.key").read_text() != secret
    assert (own_keys / "log.key").stat().st_mode & 0o777 == 0o600
    assert not (own_keys / keys.NEXT).exists()
    with pytest.raises(Refused, match="signature of the one before"):
        audited(key=second)


@pytest.mark.parametrize(
    ("where", "what", "changed"),
    [
        (rotating, "do_append", False),
        (rotating.keys, "do_settle_rotation", True),
        (rotating, "do_publish", True),
    ],
)
def test_a_change_that_is_cut_off_leaves_one_key_in_force(
    own_keys: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    where: object,
    what: str,
    changed: bool,
) -> None:
    appended(3)
    first, calls = keys.public_keys()[0], []
    real = getattr(where, what)

    def cut_off(*given: object) -> object:
        calls.append(1)
        if what == "do_append" or len(calls) == 2:  # the others are called once before the change begins
            raise KeyboardInterrupt
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(where, what, cut_off)
        with pytest.raises(KeyboardInterrupt):
            do_rotate_key()
    settings.SECRETS["log"] = (own_keys / "log.key").read_text().strip()  # as the next start reads it
    do_append(drafts(1))
    do_publish()
    assert LogKey.objects.count() == 1 + changed
    assert audited(key=first).now == keys.public_keys()[-1]
    assert not (own_keys / keys.NEXT).exists()


def test_a_log_without_entries_needs_no_change(own_keys: Path) -> None:
    with pytest.raises(Refused, match="no entry yet"):
        do_rotate_key()


def test_a_lost_key_is_replaced_and_whoever_audits_is_told_to_ask(own_keys: Path, settings: Settings) -> None:
    appended(3)
    before, seen = keys.public_keys()[0], audited().note
    settings.SECRETS["log"] = "11" * 32  # the folder of keys was lost, and the next start made others
    do_append(drafts(1))
    with pytest.raises(Refused, match="rotate-key --lost"):
        do_publish()
    new = do_replace_lost_key()
    assert keys.public_keys() == [before, new]
    with pytest.raises(Refused, match="Ask the branch in another way"):
        audited(key=before, seen=seen)
    found = audited(key=before, accepted=[new], seen=seen)
    assert (found.now, found.checkpoint.size) == (new, 5)
    appended(1)
    with pytest.raises(Refused):
        audited(key=before, accepted=[Signer.of(before.name, b"\2" * 32).key])


def test_a_key_that_is_here_is_not_replaced_as_lost(own_keys: Path) -> None:
    with pytest.raises(Refused, match="nothing was lost"):
        do_replace_lost_key()
    appended(1)
    with pytest.raises(Refused, match="nothing was lost"):
        do_replace_lost_key()
