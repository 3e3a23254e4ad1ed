"""The chat box for members' own sites: one small script that opens the chat page in a frame (docs/howto/widget.md)."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import condition, require_safe

from chatbranch.kernel.phrases import LANGS, Phrase

WORDS = {
    "open": Phrase("真的假的？问一问", "True or false? Ask"),
    "title": Phrase("问一问", "Ask"),
    "apart": Phrase("新窗口打开", "New window"),
    "close": Phrase("关闭", "Close"),
    "trouble": Phrase(
        "这里暂时打不开。请点“新窗口打开”。", "It cannot be opened here just now. Please use “New window”."
    ),
}
AN_HOUR, A_YEAR = 3600, 31_536_000  # seconds a browser keeps it: without a version in its address, and with


@cache
def script() -> bytes:
    """The script, with its look and its words in."""
    here = Path(__file__).parent
    look = re.sub(r"\s+", " ", (here / "widget.css").read_text(encoding="utf-8")).replace("`", "")
    words = {lang: {key: phrase.say(lang) for key, phrase in WORDS.items()} for lang in LANGS}
    text = re.sub(r"(?m)^\s+|\s*// .*$", "", (here / "widget.js").read_text(encoding="utf-8"))
    said = json.dumps(words, ensure_ascii=False, separators=(",", ":"))
    return text.replace('"WORDS"', said).replace("STYLE", look).encode()


@cache
def version() -> str:
    """What stands after ?v= for whoever wants to pin it."""
    return hashlib.sha256(script()).hexdigest()[:12]


@require_safe
@condition(etag_func=lambda request: f'"{version()}"')
def widget(request: HttpRequest) -> HttpResponse:
    """GET /widget.js: any site may load it; which may open the chat, the chat page decides."""
    response = HttpResponse(script(), content_type="text/javascript; charset=utf-8")
    pinned = request.GET.get("v") == version()
    response["Cache-Control"] = (
        f"public, max-age={A_YEAR}, immutable" if pinned else f"public, max-age={AN_HOUR}"
    )
    response["Access-Control-Allow-Origin"] = "*"  # so that a site can check its integrity
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
