"""Somebody forwards a card: genuine or unknown, and what holds today. A forged one is never taken for ours."""

from __future__ import annotations

import io
from collections.abc import Callable
from uuid import UUID

import pytest
from django.conf import settings
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter, ImageOps
from tests.support.people import ask, inbound

from chatbranch.cases.models import Asker, Case
from chatbranch.claims import passing_on, queries
from chatbranch.claims.actions import do_publish, do_withdraw
from chatbranch.claims.cards import ClaimCard
from chatbranch.claims.tests.test_actions import SOURCE, published
from chatbranch.intake import actions as intake
from chatbranch.intake.answers import Answer
from chatbranch.intake.pictures import card_codes
from chatbranch.kernel import clock
from chatbranch.publishing import cards
from chatbranch.publishing.picture import draw

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]
FORGED = "CB-0000-0000"


def card() -> ClaimCard:
    found = queries.claim_card(published().claim_id)
    assert found is not None
    return found


def now_true(claim: UUID) -> None:
    do_publish(
        claim_id=claim,
        wordings={},
        rating="mostly-true",
        as_of=clock.now().date(),
        sources=[SOURCE],
        reason={"zh-Hans": "有了新证据。", "en": "There is new evidence."},
    )


def shown(picture: bytes) -> Answer:
    return intake.do_check(inbound("", images=(picture,)))[1]


def picture_of(shown_card: ClaimCard, lang: str = "zh-Hans") -> Image.Image:
    return Image.open(io.BytesIO(draw(cards.words_of(shown_card, lang)))).convert("RGB")


def jpeg(picture: Image.Image, quality: int = 60) -> bytes:
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=quality)
    return packed.getvalue()


def test_the_text_of_a_card_and_its_code_alone_are_answered_with_what_holds_today() -> None:
    ours = card()
    for text in (
        cards.text_of(ours, "zh-Hans"),
        ours.code.lower(),
        f"http://elsewhere.example/c/{ours.code}",
    ):
        answer = ask(text)
        assert answer.outcome == "card"
        assert "今天的结论仍是这样" in answer.message
        assert "就是被人改过" in answer.message
    assert not Case.objects.exists()


def test_an_old_card_is_answered_with_todays_verdict_and_why_it_changed() -> None:
    ours = card()
    now_true(ours.id)
    answer = ask(cards.text_of(ours, "en"), lang="en")
    assert "says “false”" in answer.message
    assert "Today's verdict is: mostly true" in answer.message
    assert "There is new evidence." in answer.message
    do_withdraw(ours.id, reason={"en": "We were wrong."})
    assert "has been withdrawn" in ask(ours.code, lang="en").message


def test_a_forged_card_with_a_genuine_code_shows_what_the_genuine_one_says() -> None:
    ours = card()
    answer = ask(f"【属实】喝白酒能治感冒，专家说可以 {ours.code}")
    assert "结论是“不实”" in answer.message
    assert answer.verdict is None, "what was forwarded is no question that was answered"


def test_a_code_of_nobody_is_said_to_be_none_of_ours_and_what_stands_beside_it_is_checked_all_the_same() -> (
    None
):
    alone = ask(FORGED)
    assert (alone.outcome, alone.claim) == ("card", None)
    assert "不是我们发出的防伪码" in alone.message
    assert not Case.objects.exists()
    forged = ask(f"【属实】云岚市自来水厂今晚八点起停水三天 {FORGED}")
    assert forged.outcome == "new"
    assert forged.message.startswith(f"{FORGED} 不是我们发出的防伪码")
    assert forged.note.startswith(FORGED)


def test_the_address_of_a_page_of_ours_is_answered_without_reading_it_over_the_network() -> None:
    ours = card()
    for address in (f"{settings.CONFIG.url}/claims/{ours.id}/", f"{settings.CONFIG.url}/c/{ours.code}"):
        answer = ask(address)
        assert answer.outcome == "card"
        assert "不实" in answer.message


def test_whoever_forwards_a_card_is_told_when_its_verdict_changes() -> None:
    ours = card()
    ask(ours.code, asker="grandmother")
    assert list(Asker.objects.values_list("told_version", flat=True)) == [1]


def test_the_page_of_an_answer_shows_what_was_said(client: Client) -> None:
    ours = card()
    submission, _ = intake.do_check(inbound(ours.code))
    page = client.get(f"/answers/{submission.token}/").content.decode()
    assert "这是我们的" in page
    assert "今天的结论仍是这样" in page


# --- pictures -------------------------------------------------------------------------------------


def screenshot(picture: Image.Image, ground: str) -> Image.Image:
    """The picture small, among a chat's bubbles, on a phone's screen."""
    screen = Image.new("RGB", (1080, 2340), ground)
    screen.paste(picture.resize((int(picture.width * 0.5), int(picture.height * 0.5))), (60, 700))
    return screen


def pressed_six_times(picture: Image.Image) -> Image.Image:
    for each in range(6):
        small = picture.resize((int(picture.width * (0.7 + 0.05 * each)), int(picture.height * 0.8)))
        picture = Image.open(io.BytesIO(jpeg(small, 35))).convert("RGB")
    return picture


DONE_TO_IT: dict[str, Callable[[Image.Image], Image.Image]] = {
    "nothing": lambda picture: picture,
    "a third of its size": lambda picture: picture.resize((picture.width // 3, picture.height // 3)),
    "only its lower half": lambda picture: picture.crop(
        (0, picture.height // 2, picture.width, picture.height)
    ),
    "a screenshot by day": lambda picture: screenshot(picture, "#ededed"),
    "a screenshot by night": lambda picture: screenshot(picture, "#111111"),
    "dark mode": ImageOps.invert,
    "blurred": lambda picture: picture.filter(ImageFilter.GaussianBlur(2.5)),
    "photographed askew": lambda picture: picture.rotate(17, expand=True, fillcolor="#777777"),
    "upside down": lambda picture: picture.rotate(180),
    "passed on six times": pressed_six_times,
}


@pytest.mark.parametrize("done", DONE_TO_IT)
def test_the_code_is_read_from_what_phones_and_chats_make_of_a_card(done: str) -> None:
    ours = card()
    assert card_codes(jpeg(DONE_TO_IT[done](picture_of(ours)), quality=15)) == [ours.code]


def test_a_forwarded_picture_of_a_card_is_answered_and_opens_no_case() -> None:
    ours = card()
    now_true(ours.id)
    answer = shown(jpeg(screenshot(picture_of(ours), "#ededed")))
    assert answer.outcome == "card"
    assert "今天的结论是：基本属实" in answer.message
    assert not Case.objects.exists()


def test_a_picture_with_a_code_of_nobody_goes_to_members_with_a_warning() -> None:
    ours = card()
    words = cards.words_of(ours, "zh-Hans")
    answer = shown(draw(type(words)(**{**vars(words), "url": f"http://fake.example/c/{FORGED}"})))
    assert answer.outcome == "new"
    assert FORGED in answer.message
    assert Case.objects.count() == 1


def test_another_qr_code_is_no_card() -> None:
    ours = card()
    words = cards.words_of(ours, "zh-Hans")
    assert card_codes(draw(type(words)(**{**vars(words), "url": "https://pay.example/order/7"}))) == []


@given(st.binary(max_size=300), st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF"]))
def test_a_damaged_picture_has_no_code_and_harms_nothing(data: bytes, start: bytes) -> None:
    assert card_codes(start + data) == []


def test_a_picture_that_would_fill_the_memory_is_not_opened() -> None:
    packed = io.BytesIO()
    Image.new("1", (8_000, 8_000)).save(packed, "PNG")
    assert len(packed.getvalue()) < 100_000
    assert card_codes(packed.getvalue()) == []


def test_the_words_for_a_code_of_nobody_stand_in_both_languages() -> None:
    assert FORGED in passing_on.UNKNOWN_CODE.say("en", code=FORGED)
    assert "防偽碼" in passing_on.UNKNOWN_CODE.say("zh-Hant", code=FORGED)
