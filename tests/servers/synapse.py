"""A real Matrix homeserver: Synapse on SQLite, started, stopped and restarted by the tests.

Synapse lives in a virtual environment of its own, never in the project's: CHATBRANCH_SYNAPSE names it, else
~/.cache/chatbranch-tests/synapse. To make it: python3 tests/servers/install.py
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.ports import free_port

SECRET = "shared-by-tests"
# Limits that would only measure themselves here. A test of throttling sets its own.
GENEROUS = """
rc_message: {per_second: 1000, burst_count: 1000}
rc_registration: {per_second: 1000, burst_count: 1000}
rc_login:
  address: {per_second: 1000, burst_count: 1000}
  account: {per_second: 1000, burst_count: 1000}
  failed_attempts: {per_second: 1000, burst_count: 1000}
rc_joins:
  local: {per_second: 1000, burst_count: 1000}
  remote: {per_second: 1000, burst_count: 1000}
rc_joins_per_room: {per_second: 1000, burst_count: 1000}
rc_invites:
  per_room: {per_second: 1000, burst_count: 1000}
  per_user: {per_second: 1000, burst_count: 1000}
  per_issuer: {per_second: 1000, burst_count: 1000}
rc_room_creation: {per_second: 1000, burst_count: 1000}
rc_admin_redaction: {per_second: 1000, burst_count: 1000}
"""


def environment() -> Path:
    """The virtual environment Synapse is looked for in."""
    return Path(os.environ.get("CHATBRANCH_SYNAPSE") or Path.home() / ".cache/chatbranch-tests/synapse")


def program(name: str) -> Path:
    """A program of that environment."""
    return environment() / "bin" / name


def need_synapse() -> None:
    """Skip, saying what to install."""
    if not program("synapse_homeserver").exists():
        pytest.skip("needs Synapse: python3 tests/servers/install.py")


class Synapse:
    """One homeserver with a folder and a port of its own."""

    def __init__(self, folder: Path, limits: str = GENEROUS) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: Person | None = None
        folder.mkdir(parents=True, exist_ok=True)
        seed = base64.b64encode(os.urandom(32)).decode().rstrip("=")
        (folder / "signing.key").write_text(f"ed25519 a_test {seed}\n")
        (folder / "log.yaml").write_text(LOG.format(file=folder / "synapse.log"))
        (folder / "hs.yaml").write_text(CONFIG.format(folder=folder, port=self.port, secret=SECRET) + limits)

    def start(self) -> None:
        """Start and wait until it answers (2 to 3 s)."""
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                [program("python"), "-m", "synapse.app.homeserver", "-c", self.folder / "hs.yaml"],
                cwd=self.folder,
                stdout=out,
                stderr=out,
            )
        for _ in range(300):
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/_matrix/client/versions", timeout=1).status_code == 200:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"Synapse did not start: {(self.folder / 'out').read_text()[-2000:]}")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    @contextmanager
    def holding_breath(self) -> Iterator[None]:
        """Let it answer nothing meanwhile; what reaches it waits, and is dealt with after."""
        self._tell(signal.SIGSTOP)
        try:
            yield
        finally:
            self._tell(signal.SIGCONT)

    def _tell(self, what: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(what)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def expire(self, token: str) -> None:
        """Forget an access token, as when its time has run out; the device it belonged to stays. Restarts."""
        self.kill()
        with sqlite3.connect(self.folder / "hs.db") as database:
            database.execute("DELETE FROM access_tokens WHERE token = ?", (token,))
        self.start()

    def throttle(self, person: Person, per_second: int, burst: int) -> None:
        """Limit how fast one account may write, from now on."""
        limits = {"messages_per_second": per_second, "burst_count": burst}
        where = f"{self.url}/_synapse/admin/v1/users/{person.id}/override_ratelimit"
        self._admin = self._admin or self.user("overseer", admin=True)
        headers = {"Authorization": f"Bearer {self._admin.token}"}
        httpx.post(where, json=limits, headers=headers, timeout=30).raise_for_status()

    def user(self, name: str, display: str = "", *, admin: bool = False) -> Person:
        """Register an account (Synapse's shared-secret registration) and sign it in."""
        where = f"{self.url}/_synapse/admin/v1/register"
        nonce = httpx.get(where).json()["nonce"]
        words = "\0".join((nonce, name, f"{name}-password", "admin" if admin else "notadmin")).encode()
        mac = hmac.new(SECRET.encode(), words, hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": name, "password": f"{name}-password", "admin": admin, "mac": mac}
        answer = httpx.post(where, json=body, timeout=30).raise_for_status().json()
        person = Person(self, answer["user_id"], answer["access_token"])
        person.call("PUT", f"profile/{person.id}/displayname", {"displayname": display or name})
        return person


class Person:
    """Somebody who uses Matrix over plain HTTP: a client that shares no code with the connector."""

    def __init__(self, server: Synapse, user_id: str, token: str) -> None:
        self.id, self.server, self.token = user_id, server, token
        self._http = httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60)
        self._sent = 0

    @property
    def password(self) -> str:
        return f"{self.id.removeprefix('@').partition(':')[0]}-password"

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """One call of the Client-Server API; raises httpx.HTTPStatusError when it is refused."""
        url = f"{self.server.url}/_matrix/client/v3/{path}"
        return self._http.request(method, url, json=body, params=query).raise_for_status().json()

    def room(self, *invited: str, **options: Any) -> str:
        """Make a room and invite people into it."""
        options = {"preset": "private_chat", "invite": list(invited), **options}
        room: str = self.call("POST", "createRoom", options)["room_id"]
        return room

    def say(self, room: str, text: str, **content: Any) -> str:
        """Say something; returns the event id."""
        self._sent += 1
        body = {"msgtype": "m.text", "body": text, **content}
        where = f"rooms/{room}/send/m.room.message/p{os.getpid()}-{self._sent}-{time.time_ns()}"
        event: str = self.call("PUT", where, body)["event_id"]
        return event

    def upload(self, data: bytes, media_type: str) -> str:
        """Put a file into the server's media repository; returns its mxc:// address."""
        where = f"{self.server.url}/_matrix/media/v3/upload"
        answer = self._http.post(where, content=data, headers={"Content-Type": media_type}).raise_for_status()
        address: str = answer.json()["content_uri"]
        return address

    def heard(self, room: str) -> list[dict[str, Any]]:
        """Every message in a room, oldest first, from all its history."""
        found: list[dict[str, Any]] = []
        query = {"dir": "f", "limit": "500"}
        while True:
            page = self.call("GET", f"rooms/{room}/messages", **query)
            found += [each for each in page["chunk"] if each["type"] == "m.room.message"]
            if not page.get("end") or not page["chunk"]:
                return found
            query["from"] = page["end"]

    def texts(self, room: str, by: str) -> list[str]:
        """What somebody said in a room as messages (notices left out)."""
        said = [each for each in self.heard(room) if each["sender"] == by]
        return [each["content"]["body"] for each in said if each["content"].get("msgtype") == "m.text"]

    def notices(self, room: str, by: str) -> list[str]:
        """The notices somebody gave in a room."""
        said = [each for each in self.heard(room) if each["sender"] == by]
        return [each["content"]["body"] for each in said if each["content"].get("msgtype") == "m.notice"]

    def members(self, room: str) -> set[str]:
        """Who is in a room."""
        return set(self.call("GET", f"rooms/{room}/joined_members")["joined"])

    def close(self) -> None:
        self._http.close()


@pytest.fixture(scope="session")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    """One homeserver for the whole run. A test that stops it starts it again."""
    need_synapse()
    server = Synapse(tmp_path_factory.mktemp("synapse"))
    server.start()
    yield server
    server.stop()


CONFIG = """
server_name: localhost
pid_file: {folder}/hs.pid
listeners:
  - {{port: {port}, bind_addresses: [127.0.0.1], type: http, tls: false, resources: [{{names: [client]}}]}}
database: {{name: sqlite3, args: {{database: {folder}/hs.db}}}}
log_config: {folder}/log.yaml
media_store_path: {folder}/media
signing_key_path: {folder}/signing.key
registration_shared_secret: {secret}
macaroon_secret_key: {secret}-macaroons
form_secret: {secret}-forms
report_stats: false
trusted_key_servers: []
suppress_key_server_warning: true
presence: {{enabled: false}}
"""

LOG = """
version: 1
formatters: {{line: {{format: "%(asctime)s %(levelname)s %(name)s %(message)s"}}}}
handlers: {{file: {{class: logging.FileHandler, formatter: line, filename: {file}}}}}
root: {{level: WARNING, handlers: [file]}}
"""
