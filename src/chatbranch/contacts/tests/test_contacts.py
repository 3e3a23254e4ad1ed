"""Pseudonyms, sealed addresses, and their end."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st
from tests.support.databases import Database

from chatbranch.contacts import keys, rules, seals
from chatbranch.contacts.actions import (
    day_scope,
    do_erase,
    do_expire,
    do_forget,
    do_keep,
    do_scrub,
    forgotten_again,
    pseudonym_of,
)
from chatbranch.contacts.models import Contact, Scope
from chatbranch.contacts.queries import Reach, destination, open_contact, open_contacts, unreachable
from chatbranch.kernel import clock, ids

KEY = bytes(range(32))
TEXT = st.text(max_size=300)


@pytest.fixture(autouse=True)
def forgotten_list() -> Iterator[Path]:
    """The list, empty before each test."""
    assert settings.CONFIG.data.name.startswith("chatbranch-test-")
    keys.forgotten_list().unlink(missing_ok=True)
    yield keys.forgotten_list()
    keys.forgotten_list().unlink(missing_ok=True)


# --- seals: pure ---------------------------------------------------------------------------------


@given(TEXT, TEXT)
def test_a_sealed_address_opens_only_with_its_key_under_its_pseudonym_on_its_channel(
    channel: str, address: str
) -> None:
    sealed = seals.seal(KEY, "p", "c", address)
    assert seals.unseal(KEY, "p", "c", sealed) == address
    for key, pseudonym, other in ((KEY[::-1], "p", "c"), (KEY, "q", "c"), (KEY, "p", "d")):
        with pytest.raises(seals.Unreadable):
            seals.unseal(key, pseudonym, other, sealed)


@given(st.binary(max_size=100))
def test_damaged_bytes_are_unreadable_and_nothing_worse(sealed: bytes) -> None:
    with pytest.raises(seals.Unreadable):
        seals.unseal(KEY, "p", "c", sealed)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_sealed_length_tells_little_of_the_address(one: str, other: str) -> None:
    lengths = {len(seals.seal(KEY, "p", "c", each)) for each in (one, other) if len(each.encode()) <= 62}
    assert len(lengths) <= 1


def test_the_parts_of_a_digest_cannot_be_shifted() -> None:
    assert seals.digest(KEY, "web", "1anna") != seals.digest(KEY, "web1", "anna")
    assert seals.digest(KEY, "web", "anna") == seals.digest(KEY, "web", "anna")
    assert len(seals.digest(KEY)) == 64


# --- pseudonyms ----------------------------------------------------------------------------------


def test_a_pseudonym_holds_for_one_subject_one_channel_and_one_address(either_database: Database) -> None:
    one, other = ids.new_id(), ids.new_id()
    name = pseudonym_of("wechat", "anna", one)
    assert pseudonym_of("wechat", "anna", one) == name
    different = {
        pseudonym_of("wechat", "anna", other),
        pseudonym_of("web", "anna", one),
        pseudonym_of("wechat", "bo", one),
    }
    assert len(different | {name}) == 4


def test_a_pseudonym_cannot_be_recomputed_once_its_salt_is_gone(either_database: Database) -> None:
    subject = ids.new_id()
    before = pseudonym_of("wechat", "anna", subject)
    Scope.objects.all().delete()
    assert pseudonym_of("wechat", "anna", subject) != before


def test_each_day_has_a_subject_of_its_own_that_no_case_can_have() -> None:
    monday, tuesday = day_scope(date(2026, 11, 23)), day_scope(date(2026, 11, 24))
    assert monday != tuesday
    assert monday == day_scope(date(2026, 11, 23))
    assert (monday.version, ids.new_id().version) == (5, 7)


# --- keeping and ending --------------------------------------------------------------------------


def test_a_kept_address_opens_again_and_is_nowhere_in_clear(either_database: Database) -> None:
    name = do_keep("wechat", "anna-from-the-river", ids.new_id(), "zh-Hant")
    assert open_contact(name) == Reach("wechat", "anna-from-the-river", "zh-Hant")
    assert b"anna" not in bytes(Contact.objects.get().sealed)
    assert open_contact("f" * 64) is None


def test_asking_again_moves_the_window_on_and_never_shortens_it(either_database: Database) -> None:
    subject, start = ids.new_id(), clock.now()
    for later, days, expected in ((0, 90, 90), (10, 2, 90), (20, 90, 110), (30, 400, 120)):
        with clock.held(start + timedelta(days=later)):
            do_keep("wechat", "anna", subject, "en", days)
        assert Contact.objects.get().expires_at == start + timedelta(days=expected)


def test_an_address_is_of_no_use_the_moment_its_window_ends(either_database: Database) -> None:
    name = do_keep("wechat", "anna", ids.new_id(), "en", 5)
    with clock.held(clock.now() + timedelta(days=5)):
        assert open_contact(name) is None
        assert do_expire() == 1
    assert not Contact.objects.exists()
    assert unreachable([name]) == [name]


def test_salts_go_with_the_last_address_and_a_days_salt_with_its_last_answer(
    either_database: Database,
) -> None:
    case, quiet, day = ids.new_id(), ids.new_id(), day_scope(clock.now().date())
    do_keep("wechat", "anna", case, "en", 90)
    pseudonym_of("wechat", "anna", quiet)
    pseudonym_of("wechat", "anna", day)
    start = clock.now()
    for days, left in ((31, {case, quiet, day}), (33, {case, quiet}), (89, {case, quiet}), (92, set())):
        with clock.held(start + timedelta(days=days)):
            do_expire()
        assert set(Scope.objects.values_list("subject", flat=True)) == left, days


def test_a_salt_in_use_again_stays(either_database: Database) -> None:
    subject = ids.new_id()
    before = pseudonym_of("wechat", "anna", subject)
    with clock.held(clock.now() + timedelta(days=80)):
        assert pseudonym_of("wechat", "anna", subject) == before
    with clock.held(clock.now() + timedelta(days=100)):
        do_expire()
        assert pseudonym_of("wechat", "anna", subject) == before


def test_contacts_of_another_branchs_keys_do_not_open_and_nothing_breaks(
    either_database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = do_keep("wechat", "anna", ids.new_id(), "en")
    monkeypatch.setitem(settings.SECRETS, "contacts", "00" * 32)
    assert open_contact(name) is None
    assert "restored without its keys" in caplog.text


def test_a_destination_is_named_alike_for_every_subject_and_tells_no_address(
    either_database: Database,
) -> None:
    assert destination("wechat", "anna") == destination("wechat", "anna") != destination("web", "anna")
    assert "anna" not in destination("wechat", "anna")


# --- forgetting ----------------------------------------------------------------------------------


def test_forgetting_finds_an_address_in_every_subject_and_nobody_else(either_database: Database) -> None:
    subjects = [ids.new_id() for _ in range(30)]
    names = {do_keep("wechat", "anna", subject, "en") for subject in subjects}
    others = [do_keep("wechat", "bo", subject, "en") for subject in subjects]
    never_kept = pseudonym_of("wechat", "anna", ids.new_id())
    assert set(do_forget("wechat", "anna")) == names | {never_kept}
    assert not open_contacts([*names])
    assert len(open_contacts(others)) == 30


def test_a_restored_backup_is_forgotten_again(either_database: Database, forgotten_list: Path) -> None:
    subject = ids.new_id()
    name, other = do_keep("wechat", "anna", subject, "en"), do_keep("wechat", "bo", subject, "en")
    backup = list(Contact.objects.all())
    do_forget("wechat", "anna")
    Contact.objects.all().delete()
    Contact.objects.bulk_create(backup)
    assert forgotten_again([name, other]) == [name]
    assert do_erase(forgotten_again([name, other])) == 1
    assert open_contact(name) is None
    assert open_contact(other) is not None
    assert name not in forgotten_list.read_text()


def test_the_forgotten_list_outlives_a_torn_line(either_database: Database, forgotten_list: Path) -> None:
    name = do_keep("wechat", "anna", ids.new_id(), "en")
    forgotten_list.write_text("2026-11 0123")  # a power cut tore this line
    do_forget("wechat", "anna")
    assert forgotten_again([name]) == [name]


def test_the_forgotten_list_forgets_what_no_backup_can_bring_back(
    either_database: Database, forgotten_list: Path
) -> None:
    old = do_keep("wechat", "anna", ids.new_id(), "en")
    do_forget("wechat", "anna")
    with clock.held(clock.now() + timedelta(days=120)):
        do_expire()
        assert forgotten_again([old]) == [old]
        new = do_keep("wechat", "bo", ids.new_id(), "en")
        do_forget("wechat", "bo")
    with clock.held(clock.now() + timedelta(days=240)):
        do_expire()
    assert forgotten_again([old, new]) == [new]
    assert stat.S_IMODE(forgotten_list.stat().st_mode) == 0o600


def test_keys_and_the_forgotten_list_are_readable_by_their_owner_alone(
    either_database: Database, forgotten_list: Path
) -> None:
    do_keep("wechat", "anna", ids.new_id(), "en")
    do_forget("wechat", "anna")
    assert stat.S_IMODE(settings.CONFIG.keys.stat().st_mode) == 0o700
    files = [each for each in settings.CONFIG.keys.iterdir() if each.is_file()]
    assert {"contacts.key", "pseudonyms.key", "forgotten.key", "forgotten.list"} <= {
        each.name for each in files
    }
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}


def test_keys_addresses_and_pseudonyms_never_reach_the_log(
    either_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    name = do_keep("wechat", "anna-from-the-river", ids.new_id(), "en")
    open_contact(name)
    do_forget("wechat", "anna-from-the-river")
    do_expire()
    do_scrub()
    for secret in (*settings.SECRETS.values(), "anna-from-the-river", name):
        assert secret not in caplog.text


def test_a_scrub_inside_a_transaction_is_a_mistake(sqlite_database: Database) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        do_scrub()


def test_windows_never_exceed_ninety_days() -> None:
    assert [rules.kept_days(days) for days in (-1, 0, 1, 30, 90, 91)] == [1, 1, 1, 30, 90, 90]
