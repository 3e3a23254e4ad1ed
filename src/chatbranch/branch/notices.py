"""Telling members what concerns them: written with the change it tells of, shown on the desk, sent to their chat."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from chatbranch.branch.models import Member, Notice
from chatbranch.branch.queries import Looker, rater
from chatbranch.kernel import clock
from chatbranch.kernel.phrases import Phrase


def do_notify(
    members: Iterable[Member], phrase: Phrase, *, about: UUID, link: str = "", **places: object
) -> None:
    """Tell each of these members, in the caller's transaction. What they were told of the same before, and have not read,
    gives way to it.

    about: what it is about. link: a page of ours, from the root. places: what fills the phrase's {names}.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a notice is written in the transaction of what it tells")
    told = list(members)
    do_withdraw(told, about)
    texts = {lang: phrase.say(lang, **places) for lang in ("zh-Hans", "en")}
    Notice.objects.bulk_create(Notice(member=each, texts=texts, link=link, about=about) for each in told)


def do_withdraw(members: Iterable[Member], about: UUID) -> None:
    """What these members were told about this, and have not read, is settled."""
    Notice.objects.filter(member__in=list(members), about=about, read_at=None).update(read_at=clock.now())


def do_mark_told(notice: Notice) -> None:
    """It was sent to the member's chat, or they have none."""
    Notice.objects.filter(pk=notice.pk).update(told_at=clock.now())


def do_read(actor: Looker, notice: Notice) -> None:
    """The member has read it; it leaves the desk."""
    rater(actor).notices.filter(pk=notice.pk, read_at=None).update(read_at=clock.now())
