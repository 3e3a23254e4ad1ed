"""Install the servers the tests start, each in an environment of its own: python3 tests/servers/install.py

Standard library only, like run.py, whose pinned uv it uses. What is there already is left as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path.home() / ".cache/chatbranch-tests"
sys.path.insert(0, str(ROOT))

import run  # noqa: E402 (it lies at the root)

SYNAPSE = ["matrix-synapse==1.163.2", "matrix-commander==8.0.5"]
PYMAP = ["pymap==0.36.7"]
TELEGRAM = "telegram-test-api@4.2.1"


def main() -> int:
    return max(synapse(), pymap(), telegram())


def synapse() -> int:
    """A Matrix homeserver and a client."""
    return python("synapse", SYNAPSE, "matrix-commander")


def pymap() -> int:
    """An IMAP server."""
    return python("pymap", PYMAP, "pymap")


def python(name: str, packages: list[str], program: str) -> int:
    """Packages in a Python environment of their own, CHATBRANCH_<NAME>; there already if it has `program`."""
    home = Path(os.environ.get(f"CHATBRANCH_{name.upper()}") or CACHE / name)
    if (home / "bin" / program).exists():
        return 0
    uv = str(run.find_uv())
    print(f"Installing {' and '.join(packages)} for the tests …", flush=True)
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)],
        [uv, "pip", "install", "--quiet", "--python", str(home), *packages],
    ):
        if code := subprocess.run(command).returncode:
            return code
    return 0


def telegram() -> int:
    """A Bot API server for tests, in a folder of Node packages; without npm its tests skip."""
    home = Path(os.environ.get("CHATBRANCH_TELEGRAM_TEST_API") or CACHE / "telegram")
    npm = shutil.which("npm")
    if npm is None or (home / "node_modules" / "telegram-test-api" / "package.json").exists():
        return 0
    print(f"Installing {TELEGRAM} for the tests …", flush=True)
    home.mkdir(parents=True, exist_ok=True)
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    return subprocess.run([npm, "install", *quiet, "--prefix", str(home), TELEGRAM]).returncode


if __name__ == "__main__":
    sys.exit(main())
