"""WeeChat without a screen (Debian's `weechat-headless`): an IRC client that people use, and that is none of ours."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest


def need_weechat() -> None:
    """Skip, saying what to install."""
    if shutil.which("weechat-headless") is None:
        pytest.skip("needs WeeChat: apt-get install weechat-headless")


class Weechat:
    """One WeeChat on one server, told what to do by its pipe and read by its logs."""

    def __init__(self, folder: Path, port: int, nick: str, channel: str) -> None:
        self.folder = folder
        commands = (
            "/set logger.file.flush_delay 0",
            "/set logger.level.irc 9",
            f"/server add t 127.0.0.1/{port} -temp -nicks={nick} -autojoin={channel}",
            "/connect t",
        )
        arguments = [part for command in commands for part in ("-r", command)]
        self._process = subprocess.Popen(
            ["weechat-headless", "--dir", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def say(self, where: str, text: str) -> None:
        """Write into a buffer, as somebody would who looks at it: a channel, or "core.weechat" for commands."""
        pipe = self._pipe()
        buffer = "core.weechat" if where == "core.weechat" else f"irc.t.{where}"
        with pipe.open("w", encoding="utf-8") as out:
            out.write(f"{buffer} *{text}\n")

    def _pipe(self) -> Path:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if found := list(self.folder.rglob("weechat_fifo_*")):
                return found[0]
            time.sleep(0.05)
        raise RuntimeError("WeeChat has opened no pipe")

    def log(self, where: str) -> str:
        """What WeeChat shows in a channel or a private conversation."""
        found = list(self.folder.rglob(f"irc.t.{where}.weechatlog"))
        return found[0].read_text(encoding="utf-8") if found else ""

    def end(self) -> None:
        """Close it."""
        self._process.terminate()
        self._process.wait(20)
