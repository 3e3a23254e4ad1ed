"""Searching the library as a reader does."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from django.test import Client

from chatbranch.claims.actions import do_publish
from chatbranch.matching import views

pytestmark = pytest.mark.django_db

SOURCE = {"url": "https://example.org/source", "title": "Source"}


def publish(zh: str, en: str, rating: str = "false", topic: str = "food") -> UUID:
    verdict = do_publish(
        claim_id=None,
        wordings={"zh-Hans": zh, "en": en},
        rating=rating,
        as_of=date(2026, 11, 1),
        explanation={"zh-Hans": "见来源。", "en": "See the source."},
        sources=[SOURCE],
        topic=topic,
    )
    return verdict.claim_id


def read(client: Client, query: str, lang: str = "zh-Hans") -> str:
    response = client.get(f"/library/{query}", headers={"accept-language": lang})
    assert response.status_code == 200
    return response.content.decode()


def test_words_find_the_claims_that_speak_of_them(client: Client) -> None:
    publish("隔夜菜含有大量亚硝酸盐，吃了致癌。", "Leftover vegetables are full of nitrite and cause cancer.")
    publish("手机放在床头会致癌。", "A phone by the bed causes cancer.", topic="technology")
    assert "隔夜菜" in read(client, "?q=隔夜菜")
    assert "手机放在床头" not in read(client, "?q=隔夜菜")
    assert "Leftover vegetables" in read(client, "?q=leftover+vegetables", "en")


def test_traditional_words_find_simplified_claims(client: Client) -> None:
    publish("闻到燃气味时不要开关电器。", "If you smell gas, touch no switch.", "true", "disaster")
    assert "不要開關電器" in read(client, "?q=聞到燃氣味", "zh-Hant")


def test_a_single_chinese_character_finds_too(client: Client) -> None:
    publish("吃盐能预防感冒。", "Eating salt prevents colds.")
    publish("手机放在床头会致癌。", "A phone by the bed causes cancer.", topic="technology")
    for salt in ("盐", "鹽"):
        page = read(client, f"?q={salt}")
        assert "吃盐能预防感冒" in page
        assert "手机放在床头" not in page
    assert "没有找到" in read(client, "?q=茶")


def test_topic_and_verdict_narrow_what_is_shown(client: Client) -> None:
    publish("甲说法不实。", "Claim A is false.", "false", "food")
    publish("乙说法属实。", "Claim B is true.", "true", "food")
    publish("丙说法不实。", "Claim C is false.", "false", "school")
    page = read(client, "?topic=food&rating=false")
    assert "甲说法" in page
    assert "乙说法" not in page
    assert "丙说法" not in page
    assert '<option value="food" selected>食品 (2)</option>' in page


def test_what_is_not_there_is_said_plainly_with_a_way_on(client: Client) -> None:
    page = read(client, "?q=independentlyunknowable", "en")
    assert "Nothing was found" in page
    assert 'href="/"' in page


def test_pages_follow_each_other_without_gap_or_repeat(client: Client) -> None:
    for number in range(views.PAGE * 2 + 3):
        publish(f"第{number}号说法。", f"Claim number {number}.")
    seen: list[str] = []
    query = ""
    for _ in range(3):
        response = client.get(f"/library/{query}")
        seen += [str(card.id) for card in response.context["cards"]]
        query = response.context["onward"]
    assert query == ""
    assert len(seen) == len(set(seen)) == views.PAGE * 2 + 3


def test_pages_of_search_results_follow_each_other_too(client: Client) -> None:
    for number in range(views.PAGE + 2):
        publish(f"绿豆汤说法之{number}。", f"Mung bean claim {number}.")
    first = client.get("/library/?q=绿豆汤")
    second = client.get(f"/library/{first.context['onward']}")
    ids = [card.id for card in (*first.context["cards"], *second.context["cards"])]
    assert len(ids) == len(set(ids)) == views.PAGE + 2
    assert second.context["onward"] == ""


@pytest.mark.parametrize(
    "query",
    [
        "?q=%00%FF",
        "?page=-1&q=x",
        "?page=99999999999999999999&q=x",
        "?before=nonsense",
        "?rating=lovely",
        "?topic=%3Cb%3E",
        "?q=" + "长" * 900,
    ],
)
def test_no_query_however_odd_breaks_the_page(client: Client, query: str) -> None:
    publish("甲说法。", "Claim A.")
    assert "<b>" not in read(client, query)
