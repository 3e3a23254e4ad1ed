"""Where the processes that are killed come from:  python -m tests.crash.sender PORT yes|no

Each line on standard input forks one real sender with the stand-in's connector, and answers with its process id. What
a sender needs is imported once, so that a campaign spends its time sending and dying, and little of it on starting.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbranch.site.settings")

import django

django.setup()

from chatbranch.deliveries import rules, sender  # noqa: E402 (Django first)
from tests.crash.platform import PlatformConnector  # noqa: E402

# A real lease lasts a minute; here a killed sender's lanes come free sooner, so that a campaign is not mostly waiting.
rules.LEASE, rules.SEND_WITHIN = timedelta(seconds=1.5), 1.0


def main(port: str, idempotent: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the killed are not waited for
    for _ in sys.stdin:
        pid = os.fork()
        if not pid:
            connector = PlatformConnector({"port": port, "idempotent": idempotent})
            asyncio.run(sender.run({"standin": connector}))
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
