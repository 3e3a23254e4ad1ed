"""What is said, as calls; what refusals mean; and how fast a group is written to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.servers.recorder import Recorder

from chatbranch.connectors.contract import Later, Undeliverable
from chatbranch.connectors.telegram import compose
from chatbranch.connectors.telegram.compose import Place
from chatbranch.connectors.telegram.moves import Moves
from chatbranch.connectors.telegram.pace import Pace
from chatbranch.connectors.telegram.refusals import Refusal, outcome
from chatbranch.connectors.telegram.setup import SETUP
from chatbranch.connectors.telegram.words import length
from chatbranch.kernel.messages import Attachment, Outbound

PICTURE = Attachment("a.png", "image/png", b"png")
GROUP = Place(-1001)


def test_words_reply_to_a_message_of_the_same_chat_even_when_that_is_gone() -> None:
    (call,) = compose.calls(Outbound("k", "-1001", "不实。", reply_to="-1001:7", thread="-1001:3"), GROUP)
    assert call.method == "sendMessage"
    assert call.params == {
        "chat_id": -1001,
        "text": "不实。",
        "reply_parameters": {"message_id": 7, "allow_sending_without_reply": True},
    }
    (elsewhere,) = compose.calls(Outbound("k", "-1001", "x", reply_to="-1002:7"), GROUP)
    assert "reply_parameters" not in elsewhere.params


def test_what_belongs_to_a_thread_replies_to_the_message_it_began_with() -> None:
    (call,) = compose.calls(Outbound("k", "-1001", "x", thread="-1001:3"), GROUP)
    assert call.params["reply_parameters"]["message_id"] == 3


def test_a_topic_is_named_in_every_call_and_not_replied_to() -> None:
    place = compose.read_place("-1001/45")
    assert place == Place(-1001, 45)
    assert place is not None
    said = compose.calls(
        Outbound("k", "-1001/45", "x" * 2000, attachments=(PICTURE,), thread="-1001:45"), place
    )
    assert [each.params["message_thread_id"] for each in said] == [45, 45]
    assert not any("reply_parameters" in each.params for each in said)


def test_short_words_go_along_with_a_single_file_and_long_ones_before_it() -> None:
    def made(text: str, *files: Attachment) -> list[tuple[str, str]]:
        said = compose.calls(Outbound("k", "5", text, attachments=files, reply_to="5:1"), Place(5))
        assert [("reply_parameters" in each.params) for each in said] == [True] + [False] * (len(said) - 1)
        return [(each.method, each.params.get("caption", each.params.get("text", ""))) for each in said]

    pdf = Attachment("a.pdf", "application/pdf", b"%PDF")
    assert made("看图", PICTURE) == [("sendPhoto", "看图")]
    assert made("", pdf) == [("sendDocument", "")]
    assert made("看图", PICTURE, pdf) == [("sendMessage", "看图"), ("sendPhoto", ""), ("sendDocument", "")]
    assert made("😀" * 513, PICTURE) == [("sendMessage", "😀" * 513), ("sendPhoto", "")]


@given(st.text(min_size=1, max_size=SETUP.capabilities.characters))
def test_a_text_that_the_house_may_send_goes_whole(text: str) -> None:
    said = compose.calls(Outbound("k", "5", text), Place(5))
    assert len(said) == (1 if text.strip() else 0)
    for call in said:
        assert call.params["text"] == text
        assert length(call.params["text"]) <= compose.LONGEST_TEXT


def test_half_a_character_never_leaves() -> None:
    (call,) = compose.calls(Outbound("k", "5", "a\ud800b"), Place(5))
    assert call.params["text"] == "a?b"


@pytest.mark.parametrize(
    ("emoji", "reaction"), [("👍🏽", "👍"), ("❤️", "❤"), ("🔥", "🔥"), ("🧄", ""), ("", "")]
)
def test_an_emoji_is_the_reaction_telegram_has_for_it(emoji: str, reaction: str) -> None:
    assert compose.as_reaction(emoji) == reaction


def test_the_menu_is_there_in_both_scripts_and_in_english_and_fits_a_phone() -> None:
    hans, hant, en = (compose.menu(lang) for lang in ("zh-Hans", "zh-Hant", "en"))
    assert hans[2]["description"].startswith("忘记我")
    assert hant[2]["description"].startswith("忘記我")
    assert en[2]["description"].startswith("Forget me")
    assert all(len(each["description"]) <= 60 for each in hans + hant + en)


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (Refusal(429, "Too Many Requests", wait=31), Later),
        (Refusal(403, "Forbidden: bot was blocked by the user"), Undeliverable),
        (Refusal(403, "Forbidden: bot was kicked from the supergroup chat"), Undeliverable),
        (Refusal(400, "Bad Request: chat not found"), Undeliverable),
        (Refusal(401, "Unauthorized"), Later),
        (Refusal(409, "Conflict"), Refusal),
    ],
    ids=["429", "blocked", "kicked", "no-chat", "401", "409"],
)
def test_a_refusal_means_later_never_or_again(refusal: Refusal, kind: type[Exception]) -> None:
    found = outcome(refusal)
    assert type(found) is kind
    if isinstance(found, Later) and refusal.code == 429:
        assert found.seconds == 31


def test_why_something_never_arrives_is_said_in_plain_words() -> None:
    assert "blocked the bot" in str(outcome(Refusal(403, "Forbidden: bot was blocked by the user")))
    assert "secret words" not in str(outcome(Refusal(400, "Bad Request: secret words")))


def test_a_group_gets_no_more_than_its_messages_a_minute() -> None:
    now = 0.0
    pace = Pace(2, lambda: now)
    for _ in range(2):
        assert pace.wait(-1) == 0
        pace.take(-1)
        now += 10
    assert pace.wait(-1) == 40
    assert pace.wait(-2) == 0
    now = 60
    assert pace.wait(-1) == 0
    assert Pace(0).wait(-1) == 0


async def test_a_group_that_moved_is_found_again_after_a_restart() -> None:
    host = Recorder()
    await Moves(host).note(-4000, -1001000000042)
    later = Moves(host)
    assert await later.where(-4000) == -1001000000042
    assert await later.known_as(-1001000000042) == -4000
    assert await later.where(-1001000000042) == -1001000000042
    assert await later.known_as(77) == 77
