"""The connectors process (`python -m chatbranch.site.connectors`): every chat this branch has switched on.

Each connector listens under a supervisor of its own: one that fails is logged with what to do, and started again after
a while; it never stops the others, nor the sending of what waits for them.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import django
from django.apps import apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbranch.site.settings")
if not apps.ready:
    django.setup()

from django.conf import settings

from chatbranch.connectors import discover
from chatbranch.connectors.contract import Connector, Health, Host, Misconfigured
from chatbranch.deliveries import actions as deliveries
from chatbranch.deliveries import sender
from chatbranch.deliveries.writer import Writer
from chatbranch.intake import actions as intake
from chatbranch.kernel.backoff import Attempts
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Change, Gap, Inbound
from chatbranch.relay import actions as relay
from chatbranch.site.inbox import Call, Inbox
from chatbranch.site.threads import in_thread

log = logging.getLogger("chatbranch.connectors")

GRACE = 10.0  # seconds for what is under way when the process is asked to end


class Branch:
    """The Host of one channel: intake takes what comes, and keeps what the connector must remember."""

    def __init__(self, channel: str, inbox: Inbox, write: Call = in_thread) -> None:
        self._channel, self._inbox, self._write = channel, inbox, write

    async def receive(self, inbound: Inbound) -> None:
        """Durable when this returns. Refusals are told in the chat."""
        await self._inbox.take_from_chat(inbound)

    async def change(self, change: Change) -> None:
        """Durable when this returns."""
        await self._inbox.take_change(change)

    async def missed(self, gap: Gap) -> None:
        """The rooms concerned are told."""
        await self._inbox.take_gap(gap)

    async def report(self, health: Health, why: str = "") -> None:
        """Written down for the desk."""
        await self._write(deliveries.do_report, self._channel, health, why)

    async def recall(self, key: str) -> str:
        """What was remembered under `key`, or an empty string."""
        return str(await self._write(intake.recall, self._channel, key))

    async def remember(self, key: str, value: str) -> None:
        """Keep a value across restarts, sealed."""
        await self._write(intake.do_remember, self._channel, key, value)


def build_all(config: discover.Config) -> dict[str, Connector]:
    """Every switched-on connector that can be built. The others are logged with what to do."""
    built: dict[str, Connector] = {}
    for name, setup in discover.switched_on(config).items():
        try:
            built[name] = discover.build(setup, config.get(name, {}))
        except Misconfigured as wrong:
            log.error("connector %s is off: %s; then restart", name, wrong)
            deliveries.do_report(name, "broken", str(wrong))
        except Exception as error:  # another's code, or a client library that is not installed
            log.exception("connector %s is off: reinstall it or remove its settings, then restart", name)
            deliveries.do_report(name, "broken", type(error).__name__)
    return built


def follow_settings() -> None:
    """Bring the settings file's routes into being; one that cannot be is logged, and stops nothing else."""
    try:
        relay.do_follow_settings(settings.CONFIG.relay)
    except Refused as refused:
        log.error("relay: %s", refused.say("en"))


async def keep_running(connector: Connector, host: Host) -> None:
    """Run a connector; after a failure again, each pause twice as long as the one before, up to five minutes."""
    attempts = Attempts(settled=600.0)
    while True:
        attempts.begin()
        try:
            await connector.run(host)
            log.warning("connector %s stopped by itself", connector.name)
        except Misconfigured as wrong:
            log.error("connector %s cannot start: %s", connector.name, wrong)
            await _report(host, str(wrong))
        except Exception as error:
            log.exception("connector %s failed", connector.name)
            await _report(host, type(error).__name__)
        seconds = attempts.failed()
        log.info("connector %s starts again in %.0f s", connector.name, seconds)
        await asyncio.sleep(seconds)


async def _report(host: Host, why: str) -> None:
    with suppress(Exception):  # with the database away there is nowhere to write it
        await host.report("broken", why)


async def serve(connectors: Mapping[str, Connector]) -> None:
    """Receive and send until cancelled; what is under way then is given GRACE seconds."""
    log.info("connectors: %s", ", ".join(connectors) or "none is switched on")
    with Writer() as writer:
        inbox = Inbox(writer.call)
        hosts = {name: Branch(name, inbox, writer.call) for name in connectors}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(sender.run(connectors, ready=inbox.sends_by, writer=writer))
                for name, connector in connectors.items():
                    if not connector.capabilities.pulled:  # those live in the web process
                        group.create_task(keep_running(connector, hosts[name]))
        finally:
            await inbox.finish(GRACE)


@contextmanager
def alone() -> Iterator[None]:
    """Hold the data folder's connectors.lock: one process listens and sends. It falls with the process that held it, so
    what that one had leased is free at once, and nobody waits a lease's time for the dead.
    """
    with (Path(settings.CONFIG.data) / "connectors.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.warning(
                "another connectors process is running on this data folder; waiting until it has ended"
            )
            fcntl.flock(file, fcntl.LOCK_EX)
        deliveries.do_free_lanes()
        yield


async def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    connectors = await in_thread(build_all, settings.CONFIG.connectors)
    await in_thread(follow_settings)
    serving = asyncio.create_task(serve(connectors))
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, serving.cancel)
    try:
        await serving
    except asyncio.CancelledError:
        log.info("connectors: ended as asked")


if __name__ == "__main__":
    with alone():
        asyncio.run(main())
