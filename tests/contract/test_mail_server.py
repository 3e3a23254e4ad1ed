"""The mail connector against a real SMTP server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbranch.connectors.contract import Later, Misconfigured, Undeliverable
from chatbranch.connectors.discover import build, setups
from chatbranch.connectors.mail.transport import Mail
from chatbranch.kernel.messages import Outbound
from tests.servers.recorder import Recorder, running
from tests.servers.smtp import PASSWORD, USER, PostOffice, certify, post_office


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office() as running_office:
        yield running_office


def connect(office: PostOffice, **settings: str) -> Mail:
    given = {
        "host": "127.0.0.1",
        "port": str(office.port),
        "security": "none",
        "sender": "云岚查证 <check@branch.example>",
        **settings,
    }
    connector = build(setups()["mail"], given)
    assert isinstance(connector, Mail)
    return connector


LETTER = Outbound(
    key="delivery-1",
    address="ann@reader.example",
    text="结论：不实。\n见 https://branch.example/claims/1/。\n\n<script>alert(1)</script>",
    subject="您问的消息有结果了",
)


async def test_a_letter_arrives_in_text_and_html_with_nothing_executed(office: PostOffice) -> None:
    await connect(office).send(LETTER)
    (mail,) = office.delivered
    text, page = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert page is not None
    assert text.get_content().strip().splitlines() == LETTER.text.splitlines()
    assert '<a href="https://branch.example/claims/1/">' in page.get_content()
    assert "<script>" not in page.get_content()
    assert mail["Subject"] == "您问的消息有结果了"
    assert mail["From"] == "云岚查证 <check@branch.example>"
    assert mail["To"] == "ann@reader.example"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert all(len(line) <= 998 for line in office.raw[0].splitlines())


async def test_every_attempt_at_one_delivery_has_one_message_id(office: PostOffice) -> None:
    connector = connect(office)
    first = await connector.send(LETTER)
    again = await connector.send(LETTER)
    other = await connector.send(Outbound("delivery-2", LETTER.address, "x"))
    assert first.message_id == again.message_id == office.delivered[0]["Message-ID"]
    assert other.message_id != first.message_id


async def test_the_forget_page_is_offered_where_mail_programs_look_for_it(office: PostOffice) -> None:
    await connect(office, unsubscribe_url="https://branch.example/forget/").send(LETTER)
    assert office.delivered[0]["List-Unsubscribe"] == "<https://branch.example/forget/>"


async def test_an_address_that_does_not_exist_is_undeliverable_a_busy_one_is_for_later(
    office: PostOffice,
) -> None:
    office.moods = {"nobody": "550 5.1.1 no such person", "busy": "451 4.7.1 greylisted, come back"}
    connector = connect(office)
    with pytest.raises(Undeliverable, match="no such person"):
        await connector.send(Outbound("k", "nobody@reader.example", "x"))
    with pytest.raises(Later) as patience:
        await connector.send(Outbound("k", "busy@reader.example", "x"))
    assert 60 <= patience.value.seconds <= 3600
    office.refuse_data = "554 5.7.1 not wanted here"
    with pytest.raises(Undeliverable, match="not wanted"):
        await connector.send(LETTER)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "@x",
        "ann@",
        "a b@c.example",
        "ann@x.example\r\nBcc: all@x.example",
        "ann@x y.example",
        "a@" + "b" * 400,
    ],
)
async def test_what_is_no_address_is_undeliverable_and_reaches_no_server(
    office: PostOffice, address: str
) -> None:
    with pytest.raises(Undeliverable):
        await connect(office).send(Outbound("k", address, "x"))
    assert office.delivered == []


async def test_a_subject_cannot_smuggle_in_a_header(office: PostOffice) -> None:
    await connect(office).send(Outbound("k", "ann@reader.example", "x", subject="hi\r\nBcc: all@x.example"))
    assert office.delivered[0]["Bcc"] is None
    assert office.delivered[0]["Subject"] == "hi Bcc: all@x.example"


async def test_a_server_that_is_away_means_try_again() -> None:
    with post_office() as gone:
        pass
    with pytest.raises(Exception, match=r"refused|connect") as problem:
        await connect(gone).send(LETTER)
    assert not isinstance(problem.value, Later | Undeliverable)


async def test_it_signs_in_over_tls_and_a_wrong_password_is_named_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = certify(tmp_path / "mail.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # as an administrator trusts a server of their own
    with post_office(certificate) as office:
        account = {"host": "localhost", "security": "starttls", "user": USER, "password": PASSWORD}
        async with running(connect(office, **account), Recorder()) as connector:
            await connector.send(LETTER)
            await asyncio.sleep(0.2)
        assert len(office.delivered) == 1
        with pytest.raises(Misconfigured, match=r"mail\.user and mail\.password"):
            await connect(office, **{**account, "password": "wrong"}).run(Recorder())


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"security": "perhaps"}, r"mail\.security"),
        ({"port": "many"}, r"mail\.port"),
        ({"sender": "nobody"}, r"mail\.sender"),
        ({"user": "a"}, r"mail\.password"),
        ({"host": "mail.example", "user": "a", "password": "b"}, r"mail\.security"),
    ],
)
def test_a_setting_that_cannot_work_is_named(office: PostOffice, wrong: dict[str, str], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        connect(office, **wrong)
