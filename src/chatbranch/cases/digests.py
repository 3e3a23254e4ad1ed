"""A rater's daily digest: the notes that wait for their word, each with a link, in a chat they connected. Urgent harm comes
at once; nothing else interrupts."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from chatbranch.branch import actions as branch_actions
from chatbranch.branch import queries as branch
from chatbranch.branch.models import Member
from chatbranch.cases.models import Digest, Note, RatingLink
from chatbranch.cases.queries import waiting_notes
from chatbranch.cases.rating_links import do_make_rating_link
from chatbranch.contacts import actions as contacts
from chatbranch.contacts.queries import open_contact
from chatbranch.deliveries import actions as deliveries
from chatbranch.kernel import clock, ids
from chatbranch.kernel.phrases import Phrase, pick

CODE_LASTS = timedelta(hours=1)
MOST = 5  # notes in one digest; the others wait for the next, or for whoever opens the page
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_LENGTH = 8  # 40 random bits: enough to guess at for an hour, not to be kept longer
_MORNING = Phrase(
    "早上好。有 {n} 份提案等您评价，每份约一分钟：",
    "Good morning. Notes waiting for your word: {n}; each takes about a minute.",
)
_URGENT = Phrase(
    "紧急：这一条可能伤人，请尽快看一眼：", "Urgent: this one may hurt people; please look soon."
)
_MORE = Phrase("其余的在这里：{url}", "The others are here: {url}")


def do_prepare_digest(rater: Member) -> str:
    """A code that this rater sends to the bot from the chat in which they want the digest; good for an hour, once."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    kept = {"code_hash": ids.token_hash(code), "code_made_at": clock.now()}
    Digest.objects.update_or_create(rater=rater, defaults=kept)
    return code


def do_connect_digest(code: str, channel: str, address: str, lang: str) -> bool:
    """Take the chat that sent the code as the rater's; in the caller's transaction. False for a code that is none (any more)."""
    asked = Digest.objects.select_for_update(of=("self",)).select_related("rater")
    found = asked.filter(
        code_hash=ids.token_hash(code.upper()), code_made_at__gt=clock.now() - CODE_LASTS
    ).first()
    if found is None or not branch.is_rater(found.rater):
        return False
    contacts.do_erase([found.pseudonym])
    found.pseudonym = contacts.do_keep(channel, address, found.rater_id, lang)
    found.channel, found.code_hash, found.code_made_at = channel, "", None
    found.save()
    return True


def do_end_digest(rater: Member) -> None:
    """No more digests; the chat's address is erased."""
    with transaction.atomic():
        for found in Digest.objects.select_for_update().filter(rater=rater):
            contacts.do_erase([found.pseudonym])
            found.delete()


def digest_of(rater: Member) -> Digest | None:
    """The rater's digest, where a chat is connected."""
    return Digest.objects.filter(rater=rater).exclude(pseudonym="").first()


def do_send_digests() -> int:
    """Send what is due: the day's digests from `digest_at` on, and urgent notes at once. Returns how many messages."""
    today = _today(clock.now())
    for left in Digest.objects.filter(Q(rater__is_active=False) | Q(rater__left_at__isnull=False)):
        do_end_digest(left.rater)
    connected = Digest.objects.exclude(pseudonym="")
    urgent = Note.objects.filter(accepted_at=None, case__urgent=True).exists()
    due = Q(sent_on=None) | Q(sent_on__lt=today) if today else Q(pk__in=[])
    found = connected if urgent else connected.filter(due)
    return sum(_send(each, today) for each in found.select_related("rater__outlet"))


def do_send_notices() -> int:
    """Send what concerns a member to the chat they connected, once. Returns how many messages."""
    sent = 0
    for notice in branch.untold_notices():
        with transaction.atomic():
            digest = digest_of(notice.member)
            reach = open_contact(digest.pseudonym) if digest else None
            if digest is not None and reach is not None:
                link = f"\n{settings.CONFIG.url}{notice.link}" if notice.link else ""
                queued = deliveries.do_queue(
                    pseudonym=digest.pseudonym,
                    kind="notice",
                    text=pick(notice.texts, reach.lang) + link,
                    once=f"notice:{notice.pk}",
                    about=notice.about,
                )
                sent += 1 if queued else 0
            branch_actions.do_mark_told(notice)
    return sent


def _today(now: datetime) -> date | None:
    """The day whose digest may be sent now; None before the hour."""
    at = settings.CONFIG.digest_time
    here = now.astimezone(at.tzinfo)
    return here.date() if here.time() >= at.replace(tzinfo=None) else None


def _send(digest: Digest, today: date | None) -> int:
    sent = 0
    with transaction.atomic():
        waiting = waiting_notes(digest.rater)
        linked = set(RatingLink.objects.filter(rater=digest.rater).values_list("note", flat=True))
        for note in waiting:
            if note.case.urgent and note.pk not in linked:
                sent += _queue(digest, _URGENT.say(_lang(digest)), [note], f"urgent:{digest.pk}:{note.pk}")
        if today and (digest.sent_on is None or digest.sent_on < today):
            Digest.objects.filter(pk=digest.pk).update(sent_on=today)
            if waiting:
                text = _MORNING.say(_lang(digest), n=len(waiting))
                sent += _queue(digest, text, waiting, f"digest:{digest.pk}:{today}")
    return sent


def _lang(digest: Digest) -> str:
    reach = open_contact(digest.pseudonym)
    return reach.lang if reach else digest.rater.lang


def _queue(digest: Digest, opening: str, notes: list[Note], once: str) -> int:
    """Queue one message, and keep the chat's address for another 90 days; a chat that was forgotten ends the digest."""
    reach = open_contact(digest.pseudonym, hold=True)
    if reach is None:
        Digest.objects.filter(pk=digest.pk).delete()
        return 0
    contacts.do_keep(reach.channel, reach.address, digest.rater_id, reach.lang)
    lines = [opening, *_lines(digest.rater, notes[:MOST], reach.lang)]
    if len(notes) > MOST:
        lines.append(_MORE.say(reach.lang, url=settings.CONFIG.url + reverse("rate-next")))
    queued = deliveries.do_queue(
        pseudonym=digest.pseudonym, kind="digest", text="\n".join(lines), once=once, about=notes[0].case_id
    )
    return 1 if queued else 0


def _lines(rater: Member, notes: Iterable[Note], lang: str) -> Iterable[str]:
    for note in notes:
        said = note.wording.get("en" if lang == "en" else "zh-Hans") or next(iter(note.wording.values()), "")
        address = reverse("rate-by-link", args=[do_make_rating_link(rater, note)])
        yield f"· {said[:60] or note.case.code}\n  {settings.CONFIG.url}{address}"
