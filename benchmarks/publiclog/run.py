"""How fast the public log is appended to and audited, beside pymerkle and Go's sumdb packages on the same entries, in the same go.

    .venv/bin/python -m benchmarks.publiclog.run [--entries 70000] [--batch 1000] [--rounds 3]

It works in a folder of its own, which it removes. The peers are those of the tests (python3 tests/servers/install.py); without one its line
is left out.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--entries", type=int, default=70_000)
    options.add_argument("--batch", type=int, default=1_000)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatbranch-bench-") as folder:
        os.environ["CHATBRANCH_DATA"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "chatbranch.site.settings"
        import django

        django.setup()
        from chatbranch.site import start

        start.prepare()
        appended, processor = append(given.entries, given.batch)
        print(
            f"appended, signed and published in batches of {given.batch}: {appended:,.0f} entries/s "
            f"({processor:,.0f} a second of processor)"
        )
        audited(Path(folder) / "log", given.rounds)


def append(count: int, batch: int) -> tuple[float, float]:
    """Entries a second, and a second of processor; each batch one transaction, one checkpoint and its files, all forced to the disk."""
    from chatbranch.publiclog.actions import do_append, do_publish
    from chatbranch.publiclog.tests.support import drafts

    began, used = time.perf_counter(), time.process_time()
    for _ in range(count // batch):
        do_append(drafts(batch))
        do_publish()
    return count / (time.perf_counter() - began), count / (time.process_time() - used)


def audited(log: Path, rounds: int) -> None:
    """Each verifier in turn, `rounds` times, as a program of its own from its start to its end."""
    from tests.foreign.test_verifiers import HERE as FOREIGN
    from tests.servers.install import CACHE

    vkey = (log / "vkey").read_text().strip()
    commands = {
        "ours": [str(Path(sys.executable).parent / "chatbranch"), "log", "verify", str(log), "--key", vkey],
        "Go's sumdb": [str(next(iter((CACHE / "sumdb").glob("verify-*")), "")), str(log), vkey],
        "pymerkle": [str(CACHE / "pymerkle/bin/python"), str(FOREIGN / "verify_pymerkle.py"), str(log), vkey],
    }
    times: dict[str, list[float]] = {
        name: [] for name, command in commands.items() if Path(command[0]).is_file()
    }
    used = dict.fromkeys(times, 0.0)
    for _ in range(rounds):
        for name in times:
            seconds, cpu = timed(
                lambda name=name: subprocess.run(commands[name], check=True, capture_output=True)
            )
            times[name].append(seconds)
            used[name] += cpu / rounds
    ours = statistics.median(times["ours"])
    for name, each in times.items():
        median = statistics.median(each)
        print(
            f"audited by {name}: {median:.2f} s (from {min(each):.2f} to {max(each):.2f}), {used[name]:.2f} s of processor"
            + ("" if name == "ours" else f"; ours takes {ours / median:.2f} times as long")
        )
    print(
        "ours also reads every entry as what it says, checks the tiles above, and starts Python and the command line;"
    )
    print("Go checks entries, tiles, signature; pymerkle hashes and the root.")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
