"""The worker process: everything that follows from what was written. Each step is safe to repeat, and to be killed in."""

from __future__ import annotations

import logging
import math
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

log = logging.getLogger("chatbranch.worker")
TICK = 0.2


@dataclass
class Step:
    """One piece of standing work. It runs every `every` seconds, again at once while it reports work done, and after a
    failure with growing pauses: a step that breaks never stops the others."""

    name: str
    run: Callable[[], object]
    every: float
    due: float = 0.0
    failures: int = field(default=0)

    def turn(self, now: float) -> None:
        """Run if due."""
        if now < self.due:
            return
        try:
            busy = bool(self.run())
            self.failures = 0
            self.due = now if busy and self.every < 60 else now + self.every
        except Exception:
            self.failures += 1
            pause = min(300.0, 2.0**self.failures)
            self.due = now + pause
            log.exception(
                "the step “%s” failed (%d in a row); it is tried again in %.0f s",
                self.name,
                self.failures,
                pause,
            )


def steps() -> list[Step]:
    """All standing work of the house, in the order in which a verdict travels."""
    from chatbranch.branch.proving import actions as proving
    from chatbranch.branch.recovery import actions as recovery
    from chatbranch.branch.sessions import actions as sessions
    from chatbranch.cases import actions as cases
    from chatbranch.cases import asking, telling
    from chatbranch.conduct import actions as conduct
    from chatbranch.contacts import actions as contacts
    from chatbranch.deliveries import actions as deliveries
    from chatbranch.intake import actions as intake
    from chatbranch.matching import actions as matching
    from chatbranch.publiclog import actions as publiclog
    from chatbranch.publishing import actions as publishing
    from chatbranch.relay import actions as relay

    scrubbed = (*relay.SCRUBBED, *publiclog.SCRUBBED, *conduct.SCRUBBED)
    return [
        Step("answer what a crash left unanswered", intake.do_answer_waiting, 5),
        Step("index new wordings", matching.do_index_new, 1),
        Step("rename askers that were moved", asking.do_rekey, 1),
        Step("weigh notes", cases.do_weigh, 3),
        Step("keep up the public log", publiclog.KeepUp(), TICK),
        Step("tell verdicts", telling.do_tell_verdicts, 0.3),
        Step("see to matters under the code of conduct", conduct.do_keep_up, 1),
        Step("look for patterns of findings", conduct.do_open_patterns, 3600),
        Step("ask witnesses", Aside(publiclog.do_ask_witnesses), 1),
        Step("call subscribers", Aside(publishing.do_call_subscribers), 0.5),
        Step("tell closings", telling.do_tell_closings, 2),
        Step("look at accounts", Aside(proving.do_look_at_due), 5),
        Step("send raters their digests", cases.do_send_digests, 30),
        Step("send members their notices", cases.do_send_notices, 2),
        Step("finish forgetting", intake.do_finish_forgetting, 5),
        Step("forget what was carried of the forgotten", _AfterForgetting(relay.do_forget), 5),
        Step("forget who complained", _AfterForgetting(conduct.do_forget), 5),
        Step("erase salts of the forgotten", _AfterForgetting(publiclog.do_forget), 5),
        Step("scrub erased pages", _AfterForgetting(partial(intake.do_scrub, scrubbed)), 5),
        Step("erase contacts whose window ended", contacts.do_expire, 3600),
        Step("prune the outbox", deliveries.do_prune, 3600),
        Step("tidy sessions", sessions.do_tidy, 3600),
        Step("tidy recoveries", recovery.do_tidy, 3600),
        Step("tidy links to rate with", cases.do_tidy_links, 3600),
        Step("tidy submissions", intake.do_tidy, 3600),
        Step("tidy subscriptions", publishing.do_tidy, 3600),
        Step("tidy counts of complaints", conduct.do_tidy, 3600),
        Step("take expired contacts off complaints", conduct.do_forget, 3600),
        Step("tidy routes", relay.do_tidy, 3600),
    ]


class Aside:
    """Runs what waits for others in a thread of its own, so that nothing else here waits with it.

    The thread stays, with its connection: opening one twice a second was a third of what a house with nothing to do did.
    """

    def __init__(self, run: Callable[[], object]) -> None:
        self._run = run
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, daemon=True)
            self._thread.start()
        self._wanted.set()

    def _serve(self) -> None:
        from django.db import close_old_connections

        while True:
            self._wanted.wait()
            self._wanted.clear()
            try:
                self._run()
            except Exception:
                log.exception("what runs aside failed; it is tried again")
            finally:
                close_old_connections()


AGAIN = 10.0
"""Seconds; by then a transaction that was open during a forgetting, and unseen by it, has ended."""


class _AfterForgetting:
    """Runs something once at the start and after each forgetting, and once more a little later; and again whenever it
    says False: not finished."""

    def __init__(self, run: Callable[[], object]) -> None:
        self._run, self._done, self._again_at = run, -1, math.inf

    def __call__(self) -> None:
        from chatbranch.journal.queries import last_seq

        wanted, now = last_seq("scrub.wanted"), time.monotonic()
        if wanted > self._done and self._run() is not False:
            self._done, self._again_at = wanted, now + AGAIN
        elif now >= self._again_at and self._run() is not False:
            self._again_at = math.inf


def main() -> None:
    """Run until told to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbranch.site.settings")
    import django

    django.setup()
    from django.db import close_old_connections

    stopping: list[int] = []
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda number, _: stopping.append(number))
    work = steps()
    log.info("worker ready")
    while not stopping:
        for step in work:
            step.turn(time.monotonic())
            if stopping:
                break
        close_old_connections()
        time.sleep(TICK)


if __name__ == "__main__":
    main()
