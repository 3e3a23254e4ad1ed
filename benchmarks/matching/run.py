"""The matcher alone on 100,000 claims: build rate, latency, memory; beside bm25s and SQLite's trigram search.

    python benchmarks/matching/run.py [--claims 100000] [--data ../shared/data] [--peer PYTHON_WITH_BM25S]

Every claim has one wording. Half are English: real ones first, then sentences recombined from them. Half are Chinese:
real posts, then recombined. Encoding 50,000 texts takes minutes and tells nothing more than encoding 2,000, so only
--encode English wordings are encoded by the model; the other vectors are mixtures of those, of length 1. Searching
compares the message with every row either way. Times of the matcher are CPU seconds of this process, with the
encoding of the message told apart; peers' are what they take on one thread.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from chatbranch.kernel.text import normalise, tokens
from chatbranch.matching import rules
from chatbranch.matching.encoder import Encoder, Vectors
from chatbranch.matching.engine import IndexWriter, Matcher, Wording
from chatbranch.matching.index import Index
from chatbranch.matching.nearest import Nearest

_MESSAGES = 400
_SEED = 20261123


class Mixing:
    """Encodes the first texts with the model, then mixes their vectors; keeps the time the model took."""

    def __init__(self, encoder: Encoder, most: int) -> None:
        self._encoder, self._most = encoder, most
        self.digest, self.dimension = encoder.digest, encoder.dimension
        self._real: Vectors = np.zeros((0, encoder.dimension), np.float32)
        self._chance = np.random.default_rng(_SEED)
        self.seconds = 0.0

    @property
    def encoded(self) -> int:
        return len(self._real)

    def encode(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> Vectors:
        if len(self._real) < self._most:
            start = time.perf_counter()
            vectors = self._encoder.encode(texts, progress)
            self.seconds += time.perf_counter() - start
            self._real = np.vstack([self._real, vectors])
            return vectors
        picks = self._chance.integers(0, len(self._real), (2, len(texts)))
        mixed = self._real[picks[0]] + 0.5 * self._real[picks[1]]
        return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), np.float32)


def library(data: Path, claims: int) -> list[Wording]:
    """``claims`` wordings, English and Chinese in turn."""
    english = [json.loads(line)["text"] for line in lines(data / "matching/en_checkthat2022/claims.jsonl")]
    posts = [json.loads(line)["text"][:2000] for line in lines(data / "stream/zh_posts.jsonl")]
    halves = {
        "en": stretched(english, ". ", claims // 2),
        "zh-Hans": stretched(posts, "。", claims - claims // 2),
    }
    return [
        Wording(f"{lang}-{n}", lang, text, 2 * n + (lang == "en"))
        for lang, texts in halves.items()
        for n, text in enumerate(texts, 1)
    ]


def stretched(texts: list[str], full_stop: str, count: int) -> list[str]:
    """``count`` texts: these, then pairs of halves of them."""
    chance = random.Random(_SEED)
    more = (
        full_stop.join(half(chance.choice(texts), side) for side in (0, 1)) for _ in range(count - len(texts))
    )
    return [*texts[:count], *more]


def half(text: str, side: int) -> str:
    middle = len(text) // 2
    return text[:middle] if side == 0 else text[middle:]


def messages(data: Path, wordings: Sequence[Wording]) -> list[str]:
    """What is asked: real tweets, and Chinese wordings as they are forwarded; none twice."""
    tweets = [json.loads(line)["text"] for line in lines(data / "matching/en_checkthat2022/queries.jsonl")]
    chance = random.Random(_SEED)
    chinese = chance.sample([own.text for own in wordings if own.lang == "zh-Hans"], _MESSAGES // 2)
    forwarded = [
        f"【转发】{text[: len(text) * 3 // 4]}，大家看看🙏 http://t.cn/{n}" for n, text in enumerate(chinese)
    ]
    return chance.sample(tweets, _MESSAGES // 2) + forwarded


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").strip().split("\n")


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    return {f"p{q}": round(float(np.percentile(seconds, q)) * 1000, 1) for q in (50, 95, 99)}


class Clocked:
    """An encoder that counts the CPU seconds it takes."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.digest, self.dimension = encoder.digest, encoder.dimension
        self.seconds = 0.0

    def encode(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> Vectors:
        start = time.process_time()
        vectors = self._encoder.encode(texts, progress)
        self.seconds += time.process_time() - start
        return vectors


def measure(
    ask: Callable[[str], object], asked: Sequence[str], clock: Clocked
) -> tuple[list[float], list[float]]:
    """CPU seconds for each message: all but its encoding, and its encoding."""
    beyond, encoding = [], []
    for text in asked:
        start, encoded = time.process_time(), clock.seconds
        ask(text)
        encoding.append(clock.seconds - encoded)
        beyond.append(time.process_time() - start - encoding[-1])
    return beyond, encoding


def vector_search(index: Index, asked: Vectors) -> None:
    """The sketch beside comparing every row."""
    nearest, few = Nearest(index.vectors), 24
    taken: dict[str, list[float]] = {"sketch first": [], "brute force": []}
    kept = []
    for row in asked:
        start = time.process_time()
        found = nearest.search(row[None], few)
        between = time.process_time()
        likeness = index.vectors @ row
        every = np.argpartition(-likeness, few)[:few]
        taken["sketch first"].append(between - start)
        taken["brute force"].append(time.process_time() - between)
        kept.append(len(set(found) & set(every)) / few)
    for name, seconds in taken.items():
        say(f"vectors, {name:<13} {percentiles(seconds)} ms")
    say(f"the sketch keeps {np.mean(kept):.1%} of the first {few}; {len(index.vectors):,} vectors")


def resident() -> float:
    """Peak resident memory of this process, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--claims", type=int, default=100_000)
    parser.add_argument("--encode", type=int, default=2_000)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--peer", help="a Python of an environment of its own that has bm25s")
    chosen = parser.parse_args()
    wordings = library(chosen.data, chosen.claims)
    asked = messages(chosen.data, wordings)
    with tempfile.TemporaryDirectory(prefix="chatbranch-bench-") as temporary:
        folder = Path(temporary)
        ours = matcher_figures(folder / "index", wordings, asked, chosen.encode)
        peers(folder, wordings, asked, chosen.peer, ours)
    return 0


def matcher_figures(
    folder: Path, wordings: Sequence[Wording], asked: Sequence[str], encode: int
) -> dict[str, float]:
    encoder = Mixing(Encoder.open(), encode)
    start = time.perf_counter()
    with IndexWriter.open(folder, encoder) as writer:
        writer.add(wordings)
        writer.commit()
    built = time.perf_counter() - start - encoder.seconds
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    packages = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("tantivy", "numpy", "onnxruntime")
    )
    say(
        f"{platform.python_implementation()} {platform.python_version()}, {packages}, load {os.getloadavg()[0]:.1f}"
    )
    say(f"{len(wordings):,} wordings: encoding {encoder.encoded / encoder.seconds:,.0f} English texts/s")
    say(f"indexing {len(wordings) / built:,.0f} wordings/s, encoding apart; {size:,.0f} MB on disk")
    clock = Clocked(Encoder.open())
    matcher = Matcher(folder, clock, rules.load_fitted())
    matcher.match(asked[0])
    beyond, encoding = measure(matcher.match, asked, clock)
    half = _MESSAGES // 2
    for name, part in (("all", slice(None)), ("English", slice(half)), ("Chinese", slice(half, None))):
        say(f"match() beyond encoding, {name:<8} {percentiles(beyond[part])} ms")
    say(f"encoding an English message        {percentiles(encoding[:half])} ms")
    vector_search(Index.open(folder), clock.encode(asked[:half]))
    say(f"{resident():,.0f} MB resident at most, the mapped vectors included")
    return percentiles(beyond)


def peers(
    folder: Path,
    wordings: Sequence[Wording],
    asked: Sequence[str],
    python: str | None,
    ours: dict[str, float],
) -> None:
    """The peers rank the same library by words alone; they decide nothing. All are given our terms."""
    corpus = {
        "texts": [own.text for own in wordings],
        "terms": [tokens(normalise(own.text).text) for own in wordings],
        "asked": list(asked),
        "asked_terms": [tokens(normalise(text).text) for text in asked],
    }
    path = folder / "corpus.json"
    path.write_text(json.dumps(corpus), encoding="utf-8")
    command = [python or sys.executable, str(Path(__file__).with_name("peer.py")), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        found = json.loads(line)
        ratio = ours["p50"] / found["p50"]
        say(f"{found.pop('name'):<28} {found}; ours takes {ratio:.2f} times as long at the median")


if __name__ == "__main__":
    sys.exit(main())
