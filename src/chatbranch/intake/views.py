"""The reader's pages: ask, answer, status, objection, forget. Each parses, calls one action, and renders."""

from __future__ import annotations

import base64
import hashlib
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chatbranch.branch.pages import refused
from chatbranch.cases import queries as case_queries
from chatbranch.cases.letters import NO_SUCH_CODE
from chatbranch.claims import passing_on
from chatbranch.claims import queries as claims
from chatbranch.claims.cards import ClaimCard
from chatbranch.contacts import actions as contacts
from chatbranch.deliveries import actions as deliveries
from chatbranch.intake import actions, letters, queries, sealing
from chatbranch.intake.answers import Answer
from chatbranch.intake.checks import LARGEST_FILE
from chatbranch.intake.models import Submission
from chatbranch.intake.readers import COOKIE, email_of, network_of, reader_of, remember
from chatbranch.intake.rules import read
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Attachment, Inbound
from chatbranch.kernel.phrases import Phrase, as_lang

SENT = Phrase(
    "确认邮件已发出，点开其中的链接即可删除。",
    "We have sent you a mail; open the link in it to delete everything.",
)
NO_CODE = Phrase("查询码是四到八位数字。", "A code has four to eight digits.")


def _lang() -> str:
    return as_lang(get_language())


@require_GET
def ask(request: HttpRequest) -> HttpResponse:
    """The first page: one field."""
    return render(request, "intake/ask.html", _ask_context())


def _ask_context() -> dict[str, object]:
    return {"recent": claims.recent(most=5), "message_id": str(ids.new_id()), "mail_works": _mail_works()}


def _mail_works() -> bool:
    return "mail" in settings.CONFIG.connectors


@require_POST
@never_cache
def ask_now(request: HttpRequest) -> HttpResponse:
    """Check what was pasted, then show the answer; a refusal is shown beside the field, with the text kept."""
    reader = reader_of(request)
    try:
        submission, given = actions.do_check(
            _inbound(request, reader), email=email_of(request), network=network_of(request)
        )
    except Refused as refusal:
        kept = {"text": request.POST.get("text", "")[:100_000], "email": request.POST.get("email", "")}
        return refused(request, "intake/ask.html", refusal, **_ask_context(), values=kept)
    if given.outcome == "forgotten":
        return _forgotten(request)
    response = redirect("answer", token=submission.token)
    remember(response, reader)
    return response


def _inbound(request: HttpRequest, reader: str) -> Inbound:
    files = request.FILES.getlist("image")[:3]
    # one byte more than is accepted, so that whoever reads it can tell that it is too large
    attached = tuple(
        Attachment(each.name or "", each.content_type or "", each.read(LARGEST_FILE + 1)) for each in files
    )
    return Inbound(
        channel="web",
        address=reader,
        sender="",
        message_id=_message_id(request, attached),
        text=request.POST.get("text", ""),
        sent_at=clock.now(),
        lang=_lang(),
        attachments=attached,
    )


def _message_id(request: HttpRequest, attached: tuple[Attachment, ...]) -> str:
    """The same for a form sent twice; another one for another question from a page the browser went back to."""
    form = request.POST.get("message_id", "")[:80]
    if not form:
        return str(ids.new_id())
    asked = hashlib.sha256(request.POST.get("text", "").encode("utf-8", "surrogatepass"))
    for each in attached:
        asked.update(hashlib.sha256(each.data).digest())
    return f"{form}:{asked.hexdigest()[:32]}"


@require_GET
@never_cache
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """An answer, with where its case stands now."""
    submission = queries.submission_of(token)
    if submission is None:
        raise Http404
    return render(request, "intake/answer.html", _answer_context(submission))


def _answer_context(submission: Submission) -> dict[str, object]:
    given = Answer(**submission.result)
    case = case_queries.find(given.case["code"]) if given.case else None
    claim_id = case.claim_id if case and case.claim_id else submission.claim_id
    if claim_id is None and given.claim:
        claim_id = UUID(str(given.claim["id"]))
    card = claims.claim_card(claim_id) if claim_id else None
    decided = card is not None and case is not None and case.claim_id is not None
    changed = given.outcome == "answer" and card is not None and card.rating != given.verdict
    return {
        "answer": given,
        "matched": _parts(given),
        "differences": given.differences,
        "card": card,
        "case": case,
        "decided": decided,
        "changed": changed,
        "share_text": _share_text(card) if decided or given.outcome == "answer" else "",
        "status_text": case_queries.status_text(case.code, _lang()) if case else "",
        "token": submission.token,
        "mail_works": _mail_works(),
    }


def _parts(given: Answer) -> dict[str, str] | None:
    """The asker's own text, cut where the matched span starts and ends, with some words around it."""
    if not given.matched:
        return None
    text, start, end = given.matched["text"], given.matched["start"], given.matched["end"]
    return {
        "before": text[max(0, start - 80) : start],
        "span": text[start:end],
        "after": text[end : end + 80],
        "wording": given.matched["wording"],
    }


@require_GET
def answer_feed(request: HttpRequest, token: str) -> HttpResponse:
    """A web feed (Atom, RFC 4287) of one answer: an entry now, and one for each verdict on its case."""
    submission = queries.submission_of(token)
    if submission is None:
        raise Http404
    context = _answer_context(submission)
    given, card = context["answer"], context["card"]
    url = f"{settings.CONFIG.url}{reverse('answer', args=[token])}"
    feed = Atom1Feed(
        title=Phrase("您问的消息", "What you asked").say(_lang()),
        link=url,
        description="",
        feed_url=f"{url}feed/",
        feed_guid=f"{url}feed/",
    )
    assert isinstance(given, Answer)
    feed.add_item(
        given.message.splitlines()[0],
        url,
        given.message,
        unique_id=f"{url}#asked",
        updateddate=submission.received_at,
        pubdate=submission.received_at,
    )
    if isinstance(card, ClaimCard) and (context["decided"] or context["changed"]):
        told = str(context["status_text"] or card.headline(_lang()))
        published = card.published_at
        feed.add_item(
            told.splitlines()[0],
            url,
            told,
            unique_id=f"{url}#v{card.version}",
            updateddate=published,
            pubdate=published,
        )
    return HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


@require_http_methods(["GET"])
@never_cache
def status(request: HttpRequest, code: str = "") -> HttpResponse:
    """Where a case stands, for whoever types its code."""
    typed = (code or request.GET.get("code", "")).strip()
    code = read(typed).code
    case = case_queries.find(code)
    if typed and case is None:
        return refused(request, "intake/status.html", _no_such(code), values={"code": typed[:20]})
    card = claims.claim_card(case.claim_id) if case and case.claim_id else None
    text = case_queries.status_text(code, _lang()) if case else ""
    shown = {"code": code, "text": text, "case": case, "card": card, "share_text": _share_text(card)}
    return render(request, "intake/status.html", shown)


def _no_such(code: str) -> Refused:
    """Why what was typed leads nowhere; `code` is empty where it is none."""
    if code:
        return Refused("no-such-code", NO_SUCH_CODE, field="code", status=404, code=code)
    return Refused("no-code", NO_CODE, field="code")


def _share_text(card: ClaimCard | None) -> str:
    """A text to pass on, while there is a verdict and it holds."""
    if card is None or not card.answers(clock.now().date()):
        return ""
    return passing_on.kind_text(card, _lang(), url=passing_on.code_url(settings.CONFIG.url, card.code))


def on_claim_page(request: HttpRequest, card: ClaimCard) -> dict[str, object]:
    """What asking adds to a claim's page: objections answered, where to object."""
    return {
        "objections": case_queries.answered_objections(card.id),
        "object_url": reverse("object", args=[card.id]),
        "object_form": "intake/_object_form.html",
        "mail_works": _mail_works(),
    }


@require_POST
def object_now(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """ "This verdict is wrong": recorded, and answered by a person; a refusal keeps what was typed."""
    card = claims.claim_card(claim_id)
    if card is None:
        raise Http404
    reader = reader_of(request)
    try:
        _object(request, card, reader)
    except Refused as refusal:
        typed = {name: request.POST.get(name, "")[:25_000] for name in ("grounds", "url", "email")}
        context = {"card": card, "object_url": request.path, "mail_works": _mail_works()}
        return refused(request, "intake/object.html", refusal, **context, values=typed)
    response = render(request, "intake/objected.html", {"card": card})
    remember(response, reader)
    return response


def _object(request: HttpRequest, card: ClaimCard, reader: str) -> None:
    email = email_of(request)
    url = request.POST.get("url", "").strip()
    if url and not url.startswith(("http://", "https://")):
        raise Refused(
            "url",
            Phrase("链接要以 http:// 或 https:// 开头。", "The link must start with http:// or https://."),
            field="url",
        )
    actions.do_object(
        card.id,
        card.version,
        grounds=request.POST.get("grounds", ""),
        url=url[:2000],
        lang=_lang(),
        channel="mail" if email else "web",
        address=email or reader,
        network=network_of(request),
    )


@require_http_methods(["GET", "POST"])
@never_cache
def forget(request: HttpRequest) -> HttpResponse:
    """Forget this browser's reader at once; an e-mail address after its holder confirms it by mail."""
    if request.method == "GET":
        return render(request, "intake/forget.html", {"mail_works": _mail_works()})
    if "email" not in request.POST:
        actions.do_forget("web", reader_of(request))
        return _forgotten(request)
    email = email_of(request)
    if not email:
        raise Refused(
            "email", Phrase("请填写要忘记的邮箱。", "Please give the address to forget."), field="email"
        )
    _send_confirmation(email)
    return render(request, "intake/forget.html", {"done": SENT.say(_lang())})


def _forgotten(request: HttpRequest) -> HttpResponse:
    response = render(request, "intake/forget.html", {"done": letters.FORGOTTEN.say(_lang())})
    response.delete_cookie(COOKIE, samesite="Lax")
    return response


def _send_confirmation(email: str) -> None:
    sealed = base64.urlsafe_b64encode(sealing.seal(email.encode(), "forget")).decode()
    link = f"{settings.CONFIG.url}{reverse('forget-mail', args=[signing.dumps(sealed, salt='forget')])}"
    text = Phrase(
        "点开下面的链接，就会删除您的邮箱和提问关联（一天内有效）：",
        "Open this link to delete your address and the link to your questions (valid for a day):",
    ).say(_lang())
    with transaction.atomic():
        pseudonym = contacts.do_keep("mail", email, contacts.day_scope(clock.now().date()), _lang(), days=1)
        once = (
            f"confirm:{pseudonym}:{clock.now():%Y-%m-%dT%H}"  # one an hour, however often anybody asks for it
        )
        deliveries.do_queue(pseudonym=pseudonym, kind="confirm", text=f"{text}\n{link}", once=once)


@require_http_methods(["GET", "POST"])
@never_cache
def forget_mail(request: HttpRequest, signed: str) -> HttpResponse:
    """The link in that mail: a page with one button, so that a mail scanner that opens links forgets nobody."""
    try:
        sealed = signing.loads(signed, salt="forget", max_age=86_400)
        email = sealing.unseal(base64.urlsafe_b64decode(sealed), "forget").decode()
    except Exception as error:  # every way a link can be damaged ends in the same words
        raise Refused(
            "link-is-over",
            Phrase(
                "这个链接已过期或不完整，请重新申请。",
                "This link has expired or is incomplete; please ask for a new one.",
            ),
            status=410,
        ) from error
    if request.method == "POST":
        actions.do_forget("mail", email)
        return render(request, "intake/forget.html", {"done": letters.FORGOTTEN.say(_lang())})
    return render(request, "intake/forget.html", {"confirm": True})
