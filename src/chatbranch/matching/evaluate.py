"""How well the matcher as it is shipped does on any set:  chatbranch evaluate DIR

The set's claims become a library of their own, and each query is asked of it twice: with the claims that answer it in the
library, and with them and the library's repeated entries of them held out, when any answer is a false one. Decisions
are the product's own, guard included, by the numbers that are shipped; nothing is fitted here.

Order: ``map_at_5``, ``mrr``, ``success_at_1``, ``recall_at_5`` over the queries that a claim of the library answers, by the
claims the set names and no others. Answers: ``answer_recall`` is the share of those queries that got a right answer,
``answer_precision`` the share of right ones among answers, where a query with its claim held out counts for
``unknown_ratio`` messages that nobody checked, and a query that never had a claim for one. An answer is right when it gives
a claim the set names, a repeated entry of one that is not in ``not_ids``, or a claim that the message says word for word. ``wrong_answers`` is the share of
unknown messages that were answered; ``named_wrong`` counts answers with a claim that people said does not answer (``not_ids``).

Intervals are bootstrap intervals over groups of queries that share a post or a claim (seed 0, 95 %).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chatbranch.matching import rules
from chatbranch.matching.dataset import Dataset, Query, RememberingEncoder, Repetitions
from chatbranch.matching.encoder import Encodes
from chatbranch.matching.engine import IndexWriter, Matcher
from chatbranch.matching.judgement import Candidate, Message, judge_best, ordered
from chatbranch.matching.training import groups_of, right_claims

Progress = Callable[[str, int, int], None]  # what is being done, done, total

_TOP = 5
_RESAMPLES = 1_000
_CHUNK = 1_000  # claims indexed between two words of progress


@dataclass(frozen=True)
class Asked:
    """One query and what came of it. ``ranks``: places of the named claims in the order found, 1 the first."""

    lang: str
    group: str
    named: int
    ranks: tuple[int, ...]
    answered: bool
    right: bool
    answered_held_out: bool
    named_wrong: bool
    milliseconds: float

    @property
    def known(self) -> bool:
        return self.named > 0

    @property
    def average_precision(self) -> float:
        hits = enumerate((rank for rank in self.ranks if rank <= _TOP), 1)
        return sum(hit / rank for hit, rank in hits) / min(_TOP, self.named) if self.named else 0.0


Parts = Callable[[Asked], tuple[float, float]]  # what a query adds to a figure's numerator and denominator


def figures(unknown_ratio: float) -> dict[str, Parts]:
    """The figures that are ratios, by name."""

    def of_known(value: Callable[[Asked], float]) -> Parts:
        return lambda asked: (value(asked), 1.0) if asked.known else (0.0, 0.0)

    def precision(asked: Asked) -> tuple[float, float]:
        false = unknown_ratio * asked.answered_held_out + (asked.answered and not asked.right)
        right = float(asked.answered and asked.right)
        return right, right + false

    def wrong(asked: Asked) -> tuple[float, float]:
        return float(asked.answered_held_out if asked.known else asked.answered and not asked.right), 1.0

    return {
        "map_at_5": of_known(lambda asked: asked.average_precision),
        "mrr": of_known(lambda asked: 1 / asked.ranks[0] if asked.ranks else 0.0),
        "success_at_1": of_known(lambda asked: float(asked.ranks[:1] == (1,))),
        "recall_at_5": of_known(
            lambda asked: sum(rank <= _TOP for rank in asked.ranks) / min(_TOP, asked.named)
        ),
        "answer_precision": precision,
        "answer_recall": of_known(lambda asked: float(asked.answered and asked.right)),
        "wrong_answers": wrong,
    }


@dataclass(frozen=True)
class Report:
    """What came of all queries of a set."""

    name: str
    claims: int
    unknown_ratio: float
    fitted: str
    asked: tuple[Asked, ...]
    absent: int  # queries whose claims are not in the library: they count as never checked

    def as_dict(self) -> dict[str, object]:
        """The report as JSON values; None for a figure that nothing speaks for."""
        langs = sorted({asked.lang for asked in self.asked})
        by_language = {lang: self._figures([a for a in self.asked if a.lang == lang]) for lang in langs}
        return {
            "set": self.name,
            "claims": self.claims,
            "unknown_ratio": self.unknown_ratio,
            "fitted": self.fitted,
            "claims_absent": self.absent,
            **self._figures(self.asked),
            "by_language": by_language,
        }

    def _figures(self, asked: Sequence[Asked]) -> dict[str, object]:
        found: dict[str, object] = {"queries": len(asked), "known": sum(each.known for each in asked)}
        intervals: dict[str, list[float]] = {}
        for name, parts in figures(self.unknown_ratio).items():
            added = np.array([parts(each) for each in asked]).reshape(-1, 2)
            under = added[:, 1].sum()
            found[name] = round(float(added[:, 0].sum() / under), 4) if under else None
            if under:
                intervals[name] = _interval(asked, added)
        found["named_wrong"] = sum(each.named_wrong for each in asked)
        taken = [each.milliseconds for each in asked]
        found["latency_ms"] = {
            f"p{q}": round(float(np.percentile(taken, q)), 1) if taken else None for q in (50, 99)
        }
        return found | {"intervals": intervals}

    def table(self) -> str:
        """The report for people: a column for each language, and one for all where there are several."""
        whole = self.as_dict()
        parts = whole["by_language"]
        assert isinstance(parts, dict)
        columns = parts if len(parts) == 1 else parts | {"all": whole}
        lines = [f"{self.name}: {self.claims:,} claims; numbers {self.fitted}, fitted elsewhere"]
        if self.absent:
            lines.append(f"{self.absent} queries name only claims that are not there: taken as never checked")
        lines.append(f"{'':<20}" + "".join(f"{lang:>28}" for lang in columns))
        for name in ("queries", "known", *figures(self.unknown_ratio), "named_wrong"):
            lines.append(f"{name:<20}" + "".join(f"{_cell(own, name):>28}" for own in columns.values()))
        for name in ("p50", "p99"):
            cells = "".join(f"{_or_dash(own['latency_ms'][name]):>28}" for own in columns.values())
            lines.append(f"{'latency_ms ' + name:<20}{cells}")
        lines.append(
            f"answer_precision: each query with a claim stands for {self.unknown_ratio:g} messages nobody checked"
        )
        return "\n".join(lines)


def _or_dash(value: object) -> str:
    return "–" if value is None else str(value)


def _cell(own: dict[str, object], name: str) -> str:
    value, intervals = own[name], own["intervals"]
    assert isinstance(intervals, dict)
    if value is None or isinstance(value, int):
        return _or_dash(value)
    low, high = intervals[name]
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _interval(asked: Sequence[Asked], added: np.ndarray) -> list[float]:
    """The 95 % bootstrap interval of a ratio, resampling whole groups."""
    places: dict[str, int] = {}
    owners = np.array([places.setdefault(each.group, len(places)) for each in asked])
    sums = np.stack([np.bincount(owners, column, len(places)) for column in added.T], axis=1)
    chance = np.random.default_rng(0)
    drawn = [sums[chance.integers(0, len(places), len(places))].sum(axis=0) for _ in range(_RESAMPLES)]
    over, under = np.array(drawn).T
    low, high = np.quantile(over[under > 0] / under[under > 0], (0.025, 0.975))
    return [round(float(low), 4), round(float(high), 4)]


def evaluate(
    dataset: Dataset,
    encoder: Encodes,
    *,
    fitted: rules.Fitted | None = None,
    unknown_ratio: float = 9.0,
    progress: Progress = lambda what, done, total: None,
    remembered: Path | None = None,
) -> Report:
    """Index the set's claims in a temporary place and ask every query.

    remembered: a folder for the claims' vectors, so that a second evaluation need not encode them again.
    """
    numbers = fitted or rules.load_fitted()
    claim_ids = {wording.claim_id for wording in dataset.wordings}
    queries = [_within(query, claim_ids) for query in dataset.queries]
    absent = sum(
        bool(had.claim_ids and not has.claim_ids) for had, has in zip(dataset.queries, queries, strict=True)
    )
    with tempfile.TemporaryDirectory(prefix="chatbranch-evaluate-") as directory:
        _index(Path(directory), dataset, RememberingEncoder(encoder, remembered), progress)
        matcher = Matcher(Path(directory), encoder, numbers)
        asking = _ask_all(matcher, numbers, dataset, queries, progress)
        asked = tuple(asking)
    return Report(dataset.name, len(claim_ids), unknown_ratio, numbers.version, asked, absent)


def _within(query: Query, claim_ids: set[str]) -> Query:
    return replace(query, claim_ids=query.claim_ids & claim_ids)


def _index(directory: Path, dataset: Dataset, encoder: RememberingEncoder, progress: Progress) -> None:
    total = len(dataset.wordings)
    try:
        with IndexWriter.open(directory, encoder) as writer:
            for start in range(0, total, _CHUNK):
                writer.add(dataset.wordings[start : start + _CHUNK])
                progress("claims", min(start + _CHUNK, total), total)
            writer.commit()
    finally:
        encoder.save()


def _ask_all(
    matcher: Matcher, fitted: rules.Fitted, dataset: Dataset, queries: Sequence[Query], progress: Progress
) -> Iterator[Asked]:
    repeated, groups = Repetitions(dataset.wordings), groups_of(queries)
    for text in {own.lang[:2]: own.text for own in dataset.wordings}.values():
        matcher.match(text)  # what is loaded on first use is no part of anybody's wait
    for number, query in enumerate(queries, 1):
        yield _ask(matcher, fitted, query, repeated, groups[query.id])
        progress("queries", number, len(queries))


def _ask(matcher: Matcher, fitted: rules.Fitted, query: Query, repeated: Repetitions, group: str) -> Asked:
    matcher.forget()
    start = time.perf_counter()
    match = matcher.match(query.text)
    taken = time.perf_counter() - start
    answered = match.claim_id if match.outcome == "answer" else None
    message = matcher.read(query.text)
    near = matcher.near(message)
    calibration = fitted.of(message.lang)
    ranked = ordered(near, calibration)
    right, same = right_claims(query, message, near, repeated)
    rest = [candidate for candidate in near if candidate.claim_id not in same]
    held_out = _answer(message, ordered(rest, calibration), calibration) if query.claim_ids else None
    places = [place for place, each in enumerate(ranked, 1) if each.claim_id in query.claim_ids]
    return Asked(
        lang=query.lang.split("-")[0].lower(),
        group=group,
        named=len(query.claim_ids),
        ranks=tuple(places),
        answered=answered is not None,
        right=answered in same,
        answered_held_out=held_out is not None,
        named_wrong=answered in query.not_ids - right,
        milliseconds=1000 * taken,
    )


def _answer(message: Message, ranked: Sequence[Candidate], calibration: rules.Calibration) -> str | None:
    if not ranked or judge_best(message, ranked, calibration).decision.outcome != "answer":
        return None
    return ranked[0].claim_id


def shares(asked: Iterable[Asked], name: str, unknown_ratio: float = 9.0) -> float:
    """One figure of some queries (for tests)."""
    added = [figures(unknown_ratio)[name](each) for each in asked]
    under = sum(part for _, part in added)
    return sum(part for part, _ in added) / under if under else 1.0
