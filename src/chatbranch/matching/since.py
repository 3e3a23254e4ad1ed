"""Whether matching got better, by what members said of it:  chatbranch evaluate --since DATE

Each message that was corrected since then is asked again, of the branch's own library. Nothing is fitted here, and the
numbers were never fitted on these messages, unless they were exported and fitted on elsewhere.

Every outcome is right, half right or wrong by the members' words. Where they name the claim: an answer with it is right, a
suggestion of it half, anything else wrong. Where they only say which claim it is not (of "nothing fits": any that was there
then): an answer with such a claim is wrong, a suggestion of it half, anything else right.

before: what happened when it was first corrected. numbers: what the numbers alone make of it now, without what members
taught or set apart with this very message. now: what the branch makes of it now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chatbranch.claims import queries as claims
from chatbranch.matching import queries as matching
from chatbranch.matching.dataset import Repetitions
from chatbranch.matching.lessons import Lesson, lessons
from chatbranch.matching.table import Wording

RIGHT, HALF, WRONG = "right", "half", "wrong"
_PLACES = {WRONG: 0, HALF: 1, RIGHT: 2}
COLUMNS = ("before", "numbers", "now")


@dataclass(frozen=True)
class Again:
    """A corrected message, asked again: how right each column is (COLUMNS)."""

    lesson: Lesson
    before: str
    numbers: str
    now: str

    def moved(self, column: str) -> int:
        """Above zero where this column is better than before, below where it is worse."""
        return _PLACES[str(getattr(self, column))] - _PLACES[self.before]


@dataclass(frozen=True)
class Since:
    """What came of the messages corrected since a day. Left out: `disputed` ones, and those `without_text`."""

    since: datetime
    fitted: str
    asked: tuple[Again, ...]
    disputed: int
    without_text: int

    def as_dict(self) -> dict[str, object]:
        """The report as JSON values; it holds no text of a message."""
        langs = sorted({each.lesson.lang for each in self.asked})
        return {
            "since": self.since.date().isoformat(),
            "fitted": self.fitted,
            "disputed": self.disputed,
            "without_text": self.without_text,
            **_figures(self.asked),
            "by_language": {
                lang: _figures([a for a in self.asked if a.lesson.lang == lang]) for lang in langs
            },
            "each": [_one(each) for each in self.asked],
        }

    def table(self) -> str:
        """The report for people: a block for each language, and one for all where there are several."""
        langs = sorted({each.lesson.lang for each in self.asked})
        lines = [
            f"corrected since {self.since.date().isoformat()}; numbers {self.fitted}, not fitted on this"
        ]
        if self.disputed:
            lines.append(f"{self.disputed} left out: outlets contradict each other, or nobody counts yet")
        if self.without_text:
            lines.append(f"{self.without_text} left out: nothing holds their text any more")
        blocks = [(lang, [a for a in self.asked if a.lesson.lang == lang]) for lang in langs]
        for name, asked in blocks if len(blocks) == 1 else [*blocks, ("all", list(self.asked))]:
            lines += _block(name, asked)
        return "\n".join(lines)


def _figures(asked: Sequence[Again]) -> dict[str, object]:
    def moved(better: bool) -> dict[str, int]:
        return {
            column: sum((each.moved(column) > 0) if better else (each.moved(column) < 0) for each in asked)
            for column in COLUMNS[1:]
        }

    counted = {column: _counts(asked, column) for column in COLUMNS}
    by_two = sum(each.lesson.agreed.by_two for each in asked)
    return {"messages": len(asked), "by_two": by_two, **counted, "fixed": moved(True), "broken": moved(False)}


def _counts(asked: Sequence[Again], column: str) -> dict[str, int]:
    found = Counter(str(getattr(each, column)) for each in asked)
    return {grade: found[grade] for grade in (RIGHT, HALF, WRONG)}


def _one(each: Again) -> dict[str, object]:
    said = each.lesson.agreed
    return {
        "message": each.lesson.fingerprint,
        "lang": each.lesson.lang,
        "says": sorted(said.right),
        "says_not": sorted(said.wrong),
        "nothing_fits": said.fits_nothing,
        "notes": list(each.lesson.notes),
        "fitted_then": each.lesson.fitted,
        **{column: getattr(each, column) for column in COLUMNS},
    }


def _block(name: str, asked: Sequence[Again]) -> list[str]:
    by_two = sum(each.lesson.agreed.by_two for each in asked)
    lines = [f"{name}: {len(asked)} messages, of {by_two} two outlets say the same"]
    lines.append(f"{'':<10}" + "".join(f"{grade:>8}" for grade in (RIGHT, HALF, WRONG, "fixed", "broken")))
    for column in COLUMNS:
        cells = [str(count) for count in _counts(asked, column).values()]
        if column != COLUMNS[0]:
            moves = [each.moved(column) for each in asked]
            cells += [str(sum(move > 0 for move in moves)), str(sum(move < 0 for move in moves))]
        lines.append(f"{column:<10}" + "".join(f"{cell:>8}" for cell in cells))
    return lines


def evaluate_since(since: datetime, progress: Callable[[int, int], None] = lambda done, total: None) -> Since:
    """Ask every message that was corrected since then once more. Writes nothing."""
    found = lessons(since)
    with_text = [lesson for lesson in found if lesson.text]
    usable = [lesson for lesson in with_text if lesson.usable]
    asked = []
    for done, lesson in enumerate(usable, 1):
        asked.append(_ask(lesson))
        progress(done, len(usable))
    return Since(
        since,
        matching.matcher().fitted_version,
        tuple(asked),
        len(with_text) - len(usable),
        len(found) - len(with_text),
    )


def _ask(lesson: Lesson) -> Again:
    alone, now = matching.match_unlearnt(lesson.text), matching.match_text(lesson.text)
    return Again(
        lesson,
        grade(lesson, lesson.outcome, lesson.found),
        grade(lesson, alone.outcome, alone.claim_id),
        grade(lesson, now.outcome, now.claim_id),
    )


def grade(lesson: Lesson, outcome: str, claim: str | None) -> str:
    """How right an outcome is by what members say."""
    shown = claim if outcome in ("answer", "suggest") else None
    if lesson.agreed.right:
        hit = shown is not None and (shown in lesson.agreed.right or _is_again(shown, lesson))
        return (RIGHT if outcome == "answer" else HALF) if hit else WRONG
    denied = shown is not None and (
        shown in lesson.agreed.wrong or (lesson.agreed.fits_nothing and _was_there(shown, lesson.at))
    )
    return (WRONG if outcome == "answer" else HALF) if denied else RIGHT


def _is_again(claim: str, lesson: Lesson) -> bool:
    """Whether the claim is another entry of the right one: libraries list some claims twice (dataset.Repetitions)."""
    cards = claims.claim_cards([UUID(each) for each in {claim, *lesson.agreed.right}])
    wordings = [
        Wording(str(card.id), lang, text, 0)
        for card in cards
        for lang, texts in card.wordings.items()
        for text in texts
    ]
    return claim not in lesson.agreed.wrong and bool(Repetitions(wordings).of(claim) & lesson.agreed.right)


def _was_there(claim: str, at: datetime) -> bool:
    since = claims.known_since([UUID(claim)]).get(UUID(claim))
    return since is not None and since <= at
