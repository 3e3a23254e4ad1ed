"""The process that is killed: the real sender with the stand-in's connector.  python -m tests.crash.sender PORT yes|no"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbranch.site.settings")

import django

django.setup()

from chatbranch.deliveries import rules, sender  # noqa: E402 (Django first)
from tests.crash.platform import PlatformConnector  # noqa: E402

# A real lease lasts a minute; here a killed sender's lanes come free sooner, so that a campaign is not mostly waiting.
rules.LEASE, rules.SEND_WITHIN = timedelta(seconds=1.5), 1.0


if __name__ == "__main__":
    port, idempotent = sys.argv[1:]
    connector = PlatformConnector({"port": port, "idempotent": idempotent})
    asyncio.run(sender.run({"standin": connector}))
