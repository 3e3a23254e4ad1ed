"""The matcher alone: build rate, time for a message, memory, opening, adding; beside peers on the same texts.

    python benchmarks/matching/run.py [--claims 100000] [--keep DIR] [--data ../shared/data] [--peer PYTHON]

README.md beside this file says what the library is made of. Times of a message are CPU milliseconds of one thread. They
are taken in a process of its own, which opens the index and has never seen a message; the encoding of the message is
told apart. ``--keep`` builds the library into a folder once and uses it again. ``--peer`` names a Python of an
environment of its own with bm25s, datasketch, numpy and tantivy (``pip install bm25s datasketch numpy tantivy``);
peers that are not installed there are left out.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported; one message, one thread

import argparse
import importlib.metadata
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from library import Perturbing, library, messages

from chatbranch.kernel.text import normalise, tokens
from chatbranch.matching import rules
from chatbranch.matching.encoder import Encoder, Progress, Vectors
from chatbranch.matching.engine import Matcher
from chatbranch.matching.index_writer import IndexWriter
from chatbranch.matching.judgement import ordered
from chatbranch.matching.table import Wording

_MESSAGES = 200  # in each language
_NEAREST = 24
_SLOW_PEER = 20  # messages for peers that take seconds


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    return {f"p{q}": round(float(np.percentile(seconds, q)) * 1000, 1) for q in (50, 95, 99)}


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Clocked:
    """An encoder that counts the CPU seconds, and the seconds, that it takes."""

    def __init__(self, encoder: Encoder | Perturbing) -> None:
        self._encoder = encoder
        self.digest, self.dimension = encoder.digest, encoder.dimension
        self.cpu = self.wall = 0.0

    def encode(self, texts: Sequence[str], lang: str, progress: Progress | None = None) -> Vectors:
        return self._clocked(lambda: self._encoder.encode(texts, lang, progress))

    def encode_message(self, text: str, lang: str) -> Vectors:
        return self._clocked(lambda: self._encoder.encode_message(text, lang))

    def _clocked(self, encode: Callable[[], Vectors]) -> Vectors:
        cpu, wall = time.process_time(), time.perf_counter()
        vectors = encode()
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall
        return vectors


def build(folder: Path, data: Path, claims: int, encode: int) -> None:
    """The index, made by the product's own writer in one commit; encoding and its stand-in told apart."""
    encoder = Clocked(Perturbing(Encoder.open(), encode))
    wordings = list(library(data, claims))
    cpu, wall = time.process_time(), time.perf_counter()
    with IndexWriter.open(folder, encoder) as writer:
        writer.add(wordings)
        added = time.perf_counter() - encoder.wall
        writer.commit()
        committed = time.perf_counter() - encoder.wall
    wall = time.perf_counter() - wall - encoder.wall
    cpu = time.process_time() - cpu - encoder.cpu
    say(
        f"built {claims:,} claims: {claims / wall:,.0f} a second, {claims / cpu:,.0f} a CPU second, encoding apart; the"
        f" commit, which sorts vectors into cells, took {committed - added:.1f} s of it; load {os.getloadavg()[0]:.1f}"
    )


def ask(folder: Path, data: Path) -> dict[str, float]:
    """Open, ask, add one claim; returns percentiles of all messages, without encoding."""
    clock = Clocked(Encoder.open())
    before, start = memory(), time.perf_counter()
    matcher = Matcher(folder, clock, rules.load_fitted())
    say(f"opened in {time.perf_counter() - start:.2f} s; {on_disk(folder):,.0f} MB on disk")
    english, chinese = messages(data, _MESSAGES)
    everything: list[float] = []
    for name, asked in (("English", english), ("Chinese", chinese)):
        steps = np.array([timed(matcher, text, clock) for text in asked])
        beyond = steps[:, :3].sum(axis=1)
        everything += beyond.tolist()
        say(f"{name}: all but encoding {percentiles(beyond)} ms; encoding {percentiles(steps[:, 3])} ms")
        for i, step in enumerate(("reading", "candidates and features", "order, guard and rules")):
            say(f"    {step:<26} {percentiles(steps[:, i])} ms")
    after = memory()
    for kind in ("RssAnon", "RssFile"):
        say(f"{kind} {after[kind] - before[kind]:,.0f} MB more than before the index was opened")
    vectors_found(matcher, clock, english)
    add_one(folder, matcher)
    return percentiles(everything)


def timed(matcher: Matcher, text: str, clock: Clocked) -> tuple[float, float, float, float]:
    """CPU seconds: reading the message, finding claims with their features, deciding; and encoding."""
    encoded, start = clock.cpu, time.process_time()
    message = matcher.read(text)
    encoded, read = clock.cpu - encoded, time.process_time()
    near = matcher.near(message)
    found = time.process_time()
    matcher.judge(message, ordered(near, rules.load_fitted().of(message.lang)))
    return read - start - encoded, found - read, time.process_time() - found, encoded


def vectors_found(matcher: Matcher, clock: Clocked, asked: Sequence[str]) -> None:
    """The cells beside comparing every row."""
    vectors, nearest = matcher.index.vectors, matcher.index.nearest
    rows = clock.encode(asked, "en")
    taken: dict[str, list[float]] = {"cells": [], "brute force": []}
    first, kept = [], []
    for row in rows:
        start = time.process_time()
        found = nearest.search(row[None], _NEAREST)
        between = time.process_time()
        likeness = np.concatenate(
            [vectors[at : at + 8192].astype(np.float32) @ row for at in range(0, len(vectors), 8192)]
        )
        best = np.argsort(-likeness, kind="stable")[:_NEAREST]
        taken["cells"].append(between - start)
        taken["brute force"].append(time.process_time() - between)
        first.append(likeness[found[0]] >= likeness[best[0]])
        kept.append(len(set(found.tolist()) & set(best.tolist())) / _NEAREST)
    for name, seconds in taken.items():
        say(f"one of {len(vectors):,} vectors, {name:<11} {percentiles(seconds)} ms")
    say(
        f"cells find the nearest of all for {np.mean(first):.1%}, and {np.mean(kept):.1%} of the first {_NEAREST}"
    )


def add_one(folder: Path, matcher: Matcher) -> None:
    """From a wording in hand to the moment at which a reader has it."""
    own = Wording(
        "zh-added", "zh-Hans", "刚刚发布的一条说法：本市明天起免费发放雨伞三万把", matcher.watermark + 1
    )
    start = time.perf_counter()
    with IndexWriter.open(folder, Encoder.open()) as writer:
        ready = time.perf_counter()
        writer.add([own])
        writer.commit()
        matcher.refresh()
        seen = time.perf_counter()
        found = matcher.match(own.text).claim_id == own.claim_id
        say(
            f"one claim more is found after {seen - start:.2f} s ({ready - start:.2f} s to open the writer): {found}"
        )


def memory() -> dict[str, float]:
    """Resident MB of this process: its own, and what it has mapped and touched."""
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) / 1024 for name in ("RssAnon", "RssFile")}


def on_disk(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def peers(folder: Path, data: Path, claims: int, python: str, ours: dict[str, float]) -> None:
    """The peers rank the same library by words or by vectors alone; they decide nothing."""
    texts = [own.text for own in islice(library(data, claims), claims)]
    english, chinese = messages(data, _MESSAGES)
    asked = [text for pair in zip(english, chinese, strict=True) for text in pair]
    corpus = {
        "texts": texts,
        "terms": [tokens(normalise(text).text) for text in texts],
        "asked": asked,
        "asked_terms": [tokens(normalise(text).text) for text in asked],
        "slow": _SLOW_PEER,
    }
    path = folder / "corpus.json"
    path.write_text(json.dumps(corpus), encoding="utf-8")
    command = [python, str(Path(__file__).with_name("peer.py")), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout or ():
            found = json.loads(line)
            ratio = ours["p50"] / found["p50"] if found["p50"] else float("inf")
            say(f"{found.pop('name'):<30} {found}; ours takes {ratio:.3g} times as long at the median")
    path.unlink()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--claims", type=int, default=100_000)
    parser.add_argument(
        "--encode",
        type=int,
        default=2_000,
        help="texts of each language that are encoded; the others' vectors are made from theirs",
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--keep", type=Path, help="build into this folder, or use the index that is there")
    parser.add_argument("--peer", help="a Python of an environment of its own that has the peers")
    parser.add_argument("--build-only", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatbranch-bench-") as temporary:
        folder = chosen.keep or Path(temporary) / "index"
        if chosen.build_only:
            build(folder, chosen.data, chosen.claims, chosen.encode)
            return 0
        packages = ", ".join(
            f"{n} {importlib.metadata.version(n)}" for n in ("tantivy", "numpy", "onnxruntime")
        )
        say(
            f"{chosen.claims:,} claims; {os.cpu_count()} cores, Python {platform.python_version()}, {packages}"
        )
        if not (
            folder / "current"
        ).exists():  # in a process of its own: what building needs is not what asking needs
            subprocess.run([sys.executable, *sys.argv, "--keep", str(folder), "--build-only"], check=True)
        say(f"load {os.getloadavg()[0]:.1f}")
        ours = ask(folder, chosen.data)
        if chosen.peer:
            peers(Path(temporary), chosen.data, chosen.claims, chosen.peer, ours)
    return 0


if __name__ == "__main__":
    sys.exit(main())
