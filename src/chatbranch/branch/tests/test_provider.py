"""Signing in through a provider: only who linked it, never without the second factor, and nothing it says is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st
from pytest_django import Settings

from chatbranch.branch import actions as branch
from chatbranch.branch.models import LinkedSignIn, Member
from chatbranch.branch.provider import rules
from chatbranch.branch.tests.conftest import PASSWORD
from chatbranch.branch.tests.oidc import OIDC, OTHER_KEY, SECRET, serving
from chatbranch.branch.tests.test_signin import code
from chatbranch.journal.models import Event
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused


@pytest.fixture
def oidc(settings: Settings) -> Iterator[OIDC]:
    """A provider, named in the settings."""
    cache.clear()  # tries are counted there
    with serving() as provider:
        settings.CONFIG = replace(settings.CONFIG, oidc=provider.settings)
        yield provider


@pytest.fixture
def secret(steward: Member) -> str:
    secret = str(generate_totp_secret())
    TOTP.activate(steward, secret)
    return secret


@pytest.fixture
def inside(steward: Member, secret: str) -> Client:
    """The steward, signed in with both steps."""
    client = Client()
    client.post("/account/login/", {"login": "wen", "password": PASSWORD})
    client.post("/account/2fa/authenticate/", {"code": code(secret)})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert "_auth_user_id" in client.session
    return client


def link(client: Client, oidc: OIDC) -> Any:
    """Follow the page's link to the provider, sign in there, and come back."""
    page = client.get("/account/linked/link/").content.decode()
    found = re.search(r'href="(http://127[^"]+)"', page)
    assert found is not None
    return client.get(oidc.sign_in(found[1].replace("&amp;", "&")))


def sign_in(client: Client, oidc: OIDC, then: str = "") -> Any:
    asked = client.get("/account/provider/", {"next": then} if then else {})
    return client.get(oidc.sign_in(asked["Location"]))


def refusal(answer: Any) -> str:
    """The code on the page that says kindly what was refused, and leads on."""
    page = answer.content.decode()
    assert 'role="alert"' in page
    assert 'href="/account/' in page.split('role="alert"')[1]
    found = re.search(r"<code>([\w-]+)</code>", page)
    return found[1] if found else ""


def test_a_member_links_it_and_from_then_on_it_stands_in_for_the_password_but_not_for_the_second_step(
    oidc: OIDC, inside: Client, secret: str
) -> None:
    assert link(inside, oidc)["Location"] == "/account/linked/"
    assert "已关联同乐会" in inside.get("/account/linked/").content.decode()
    elsewhere = Client()
    assert sign_in(elsewhere, oidc)["Location"] == "/account/2fa/authenticate/"
    assert elsewhere.get("/desk/")["Location"].startswith("/account/login/")
    answer = elsewhere.post("/account/2fa/authenticate/", {"code": code(secret, later=1)})
    assert answer["Location"] == "/desk/"
    assert elsewhere.get("/desk/").status_code == 200
    assert list(Event.objects.filter(kind="member.linked").values_list("subject", flat=True))


def test_without_a_second_step_set_up_it_leads_to_setting_one_up(
    oidc: OIDC, inside: Client, steward: Member
) -> None:
    link(inside, oidc)
    steward.authenticator_set.all().delete()
    elsewhere = Client()
    sign_in(elsewhere, oidc)
    assert elsewhere.get("/desk/")["Location"] == "/account/2fa/"


def test_linking_asks_once_more_that_it_is_you(oidc: OIDC, inside: Client) -> None:
    session = inside.session
    session["account_authentication_methods"] = []
    session.save()
    assert inside.get("/account/linked/link/")["Location"].startswith("/account/reauthenticate/")
    assert oidc.asked == []


def test_whom_nobody_linked_is_told_kindly_what_to_do_and_becomes_no_member(
    oidc: OIDC, steward: Member
) -> None:
    Member.objects.update(email="wen@river.example", username="f3a1-wen")  # nobody is found by either
    stranger = Client()
    answer = sign_in(stranger, oidc)
    assert (answer.status_code, refusal(answer)) == (404, "provider-unknown")
    assert "在“我”里关联同乐会" in answer.content.decode()
    assert "_auth_user_id" not in stranger.session
    assert Member.objects.count() == 1
    assert not LinkedSignIn.objects.exists()


def test_it_is_asked_for_nothing_but_who_and_nothing_it_says_is_kept(oidc: OIDC, inside: Client) -> None:
    link(inside, oidc)
    sign_in(Client(), oidc)
    assert {each["scope"] for each in oidc.asked} == {"openid"}
    with connection.cursor() as cursor:
        kept = ""
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            kept += str(cursor.fetchall())
    assert LinkedSignIn.objects.get().known_as in kept
    for said in (oidc.person, "Wen of the river", "river.example", "wen.png", "eyJ"):
        assert said not in kept


@pytest.mark.parametrize(
    ("lies", "refused"),
    [
        ({"nonce": "another"}, "provider-nonce"),
        ({"nonce": None}, "provider-nonce"),
        ({"aud": "somebody else"}, "provider-audience"),
        ({"aud": ["chat branch:南湾", "somebody else"]}, "provider-audience"),
        ({"azp": "somebody else"}, "provider-audience"),
        ({"iss": "https://elsewhere.example"}, "provider-issuer"),
        ({"exp": 1_700_000_000}, "provider-expired"),
        ({"exp": None}, "provider-expired"),
        ({"iat": 9_999_999_999}, "provider-time"),
        ({"sub": None}, "provider-subject"),
    ],
    ids=str,
)
def test_an_answer_that_does_not_hold_signs_nobody_in(
    oidc: OIDC, inside: Client, lies: dict[str, Any], refused: str
) -> None:
    link(inside, oidc)
    oidc.lies = lies
    victim = Client()
    answer = sign_in(victim, oidc)
    assert refusal(answer) == refused
    assert "同乐会的答复对不上" in answer.content.decode()
    assert victim.get("/account/2fa/authenticate/").status_code == 302, "no sign-in is under way"


@pytest.mark.parametrize(
    "signs_with",
    [(OTHER_KEY, "RS256"), (SECRET * 2, "HS256"), (None, "none")],
    ids=["another key", "our secret", "not signed"],
)
def test_an_answer_that_the_provider_did_not_sign_links_nothing(
    oidc: OIDC, inside: Client, signs_with: tuple[Any, str]
) -> None:
    oidc.signs_with = signs_with
    assert refusal(link(inside, oidc)) == "provider-signature"
    assert not LinkedSignIn.objects.exists()


def test_an_answer_counts_once_and_its_code_neither_in_another_browser_nor_again(
    oidc: OIDC, inside: Client
) -> None:
    link(inside, oidc)
    victim, thief = Client(), Client()
    answer = oidc.sign_in(victim.get("/account/provider/")["Location"])
    assert refusal(thief.get(answer)) == "provider-state", "the thief asked nothing"
    thief.get("/account/provider/")
    assert refusal(thief.get(answer)) == "provider-state", "the thief asked something else"
    assert victim.get(answer)["Location"] == "/account/2fa/authenticate/"
    assert refusal(victim.get(answer)) == "provider-state"
    stolen = re.sub(r"state=[^&]+", "", answer)
    own = thief.get("/account/provider/")["Location"]
    state = re.search(r"state=([^&]+)", own)
    assert state is not None
    assert refusal(thief.get(f"{stolen}&state={state[1]}")) == "provider-code"


def test_a_code_is_worth_nothing_to_whoever_has_not_asked_for_it(oidc: OIDC, inside: Client) -> None:
    """A code of the victim's, fresh, put into the attacker's own question: the verifier does not fit (RFC 7636)."""
    link(inside, oidc)
    victim, thief = Client(), Client()
    answer = oidc.sign_in(victim.get("/account/provider/")["Location"])
    state = re.search(r"state=([^&]+)", thief.get("/account/provider/")["Location"])
    assert state is not None
    assert refusal(thief.get(re.sub(r"state=[^&]+", f"state={state[1]}", answer))) == "provider-code"


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("", "provider-state"),
        ("code=abc", "provider-state"),
        ("state={state}", "provider-cancelled"),
        ("state={state}&error=access_denied", "provider-cancelled"),
        ("state={state}&code=abc&iss=https://elsewhere.example", "provider-issuer"),
        ("state={state}&code=made-up", "provider-code"),
    ],
)
def test_a_broken_or_cancelled_answer_is_said_kindly(
    oidc: OIDC, steward: Member, query: str, refused: str
) -> None:
    client = Client(headers={"accept-language": "en"})
    client.get("/account/provider/")
    state = client.session["provider_asked"]["state"]
    assert refusal(client.get("/account/provider/back/?" + query.format(state=state))) == refused


def test_an_answer_after_ten_minutes_is_too_late(oidc: OIDC, inside: Client) -> None:
    link(inside, oidc)
    late = Client()
    answer = oidc.sign_in(late.get("/account/provider/")["Location"])
    with clock.held(clock.now() + timedelta(minutes=11)):
        assert refusal(late.get(answer)) == "provider-state"


@pytest.mark.parametrize(
    ("describes", "refused"),
    [
        ({"issuer": "https://elsewhere.example"}, "provider-issuer"),
        ({"token_endpoint": "http://elsewhere.example/token"}, "provider-address"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "provider-address"),
        ({"jwks_uri": None}, "provider-address"),
    ],
    ids=str,
)
def test_a_provider_that_describes_itself_strangely_is_not_asked(
    oidc: OIDC, steward: Member, describes: dict[str, Any], refused: str
) -> None:
    oidc.describes = describes
    assert refusal(Client().get("/account/provider/")) == refused


def test_a_provider_that_does_not_answer_is_said_kindly_and_the_page_leads_to_the_other_ways(
    oidc: OIDC, steward: Member, settings: Settings
) -> None:
    silent = {**oidc.settings, "issuer": "http://127.0.0.1:9"}
    settings.CONFIG = replace(settings.CONFIG, oidc=silent)
    answer = Client().get("/account/provider/")
    assert (answer.status_code, refusal(answer)) == (502, "provider-silent")


def test_it_is_not_asked_without_end(oidc: OIDC, steward: Member) -> None:
    client = Client()
    answers = [client.get("/account/provider/").status_code for _ in range(21)]
    assert answers == [302] * 20 + [429]


@pytest.mark.parametrize(
    ("then", "leads"),
    [("/desk/members/", "/desk/members/"), ("https://elsewhere.example/", "/desk/")],
)
def test_one_goes_on_to_the_page_one_came_for_if_it_is_ours(
    oidc: OIDC, inside: Client, secret: str, then: str, leads: str
) -> None:
    link(inside, oidc)
    client = Client()
    sign_in(client, oidc, then)
    answer = client.post("/account/2fa/authenticate/", {"code": code(secret, later=1)})
    assert answer["Location"] == leads


def test_one_sign_in_is_one_members(oidc: OIDC, inside: Client, join: Callable[..., Member]) -> None:
    lan = join("lan", "海风网")
    TOTP.activate(lan, generate_totp_secret())
    link(inside, oidc)
    other = Client()
    other.force_login(lan)
    other.post("/account/reauthenticate/", {"password": PASSWORD})
    assert refusal(link(other, oidc)) == "linked-already"
    assert LinkedSignIn.objects.get().member.username == "wen"


def test_unlinking_recovering_and_leaving_end_it(
    oidc: OIDC, inside: Client, steward: Member, join: Callable[..., Member]
) -> None:
    link(inside, oidc)
    inside.post("/account/linked/unlink/")
    assert refusal(sign_in(Client(), oidc)) == "provider-unknown"
    link(inside, oidc)
    branch.do_renew(branch.do_prepare_renewal(steward), "seven 灯笼 over rivers")
    assert not LinkedSignIn.objects.exists(), "every other key is void, too"
    lan = join("lan", "海风网")
    LinkedSignIn.objects.create(member=lan, issuer=oidc.issuer, known_as="0" * 64)
    branch.do_leave(lan)
    assert not LinkedSignIn.objects.exists()


def test_where_the_settings_name_none_there_is_no_trace_of_it(inside: Client) -> None:
    assert "/account/provider/" not in Client().get("/account/login/").content.decode()
    assert "/account/linked/" not in inside.get("/account/2fa/").content.decode()
    assert refusal(Client().get("/account/provider/")) == "no-provider"
    assert inside.get("/account/linked/").status_code == 404


@pytest.mark.parametrize("lang", ["zh-Hans", "zh-Hant", "en"])
def test_its_pages_are_in_every_language(oidc: OIDC, inside: Client, lang: str) -> None:
    name = "同樂會" if lang == "zh-Hant" else "同乐会"
    login = Client().get("/account/login/", {"lang": lang, "next": "/desk/members/"}).content.decode()
    assert "/account/provider/?next=/desk/members/" in login
    assert name in login
    for path in ("/account/2fa/", "/account/linked/", "/account/linked/link/"):
        assert name in inside.get(path, {"lang": lang}).content.decode()


PROVIDER = rules.Provider("同乐会", "https://id.example", "branch")
NOW = clock.now()
GOOD = {
    "iss": "https://id.example",
    "sub": "wen",
    "aud": "branch",
    "exp": NOW.timestamp() + 60,
    "iat": NOW.timestamp(),
    "nonce": "n",
}
ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)
)


def test_a_good_token_says_who() -> None:
    assert rules.subject(PROVIDER, GOOD, "n", NOW) == "wen"


@trying(max_examples=40)
@given(st.sampled_from(["iss", "aud", "nonce", "azp"]), ANYTHING)
def test_whatever_else_stands_where_it_says_from_whom_for_whom_and_to_what_is_refused(
    name: str, value: object
) -> None:
    if value in (GOOD.get(name, "branch"), ["branch"]):
        return
    with pytest.raises(Refused):
        rules.subject(PROVIDER, {**GOOD, name: value}, "n", NOW)


@trying(max_examples=40)
@given(st.dictionaries(st.sampled_from([*GOOD, "azp"]), ANYTHING))
def test_no_token_is_so_strange_that_it_does_more_than_be_refused(claims: dict[str, object]) -> None:
    with pytest.raises(Refused):
        rules.subject(PROVIDER, claims, "n", NOW)


@trying(max_examples=40)
@given(st.text())
def test_an_address_is_asked_over_https_or_on_this_machine_only(address: str) -> None:
    assert not rules.is_safe(address)
    assert not rules.is_safe("http://elsewhere.example/" + address)
    assert rules.is_safe("https://id.example/")
    assert rules.is_safe("http://localhost:8080/")
