"""In which language somebody is answered who sent no word."""

from __future__ import annotations

import pytest
from django.test import Client
from tests.support.people import ask, case_of

from chatbranch.claims.importing import do_load_sample
from chatbranch.intake import actions as intake
from chatbranch.intake.openapi import DESCRIPTION
from chatbranch.kernel import clock, ids
from chatbranch.kernel.messages import Inbound
from chatbranch.matching.actions import do_index_new

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]

KNOWN = "反复烧开的水含有大量亚硝酸盐，喝了会致癌"
KNOWN_ENGLISH = "Water boiled again and again is full of nitrite and causes cancer"
RUMOUR = "东湖小学明天停课一周，家长互相转告"
ENGLISH = "East Lake primary school will be closed for a week from tomorrow"


def say(text: str, *, asker: str = "anna", lang: str = "") -> str:
    """The language of the answer."""
    inbound = Inbound("matrix", asker, "", str(ids.new_id()), text, clock.now(), lang=lang)
    return intake.do_check(inbound, reply=True)[1].lang


def code(text: str, lang: str = "", asker: str = "anna") -> str:
    return case_of(ask(text, asker=asker, channel="matrix", lang=lang)).code


@pytest.mark.parametrize("lang", ["zh-Hans", "zh-Hant", "en"])
def test_a_code_is_answered_in_the_language_its_asker_asked_in(lang: str) -> None:
    number = code(RUMOUR, lang)
    assert say(number) == lang
    assert say(number, lang="en") == lang, "whatever the platform says of them"


def test_a_code_of_somebody_elses_case_is_answered_as_the_platform_says_else_in_chinese() -> None:
    number = code(ENGLISH, "en")
    assert say(number, asker="ben", lang="zh-Hant") == "zh-Hant"
    assert say(number, asker="ben") == "zh-Hans"


def test_a_bare_link_or_an_unknown_code_is_answered_in_chinese_unless_the_platform_says_otherwise() -> None:
    for text in ("http://127.0.0.1/a", "9999", "#0001"):
        assert say(text) == "zh-Hans"
        assert say(text, lang="en") == "en"


def test_words_tell_the_language_where_the_platform_does_not() -> None:
    assert say(ENGLISH) == "en"
    assert say("東湖小學明天停課一週，請家長互相轉告") == "zh-Hant"
    assert say("help") == "en"


def test_a_letter_names_its_origin_and_is_punctuated_in_its_own_language() -> None:
    do_load_sample()
    do_index_new()
    for lang, text, ruling, as_of, source in (
        ("zh-Hans", KNOWN, "【不实】", "日，chatbranch 随附资料）", "依据："),
        ("zh-Hant", KNOWN, "【不實】", "日，chatbranch 隨附資料）", "依據："),
        ("en", KNOWN_ENGLISH, "[false] ", ", chatbranch sample library)", "Source: "),
    ):
        letter = ask(text, channel="matrix", lang=lang).message
        assert letter.startswith(ruling)
        assert as_of in letter
        assert f"\n{source}" in letter


@pytest.mark.parametrize(
    ("lang", "status"), [(None, 200), ("zh-Hant", 200), ("", 422), ("fr", 422), (7, 422), (["en"], 422)]
)
def test_the_api_takes_a_language_as_its_description_has_it(lang: object, status: int) -> None:
    asked = {"text": RUMOUR, "lang": lang, "asker": None, "id": None}
    given = Client().post("/api/v1/checks", asked, content_type="application/json")
    assert given.status_code == status
    body = DESCRIPTION["paths"]["/api/v1/checks"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    assert (lang in body["properties"]["lang"]["enum"]) == (status == 200)
