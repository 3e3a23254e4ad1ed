"""Whoever asked is seen by nobody: no page, API answer or event shows an address or a pseudonym, to members neither."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from chatbranch.branch.models import Member
from chatbranch.cases import telling
from chatbranch.cases.models import Asker, Case, Objection
from chatbranch.contacts.models import Contact
from chatbranch.deliveries.models import Delivery
from chatbranch.intake import actions as intake
from chatbranch.intake.models import Submission
from chatbranch.journal.models import Event
from chatbranch.kernel.errors import Refused
from tests.support.people import ask, case_of, decide, found_branch, inbound

ADDRESS = "!grandmother-of-seven:chat.example"
MAIL = "grandmother-of-seven@mail.example"
RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
OPEN = "云岚市民凭身份证可以在社区免费领取两箱防汛物资，截止到本周五"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]


def asked() -> tuple[dict[str, Member], dict[str, str]]:
    """A branch with an open and a decided case, both asked about from one chat; and values for every address."""
    members = found_branch()
    submission, answer = intake.do_check(
        inbound(RUMOUR, asker=ADDRESS, channel="matrix"), email=MAIL, reply=True
    )
    decided = case_of(answer)
    decide(members, decided)
    decided.refresh_from_db()
    still_open = case_of(ask(OPEN, asker=ADDRESS, channel="matrix"))
    while telling.do_tell_verdicts() or telling.do_tell_closings():
        pass
    values = {
        "token": submission.token,
        "code": still_open.code,
        "claim_id": str(decided.claim_id),
        "key": str(Delivery.objects.values_list("pk", flat=True).first()),
    }
    return members, values


def every_address(values: dict[str, str]) -> list[str]:
    """Every address of the house that can be written with these values; of codes, both cases'."""

    def walk(resolver: URLResolver, before: str) -> Iterator[str]:
        for each in resolver.url_patterns:
            if isinstance(each, URLResolver):
                yield from walk(each, before + str(each.pattern))
            else:
                assert isinstance(each, URLPattern)
                yield before + str(each.pattern)

    found = set()
    codes = Case.objects.values_list("code", flat=True)
    for pattern in walk(get_resolver(), "/"):
        for code in codes if "code>" in pattern else [""]:
            here = {**values, "code": code}
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda place, here=here: here.get(place[1], "0"), pattern)
            if not re.search(r"[\^$?()]", path):
                found.add(path)
    return sorted(found)


def secrets() -> list[str]:
    pseudonyms = {
        name
        for table in (Asker, Contact, Delivery, Objection, Submission)
        for name in table.objects.values_list("pseudonym", flat=True)  # type: ignore[attr-defined]
        if name
    }
    assert len(pseudonyms) >= 3
    return [ADDRESS, MAIL, "grandmother", *pseudonyms]


def signed_in(member: Member) -> Client:
    Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={"secret": "x"})
    client = Client()
    client.force_login(member, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.mark.parametrize("looker", ["reader", "steward"])
def test_no_page_and_no_answer_of_the_api_shows_who_asked(looker: str) -> None:
    members, values = asked()
    client = signed_in(members["lin"]) if looker == "steward" else Client()
    hidden, seen = secrets(), {}
    for path in every_address(values):
        response = client.get(path)
        seen[path] = response.status_code
        body = b"".join(response.streaming_content) if response.streaming else response.content
        text = body.decode("utf-8", "replace") + str(dict(response.headers))
        assert not [secret for secret in hidden if secret in text], path
    shown = [path for path, status in seen.items() if status == 200]
    assert f"/claims/{values['claim_id']}/" in shown
    assert ("/desk/" in shown) == (looker == "steward")
    assert [path for path, status in seen.items() if status >= 500] == []


def test_no_event_names_an_asker() -> None:
    members, values = asked()
    del members, values
    written = json.dumps(list(Event.objects.values_list("kind", "data")), ensure_ascii=False)
    assert "case.opened" in written
    assert not [secret for secret in secrets() if secret in written]


def test_a_refusal_at_the_door_names_nobody() -> None:
    with pytest.raises(Refused) as refused:
        intake.do_check(inbound("", asker=ADDRESS, channel="matrix"))
    assert ADDRESS not in refused.value.say("en") + refused.value.say("zh-Hans")
