"""What members do with a case. `check_` may refuse, `do_` writes: one transaction each, events written with it."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import TypedDict
from uuid import UUID

from django.db import transaction
from django.db.models import F

from chatbranch.branch import queries as branch
from chatbranch.branch.models import Member, Outlet
from chatbranch.branch.rules import owner_key
from chatbranch.cases.asking import (
    Arrival,
    Joined,
    all_pseudonyms,
    do_also_tell,
    do_forget,
    do_note_heard,
    do_note_told,
    do_open_or_join,
    do_rekey,
    free_code,
)
from chatbranch.cases.files import keep as do_keep_file
from chatbranch.cases.grouping import Shape, lock_opening, shape_of, shape_of_thing
from chatbranch.cases.models import Approval, Asker, Case, Comment, Evidence, Note, Objection, Party, Variant
from chatbranch.cases.queries import decision_on, is_overtaken
from chatbranch.cases.recusal import recusals
from chatbranch.claims import actions as claims
from chatbranch.claims import queries as claim_queries
from chatbranch.claims.rules import LONGEST_WORDING, SCALE, WITHDRAWN, check_sources, check_wording
from chatbranch.consensus.rules import Decision
from chatbranch.contacts import actions as contacts
from chatbranch.deliveries import actions as deliveries
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.kernel.text import clean, normalise
from chatbranch.matching import guard

__all__ = [
    "OPEN",
    "Arrival",
    "Joined",
    "Shape",
    "all_pseudonyms",
    "do_also_tell",
    "do_forget",
    "do_keep_file",
    "do_note_heard",
    "do_note_told",
    "do_open_or_join",
    "do_rekey",
    "shape_of",
    "shape_of_thing",
]


OPEN = Case.State.OPEN


class SourceRow(TypedDict, total=False):
    """One source as proposed with a note."""

    url: str
    title: str
    publisher: str
    lang: str


# --- may they? ---------------------------------------------------------------------------------------------------------


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
    """Refuses a member whose outlet is party to the case, or who has declared an interest in it."""
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


# --- looking into it ---------------------------------------------------------------------------------------------------


def do_comment(actor: Member, case: Case, text: str) -> Comment:
    """Add a turn to the discussion."""
    check_desk_open()
    with transaction.atomic():
        comment = Comment.objects.create(case=case, by=actor, text=_said(text, "text"))
        do_record("case.changed", case.id, what="comment")
    return comment


def do_add_evidence(
    actor: Member,
    case: Case,
    *,
    url: str = "",
    quote: str = "",
    note: str = "",
    file: bytes = b"",
    file_name: str = "",
) -> Evidence:
    """Add a link, a quotation or a file, with its hash and the time. A file is kept under its hash."""
    check_desk_open()
    if not (url or quote or file):
        raise Refused(
            "empty-evidence",
            Phrase("请给出链接、引文或文件。", "Please give a link, a quotation or a file."),
            field="url",
        )
    kind = Evidence.Kind.FILE if file else Evidence.Kind.LINK if url else Evidence.Kind.QUOTE
    digest = hashlib.sha256(file or (url + "\n" + quote).encode()).hexdigest()
    with transaction.atomic():
        evidence = Evidence.objects.create(
            case=case,
            kind=kind,
            url=url,
            quote=quote,
            note=note,
            file=digest if file else "",
            file_name=file_name[:200],
            sha256=digest,
            by=actor,
        )
        do_record("case.changed", case.id, what="evidence")
    return evidence


def do_declare_party(actor: Member, case: Case, outlet: Outlet, why: str) -> Party:
    """Record that an outlet is party to the case; from then on its members do not decide on it."""
    with transaction.atomic():
        party, _ = Party.objects.get_or_create(
            case=case, outlet=outlet, defaults={"why": _said(why, "why")[:200]}
        )
        do_record("case.changed", case.id, what="party")
    return party


def do_mark_urgent(actor: Member, case: Case, urgent: bool) -> None:
    """Mark a case whose falsehood may hurt people now."""
    with transaction.atomic():
        Case.objects.filter(pk=case.pk).update(urgent=urgent)
        do_record("case.changed", case.id, what="urgent")


def do_take_duty(actor: Member, case: Case, mine: bool) -> None:
    """Say that you are looking into it, or that you no longer are."""
    with transaction.atomic():
        Case.objects.filter(pk=case.pk).update(duty=actor if mine else None)
        do_record("case.changed", case.id, what="duty")


# --- deciding ----------------------------------------------------------------------------------------------------------


def do_propose_note(
    actor: Member,
    case: Case,
    *,
    rating: str,
    wording: dict[str, str],
    explanation: dict[str, str],
    sources: list[SourceRow],
    as_of: date,
    scope: dict[str, str] | None = None,
    expires: date | None = None,
    reason: dict[str, str] | None = None,
) -> Note:
    """Propose a verdict: for an open case, or a change or withdrawal of a decided one (then `reason` says why)."""
    check_desk_open()
    check_not_party(actor, case)
    _check_note(case, rating, wording, explanation, sources, as_of, expires, reason or {})
    with transaction.atomic():
        note = Note.objects.create(
            case=case,
            by=actor,
            rating=rating,
            wording=_filled(wording),
            explanation=_filled(explanation),
            sources=sources,
            as_of=as_of,
            scope=_filled(scope or {}),
            expires=expires,
            reason=_filled(reason or {}),
        )
        do_record("note.proposed", case.id, note=str(note.id), rating=rating)
    return note


def _check_note(
    case: Case,
    rating: str,
    wording: dict[str, str],
    explanation: dict[str, str],
    sources: list[SourceRow],
    as_of: date,
    expires: date | None,
    reason: dict[str, str],
) -> None:
    decided = case.state == Case.State.DECIDED
    if not decided:
        check_open(case)
    if rating not in SCALE and not (decided and rating == WITHDRAWN):
        raise Refused("rating", Phrase("请选一个结论。", "Please choose a verdict."), field="rating")
    if decided and not _filled(reason):
        raise Refused(
            "reason",
            Phrase(
                "更改或撤回要写明原因，会一并告知问过的人。",
                "A change or withdrawal needs its reason; it is told to everyone who asked.",
            ),
            field="reason",
        )
    if rating == WITHDRAWN:
        return
    if not _filled(wording):
        raise Refused(
            "wording",
            Phrase(
                "请写明所查的说法，中文或英文至少一种。",
                "Please state the claim that was checked, in Chinese or English at least.",
            ),
            field="wording",
        )
    if not _filled(explanation):
        raise Refused(
            "explanation",
            Phrase("请用几句话说明理由。", "Please explain in a few sentences."),
            field="explanation",
        )
    for lang, text in _filled(wording).items():
        check_wording(lang, text)
    if not sources:
        raise Refused(
            "sources",
            Phrase(
                "请至少给出一个来源；单凭某机构否认不足以定论。",
                "Please give at least one source; an institution's denial alone never makes a verdict.",
            ),
            field="sources",
        )
    check_sources(rating, [each.get("url", "") for each in sources])
    if as_of > clock.now().date():
        raise Refused(
            "as-of", Phrase("结论日期不能在将来。", "A verdict cannot be dated in the future."), field="as_of"
        )
    if expires and expires <= as_of:
        raise Refused(
            "expires",
            Phrase("有效期要晚于结论日期。", "The expiry must be later than the verdict's date."),
            field="expires",
        )


def do_approve(actor: Member, note: Note, *, helpful: bool, reason: str = "") -> Decision:
    """Say whether a note is helpful; the last word of each member counts. When the rule is met, the verdict takes effect now."""
    check_desk_open()
    check_not_party(actor, note.case)
    if note.by_id == actor.pk:
        raise Refused(
            "own-note",
            Phrase("自己提出的结论要由别人来核对。", "Others have to check a note you wrote yourself."),
            status=403,
        )
    if not helpful and not reason.strip():
        raise Refused(
            "reason",
            Phrase("请写一句为什么没有帮助。", "Please say in a sentence why it is not helpful."),
            field="reason",
        )
    with transaction.atomic():
        lock_opening()  # first, so that nobody joins the case between the verdict and the list of its askers
        note = Note.objects.select_for_update(of=("self",)).select_related("case").get(pk=note.pk)
        if note.accepted_at is not None:
            raise Refused(
                "accepted", Phrase("这份结论已经通过。", "This note has been accepted already."), status=409
            )
        case = Case.objects.select_for_update().get(pk=note.case_id)
        if case.state not in (Case.State.OPEN, Case.State.DECIDED):
            check_open(case)
        if is_overtaken(note, case):
            raise Refused(
                "overtaken",
                Phrase(
                    "另一份提案已先通过。若仍要改，请针对现在的结论另提，并写明原因。",
                    "Another note was accepted first. To change the verdict in force, please propose that, with its reason.",
                ),
                status=409,
            )
        Approval.objects.create(note=note, by=actor, helpful=helpful, reason=reason.strip()[:500])
        decision = decision_on(note)
        if decision.accepted:
            _publish(note, case, decision)
        else:
            do_record("case.changed", case.id, what="approval")
    return decision


def _publish(note: Note, case: Case, decision: Decision) -> None:
    """The note becomes the verdict. Everyone who asked follows from the new version (cases/telling.py)."""
    verdict = claims.do_publish(
        claim_id=case.claim_id,
        wordings=note.wording,
        rating=note.rating,
        as_of=note.as_of,
        expires=note.expires,
        scope=note.scope,
        explanation=note.explanation,
        reason=note.reason,
        sources=list(note.sources),
        basis={"case": case.code, **decision.as_dict()},
    )
    Note.objects.filter(pk=note.pk).update(accepted_at=clock.now())
    Case.objects.filter(pk=case.pk).update(
        state=Case.State.DECIDED, claim=verdict.claim_id, closed_at=clock.now()
    )
    Asker.objects.filter(case=case, claim__isnull=True).update(claim=verdict.claim_id)
    _teach(verdict.claim_id, case, note)
    do_record("note.accepted", case.id, note=str(note.id))


def _teach(claim_id: UUID, case: Case, note: Note) -> None:
    """What was forwarded becomes wordings of the claim, so that the next forward is recognised; altered versions do not."""
    if note.rating == WITHDRAWN:
        return
    said = list(note.wording.values())
    for variant in case.variants.order_by("-count", "first_at")[:20]:
        if len(variant.text) > LONGEST_WORDING or not normalise(variant.text).text:
            continue  # an article, or nothing but a link or a picture, is no wording
        if not guard.inspect(variant.text, None, said).conflict:
            claims.do_learn_wording(claim_id, variant.lang, variant.text)


def do_link_to_claim(actor: Member, case: Case, claim_id: UUID) -> bool:
    """Say that a case says what a claim of the library says. Once members of two outlets have said so, its askers are told
    that claim's verdict; returns whether that is now."""
    check_desk_open()
    check_not_party(actor, case)
    card = claim_queries.claim_card(claim_id)
    if card is None or not card.answers(clock.now().date()):
        raise Refused(
            "not-in-force",
            Phrase(
                "查证库里的那一条现在没有有效的结论，没有什么可告诉问的人。",
                "That claim has no verdict in force now, so there is nothing to tell those who asked.",
            ),
            status=409,
        )
    with transaction.atomic():
        lock_opening()
        held = _held(case)
        check_open(held)
        first = held.same_as_by if held.same_as_id == claim_id else None
        if first is None or owner_key(first.outlet.owner) == owner_key(actor.outlet.owner):
            Case.objects.filter(pk=case.pk).update(same_as=claim_id, same_as_by=first or actor)
            _remark(actor, case, _SEEMS_SAME)
            do_record("case.changed", case.id, what="link", claim=str(claim_id))
            return False
        closed = {"state": Case.State.DECIDED, "claim": claim_id, "closed_at": clock.now()}
        Case.objects.filter(pk=case.pk).update(**closed)
        Asker.objects.filter(case=case).update(claim=claim_id)
        _remark(actor, case, _IS_SAME)
        do_record("case.closed", case.id, what="linked", claim=str(claim_id))
    return True


_SEEMS_SAME = Phrase(
    "我看这条与查证库中的那一条相同，请另一个账号的成员确认。",
    "I think this is the same as that claim of the library; a member of another outlet should confirm.",
)
_IS_SAME = Phrase("确认与查证库中的那一条相同。", "Confirmed: the same as that claim of the library.")


def _remark(actor: Member, case: Case, phrase: Phrase) -> None:
    Comment.objects.create(case=case, by=actor, text=phrase.say(actor.lang))


def do_close(actor: Member, case: Case, state: str) -> None:
    """Close a case that is no checkable matter of public concern: `opinion` or `private`. Askers are told courteously."""
    check_desk_open()
    check_not_party(actor, case)
    if state not in (Case.State.OPINION, Case.State.PRIVATE):
        raise ValueError(f"a case is closed as opinion or private, not as {state}")
    with transaction.atomic():
        check_open(_held(case))
        Case.objects.filter(pk=case.pk).update(state=state, closed_at=clock.now(), duty=None)
        do_record("case.closed", case.id, what=state)


def do_reopen(actor: Member, case: Case) -> None:
    """Take a case closed as opinion or private up again, for instance because its asker contests that."""
    with transaction.atomic():
        if _held(case).state not in (Case.State.OPINION, Case.State.PRIVATE):
            raise Refused(
                "not-closed",
                Phrase("这个案不需要重新打开。", "This case does not need reopening."),
                status=409,
            )
        Case.objects.filter(pk=case.pk).update(state=Case.State.OPEN, closed_at=None)
        do_record("case.changed", case.id, what="reopened")


# --- merging and splitting ---------------------------------------------------------------------------------------------


def do_merge(actor: Member, case: Case, into: Case) -> None:
    """Join `case` to `into`: its variants, askers, evidence and parties move, and it stays urgent if it was.

    Who asked in both is one asker from then on (asking.do_rekey).
    """
    check_desk_open()
    check_not_party(actor, case)
    with transaction.atomic():
        lock_opening()
        case, into = _held(case), _held(into)
        check_open(case)
        if case.pk == into.pk or into.state == Case.State.MERGED:
            raise Refused(
                "merge",
                Phrase(
                    "请填另一个仍在办的个案的查询码。",
                    "Please give the code of another case that still stands.",
                ),
                field="into",
            )
        Asker.objects.filter(case=case).update(case=into, claim=into.claim_id)
        Variant.objects.filter(case=case).update(case=into)
        Evidence.objects.filter(case=case).update(case=into)
        _copy_parties(case, into)
        Case.objects.filter(pk=case.pk).update(
            state=Case.State.MERGED, merged_into=into, closed_at=clock.now(), askers_count=0
        )
        Case.objects.filter(pk=into.pk).update(
            askers_count=F("askers_count") + case.askers_count, urgent=case.urgent or into.urgent
        )
        do_record("case.closed", case.id, what="merged", into=into.code)
        do_record("case.changed", into.id, what="merged", code=case.code)


def do_split(actor: Member, case: Case, variants: list[UUID]) -> Case:
    """Move these variants, and whoever sent them, into a new case of their own; its parties and its urgency are the same."""
    check_desk_open()
    check_not_party(actor, case)
    with transaction.atomic():
        lock_opening()
        check_open(_held(case))
        chosen = list(case.variants.filter(pk__in=variants))
        if not chosen or len(chosen) == case.variants.count():
            raise Refused(
                "split",
                Phrase(
                    "请选出要分开的版本，并至少留下一个。",
                    "Choose the variants to separate, and leave at least one.",
                ),
                field="variants",
            )
        new = Case.objects.create(code=free_code(), lang=chosen[0].lang, urgent=case.urgent)
        asked = Asker.objects.filter(case=case, variant__in=chosen)
        moved = asked.filter(counted=True).count()
        asked.update(case=new)
        Variant.objects.filter(pk__in=[each.pk for each in chosen]).update(case=new)
        _copy_parties(case, new)
        Case.objects.filter(pk=case.pk).update(askers_count=F("askers_count") - moved)
        Case.objects.filter(pk=new.pk).update(askers_count=moved)
        do_record("case.changed", case.id, what="split", into=new.code)
        do_record("case.opened", new.id, code=new.code)
    return new


def _held(case: Case) -> Case:
    """The case as it is now, locked until the transaction ends: what the actor saw of it may be minutes old."""
    return Case.objects.select_for_update().get(pk=case.pk)


def _copy_parties(case: Case, to: Case) -> None:
    """Whoever was party stays party: no joining or splitting lets them decide."""
    for party in case.parties.all():
        Party.objects.get_or_create(case=to, outlet_id=party.outlet_id, defaults={"why": party.why})


# --- objections --------------------------------------------------------------------------------------------------------


def do_object(
    claim_id: UUID,
    version: int,
    *,
    grounds: str,
    url: str = "",
    lang: str,
    channel: str = "",
    address: str = "",
) -> Objection:
    """Record "this verdict is wrong", from anyone; a person answers it, and tells them if they left an address."""
    with transaction.atomic():
        objection = Objection(
            claim_id=claim_id, verdict_version=version, grounds=_said(grounds, "grounds"), url=url, lang=lang
        )
        if channel and address:
            objection.pseudonym = contacts.do_keep(channel, address, objection.id, lang)
        objection.save()
        do_record("objection.made", claim_id)
    return objection


def do_answer_objection(actor: Member, objection: Objection, answer: str) -> None:
    """Answer an objection in a person's words; shown on the verdict page and told to whoever raised it."""
    with transaction.atomic():
        done = Objection.objects.filter(pk=objection.pk, answered_at__isnull=True).update(
            answer=_said(answer, "answer"), answered_by=actor, answered_at=clock.now()
        )
        if not done:
            raise Refused(
                "answered",
                Phrase("这条异议已有人答复。", "This objection has been answered already."),
                status=409,
            )
        if objection.pseudonym:
            lead = Phrase("关于您提出的异议：", "About your objection: ").say(objection.lang)
            deliveries.do_queue(
                pseudonym=objection.pseudonym,
                kind="objection",
                text=lead + answer.strip(),
                once=f"objection:{objection.pk}",
                about=objection.claim_id,
            )
        do_record("objection.answered", objection.claim_id)


def _said(text: str, field: str) -> str:
    said = clean(text).strip()
    if not said:
        raise Refused("empty", Phrase("这里不能空着。", "Please write something here."), field=field)
    if len(said) > 20_000:
        raise Refused(
            "too-long",
            Phrase(
                "太长了，请控制在 20000 字以内。", "That is too long; please keep it under 20,000 characters."
            ),
            field=field,
        )
    return said


def _filled(texts: dict[str, str]) -> dict[str, str]:
    return {lang: text.strip() for lang, text in texts.items() if text and text.strip()}
