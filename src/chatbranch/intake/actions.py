"""Where a message enters: accepted durably, then answered. `do_check` is both, for whoever waits for the answer.

Accepting writes the submission before anything is done with it; answering ends in one transaction that holds the outcome,
the case or the verdict told, and the delivery. A crash between them leaves a submission that `do_answer_waiting` takes up.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid5

from django.db import IntegrityError, InterfaceError, OperationalError, transaction

from chatbranch.cases import actions as cases
from chatbranch.contacts import actions as contacts
from chatbranch.contacts import queries as contact_queries
from chatbranch.deliveries import actions as deliveries
from chatbranch.deliveries import queries as delivery_queries
from chatbranch.intake import letters, replies, sealing
from chatbranch.intake.answers import Answer
from chatbranch.intake.models import Flood, Memory, Submission
from chatbranch.intake.rules import LONGEST, Counted, count, is_blank, read
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Inbound
from chatbranch.kernel.phrases import LANGS, Phrase
from chatbranch.kernel.text import clean, language

log = logging.getLogger(__name__)

Prepare = Callable[..., replies.Prepared]
KEPT = timedelta(days=30)
LARGEST_FILE = 10 * 1024 * 1024
_REPLAYS = uuid5(UUID(int=0), "chatbranch:replays")
SCRUBBED = ("cases_asker", "intake_submission", "intake_flood", "deliveries_delivery", "deliveries_lane")
_IMAGES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}


@dataclass(frozen=True)
class Body:
    """What a submission holds, once unsealed."""

    address: str
    text: str
    lang: str
    reply_to: str = ""
    images: tuple[str, ...] = ()
    email: str = ""


# --- accepting ---------------------------------------------------------------------------------------------------------


def do_accept(inbound: Inbound, *, email: str = "") -> Submission:
    """Take a message: counted, sealed, written. The same message of a platform, delivered twice, is one submission.

    Raises Refused for what cannot be checked at all (empty, too long, no image), and for floods.
    """
    replay = contacts.pseudonym_of(inbound.channel, f"{inbound.address}\n{inbound.message_id}", _REPLAYS)
    if known := Submission.objects.filter(replay=replay).first():
        return known
    body = _body(inbound, email)
    pseudonym = contacts.pseudonym_of(
        inbound.channel, inbound.address, contacts.day_scope(clock.now().date())
    )
    sealed = sealing.seal(json.dumps(vars(body), ensure_ascii=False).encode(), replay)
    try:
        with transaction.atomic():
            too_many = _count_flood(pseudonym)
            row = Submission(channel=inbound.channel, pseudonym=pseudonym, replay=replay, sealed=sealed)
            if too_many is None:
                row.save(force_insert=True)
    except IntegrityError:
        return Submission.objects.get(replay=replay)
    if too_many is not None:
        raise too_many
    return row


def _body(inbound: Inbound, email: str) -> Body:
    text = clean(inbound.text).strip()
    if len(text) > LONGEST:
        raise Refused(
            "too-long",
            Phrase(
                "太长了（超过10万字）。请只发要查的那一段。",
                "That is too long (over 100,000 characters). Please send just the part to check.",
            ),
            status=413,
            field="text",
        )
    reading = read(text)
    if is_blank(text) and not (inbound.attachments or reading.link) and reading.kind == "check":
        raise Refused(
            "empty",
            Phrase(
                "没有看到要查的内容。请把那句话、链接或截图发来。",
                "There is nothing to check yet. Please send the words, a link or a screenshot.",
            ),
            field="text",
        )
    images = tuple(_keep_image(each.data) for each in inbound.attachments)
    lang = inbound.lang if inbound.lang in LANGS else language(text) if text else "zh-Hans"
    return Body(inbound.address, text, lang, inbound.reply_to, images, email)


def _keep_image(data: bytes) -> str:
    if len(data) > LARGEST_FILE:
        raise Refused(
            "image-large",
            Phrase(
                "图片超过10 MB，请压缩或截取一部分。",
                "That picture is over 10 MB; please send a smaller one, or a part of it.",
            ),
            status=413,
            field="image",
        )
    if not any(data.startswith(start) for start in _IMAGES):
        raise Refused(
            "not-image",
            Phrase(
                "这个文件不是能读取的图片（支持 JPEG、PNG、WebP、GIF）。",
                "That file is not a picture we can read (JPEG, PNG, WebP or GIF).",
            ),
            status=415,
            field="image",
        )
    return cases.do_keep_file(data)


def _count_flood(pseudonym: str) -> Refused | None:
    """Count this message; the twenty-first in a minute and the three-hundred-and-first of a day are refused, kindly."""
    now = clock.now()
    row = Flood.objects.select_for_update().filter(pseudonym=pseudonym).first()
    before = Counted(row.count, row.in_minute, row.minute) if row else Counted(0, 0, now)
    after, too_many = count(before, now)
    told = row.told_at if row else None
    values = {
        "count": after.day,
        "in_minute": after.in_minute,
        "minute": after.minute,
        "told_at": now if too_many else None,
    }
    if row is None:
        Flood.objects.bulk_create(
            [Flood(pseudonym=pseudonym, day=now.date(), **values)], ignore_conflicts=True
        )
    else:
        Flood.objects.filter(pk=row.pk).update(**values)
    return Refused("too-many", letters.TOO_MANY, status=429, again=told is not None) if too_many else None


# --- answering ---------------------------------------------------------------------------------------------------------


def do_check(inbound: Inbound, *, email: str = "", reply: bool = False) -> tuple[Submission, Answer]:
    """Accept a message and answer it now. `reply`: also queue the answer's text to the asker's channel."""
    submission = do_accept(inbound, email=email)
    return submission, _answer(submission, reply=reply)


def do_answer(submission_id: UUID, *, reply: bool = True) -> Answer:
    """Answer an accepted submission, once: matching runs first, then one short transaction writes everything."""
    return _answer(Submission.objects.get(pk=submission_id), reply=reply)


def _answer(submission: Submission, *, reply: bool, prepare: Prepare | None = None) -> Answer:
    if submission.state == Submission.State.ANSWERED:
        return Answer(**submission.result)
    body = open_body(submission)
    prepared = (prepare or replies.prepare)(body.text, body.lang, images=body.images)
    if prepared.kind == "forget":
        return _forget(submission, body, prepared, reply=reply)
    with transaction.atomic():
        locked = Submission.objects.select_for_update().get(pk=submission.pk)
        if locked.state == Submission.State.ANSWERED:
            return Answer(**locked.result)
        answer = _settle(locked, body, prepared, reply=reply)
        locked.state, locked.answered_at = Submission.State.ANSWERED, clock.now()
        locked.outcome, locked.result = answer.outcome, answer.as_dict()
        locked.sealed = b""  # message and address have done their part
        locked.save()
    return answer


def _settle(submission: Submission, body: Body, prepared: replies.Prepared, *, reply: bool) -> Answer:
    """Write what the answer entails: the case joined or the verdict told, and the delivery of the text."""
    settled = replies.settle(prepared, channel=submission.channel, address=body.address, lang=body.lang)
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


# --- forgetting --------------------------------------------------------------------------------------------------------


def do_forget(channel: str, address: str) -> int:
    """Erase an asker everywhere: contact, pseudonyms, submissions, counts and undelivered texts; returns how many pseudonyms.

    The worker scrubs the database's free pages within seconds (do_finish_forgetting).
    """
    pseudonyms = contacts.do_forget(channel, address)
    _erase(pseudonyms)
    return len(pseudonyms)


def _forget(submission: Submission, body: Body, prepared: replies.Prepared, *, reply: bool) -> Answer:
    """Erase, the submission that asks for it last, then say so: a crash before the end of it leaves the wish to be taken up."""
    settled = replies.settle(prepared, channel=submission.channel, address=body.address, lang=body.lang)
    do_forget(submission.channel, body.address)
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
        for start in range(0, len(pseudonyms), 500):
            chunk = pseudonyms[start : start + 500]
            Submission.objects.filter(pseudonym__in=chunk).delete()
            Flood.objects.filter(pseudonym__in=chunk).delete()
        do_record("scrub.wanted", ids.new_id())


def do_tidy() -> None:
    """Erase submissions after their 30 days, and flood counts of past days."""
    Submission.objects.filter(received_at__lt=clock.now() - KEPT).exclude(
        state=Submission.State.RECEIVED
    ).delete()
    Flood.objects.filter(day__lt=clock.now().date() - timedelta(days=1)).delete()


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
