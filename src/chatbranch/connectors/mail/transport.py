"""Sending mail through the branch's outgoing server (SMTP, RFC 5321)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from chatbranch.connectors.contract import Host, Later, Misconfigured, Undeliverable
from chatbranch.connectors.mail import wire
from chatbranch.connectors.mail.setup import SETUP
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Outbound, Receipt

log = logging.getLogger(__name__)

SECURITY = ("starttls", "tls", "none")
LOCAL = ("localhost", "127.0.0.1", "::1")
TIMEOUT = 30.0  # seconds a server may take over one step
AT_ONCE = 4  # connections
GREYLISTED = 300.0  # seconds; a server that wants to see whether we come back expects us after minutes


class Mail:
    """Sends through one account of one server. SMTP knows no idempotency key: see `Capabilities.idempotent`."""

    name = SETUP.name
    title = SETUP.title
    capabilities = SETUP.capabilities
    settings = SETUP.settings

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._values = _checked(settings)
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self, host: Host) -> None:
        """Sign in once, so that a wrong setting is in the log before the first mail is; then nothing to listen to."""
        try:
            async with self._client():
                log.info("mail: %s takes our mail", self._values["host"])
        except SMTPAuthenticationError as refused:
            raise Misconfigured(
                f"the mail server refuses mail.user and mail.password ({refused.code})"
            ) from refused
        except SMTPNotSupported as lacking:
            raise Misconfigured(f"the mail server cannot do what mail.security asks: {lacking}") from lacking
        await asyncio.Event().wait()

    async def send(self, outbound: Outbound) -> Receipt:
        """Hand one mail to the server."""
        try:
            mail = wire.message_of(
                outbound, self._values["sender"], clock.now(), self._values.get("unsubscribe_url", "")
            )
        except wire.BadAddress as bad:
            raise Undeliverable(str(bad)) from bad
        try:
            async with self._slots, self._client() as client:
                await client.send_message(mail)
        except SMTPRecipientsRefused as refused:
            first = refused.recipients[0]
            raise _refusal(first.code, first.message) from refused
        except SMTPAuthenticationError:
            raise
        except SMTPResponseException as refused:
            raise _refusal(refused.code, refused.message) from refused
        except SMTPNotSupported as lacking:
            raise Undeliverable(f"the mail server cannot write to such an address: {lacking}") from lacking
        return Receipt(str(mail["Message-ID"]))

    def _client(self) -> SMTP:
        security = self._values["security"]
        return SMTP(
            hostname=self._values["host"],
            port=int(self._values["port"]),
            username=self._values.get("user") or None,
            password=self._values.get("password") or None,
            use_tls=security == "tls",
            start_tls=security == "starttls",
            timeout=TIMEOUT,
        )


def _checked(settings: Mapping[str, str]) -> dict[str, str]:
    if settings["security"] not in SECURITY:
        raise Misconfigured(f"mail.security must be one of {', '.join(SECURITY)}")
    if not (settings["port"].isdigit() and 0 < int(settings["port"]) < 65_536):
        raise Misconfigured("mail.port must be a number from 1 to 65535")
    try:
        wire.address_of(settings["sender"])
    except wire.BadAddress as bad:
        raise Misconfigured(f"mail.sender: {bad}") from bad
    if bool(settings.get("user")) != bool(settings.get("password")):
        raise Misconfigured("mail.user and mail.password belong together: set both or neither")
    if settings["security"] == "none" and settings.get("password") and settings["host"] not in LOCAL:
        raise Misconfigured(
            "mail.security is none: the password would cross the network in clear; use starttls or tls"
        )
    return dict(settings)


def _refusal(code: int, said: str) -> Exception:
    """4xx: the server may take it later; 5xx: it never will (RFC 5321, section 4.2.1)."""
    reason = " ".join(said.split())[:200]
    if 400 <= code < 500:
        return Later(GREYLISTED, f"{code} {reason}")
    return Undeliverable(f"{code} {reason}") if 500 <= code < 600 else SMTPException(f"{code} {reason}")
