"""A real IMAP server: pymap over a Maildir, in an environment of its own (python3 tests/servers/install.py makes it)."""

from __future__ import annotations

import base64
import hashlib
import imaplib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.ports import free_port

USER, PASSWORD = "check@branch.example", "七盏 lamps"


def program() -> Path:
    """Where pymap is, if it was installed."""
    home = os.environ.get("CHATBRANCH_PYMAP") or Path.home() / ".cache/chatbranch-tests/pymap"
    return Path(home) / "bin" / "pymap"


class Pymap:
    """One server with one mailbox. What is delivered while it is stopped lies there when it starts again."""

    def __init__(self, folder: Path, certificate: Path | None = None) -> None:
        self.folder, self.port, self._certificate = folder, free_port(), certificate
        self._process: subprocess.Popen[bytes] | None = None
        salt = b"0123456789abcdef"
        digest = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, 1000)
        hashed = f"$pbkdf2-sha256$1000${_base64(salt)}${_base64(digest)}"
        (folder / "pymap-etc-passwd").write_text(f"{USER}:x::::mail:\n")
        (folder / "pymap-etc-shadow").write_text(f"{USER}:{hashed}:::::::\n")
        (folder / "pymap-etc-group").write_text("")

    def start(self) -> None:
        """Start and wait until it listens (some 1.5 s)."""
        tls = ["--no-tls"]
        if self._certificate:
            tls = ["--cert", str(self._certificate), "--key", str(self._certificate)]
        services = ["--no-service", "admin", "--no-service", "managesieve"]
        command = [str(program()), "--host", "127.0.0.1", "--port", str(self.port), *tls, *services]
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen([*command, "maildir", str(self.folder)], stdout=out, stderr=out)
        for _ in range(1200):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"pymap did not start: {(self.folder / 'out').read_text()[-2000:]}")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(20)
            self._process = None

    def deliver(self, *mails: EmailMessage | bytes, arrived: datetime | None = None) -> None:
        """Put mails into the INBOX, over a connection of our own."""
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=60) as client:
            client.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode())
            for each in mails:
                at = (arrived or datetime.now(UTC)).strftime('"%d-%b-%Y %H:%M:%S +0000"')
                status, said = client.append("INBOX", "", at, bytes(each))
                assert status == "OK", said

    def flags(self) -> list[bytes]:
        """The flags of every mail in the INBOX, as the server tells them."""
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=60) as client:
            client.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode())
            client.select("INBOX", readonly=True)
            _, found = client.fetch("1:*", "(FLAGS)")
            return [each for each in found if isinstance(each, bytes)]

    def rebuild(self) -> None:
        """Make it forget its UIDs, as a mailbox restored from a backup: another UIDVALIDITY, the same mails."""
        self.kill()
        for each in self.folder.glob("mail/**/dovecot-uidlist*"):
            each.unlink()
        self.start()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture
def pymap(tmp_path: Path) -> Iterator[Pymap]:
    """A server with an empty mailbox."""
    if not program().exists():
        pytest.skip("needs pymap: python3 tests/servers/install.py")
    folder = tmp_path / "pymap"
    folder.mkdir()
    server = Pymap(folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder, ignore_errors=True)
