"""The scorer beside gradient descent on the same model: loss, agreement, processor time, memory; and one rating at once.

    .venv/bin/python -m benchmarks.consensus.run --peer PYTHON [--sizes 30000 1000000] [--seeds 5] [--polis DIR]

PYTHON is one that has torch. Without it only ours is measured. Ours runs in a process of its own (alone.py), with one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbranch.consensus.factorisation import Costs, Fit, Side, fit
from chatbranch.consensus.formats import read_polis
from chatbranch.consensus.ratings import Column, Ratings, gather
from chatbranch.consensus.scoring import score

HERE = Path(__file__).parent
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
GO_ON_UP_TO = 1_000_000  # ratings; above, the peer is compared where it stops
Rows = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


@dataclass(frozen=True)
class Ours:
    """What ours gave. Times are of the processor, s, the median of three; memory: at most, of the process, MB."""

    ratings: Ratings
    found: Fit
    mapping: float
    solving: float
    again: float
    memory: float
    one_rating: float


def synthetic(wanted: int, seed: int = 0) -> Rows:
    """Notes, raters and ratings of an association of two sides, some busy and most not; ids as large as real ones."""
    chance = np.random.default_rng(seed)
    raters, notes = max(50, wanted // 40), max(20, wanted // 60)
    busy, read = (chance.pareto(1.2, many) + 0.05 for many in (raters, notes))
    pairs = np.zeros(0, np.int64)
    while len(pairs) < wanted:
        rater = chance.choice(raters, wanted, p=busy / busy.sum())
        note = chance.choice(notes, wanted, p=read / read.sum())
        pairs = np.unique(np.append(pairs, note.astype(np.int64) * raters + rater))
    pairs = chance.permutation(pairs)[:wanted]
    note, rater = pairs // raters, pairs % raters
    side = np.where(chance.random(raters) < 0.6, -0.6, 0.7) + chance.normal(0, 0.25, raters)
    lenient, good = chance.normal(0, 0.15, raters), chance.normal(-0.05, 0.3, notes)
    leaning = chance.normal(0, 0.5, notes)
    felt = (
        0.45 + lenient[rater] + good[note] + side[rater] * leaning[note] + chance.normal(0, 0.3, len(pairs))
    )
    return note * 7919 + 10**15, rater * 104_729 + 10**12, np.clip(np.round(felt * 2) / 2, 0, 1)


def ours(source: Path, rows: Rows) -> Ours:
    command = [sys.executable, "-m", "benchmarks.consensus.alone", str(source)]
    done = subprocess.run(command, check=True, env={**os.environ, **ONE_THREAD}, stdout=subprocess.PIPE)
    ratings = gather(Column.of(rows[0]), Column.of(rows[1]), rows[2])
    return Ours(ratings, fit(ratings), **json.loads(done.stdout))


def peer(python: str, source: Path, seed: int, size: int) -> Any:
    target = source.with_name("out.npz")
    command = [python, str(HERE / "peer.py"), str(source), str(target), str(seed)]
    command += ["stop"] if size > GO_ON_UP_TO else []
    subprocess.run(command, check=True, env={**os.environ, **ONE_THREAD})
    return dict(np.load(target))


def statuses(ratings: Ratings, found: Fit) -> list[str]:
    return [each.status for each in score(ratings, found)]


def as_fit(theirs: Any, mine: Ours) -> Fit:
    """The peer's parameters as a fit of ours, so that the same rule judges both."""
    notes = Side(theirs["intercept"].astype(float), theirs["factor"].astype(float))
    raters = Side(np.zeros(mine.ratings.raters), theirs["raters"].astype(float))
    return Fit(float(theirs["mu"]), notes, float(theirs["loss"]), 0, mine.found.costs, raters)


def compare(name: str, rows: Rows, python: str | None, seeds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.npz"
        costs = json.dumps(asdict(Costs.pinned(gather(Column.of(rows[0]), Column.of(rows[1]), rows[2]))))
        np.savez(source, notes=rows[0], raters=rows[1], values=rows[2].astype(np.float32), costs=costs)
        mine = ours(source, rows)
        many = f"{len(mine.ratings):,} ratings, {len(mine.ratings.notes):,} notes, {mine.ratings.raters:,} raters"
        print(f"\n{name}: {many}")
        print(
            f"  ours: loss {mine.found.loss:.9f}, {mine.found.turns} turns, {mine.solving:.3f} s solving, "
            f"{mine.mapping:.3f} s mapping ids, {mine.again:.3f} s from the last fit, "
            f"one rating {mine.one_rating * 1000:.1f} ms, {mine.memory:.0f} MB at most",
            flush=True,
        )
        if python is None or not seeds:
            return
        runs = [peer(python, source, seed, len(rows[0])) for seed in range(seeds)]
    beside(mine, runs, seeds)


def beside(mine: Ours, runs: list[Any], seeds: int) -> None:
    best = min(runs, key=lambda run: run["loss"])
    solving = float(np.median([run["solving"] for run in runs]))
    whole = float(np.median([run["solving"] + run["mapping"] for run in runs]))
    own = statuses(mine.ratings, mine.found)
    theirs = [statuses(mine.ratings, as_fit(run, mine)) for run in runs]
    between = max((differ(one, other) for one in theirs for other in theirs), default=0.0)
    stopped = min(float(run["stopped"]) for run in runs)
    print(
        f"  torch {best['version']}, best of {seeds}: loss {stopped:.9f} where the reference stops, "
        f"{solving:.1f} s solving; {float(best['loss']):.9f} in the end"
    )
    print(
        f"  ours - best {mine.found.loss - float(best['loss']):+.1e}; correlation of intercepts "
        f"{np.corrcoef(mine.found.notes.intercept, best['intercept'])[0, 1]:.6f}; statuses that differ "
        f"{differ(own, theirs[runs.index(best)]):.2%} (from seed to seed {between:.2%})"
    )
    print(
        f"  processor time: solving 1/{solving / mine.solving:.0f}, from raw ids 1/{whole / (mine.solving + mine.mapping):.0f}",
        flush=True,
    )


def differ(one: list[str], other: list[str]) -> float:
    return sum(a != b for a, b in zip(one, other, strict=True)) / len(one)


def rows_of(ratings: Ratings) -> Rows:
    grouped = ratings.by_note
    return np.repeat(np.arange(len(ratings.notes)), grouped.count.astype(int)), grouped.other, grouped.value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--peer", help="a Python that has torch")
    parser.add_argument("--sizes", type=int, nargs="*", default=[30_000, 1_000_000])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--polis", type=Path, help="a folder of conversations, each with a votes.csv")
    chosen = parser.parse_args()
    for votes in sorted(chosen.polis.glob("*/votes.csv")) if chosen.polis else []:
        with votes.open(newline="") as lines:
            compare(votes.parent.name, rows_of(read_polis(lines)), chosen.peer, chosen.seeds)
    for size in chosen.sizes:
        compare(f"synthetic {size:,}", synthetic(size), chosen.peer, chosen.seeds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
