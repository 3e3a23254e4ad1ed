"""telegram-test-api 4.2.1 (npm): somebody else's Bot API server for tests, with text only, and without offsets."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.ports import free_port

HOME = Path(
    os.environ.get("CHATBRANCH_TELEGRAM_TEST_API") or Path.home() / ".cache/chatbranch-tests/telegram"
)
TOKEN = "123456789:another-server-knows-every-token"
START = """
const { TelegramServer } = require('telegram-test-api/lib/telegramServer');
new TelegramServer({ host: '127.0.0.1', port: Number(process.argv[1]), storeTimeout: 600 }).start();
"""


class TestApi:
    """The server, and one person who writes to the bot."""

    __test__ = False  # no test of pytest's

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """The connector's settings."""
        return {"token": TOKEN, "api": self.url}

    def start(self) -> None:
        """Start, and wait until it answers."""
        node = shutil.which("node")
        assert node
        self._process = subprocess.Popen([node, "-e", START, str(self.port)], cwd=HOME)
        end = time.monotonic() + 60
        while time.monotonic() < end and self._process.poll() is None:
            try:
                httpx.post(f"{self.url}/bot{TOKEN}/getMe", timeout=5)
                return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise RuntimeError("telegram-test-api did not start")

    def kill(self) -> None:
        """End it; what it knew is gone."""
        if self._process:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def says(self, text: str, chat: int = 77) -> None:
        """The person writes to the bot."""
        person = {"id": chat, "first_name": "Ann", "is_bot": False, "language_code": "en"}
        where = {"id": chat, "type": "private", "first_name": "Ann"}
        said = {"botToken": TOKEN, "date": int(time.time()), "from": person, "chat": where, "text": text}
        self._post("sendMessage", said)

    def heard(self, chat: int = 77) -> list[dict[str, Any]]:
        """What the bot said to the person, oldest first, with its parameters."""
        told = self._post("getUpdatesHistory", {"token": TOKEN})
        return [each for each in told if str(each["message"].get("chat_id", "")) == str(chat)]

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = httpx.post(f"{self.url}/{path}", json=body, timeout=30).json()
        assert answer["ok"]
        return answer["result"]


@pytest.fixture(scope="session")
def test_api() -> Iterator[TestApi]:
    """One server for the run."""
    if not shutil.which("node") or not (HOME / "node_modules" / "telegram-test-api").exists():
        pytest.skip(
            "needs telegram-test-api: install Node.js with npm, then python3 tests/servers/install.py"
        )
    server = TestApi()
    server.start()
    yield server
    server.kill()
