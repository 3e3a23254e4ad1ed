"""Where a message enters: accepted durably, then answered. `do_check` is both, for whoever waits for the answer.

Accepting writes the submission before anything is done with it; answering ends in one transaction that holds the outcome,
the case or the verdict told, and the delivery. A crash between them leaves a submission that `do_answer_waiting` takes up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid5

from django.db import IntegrityError, InterfaceError, OperationalError, transaction

from chatbranch.cases import actions as cases
from chatbranch.cases import queries as case_queries
from chatbranch.contacts import actions as contacts
from chatbranch.contacts import queries as contact_queries
from chatbranch.deliveries import actions as deliveries
from chatbranch.intake import asking_back, floods, letters, replies, sealing
from chatbranch.intake.answers import Answer
from chatbranch.intake.bodies import Body, open_body, seal_body
from chatbranch.intake.checks import check_image, check_text
from chatbranch.intake.forgetting import (
    MAIL,
    do_finish_forgetting,
    do_forget,
    do_forget_again,
    do_let_go_texts,
    do_scrub,
    images_waiting,
)
from chatbranch.intake.models import Flood, Memory, Submission
from chatbranch.intake.rooms import do_greet, do_speak_unasked, is_overheard
from chatbranch.intake.rules import read
from chatbranch.kernel import clock, ids
from chatbranch.kernel.messages import Inbound
from chatbranch.kernel.phrases import LANGS
from chatbranch.kernel.text import written_language
from chatbranch.matching import queries as matches

log = logging.getLogger(__name__)

Prepare = Callable[..., replies.Prepared]
KEPT = timedelta(days=30)
_REPLAYS = uuid5(UUID(int=0), "chatbranch:replays")

__all__ = [
    "do_accept",
    "do_answer",
    "do_answer_waiting",
    "do_check",
    "do_finish_forgetting",
    "do_forget",
    "do_forget_again",
    "do_greet",
    "do_object",
    "do_remember",
    "do_scrub",
    "do_speak_unasked",
    "do_tidy",
    "is_overheard",
    "recall",
]


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
    row = Submission(channel=channel, pseudonym=pseudonym, replay=replay, sealed=seal_body(body, replay))
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:  # the same message, delivered twice at the same moment
        return Submission.objects.get(replay=replay)
    return row


def _body(inbound: Inbound, text: str, email: str, network: str) -> Body:
    """What is kept until it is answered; pictures are on the disk before the row that names them."""
    images = tuple(cases.do_keep_file(each.data) for each in inbound.attachments)
    return Body(
        inbound.address,
        text,
        _lang(inbound, text),
        inbound.reply_to,
        images,
        email,
        writer=floods.writer(inbound),
        from_network=bool(network),
        sender=inbound.sender,
    )


def _lang(inbound: Inbound, text: str) -> str:
    """The language to answer in. A code tells none itself: it is answered in the language its case was asked about in."""
    written = written_language(text)
    asked_in = _asked_in(inbound, text) if written is None else ""
    return asked_in or (inbound.lang if inbound.lang in LANGS else "") or written or "zh-Hans"


def _asked_in(inbound: Inbound, text: str) -> str:
    """The language in which this asker asked about the case whose code they send, if they did."""
    case = case_queries.find(read(text).code)
    if case is None:
        return ""
    pseudonym = contacts.pseudonym_of(inbound.channel, inbound.address, case.id)
    reach = contact_queries.open_contact(pseudonym)
    return reach.lang if reach else ""


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
            # opened again while it is held: an address may have been taken out of it (forgetting.do_forget)
            answer = _settle(locked, open_body(locked), prepared, reply=reply)
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
    asker = replies.Asker(submission.channel, body.address, body.lang, counts, room=not body.direct)
    word = asking_back.do_take_word(submission, body, prepared.kind)
    settled = word or replies.settle(prepared, asker)
    if body.email and word is None and settled.subject is not None:
        replies.also_tell(settled, channel=MAIL, address=body.email, lang=body.lang)
    submission.claim_id, submission.case_id = settled.claim_id, settled.case_id
    if settled.answer.claim and prepared.shape:
        submission.fingerprint = prepared.shape.fingerprint
    if settled.claim_id and not body.direct:  # so that it is not said there again unasked
        floods.do_count_told(submission.channel, body.address, settled.claim_id)
    if reply:
        _reply(submission, body, settled)
    return settled.answer


def _reply(submission: Submission, body: Body, settled: replies.Settled) -> None:
    """Queue the answer's text to where it was asked; and under it, where something was suggested, our one question."""
    answer, today = settled.answer, contacts.day_scope(clock.now().date())
    submission.asked = asking_back.asks(body, answer)
    question = f"\n{letters.WAS_IT_THIS.say(answer.lang)}" if submission.asked else ""
    deliveries.do_queue(
        pseudonym=settled.pseudonym
        or contacts.do_keep(submission.channel, body.address, today, body.lang, days=2),
        kind="reply",
        text=answer.message + question,
        once=f"reply:{submission.id}",
        about=settled.subject,
        reply_to=body.reply_to,
    )


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


def _forget(submission: Submission, body: Body, prepared: replies.Prepared, *, reply: bool) -> Answer:
    """Erase, the submission that asks for it last, then say so: a crash before the end of it leaves the wish to be taken up."""
    settled = replies.settle(prepared, replies.Asker(submission.channel, body.address, body.lang))
    for name in {body.writer, body.sender} - {
        "",
        body.address,
    }:  # who wrote it; what a relay carried is theirs
        do_forget(submission.channel, name)
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


def do_tidy() -> None:
    """Erase submissions after their 30 days and what corrections hold of them, flood counts of past days, and files that
    nothing refers to any more."""
    Submission.objects.filter(received_at__lt=clock.now() - KEPT).exclude(
        state=Submission.State.RECEIVED
    ).delete()
    do_let_go_texts(matches.texts_held())
    Flood.objects.filter(day__lt=clock.now().date() - timedelta(days=1)).delete()
    cases.do_sweep_files(images_waiting())


# --- a connector's memory ----------------------------------------------------------------------------------------------


def do_remember(channel: str, key: str, value: str) -> None:
    """Keep a connector's value across restarts, sealed."""
    kept = Memory(channel=channel, key=key, sealed=sealing.seal(value.encode(), f"{channel}:{key}"))
    Memory.objects.bulk_create(
        [kept], update_conflicts=True, unique_fields=["channel", "key"], update_fields=["sealed"]
    )


def recall(channel: str, key: str) -> str:
    """What was kept under `key`, or an empty string."""
    kept = Memory.objects.filter(channel=channel, key=key).first()
    return sealing.unseal(bytes(kept.sealed), f"{channel}:{key}").decode() if kept else ""
