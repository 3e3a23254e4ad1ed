"""People who write encrypted: a client that shares no code with the connector (see nio_person.py)."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers.synapse import Person, program

SCRIPT = Path(__file__).with_name("nio_person.py")
ENCRYPTION = {
    "type": "m.room.encryption",
    "state_key": "",
    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
}


class Encrypted:
    """One such person."""

    def __init__(self, person: Person, folder: Path) -> None:
        self.person = person
        (folder / "nio").mkdir(exist_ok=True)
        account = (person.server.url, person.id, person.password, str(folder / "nio"))
        self._process = subprocess.Popen(
            [program("python"), str(SCRIPT), *account],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answer()

    def room(self, *invited: str, **options: Any) -> str:
        """Make a room as Element does for two: encrypted from the beginning."""
        return self.person.room(*invited, is_direct=True, initial_state=[ENCRYPTION], **options)

    def say(self, room: str, text: str, **content: Any) -> str:
        """Say something; returns the event id."""
        return str(self.tell(do="say", room=room, text=text, content=content))

    def show(self, room: str, data: bytes) -> str:
        """Send an encrypted picture."""
        return str(self.tell(do="show", room=room, data=base64.b64encode(data).decode()))

    def heard(self, room: str, by: str) -> list[dict[str, Any]]:
        """What somebody said, as this person could read it; `decrypted` says whether it came encrypted."""
        said: list[dict[str, Any]] = self.tell(do="heard", room=room)
        return [each for each in said if each["sender"] == by]

    def texts(self, room: str, by: str, kind: str = "m.text") -> list[str]:
        """The bodies of those of one msgtype that came encrypted."""
        said = [each for each in self.heard(room, by) if each.get("decrypted")]
        return [each["content"]["body"] for each in said if each["content"]["msgtype"] == kind]

    def fetch(self, file: dict[str, Any]) -> bytes:
        """A file that was sent encrypted."""
        return base64.b64decode(self.tell(do="fetch", file=file))

    def tell(self, **order: Any) -> Any:
        """Have something done."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the encrypted person ended"
        answer = json.loads(line)
        assert not (isinstance(answer, dict) and "error" in answer), answer
        return answer

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


@contextmanager
def encrypted(person: Person, folder: Path) -> Iterator[Encrypted]:
    """The person, signed in with a client of their own. Skips where that client is not installed."""
    if not program("matrix-commander").exists():
        pytest.skip("needs matrix-nio with encryption: python3 tests/servers/install.py")
    client = Encrypted(person, folder)
    try:
        yield client
    finally:
        client.end()
