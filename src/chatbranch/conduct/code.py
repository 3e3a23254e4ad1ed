"""The code of conduct in editions: the first is the text a branch begins with (branch.code); the branch may publish later ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse

from chatbranch.branch import code as signed
from chatbranch.branch import queries as branch
from chatbranch.branch.actions import do_notify
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
    return as_signed(editions()[0])


def as_signed(edition: Code) -> signed.Code:
    """An edition as the text of which a signature holds the hash."""
    clauses = tuple(Phrase(text["zh-Hans"], text["en"]) for text in edition.clauses.values())
    return signed.Code(str(edition.version), clauses)


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
    if clauses == editions()[0].clauses:
        raise Refused("clauses-same", _SAME, field="clauses")
    with transaction.atomic():
        version = editions()[0].version + 1
        made: Edition = Edition.objects.create(version=version, clauses=clauses, at=clock.now())
        words: dict[str, Any] = {"clauses": clauses}
        do_append([Draft(log.EDITION, made.at, made.id, {"version": version}, words)])
        do_record("code.published", made.id, version=version)
        do_notify(
            branch.members(actor), _NEW_EDITION, about=made.id, link=reverse("code-of-conduct"), n=version
        )
    return made


def _check(clauses: dict[str, dict[str, str]]) -> None:
    whole = list(clauses) == [str(number) for number in range(1, len(clauses) + 1)]
    both = all(texts.get(lang, "").strip() for texts in clauses.values() for lang in _LANGS)
    if not (whole and both and PATTERN_CLAUSE in clauses):
        raise Refused("clauses", _INCOMPLETE, field="clauses")


_NEW_EDITION = Phrase(
    "守则有了新的一版（第 {n} 版），请读一读，同意就签名。",
    "There is a new edition of the code of conduct ({n}). Please read it, and sign it if you agree.",
)
_SAME = Phrase("和现在的一版一字不差。", "This is the present edition, word for word.")
_INCOMPLETE = Phrase(
    "从第 1 条起连续编号，中文、英文都要写；第 9 条（反复故意编造）要保留。",
    "Clauses are numbered from 1 without a gap, in both languages; clause 9 (repeated fabrication) stays.",
)
