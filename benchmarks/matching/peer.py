"""Peers on the same corpus, in an environment of their own: SQLite's FTS5 with trigrams, and bm25s where installed.

python peer.py CORPUS_JSON        (run.py calls it)
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def percentile(values: Sequence[float], share: float) -> float:
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))] * 1000, 1)


def report(name: str, built: float, count: int, ask: Callable[[Any], object], asked: Sequence[Any]) -> None:
    taken = []
    for one in asked:
        start = time.process_time()
        ask(one)
        taken.append(time.process_time() - start)
    figures = {f"p{round(share * 100)}": percentile(taken, share) for share in (0.5, 0.95, 0.99)}
    memory = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps({"name": name, **figures, "texts/s": round(count / built), "MB": memory}), flush=True)


def sqlite_trigram(corpus: dict[str, Any]) -> None:
    start = time.perf_counter()
    base = sqlite3.connect(":memory:")
    base.execute("create virtual table claims using fts5(text, tokenize='trigram')")
    base.executemany("insert into claims values (?)", ((text,) for text in corpus["texts"]))
    built = time.perf_counter() - start

    def ask(text: str) -> object:
        parts = {text[i : i + 3].replace('"', " ") for i in range(len(text) - 2)}
        query = " OR ".join(f'"{part}"' for part in sorted(parts)[:200] if part.strip())
        return base.execute(
            "select rowid from claims where claims match ? order by rank limit 5", (query,)
        ).fetchall()

    report(f"SQLite {sqlite3.sqlite_version} trigram", built, len(corpus["texts"]), ask, corpus["asked"])


def bm25s_ranking(corpus: dict[str, Any]) -> None:
    try:
        import bm25s
    except ImportError:
        return
    start = time.perf_counter()
    index = bm25s.BM25()
    index.index(corpus["terms"], show_progress=False)
    built = time.perf_counter() - start

    def ask(terms: list[str]) -> object:
        return index.retrieve([terms], k=5, show_progress=False)

    report(f"bm25s {bm25s.__version__}", built, len(corpus["terms"]), ask, corpus["asked_terms"])


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    bm25s_ranking(given)
    sqlite_trigram(given)
