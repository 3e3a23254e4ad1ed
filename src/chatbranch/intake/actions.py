"""Where a message enters: accepted durably, then answered. `do_check` is both, for whoever waits for the answer.

Accepting writes the submission before anything is done with it; answering ends in one transaction that holds the outcome,
the case or the verdict told, and the delivery. A crash between them leaves a submission that `do_answer_waiting` takes up.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid5

from cryptography.exceptions import InvalidTag
from django.db import IntegrityError, InterfaceError, OperationalError, transaction

from chatbranch.cases import actions as cases
from chatbranch.contacts import actions as contacts
from chatbranch.contacts import queries as contact_queries
from chatbranch.deliveries import actions as deliveries
from chatbranch.deliveries import queries as delivery_queries
from chatbranch.intake import floods, letters, replies, sealing
from chatbranch.intake.answers import Answer
from chatbranch.intake.checks import check_image, check_text
from chatbranch.intake.models import Flood, Memory, Submission
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock, ids
from chatbranch.kernel.chunks import in_chunks
from chatbranch.kernel.messages import Inbound
from chatbranch.kernel.phrases import LANGS
from chatbranch.kernel.text import language

log = logging.getLogger(__name__)

Prepare = Callable[..., replies.Prepared]
KEPT = timedelta(days=30)
_REPLAYS = uuid5(UUID(int=0), "chatbranch:replays")
SCRUBBED = (
    "cases_asker",
    "cases_alsosent",
    "intake_submission",
    "intake_flood",
    "deliveries_delivery",
    "deliveries_lane",
)


@dataclass(frozen=True)
class Body:
    """What a submission holds, once unsealed.

    writer: who wrote it in a room (floods.writer). from_network: it came over HTTP from somebody not signed in.
    """

    address: str
    text: str
    lang: str
    reply_to: str = ""
    images: tuple[str, ...] = ()
    email: str = ""
    writer: str = ""
    from_network: bool = False


# --- accepting ---------------------------------------------------------------------------------------------------------


def do_accept(inbound: Inbound, *, email: str = "", network: str = "") -> Submission:
    """Take a message: counted, sealed, written. The same message of a platform, delivered twice, is one submission.

    network: where it came from (rules.network), of a request over HTTP by somebody not signed in.
    Raises Refused for what cannot be checked at all (empty, too long, no image), and for floods.
    """
    replay = contacts.pseudonym_of(inbound.channel, f"{inbound.address}\n{inbound.message_id}", _REPLAYS)
    if known := Submission.objects.filter(replay=replay).first():
        return known
    text = check_text(inbound)
    for each in inbound.attachments:
        check_image(each.data)
    with transaction.atomic():
        too_many = floods.do_count(inbound, network)
    if too_many is not None:
        raise too_many
    submission = _write(_body(inbound, text, email, network), inbound.channel, replay)
    if network:
        floods.remember(submission.id, network)
    return submission


def _write(body: Body, channel: str, replay: str) -> Submission:
    pseudonym = contacts.pseudonym_of(channel, body.address, contacts.day_scope(clock.now().date()))
    sealed = sealing.seal(json.dumps(vars(body), ensure_ascii=False).encode(), replay)
    row = Submission(channel=channel, pseudonym=pseudonym, replay=replay, sealed=sealed)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:  # the same message, delivered twice at the same moment
        return Submission.objects.get(replay=replay)
    return row


def _body(inbound: Inbound, text: str, email: str, network: str) -> Body:
    """What is kept until it is answered; pictures are on the disk before the row that names them."""
    images = tuple(cases.do_keep_file(each.data) for each in inbound.attachments)
    lang = inbound.lang if inbound.lang in LANGS else language(text) if text else "zh-Hans"
    return Body(
        inbound.address,
        text,
        lang,
        inbound.reply_to,
        images,
        email,
        writer=floods.writer(inbound),
        from_network=bool(network),
    )


# --- answering ---------------------------------------------------------------------------------------------------------


def do_check(
    inbound: Inbound, *, email: str = "", reply: bool = False, network: str = ""
) -> tuple[Submission, Answer]:
    """Accept a message and answer it now. `reply`: also queue the answer's text to the asker's channel."""
    submission = do_accept(inbound, email=email, network=network)
    return submission, _answer(submission, reply=reply)


def do_answer(submission_id: UUID, *, reply: bool = True) -> Answer:
    """Answer an accepted submission, once: matching runs first, then one short transaction writes everything."""
    submission = Submission.objects.filter(pk=submission_id).first()
    return _answer(submission, reply=reply) if submission else _forgotten("zh-Hans")


def _answer(submission: Submission, *, reply: bool, prepare: Prepare | None = None) -> Answer:
    if submission.state == Submission.State.ANSWERED:
        return Answer(**submission.result)
    body = open_body(submission)
    prepared = (prepare or replies.prepare)(body.text, body.lang, images=body.images)
    if prepared.kind == "forget":
        return _forget(submission, body, prepared, reply=reply)
    with transaction.atomic():
        locked = Submission.objects.select_for_update().filter(pk=submission.pk).first()
        if (
            locked is None
        ):  # its asker asked to be forgotten while the answer was prepared: nothing is written
            answer = _forgotten(body.lang)
        elif locked.state == Submission.State.ANSWERED:
            answer = Answer(**locked.result)
        else:
            answer = _settle(locked, body, prepared, reply=reply)
            _close(locked, answer)
    floods.let_go(submission.id)
    return answer


def _close(submission: Submission, answer: Answer) -> None:
    submission.state, submission.answered_at = Submission.State.ANSWERED, clock.now()
    submission.outcome, submission.result = answer.outcome, answer.as_dict()
    submission.sealed = b""  # message and address have done their part
    submission.save()


def _forgotten(lang: str) -> Answer:
    return Answer("forgotten", letters.FORGOTTEN.say(lang), lang)


def _settle(submission: Submission, body: Body, prepared: replies.Prepared, *, reply: bool) -> Answer:
    """Write what the answer entails: the case joined or the verdict told, and the delivery of the text."""
    counts = partial(floods.do_count_asker, floods.network_of(submission.id)) if body.from_network else None
    settled = replies.settle(prepared, replies.Asker(submission.channel, body.address, body.lang, counts))
    if body.email and settled.subject is not None:
        replies.also_tell(settled, channel="mail", address=body.email, lang=body.lang)
    submission.claim_id, submission.case_id = settled.claim_id, settled.case_id
    if reply:
        pseudonym = settled.pseudonym or contacts.do_keep(
            submission.channel, body.address, contacts.day_scope(clock.now().date()), body.lang, days=2
        )
        deliveries.do_queue(
            pseudonym=pseudonym,
            kind="reply",
            text=settled.answer.message,
            once=f"reply:{submission.id}",
            about=settled.subject,
            reply_to=body.reply_to,
        )
    return settled.answer


def do_answer_waiting(most: int = 20) -> int:
    """Answer submissions that a crash left between accepting and answering; returns how many.

    One that cannot be matched, whatever the reason, goes to members as it is, and never holds up the others.
    """
    late = Submission.objects.filter(state=Submission.State.RECEIVED, received_at__lt=clock.ago(seconds=10))
    waiting = list(late.order_by("received_at")[:most])
    for submission in waiting:
        try:
            _answer(submission, reply=True)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("a submission could not be matched, and goes to members as it is")
            _hand_to_members(submission)
    return len(waiting)


def _hand_to_members(submission: Submission) -> None:
    """A case without matching; what cannot even be opened (another key) or written is set aside, for its 30 days."""
    try:
        _answer(submission, reply=True, prepare=replies.for_members)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("a submission cannot be handed to members either and is set aside; please report this")
        Submission.objects.filter(pk=submission.pk).update(state=Submission.State.REFUSED)


def open_body(submission: Submission) -> Body:
    """What the submission holds."""
    values = json.loads(sealing.unseal(bytes(submission.sealed), submission.replay))
    return Body(**{**values, "images": tuple(values["images"])})


# --- objecting ---------------------------------------------------------------------------------------------------------


def do_object(
    claim_id: UUID,
    version: int,
    *,
    grounds: str,
    url: str,
    lang: str,
    channel: str,
    address: str,
    network: str,
) -> None:
    """Record an objection to a verdict from anyone. Refuses floods: an empty `network` (a member's) has no limit."""
    with transaction.atomic():
        too_many = floods.do_count_objection(network)
        if too_many is None:
            cases.do_object(
                claim_id, version, grounds=grounds, url=url, lang=lang, channel=channel, address=address
            )
    if too_many is not None:  # raised after the commit, so that it counts
        raise too_many


# --- forgetting --------------------------------------------------------------------------------------------------------


def do_forget(channel: str, address: str, *, asking: UUID | None = None) -> int:
    """Erase an asker everywhere: contact, pseudonyms, submissions, counts and undelivered texts; returns how many pseudonyms.

    What waits for its answer goes first (but for the submission `asking` for this): once that is committed, no answer
    can be written any more, and what an answer wrote until then is found after it.
    The worker scrubs the database's free pages within seconds (do_finish_forgetting).
    """
    _withdraw(contacts.do_forget(channel, address), asking)
    pseudonyms = contacts.do_forget(channel, address)
    _erase(pseudonyms)
    return len(pseudonyms)


def _withdraw(pseudonyms: list[str], asking: UUID | None) -> None:
    waiting = Submission.objects.filter(state=Submission.State.RECEIVED)
    waiting = waiting.exclude(pk=asking) if asking else waiting
    with transaction.atomic():
        for chunk in in_chunks(pseudonyms):
            waiting.filter(pseudonym__in=chunk).delete()


def _forget(submission: Submission, body: Body, prepared: replies.Prepared, *, reply: bool) -> Answer:
    """Erase, the submission that asks for it last, then say so: a crash before the end of it leaves the wish to be taken up."""
    settled = replies.settle(prepared, replies.Asker(submission.channel, body.address, body.lang))
    if body.writer:
        do_forget(submission.channel, body.writer)
    do_forget(submission.channel, body.address, asking=submission.id)
    floods.let_go(submission.id)
    if reply:
        _farewell(submission, body, settled.answer.message)
    return settled.answer


def _farewell(submission: Submission, body: Body, text: str) -> None:
    """One last message that it is done, to an address kept for just that; gone within a minute, delivered or not."""
    with transaction.atomic():
        pseudonym = contacts.do_keep(submission.channel, body.address, ids.new_id(), body.lang, days=1)
        deliveries.do_queue(
            pseudonym=pseudonym,
            kind="farewell",
            text=text,
            once=f"farewell:{submission.id}",
            reply_to=body.reply_to,
        )


def do_finish_forgetting() -> int:
    """Erase farewells that were sent, or have waited 30 seconds; returns how many. The caller scrubs after it (do_scrub)."""
    done = delivery_queries.recipients("farewell", sent_or_before=clock.ago(seconds=30))
    if done:
        deliveries.do_forget(done)
        contacts.do_erase(done)
        with transaction.atomic():
            do_record("scrub.wanted", ids.new_id())
    return len(done)


def do_scrub() -> bool:
    """Leave no copy of erased rows in the database's files; False when readers held it: call again."""
    return contacts.do_scrub(SCRUBBED, patience=2.0)  # the worker has other work, and comes back


def do_forget_again() -> int:
    """After a restore: erase whoever asked to be forgotten since the backup was made."""
    known = {
        *Submission.objects.values_list("pseudonym", flat=True),
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
            Submission.objects.filter(pseudonym__in=chunk).delete()
            Flood.objects.filter(pseudonym__in=chunk).delete()
        do_record("scrub.wanted", ids.new_id())


def do_tidy() -> None:
    """Erase submissions after their 30 days, flood counts of past days, and files that nothing refers to any more."""
    Submission.objects.filter(received_at__lt=clock.now() - KEPT).exclude(
        state=Submission.State.RECEIVED
    ).delete()
    Flood.objects.filter(day__lt=clock.now().date() - timedelta(days=1)).delete()
    cases.do_sweep_files(_images_waiting())


def _images_waiting() -> set[str]:
    """The pictures of submissions that are not answered. What cannot be opened (another key) never will be."""
    found: set[str] = set()
    for submission in Submission.objects.exclude(state=Submission.State.ANSWERED).iterator():
        with suppress(InvalidTag):
            found.update(open_body(submission).images)
    return found


# --- a connector's memory ----------------------------------------------------------------------------------------------


def do_remember(channel: str, key: str, value: str) -> None:
    """Keep a connector's value across restarts, sealed."""
    Memory.objects.update_or_create(
        channel=channel, key=key, defaults={"sealed": sealing.seal(value.encode(), f"{channel}:{key}")}
    )


def recall(channel: str, key: str) -> str:
    """What was kept under `key`, or an empty string."""
    kept = Memory.objects.filter(channel=channel, key=key).first()
    return sealing.unseal(bytes(kept.sealed), f"{channel}:{key}").decode() if kept else ""
