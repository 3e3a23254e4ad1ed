"""The reader's pages where browsers and strangers do what nobody expects."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import InMemoryUploadedFile, SimpleUploadedFile
from django.test import Client
from tests.support.people import ask, case_of, inbound

from chatbranch.cases.models import Case, Variant
from chatbranch.deliveries.models import Delivery
from chatbranch.intake import actions as intake
from chatbranch.intake.checks import LARGEST_FILE
from chatbranch.intake.models import Submission
from chatbranch.intake.rules import read
from chatbranch.kernel import clock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]
RUMOUR = "东湖小学明天停课一周，家长互相转告"


def test_another_question_from_a_page_gone_back_to_is_another_question() -> None:
    client = Client()
    first = client.post("/ask", {"text": RUMOUR, "message_id": "of-this-page"})
    second = client.post("/ask", {"text": "西山隧道今晚塌了一半", "message_id": "of-this-page"})
    again = client.post("/ask", {"text": "西山隧道今晚塌了一半", "message_id": "of-this-page"})
    assert first.headers["Location"] != second.headers["Location"] == again.headers["Location"]
    assert Case.objects.count() == 2


def test_nobody_can_have_mails_of_confirmation_pour_into_another_mailbox() -> None:
    for _ in range(5):
        Client().post("/forget/", {"email": "neighbour@example.org"})
    assert Delivery.objects.filter(kind="confirm").count() == 1


def test_of_a_huge_upload_no_more_is_read_than_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = SimpleUploadedFile("huge.png", b"\x89PNG\r\n\x1a\n" + bytes(LARGEST_FILE + 100))
    sizes: list[int] = []

    def read_of(upload: InMemoryUploadedFile, size: int = -1) -> bytes:
        data: bytes = upload.file.read(size)
        sizes.append(len(data))
        return data

    monkeypatch.setattr(InMemoryUploadedFile, "read", read_of)
    answer = Client().post("/ask", {"text": "", "image": huge})
    assert answer.status_code == 413
    assert sizes[-1] == LARGEST_FILE + 1  # before it, the test client reads what it sends


def test_a_body_too_large_for_the_api_is_refused_in_json() -> None:
    answer = Client().post(
        "/api/v1/checks", b'{"text": "' + b"x" * 13_000_000 + b'"}', content_type="application/json"
    )
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too-long"


@pytest.mark.parametrize("name", ["asker", "id"])
def test_half_a_character_in_an_identifier_breaks_nothing(name: str) -> None:
    body = json.dumps({"text": RUMOUR, name: "\ud800"})
    answer = Client().post("/api/v1/checks", body, content_type="application/json")
    assert answer.status_code == 200


def test_a_code_typed_in_full_width_digits_is_a_code() -> None:
    case = case_of(ask(RUMOUR))
    wide = case.code.translate(
        str.maketrans("0123456789", "".join(chr(0xFF10 + digit) for digit in range(10)))
    )
    assert read(wide).code == case.code
    assert RUMOUR not in ask(wide).message
    assert Client().get(f"/status/?code={wide}").status_code == 200


def test_an_address_too_long_to_be_one_is_kept_as_words() -> None:
    ask("https://example.org/" + "a" * 3000)
    assert Variant.objects.get().link == ""
    assert Submission.objects.get().state == "answered"


@pytest.mark.parametrize("path", ["/api/v1/cases/%00", "/answers/%00/", "/api/v1/checks/%00", "/status/%00/"])
def test_a_nul_in_an_address_finds_nothing_on_either_database(path: str, either_database: object) -> None:
    assert Client().get(path).status_code in (400, 404)


def test_one_message_that_cannot_even_be_opened_holds_up_nobody() -> None:
    broken = intake.do_accept(inbound("这一条打不开"))
    Submission.objects.filter(pk=broken.pk).update(sealed=b"\x00" * 40)
    intake.do_accept(inbound(RUMOUR))
    with clock.held(clock.now() + timedelta(seconds=30)):
        intake.do_answer_waiting()
    assert Submission.objects.filter(state="answered").count() == 1
