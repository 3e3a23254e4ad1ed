"""A mailbox read by our process as it runs in life: killed in the midst of it, it takes every mail once."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

import pytest

from chatbranch.deliveries.models import Channel, Delivery
from chatbranch.intake.models import Submission
from tests.servers.pymap import PASSWORD, USER, Pymap, pymap
from tests.servers.smtp import post_office
from tests.support.databases import Database
from tests.support.house import house, wait_for
from tests.support.people import found_branch

__all__ = ["pymap"]
pytestmark = [pytest.mark.server, pytest.mark.usefixtures("own_index")]


def letter(number: int) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"Reader {number} <reader{number}@people.example>"
    mail["To"] = USER
    mail["Subject"] = "请查"
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{number}.{time.time_ns()}@people.example>"
    mail.set_content(f"听说第{number}号水厂今晚八点起停水三天，是真的吗？")
    return mail


@pytest.mark.parametrize("size", [40, pytest.param(1000, marks=pytest.mark.soak)])
def test_killed_in_the_midst_of_a_full_mailbox_every_mail_is_taken_once_and_answered_once(
    pymap: Pymap, sqlite_database: Database, size: int
) -> None:
    found_branch()
    with post_office() as office:
        settings = {
            "host": "127.0.0.1",
            "port": str(office.port),
            "security": "none",
            "sender": f"查证 <{USER}>",
            "imap_host": "127.0.0.1",
            "imap_port": str(pymap.port),
            "imap_security": "none",
            "imap_user": USER,
            "imap_password": PASSWORD,
            "imap_poll": "1",
        }
        environment = {f"CHATBRANCH_MAIL_{key.upper()}": value for key, value in settings.items()}
        with house(sqlite_database, **environment) as branch:
            branch.start("connectors")
            mail = Channel.objects.filter(name="mail", health="connected")
            wait_for(mail.exists, what="its reading")
            pymap.deliver(*map(letter, range(size)))
            wait_for(lambda: Submission.objects.count() > size // 10, what="being in the midst")
            branch.kill("connectors")
            assert Submission.objects.count() < size
            branch.start("connectors", "worker")
            wait_for(lambda: Submission.objects.count() >= size, 400, "the whole mailbox")
            wait_for(lambda: not Submission.objects.exclude(state="answered").exists(), 900, "all answers")
            wait_for(lambda: not Delivery.objects.filter(state="queued").exists(), 900, "their being sent")
        assert Submission.objects.count() == size
        assert not Delivery.objects.exclude(state="sent").exists()
        told = Counter(parseaddr(mail["To"])[1] for mail in office.delivered)
        assert {*told} == {f"reader{n}@people.example" for n in range(size)}
        assert (
            told.total() - size <= 1
        )  # mail knows no repeats: what was on its way at the kill may come twice
