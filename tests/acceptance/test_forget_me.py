"""“Forget me” erases an asker everywhere: tables, indexes, database file, write-ahead log, files, logs; and again after a restore."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, transaction

from chatbranch.cases import telling
from chatbranch.cases.models import Asker, Case
from chatbranch.contacts import actions as contacts
from chatbranch.contacts.models import Scope
from chatbranch.deliveries.models import Delivery
from chatbranch.intake import actions as intake
from chatbranch.intake.models import Submission
from tests.support.databases import Database
from tests.support.people import ask, case_of, decide, found_branch, inbound
from tests.support.traces import in_files, in_tables

CANARY = "@canary-7f3a91:example.org"
RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"


def everything_about(address: str, channel: str) -> list[str]:
    """The address, and every pseudonym it has or could have under any salt there is."""
    return [
        address,
        *(contacts.pseudonym_of(channel, address, scope.subject) for scope in Scope.objects.all()),
    ]


def use_everything() -> Case:
    """The canary asks in a case, is told a verdict, asks about a known claim, sends a code, floods a little."""
    members = found_branch()
    case = case_of(ask(RUMOUR, asker=CANARY, channel="matrix"))
    ask("另一件事：东湖小学明天停课一周，家长互相转告", asker=CANARY, channel="matrix")
    ask(RUMOUR, asker="somebody who stays", channel="matrix")
    decide(members, case)
    while telling.do_tell_verdicts():
        pass
    ask(RUMOUR, asker=CANARY, channel="matrix")
    ask(case.code, asker=CANARY, channel="matrix")
    return case


@pytest.mark.usefixtures("own_index")
def test_forget_me_in_a_chat_leaves_nothing_anywhere(
    either_database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        case = use_everything()
        needles = everything_about(CANARY, "matrix")
        assert in_tables(needles), "the canary was never there"
        answer = ask("忘记我", asker=CANARY, channel="matrix")
        assert answer.outcome == "forgotten"
        farewell = Delivery.objects.get(kind="farewell")
        Delivery.objects.filter(pk=farewell.pk).update(state="sent")
        assert intake.do_finish_forgetting() == 1
        assert intake.do_scrub()
    left = [where for where in in_tables(needles) if not where.startswith("contacts_scope")]
    assert left == []
    if either_database.file:
        connection.close()
        assert in_files([either_database.file.parent, tmp_path / "index", tmp_path / "files"], needles) == []
    assert [needle for needle in needles if needle in caplog.text] == []
    assert Asker.objects.count() == 1
    assert Case.objects.get(pk=case.pk).askers_count == 2  # how many asked stays true; who they were is gone


@pytest.mark.usefixtures("own_index")
def test_whoever_was_forgotten_is_forgotten_again_after_an_older_state_comes_back(
    either_database: Database,
) -> None:
    use_everything()
    needles = everything_about(CANARY, "matrix")
    kept = [
        (model, list(model._base_manager.values()))
        for model in (*apps.get_app_config("contacts").get_models(), Asker, Submission)
    ]
    intake.do_forget("matrix", CANARY)
    with transaction.atomic():
        for model, rows in kept:
            model._base_manager.bulk_create([model(**row) for row in rows], ignore_conflicts=True)
    assert in_tables(needles)
    assert intake.do_forget_again() > 0
    assert in_tables(needles) == []


@pytest.mark.usefixtures("own_index")
def test_a_forgotten_asker_is_not_told_and_the_others_are(sqlite_database: Database) -> None:
    members = found_branch()
    case = case_of(ask(RUMOUR, asker=CANARY))
    ask(RUMOUR, asker="somebody who stays")
    intake.do_forget("web", CANARY)
    decide(members, case)
    while telling.do_tell_verdicts():
        pass
    assert Delivery.objects.filter(kind="verdict").count() == 1


@pytest.mark.usefixtures("own_index")
def test_a_message_waiting_to_be_answered_is_erased_too(sqlite_database: Database) -> None:
    intake.do_accept(inbound(RUMOUR, asker=CANARY))
    intake.do_forget("web", CANARY)
    assert Submission.objects.count() == 0
