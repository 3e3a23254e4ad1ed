"""How many people asked is shown to nobody outside while they are so few that one could tell who."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from tests.support.people import ask, case_of

from chatbranch.intake.openapi import ANSWER, CASE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]
RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"


def call(text: str, asker: str) -> dict[str, Any]:
    body = {"text": text, "asker": asker}
    answer = Client().post("/api/v1/checks", body, content_type="application/json").json()
    assert answer == Client().get(f"/api/v1/checks/{answer['id']}").json()
    return dict(answer)


def test_the_api_gives_the_number_of_askers_from_three_on() -> None:
    given = [call(RUMOUR, f"asker {place}")["case"] for place in range(4)]
    assert [case["askers"] for case in given] == [None, None, 3, 4]
    assert call(given[0]["code"], "somebody")["case"]["askers"] == 4
    assert Client().get(f"/api/v1/cases/{given[0]['code']}").json()["askers"] == 4


def test_the_api_says_of_a_case_of_one_asker_no_number() -> None:
    code = case_of(ask(RUMOUR)).code
    stands = Client().get(f"/api/v1/cases/{code}").json()
    assert stands["askers"] is None
    assert set(stands) == set(CASE["required"]) == set(CASE["properties"])
    assert "人问过" not in stands["message"]


def test_the_pages_say_that_others_ask_from_three_on() -> None:
    said = []
    for place in range(3):
        page = Client(REMOTE_ADDR=f"192.0.2.{place}").post("/ask", {"text": RUMOUR}, follow=True)
        said.append("还有人也在问" in page.content.decode())
    assert said == [False, False, True]


def test_the_description_tells_why_there_may_be_no_number() -> None:
    for schema in (ANSWER["properties"]["case"], CASE):
        number = schema["properties"]["askers"]
        assert number["type"] == ["integer", "null"]
        assert number["minimum"] == 3
        assert "fewer than three" in number["description"]
