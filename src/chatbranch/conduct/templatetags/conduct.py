"""What the pages of matters need beside the house's own tags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django import template
from django.utils.translation import get_language

from chatbranch.conduct import rules
from chatbranch.conduct.measures import Measure
from chatbranch.conduct.states import Kind
from chatbranch.kernel.phrases import Phrase, as_lang

register = template.Library()


@register.filter
def measure(word: str) -> str:
    """A measure's name in the reader's language."""
    found = Measure.read(word)
    return found.phrase.say(as_lang(get_language())) if found else ""


@register.filter
def last_day(until: datetime) -> date:
    """The last whole day before a moment: what people are told as "until"."""
    whole = until.hour == 12 and until.minute == 0 and until.second == 0
    return rules.last_day(until) if whole else until.date()


@register.filter
def at(texts: Mapping[str, Any], key: str) -> Any:
    """What stands under a key."""
    return texts.get(key, {})


@register.filter
def form_id(key: object, name: str) -> str:
    """An id of its own for each of several forms of a kind."""
    return f"{name}-{key}"


@register.filter
def event(kind: str) -> str:
    """What happened, in the reader's language; empty for what only the machinery notes."""
    phrase = _EVENTS.get(Kind(kind))
    return phrase.say(as_lang(get_language())) if phrase else ""


_EVENTS = {
    Kind.RECEIVED: Phrase("收到投诉", "A complaint came in"),
    Kind.NOTICED: Phrase("账号得到通知", "The outlet was told"),
    Kind.SCREENED: Phrase("初看后办结", "Closed at the first look"),
    Kind.REOPENED: Phrase("重新打开", "Taken up again"),
    Kind.OPENED: Phrase("受理", "Opened"),
    Kind.EVIDENCE: Phrase("补充了材料", "Evidence was added"),
    Kind.ASKED: Phrase("请账号作答", "The outlet was asked for its answer"),
    Kind.EXTENDED: Phrase("账号延长了期限", "The outlet took longer"),
    Kind.REPLIED: Phrase("账号答复", "The outlet replied"),
    Kind.MASKED: Phrase("遮盖了第三人的资料", "A third person's data were masked"),
    Kind.CORRECTED: Phrase("账号更正，了结", "The outlet corrected; closed"),
    Kind.CLOSED: Phrase("答复期满", "The time to reply was over"),
    Kind.SHORT: Phrase("评议组人不够", "Not enough jurors"),
    Kind.DRAWN: Phrase("抽签产生评议组", "A panel was drawn"),
    Kind.REPLACED: Phrase("换了一位评议员", "A juror was replaced"),
    Kind.VOTED: Phrase("一位评议员投票", "A juror voted"),
    Kind.STATED: Phrase("写出理由书", "The reasons were written"),
    Kind.APPROVED: Phrase("第二位评议员署定", "A second juror stood by them"),
    Kind.DISMISSED: Phrase("没有认定，了结", "No finding; closed"),
    Kind.EFFECTIVE: Phrase("写入公开日志，生效", "In the public log, and in effect"),
    Kind.APPEALED: Phrase("账号申诉，处理暂停", "The outlet appealed; the measure rests"),
    Kind.LAPSED: Phrase("申诉逾期未决，撤销", "The appeal was not decided in time; reversed"),
    Kind.SETTLED: Phrase("申诉有了结果", "The appeal was decided"),
    Kind.EXPIRED: Phrase("处理到期", "The measure expired"),
}
