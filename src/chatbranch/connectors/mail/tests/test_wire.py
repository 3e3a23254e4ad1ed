"""Mail as it really comes, from many programs; and anything at all, without harm."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbranch.connectors.mail import wire

PAYLOADS = Path(__file__).parent / "payloads"
ARRIVED = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
ME = wire.Me(frozenset({"check@branch.example"}))
OURS = "<0123456789abcdef0123456789abcdef01234567@branch.example>"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def recorded(name: str) -> wire.Letter:
    letter = wire.read((PAYLOADS / f"{name}.eml").read_bytes(), ARRIVED, ME)
    assert letter is not None
    return letter


def read(raw: bytes, me: wire.Me = ME) -> wire.Letter:
    letter = wire.read(raw, ARRIVED, me)
    assert letter is not None
    return letter


def mail(body: str = "Does garlic cure the flu?", **headers: str) -> EmailMessage:
    made = EmailMessage()
    given = {"from_": "Ann <ann@reader.example>", "message_id": "<q@reader.example>", **headers}
    for name, value in given.items():
        made[name.strip("_").replace("_", "-")] = value
    made.set_content(body)
    return made


# --- what people's mail programs write --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "outlook-zh-forward",
            "这个是真的吗？\n\n紧急通知\n\n明天起全市停水三天，请大家今晚务必储水！自来水公司内部消息，转给家人。",
        ),
        (
            "qq-forward",
            "麻烦看看\n\n用微波炉加热的饭菜会致癌\n\n专家提醒：微波炉加热过的饭菜会产生致癌物，快告诉身边的人！",
        ),
        ("163-forward", "木耳泡久了有剧毒\n\n木耳泡发超过八小时会产生剧毒，一家三口中毒身亡，请相互转告。"),
        (
            "gmail-forward",
            "Is this true?\n\nDrink vinegar!!\n\nDoctors confirm that a glass of vinegar each morning dissolves"
            " kidney stones\nwithin three days. Pass it on!",
        ),
        (
            "apple-forward",
            "Please check.\n\nNew 5G masts switched on\n\nThe new 5G masts in our street were switched on yesterday"
            " and all the bees have died within one night.",
        ),
        ("thunderbird-attached", "颱風假\n明天全台灣停班停課，氣象局剛剛宣布的，請大家告訴大家。"),
        ("foxmail-subject", "12月1日起全国所有ATM机将停止取现\n这是真的吗？"),
    ],
)
def test_what_is_forwarded_is_kept_whole_and_names_nobody(name: str, text: str) -> None:
    letter = recorded(name)
    assert letter.text == text
    assert letter.silent == ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("outlook-zh-reply", "1280"),
        ("qq-phone-reply", "谢谢，那隔夜菜能不能吃？"),
        ("gmail-zh-reply", "还有这条：吃大蒜能预防流感？"),
        ("iphone-zh-reply", "好的，明白了。另外有人说吃柿子和螃蟹会中毒，是吗？"),
    ],
)
def test_of_a_reply_to_us_only_what_is_new_is_taken(name: str, text: str) -> None:
    letter = recorded(name)
    assert letter.text == text
    assert letter.in_reply_to == OURS


@pytest.mark.parametrize(
    ("name", "why"),
    [("exchange-away", "automatic"), ("bounce", "bounce"), ("list", "list"), ("answer", "ours")],
)
def test_machines_lists_and_ourselves_are_never_answered(name: str, why: str) -> None:
    assert recorded(name).silent == why


def test_a_letter_enters_the_house_with_its_sender_thread_and_time() -> None:
    inbound = wire.as_inbound(recorded("outlook-zh-reply"))
    assert (inbound.channel, inbound.direct) == ("mail", True)
    assert inbound.address == inbound.sender == "wang@corp.example"
    assert inbound.sender_name == "王五"
    assert inbound.message_id == inbound.reply_to == "<SEYPR0EXAMPLE@SEYPR01.apcprd01.prod.corp.example>"
    assert (inbound.in_reply_to, inbound.thread) == (OURS, "<q1@corp.example>")
    assert inbound.sent_at == datetime(2026, 11, 24, 1, 30, tzinfo=UTC)


def test_an_attached_picture_comes_along_and_a_tracker_within_the_page_does_not() -> None:
    (picture,) = recorded("gmail-forward").pictures
    assert (picture.name, picture.media_type) == ("screenshot.png", "image/png")
    made = mail()
    made.add_related(PNG, "image", "png", cid="<dot@x>", disposition="inline")
    made.add_related(PNG + bytes(wire.DECORATION), "image", "png", cid="<pasted@x>", disposition="inline")
    assert [len(each.data) for each in read(bytes(made)).pictures] == [len(PNG) + wire.DECORATION]


def test_of_a_huge_picture_one_byte_more_than_allowed_is_kept_so_that_it_is_refused() -> None:
    made = mail()
    made.add_attachment(PNG + bytes(11 * 1024 * 1024), "image", "png", filename="huge.png")
    assert [len(each.data) for each in read(bytes(made)).pictures] == [10 * 1024 * 1024 + 1]


def test_a_picture_we_cannot_read_comes_along_only_where_nothing_else_does() -> None:
    made = mail()
    made.add_attachment(b"....ftypheic", "image", "heic", filename="IMG_1.HEIC")
    assert read(bytes(made)).pictures == ()
    alone = EmailMessage()
    alone["From"], alone["Subject"] = "ann@reader.example", "IMG_1.HEIC"
    alone.set_content(b"....ftypheic", "image", "heic")
    letter = read(bytes(alone))
    assert [each.media_type for each in letter.pictures] == [""]
    assert letter.text == ""


def test_other_files_are_left_out() -> None:
    made = mail()
    made.add_attachment(b"%PDF-1.7", "application", "pdf", filename="x.pdf")
    made.add_attachment("BEGIN:VCALENDAR", "calendar", filename="x.ics")
    assert read(bytes(made)).pictures == ()
    assert read(bytes(made)).text == "Does garlic cure the flu?"


def test_a_mail_attached_as_a_file_is_read_like_a_forwarded_one() -> None:
    made = mail("看看这个", subject="附件转发")
    made.add_attachment(
        (PAYLOADS / "163-forward.eml").read_bytes(), "application", "octet-stream", filename="木耳.eml"
    )
    assert read(bytes(made)).text.startswith("看看这个\n\n木耳泡久了有剧毒\n")
    assert "163.example" not in read(bytes(made)).text


# --- character sets ---------------------------------------------------------------------------------------------------

SENTENCE = "朋友圈说喝热水可以杀死病毒，这是真的吗？"
TRADITIONAL = "朋友說喝熱水可以殺死病毒，這是真的嗎？"


@pytest.mark.parametrize(
    "label", ["gb2312", "us-ascii", "iso-8859-1", "utf-8", "x-unknown", "", "unicode_escape"]
)
@pytest.mark.parametrize("codec", ["gb18030", "utf-8", "big5hkscs"])
def test_a_wrong_label_is_seen_through(label: str, codec: str) -> None:
    said = TRADITIONAL if codec == "big5hkscs" else SENTENCE
    head = f'From: ann@reader.example\r\nContent-Type: text/plain; charset="{label}"\r\n\r\n'
    assert read(head.encode() + said.encode(codec)).text == said


@pytest.mark.parametrize(
    ("codec", "said"),
    [
        ("koi8-r", "Это правда?"),
        ("iso-8859-1", "Ist das wahr? Größe, Übermaß"),
        ("shift_jis", "これは本当ですか"),
        ("euc-kr", "사실입니까"),
    ],
)
def test_a_right_label_is_believed(codec: str, said: str) -> None:
    head = f"From: ann@reader.example\r\nContent-Type: text/plain; charset={codec}\r\n\r\n"
    assert read(head.encode() + said.encode(codec)).text == said


def test_a_subject_in_raw_bytes_is_read() -> None:
    raw = b"From: ann@reader.example\r\nSubject: " + SENTENCE.encode("gb18030") + b"\r\n\r\n"
    assert read(raw).text == SENTENCE


def test_a_subject_whose_encoding_is_broken_is_kept_as_it_was_written() -> None:
    assert read(b"From: ann@reader.example\r\nSubject: =?utf-8?b?a?=\r\n\r\n").text == "=?utf-8?b?a?="


# --- HTML -------------------------------------------------------------------------------------------------------------


def test_a_mail_in_html_only_is_read_as_its_reader_sees_it() -> None:
    made = mail()
    made.set_content(
        "<style>p {color: red}</style><p>明天&nbsp;停水<br>三天</p><ul><li>储水<li>转发</ul>"
        "<script>alert(1)</script><p>见 <a href='https://rumour.example/1'>这里</a></p>",
        subtype="html",
    )
    assert read(bytes(made)).text == "明天 停水\n三天\n\n储水\n\n转发\n\n见 这里 https://rumour.example/1"


def test_an_empty_plain_part_does_not_hide_the_page() -> None:
    made = mail(" \n")
    made.add_alternative("<p>Does garlic cure the flu?</p>", subtype="html")
    assert read(bytes(made)).text == "Does garlic cure the flu?"


# --- replies, signatures, subjects ------------------------------------------------------------------------------------

REPLY = {"in_reply_to": OURS, "subject": "Re: x"}


@pytest.mark.parametrize(
    ("body", "own"),
    [
        (
            "Thanks!\n\nOn Tue, Nov 24, 2026 at 8:00 AM Checking <\ncheck@branch.example> wrote:\n\n> False.\n",
            "Thanks!",
        ),
        ("> False.\n\nAre you sure?\n", "Are you sure?"),
        (
            "On 24 Nov 2026, at 08:00, Checking <check@branch.example> wrote:\n> False.\n\nWhy so?\n-- \nAnn",
            "Why so?",
        ),
        ('谢谢\n\n在 2026-11-24 09:00:00，"云岚查证" <check@branch.example> 写道：\n不实。', "谢谢"),
        ("忘记我\n-----Original Message-----\nFrom: a@b.example\nSent: now\nTo: c\n\nFalse.", "忘记我"),
        ("专家写道：喝水有益。", "专家写道：喝水有益。"),
        ("From: here on it is true\nthat all is well", "From: here on it is true\nthat all is well"),
        ("1280\n\nSent from my iPhone", "1280"),
        ("1280\n\n发自我的华为手机", "1280"),
        ("> False.\n", ""),
    ],
)
def test_what_a_reply_quotes_is_cut_off(body: str, own: str) -> None:
    assert read(bytes(mail(body, **REPLY))).text == own


def test_a_reply_to_somebody_else_that_only_asks_is_about_what_it_quotes() -> None:
    quoted = (
        "On Mon, Nov 23, 2026 at 9:14 PM May <may@mail.example> wrote:\n> Vinegar dissolves kidney stones.\n"
    )
    elsewhere = {"in_reply_to": "<other@mail.example>", "subject": "Re: stones"}
    assert read(bytes(mail(f"Is this true?\n\n{quoted}", **elsewhere))).text == (
        "Is this true?\n\nVinegar dissolves kidney stones."
    )
    long = "My doctor told me yesterday that the opposite is the case, and that it harms the teeth."
    assert read(bytes(mail(f"{long}\n\n{quoted}", **elsewhere))).text == long


def test_what_somebody_marks_as_quoted_in_a_new_mail_is_kept() -> None:
    assert read(bytes(mail("真的吗？\n> 喝醋能治结石\n"))).text == "真的吗？\n喝醋能治结石"


@pytest.mark.parametrize(
    ("subject", "body", "text"),
    [
        ("喝醋能治结石，医生都惊了", "", "喝醋能治结石，医生都惊了"),
        ("喝醋能治结石，医生都惊了", "是真的吗", "喝醋能治结石，医生都惊了\n是真的吗"),
        (
            "Fwd: 喝醋能治结石，医生都惊了",
            "喝醋能治结石，医生都惊了，真的吗",
            "喝醋能治结石，医生都惊了，真的吗",
        ),
        ("请问", "是真的吗", "是真的吗"),
        ("Where does my case stand, please?", "1280", "1280"),
        ("Some newsletter's long subject", "忘记我", "忘记我"),
        (
            "A subject that says quite a lot",
            "A body that says enough by itself.",
            "A body that says enough by itself.",
        ),
    ],
)
def test_the_subject_counts_where_the_body_is_empty_or_only_asks(subject: str, body: str, text: str) -> None:
    assert read(bytes(mail(body, subject=subject))).text == text


# --- who is not answered ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"auto_submitted": "auto-replied; owner-email=x"}, "automatic"),
        ({"auto_submitted": "no"}, ""),
        ({"precedence": "bulk"}, "automatic"),
        ({"precedence": "normal"}, ""),
        ({"x_auto_response_suppress": "OOF, AutoReply"}, "automatic"),
        ({"x_autoreply": "yes"}, "automatic"),
        ({"list_unsubscribe": "<mailto:x@y.example>"}, "list"),
        ({"return_path": "<>"}, "bounce"),
        ({"from_": "Check@Branch.example"}, "ours"),
        ({"message_id": OURS}, "ours"),
        ({"from_": "no-reply@shop.example"}, "bounce"),
        ({"from_": "Postmaster@shop.example"}, "bounce"),
        ({"from_": "bounces+12@shop.example"}, "bounce"),
        ({"from_": "bouncer@club.example"}, ""),
        ({"from_": "norman@reply.example"}, ""),
    ],
)
def test_whether_a_machine_wrote_it_is_told_by_its_headers(headers: dict[str, str], why: str) -> None:
    assert read(bytes(mail(**headers))).silent == why


@pytest.mark.parametrize(
    "sender",
    ["", "ann", "Ann <ann@a.example>, Bob <bob@b.example>", "undisclosed:;", "a@b@c", "ann@[127.0.0.1]"],
)
def test_a_mail_without_one_clear_author_is_not_answered(sender: str) -> None:
    raw = f"From: {sender}\r\nMessage-ID: <x@y>\r\n\r\nhello there\r\n".encode()
    assert read(raw).silent == "unsigned"


def test_answers_go_to_the_author_and_never_where_reply_to_points() -> None:
    letter = read(bytes(mail(reply_to="victim@elsewhere.example")))
    assert wire.as_inbound(letter).address == "ann@reader.example"


FORGED = "mx.branch.example (gateway; v1); spf=fail smtp.mailfrom=x; dkim=none; dmarc=fail (p=reject) header.from=reader.example"
GENUINE = "mx.branch.example; spf=pass smtp.mailfrom=reader.example; dkim=pass; dmarc=pass header.from=reader.example"
MINE = wire.Me(ME.addresses, "mx.branch.example")


@pytest.mark.parametrize(
    ("results", "me", "why"),
    [
        ([FORGED], ME, "forged"),
        ([FORGED], MINE, "forged"),
        ([GENUINE], MINE, ""),
        ([FORGED, GENUINE], MINE, "forged"),  # our server's is on top; the other was written by the sender
        ([GENUINE, FORGED], MINE, ""),
        (["other.example; dmarc=fail"], MINE, ""),
        (["mx.branch.example; dmarc=none; spf=fail; dkim=fail"], MINE, "forged"),
        (["mx.branch.example; dmarc=none; spf=fail; dkim=pass"], MINE, ""),
        (["mx.branch.example; spf=softfail"], MINE, ""),
        (["mx.branch.example; none"], MINE, ""),
    ],
)
def test_a_forged_author_is_not_answered(results: list[str], me: wire.Me, why: str) -> None:
    made = mail()
    for each in results:
        made["Authentication-Results"] = each
    assert read(bytes(made), me).silent == why


# --- anything at all --------------------------------------------------------------------------------------------------


@given(st.binary(max_size=3000))
def test_any_bytes_are_a_letter_or_none(raw: bytes) -> None:
    assert isinstance(wire.read(raw, ARRIVED, ME), wire.Letter | None)


PIECES = st.sampled_from(
    "From: |To: |Subject: |Date: |Message-ID: |References: |In-Reply-To: |Authentication-Results: |Content-Type: |multipart/mixed; boundary=b|"
    "multipart/alternative; boundary=b|message/rfc822|text/html; charset=|text/plain; format=flowed; delsp=yes; charset=|Content-Transfer-Encoding: |"
    "base64|quoted-printable|x-uuencode|begin 644 x|\r\n|\r\n\r\n|--b\r\n|--b--\r\n|=?gb2312?B?|=?utf-8?q?=|?=|<a@b.example>|<ann@reader.example>|"
    "name*0*=utf-16''%ff|<!|<![CDATA[|<blockquote>|<p>|> |On 1:00 a@b wrote:\r\n|发件人: |发送时间: |主题: |Fwd: |Re: |-----原始邮件-----|-- \r\n|;|\"|\\|(|dmarc=fail".split(
        "|"
    )
).map(lambda piece: piece.encode())


@settings(max_examples=300)
@given(st.lists(PIECES | st.binary(max_size=12), max_size=60))
def test_anything_like_a_mail_is_a_letter_or_none(pieces: list[bytes]) -> None:
    letter = wire.read(b"".join(pieces), ARRIVED, ME)
    if letter is not None:
        inbound = wire.as_inbound(letter)
        assert inbound.message_id
        assert bool(inbound.address) or letter.silent == "unsigned"
        assert inbound.sent_at <= ARRIVED


@pytest.mark.parametrize("deep", [50, 2000])
def test_parts_nested_without_end_are_given_up(deep: int) -> None:
    nested = b"From: ann@reader.example\r\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (each, each) for each in range(deep)
    )
    assert isinstance(wire.read(nested, ARRIVED, ME), wire.Letter | None)
