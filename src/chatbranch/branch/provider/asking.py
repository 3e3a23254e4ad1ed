"""Asking the provider over the network. Never within a transaction; what it says is read by rules."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import cache
from urllib.parse import quote_plus

from chatbranch.branch.provider import rules
from chatbranch.branch.provider.rules import Asked, Places, Provider
from chatbranch.kernel import clock

PATIENCE = 5.0  # seconds, for each of the few requests that somebody waits for


def places(provider: Provider) -> Places:
    """Where to ask, from the provider's discovery document."""
    return rules.read_places(provider, _fetch(provider, "GET", rules.discovery(provider.issuer)))


def who(provider: Provider, code: str, asked: Asked, back: str) -> str:
    """Whom the provider says has come back with this code: its identifier for them, and nothing else it may know.

    Its places and keys are read anew each time: members sign in seldom, and keys change.
    """
    from chatbranch.branch.provider import signed  # so it is with what checks signatures

    found = places(provider)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": asked.verifier,
    }
    answer = _fetch(provider, "POST", found.token, *_introduced(provider, found, form))
    keys = _fetch(provider, "GET", found.keys).get("keys")
    said = signed.claims(provider, str(answer.get("id_token", "")), keys)
    return rules.subject(provider, said, asked.nonce, clock.now())


def _introduced(
    provider: Provider, found: Places, form: dict[str, str]
) -> tuple[dict[str, str], tuple[str, str] | None]:
    """The form, and beside it who we are, as the provider wants to be told (RFC 6749, section 2.3.1)."""
    if not provider.client_secret:
        return {**form, "client_id": provider.client_id}, None
    if found.form:
        return {**form, "client_id": provider.client_id, "client_secret": provider.client_secret}, None
    return form, (quote_plus(provider.client_id), quote_plus(provider.client_secret))


def _fetch(
    provider: Provider,
    method: str,
    url: str,
    form: dict[str, str] | None = None,
    introduced: tuple[str, str] | None = None,
) -> Mapping[str, object]:
    """The JSON object at an address of the provider's."""
    import httpx  # it takes its time to load, which only whoever signs in this way is to wait for

    try:
        answer = httpx.request(
            method,
            url,
            data=form,
            auth=introduced,
            headers={"Accept": "application/json"},
            timeout=PATIENCE,
            verify=_trusted(),
        )
        if form and answer.is_client_error:  # a code used before, too old, or not for us
            raise rules.disbelieved(provider, "code")
        said = answer.raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise rules.silent(provider) from error
    if not isinstance(said, dict):
        raise rules.silent(provider)
    return said


@cache
def _trusted() -> ssl.SSLContext:
    """Whom we believe over https; read once, for that takes longer than asking."""
    import httpx

    return httpx.create_ssl_context()
