"""“Forget me”: an asker is erased everywhere, also where an answer to them is being written at that moment."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from cryptography.exceptions import InvalidTag
from django.db import transaction

from chatbranch.cases import actions as cases
from chatbranch.cases import queries as case_queries
from chatbranch.contacts import actions as contacts
from chatbranch.contacts import queries as contact_queries
from chatbranch.deliveries import actions as deliveries
from chatbranch.deliveries import queries as delivery_queries
from chatbranch.intake.bodies import Body, open_body, seal_body
from chatbranch.intake.models import Flood, Meant, Submission
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock, ids
from chatbranch.kernel.chunks import in_chunks
from chatbranch.matching import actions as matching

MAIL = "mail"  # the channel on which an asker is told at a second address
SCRUBBED = (
    "cases_asker",
    "cases_alsosent",
    "intake_submission",
    "intake_flood",
    "intake_meant",
    "deliveries_delivery",
    "deliveries_lane",
    "matching_correction",
)


def do_forget(channel: str, address: str, *, asking: UUID | None = None) -> int:
    """Erase an asker everywhere: contact, pseudonyms, submissions, counts and undelivered texts; returns how many pseudonyms.

    What waits for its answer goes first (but for the submission `asking` for this): once that is committed, no answer
    can be written any more, and what an answer wrote until then is found after it. Where the address is only the second
    one, left by somebody who asked elsewhere, their message stays and the address goes out of it.
    The worker scrubs the database's free pages within seconds (do_finish_forgetting).
    """
    _withdraw(contacts.do_forget(channel, address), asking)
    if channel == MAIL:
        _withdraw_mail(address)
    pseudonyms = contacts.do_forget(channel, address)
    _erase(pseudonyms)
    return len(pseudonyms)


def _withdraw(pseudonyms: list[str], asking: UUID | None) -> None:
    waiting = Submission.objects.filter(state=Submission.State.RECEIVED)
    waiting = waiting.exclude(pk=asking) if asking else waiting
    with transaction.atomic():
        for chunk in in_chunks(pseudonyms):
            waiting.filter(pseudonym__in=chunk).delete()


def _withdraw_mail(address: str) -> None:
    """Whoever left this address with a message that waits is answered where they asked, and not there.

    One short transaction each: whoever writes an answer holds its submission, and looks into it while holding it.
    """
    for key in [submission.pk for submission, body in _unanswered() if body.email == address]:
        with transaction.atomic():
            held = Submission.objects.select_for_update().exclude(state=Submission.State.ANSWERED)
            if submission := held.filter(pk=key).first():
                submission.sealed = seal_body(replace(open_body(submission), email=""), submission.replay)
                submission.save(update_fields=["sealed"])


def do_finish_forgetting() -> int:
    """Erase farewells that were sent, or have waited 30 seconds; returns how many. The caller scrubs after it (do_scrub)."""
    done = delivery_queries.recipients("farewell", sent_or_before=clock.ago(seconds=30))
    if done:
        deliveries.do_forget(done)
        contacts.do_erase(done)
        with transaction.atomic():
            do_record("scrub.wanted", ids.new_id())
    return len(done)


def do_scrub(others: Sequence[str] = ()) -> bool:
    """Leave no copy of erased rows in the database's files; False when readers held it: call again.

    others: tables of the slices above that forgetting reaches too.
    """
    return contacts.do_scrub((*SCRUBBED, *others), patience=2.0)  # the worker has other work, and comes back


def do_forget_again() -> int:
    """After a restore: erase whoever asked to be forgotten since the backup was made."""
    known = {
        *Submission.objects.values_list("pseudonym", flat=True),
        *Meant.objects.values_list("pseudonym", flat=True),
        *contact_queries.pseudonyms(),
        *cases.all_pseudonyms(),
    }
    pseudonyms = contact_queries.forgotten_again(known)
    contacts.do_erase(pseudonyms)
    _erase(pseudonyms)
    do_scrub()
    return len(pseudonyms)


def _erase(pseudonyms: list[str]) -> None:
    with transaction.atomic():
        cases.do_forget(pseudonyms)
        deliveries.do_forget(pseudonyms)
        for chunk in in_chunks(pseudonyms):
            sent = Submission.objects.filter(pseudonym__in=chunk)
            texts = list(sent.exclude(fingerprint="").values_list("fingerprint", flat=True))
            sent.delete()
            do_let_go_texts(texts)
            Meant.objects.filter(pseudonym__in=chunk).delete()
            Flood.objects.filter(pseudonym__in=chunk).delete()
        do_record("scrub.wanted", ids.new_id())


def do_let_go_texts(fingerprints: Collection[str]) -> None:
    """Empty what corrections hold of these messages, where nobody else's submission and no case holds them."""
    for chunk in in_chunks(set(fingerprints)):
        sent = Submission.objects.filter(fingerprint__in=chunk).values_list("fingerprint", flat=True)
        matching.do_let_go(set(chunk).difference(sent.distinct(), case_queries.held_of(chunk)))


def images_waiting() -> set[str]:
    """The pictures of submissions that are not answered."""
    return {image for _, body in _unanswered() for image in body.images}


def _unanswered() -> Iterator[tuple[Submission, Body]]:
    """Every submission without an answer yet. What cannot be opened (another key) never will be, and is passed over."""
    for submission in Submission.objects.exclude(state=Submission.State.ANSWERED).iterator():
        with suppress(InvalidTag):
            yield submission, open_body(submission)
