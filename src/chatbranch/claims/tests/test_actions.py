"""Publishing, withdrawing, and a history that stays."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError

from chatbranch.claims import queries
from chatbranch.claims.actions import do_learn_wording, do_publish, do_withdraw
from chatbranch.claims.models import AppendOnly, Claim, Source, Verdict, Wording
from chatbranch.journal.models import Event
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused

SOURCE = {"url": "https://example.org/cold", "title": "Colds", "publisher": "A hospital", "lang": "en"}


def published(**changes: Any) -> Verdict:
    asked: dict[str, Any] = {
        "claim_id": None,
        "wordings": {"zh-Hans": "喝白酒能治感冒", "en": "Drinking spirits cures a cold"},
        "rating": "false",
        "as_of": date(2026, 3, 1),
        "explanation": {"zh-Hans": "不能。", "en": "It does not."},
        "sources": [SOURCE],
    }
    return do_publish(**(asked | changes))


@pytest.mark.django_db
def test_a_published_verdict_is_read_back_whole() -> None:
    verdict = published(scope={"en": "2026"}, basis={"votes": 3}, topic="health", expires=date(2099, 1, 1))
    card = queries.claim_card(verdict.claim_id)
    assert card is not None
    assert (card.origin, card.topic, card.rating, card.version) == ("", "health", "false", 1)
    assert card.wordings == {"zh-Hans": ["喝白酒能治感冒"], "en": ["Drinking spirits cures a cold"]}
    assert [vars(source) for source in card.sources] == [SOURCE]
    assert (card.scope, card.basis, card.expires) == ({"en": "2026"}, {"votes": 3}, date(2099, 1, 1))
    assert card.headline("en") == "Drinking spirits cures a cold"
    assert card.headline("zh-Hant") == "喝白酒能治感冒"
    assert card.current


@pytest.mark.django_db
def test_a_changed_verdict_is_a_new_version_and_the_old_one_can_still_be_read() -> None:
    first = published()
    published(claim_id=first.claim_id, wordings={}, rating="misleading", reason={"en": "New evidence."})
    card, old = queries.claim_card(first.claim_id), queries.claim_card(first.claim_id, version=1)
    assert card is not None
    assert old is not None
    assert (card.rating, card.version, card.current) == ("misleading", 2, True)
    assert (old.rating, old.version, old.current) == ("false", 1, False)
    assert [line.rating for line in card.history] == ["misleading", "false"]
    assert queries.claim_card(first.claim_id, version=3) is None


@pytest.mark.django_db
def test_each_publication_is_told_of_with_what_it_follows() -> None:
    first = published()
    do_withdraw(first.claim_id, reason={"en": "We were wrong."})
    told = [event.data for event in Event.objects.filter(kind="verdict.published").order_by("seq")]
    claim = str(first.claim_id)
    assert told == [
        {"claim": claim, "version": 1, "rating": "false", "previous": "", "entry": 0},
        {"claim": claim, "version": 2, "rating": "withdrawn", "previous": "false", "entry": 0},
    ]


@pytest.mark.django_db
def test_what_is_withdrawn_expired_or_not_understood_is_not_given_as_an_answer() -> None:
    yesterday = clock.now().date() - timedelta(days=1)
    kept = published(expires=clock.now().date())
    withdrawn = published()
    do_withdraw(withdrawn.claim_id, reason={"en": "We were wrong."})
    expired = published(expires=yesterday)
    foreign = published(rating="unknown", basis={"said": "Four Pinocchios", "mapped": False})
    unproven = published(rating="unknown")
    assert queries.unanswerable_ids() == {withdrawn.claim_id, expired.claim_id, foreign.claim_id}
    for verdict, answered in ((kept, True), (unproven, True), (expired, False), (foreign, False)):
        card = queries.claim_card(verdict.claim_id)
        assert card is not None
        assert card.answers(clock.now().date()) is answered


@pytest.mark.django_db
def test_a_verdict_expires_by_itself_when_its_day_is_over() -> None:
    verdict = published(expires=clock.now().date())
    assert queries.unanswerable_ids() == set()
    with clock.held(clock.ahead(days=1)):
        assert queries.unanswerable_ids() == {verdict.claim_id}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"rating": "fake news"}, "no-such-rating"),
        ({"wordings": {}}, "no-wording"),
        ({"wordings": {"en": " \u200b "}}, "no-wording"),
        ({"wordings": {"en": "x" * 4001}}, "wording-too-long"),
        ({"sources": []}, "no-source"),
        ({"sources": [{"url": "javascript:alert(1)"}]}, "no-address"),
        ({"sources": [{"url": "http://["}]}, "no-address"),
        ({"expires": date(2026, 2, 1)}, "expires-first"),
        ({"as_of": date(2999, 1, 1)}, "date-ahead"),
    ],
)
def test_what_nobody_could_check_is_refused_and_leaves_nothing(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        published(**changes)
    assert refused.value.code == code
    assert refused.value.say("zh-Hans") != refused.value.say("en")
    assert not Claim.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_a_wording_met_in_the_wild_is_added_once_and_is_findable() -> None:
    verdict = published()
    seq = queries.wordings_after(0)[-1].seq
    assert do_learn_wording(verdict.claim_id, "zh-Hans", "感冒了喝二两白酒就好") is not None
    assert do_learn_wording(verdict.claim_id, "zh-Hans", "感冒了喝二两白酒就好") is None
    assert [wording.text for wording in queries.wordings_after(seq)] == ["感冒了喝二两白酒就好"]


@pytest.mark.django_db
def test_the_models_refuse_to_edit_or_remove_history() -> None:
    verdict = published()
    verdict.rating = "true"
    refusals = [
        verdict.save,
        verdict.delete,
        lambda: Verdict.objects.update(rating="true"),
        lambda: Verdict.objects.current().delete(),
        lambda: Wording.objects.filter(lang="en").update(text="?"),
        lambda: Source.objects.all().delete(),
        lambda: Verdict.objects.bulk_update([verdict], ["rating"]),
    ]
    for refused in refusals:
        with pytest.raises(AppendOnly):
            refused()
    with pytest.raises(ProtectedError):
        Claim.objects.all().delete()
    assert Verdict.objects.get().rating == "false"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE claims_verdict SET rating = 'true'",
        "UPDATE claims_wording SET text = '?'",
        "UPDATE claims_source SET url = 'https://example.org/'",
    ],
)
def test_the_database_refuses_to_edit_history(statement: str) -> None:
    published()
    with (
        pytest.raises(DatabaseError, match="never edited"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.django_db
def test_no_action_of_the_library_updates_a_row_of_history(django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(50) as seen:
        verdict = published()
        published(claim_id=verdict.claim_id, rating="true")
        do_learn_wording(verdict.claim_id, "en", "A shot of spirits cures a cold")
    sent = [query["sql"] for query in seen.captured_queries]
    assert any(sql.startswith("UPDATE") for sql in sent), "the claim's version number does move"
    for table in ("claims_verdict", "claims_wording", "claims_source", "claims_cardcode"):
        assert not [sql for sql in sent if sql.startswith(("UPDATE", "DELETE")) and table in sql]


@pytest.mark.django_db
def test_the_newest_are_listed_first_page_after_page() -> None:
    for number in range(5):
        with clock.held(clock.ahead(seconds=number)):
            published(wordings={"en": f"Claim {number}"}, topic="health" if number % 2 else "food")
    first = queries.recent(most=3)
    rest = queries.recent(before=first[-1].verdict_id)
    assert [card.headline("en") for card in first + rest] == [f"Claim {n}" for n in (4, 3, 2, 1, 0)]
    assert [card.headline("en") for card in queries.recent(topic="health")] == ["Claim 3", "Claim 1"]
    assert queries.recent(rating="true") == []
    assert queries.topics() == [("food", 3), ("health", 2)]
    assert queries.count() == 5
    assert [card.id for card in queries.claim_cards([rest[0].id, first[0].id])] == [rest[0].id, first[0].id]


@pytest.mark.django_db
def test_a_page_of_claims_costs_the_same_few_reads_however_many_they_are(
    django_assert_num_queries: Any,
) -> None:
    for number in range(6):
        published(wordings={"en": f"Claim {number}"})
    with django_assert_num_queries(4):
        assert len(queries.recent()) == 6
