"""Whatever is thrown at it: a clear message in the asker's language, nothing lost, nothing executed."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbranch.cases.models import Case
from chatbranch.intake.models import Submission
from chatbranch.kernel import clock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.fixture
def client() -> Client:
    return Client(HTTP_ACCEPT_LANGUAGE="zh-CN")


def api(client: Client, body: object, **headers: str) -> tuple[int, dict[str, object]]:
    raw = body if isinstance(body, bytes | str) else json.dumps(body)
    response = client.post(
        "/api/v1/checks", data=raw, content_type=headers.pop("kind", "application/json"), **headers
    )  # type: ignore[arg-type]
    return response.status_code, response.json()


def ask(client: Client, text: str, **more: object) -> tuple[int, str]:
    response = client.post("/ask", {"text": text, **more}, follow=True)
    return response.status_code, response.content.decode()


def test_nothing_at_all_is_answered_with_what_to_send(client: Client) -> None:
    status, page = ask(client, "  \n ")
    assert status == 400
    assert "没有看到要查的内容" in page


def test_the_message_is_in_english_for_an_english_reader() -> None:
    status, page = ask(Client(HTTP_ACCEPT_LANGUAGE="en-GB"), "")
    assert status == 400
    assert "There is nothing to check yet" in page


def test_a_megabyte_is_refused_with_advice_and_the_text_is_not_lost(client: Client) -> None:
    status, page = ask(client, "很长的文字" * 70_000)
    assert status == 413
    assert "只发要查的那一段" in page
    assert page.count("很长的文字") > 1000
    assert api(client, {"text": "a" * 1_100_000})[0] == 413


def test_binary_in_a_text_field_is_read_as_what_is_left_of_it(client: Client) -> None:
    status, _ = ask(client, bytes(range(256)).decode("latin-1"))
    assert status in (200, 400)


def test_right_to_left_tricks_and_invisible_characters_do_not_hide_a_rumour(client: Client) -> None:
    plain = "云岚市自来水厂今晚八点起停水三天，请大家马上储水"
    ask(client, plain)
    ask(client, "\u202e" + "\u200b".join(plain) + "\u202c\ufeff")
    assert Case.objects.count() == 1
    assert "\u202e" not in Case.objects.get().variants.get().text


def test_a_thousand_links_are_taken_as_text_and_none_is_opened(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("a link was opened"))
    status, _ = ask(
        client,
        "看看这些 " + " ".join(f"http://127.0.0.{n % 250}/{n}" for n in range(1000)) + " 说的是真的吗大家",
    )
    assert status == 200


def test_a_link_to_this_machine_opens_a_case_but_is_not_read(client: Client) -> None:
    status, page = ask(client, "http://127.0.0.1:8080/desk/")
    assert status == 200
    assert "内部地址" in page
    assert Case.objects.get().variants.get().link == "http://127.0.0.1:8080/desk/"


def test_markup_and_sql_are_shown_as_text(client: Client) -> None:
    text = "<script>alert(1)</script>'); DROP TABLE cases_case;-- 听说这样可以免费领取鸡蛋"
    status, page = ask(client, text)
    assert status == 200
    assert "<script>alert(1)" not in page
    assert Case.objects.get().variants.get().text == text


def test_an_image_that_is_none_is_refused_with_what_would_do(client: Client) -> None:
    status, page = ask(client, "", image=io.BytesIO(b"MZ this is a program"))
    assert status == 415
    assert "JPEG" in page


def test_a_screenshot_without_words_opens_a_case_and_says_so(client: Client) -> None:
    status, page = ask(client, "", image=io.BytesIO(PNG))
    assert status == 200
    assert "图片收到了" in page
    assert Case.objects.get().variants.get().image


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (" ", 400),
        ("{", 400),
        ("[]", 400),
        ("null", 400),
        ('"text"', 400),
        ("[" * 100_000, 400),
        ({}, 422),
        ({"text": 3}, 422),
        ({"text": None}, 422),
        ({"text": ["a"]}, 422),
        ({"text": "a rumour of some length", "lang": "fr"}, 422),
        ('{"text": "坏"}'.encode("gb18030"), 400),
        ({"text": "\ud800 broken surrogate in a rumour"}, 200),
        ({"text": "\x00\x01"}, 400),
    ],
)
def test_a_body_of_the_wrong_shape_is_refused_by_name(client: Client, body: object, status: int) -> None:
    got, said = api(client, body)
    assert got == status
    if status >= 400:
        error = said["error"]
        assert isinstance(error, dict)
        assert error["code"]
        assert error["message"]


def test_a_form_sent_to_the_api_is_told_to_send_json(client: Client) -> None:
    assert api(client, "text=a", kind="application/x-www-form-urlencoded")[0] == 415


def test_an_unknown_address_of_the_api_answers_in_json(client: Client) -> None:
    response = client.get("/api/v2/anything")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "no-such-address"


def test_the_twenty_first_question_in_a_minute_is_told_kindly_and_counted_once(client: Client) -> None:
    statuses = [
        ask(client, f"第{place}条完全不同的传言，说的是第{place}件事情，请帮忙看看")[0] for place in range(22)
    ]
    assert statuses[:20] == [200] * 20
    assert statuses[20:] == [429, 429]
    assert Submission.objects.count() == 20
    assert "歇一会儿" in ask(client, "再来一条传言试试看看会怎么样")[1]


def test_each_asker_of_an_api_client_is_counted_apart(client: Client) -> None:
    for place in range(25):
        assert api(client, {"text": "某地要停水三天的消息是真的吗", "asker": f"reader {place}"})[0] == 200


def test_a_clock_that_jumps_back_and_forth_loses_nothing(client: Client) -> None:
    start = clock.now()
    for place, hours in enumerate((0, 5, -3, 48, 0)):
        with clock.held(start + timedelta(hours=hours)):
            assert (
                ask(client, f"时钟跳动时收到的第{place}条传言，内容各不相同{'甲乙丙丁戊'[place] * 12}")[0]
                == 200
            )
    assert Case.objects.count() == 5


def test_a_code_that_is_no_code_is_said_to_be_none(client: Client) -> None:
    response = client.get("/status/", {"code": "../../etc"})
    assert response.status_code == 400
    assert "四到八位" in response.content.decode()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=400))
def test_any_text_is_answered_or_refused_and_never_breaks(client: Client, text: str) -> None:
    status, said = api(client, {"text": text, "asker": str(hash(text))})
    assert status in (200, 400)
    assert said.get("outcome") or said.get("error")
