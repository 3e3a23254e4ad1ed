"""One question, after the answer and never before it: “was this what you meant?”; and the word that comes back.

It is asked one to one, where something was suggested. A word is kept for matching to learn from, and does nothing else:
no wording is learnt from it and no verdict told, or anybody could teach the library that two things are the same.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings

from chatbranch.cases import queries as cases
from chatbranch.contacts import actions as contacts
from chatbranch.contacts import queries as contact_queries
from chatbranch.intake import letters
from chatbranch.intake.answers import Answer
from chatbranch.intake.bodies import Body
from chatbranch.intake.models import Meant, Submission
from chatbranch.intake.replies import Settled
from chatbranch.intake.rules import NO, YES
from chatbranch.matching.rules import SET_APART

OPEN_FOR = timedelta(days=1)


def asks(body: Body, answer: Answer) -> bool:
    """Whether this answer ends in the question: not where members have answered it."""
    return body.direct and answer.outcome == "suggest" and answer.why.get("rule") != SET_APART


def do_take_word(submission: Submission, body: Body, kind: str) -> Settled | None:
    """Take a yes or a no, in the caller's transaction; None where nothing was asked just before it."""
    asked = _asked_before(submission, body) if kind in (YES, NO) and body.direct else None
    if asked is None or asked.case_id is None:
        return None
    # of two that say yes at the same moment one is first
    if not Submission.objects.filter(pk=asked.pk, asked=True).update(asked=False):
        return None
    pseudonym = contacts.pseudonym_of(submission.channel, body.address, asked.case_id)
    claim_id = UUID(asked.result["claim"]["id"])
    said = {"case_id": asked.case_id, "meant": kind == YES, "fitted": asked.result["why"].get("fitted", "")}
    Meant.objects.update_or_create(pseudonym=pseudonym, claim_id=claim_id, defaults=said)
    reach = contact_queries.open_contact(pseudonym)
    answer = _thanks(asked, kind, reach.lang if reach else body.lang)
    return Settled(answer, pseudonym if reach else "", asked.case_id, case_id=asked.case_id)


def _asked_before(submission: Submission, body: Body) -> Submission | None:
    """What this asker sent last before this, if its answer ended in the question and that is not long ago."""
    since = submission.received_at - OPEN_FOR
    days = {since.date(), submission.received_at.date()}
    names = [contacts.pseudonym_of(submission.channel, body.address, contacts.day_scope(day)) for day in days]
    before = Submission.objects.filter(pseudonym__in=names, received_at__gt=since).exclude(pk=submission.pk)
    last = before.filter(received_at__lte=submission.received_at).order_by("-received_at", "-id").first()
    return last if last and last.asked else None


def _thanks(asked: Submission, kind: str, lang: str) -> Answer:
    base, code = settings.CONFIG.url, asked.result["case"]["code"]
    claim = f"{base}/claims/{asked.result['claim']['id']}/"
    said = letters.MEANT if kind == YES else letters.NOT_MEANT
    outcome = "meant" if kind == YES else "not-meant"
    case = cases.find(code)
    standing = {**asked.result["case"], "state": case.standing} if case else asked.result["case"]
    return Answer(
        outcome, said.say(lang, url=claim, code=code), lang, case=standing, url=f"{base}/status/{code}/"
    )
