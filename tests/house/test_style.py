"""Style and types, as the tools see them. Settings: pyproject.toml."""

from __future__ import annotations

from tests.house.tools import passes, run


def test_ruff_finds_nothing() -> None:
    passes("ruff", "check", "--output-format", "concise", ".")


def test_every_file_is_formatted() -> None:
    passes("ruff", "format", "--check", "--output-format", "concise", ".")


def test_the_types_hold() -> None:
    if run(
        "mypy"
    ).returncode:  # its cache misses a module that has come since: what counts is a run without one
        passes("mypy", "--no-error-summary", "--cache-dir=/dev/null")
