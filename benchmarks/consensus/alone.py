"""Ours by itself on a file of ratings, for its times and its memory; prints them as JSON. Run by run.py."""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from chatbranch.consensus.factorisation import Fit, Sums, fit, reach
from chatbranch.consensus.increments import with_rating
from chatbranch.consensus.ratings import Column, Ratings, gather

TIMES, ONE_BY_ONE = 3, 100


def main(source: str) -> None:
    with np.load(source) as given:
        notes, raters, values = given["notes"], given["raters"], given["values"]
    taken: list[tuple[float, float, float]] = []
    ratings: Ratings | None
    found: Fit | None
    for _ in range(TIMES):
        ratings = found = None  # what the last time left is not held while it is done again
        began = time.process_time()
        ratings = gather(Column.of(notes), Column.of(raters), values)
        mapped = time.process_time()
        found = fit(ratings)
        solved = time.process_time()
        fit(ratings, near=found)
        taken.append((mapped - began, solved - mapped, time.process_time() - solved))
    assert ratings
    assert found
    mapping, solving, again = (statistics.median(each) for each in zip(*taken, strict=True))
    figures = {
        "mapping": mapping,
        "solving": solving,
        "again": again,
        "memory": memory(),
        "one_rating": one_rating(ratings, found),
    }
    print(json.dumps(figures))


def memory() -> float:
    """What this process held at most, MB; getrusage would tell of the process that started it, if that was larger."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def one_rating(ratings: Ratings, found: Fit) -> float:
    """From one more rating to the note's intercept, factor and bounds; s of the processor, the median."""
    chance, taken = np.random.default_rng(0), []
    for turn in range(ONE_BY_ONE):
        note, rater = int(chance.integers(len(ratings.notes))), int(chance.integers(ratings.raters))
        began = time.process_time()
        more, now = with_rating(ratings, found, ratings.notes[note], rater, turn % 3 / 2)
        reach(Sums.of_one(more, now, note), now.notes.intercept[note], now)
        taken.append(time.process_time() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    main(sys.argv[1])
