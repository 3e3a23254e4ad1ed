"""Install the servers the tests start, each in an environment of its own: python3 tests/servers/install.py

Standard library only, like run.py, whose pinned uv it uses. What is there already is left as it is.
"""

from __future__ import annotations

import hashlib
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
PYMERKLE = ["pymerkle==7.0.0"]
WITNESS_LOG = ["witness-log==0.6.1"]
OIDC_PROVIDER = ["oidc-provider-mock==0.3.4"]
READERS = ["extruct==0.18.0", "feedparser==6.0.14"]
RFC9162 = "@transmute/rfc9162@0.0.5"
SUMDB = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb")
"""Where Debian's golang-golang-x-mod-dev puts it."""


def main() -> int:
    return max(
        synapse(),
        pymap(),
        telegram(),
        oidc_provider(),
        pymerkle(),
        witness_log(),
        readers(),
        rfc9162(),
        sumdb(),
    )


def synapse() -> int:
    """A Matrix homeserver and a client."""
    return python("synapse", SYNAPSE, "matrix-commander")


def pymap() -> int:
    """An IMAP server."""
    return python("pymap", PYMAP, "pymap")


def oidc_provider() -> int:
    """An OpenID Connect provider."""
    return python("oidc_provider", OIDC_PROVIDER, "oidc-provider-mock")


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
            shutil.rmtree(home, ignore_errors=True)
            return code
    return 0


def telegram() -> int:
    """A Bot API server for tests, in a folder of Node packages; without npm its tests skip."""
    return node(Path(os.environ.get("CHATBRANCH_TELEGRAM_TEST_API") or CACHE / "telegram"), TELEGRAM)


def pymerkle() -> int:
    """Merkle trees, to verify the public log with."""
    return python("pymerkle", PYMERKLE, "python")


def witness_log() -> int:
    """A witness that is not ours."""
    return python("witness_log", WITNESS_LOG, "witness-log-hook")


def readers() -> int:
    """Readers of pages and feeds that are not ours: what others see of a verdict."""
    return python("readers", READERS, "extruct")


def rfc9162() -> int:
    """Merkle proofs in JavaScript, to verify the public log with."""
    return node(CACHE / "rfc9162", RFC9162)


def sumdb() -> int:
    """A verifier of the public log, of Go's own packages; without Go its tests skip."""
    go, source = shutil.which("go"), ROOT / "tests/foreign/verify.go"
    made = CACHE / "sumdb" / f"verify-{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}"
    if go is None or not SUMDB.is_dir() or made.exists():
        return 0
    print("Building a verifier of the public log for the tests …", flush=True)
    made.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(SUMDB.parents[4]),
        "GOFLAGS": "-trimpath",
    }
    return subprocess.run([go, "build", "-o", str(made), str(source)], env=environment).returncode


def node(home: Path, package: str) -> int:
    """A Node package in a folder of its own; there already, or without npm, nothing happens."""
    npm, name = shutil.which("npm"), package.rpartition("@")[0]
    if npm is None or (home / "node_modules" / name / "package.json").exists():
        return 0
    print(f"Installing {package} for the tests …", flush=True)
    home.mkdir(parents=True, exist_ok=True)
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    return subprocess.run([npm, "install", *quiet, "--prefix", str(home), package]).returncode


if __name__ == "__main__":
    sys.exit(main())
