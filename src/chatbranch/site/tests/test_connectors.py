"""The connectors process: one that breaks is started again, and stops nobody else."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

import pytest

from chatbranch.connectors.contract import Capabilities, Host, Misconfigured, Setting
from chatbranch.deliveries import queries as deliveries
from chatbranch.kernel.backoff import LONGEST
from chatbranch.kernel.messages import Outbound, Receipt
from chatbranch.kernel.phrases import Phrase
from chatbranch.site import connectors


class Pigeon:
    """Fails as often as it is told to, then stays."""

    name, title = "pigeon", Phrase("信鸽", "Pigeon post")
    capabilities = Capabilities()
    settings: tuple[Setting, ...] = ()

    def __init__(self, settings: Mapping[str, str], failures: list[Exception] | None = None) -> None:
        self.failures, self.starts = failures or [], 0
        self.settled = asyncio.Event()

    async def run(self, host: Host) -> None:
        self.starts += 1
        if self.failures:
            raise self.failures.pop(0)
        self.settled.set()
        await asyncio.Event().wait()

    async def send(self, outbound: Outbound) -> Receipt:
        raise AssertionError("nothing is sent here")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the supervisor would have waited, without waiting."""
    waited: list[float] = []
    at_once = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await at_once(0)

    monkeypatch.setattr(connectors.asyncio, "sleep", sleep)
    return waited


async def test_a_connector_that_fails_is_started_again_after_growing_pauses(
    pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    wrong = [
        RuntimeError("the loft is on fire"),
        Misconfigured("pigeon.loft is empty"),
        *[RuntimeError()] * 10,
    ]
    pigeon = Pigeon({}, wrong)
    task = asyncio.create_task(connectors.keep_running(pigeon, connectors.Branch("pigeon", None)))  # type: ignore[arg-type]
    await asyncio.wait_for(pigeon.settled.wait(), 10)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert pigeon.starts == 13
    assert pauses[0] < pauses[2] < pauses[4] < pauses[6]
    assert max(pauses) <= LONGEST
    assert "the loft is on fire" in caplog.text
    assert "cannot start: pigeon.loft is empty" in caplog.text


@pytest.mark.django_db
def test_connectors_that_cannot_be_built_are_named_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    matrix = {"homeserver": "not an address", "user": "@check:branch.example", "password": "p"}
    mail = {"host": "127.0.0.1", "sender": "nobody"}
    assert list(connectors.build_all({"matrix": matrix, "mail": mail})) == ["web"]
    assert "matrix.homeserver" in caplog.text
    assert "mail.sender" in caplog.text
    assert {each.health for each in deliveries.channels().values()} == {"broken"}


def test_the_process_that_only_waits_has_loaded_nothing_it_may_never_need() -> None:
    """Client libraries come with the connector that is switched on, the encoder with the first English sentence."""
    barred = "onnxruntime tokenizers trafilatura httpx slixmpp lxml vodozemac aiosmtplib imap_tools uvicorn"
    code = (
        f"import sys, chatbranch.site.connectors; print(sys.modules.keys() & set({barred.split()!r}) or '')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_process_that_watches_the_others_loads_no_framework() -> None:
    code = "import sys, chatbranch.site.cli, chatbranch.site.start; print('django' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
