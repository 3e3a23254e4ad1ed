"""The worker's loop: what is done in turn, and what is done aside."""

from __future__ import annotations

import threading

from chatbranch.site.worker import Aside, Step


def test_what_runs_aside_has_one_thread_and_survives_its_own_failures() -> None:
    runs, came = list[int](), threading.Semaphore(0)

    def work() -> None:
        runs.append(threading.get_ident())
        came.release()
        if len(runs) == 1:
            raise OSError("the first time nobody answers")

    aside = Aside(work)
    for _ in range(3):
        aside()
        assert came.acquire(timeout=30)
    assert len(set(runs)) == 1
    assert runs[0] != threading.get_ident()


def test_what_runs_aside_runs_once_more_if_it_was_wanted_meanwhile_however_often() -> None:
    runs, began, may_end = list[int](), threading.Semaphore(0), threading.Semaphore(0)

    def work() -> None:
        runs.append(1)
        began.release()
        may_end.acquire(timeout=30)

    aside = Aside(work)
    aside()
    assert began.acquire(timeout=30)
    for _ in range(5):
        aside()
    may_end.release(10)
    assert began.acquire(timeout=30)
    assert not began.acquire(timeout=0.5)
    assert len(runs) == 2


def test_a_step_runs_again_at_once_while_it_has_work_and_waits_longer_after_each_failure() -> None:
    answers = iter([True, False, OSError(), OSError()])

    def run() -> bool:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    step, due = Step("try", run, every=5), list[float]()
    for now in (0.0, 0.0, 5.0, 7.0):
        step.turn(now)
        due.append(step.due)
    assert due == [0.0, 5.0, 7.0, 11.0]
    step.turn(10.0)  # not due
    assert step.failures == 2
