"""A log folder of each test's own, and quick passwords."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def own_log(settings: Settings, tmp_path: Path) -> Path:
    """Where the test's log is published."""
    settings.LOG_DIR = tmp_path / "log"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return tmp_path / "log"
