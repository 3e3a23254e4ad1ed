"""Beginning, noticing and ending sessions. A session that was ended is over with its next request."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.cached_db import SessionStore
from django.db.models import QuerySet

from chatbranch.branch.models import Member, Session
from chatbranch.branch.queries import Looker, rater
from chatbranch.branch.sessions.devices import device
from chatbranch.kernel import clock, ids

KEPT = timedelta(days=30)  # twice as long as anybody stays signed in
_NAME = "branch_session"


def do_begin(member: Member, session: SessionBase, user_agent: str) -> None:
    """Write down that a member signed in, and with what kind of device."""
    if session.session_key is None:
        session.create()
    made = Session.objects.create(
        member=member, key=session.session_key or "", device=device(user_agent), seen_on=clock.now().date()
    )
    session[_NAME] = str(made.pk)


def do_notice(member: Member, session: SessionBase, user_agent: str) -> bool:
    """Note, once a day, that this session is in use; whether it still is one. A session older than this list joins it."""
    key = current(session)
    if key is None:
        do_begin(member, session, user_agent)
        return True
    held = Session.objects.filter(pk=key, member=member).first()
    if held is None:
        return False
    now = {
        "seen_on": clock.now().date(),
        "key": session.session_key or "",
        "device": device(user_agent) or held.device,
    }
    if any(getattr(held, name) != value for name, value in now.items()):
        Session.objects.filter(pk=key).update(**now)
    return True


def do_end(actor: Looker, key: UUID) -> None:
    """End one of the actor's sessions."""
    _end(Session.objects.filter(member=rater(actor), pk=key))


def do_end_others(actor: Looker, session: SessionBase | None) -> None:
    """End all of the actor's sessions but this one."""
    mine, here = Session.objects.filter(member=rater(actor)), current(session) if session else None
    _end(mine.exclude(pk=here) if here else mine)


def do_end_all(members: QuerySet[Member]) -> None:
    """End every session of these members."""
    _end(Session.objects.filter(member__in=members))


def do_tidy() -> int:
    """Forget sessions that nobody can still have; returns how many."""
    return Session.objects.filter(seen_on__lt=(clock.now() - KEPT).date()).delete()[0]


def current(session: SessionBase) -> UUID | None:
    """Which of the listed sessions this one is."""
    return ids.read_id(str(session.get(_NAME, "")))


def _end(which: QuerySet[Session]) -> None:
    for key in which.values_list("key", flat=True):
        SessionStore(key).delete()
    which.delete()
