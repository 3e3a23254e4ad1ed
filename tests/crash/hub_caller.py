"""Calls a hub's subscribers until it is killed:  python -m tests.crash.hub_caller"""

from __future__ import annotations

import os
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbranch.site.settings")

import django

django.setup()

from datetime import timedelta  # noqa: E402 (Django first)

from chatbranch.publishing import hub  # noqa: E402
from chatbranch.publishing.calling import Caller  # noqa: E402

hub.LEASE = timedelta(seconds=1.0)  # in life 15 s, so that this test is not mostly waiting


def main() -> None:
    caller = Caller(allow=lambda address: True)
    print("ready", flush=True)
    while True:
        hub.do_confirm(caller)
        hub.do_distribute(caller)
        time.sleep(0.02)


if __name__ == "__main__":
    main()
