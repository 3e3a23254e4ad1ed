"""The public API, version 1: ask, come back to an answer, look a case up. Described in openapi.py."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from chatbranch.cases import queries as cases
from chatbranch.cases.letters import shown_askers
from chatbranch.intake import actions, queries
from chatbranch.intake.openapi import DESCRIPTION
from chatbranch.intake.readers import network_of
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Inbound
from chatbranch.kernel.phrases import LANGS, Phrase, as_lang
from chatbranch.kernel.text import clean

LARGEST = 1_000_000


@csrf_exempt
@require_POST
def checks(request: HttpRequest) -> JsonResponse:
    """POST /api/v1/checks: one message in, one answer object out."""
    asked = _read(request)
    text = _string(asked, "text", required=True)
    lang = _string(asked, "lang")
    if asked.get("lang") is not None and lang not in LANGS:
        raise _wrong("lang", "lang 只能是 zh-Hans、zh-Hant 或 en。", "lang must be zh-Hans, zh-Hant or en.")
    asker = clean(_string(asked, "asker"))[:200]
    inbound = Inbound(
        channel="api",
        address=asker
        or ids.new_token(),  # never the internet address: an asker's pseudonym would hold on to it
        sender="",
        message_id=_string(asked, "id")[:200] or str(ids.new_id()),
        text=text,
        sent_at=clock.now(),
        lang=lang,
    )
    submission, answer = actions.do_check(inbound, network=network_of(request))
    return JsonResponse(
        {"id": submission.token, **answer.as_dict()}, json_dumps_params={"ensure_ascii": False}
    )


@csrf_exempt  # nothing is changed here, and a wrong method is to be answered as such
@require_GET
def check(request: HttpRequest, token: str) -> JsonResponse:
    """GET /api/v1/checks/<id>: the answer as it was given, and where its case stands now."""
    found = queries.answer_of(token)
    if found is None:
        raise Refused(
            "not-found",
            Phrase(
                "没有这条记录，可能已过期或已删除。",
                "There is no such answer; it may have expired or been deleted.",
            ),
            status=404,
        )
    return JsonResponse({"id": token, **found.as_dict()}, json_dumps_params={"ensure_ascii": False})


@csrf_exempt  # nothing is changed here, and a wrong method is to be answered as such
@require_GET
def case(request: HttpRequest, code: str) -> JsonResponse:
    """GET /api/v1/cases/<code>: where a case stands, in words."""
    lang = as_lang(get_language())
    found = cases.find(code)
    if found is None:
        raise Refused(
            "not-found", Phrase("没有查询码“{code}”。", 'There is no code "{code}".'), status=404, code=code
        )
    values = {
        "code": found.code,
        "state": found.state,
        "askers": shown_askers(found.askers_count),
        "opened": found.opened_at.isoformat(),
        "claim": str(found.claim_id) if found.claim_id else None,
        "message": cases.status_text(code, lang),
    }
    return JsonResponse(values, json_dumps_params={"ensure_ascii": False})


@require_GET
def openapi(request: HttpRequest) -> JsonResponse:
    """GET /api/v1/openapi.json."""
    return JsonResponse(DESCRIPTION, json_dumps_params={"ensure_ascii": False})


def not_found(request: HttpRequest, rest: str = "") -> JsonResponse:
    """Anything else under /api/."""
    raise Refused(
        "no-such-address",
        Phrase(
            "接口里没有这个地址。说明见 /api/v1/openapi.json。",
            "The API has no such address. See /api/v1/openapi.json.",
        ),
        status=404,
    )


def _read(request: HttpRequest) -> dict[str, Any]:
    if (request.content_type or "").lower() != "application/json":
        raise Refused(
            "not-json", Phrase("请以 application/json 发送。", "Please send application/json."), status=415
        )
    try:
        asked = json.loads(_body(request).decode("utf-8"))
    except UnicodeDecodeError:
        raise Refused("not-utf8", Phrase("请用 UTF-8 编码发送。", "Please send it in UTF-8.")) from None
    except (ValueError, RecursionError):
        raise Refused("not-json", Phrase("这不是完整的 JSON。", "That is not valid JSON.")) from None
    if not isinstance(asked, dict):
        raise Refused(
            "not-object", Phrase("请发送一个带 text 的 JSON 对象。", "Please send a JSON object with a text.")
        )
    return asked


def _body(request: HttpRequest) -> bytes:
    try:
        body = request.body
    except RequestDataTooBig:  # not even read
        body = None
    if body is None or len(body) > LARGEST:
        raise Refused(
            "too-long",
            Phrase(
                "内容超过 1 MB。请只发要查的那一段。",
                "That is over 1 MB. Please send just the part to check.",
            ),
            status=413,
        )
    return body


def _string(asked: dict[str, Any], name: str, *, required: bool = False) -> str:
    value = asked.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise _wrong(name, f"“{name}” 要是一段文字。", f"“{name}” must be a string.")
    return value


def _wrong(field: str, zh: str, en: str) -> Refused:
    return Refused("wrong-shape", Phrase(zh, en), status=422, field=field)
