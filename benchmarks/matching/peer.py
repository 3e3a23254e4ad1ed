"""Peers on the same corpus, in an environment of their own. Those that are not installed are left out.

python peer.py CORPUS_JSON        (run.py calls it)
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

Corpus = dict[str, Any]


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
    print(
        json.dumps(
            {"name": name, **figures, "asked": len(asked), "texts/CPU s": round(count / built), "MB": memory}
        ),
        flush=True,
    )


def tantivy_plain(corpus: Corpus) -> None:
    """Tantivy alone, given our terms, all of them."""
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
    schema = builder.build()
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        index = tantivy.Index(schema, path=folder)
        writer = index.writer(heap_size=64_000_000, num_threads=1)
        for terms in corpus["terms"]:
            writer.add_document(tantivy.Document(terms=[" ".join(terms)]))
        writer.commit()
        writer.wait_merging_threads()
        built = time.process_time() - start
        index.reload()
        searcher = index.searcher()

        def ask(terms: list[str]) -> object:
            any_of = [
                (tantivy.Occur.Should, tantivy.Query.term_query(schema, "terms", term, index_option="freq"))
                for term in dict.fromkeys(terms)
            ]
            return searcher.search(tantivy.Query.boolean_query(any_of), 5, count=False)

        report("tantivy alone, all terms", built, len(corpus["terms"]), ask, corpus["asked_terms"])


def bm25s_ranking(corpus: Corpus) -> None:
    import bm25s

    start = time.process_time()
    index = bm25s.BM25()
    index.index(corpus["terms"], show_progress=False)
    built = time.process_time() - start

    def ask(terms: list[str]) -> object:
        return index.retrieve([terms], k=5, show_progress=False)

    report(f"bm25s {bm25s.__version__}, our terms", built, len(corpus["terms"]), ask, corpus["asked_terms"])


def sqlite_trigram(corpus: Corpus) -> None:
    start = time.process_time()
    base = sqlite3.connect(":memory:")
    base.execute("create virtual table claims using fts5(text, tokenize='trigram')")
    base.executemany("insert into claims values (?)", ((text,) for text in corpus["texts"]))
    built = time.process_time() - start

    def ask(text: str) -> object:
        parts = {text[i : i + 3].replace('"', " ") for i in range(len(text) - 2)}
        query = " OR ".join(f'"{part}"' for part in sorted(parts)[:200] if part.strip())
        return base.execute(
            "select rowid from claims where claims match ? order by rank limit 5", (query,)
        ).fetchall()

    asked = corpus["asked"][: corpus["slow"]]
    report(f"SQLite {sqlite3.sqlite_version} FTS5 trigram", built, len(corpus["texts"]), ask, asked)


def brute_force(corpus: Corpus) -> None:
    """Every vector compared, as many as half of the texts, of 384 numbers; what the numbers are takes no time."""
    import numpy as np

    chance = np.random.default_rng(1)
    vectors = chance.normal(size=(len(corpus["texts"]) // 2, 384)).astype(np.float32)

    def ask(_: str) -> object:
        return np.argpartition(-(vectors @ vectors[0]), 5)[:5]

    report(f"numpy {np.__version__} brute force, vectors", 1e9, 0, ask, corpus["asked"][: corpus["slow"]])


def minhash(corpus: Corpus) -> None:
    """MinHash of our terms, 128 permutations, at most a tenth of the texts: building takes a millisecond a text."""
    from datasketch import MinHash, MinHashLSH, __version__

    def sketch(terms: list[str]) -> MinHash:
        made = MinHash(num_perm=128)
        made.update_batch([term.encode() for term in set(terms)])
        return made

    some = corpus["terms"][:: max(1, len(corpus["terms"]) // 10_000)]
    start = time.process_time()
    index = MinHashLSH(threshold=0.5, num_perm=128)
    for i, terms in enumerate(some):
        index.insert(str(i), sketch(terms))
    built = time.process_time() - start
    name = f"datasketch {__version__} LSH, {len(some):,} texts"
    report(name, built, len(some), lambda terms: index.query(sketch(terms)), corpus["asked_terms"])


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for peer in (tantivy_plain, bm25s_ranking, minhash, brute_force, sqlite_trigram):
        with suppress(ImportError):
            peer(given)
