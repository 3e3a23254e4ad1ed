"""Where the processes that are killed come from:  python -m tests.crash.hub_caller

Each line on standard input forks one that calls a hub's subscribers, and answers with its process id.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbranch.site.settings")

import django

django.setup()

from chatbranch.publishing import hub  # noqa: E402 (Django first)
from chatbranch.publishing.calling import Caller  # noqa: E402

hub.LEASE = timedelta(seconds=1.0)  # in life 20 s, so that this test is not mostly waiting


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the killed are not waited for
    for _ in sys.stdin:
        pid = os.fork()
        if not pid:
            call()
        print(pid, flush=True)


def call() -> None:
    caller = Caller(allow=lambda address: True)
    while True:
        hub.do_confirm(caller)
        hub.do_distribute(caller)
        time.sleep(0.02)


if __name__ == "__main__":
    main()
