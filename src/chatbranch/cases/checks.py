"""What stands before every action on a case: may they, is it still open, is anything written."""

from __future__ import annotations

from chatbranch.branch import queries as branch
from chatbranch.branch.models import Member
from chatbranch.cases.models import Case
from chatbranch.cases.recusal import recusals
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.kernel.text import clean

LONGEST = 20_000  # characters of one thing a person writes


def check_desk_open() -> None:
    """Refuses while the branch has one member: nobody decides alone."""
    if not branch.desk_is_open():
        raise Refused(
            "alone",
            Phrase(
                "分会现在只有一位成员，还不能办理个案：结论须由不同账号的成员共同作出。请先邀请其他成员。",
                "The branch has one member, so no case can be worked on yet: verdicts need members of different outlets. Please invite others first.",
            ),
            status=409,
        )


def check_open(case: Case) -> None:
    """Refuses when the case is not open any more."""
    if case.state != Case.State.OPEN:
        raise Refused(
            "case-closed",
            Phrase(
                "个案 {code} 已经办结。要改动，请重新打开或另提结论。",
                "Case {code} is closed. To change it, reopen it or propose another verdict.",
            ),
            status=409,
            code=case.code,
        )


def check_not_party(actor: Member, case: Case) -> None:
    """Refuses a member whose outlet is party to the case, or rests, or who has declared an interest in it."""
    branch.check_not_resting(actor)
    why = recusals(case, [actor.pk]).get(actor.pk)
    if why:
        raise Refused(
            "party",
            Phrase(
                "您与此案有关（{why}），不能参与裁定；仍可补充证据和参与讨论。",
                "You are party to this case ({why}), so you cannot decide on it; you can still add evidence and discuss.",
            ),
            status=403,
            why=why,
        )


def held(case: Case) -> Case:
    """The case as it is now, locked until the transaction ends: what the actor saw of it may be minutes old."""
    return Case.objects.select_for_update().get(pk=case.pk)


def said(text: str, field: str) -> str:
    """What was written in `field`, without what hides or reorders; refuses nothing at all, and far too much."""
    written = clean(text).strip()
    if not written:
        raise Refused("empty", Phrase("这里不能空着。", "Please write something here."), field=field)
    if len(written) > LONGEST:
        raise Refused(
            "too-long",
            Phrase(
                "太长了，请控制在 20000 字以内。", "That is too long; please keep it under 20,000 characters."
            ),
            field=field,
        )
    return written


def filled(texts: dict[str, str]) -> dict[str, str]:
    """The languages in which something was written, and what."""
    return {lang: text.strip() for lang, text in texts.items() if text and text.strip()}
