"""Matters at the desk: for the outlet that one is about, for its jurors, and for the members who see to it. Each form is one action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatbranch.branch.access import member_of, rater_of, rater_required, steward_required
from chatbranch.branch.models import Member
from chatbranch.branch.pages import lang_of, refused
from chatbranch.branch.queries import is_member, is_steward
from chatbranch.conduct import actions, code, queries
from chatbranch.conduct.measures import Measure
from chatbranch.conduct.models import Evidence, Matter, Reply
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

Form = Any


@require_safe
@rater_required
def matters(request: HttpRequest) -> HttpResponse:
    """What there is, what waits for the looker first."""
    actor = rater_of(request)
    context = {"rows": queries.listed(actor), "steward": is_steward(actor)}
    return render(request, "conduct/matters.html", context)


def appeal_alarm() -> tuple[Phrase, str] | None:
    """What members read on the desk while an appeal waits too long."""
    return (_LATE_APPEAL, reverse("conduct-matters")) if queries.is_an_appeal_late() else None


@require_http_methods(["GET", "HEAD", "POST"])
@steward_required
def edition(request: HttpRequest) -> HttpResponse:
    """A steward writes down the next edition of the code, clause by clause, from the present one."""
    newest = code.editions()[0]
    present = {
        f"{short}-{number}": texts[lang]
        for number, texts in newest.clauses.items()
        for short, lang in (("zh", "zh-Hans"), ("en", "en"))
    }
    typed = request.POST if request.method == "POST" else present
    rows = [
        _Clause(str(place), typed.get(f"zh-{place}", "").strip(), typed.get(f"en-{place}", "").strip())
        for place in range(1, len(newest.clauses) + _MORE_CLAUSES + 1)
    ]
    page = {"rows": rows, "version": newest.version + 1}
    if request.method != "POST":
        return render(request, "conduct/edition.html", page)
    clauses = {each.number: {"zh-Hans": each.zh, "en": each.en} for each in rows if each.zh or each.en}
    try:
        actions.do_publish_edition(member_of(request), clauses)
    except Refused as error:
        return refused(request, "conduct/edition.html", error, **page)
    messages.success(request, _PUBLISHED.say(lang_of(request)))
    return redirect("code-of-conduct")


@dataclass(frozen=True)
class _Clause:
    """A clause of the form: its number, and its words in both languages."""

    number: str
    zh: str
    en: str


@require_safe
@rater_required
def matter(request: HttpRequest, key: UUID) -> HttpResponse:
    """One matter: what happens now, what next, until when, and what the looker can do."""
    return render(request, "conduct/matter.html", _context(request, key))


def _context(request: HttpRequest, key: UUID) -> dict[str, Any]:
    actor = rater_of(request)
    page = queries.page(actor, key)
    if page is None:
        raise Http404
    return {
        "page": page,
        "matter": page.matter,
        "state": page.progress.state.value,
        "measures": list(Measure),
        "me": str(actor.pk),
        "may_appeal": page.progress.may_appeal(clock.now()),
        "inside": is_member(actor),
    }


@require_POST
@rater_required
def do(request: HttpRequest, key: UUID, deed: str) -> HttpResponse:
    """One of the page's forms; a refusal shows the page again, with what was typed in its place."""
    if deed not in DEEDS:
        raise Http404
    actor, about = rater_of(request), get_object_or_404(Matter, pk=key)
    action, done = DEEDS[deed]
    try:
        action(actor, about, request.POST)
    except Refused as error:
        return refused(request, "conduct/matter.html", error, failed=deed, **_context(request, key))
    messages.success(request, done.say(lang_of(request)))
    return redirect("conduct-matter", key=key)


def _screen(actor: Member, about: Matter, form: Form) -> None:
    actions.do_screen(actor, about, form.get("how", ""), form.get("reason", ""))


def _take_up(actor: Member, about: Matter, form: Form) -> None:
    actions.do_take_up_again(actor, about, form.get("reason", ""))


def _open(actor: Member, about: Matter, form: Form) -> None:
    said = {name: form.get(name, "") for name in ("passage", "clause", "posted")}
    actions.do_open(actor, about, **said)


def _evidence(actor: Member, about: Matter, form: Form) -> None:
    actions.do_add_evidence(
        actor,
        about,
        url=form.get("url", "").strip(),
        text=form.get("text", ""),
        note=form.get("note", ""),
        sealed=form.get("sealed") == "yes",
    )


def _let_go(actor: Member, about: Matter, form: Form) -> None:
    actions.do_let_go(
        actor, get_object_or_404(Evidence, pk=ids.read_id(form.get("evidence", "")), matter=about)
    )


def _ask(actor: Member, about: Matter, form: Form) -> None:
    del form
    actions.do_ask(actor, about)


def _reply(actor: Member, about: Matter, form: Form) -> None:
    actions.do_reply(actor, about, form.get("text", ""), all_said=form.get("all") == "yes")


def _extend(actor: Member, about: Matter, form: Form) -> None:
    del form
    actions.do_extend(actor, about)


def _correct(actor: Member, about: Matter, form: Form) -> None:
    actions.do_correct(actor, about, form.get("correction", ""))


def _appeal(actor: Member, about: Matter, form: Form) -> None:
    actions.do_appeal(actor, about, form.get("grounds", ""))


def _mask(actor: Member, about: Matter, form: Form) -> None:
    reply = get_object_or_404(Reply, pk=ids.read_id(form.get("reply", "")), matter=about)
    actions.do_mask(actor, reply, form.get("words", ""), form.get("why", ""))


def _vote(actor: Member, about: Matter, form: Form) -> None:
    said = form.get("broken", "")
    if said not in ("yes", "no"):
        raise Refused("not-chosen", _CHOOSE, field="broken")
    days = form.get("days", "")
    actions.do_vote(
        actor,
        about,
        broken=said == "yes",
        reasons=form.get("reasons", ""),
        measure=form.get("measure", ""),
        days=int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0,
        intent=form.get("intent") == "yes",
    )


def _step_aside(actor: Member, about: Matter, form: Form) -> None:
    actions.do_step_aside(actor, about, form.get("why", ""))


def _state(actor: Member, about: Matter, form: Form) -> None:
    actions.do_state(actor, about, form.get("facts", ""))


def _approve(actor: Member, about: Matter, form: Form) -> None:
    del form
    actions.do_approve(actor, about)


DEEDS: dict[str, tuple[Callable[[Member, Matter, Form], None], Phrase]] = {
    "screen": (_screen, Phrase("已办结，投诉人会看到理由。", "Closed; the complainant sees the reason.")),
    "take-up": (_take_up, Phrase("重新打开了。", "Taken up again.")),
    "open": (_open, Phrase("已受理，账号已收到通知。", "Opened; the outlet has been told.")),
    "evidence": (_evidence, Phrase("材料已记下。", "The evidence is recorded.")),
    "let-go": (_let_go, Phrase("材料内容已删，哈希还在。", "The evidence is erased; its hash stays.")),
    "ask": (_ask, Phrase("已请账号作答。", "The outlet is asked for its answer.")),
    "reply": (_reply, Phrase("答复已记下，一字不改。", "Your reply is recorded, word for word.")),
    "extend": (_extend, Phrase("已延长七个工作日。", "You have another seven working days.")),
    "correct": (
        _correct,
        Phrase("谢谢，事项就此了结，不算认定。", "Thank you. The matter is closed, and is no finding."),
    ),
    "appeal": (
        _appeal,
        Phrase("申诉已收到，处理从现在起暂停。", "Your appeal is here; the measure rests from now on."),
    ),
    "mask": (_mask, Phrase("已遮盖，看得出遮了多少。", "Masked; how much is plain to see.")),
    "vote": (_vote, Phrase("您的票和理由已记下。", "Your vote and your reasons are recorded.")),
    "step-aside": (
        _step_aside,
        Phrase("您已退出，由下一位接替。", "You have stepped aside; the next takes your place."),
    ),
    "state": (_state, Phrase("写好了，等另一位评议员署定。", "Written; another juror has to stand by it.")),
    "approve": (
        _approve,
        Phrase(
            "已署定。写入公开日志后才生效。",
            "Decided. It takes effect once it is proved to be in the public log.",
        ),
    ),
}


_MORE_CLAUSES = 3
_PUBLISHED = Phrase(
    "新的一版已发布，成员都收到通知了。", "The new edition is published, and the members have been told."
)
_LATE_APPEAL = Phrase(
    "有申诉等了三十天还没有决定。满九十天仍未决定，原来的处理就撤销。",
    "An appeal has waited thirty days for its decision. After ninety without one, the measure is reversed.",
)
_CHOOSE = Phrase("请选一项。", "Please choose one.")
