"""A real IRC server with IRCv3: InspIRCd (Debian's `inspircd`): tags, times, ids, echoes and labels; no history, no accounts."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.ports import free_port

MODULES = "ircv3 ircv3_accounttag ircv3_batch ircv3_capnotify ircv3_chghost ircv3_ctctags ircv3_echomessage ircv3_labeledresponse ircv3_msgid ircv3_servertime cap botmode"
CONFIG = """
<server name="irc.test" description="for tests" network="Tests">
<admin name="n" nick="n" email="n@example.org">
<bind address="127.0.0.1" port="{port}" type="clients">
<connect name="main" allow="*" timeout="60" pingfreq="300" hardsendq="10M" softsendq="1M" recvq="64K" threshold="1000"
  commandrate="1000000" fakelag="off" localmax="100" globalmax="100" resolvehostnames="no" useident="no">
<path configdir="{folder}" datadir="{folder}" logdir="{folder}" moduledir="{modules}">
<options defaultmodes="n">
<security maxtargets="1"><performance clonesonconnect="no"><pid file="{folder}/pid">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="{folder}/inspircd.log">
"""


def program() -> str:
    """Where InspIRCd is, or "". Debian puts it where only root's PATH looks."""
    return shutil.which("inspircd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or ""


def _modules() -> Path | None:
    found = sorted(each.parent for each in Path("/usr/lib").glob("**/inspircd/modules/m_ircv3.so"))
    return found[0] if found else None


@pytest.fixture(scope="session")
def inspircd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of one server for the run."""
    modules = _modules()
    if not program() or modules is None:
        pytest.skip("needs InspIRCd: apt-get install inspircd")
    folder, port = tmp_path_factory.mktemp("inspircd"), free_port()
    lines = [f'<module name="{name}">' for name in MODULES.split()]
    (folder / "inspircd.conf").write_text(
        CONFIG.format(port=port, folder=folder, modules=modules) + "\n".join(lines) + "\n"
    )
    command = [program(), "--nofork", "--runasroot", "--config", str(folder / "inspircd.conf")]
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        _wait(process, port, folder)
        yield port
    finally:
        process.kill()
        process.wait(20)


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"InspIRCd did not start: {(folder / 'out').read_text()[-2000:]}")
