from __future__ import annotations

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.core.cache import cache
from django.db import connection
from django.test import Client

from chatbranch.branch.models import Member
from chatbranch.branch.signin import MFAAdapter
from chatbranch.branch.tests.conftest import PASSWORD


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    """Tries are counted in the cache; each test starts with none."""
    cache.clear()


def code(secret: str, later: int = 0) -> str:
    """The six digits an app shows now, or `later` half minutes on (RFC 6238)."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + later)))


@pytest.fixture
def secret(steward: Member) -> str:
    secret = str(generate_totp_secret())
    TOTP.activate(steward, secret)
    return secret


def sign_in(client: Client, password: str = PASSWORD) -> str:
    answer = client.post("/account/login/", {"login": "wen", "password": password})
    return str(answer.headers.get("Location", answer.status_code))


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_password_alone_does_not_sign_in_where_a_second_factor_is_set_up(
    client: Client, secret: str
) -> None:
    assert sign_in(client) == "/account/2fa/authenticate/"
    assert not signed_in(client)
    assert client.get("/desk/")["Location"].startswith("/account/login/")


def test_password_and_code_open_the_desk(client: Client, secret: str) -> None:
    sign_in(client)
    assert client.post("/account/2fa/authenticate/", {"code": code(secret)})["Location"] == "/desk/"
    assert client.get("/desk/").status_code == 200


def test_a_code_works_once(client: Client, secret: str) -> None:
    used = code(secret)
    sign_in(client)
    client.post("/account/2fa/authenticate/", {"code": used})
    other = Client()
    sign_in(other)
    other.post("/account/2fa/authenticate/", {"code": used})
    assert signed_in(client)
    assert not signed_in(other)


def test_a_wrong_code_is_said_plainly_in_the_readers_language(client: Client, secret: str) -> None:
    sign_in(client)
    page = client.post("/account/2fa/authenticate/?lang=en", {"code": "000000"}).content.decode()
    assert "That code is not right" in page
    page = client.post("/account/2fa/authenticate/?lang=zh-Hans", {"code": "000000"}).content.decode()
    assert "验证码不对" in page
    assert not signed_in(client)


def test_a_phone_clock_half_a_minute_off_still_works(client: Client, secret: str) -> None:
    sign_in(client)
    client.post("/account/2fa/authenticate/", {"code": code(secret, later=1)})
    assert signed_in(client)


def test_guessing_is_stopped_after_a_few_tries(client: Client, steward: Member) -> None:
    for _ in range(6):
        client.post("/account/login/", {"login": "wen", "password": "not this one at all"})
    page = client.post("/account/login/", {"login": "wen", "password": PASSWORD}).content.decode()
    assert "过几分钟再来" in page
    assert not signed_in(client)


def test_the_same_words_for_a_wrong_name_and_a_wrong_password(client: Client, steward: Member) -> None:
    def said(name: str) -> list[str]:
        page = client.post(
            "/account/login/", {"login": name, "password": "not this one at all"}
        ).content.decode()
        return re.findall(r'role="alert">(.*?)</div>', page, re.DOTALL)

    assert said("wen") == said("nobody")
    assert "登录名或密码不对" in said("wen")[0]


def test_setting_up_an_app_leads_to_spare_codes_and_opens_the_desk(client: Client, steward: Member) -> None:
    sign_in(client)
    # Reauthenticating once is asked of a session whose password was not just chosen.
    answer = client.get("/account/2fa/totp/activate/", follow=True)
    client.post(answer.request["PATH_INFO"] + "?next=/account/2fa/totp/activate/", {"password": PASSWORD})
    page = client.get("/account/2fa/totp/activate/").content.decode()
    found = re.search(r'name="secret"[^>]*>([A-Z2-7]+)<', page)
    assert found is not None
    assert "data:image/svg+xml" in page
    done = client.post("/account/2fa/totp/activate/", {"code": code(found.group(1))})
    assert done["Location"] == "/account/2fa/codes/"
    assert len(re.findall(r"\b\d{8}\b", client.get("/account/2fa/codes/").content.decode())) == 10
    assert client.get("/desk/").status_code == 200


def test_the_apps_secret_is_not_in_the_database_in_clear(steward: Member, secret: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator")
        assert secret not in str(cursor.fetchall())
    assert MFAAdapter().decrypt(Authenticator.objects.get(type="totp").data["secret"]) == secret


def test_the_only_second_factor_cannot_be_taken_away(client: Client, steward: Member, secret: str) -> None:
    sign_in(client)
    client.post("/account/2fa/authenticate/", {"code": code(secret)})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    page = client.post("/account/2fa/totp/deactivate/").content.decode()
    assert "唯一的第二道验证" in page
    only = Authenticator.objects.create(
        user=steward, type="webauthn", data={"name": "phone", "credential": {}}
    )
    Authenticator.objects.filter(type="totp").delete()
    assert client.post(f"/account/2fa/passkeys/{only.pk}/remove/")["Location"] == "/account/2fa/passkeys/"
    assert Authenticator.objects.filter(pk=only.pk).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/account/signup/", "/account/email/", "/account/password/reset/", "/account/3rdparty/"]
)
def test_there_is_no_sign_up_and_no_mail_form(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.post(path, {"username": "x", "password1": PASSWORD}).status_code in (403, 404)


@pytest.mark.django_db
@pytest.mark.parametrize("lang", ["zh-Hans", "zh-Hant", "en"])
@pytest.mark.parametrize("path", ["/account/login/", "/account/lost/"])
def test_pages_before_signing_in_render_in_every_language(client: Client, path: str, lang: str) -> None:
    answer = client.get(path, {"lang": lang})
    assert answer.status_code == 200
    assert f'<html lang="{lang}"' in answer.content.decode()


@pytest.mark.parametrize("lang", ["zh-Hans", "en"])
@pytest.mark.parametrize(
    "path",
    ["", "totp/deactivate/", "codes/", "codes/generate/", "passkeys/", "passkeys/add/", "reauthenticate/", "../password/",
     "../logout/", "../reauthenticate/"],
)  # fmt: skip
def test_every_page_of_ones_own_sign_in_is_ours(client: Client, secret: str, path: str, lang: str) -> None:
    sign_in(client)
    client.post("/account/2fa/authenticate/", {"code": code(secret)})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    page = client.get(f"/account/2fa/{path}".replace("2fa/../", ""), {"lang": lang}).content.decode()
    assert 'class="title"' in page
    assert "Two-Factor" not in page
    assert "<script>" not in page
    assert "style=" not in page
