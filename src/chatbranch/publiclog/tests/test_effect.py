"""No proof, no effect: nobody sees a verdict before anyone can prove that it is in the public log."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.test import Client
from tests.support.databases import Database
from tests.support.people import ask, case_of, decide, found_branch

from chatbranch.branch.models import Member
from chatbranch.cases.models import Case
from chatbranch.cases.queries import status_text
from chatbranch.cases.telling import do_tell_verdicts
from chatbranch.claims import actions as claims
from chatbranch.claims import queries as library
from chatbranch.claims.exporting import do_export_file
from chatbranch.claims.importing import do_import_file
from chatbranch.deliveries.models import Delivery
from chatbranch.journal.models import Event
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.matching import actions as matching
from chatbranch.publiclog import effect, queries, tiles
from chatbranch.publiclog.actions import KeepUp, do_append, do_follow, do_give_effect, do_keep_up, do_publish
from chatbranch.publiclog.effect import holds_verdicts_back
from chatbranch.publiclog.keys import public_keys
from chatbranch.publiclog.models import Entry
from chatbranch.publiclog.notes import BadNote
from chatbranch.publiclog.tests.support import drafts, published

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("own_index"),
    pytest.mark.real_log,
]
RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
SOURCE = [{"url": "https://source.example/page"}]


def decided(members: dict[str, Member] | None = None) -> Case:
    """A case whose askers' messages go to a chat, and on which the branch has just agreed."""
    case = case_of(ask(RUMOUR, asker="grandmother", channel="wechat"))
    decide(members or found_branch(), case)
    case.refresh_from_db()
    return case


def published_claim(rating: str = "false") -> UUID:
    day = clock.now().date()
    claim = claims.do_publish(
        claim_id=None, wordings={"zh-Hans": RUMOUR}, rating=rating, as_of=day, sources=SOURCE
    ).claim_id
    do_keep_up()
    return claim


def visible(claim: UUID) -> bool:
    """Whether the verdict's page, its JSON, or the library's list shows it."""
    pages = (f"/claims/{claim}/", f"/claims/{claim}.json", f"/claims/{claim}/?version=1")
    shown = [Client().get(page).status_code == 200 for page in pages] + [bool(library.recent())]
    assert all(shown) or not any(shown)
    return all(shown)


def told() -> list[str]:
    while do_tell_verdicts():
        pass
    return [each.body["text"] for each in Delivery.objects.filter(kind="verdict").order_by("id")]


def test_a_verdict_stands_once_its_entry_is_published(either_database: Database) -> None:
    case = decided()
    assert case.claim_id is not None
    assert case.state == "decided"
    assert not visible(case.claim_id)
    assert told() == []
    do_follow()
    do_give_effect()
    assert not visible(case.claim_id), "appended, and not published yet"
    do_publish()
    do_give_effect()
    assert visible(case.claim_id)
    assert "不实" in told()[0]
    proof = queries.proof_of(case.claim_id, 1)
    assert proof is not None
    assert proof.verified(public_keys()).size >= 1
    event = Event.objects.get(kind="verdict.published")
    assert event.data["entry"] == queries.index_of(case.claim_id, 1)


def test_to_those_outside_the_case_is_open_until_then() -> None:
    case = decided()
    assert "还没有结论" in status_text(case.code, "zh-Hans")
    again = ask(RUMOUR, asker="uncle", channel="wechat")
    assert (again.outcome, case_of(again).code) == ("new", case.code)
    assert 'data-case="' in Client().get(f"/status/{case.code}/").content.decode(), "the page goes on waiting"
    do_keep_up()
    assert "不实" in status_text(case.code, "zh-Hans")
    assert len(told()) == 2, "whoever asked in between is told too"


def test_a_message_is_answered_by_it_from_then_on_also_where_the_index_knew_its_wording_before() -> None:
    case = decided()
    matching.do_index_new()
    assert ask(RUMOUR).outcome == "new"
    do_keep_up()
    answer = ask(RUMOUR)
    assert (answer.outcome, answer.verdict) == ("answer", "false")
    assert answer.claim is not None
    assert answer.claim["id"] == str(case.claim_id)


def test_a_change_and_a_withdrawal_leave_the_verdict_before_standing_until_then() -> None:
    claim = published_claim()
    day = clock.now().date()
    claims.do_publish(claim_id=claim, wordings={}, rating="true", as_of=day, sources=SOURCE)
    claims.do_withdraw(claim, reason={"en": "we were wrong"})
    card = library.claim_card(claim)
    assert card is not None
    assert (card.rating, card.version, len(card.history), card.current) == ("false", 1, 1, True)
    assert library.claim_card(claim, 2) is None
    do_keep_up()
    card = library.claim_card(claim)
    assert card is not None
    assert (card.rating, [each.rating for each in card.history]) == (
        "withdrawn",
        ["withdrawn", "true", "false"],
    )
    said = Event.objects.filter(kind="verdict.published").order_by("seq")
    assert [(each.data["version"], each.data["previous"]) for each in said] == [
        (1, ""),
        (2, "false"),
        (3, "true"),
    ]


def test_a_crash_after_publishing_gives_effect_once_at_the_next_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    case = decided()
    with monkeypatch.context() as patch:
        patch.setattr(
            effect, "do_take_effect", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("cut off"))
        )
        with pytest.raises(RuntimeError):
            do_keep_up()
    assert case.claim_id is not None
    assert not visible(case.claim_id)
    while do_keep_up():
        pass
    assert visible(case.claim_id)
    assert Event.objects.filter(kind="verdict.published").count() == 1
    assert not do_keep_up()


def test_a_log_that_cannot_be_published_holds_verdicts_back_and_members_read_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claim = published_claim()
    claims.do_withdraw(claim, reason={"en": "we were wrong"})
    with monkeypatch.context() as patch:
        patch.setitem(settings.SECRETS, "log", "00" * 32)  # the key was lost
        with pytest.raises(Refused):
            do_keep_up()
    do_give_effect()
    card = library.claim_card(claim)
    assert card is not None
    assert card.rating == "false"
    assert not holds_verdicts_back(), "a moment is no cause for alarm"
    with clock.held(clock.now() + timedelta(minutes=6)):
        assert holds_verdicts_back()


def test_a_decision_that_was_never_logged_is_noticed_too() -> None:
    decided()
    with clock.held(clock.now() + timedelta(minutes=6)):
        assert holds_verdicts_back()
    do_keep_up()
    with clock.held(clock.now() + timedelta(minutes=6)):
        assert not holds_verdicts_back()


def test_without_a_proof_that_holds_a_published_entry_gives_no_effect() -> None:
    published_claim()
    second = claims.do_publish(
        claim_id=None, wordings={"en": "Another"}, rating="false", as_of=clock.now().date(), sources=SOURCE
    ).claim_id
    do_follow()
    do_publish()
    tile = published().root / tiles.Tile(0, 0, Entry.objects.count()).path
    tile.write_bytes(bytes(len(tile.read_bytes())))
    with pytest.raises(BadNote):
        do_give_effect()
    assert library.claim_card(second) is None


def test_our_own_export_come_back_waits_for_the_log_too(tmp_path: Path) -> None:
    claim, elsewhere = published_claim(), ids.new_id()
    claims.do_withdraw(claim, reason={"en": "we were wrong"})
    do_keep_up()
    exported = tmp_path / "ours.jsonl"
    do_export_file(exported)
    row = json.loads(
        exported.read_text().replace(str(claim), str(elsewhere)),
        object_hook=lambda each: {name: each[name] for name in each if name != "code"},  # one card of a code
    )
    exported.write_text(json.dumps(row))
    logged = Entry.objects.count()
    assert do_import_file(exported, own=True).added == 1
    assert library.claim_card(elsewhere) is None
    do_keep_up()
    card = library.claim_card(elsewhere)
    assert card is not None
    assert (card.rating, card.version) == ("withdrawn", 2)
    assert Entry.objects.count() == logged + 2


def test_whoever_asks_often_is_answered_at_once_and_misses_nothing() -> None:
    keep_up = KeepUp()
    for _ in range(2):
        claim = claims.do_publish(
            claim_id=None, wordings={"en": "x"}, rating="false", as_of=clock.now().date(), sources=SOURCE
        ).claim_id
        while keep_up():
            pass
        assert library.claim_card(claim) is not None
        assert not keep_up()
    do_append(drafts(1))
    assert keep_up(), "what others append is published too"
