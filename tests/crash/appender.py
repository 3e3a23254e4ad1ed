"""Where the processes that append to the public log, and are killed, come from:  python -m tests.crash.appender FOLDER

Each line on standard input forks one, and answers with its process id. It first completes what the one before it left undone, as
the worker does, and then decides verdicts, and logs, publishes and gives effect to them, without end.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbranch.site.settings")

import django
from django.apps import apps

if not apps.ready:
    django.setup()

from django.conf import settings
from django.db import connections

from chatbranch.claims.actions import do_publish as do_decide
from chatbranch.kernel import clock
from chatbranch.publiclog.actions import do_append, do_keep_up
from chatbranch.publiclog.tests.support import drafts


def main(folder: str) -> None:
    settings.LOG_DIR = Path(folder)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the killed are not waited for
    step()  # what is loaded and compiled now need not be in each of their short lives
    connections.close_all()
    for _ in sys.stdin:
        pid = os.fork()
        if not pid:
            do_keep_up()
            while True:
                step()
        print(pid, flush=True)


def step() -> None:
    """What comes between two looks of the worker: a verdict or two, and other entries."""
    for _ in range(random.randint(1, 2)):
        do_decide(
            claim_id=None,
            wordings={"en": "Water stops at eight"},
            rating="false",
            as_of=clock.now().date(),
            sources=[{"url": "https://source.example/"}],
        )
    do_append(drafts(random.randint(1, 40)))
    do_keep_up()


if __name__ == "__main__":
    main(*sys.argv[1:])
