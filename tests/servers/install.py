"""Install the servers the tests start, each in an environment of its own: python3 tests/servers/install.py

Standard library only, like run.py, whose pinned uv it uses. What is there already is left as it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import run  # noqa: E402 (it lies at the root)

SYNAPSE = ["matrix-synapse==1.163.2", "matrix-commander==8.0.5"]


def main() -> int:
    home = Path(os.environ.get("CHATBRANCH_SYNAPSE") or Path.home() / ".cache/chatbranch-tests/synapse")
    if (home / "bin" / "matrix-commander").exists():
        return 0
    uv = str(run.find_uv())
    print(f"Installing {' and '.join(SYNAPSE)} for the tests …", flush=True)
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)],
        [uv, "pip", "install", "--quiet", "--python", str(home), *SYNAPSE],
    ):
        if code := subprocess.run(command).returncode:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
