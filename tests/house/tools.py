"""Running a tool over the repository, and saying readably what it found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
MOST_LINES = 60


def passes(program: str, *arguments: str) -> None:
    """Run a tool of this environment in the repository; fail with the end of what it printed when it finds something."""
    done = run(program, *arguments)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        pytest.fail(
            "\n".join([f"{program} {' '.join(arguments)} found:", *said[-MOST_LINES:]]), pytrace=False
        )


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of this environment in the repository."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160", "NO_COLOR": "1"}
    command = [str(PROGRAMS / program), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def committed() -> list[Path]:
    """Every file that git knows of here, or, without git, every file that is not ignored by convention."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = listed.stdout.decode().split("\0") if listed.returncode == 0 else _walk()
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def _walk() -> list[str]:
    outside = {".git", ".venv", ".tools", "data", "__pycache__", ".hypothesis"}
    found = (each.relative_to(ROOT) for each in ROOT.rglob("*") if each.is_file())
    return [str(each) for each in found if not outside.intersection(each.parts) and "cache" not in str(each)]
