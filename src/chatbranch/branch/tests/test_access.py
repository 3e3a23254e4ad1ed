"""Every address of the desk refuses whoever is not a member with a second factor."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import UUIDConverter

from chatbranch.branch import actions
from chatbranch.branch.models import Member
from chatbranch.branch.tests.conftest import person

NOBODY = UUID(int=0x7_0000_8000_0000_0000_0000)


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Every address below a resolver, its places filled with something well-formed."""
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from patterns(each, prefix + str(each.pattern))
        elif isinstance(each, URLPattern):
            path = prefix + str(each.pattern)
            for name, converter in each.pattern.converters.items():
                value = str(NOBODY) if isinstance(converter, UUIDConverter) else "1280"
                kind = next(
                    part
                    for part in path.replace("<", "\n<").replace(">", ">\n").split("\n")
                    if f"{name}>" in part
                )
                path = path.replace(kind, value)
            yield "/" + path


DESK = sorted(path for path in patterns(get_resolver()) if path.startswith("/desk"))


def answers(client: Client, path: str) -> set[str]:
    """Where GET and POST lead: an address, or the status where there is none."""
    asked = (client.get(path), client.post(path, {}))
    return {
        answer["Location"].split("?")[0] if answer.has_header("Location") else str(answer.status_code)
        for answer in asked
    }


def test_the_desk_has_addresses_to_guard() -> None:
    assert {
        "/desk/",
        "/desk/cases/1280/",
        "/desk/cases/1280/note/",
        "/desk/members/",
        "/desk/deliveries/",
    } <= set(DESK)


@pytest.mark.parametrize("path", DESK)
def test_outsiders_are_sent_to_sign_in(steward: Member, client: Client, path: str) -> None:
    assert answers(client, path) - {"405"} == {"/account/login/"}


@pytest.mark.parametrize("path", DESK)
def test_who_left_is_an_outsider(steward: Member, client: Client, path: str) -> None:
    gone = actions.do_join(actions.do_invite(steward, steward.outlet), person("lan"))
    TOTP.activate(gone, generate_totp_secret())
    client.force_login(gone)
    actions.do_leave(gone)
    assert answers(client, path) - {"405"} == {"/account/login/"}


@pytest.mark.parametrize("path", DESK)
def test_a_member_without_a_second_factor_is_led_to_set_one_up(
    steward: Member, client: Client, path: str
) -> None:
    client.force_login(steward)
    assert answers(client, path) - {"405"} == {"/account/2fa/"}


def test_spare_codes_alone_are_no_second_factor(steward: Member, client: Client) -> None:
    RecoveryCodes.activate(steward)
    client.force_login(steward)
    assert client.get("/desk/")["Location"] == "/account/2fa/"


def test_a_member_with_a_second_factor_enters(steward: Member, client: Client) -> None:
    TOTP.activate(steward, generate_totp_secret())
    client.force_login(steward)
    assert client.get("/desk/").status_code == 200


def test_a_signed_out_visitor_comes_back_to_where_they_wanted_to_go(client: Client, steward: Member) -> None:
    assert client.get("/desk/cases/1280/")["Location"] == "/account/login/?next=/desk/cases/1280/"
