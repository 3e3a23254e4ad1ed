"""Who gets what: every address of the house, asked by a reader, a peer, a member and a steward."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from chatbranch.branch import actions as branch
from chatbranch.branch.details import NewOutlet, Person
from chatbranch.branch.models import Member
from tests.support.people import PASSWORD, ask, case_of, found_branch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]

ROLES = ("reader", "peer", "member", "steward")
MEMBERS = ("/desk/", "/account/recoveries/")
RATERS = ("/rate/digest/", "/desk/notes/", "/desk/notices/", "/desk/conduct/")
"""What peers do here, too: read what concerns them, say of a note how helpful it is, and judge where a lot has seated them."""
OWN = re.compile(r"/rate/$|/account/(2fa|sessions|linked|password|reauthenticate)/")
"""Pages about oneself: nobody's who is not signed in."""
ASIDE = {
    "account_logout": "ends the session that the next ones need",
    "mfa_authenticate": "belongs to a sign-in under way",
    "mfa_login_webauthn": "leads to itself: it is a way to sign in",
}
STEWARDS_ONLY = {"set_role", "write_charter", "end_peer", "make-route", "part-room", "conduct-edition"}
"""What a member may not do, and a steward may; invitations and outlets of others are refused by their contents."""
BY_CONTENTS = {"invite", "change_bloc", "start_proving", "close_account", "reopen_account", "add_account"}


def addresses(resolver: URLResolver | None = None, before: str = "/") -> Iterator[tuple[str, str]]:
    """("name", "/path/<uuid:key>/") of every address."""
    for each in (resolver or get_resolver()).url_patterns:
        if isinstance(each, URLResolver):
            yield from addresses(each, before + str(each.pattern))
        else:
            assert isinstance(each, URLPattern)
            if not re.search(r"[\^$?()]", before + str(each.pattern)):
                yield each.name or "", before + str(each.pattern)


def people() -> tuple[dict[str, Client], dict[str, str], str]:
    """A client for each role; what fills places, by the name of an address; and the code of a case."""
    members = found_branch()
    lin, chen = members["lin"], members["chen"]
    there = NewOutlet("海那边", "博客", "海", "", peer="海城分会")
    peer = branch.do_join(branch.do_invite(lin, there, "peer"), Person("Hai", "hai", PASSWORD))
    code = case_of(ask("云岚市民凭身份证可以在社区免费领取两箱防汛物资，截止到本周五")).code
    clients = {"reader": Client()}
    for role, member in (("peer", peer), ("member", chen), ("steward", lin)):
        Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={"secret": "x"})
        clients[role] = Client()
        clients[role].force_login(member)
    places = {"set_role": str(chen.pk), "end_peer": str(peer.outlet_id), "change_bloc": str(chen.outlet_id)}
    return clients, places, code


def path_of(name: str, pattern: str, places: dict[str, str], code: str) -> str:
    nobody = "00000000-0000-7000-8000-000000000000"
    return re.sub(
        r"<(?:(\w+):)?(\w+)>",
        lambda found: (
            code if found[2] == "code" else places.get(name, nobody) if found[1] == "uuid" else "1280"
        ),
        pattern,
    )


def led(client: Client, path: str) -> str:
    """Where it leads: "sign-in", "rate" (all there is for a peer), "refused", or "in". What cannot be got is posted."""
    answer = client.get(path)
    if answer.status_code == 405:
        answer = client.post(path, {})
    where = answer.get("Location", "").split("?")[0]
    if where == "/account/login/":
        return "sign-in"
    if where == "/rate/" and path != where:
        return "rate"
    return "refused" if answer.status_code == 403 else "in"


def expected(name: str, path: str) -> tuple[str, str, str, str]:
    """For a reader, a peer, a member, a steward. What only stewards do to somebody is refused once there is somebody."""
    if (path.startswith(RATERS) and name not in STEWARDS_ONLY) or OWN.match(path):
        return ("sign-in", "in", "in", "in")
    if path.startswith(MEMBERS):
        refused = name in STEWARDS_ONLY and name not in ("set_role", "end_peer")
        return ("sign-in", "rate", "refused" if refused else "in", "in")
    return ("in", "in", "in", "in")


def test_every_page_is_open_to_whom_it_is_for_and_to_nobody_else() -> None:
    clients, _, code = people()
    wrong, counted = {}, 0
    for name, pattern in addresses():
        path = path_of(name, pattern, {}, code)
        if name in ASIDE or path.startswith("/live"):  # streams have tests of their own
            continue
        counted += 1
        found = tuple(led(clients[role], path) for role in ROLES)
        if found != expected(name, path):
            wrong[f"{name} {path}"] = found
    assert wrong == {}
    assert counted > 100


def test_a_steward_may_do_six_things_that_a_member_may_not() -> None:
    clients, places, code = people()
    differ = set()
    for name, pattern in addresses():
        path = path_of(name, pattern, places, code)
        if path.startswith("/desk/") and name not in ("leave", "write_charter"):
            answers = [clients[role].post(path, {}).status_code for role in ("member", "steward")]
            if answers[0] == 403 and answers[1] != 403:
                differ.add(name)
    assert clients["member"].post("/desk/members/charter/", {}).status_code == 403
    assert clients["steward"].post("/desk/members/charter/", {}).status_code == 302
    assert differ - BY_CONTENTS == STEWARDS_ONLY - {"write_charter"}


def test_there_are_three_roles_and_a_steward_is_a_member() -> None:
    assert set(Member.Role.values) == {"member", "steward", "peer"}
