"""One connection to a mailbox (IMAP, RFC 9051), read without leaving a trace in it: what is unread stays unread.

imap-tools (Apache-2.0) speaks the protocol and blocks, so each connection has a thread of its own.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from imaplib import IMAP4
from typing import TypeVar

from imap_tools import (
    BaseMailBox,
    ImapToolsError,
    MailBox,
    MailboxLoginError,
    MailBoxStartTls,
    MailBoxUnencrypted,
)
from imap_tools.errors import MailboxFolderSelectError, MailboxFolderStatusError

from chatbranch.connectors.contract import Misconfigured
from chatbranch.kernel import clock

PATIENCE = 15.0  # seconds for the connection, and for each answer
MOST_BYTES = 30 * 1024 * 1024  # of a mail that are read: two pictures of 10 MB, as mail writes them
_PASSING = re.compile(r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]", re.IGNORECASE)  # RFC 5530

T = TypeVar("T")


class Trouble(Exception):
    """The server cannot be reached, or ended the connection. It may pass."""


@dataclass(frozen=True)
class Account:
    """Where mail is read. security: "tls", "starttls" or "none". poll: seconds between looks nobody asked for."""

    host: str
    port: int
    security: str
    user: str
    password: str = field(repr=False)
    folder: str
    poll: float


class Mailbox:
    """One folder, opened for reading. Every method raises Trouble where the connection has ended."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._thread = ThreadPoolExecutor(1, "mailbox")
        self._box: BaseMailBox | None = None
        self._idles = False
        self.validity = self.next_uid = 0

    async def open(self) -> None:
        """Connect, sign in and open the folder. Raises Misconfigured for what no later try would do better."""
        await self._do(self._open)

    async def after(self, uid: int) -> list[int]:
        """The UIDs above `uid`, in order."""
        found = await self._do(lambda: self._search(f"UID {uid + 1}:*"))
        return [
            each for each in found if each > uid
        ]  # `n:*` always names the newest, even where n is above it

    async def since(self, day: date) -> list[int]:
        """The UIDs of what has arrived since a day (a server's clock may stand in any zone), in order."""
        return await self._do(lambda: self._search(f"SINCE {day.day}-{_MONTHS[day.month - 1]}-{day.year}"))

    async def fetch(self, uid: int) -> tuple[bytes, datetime] | None:
        """A mail, at most MOST_BYTES of it, and when it arrived; None where it is gone."""
        return await self._do(lambda: self._fetch(uid))

    async def wait(self) -> None:
        """Until something has changed (IDLE, RFC 2177), or it is time to look again."""
        if self._idles:
            await self._do(lambda: self._there.idle.wait(self._account.poll))
        else:
            await asyncio.sleep(self._account.poll)

    async def close(self) -> None:
        """Let go at once, whatever is under way in the thread."""
        if self._box is not None:
            with suppress(OSError):
                self._box.client.sock.shutdown(socket.SHUT_RDWR)
        self._thread.shutdown(wait=False, cancel_futures=True)

    # --- in the thread ---

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (IMAP4.error, ImapToolsError, OSError, EOFError) as error:
            raise Trouble(f"{self._account.host}: {type(error).__name__}") from error

    @property
    def _there(self) -> BaseMailBox:
        assert self._box is not None
        return self._box

    def _open(self) -> None:
        account = self._account
        try:
            self._box = _connect(account)
            self._sign_in(self._box)
            status = self._box.folder.status(account.folder, ("UIDVALIDITY", "UIDNEXT"))
            self._box.folder.set(account.folder, readonly=True)
        except ssl.SSLCertVerificationError as error:
            raise Misconfigured(
                f"{account.host} 的证书信不过，请看 mail.imap_host / "
                f"the certificate of {account.host} cannot be trusted ({error.verify_message}): see mail.imap_host"
            ) from error
        except (MailboxFolderStatusError, MailboxFolderSelectError) as error:
            raise Misconfigured(
                "信箱里没有这个文件夹，请看 mail.imap_folder / the mailbox has no folder of that name: see mail.imap_folder"
            ) from error
        self.validity, self.next_uid = status["UIDVALIDITY"], status["UIDNEXT"]

    def _sign_in(self, box: BaseMailBox) -> None:
        account = self._account
        plainly = account.user.isascii() and account.password.isascii()
        try:
            (box.login if plainly else box.login_utf8)(account.user, account.password, initial_folder=None)
        except (MailboxLoginError, IMAP4.error) as refused:
            if isinstance(refused, IMAP4.abort) or _PASSING.search(str(refused)):
                raise
            raise Misconfigured(
                f"{account.host} 不认 mail.imap_user 与 mail.imap_password（没有就是 mail.user 与 mail.password）；"
                "有的邮箱要用专给程序的密码 / "
                f"{account.host} refuses mail.imap_user and mail.imap_password (else: mail.user and mail.password);"
                " some providers want a password made for this program"
            ) from refused
        _, able = box.client.capability()  # often more once signed in
        self._idles = b"IDLE" in able[-1].upper().split()

    def _search(self, criteria: str) -> list[int]:
        self._there.client.noop()  # a server may tell of new mail only now
        return sorted(map(int, self._there.uids(criteria, charset=None)))

    def _fetch(self, uid: int) -> tuple[bytes, datetime] | None:
        parts = f"(INTERNALDATE BODY.PEEK[]<0.{MOST_BYTES}>)"
        status, data = self._there.client.uid("FETCH", str(uid), parts)
        if status != "OK":
            raise Trouble(f"有一封邮件取不下来 / {self._account.host}: a mail cannot be fetched")
        raw = next((each[1] for each in data if isinstance(each, tuple)), None)
        said = b" ".join(each[0] if isinstance(each, tuple) else each for each in data if each)
        return None if raw is None else (raw, _arrived(said))


def _connect(account: Account) -> BaseMailBox:
    where = (account.host, account.port)
    if account.security == "none":
        return MailBoxUnencrypted(*where, timeout=PATIENCE)
    kind = MailBox if account.security == "tls" else MailBoxStartTls
    return kind(*where, timeout=PATIENCE, ssl_context=ssl.create_default_context())


_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_INTERNALDATE = re.compile(rb'INTERNALDATE "\s?(\d{1,2}-[A-Za-z]{3}-\d{4} \d\d:\d\d:\d\d [+-]\d{4})"')


def _arrived(said: bytes) -> datetime:
    """When the server got it; now, where it does not say."""
    found = _INTERNALDATE.search(said)
    if not found:
        return clock.now()
    return datetime.strptime(found[1].decode(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
