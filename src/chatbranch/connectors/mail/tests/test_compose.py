"""Messages as mail: the recorded one to the letter, and anything at all without harm."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.connectors.mail import compose
from chatbranch.kernel.messages import Attachment, Outbound

SENDER = "Checking <check@branch.example>"
AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
RECORDED = Path(__file__).parent / "payloads" / "answer.eml"
ANSWER = Outbound(
    key="0192d5a8-7f1c-7000-8000-000000000001",
    address="ann@reader.example",
    text="This is false (checked 1 November 2026).\nSource: https://health.example/garlic",
    subject="About what you asked",
    reply_to="<question@reader.example>",
)


def test_the_mail_is_as_recorded() -> None:
    """Read with Thunderbird's eyes: headers and both bodies; the boundary between them is drawn anew each time."""
    written = message_from_bytes(
        bytes(compose.message_of(ANSWER, SENDER, AT, "https://branch.example/forget/"))
    )
    recorded = message_from_bytes(RECORDED.read_bytes())
    headers = [(name, value) for name, value in written.items() if name != "Content-Type"]
    assert headers == [(name, value) for name, value in recorded.items() if name != "Content-Type"]
    assert [part.get_payload() for part in written.walk() if not part.is_multipart()] == [
        part.get_payload() for part in recorded.walk() if not part.is_multipart()
    ]


def test_an_answer_keeps_the_subject_and_joins_the_thread() -> None:
    asked = compose.Heading("停水是真的吗", ("<first@reader.example>", "<second@reader.example>"))
    mail = compose.message_of(replace(ANSWER, subject=""), SENDER, AT, answers=asked)
    assert mail["Subject"] == "Re: 停水是真的吗"
    assert mail["In-Reply-To"] == "<question@reader.example>"
    assert mail["References"] == "<first@reader.example> <second@reader.example> <question@reader.example>"


@pytest.mark.parametrize("subject", ["Re: vinegar", "RE：白醋", "re:x"])
def test_a_subject_that_answers_already_is_not_answered_again(subject: str) -> None:
    mail = compose.message_of(replace(ANSWER, subject=""), SENDER, AT, answers=compose.Heading(subject))
    assert mail["Subject"] == subject


def test_of_a_long_thread_the_beginning_and_the_end_are_named() -> None:
    ids = tuple(f"<{number}@reader.example>" for number in range(100))
    mail = compose.message_of(ANSWER, SENDER, AT, answers=compose.Heading("x", ids))
    named = mail["References"].split()
    assert len(named) == compose.MOST_REFERENCES + 2
    assert (named[0], named[-2], named[-1]) == (ids[0], ids[-1], ANSWER.reply_to)


def test_files_go_with_it_under_their_names() -> None:
    card = Attachment("卡片.png", "image/png", b"\x89PNG\r\n\x1a\n\x00")
    odd = Attachment("a\r\nb", "message/rfc822; x", b"bytes")
    mail = compose.message_of(replace(ANSWER, attachments=(card, odd)), SENDER, AT)
    read = message_from_bytes(bytes(mail), policy=policy.default)
    first, second = read.iter_attachments()
    assert (first.get_filename(), first.get_content_type(), first.get_content()) == (
        "卡片.png",
        "image/png",
        card.data,
    )
    assert (second.get_filename(), second.get_content_type(), second.get_content()) == (
        "a b",
        "application/octet-stream",
        b"bytes",
    )


ANYTHING = st.text(st.characters())


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_any_outbound_is_one_well_formed_mail(key: str, text: str, subject: str, reply_to: str) -> None:
    mail = compose.message_of(
        Outbound(key, "ann@reader.example", text, subject=subject, reply_to=reply_to), SENDER, AT
    )
    read = message_from_bytes(bytes(mail), policy=policy.default)
    allowed = {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "MIME-Version",
        "Content-Type",
    }
    assert set(read.keys()) <= allowed | {"In-Reply-To", "References"}
    assert not read.defects
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]


@given(ANYTHING)
def test_any_text_is_an_address_or_clearly_none(text: str) -> None:
    try:
        address = compose.address_of(text)
    except compose.BadAddress:
        return
    assert address.username
    assert address.domain.isascii()


def test_links_end_where_a_reader_would_end_them() -> None:
    said = compose.paragraphs("见 https://branch.example/a?b=1&c=2，谢谢。(https://x.example/y) <b>")
    assert '<a href="https://branch.example/a?b=1&amp;c=2">' in said
    assert '<a href="https://x.example/y">' in said
    assert "&lt;b&gt;" in said


def test_a_letter_without_a_subject_gets_one_in_its_own_language() -> None:
    chinese = compose.message_of(Outbound("k", "a@b.example", "结论：不实"), SENDER, AT)
    english = compose.message_of(Outbound("k", "a@b.example", "False"), SENDER, AT)
    assert (chinese["Subject"], english["Subject"]) == (
        "您问的消息有结果了",
        "About what you asked us to check",
    )
