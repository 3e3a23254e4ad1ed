"""The mail connector against a real IMAP server (pymap) for what comes, and a real SMTP server for what goes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import pytest

from chatbranch.connectors.contract import Misconfigured
from chatbranch.connectors.discover import build, setups
from chatbranch.connectors.mail.transport import Mail
from chatbranch.kernel.messages import Attachment, Inbound, Outbound
from tests.servers.pymap import PASSWORD, USER, Pymap, program, pymap
from tests.servers.recorder import Recorder, running, until
from tests.servers.smtp import PostOffice, certify, post_office

pytestmark = pytest.mark.server
__all__ = ["pymap"]

PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office() as running_office:
        yield running_office


def connect(office: PostOffice, server: Pymap, **settings: str) -> Mail:
    given = {
        "host": "127.0.0.1",
        "port": str(office.port),
        "security": "none",
        "sender": "云岚查证 <check@branch.example>",
        "imap_host": "127.0.0.1",
        "imap_port": str(server.port),
        "imap_security": "none",
        "imap_user": USER,
        "imap_password": PASSWORD,
        "imap_poll": "1",
        **settings,
    }
    connector = build(setups()["mail"], given)
    assert isinstance(connector, Mail)
    return connector


def letter(text: str, id: str = "", sent: datetime | None = None, **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "陈静 <chen@reader.example>"
    mail["To"] = USER
    mail["Subject"] = headers.pop("subject", "请查")
    mail["Date"] = format_datetime(sent or datetime.now(UTC))
    mail["Message-ID"] = f"<{id or time.time_ns()}@reader.example>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


async def deliver(server: Pymap, *mails: EmailMessage | bytes, arrived: datetime | None = None) -> None:
    await asyncio.to_thread(lambda: server.deliver(*mails, arrived=arrived))


async def connected(host: Recorder, times: int = 1) -> None:
    await until(lambda: [each for each, _ in host.health].count("connected") >= times, what="signing in")


async def taken(host: Recorder, *texts: str) -> list[Inbound]:
    await until(lambda: len(host.taken) >= len(texts), what=f"taking {len(texts)} mails")
    assert host.texts == list(texts)
    return host.taken


async def test_a_mail_with_its_picture_comes_in_and_its_answer_joins_the_thread(
    office: PostOffice, pymap: Pymap
) -> None:
    host = Recorder()
    asked = letter("朋友说喝醋能治结石 🍶\n真的吗？", "q1", subject="喝醋", References="<q0@reader.example>")
    asked.add_attachment(PNG, "image", "png", filename="截图.png")
    async with running(connect(office, pymap), host) as connector:
        await connected(host)
        await deliver(pymap, asked)
        (inbound,) = await taken(host, "朋友说喝醋能治结石 🍶\n真的吗？")
        assert (inbound.address, inbound.sender_name) == ("chen@reader.example", "陈静")
        assert inbound.attachments == (Attachment("截图.png", "image/png", PNG),)
        answer = Outbound("k1", inbound.address, "不实。\n见图。", reply_to=inbound.reply_to)
        await connector.send(
            Outbound(**{**vars(answer), "attachments": (Attachment("卡片.png", "image/png", PNG),)})
        )
    (mail,) = office.delivered
    assert (mail["Subject"], mail["To"]) == ("Re: 喝醋", "chen@reader.example")
    assert mail["In-Reply-To"] == "<q1@reader.example>"
    assert mail["References"] == "<q0@reader.example> <q1@reader.example>"
    assert mail["Auto-Submitted"] == "auto-replied"
    (card,) = mail.iter_attachments()
    assert (card.get_filename(), card.get_content()) == ("卡片.png", PNG)


async def test_the_server_tells_of_new_mail_long_before_we_would_have_looked(
    office: PostOffice, pymap: Pymap
) -> None:
    host = Recorder()
    async with running(connect(office, pymap, imap_poll="1000"), host):
        await connected(host)
        await deliver(pymap, letter("one"))
        await taken(host, "one")
        await deliver(pymap, letter("two"))
        await taken(host, "one", "two")


async def test_ten_mails_that_came_while_we_were_away_are_all_taken_in_order(
    office: PostOffice, pymap: Pymap
) -> None:
    host = Recorder()
    await deliver(pymap, letter("from before we were ever here"))
    async with running(connect(office, pymap), host):
        await connected(host)
        await deliver(pymap, letter("the first"))
        await taken(host, "the first")
    numbered = [f"number {number}" for number in range(10)]
    await deliver(pymap, *(letter(text) for text in numbered))
    async with running(connect(office, pymap), host):
        await taken(host, "the first", *numbered)
    async with running(connect(office, pymap), host):
        await connected(host, 3)
        await deliver(pymap, letter("the last"))
        await taken(host, "the first", *numbered, "the last")


async def test_a_server_killed_and_started_again_loses_nothing(office: PostOffice, pymap: Pymap) -> None:
    host = Recorder()
    async with running(connect(office, pymap), host):
        await connected(host)
        await asyncio.to_thread(pymap.kill)
        await until(lambda: host.health[-1][0] == "reconnecting")
        await asyncio.to_thread(pymap.start)
        await deliver(pymap, letter("came at once"))
        await taken(host, "came at once")
        assert host.health[-1][0] == "connected"


async def test_a_rebuilt_mailbox_neither_loses_nor_doubles(office: PostOffice, pymap: Pymap) -> None:
    host, now = Recorder(), datetime.now(UTC)
    async with running(connect(office, pymap), host):
        await connected(host)
        await deliver(pymap, *(letter(f"before {number}", f"b{number}") for number in range(3)))
        await taken(host, "before 0", "before 1", "before 2")
    before = json.loads(host.memory["mailbox"])
    await deliver(pymap, letter("while away"))
    await deliver(
        pymap, letter("of last year, moved here today", sent=now - timedelta(days=365))
    )  # as a move to another server dates it
    await asyncio.to_thread(pymap.rebuild)
    house = Recorder()  # even one that has forgotten every message
    house.memory = host.memory
    async with running(connect(office, pymap), house):
        await connected(house)
        await deliver(pymap, letter("after"))
        await taken(house, "while away", "after")
    assert json.loads(house.memory["mailbox"])["validity"] != before["validity"]


async def test_what_the_database_could_not_take_is_brought_again(office: PostOffice, pymap: Pymap) -> None:
    host = Recorder()
    host.failing = 2
    async with running(connect(office, pymap), host):
        await connected(host)
        await deliver(pymap, letter("one"), letter("two"))
        await taken(host, "one", "two")


async def test_two_copies_of_one_mail_are_taken_once_and_the_mailbox_is_left_as_it_is(
    office: PostOffice, pymap: Pymap
) -> None:
    host, copy = Recorder(), letter("to us, and to an alias of ours", "twice")
    async with running(connect(office, pymap), host):
        await connected(host)
        await deliver(pymap, copy, copy, letter("next"))
        await taken(host, "to us, and to an alias of ours", "next")
    flags = await asyncio.to_thread(pymap.flags)
    assert len(flags) == 3
    assert not any(b"\\Seen" in each for each in flags)


async def test_machines_get_no_answer_and_a_broken_mail_stops_nothing(
    office: PostOffice, pymap: Pymap
) -> None:
    host = Recorder()
    async with running(connect(office, pymap, authserv_id="mx.branch.example"), host):
        await connected(host)
        await deliver(
            pymap,
            letter("I am away.", auto_submitted="auto-replied"),
            letter("Weekly news", list_id="<news.example>"),
            letter("Let us in", authentication_results="mx.branch.example; dmarc=fail"),
            b"\xff\x00 no mail at all\r\n\r\n\x00",
            letter("a person"),
        )
        await taken(host, "a person")


async def test_a_machine_that_does_not_say_so_is_answered_three_times_at_most(
    office: PostOffice, pymap: Pymap
) -> None:
    host, said = Recorder(), "Thank you for contacting us. A ticket has been opened for you."
    async with running(connect(office, pymap), host):
        await connected(host)
        await deliver(pymap, *(letter(said, f"t{number}") for number in range(6)), letter("1280", "a"))
        await deliver(pymap, *(letter("1280", f"c{number}") for number in range(5)))
        await taken(host, *[said] * 3, *["1280"] * 6)


async def test_a_hundred_mails_keep_their_order(office: PostOffice, pymap: Pymap) -> None:
    host = Recorder()
    async with running(connect(office, pymap), host):
        await connected(host)
        numbered = [f"number {number}" for number in range(100)]
        await deliver(pymap, *(letter(text) for text in numbered))
        await taken(host, *numbered)


async def test_a_wrong_password_is_named(office: PostOffice, pymap: Pymap) -> None:
    host = Recorder()
    with pytest.raises(Misconfigured, match=r"mail\.imap_user and mail\.imap_password"):
        await connect(office, pymap, imap_password="wrong").run(host)
    assert host.health[-1][0] == "broken"
    assert "wrong" not in host.health[-1][1].split()


async def test_a_folder_that_is_not_there_is_named(office: PostOffice, pymap: Pymap) -> None:
    with pytest.raises(Misconfigured, match=r"mail\.imap_folder"):
        await connect(office, pymap, imap_folder="查证").run(Recorder())


async def test_a_mailbox_is_read_over_tls_and_a_stranger_s_certificate_is_refused(
    office: PostOffice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not program().exists():
        pytest.skip("needs pymap: python3 tests/servers/install.py")
    certificate = certify(tmp_path / "mail.pem")
    (tmp_path / "pymap").mkdir()
    server = Pymap(tmp_path / "pymap", certificate)
    server.start()
    try:
        over_tls = {"imap_host": "localhost", "imap_security": "starttls"}
        with pytest.raises(Misconfigured, match="certificate"):
            await connect(office, server, **over_tls).run(Recorder())
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        host = Recorder()
        async with running(connect(office, server, **over_tls), host):
            await connected(host)
    finally:
        server.kill()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"imap_security": "perhaps"}, r"mail\.imap_security"),
        ({"imap_port": "many"}, r"mail\.imap_port"),
        ({"imap_poll": "0"}, r"mail\.imap_poll"),
        ({"imap_user": ""}, r"mail\.imap_user"),
        ({"imap_host": "mail.example"}, r"mail\.imap_security"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_setting_that_cannot_work_is_named(wrong: dict[str, str], named: str) -> None:
    given = {
        "host": "127.0.0.1",
        "sender": "check@branch.example",
        "imap_host": "127.0.0.1",
        "imap_security": "none",
        "imap_user": "a",
        "imap_password": "b",
        **wrong,
    }
    with pytest.raises(Misconfigured, match=named):
        build(setups()["mail"], given)
