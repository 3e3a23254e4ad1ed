"""kill -9 while the index is written: what opens afterwards is a whole index, the one before or the one after.

The long campaign (every durable step, and 60 random moments) runs with ``-m soak``; a short one with every run.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from chatbranch.matching import index_writer, nearest
from chatbranch.matching.index import Index
from chatbranch.matching.index_writer import IndexWriter
from chatbranch.matching.table import Wording
from chatbranch.matching.tests.test_index import CountingEncoder

_BATCH = 50
_SPAWN = multiprocessing.get_context("spawn")


def wordings(first: int, last: int) -> list[Wording]:
    return [Wording(f"c{n // 2}", "en", f"claim number {n} of {n % 7}", n) for n in range(first, last + 1)]


def write_for_ever(directory: Path, rebuild: bool, die_at: int) -> None:
    """Grow the index, or build it anew, batch by batch; die before the die_at-th durable step, if that is not 0."""
    nearest.FEW, index_writer._UNCOUNTED = 60, 60  # so that counts and cells are written again and again
    steps = iter(range(1, 10_000))
    for name in ("fsync", "replace", "unlink", "rmdir"):
        setattr(os, name, _counted(getattr(os, name), steps, die_at))
    with IndexWriter.open(directory, CountingEncoder()) as writer:
        while True:
            start = writer.watermark
            if rebuild:
                writer.rebuild(wordings(1, start + _BATCH))
            else:
                writer.add(wordings(start + 1, start + _BATCH))
                writer.commit()


def _counted(step: Callable[..., object], steps: Iterator[int], die_at: int) -> Callable[..., object]:
    def counted(*arguments: object, **named: object) -> object:
        if next(steps) == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*arguments, **named)

    return counted


def killed(directory: Path, rebuild: bool, die_at: int = 0, after: float = 0.0) -> None:
    """Run a writer until it dies: at a step, or some time after its first commit that somebody sees."""
    writer = _SPAWN.Process(target=write_for_ever, args=(directory, rebuild, die_at))
    before = Index.open(directory).watermark
    writer.start()
    if not die_at:
        deadline = time.monotonic() + 60
        while Index.open(directory).watermark == before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(after)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
    writer.join(120)
    assert writer.exitcode == -signal.SIGKILL


def assert_whole(index: Index) -> None:
    """Every wording up to the watermark is there, once, with its terms counted, its vector, and its place in a cell."""
    rows = list(index.wordings())
    assert [row.wording for row in rows] == wordings(1, index.watermark)
    assert [row.number for row in rows] == list(range(len(index.vectors)))
    assert np.allclose(np.linalg.norm(index.vectors.astype(np.float32), axis=1), 1, atol=1e-3)
    held = Counter(term for row in rows for term in set(row.terms.split()))
    assert dict(zip(held, index.held_by(list(held)), strict=True)) == dict(held)
    if index.cells is not None:
        assert sorted(index.cells.order.tolist()) == list(range(len(index.cells)))
    for row in random.Random(1).sample(rows, min(len(rows), 10)):
        number = row.wording.seq
        assert index.read(index.by_terms([str(number)], 1))[0].wording == row.wording
        assert index.by_vectors(index.vectors_of([row.number]), 1) == [number - 1]
        claim = index.number_of(row.wording.claim_id)
        assert claim is not None
        assert row.wording in [other.wording for other in index.of_claims([claim])]


short = [(False, 7), (False, 23), (True, 11), (True, 40)]
every = [(rebuild, step) for rebuild in (False, True) for step in range(1, 90)]


@pytest.mark.parametrize(
    ("rebuild", "step"), [*short, *(pytest.param(*each, marks=pytest.mark.soak) for each in every)]
)
def test_a_writer_killed_before_any_durable_step_leaves_a_whole_index_that_can_be_written(
    tmp_path: Path, rebuild: bool, step: int
) -> None:
    with IndexWriter.open(tmp_path, CountingEncoder()) as writer:
        writer.add(wordings(1, _BATCH))
        writer.commit()
    killed(tmp_path, rebuild, die_at=step)
    index = Index.open(tmp_path)
    assert_whole(index)
    with IndexWriter.open(tmp_path, CountingEncoder()) as writer:
        writer.add(wordings(index.watermark + 1, index.watermark + _BATCH))
        writer.commit()
    assert_whole(Index.open(tmp_path))
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


@pytest.mark.parametrize("times", [2, pytest.param(30, marks=pytest.mark.soak)])
@pytest.mark.parametrize("rebuild", [False, True])
def test_a_writer_killed_at_any_moment_again_and_again_leaves_a_whole_index(
    tmp_path: Path, rebuild: bool, times: int
) -> None:
    chance = random.Random(20261129)
    for _ in range(times):
        killed(tmp_path, rebuild, after=chance.uniform(0, 0.4))
        assert_whole(Index.open(tmp_path))


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_reader_sees_a_whole_index_however_often_it_opens_one_that_is_being_written(
    tmp_path: Path, rebuild: bool
) -> None:
    writer = _SPAWN.Process(target=write_for_ever, args=(tmp_path, rebuild, 0))
    writer.start()
    with contextlib.closing(writer), contextlib.ExitStack() as stack:
        stack.callback(writer.join)
        stack.callback(writer.kill)
        index, seen = Index.open(tmp_path), set[int]()
        while len(seen) < 5 and writer.is_alive():
            index = Index.open(tmp_path, index)
            if index.watermark not in seen:
                assert_whole(index)
                seen.add(index.watermark)
        assert len(seen) == 5
