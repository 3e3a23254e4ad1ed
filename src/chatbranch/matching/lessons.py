"""What members' corrections teach, message by message: for measuring (since.py) and for training (do_export_lessons)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from chatbranch.claims import queries as claims
from chatbranch.kernel.text import language
from chatbranch.matching.agreement import Agreed
from chatbranch.matching.corrections import agreed_on, last_words
from chatbranch.matching.models import Correction

_CHUNK = 5_000  # wordings


@dataclass(frozen=True)
class Lesson:
    """A message that members corrected. text: empty where nothing holds it any more; keep: it may be exported.

    outcome, found, fitted: what matching made of it when it was first corrected, at `at`. notes: of the words that stand.
    """

    fingerprint: str
    text: str
    keep: bool
    outcome: str
    found: str | None
    fitted: str
    agreed: Agreed
    notes: tuple[str, ...]
    at: datetime

    @property
    def lang(self) -> str:
        return language(self.text).split("-")[0]

    @property
    def usable(self) -> bool:
        """Whether there is a text, and one truth about it."""
        return bool(self.text) and not self.agreed.disputed and self.says_something

    @property
    def says_something(self) -> bool:
        """Whether anybody whose word counts has said what it says, or does not say."""
        return bool(self.agreed.right or self.agreed.wrong or self.agreed.fits_nothing)


def lessons(since: datetime | None = None) -> list[Lesson]:
    """Every message corrected since then, by what members say of it now; in the order of their first correction."""
    rows = Correction.objects.filter(at__gte=since) if since else Correction.objects.all()
    messages = dict.fromkeys(rows.order_by("at", "id").values_list("fingerprint", flat=True))
    words = last_words(messages)
    firsts: dict[str, Correction] = {}
    texts: dict[str, str] = {}
    kept: dict[str, bool] = {}
    for row in Correction.objects.filter(fingerprint__in=list(messages)).order_by("at", "id"):
        firsts.setdefault(row.fingerprint, row)
        texts[row.fingerprint] = texts.get(row.fingerprint) or row.text
        kept[row.fingerprint] = kept.get(row.fingerprint, False) or row.keep
    return [
        Lesson(
            fingerprint=message,
            text=texts[message],
            keep=kept[message],
            outcome=firsts[message].outcome,
            found=str(firsts[message].found_id) if firsts[message].found_id else None,
            fitted=firsts[message].fitted,
            agreed=agreed_on(words[message]),
            notes=tuple(word.note for word in words[message] if word.note),
            at=firsts[message].at,
        )
        for message in messages
    ]


@dataclass(frozen=True)
class Exported:
    """How many corrected messages were written; and left out, because nobody says that the text may be kept, or because
    outlets contradict each other."""

    messages: int
    not_kept: int
    disputed: int


def do_export_lessons(
    folder: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> Exported:
    """Write the library and the corrected messages as a set (dataset.load) into `folder`, for fitting and evaluating.

    Only texts of which a member said that they may be kept. claims.jsonl holds no wording learnt from a forward, as no export
    does. Each file appears once it is whole; ones that were there before are replaced.
    """
    found = lessons()
    kept = [lesson for lesson in found if lesson.keep]
    written = [lesson for lesson in kept if lesson.usable]
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "claims.jsonl", _claims(progress))
    _write(folder / "queries.jsonl", map(_query, written))
    return Exported(len(written), len(found) - len(kept), len(kept) - len(written))


def _claims(progress: Callable[[int, int], None]) -> Iterator[dict[str, object]]:
    total, done, seq = claims.wording_count(), 0, 0
    while rows := claims.wordings_after(seq, most=_CHUNK):
        for row in rows:
            if row.learnt is None:
                yield {"id": str(row.claim_id), "text": row.text, "lang": row.lang}
        seq, done = rows[-1].seq, done + len(rows)
        progress(done, total)


def _query(lesson: Lesson) -> dict[str, object]:
    return {
        "id": lesson.fingerprint,
        "text": lesson.text,
        "lang": language(lesson.text),
        "claim_ids": sorted(lesson.agreed.right),
        "not_ids": sorted(lesson.agreed.wrong),
        "split": f"{lesson.at:%Y-%m}",
        "by_two": lesson.agreed.by_two,
        "notes": list(lesson.notes),
    }


def _write(path: Path, rows: Iterable[dict[str, object]]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
