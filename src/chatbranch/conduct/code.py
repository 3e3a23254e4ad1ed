"""The code of conduct in editions: the first is the text a branch begins with (branch.code); the branch may publish later ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from chatbranch.branch import code as signed
from chatbranch.branch import queries as branch
from chatbranch.branch.queries import Looker
from chatbranch.conduct.models import Edition
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.publiclog import entries as log
from chatbranch.publiclog.actions import Draft, do_append

PATTERN_CLAUSE = "9"
_LANGS = ("zh-Hans", "en")


@dataclass(frozen=True)
class Code:
    """One edition as it is read: number -> text by language. since: None for the first, which holds from the beginning."""

    version: int
    clauses: dict[str, dict[str, str]]
    since: datetime | None = None


def first() -> Code:
    """The edition a branch begins with."""
    numbered = enumerate(signed.FIRST.clauses, 1)
    texts = {str(number): {"zh-Hans": each.zh, "en": each.en} for number, each in numbered}
    return Code(int(signed.FIRST.version), texts)


def to_sign() -> signed.Code:
    """The newest edition, as members sign it (branch.code.provide)."""
    newest = editions()[0]
    clauses = tuple(Phrase(text["zh-Hans"], text["en"]) for text in newest.clauses.values())
    return signed.Code(str(newest.version), clauses)


def editions() -> list[Code]:
    """All editions, newest first."""
    rows = Edition.objects.order_by("-version")
    return [*(Code(each.version, each.clauses, each.at) for each in rows), first()]


def in_force(at: datetime) -> Code:
    """The edition that held at a moment: a post is judged by the one in force when it was made."""
    return next(each for each in editions() if each.since is None or each.since <= at)


def edition(version: int) -> Code:
    """One edition by its number."""
    return next((each for each in editions() if each.version == version), first())


def do_publish_edition(actor: Looker, clauses: dict[str, dict[str, str]]) -> Edition:
    """Publish a new edition, by a steward, who writes down what the members agreed on. It holds for posts made from now on."""
    branch.steward(actor)
    _check(clauses)
    with transaction.atomic():
        version = editions()[0].version + 1
        made: Edition = Edition.objects.create(version=version, clauses=clauses, at=clock.now())
        words: dict[str, Any] = {"clauses": clauses}
        do_append([Draft(log.EDITION, made.at, made.id, {"version": version}, words)])
        do_record("code.published", made.id, version=version)
    return made


def _check(clauses: dict[str, dict[str, str]]) -> None:
    whole = list(clauses) == [str(number) for number in range(1, len(clauses) + 1)]
    both = all(texts.get(lang, "").strip() for texts in clauses.values() for lang in _LANGS)
    if not (whole and both and PATTERN_CLAUSE in clauses):
        raise Refused("clauses", _INCOMPLETE, field="clauses")


_INCOMPLETE = Phrase(
    "从第 1 条起连续编号，中文、英文都要写；第 9 条（反复故意编造）要保留。",
    "Clauses are numbered from 1 without a gap, in both languages; clause 9 (repeated fabrication) stays.",
)
