"""A real XMPP server: Prosody, started, stopped and restarted by the tests. To install: apt-get install prosody

With prosody-modules it can also moderate (XEP-0425), which a test then asks of it.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from xml.etree.ElementTree import Element, XMLPullParser
from xml.sax.saxutils import escape, quoteattr

import pytest

from tests.support.ports import free_port

MODERATION = Path("/usr/lib/prosody/modules/mod_muc_moderation")
CLIENT = "{jabber:client}"


def need_prosody() -> None:
    """Skip, saying what to install."""
    if not shutil.which("prosody"):
        pytest.skip("needs Prosody: apt-get install prosody prosody-modules")


class Prosody:
    """One server with a folder and ports of its own; accounts at localhost, rooms at rooms.localhost.

    component: name and secret of a component that may connect, at component_port.
    """

    def __init__(self, folder: Path, component: tuple[str, str] | None = None) -> None:
        self.folder, self.port, self.http = folder, free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "data/localhost/accounts").mkdir(parents=True, exist_ok=True)
        self.certificate = folder / "localhost.crt"
        _make_certificate(self.certificate, folder / "localhost.key")
        moderation = '"muc_moderation"' if MODERATION.exists() else ""
        values = {"folder": folder, "port": self.port, "http": self.http, "moderation": moderation}
        config = CONFIG.format(**values)
        self.component_port = free_port()
        if component:
            config = f"component_ports = {{ {self.component_port} }}\n{config}"
            config += f'Component "{component[0]}"\n  component_secret = "{component[1]}"\n'
        (folder / "prosody.cfg.lua").write_text(config)

    def start(self) -> None:
        """Start and wait until it listens (some 0.3 s)."""
        with (self.folder / "out").open("ab") as out:
            command = ["prosody", "-F", "--config", str(self.folder / "prosody.cfg.lua")]
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=out)
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"Prosody did not start: {(self.folder / 'out').read_text()[-2000:]}")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def freeze(self) -> None:
        """Let it answer nobody, as when the network between us is gone."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def account(self, name: str) -> str:
        """Make an account, its password being its name; returns its address."""
        file = self.folder / f"data/localhost/accounts/{name}.dat"
        file.write_text(f'return {{ ["password"] = "{name}"; }};\n')
        return f"{name}@localhost"


class Person:
    """Somebody who speaks XMPP by writing XML: a client that shares no code with the connector."""

    def __init__(self, server: Prosody, name: str) -> None:
        self.name, self.jid, self._server = name, server.account(name), server
        self.stanzas: list[Element] = []
        self._numbers = itertools.count(1)
        self._parser = XMLPullParser(("start", "end"))
        self._depth = 0

    async def connect(self) -> None:
        """Sign in (RFC 6120: PLAIN over loopback) and be there."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        self._reading = asyncio.create_task(self._read())
        self._open()
        await soon(lambda: self._found("features"))
        login = base64.b64encode(f"\0{self.name}\0{self.name}".encode()).decode()
        self.write(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{login}</auth>")
        await soon(lambda: self._found("success"))
        self._parser, self._depth = XMLPullParser(("start", "end")), 0
        self._open()
        await soon(lambda: len([each for each in self.stanzas if each.tag.endswith("}features")]) == 2)
        await self.ask("set", "", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
        self.write("<presence/>")

    def _open(self) -> None:
        self.write(
            "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"
        )

    def write(self, xml: str) -> None:
        """Put XML on the stream."""
        self._writer.write(xml.encode())

    async def _read(self) -> None:
        while data := await self._reader.read(65_536):
            self._parser.feed(data)
            for event, element in self._parser.read_events():
                self._depth += 1 if event == "start" else -1
                if event == "end" and self._depth == 1:
                    self.stanzas.append(element)

    def _found(self, name: str) -> bool:
        return any(each.tag.endswith("}" + name) for each in self.stanzas)

    async def ask(self, kind: str, to: str, payload: str) -> Element:
        """A question and its answer, an error perhaps."""
        number = f"i{next(self._numbers)}"
        self.write(f"<iq type='{kind}' id='{number}' {f'to={quoteattr(to)}' if to else ''}>{payload}</iq>")
        await soon(
            lambda: any(each.tag.endswith("}iq") and each.get("id") == number for each in self.stanzas)
        )
        return next(each for each in self.stanzas if each.tag.endswith("}iq") and each.get("id") == number)

    async def enter(self, room: str, nick: str = "") -> None:
        """Enter a room."""
        history = "<history maxstanzas='0'/>"
        me = f"{room}/{nick or self.name}"
        self.write(
            f"<presence to={quoteattr(me)}><x xmlns='http://jabber.org/protocol/muc'>{history}</x></presence>"
        )
        await soon(
            lambda: any(each.get("from") == me for each in self.stanzas if each.tag.endswith("}presence"))
        )

    def leave(self, room: str, nick: str = "") -> None:
        self.write(f"<presence type='unavailable' to={quoteattr(f'{room}/{nick or self.name}')}/>")

    async def configure(self, room: str, **fields: str) -> None:
        """Change a room we own: its fields without the muc#roomconfig_ in front."""
        rows = "".join(
            f"<field var='muc#roomconfig_{name}'><value>{value}</value></field>"
            for name, value in fields.items()
        )
        kind = "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"
        form = f"<x xmlns='jabber:x:data' type='submit'>{kind}{rows}</x>"
        answer = await self.ask(
            "set", room, f"<query xmlns='http://jabber.org/protocol/muc#owner'>{form}</query>"
        )
        assert answer.get("type") == "result"

    async def role(self, room: str, nick: str, role: str) -> None:
        """Give somebody another role: "none" puts them out."""
        item = f"<item nick={quoteattr(nick)} role='{role}'/>"
        await self.ask("set", room, f"<query xmlns='http://jabber.org/protocol/muc#admin'>{item}</query>")

    def say(self, to: str, text: str, more: str = "", *, id: str = "", kind: str = "") -> str:
        """Say something in a room or to somebody; returns the id we gave it."""
        id = id or f"{self.name}-{next(self._numbers)}-{time.time_ns()}"
        kind = kind or ("groupchat" if "@rooms." in to else "chat")
        body = f"<body>{escape(text)}</body>" if text else ""
        self.write(f"<message to={quoteattr(to)} type='{kind}' id={quoteattr(id)}>{body}{more}</message>")
        return id

    def messages(self, by: str) -> list[Element]:
        """The messages heard from an address, or from somebody in a room: oldest first."""
        return [
            each
            for each in self.stanzas
            if each.tag == f"{CLIENT}message" and (each.get("from") or "").startswith(by)
        ]

    def texts(self, by: str) -> list[str]:
        return [body for each in self.messages(by) if (body := each.findtext(f"{CLIENT}body"))]

    async def id_in(self, room: str, own: str) -> str:
        """The room's own id of what we said as `own`."""
        tag = "{urn:xmpp:sid:0}stanza-id"
        await soon(lambda: any(each.get("id") == own for each in self.messages(room)))
        message = next(each for each in self.messages(room) if each.get("id") == own)
        found: str = next(each.get("id") or "" for each in message.iterfind(tag) if each.get("by") == room)
        return found

    async def close(self) -> None:
        self.write("</stream:stream>")
        self._reading.cancel()
        self._writer.close()


async def soon(true: Callable[[], object], seconds: float = 60, what: str = "what was waited for") -> None:
    """Wait until `true()` holds. It looks at memory only."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        await asyncio.sleep(0.01)


@asynccontextmanager
async def person(server: Prosody, name: str) -> AsyncIterator[Person]:
    """Somebody who is there until the end."""
    somebody = Person(server, name)
    await somebody.connect()
    try:
        yield somebody
    finally:
        await somebody.close()


@pytest.fixture(scope="session")
def prosody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    """One server for the whole run. A test that stops it starts it again."""
    need_prosody()
    server = Prosody(tmp_path_factory.mktemp("prosody"))
    server.start()
    yield server
    server.stop()


def _make_certificate(certificate: Path, key: Path) -> None:
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    out = ("-keyout", str(key), "-out", str(certificate), "-days", "2")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *names, *out]
    subprocess.run(command, check=True, capture_output=True)


CONFIG = """
run_as_root = true
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
log = {{ warn = "{folder}/prosody.log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
s2s_ports = {{}}
http_ports = {{ {http} }}
http_interfaces = {{ "127.0.0.1" }}
https_ports = {{}}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping", "smacks", "mam", "offline" }}
modules_disabled = {{ "s2s" }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage_archive_item_limit = 100000
VirtualHost "localhost"
  ssl = {{ certificate = "{folder}/localhost.crt", key = "{folder}/localhost.key" }}
Component "rooms.localhost" "muc"
  modules_enabled = {{ "muc_mam", {moderation} }}
  muc_room_locking = false
  muc_room_default_persistent = true
  muc_room_default_public = true
Component "upload.localhost" "http_file_share"
  http_host = "127.0.0.1"
  http_external_url = "http://127.0.0.1:{http}/"
  http_file_share_size_limit = 200000
"""
