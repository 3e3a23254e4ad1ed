"""One data folder for a test run, thrown away after it; nothing of a real branch is ever touched.

Django's settings are made from the environment once, so this stands before anything loads them. For the same reason
pyproject.toml names no settings module: pytest-django would load it before this file is read.
"""

from __future__ import annotations

import os
import tempfile

import django
import hypothesis
import pytest
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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that start a server come first: what is short is left for the end, when one worker would wait for the other."""
    slow = {item.path for item in items if item.get_closest_marker("server")}
    items.sort(key=lambda item: item.path not in slow)
