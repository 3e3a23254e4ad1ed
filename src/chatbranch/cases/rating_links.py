"""Links with which a rater rates one note once, from any phone, without signing in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction

from chatbranch.branch import queries as branch
from chatbranch.branch.models import Member
from chatbranch.cases.deciding import do_rate
from chatbranch.cases.models import Note, RatingLink
from chatbranch.consensus.rules import Decision
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

LASTS = timedelta(days=7)


def do_make_rating_link(rater: Member, note: Note) -> str:
    """A token for /rate/<token>/, handed to nobody but this rater."""
    token = ids.new_token()
    RatingLink.objects.create(token_hash=ids.token_hash(token), note=note, rater=rater)
    return token


def rating_link(token: str) -> RatingLink:
    """The link a token belongs to; refuses an unknown, used or old one, and that of a rater who has left, alike."""
    links = RatingLink.objects.filter(token_hash=ids.token_hash(token), used_at=None)
    people = ("rater__outlet", "note__case", "note__by__outlet__bloc")
    found = links.filter(made_at__gt=clock.now() - LASTS).select_related(*people).first()
    if found is None or not branch.is_rater(found.rater):
        raise _over()
    return found


def _over() -> Refused:
    return Refused(
        "link-is-over",
        Phrase(
            "这个链接已经用过或已过期。登录后可以在工作台评价，也可以改您的评价。",
            "This link has been used or has expired. Sign in to rate at the desk, or to change what you said.",
        ),
        status=410,
    )


def do_rate_by_link(token: str, *, value: float, reasons: Iterable[str] = (), reason: str = "") -> Decision:
    """Rate with a link, once: of two at the same time one is refused, and a refused rating leaves the link usable."""
    link = rating_link(token)
    with transaction.atomic():
        if not RatingLink.objects.filter(pk=link.pk, used_at=None).update(used_at=clock.now()):
            raise _over()
        return do_rate(link.rater, link.note, value=value, reasons=reasons, reason=reason)


def do_tidy_links() -> int:
    """Forget links that lead nowhere any more; returns how many."""
    return RatingLink.objects.filter(made_at__lt=clock.now() - LASTS).delete()[0]
