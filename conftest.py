"""One data folder for a test run, thrown away after it; nothing of a real branch is ever touched.

Django's settings are made from the environment once, so this stands before anything loads them. For the same reason
pyproject.toml names no settings module: pytest-django would load it before this file is read.
"""

from __future__ import annotations

import os
import tempfile

import django
import hypothesis
from django.conf import settings

if settings.configured:
    raise RuntimeError(
        "Django was set up before the tests had a data folder of their own: unset DJANGO_SETTINGS_MODULE"
    )

_DATA = tempfile.TemporaryDirectory(prefix="chatbranch-test-")
os.environ["CHATBRANCH_DATA"] = _DATA.name
os.environ["DJANGO_SETTINGS_MODULE"] = "chatbranch.site.settings"
django.setup()
# A worker of pytest-xdist inherits the environment, and is to read this file first too.
del os.environ["DJANGO_SETTINGS_MODULE"]

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("unhurried", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("unhurried")

pytest_plugins = ["tests.support.databases", "tests.support.people"]
