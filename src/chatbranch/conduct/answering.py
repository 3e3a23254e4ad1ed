"""What the outlet can do: reply, take longer, correct, appeal. And masking third persons' data in what it wrote."""

from __future__ import annotations

from django.db import transaction

from chatbranch.branch.queries import Looker
from chatbranch.conduct import rules
from chatbranch.conduct.checks import check_of_outlet, check_unbound, check_written
from chatbranch.conduct.complaining import do_fix_seed
from chatbranch.conduct.days import holidays
from chatbranch.conduct.matters import Held, not_now
from chatbranch.conduct.models import Matter, Reply
from chatbranch.conduct.states import Kind, State
from chatbranch.conduct.steps import NotNow
from chatbranch.conduct.telling import tell_all
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.publiclog import entries as log
from chatbranch.publiclog.actions import Draft, do_append


def do_reply(actor: Looker, matter: Matter, text: str, *, all_said: bool = False) -> Reply:
    """Reply, as often as wanted. all_said: nothing more will come, so that nobody needs to wait for the end of the window."""
    member = check_of_outlet(actor, matter)
    said = check_written(text, "text")
    with transaction.atomic():
        held = Held(matter)
        try:
            held.write(Kind.REPLIED, member, {"all": all_said})
        except NotNow as problem:
            raise not_now(problem) from problem
        made: Reply = Reply.objects.create(matter=matter, text=said, by=member)
    return made


def do_extend(actor: Looker, matter: Matter) -> None:
    """Take another seven working days; twice, without asking anybody."""
    member = check_of_outlet(actor, matter)
    with transaction.atomic():
        held = Held(matter)
        before = held.now.reply_until
        if before is None:
            raise Refused("not-asked", _NOT_ASKED, status=409)
        until = rules.working_days_after(before, rules.REPLY_DAYS, holidays())
        try:
            held.write(Kind.EXTENDED, member, {"until": until.isoformat()})
        except NotNow as problem:
            raise Refused("extended", _NO_MORE, status=409) from problem


def do_correct(actor: Looker, matter: Matter, text: str) -> None:
    """Say that, and how, the post was corrected: that closes the matter as guidance, and is no finding."""
    member = check_of_outlet(actor, matter)
    said = check_written(text, "correction")
    with transaction.atomic():
        held = Held(matter)
        try:
            place = held.write(Kind.CORRECTED, member, {"correction": said})
        except NotNow as problem:
            raise not_now(problem) from problem
        says: dict[str, str | int] = {"version": place, "how": State.GUIDED.value}
        do_append([Draft(log.MATTER_CLOSED, clock.now(), matter.id, says, {"reason": said})])
        tell_all(held, place)


def do_appeal(actor: Looker, matter: Matter, grounds: str) -> None:
    """Appeal: the measure rests from now on, and another panel will look."""
    member = check_of_outlet(actor, matter)
    said = check_written(grounds, "grounds")
    with transaction.atomic():
        held = Held(matter)
        measure = held.now.measure
        try:
            place = held.write(Kind.APPEALED, member, {"grounds": said})
        except NotNow as problem:
            raise not_now(problem) from problem
        assert measure is not None
        do_append([Draft(log.RESTED, clock.now(), matter.id, {"version": place, "measure": measure.word})])
        do_fix_seed(matter, 2, place)
        Reply.objects.create(matter=matter, text=said, by=member)
        tell_all(held, place)


def do_mask(actor: Looker, reply: Reply, words: str, why: str) -> None:
    """Mask a third person's data in a reply, visibly, wherever it stands there. The reply itself is never edited."""
    member = check_unbound(actor, reply.matter)
    reason = check_written(why, "why")
    if len(words.strip()) < 2 or words.strip() not in reply.text:
        raise Refused("not-there", _NOT_THERE, field="words")
    with transaction.atomic():
        says = {"reply": str(reply.pk), "words": words.strip(), "why": reason}
        Held(reply.matter).write(Kind.MASKED, member, says)


_NOT_ASKED = Phrase(
    "还没有到作答的时候，不用延长。", "Your answer is not asked for yet, so there is no need."
)
_NO_MORE = Phrase("已经延长过两次，或已过了期限。", "It was extended twice already, or the time is over.")
_NOT_THERE = Phrase(
    "答复里没有这几个字，请照原样抄下要遮盖的部分。",
    "The reply does not say that; please copy the part to mask as it stands there.",
)
