"""Sign-in policy on top of django-allauth: members come by invitation only, with a passkey, or a password and a code."""

from __future__ import annotations

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import lazystr
from django.utils.translation import get_language

from chatbranch.branch import queries
from chatbranch.branch.access import SECOND_FACTORS
from chatbranch.branch.models import Member
from chatbranch.kernel.phrases import Phrase, as_lang


class _Said:
    """A phrase said in the reader's language at the moment it is shown."""

    def __init__(self, zh: str, en: str) -> None:
        self.phrase = Phrase(zh, en)

    def __str__(self) -> str:
        return self.phrase.say(as_lang(get_language()))


def _say(zh: str, en: str) -> Any:
    return lazystr(_Said(zh, en))


_WRONG = _say("登录名或密码不对。", "The sign-in name or the password is not right.")
_WRONG_CODE = _say(
    "验证码不对，或已过时。请用应用里现在显示的那个。",
    "That code is not right, or has passed. Please use the one your app shows now.",
)
_SLOWLY = _say(
    "试的次数太多了，请过几分钟再来。", "That was too many tries. Please come back in a few minutes."
)


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """No public sign-up: a member is made from an invitation."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": _say("这个登录名已停用。", "This sign-in name is no longer in use."),
        "incorrect_code": _WRONG_CODE,
        "incorrect_password": _say("密码不对。", "The password is not right."),
        "enter_current_password": _say("现在的密码不对。", "The present password is not right."),
        "invalid_login": _WRONG,
        "username_password_mismatch": _WRONG,
        "too_many_login_attempts": _SLOWLY,
        "rate_limited": _SLOWLY,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """allauth's ways of showing once more that it is you, in our words."""
        said = {
            "reauthenticate": _say("用密码", "Use your password"),
            "mfa_reauthenticate": _say("用验证码或备用码", "Use a code"),
            "mfa_reauthenticate:webauthn": _say("用通行密钥", "Use a passkey"),
        }
        methods = super().get_reauthentication_methods(user)
        return [
            {**method, "description": str(said.get(method["id"], method["description"]))}
            for method in methods
        ]


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """Second factors: secrets of authenticator apps are kept encrypted, and the last factor cannot be taken away."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _WRONG_CODE,
        "cannot_delete_authenticator": _say(
            "这是您唯一的第二道验证，请先添加另一种，再停用它。",
            "This is your only second step. Please add another one before you remove it.",
        ),
    }

    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _box().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=SECOND_FACTORS)
        return bool(others.exclude(pk=authenticator.pk).exists())

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:
        """A first name for a passkey; its owner can write a better one."""
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return Phrase("通行密钥 {n}", "Passkey {n}").say(as_lang(get_language()), n=number)

    def _get_site_name(self) -> str:
        return queries.branch_name() or "chatbranch"


def _box() -> Fernet:
    """Encrypts authenticator secrets under a key derived from the django secret, which lies apart from the data."""
    key = HKDF(SHA256(), length=32, salt=None, info=b"chatbranch second factors").derive(
        settings.SECRETS["django"].encode()
    )
    return Fernet(base64.urlsafe_b64encode(key))


def welcome(request: HttpRequest, member: Member) -> HttpResponse:
    """Sign in somebody who has just chosen their password, and lead them on: to a second factor, or to the desk."""
    sign_in(request, member)
    return redirect("mfa_index" if not is_mfa_enabled(member) else settings.LOGIN_REDIRECT_URL)


def sign_in(request: HttpRequest, member: Member) -> None:
    """Sign in someone who has just chosen their password, so that setting up the second factor need not ask for it again."""
    login(request, member, backend="allauth.account.auth_backends.AuthenticationBackend")
    reauthenticate_by_password(request)
