"""The log's public pages: what it is, one entry with its proof, and the proof as a file."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from chatbranch.branch.access import member_of, member_required
from chatbranch.branch.pages import lang_of, refused, say
from chatbranch.claims.cards import ClaimCard
from chatbranch.kernel import ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.publiclog import names, queries
from chatbranch.publiclog.actions import do_note_request
from chatbranch.publiclog.effect import holds_verdicts_back
from chatbranch.publiclog.entries import ASKING, ASKS
from chatbranch.publiclog.witnessing import waits_too_long

MOST = 30


@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """The log as a whole: its name, key and size, and the newest entries. ?before=N for the ones before."""
    wanted = request.GET.get("before", "")
    before = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 16 else None
    lines = queries.entries_before(before, MOST)
    context = {
        "state": queries.state(),
        "url": f"{settings.CONFIG.url}/log",
        "lines": [(each, names.kind(each.kind, lang_of(request))) for each in lines],
        "next": lines[-1].index if lines and lines[-1].index else None,
    }
    return render(request, "publiclog/log.html", context)


@require_safe
def entry(request: HttpRequest, index: int) -> HttpResponse:
    """One entry with its proof, which the reader's own browser verifies."""
    shown = queries.logged(index)
    if shown is None:
        raise Http404
    lang = lang_of(request)
    context = {
        "shown": shown,
        "kind": names.kind(shown.entry.kind, lang),
        "facts": names.facts(shown.entry, lang),
        "state": queries.state(shown.checkpoint_size),
        "url": f"{settings.CONFIG.url}/log",
    }
    return render(request, "publiclog/entry.html", context)


@require_safe
def proof_file(request: HttpRequest, index: int, ending: str) -> HttpResponse:
    """The proof as a file (C2SP tlog-proof); .spicy is its short name."""
    proof = queries.proof(index)
    if proof is None:
        raise Http404
    response = HttpResponse(proof.text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{index}.{ending}"'
    response["Access-Control-Allow-Origin"] = "*"
    response["Cache-Control"] = "no-cache"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def requests(request: HttpRequest) -> HttpResponse:
    """Requests from outside to change or remove something: what was noted, and the form to note one."""
    actor, lang = member_of(request), lang_of(request)
    context = {
        "rows": [
            (each, names.word(each.by, lang), names.word(each.asks, lang)) for each in queries.requests(actor)
        ],
        "asks": [(code, names.word(code, lang)) for code in ASKS],
        "asking": [(code, names.word(code, lang)) for code in ASKING],
    }
    if request.method != "POST":
        return render(request, "publiclog/requests.html", context)
    form = request.POST
    named = form.get("claim", "").strip().rstrip("/").rpartition("/")[2]
    try:
        claim = ids.read_id(named)
        if named and claim is None:
            raise Refused("no-such-claim", _NO_CLAIM, field="claim")
        do_note_request(
            actor, asks=form.get("asks", ""), by=form.get("by", ""), text=form.get("text", ""), claim_id=claim
        )
    except Refused as error:
        return refused(request, "publiclog/requests.html", error, **context)
    messages.success(
        request, say(request, "记下了，公开日志里马上就有。", "Noted; the public log has it in a moment.")
    )
    return redirect("requests")


def proof_on_claim_page(request: HttpRequest, card: ClaimCard) -> dict[str, object]:
    """What the log adds to a claim's page: the proof of the verdict shown. Others' verdicts have none here."""
    index = None if card.origin else queries.index_of(card.id, card.version)
    logged = None if index is None else queries.logged(index)
    if logged is None or logged.proof is None:
        return {}
    return {
        "logged": logged,
        "state": queries.state(logged.checkpoint_size),
        "proof_part": "publiclog/_on_claim.html",
    }


def witnessing_alarm() -> tuple[Phrase, str] | None:
    """What members read on the desk while entries wait too long for their witnesses."""
    return (_WAITS, reverse("log")) if waits_too_long() else None


def effect_alarm() -> tuple[Phrase, str] | None:
    """What members read on the desk while verdicts wait for the log."""
    return (_HELD_BACK, reverse("log")) if holds_verdicts_back() else None


_NO_CLAIM = Phrase(
    "没有认出是哪一条，请贴上它的网址，或留空。",
    "It is not clear which claim you mean; paste the address of its page, or leave this empty.",
)
_HELD_BACK = Phrase(
    "有结论在等公开日志，写进去之前不会生效。请管机器的人看看，原因写在 worker 的运行记录里。",
    "Verdicts are waiting for the public log, and take effect only once they are in it. Whoever looks after the machinery should look: "
    "the worker's log says why.",
)
_WAITS = Phrase(
    "公开日志已有一天多没有得到两个见证的会签，请管机器的人看看。",
    "The public log has waited for its witnesses for more than a day; whoever looks after the machinery should have a look.",
)
