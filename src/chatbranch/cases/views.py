"""The desk: parse, call one action, render. Every page here is for members only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from chatbranch.branch import queries as branch
from chatbranch.branch.access import member_of, member_required
from chatbranch.branch.models import Member
from chatbranch.branch.pages import lang_of, refused, say
from chatbranch.cases import actions, correcting, desk, files, forms, queries
from chatbranch.cases.models import Case, Evidence, Objection, Variant
from chatbranch.cases.rules import STATES
from chatbranch.claims.rules import SCALE
from chatbranch.consensus.reasons import SHOWN
from chatbranch.deliveries import actions as deliveries
from chatbranch.deliveries import queries as ledger
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.matching.actions import choice_of, no_such_claim, said_of

_A_PAGE = 50
_TOO_BIG = Phrase("文件请不超过 10 MB。", "A file may have at most 10 MB.")
_WHICH_OUTLET = Phrase("请选一个账号。", "Please choose an outlet.")
_WHICH_CASE = Phrase("没有这个查询码的个案。", "There is no case with this code.")


Alarm = Callable[[], tuple[Phrase, str] | None]
_alarms: list[Alarm] = []


def add_alarm(alarm: Alarm) -> None:
    """Let a slice above say on the desk that something is amiss: a phrase and where it leads, or None while all is well."""
    _alarms.append(alarm)


@require_safe
@member_required
def queue(request: HttpRequest) -> HttpResponse:
    """The queue, in its order and with the reason for each place; ?state= shows closed cases."""
    actor, state = member_of(request), request.GET.get("state", Case.State.OPEN)
    if state not in STATES:
        raise Http404
    counts = queries.queue_counts(actor)
    context = {
        "rows": queries.queue(actor, state=state),
        "state": state,
        "states": [(code, phrase, counts.get(code, 0)) for code, phrase in STATES.items()],
        "objections": counts["objections"],
        "declared": queries.declared_parties(actor),
        "waiting": len(queries.waiting_notes(actor)),
        "alone": not branch.desk_is_open(),
        "alarms": [found for alarm in _alarms if (found := alarm())],
    }
    return render(request, "cases/queue.html", context)


@require_safe
@member_required
def case(request: HttpRequest, code: str) -> HttpResponse:
    return render(request, "cases/case.html", case_context(request, code))


def case_context(request: HttpRequest, code: str, **more: Any) -> dict[str, Any]:
    """What the case page shows to whoever looks."""
    actor = member_of(request)
    page = desk.case_page(actor, code)
    return {
        "page": page,
        "case": page.case,
        "state_name": STATES[page.case.state],
        "note_form": desk.prefilled(page),
        "ratings": list(SCALE),
        "reasons": SHOWN,
        "outlets": branch.outlets(actor),
        "me": actor,
        "alone": not branch.desk_is_open(),
        "panel": correcting.panel(page.case, lang_of(request)),
        "why": {"why": page.case.why, "probability": page.case.why.get("probability")},
        **more,
    }


def _do(form: str, what: Callable[..., str]) -> Callable[..., HttpResponse]:
    """A view for one of the case page's forms: a refusal shows the page again, with what was typed in its place.

    Of several forms of a kind, each is about the row that `key` names, handed on to `what`.
    """

    @require_POST
    @member_required
    def view(request: HttpRequest, /, code: str, **key: int) -> HttpResponse:
        subject = get_object_or_404(Case, code=code)
        failed = "-".join([form, *map(str, key.values())])
        try:
            said = what(request, member_of(request), subject, **key)
        except Refused as error:
            page = case_context(request, code)
            if form == "note":
                page["note_form"]["sources"] = forms.source_rows(request.POST)
            return refused(request, "cases/case.html", error, failed=failed, **page)
        if said:
            messages.success(request, said)
        return redirect("case", code=code)

    return view


def _comment(request: HttpRequest, actor: Member, subject: Case) -> str:
    actions.do_comment(actor, subject, request.POST.get("text", ""))
    return ""


def _evidence(request: HttpRequest, actor: Member, subject: Case) -> str:
    url, upload = request.POST.get("url", "").strip(), request.FILES.get("file")
    if upload is not None and (upload.size or 0) > forms.BIGGEST_FILE:
        raise Refused("too-big", _TOO_BIG, field="file", status=413)
    data = upload.read() if upload is not None else b""
    if data:
        actions.check_desk_open()
        files.keep(data)
    actions.do_add_evidence(
        actor,
        subject,
        url=forms.web_address(url, "url") if url else "",
        quote=request.POST.get("quote", "").strip(),
        note=request.POST.get("note", "").strip(),
        file=data,
        file_name=(upload.name or "") if upload is not None else "",
    )
    return say(request, "证据已记下。", "The evidence is recorded.")


def _note(request: HttpRequest, actor: Member, subject: Case) -> str:
    actions.do_propose_note(actor, subject, **forms.note_of(request.POST))
    return say(
        request,
        "结论提案已提出，等其他账号的成员核对。",
        "The note is proposed; members of other outlets check it now.",
    )


def _urgent(request: HttpRequest, actor: Member, subject: Case) -> str:
    actions.do_mark_urgent(actor, subject, request.POST.get("urgent") == "yes")
    return ""


def _duty(request: HttpRequest, actor: Member, subject: Case) -> str:
    actions.do_take_duty(actor, subject, request.POST.get("mine") == "yes")
    return ""


def _party(request: HttpRequest, actor: Member, subject: Case) -> str:
    chosen = [each for each in branch.outlets(actor) if str(each.pk) == request.POST.get("outlet")]
    if not chosen:
        raise Refused("outlet", _WHICH_OUTLET, field="outlet")
    actions.do_declare_party(actor, subject, chosen[0], request.POST.get("why", ""))
    return say(
        request,
        "已记下：{outlet}不参与裁定。",
        "Noted: {outlet} does not decide on this case.",
        outlet=chosen[0].name,
    )


def _undo_party(request: HttpRequest, actor: Member, subject: Case, key: int) -> str:
    declared = get_object_or_404(subject.parties.select_related("outlet"), pk=key)
    actions.do_undo_party(actor, declared, request.POST.get("undone_why", ""))
    return say(
        request,
        "已撤销：{outlet}又可以参与裁定。声明和撤销都留在记录里。",
        "Taken back: {outlet} may decide on this case again. Both stay on record.",
        outlet=declared.outlet.name,
    )


def _answer_party(request: HttpRequest, actor: Member, subject: Case, key: int) -> str:
    declared = get_object_or_404(subject.parties.select_related("outlet"), pk=key)
    actions.do_answer_party(actor, declared, request.POST.get("reply", ""))
    return say(request, "答复已写在旁边。", "Your answer now stands beside it.")


def _close(request: HttpRequest, actor: Member, subject: Case) -> str:
    state = request.POST.get("as", "")
    if state not in (Case.State.OPINION, Case.State.PRIVATE):
        raise Http404
    actions.do_close(actor, subject, state)
    return say(
        request, "已办结，问过的人会收到一句说明。", "Closed; everyone who asked is told why, courteously."
    )


def _reopen(request: HttpRequest, actor: Member, subject: Case) -> str:
    actions.do_reopen(actor, subject, request.POST.get("why", ""))
    return say(request, "已重新打开。", "Open again.")


def _merge(request: HttpRequest, actor: Member, subject: Case) -> str:
    into = Case.objects.filter(code=request.POST.get("into", "").strip()).first()
    if into is None:
        raise Refused("merge", _WHICH_CASE, field="into")
    actions.do_merge(actor, subject, into)
    return say(request, "已并入个案 {code}。", "Joined to case {code}.", code=into.code)


def _split(request: HttpRequest, actor: Member, subject: Case) -> str:
    new = actions.do_split(actor, subject, forms.ids_of(request.POST, "variants"))
    return say(
        request, "选出的版本已另立个案 {code}。", "The variants you chose are now case {code}.", code=new.code
    )


def _correct(request: HttpRequest, actor: Member, subject: Case) -> str:
    said = choice_of(request.POST.get("is", ""), request.POST.get("at", ""))
    if said is None:
        raise no_such_claim()
    corrected, told = actions.do_correct_match(
        actor, subject, *said, note=request.POST.get("note", ""), keep=request.POST.get("keep") == "yes"
    )
    if told:
        return say(
            request,
            "已认定为同一条，问过的人会收到那条结论。",
            "Taken as the same; everyone who asked gets that verdict.",
        )
    return said_of(corrected.came).say(lang_of(request))


comment = _do("comment", _comment)
evidence = _do("evidence", _evidence)
note = _do("note", _note)
urgent = _do("urgent", _urgent)
duty = _do("duty", _duty)
party = _do("party", _party)
undo_party = _do("undo-party", _undo_party)
answer_party = _do("answer-party", _answer_party)
close = _do("close", _close)
reopen = _do("reopen", _reopen)
merge = _do("merge", _merge)
split = _do("split", _split)
correct = _do("correct", _correct)


@require_safe
@member_required
def file(request: HttpRequest, digest: str) -> HttpResponse:
    """A file brought as evidence or forwarded: pictures shown, everything else only to be saved."""
    kept = Evidence.objects.filter(file=digest).first()
    path = files.path_of(digest)
    if not (kept or Variant.objects.filter(image=digest).exists()) or not path.is_file():
        raise Http404
    data = path.read_bytes()
    kind = _picture(data)
    response = HttpResponse(data, content_type=kind or "application/octet-stream")
    name = kept.file_name if kept else digest
    response.headers["Content-Disposition"] = content_disposition_header(not kind, name) or "inline"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


@require_safe
@member_required
def objections(request: HttpRequest) -> HttpResponse:
    return render(
        request, "cases/objections.html", {"objections": queries.open_objections(member_of(request))}
    )


@require_POST
@member_required
def answer_objection(request: HttpRequest, key: UUID) -> HttpResponse:
    """A person's answer to an objection."""
    actor, objection = member_of(request), get_object_or_404(Objection, pk=key)
    try:
        actions.do_answer_objection(actor, objection, request.POST.get("answer", ""))
    except Refused as error:
        context = {"objections": queries.open_objections(actor), "failed": f"objection-{key}"}
        return refused(request, "cases/objections.html", error, **context)
    messages.success(request, say(request, "已答复。", "Answered."))
    return redirect("objections")


@require_safe
@member_required
def delivery_ledger(request: HttpRequest) -> HttpResponse:
    """What left the house: queued, sent, failed because; ?case=<code> for one case."""
    actor, lang = member_of(request), lang_of(request)
    code, state = request.GET.get("case", ""), request.GET.get("state", "")
    subject = get_object_or_404(Case, code=code) if code else None
    about = (subject.claim_id or subject.pk) if subject else None
    before = next(iter(forms.ids_of(request.GET, "before")), None)
    known = state if state in ("queued", "sent", "failed") else None
    entries = ledger.ledger(actor, about=about, state=known, before=before, most=_A_PAGE + 1)
    named = queries.subjects((entry.about for entry in entries), lang)
    context = {
        "entries": [
            (entry, entry.name(lang), entry.say(lang), named.get(entry.about) if entry.about else None)
            for entry in entries[:_A_PAGE]
        ],
        "next": entries[_A_PAGE - 1].id if len(entries) > _A_PAGE else None,
        "tallies": ledger.counts(actor, about=about),
        "state": known or "",
        "code": code,
    }
    return render(request, "cases/deliveries.html", context)


@require_POST
@member_required
def retry_delivery(request: HttpRequest, key: UUID) -> HttpResponse:
    deliveries.do_retry(member_of(request), key)
    messages.success(request, say(request, "已重新排队。", "Queued again."))
    return redirect("deliveries")


_PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


def _picture(data: bytes) -> str:
    """The media type of a picture by its first bytes, never by its name; empty for anything else (SVG runs scripts)."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _PICTURES.items() if data.startswith(start)), "")
