"""The mail connector: sends through the branch's outgoing server (SMTP, RFC 5321), and listens to its mailbox."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
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
from chatbranch.connectors.mail import compose, wire
from chatbranch.connectors.mail.listener import Listener
from chatbranch.connectors.mail.mailbox import Account, Trouble
from chatbranch.connectors.mail.setup import SETUP
from chatbranch.kernel import clock
from chatbranch.kernel.backoff import Attempts
from chatbranch.kernel.messages import Outbound, Receipt

log = logging.getLogger(__name__)

SECURITY = ("starttls", "tls", "none")
LOCAL = ("localhost", "127.0.0.1", "::1")
TIMEOUT = 30.0  # seconds a server may take over one step
AT_ONCE = 4  # connections
GREYLISTED = 300.0  # seconds; a server that wants to see whether we come back expects us after minutes
HEADINGS = 500  # mails whose subject and thread are known when they are answered


class Mail:
    """Sends through one account of one server. SMTP knows no idempotency key: see `Capabilities.idempotent`."""

    name = SETUP.name
    title = SETUP.title
    capabilities = SETUP.capabilities
    settings = SETUP.settings

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._values = _checked(settings)
        self._mailbox = _mailbox(self._values)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._headings: OrderedDict[str, compose.Heading] = OrderedDict()

    async def run(self, host: Host) -> None:
        """Sign in to the outgoing server once, so that a wrong setting shows before the first mail; then listen."""
        attempts = Attempts()
        while True:
            attempts.begin()
            try:
                await self._attend(host)
            except Misconfigured as wrong:
                await host.report("broken", str(wrong))
                raise
            except (Trouble, SMTPException, OSError) as trouble:
                why = (
                    str(trouble)
                    if isinstance(trouble, Trouble)
                    else f"the mail server: {type(trouble).__name__}"
                )
                seconds = attempts.failed()
                log.warning("mail: %s; again in %.0f s", why, seconds)
                await host.report("reconnecting", why)
                await asyncio.sleep(seconds)

    async def _attend(self, host: Host) -> None:
        await self._greet()
        if self._mailbox is None:
            await host.report("connected")
            await asyncio.Event().wait()
        else:
            await Listener(host, self._me, self._mailbox, self._note).listen()

    async def _greet(self) -> None:
        try:
            async with self._client():
                log.info("mail: %s takes our mail", self._values["host"])
        except SMTPAuthenticationError as refused:
            raise Misconfigured(
                f"邮件服务器不认 mail.user 与 mail.password / the mail server refuses mail.user and mail.password ({refused.code})"
            ) from refused
        except SMTPNotSupported as lacking:
            raise Misconfigured(
                f"邮件服务器做不到 mail.security 要求的 / the mail server cannot do what mail.security asks: {lacking}"
            ) from lacking

    @property
    def _me(self) -> wire.Me:
        sender = compose.address_of(self._values["sender"])
        own = {f"{sender.username}@{sender.domain}".lower(), self._values["imap_user"].lower()}
        return wire.Me(frozenset(each for each in own if "@" in each), self._values["authserv_id"])

    def _note(self, letter: wire.Letter) -> None:
        """Know a letter's subject and thread when it is answered."""
        self._headings[letter.reference] = letter.heading
        while len(self._headings) > HEADINGS:
            self._headings.popitem(last=False)

    async def send(self, outbound: Outbound) -> Receipt:
        """Hand one mail to the server."""
        try:
            mail = compose.message_of(
                outbound,
                self._values["sender"],
                clock.now(),
                self._values["unsubscribe_url"],
                self._headings.get(outbound.reply_to),
            )
        except compose.BadAddress as bad:
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
            raise Undeliverable(
                f"邮件服务器发不到这样的地址 / the mail server cannot write to such an address: {lacking}"
            ) from lacking
        return Receipt(str(mail["Message-ID"]))

    def _client(self) -> SMTP:
        security = self._values["security"]
        return SMTP(
            hostname=self._values["host"],
            port=int(self._values["port"]),
            username=self._values["user"] or None,
            password=self._values["password"] or None,
            use_tls=security == "tls",
            start_tls=security == "starttls",
            timeout=TIMEOUT,
        )


# --- settings -------------------------------------------------------------------------------------------------------------


def _checked(settings: Mapping[str, str]) -> dict[str, str]:
    """Every setting there is, "" where it is not set; the mailbox is signed in to as the outgoing server is."""
    values = {each.key: settings.get(each.key) or each.default for each in SETUP.settings}
    values["imap_user"] = values["imap_user"] or values["user"]
    values["imap_password"] = values["imap_password"] or values["password"]
    try:
        compose.address_of(values["sender"])
    except compose.BadAddress as bad:
        raise Misconfigured(f"mail.sender: {bad}") from bad
    if bool(values["user"]) != bool(values["password"]):
        raise Misconfigured(
            "mail.user 与 mail.password 要么都填，要么都不填 / mail.user and mail.password belong together: set both or neither"
        )
    _check_connection(values, "", values["password"])
    if values["imap_host"]:
        _check_mailbox(values)
    return values


def _check_connection(values: Mapping[str, str], prefix: str, password: str) -> None:
    host, port, security = (values[f"{prefix}{key}"] for key in ("host", "port", "security"))
    if security not in SECURITY:
        raise Misconfigured(
            f"mail.{prefix}security 不合要求 / mail.{prefix}security must be one of {', '.join(SECURITY)}"
        )
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
        raise Misconfigured(
            f"mail.{prefix}port 应是 1 到 65535 的数 / mail.{prefix}port must be a number from 1 to 65535"
        )
    if security == "none" and password and host not in LOCAL:
        raise Misconfigured(
            f"mail.{prefix}security 是 none，密码会明文传送；请用 starttls 或 tls / "
            f"mail.{prefix}security is none: the password would cross the network in clear; use starttls or tls"
        )


def _check_mailbox(values: Mapping[str, str]) -> None:
    _check_connection(values, "imap_", values["imap_password"])
    if not (values["imap_user"] and values["imap_password"]):
        raise Misconfigured(
            "收邮件要有 mail.imap_user 与 mail.imap_password（或 mail.user 与 mail.password） / "
            "reading mail needs mail.imap_user and mail.imap_password (or mail.user and mail.password)"
        )
    poll = values["imap_poll"]
    if not (poll.isascii() and poll.isdigit() and 1 <= int(poll[:6]) <= 1500):
        raise Misconfigured(
            "mail.imap_poll 应是 1 到 1500 秒 / mail.imap_poll must be a number of seconds from 1 to 1500"
        )


def _mailbox(values: Mapping[str, str]) -> Account | None:
    if not values["imap_host"]:
        return None
    return Account(
        host=values["imap_host"],
        port=int(values["imap_port"]),
        security=values["imap_security"],
        user=values["imap_user"],
        password=values["imap_password"],
        folder=values["imap_folder"],
        poll=float(values["imap_poll"]),
    )


def _refusal(code: int, said: str) -> Exception:
    """4xx: the server may take it later; 5xx: it never will (RFC 5321, section 4.2.1)."""
    reason = " ".join(said.split())[:200]
    if 400 <= code < 500:
        return Later(GREYLISTED, f"{code} {reason}")
    return Undeliverable(f"{code} {reason}") if 500 <= code < 600 else SMTPException(f"{code} {reason}")
