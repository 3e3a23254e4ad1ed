"""A log folder of each test's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def own_log(settings: Settings, tmp_path: Path) -> Path:
    """Where the test's log is published."""
    settings.LOG_DIR = tmp_path / "log"
    return tmp_path / "log"
