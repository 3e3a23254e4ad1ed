"""One data folder for a test run, thrown away after it; nothing of a real branch is ever touched."""

from __future__ import annotations

import os
import tempfile

_DATA = tempfile.TemporaryDirectory(prefix="chatbranch-test-")
os.environ["CHATBRANCH_DATA"] = _DATA.name
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbranch.site.settings")

pytest_plugins = ["tests.support.databases", "tests.support.people"]
