"""Which provider there is, and who has linked it."""

from __future__ import annotations

from django.conf import settings
from django.utils.crypto import salted_hmac

from chatbranch.branch.models import LinkedSignIn, Member
from chatbranch.branch.provider.rules import Provider
from chatbranch.branch.queries import Looker, is_rater, rater
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase


def configured() -> Provider:
    """The provider of the settings; refuses where there is none."""
    if not settings.CONFIG.oidc:
        raise Refused(
            "no-provider",
            Phrase(
                "这里没有另设登录服务。请用通行密钥，或密码和验证码登录。",
                "No other provider to sign in with is set up here. Please use a passkey, or a password and a code.",
            ),
            status=404,
        )
    return Provider(**settings.CONFIG.oidc)


def linked(actor: Looker, provider: Provider) -> LinkedSignIn | None:
    """The actor's own link with this provider."""
    return LinkedSignIn.objects.filter(member=rater(actor), issuer=provider.issuer).first()


def linked_to(provider: Provider, subject: str) -> Member:
    """The member who linked this sign-in; refuses one that nobody did. Nobody is found by name or e-mail."""
    held = LinkedSignIn.objects.filter(known_as=known_as(provider, subject)).select_related("member").first()
    if held is None or not is_rater(held.member):
        raise Refused(
            "provider-unknown",
            Phrase(
                "{name}认得您，但这里还没有成员关联这个登录。是成员的话：请先用通行密钥或密码登录，在“我”里关联{name}，以后就能用它登录。还不是成员：请向一位成员要邀请。",
                "{name} knows you, but no member here has linked that sign-in. If you are a member: sign in with your passkey or password first, and link {name} under “Me”; from then on it lets you in. If you are not: ask a member for an invitation.",
            ),
            status=404,
            name=provider.name,
        )
    return held.member


def known_as(provider: Provider, subject: str) -> str:
    """A keyed hash of the provider's identifier: enough to recognise somebody who comes back, and to tell nobody who it is."""
    said = f"{provider.issuer}\n{subject}"
    return salted_hmac(
        "linked sign-in", said, secret=settings.SECRETS["django"], algorithm="sha256"
    ).hexdigest()
