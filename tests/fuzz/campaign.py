"""Atheris against one wire.py:  python -m tests.fuzz.campaign NAME SECONDS FOLDER

Coverage-guided, from what the platform really sent. FOLDER keeps what it found worth keeping; a crash ends it with another
exit code than 0 and leaves the bytes there. Needs `pip install atheris` (Linux).
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["chatbranch.connectors"]):
    from tests.fuzz.targets import TARGETS, seeds


def main(name: str, seconds: str, folder: str) -> None:
    corpus = Path(folder) / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed{number}").write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        "-max_len=20000",
        "-timeout=20",
        f"-artifact_prefix={folder}/{name}-",
    ]
    atheris.Setup([sys.argv[0], str(corpus), *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:4])
