"""What the one who asks is told at once. Written as pairs, by hand. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from chatbranch.cases.letters import verdict_lines
from chatbranch.claims.cards import ClaimCard
from chatbranch.claims.rules import rating_name
from chatbranch.kernel.phrases import Phrase, pick

HELP = Phrase(
    "把可疑的消息（文字、链接或截图）转发给我，我会告诉您查证结果。\n发查询码（如“1280”）可看进展；发“忘记我”会删除您的联系方式。我们只查可核实的事实，不评判看法。",
    'Forward me a suspicious message (text, link or screenshot) and I\'ll tell you what was found.\nSend a code such as "1280" to see where it stands; send "forget me" to delete your contact. We check facts, never opinions.',
)
FORGOTTEN = Phrase(
    "已删除您的联系方式和提问关联，今后不再通知您。",
    "Your contact and the link to your questions are deleted; we won't notify you again.",
)
TOO_MANY = Phrase(
    "您发得有点快，我们先歇一会儿。已收到的都在处理；请{when}再发（每分钟20条、每天300条）。",
    "That's a lot at once, so we'll pause for a moment. What arrived is being handled; please try again {when} (20 a minute, 300 a day).",
)
TOO_MANY_IN_ROOM = Phrase(
    "这个群里发来的有点多，我们先歇一会儿。已收到的都在处理；请{when}再发。",
    "A lot is arriving from this room, so we'll pause for a moment. What arrived is being handled; please try again {when}.",
)
TOO_MANY_OF_NETWORK = Phrase(
    "您所在的网络这会儿发来的很多，不一定是您发的。我们先歇一会儿，请{when}再试。",
    "A lot is arriving from your network just now, not necessarily from you. We'll pause for a moment; please try again {when}.",
)
TOO_MANY_OBJECTIONS = Phrase(
    "您所在的网络已提出不少异议，都会有人来看。请{when}再提这一条。",
    "Many objections have come from your network, and a person will read each. Please send this one {when}.",
)
IN_A_MINUTE = Phrase("过一分钟", "in a minute")
IN_AN_HOUR = Phrase("过一小时", "in an hour")
TOMORROW = Phrase("明天", "tomorrow")
IMAGE = Phrase(
    "图片收到了，会有成员来看。若能把图中的文字也发来，会更快。",
    "We have your picture, and a member will look at it. If you can send the words in it as well, it will be faster.",
)
_RELATED = Phrase(
    "有一条可能相关，但不一定是同一回事：", "This may be related, though not necessarily the same: "
)
_RELATED_DIFFERS = Phrase(
    "有一条可能相关，但{kind}不同：您的是“{yours}”，那条是“{ours}”。",
    "Possibly related, but the {kind} differs: yours says “{yours}”, ours “{ours}”.",
)
_ALSO_NEW = Phrase(
    "您发来的这条已交成员核查，随时发“{code}”可看进展。",
    'What you sent is with our members; send "{code}" any time.',
)
_SHARE = Phrase(
    "大家好，关于群里这条：{headline}——有人认真查过了，结论是：{rating}。{explanation}转的人也是好意，给大家提个醒。{source}",
    "Hi all, about this one: {headline}. Someone has looked into it, and it is {rating}. {explanation} Whoever passed it on meant well; just so we all know. {source}",
)
KINDS: dict[str, Phrase] = {
    "number": Phrase("数字", "number"),
    "date": Phrase("日期", "date"),
    "place": Phrase("地点", "place"),
    "name": Phrase("名称", "name"),
    "unit": Phrase("单位", "unit"),
    "negation": Phrase("肯定与否定", "yes or no"),
    "denial": Phrase("说法（像是在辟谣）", "stance (it reads like a denial)"),
    "quantifier": Phrase("范围", "extent"),
    "modality": Phrase("语气", "certainty"),
    "attribution": Phrase("出处", "attribution"),
}


def answer_letter(card: ClaimCard, lang: str, *, quoted: str, url: str) -> str:
    """A verdict given at once, with what exactly was matched."""
    said = Phrase("您发来的：“{quoted}”", "You sent: “{quoted}”").say(lang, quoted=quoted) if quoted else ""
    return "\n".join(part for part in (verdict_lines(card, lang, url=url), said) if part)


def suggest_letter(
    card: ClaimCard, lang: str, *, differences: Sequence[dict[str, object]], code: str, url: str
) -> str:
    """Something related, the difference first; never worded as a verdict, and a case looks into the message itself."""
    named = next((each for each in differences if each.get("yours") and each.get("ours")), None)
    if named:
        kind = KINDS.get(str(named["kind"]), KINDS["number"]).say(lang)
        lead = _RELATED_DIFFERS.say(lang, kind=kind, yours=named["yours"], ours=named["ours"])
    else:
        lead = _RELATED.say(lang)
    lines = [lead, f"“{card.headline(lang)}”", url, _ALSO_NEW.say(lang, code=code) if code else ""]
    return "\n".join(line for line in lines if line)


def share_text(card: ClaimCard, lang: str) -> str:
    """A text for the family group that corrects kindly, without shaming whoever sent it."""
    source = card.sources[0].url if card.sources else ""
    return _SHARE.say(
        lang,
        headline=card.headline(lang).rstrip("。.！!"),
        rating=rating_name(card.rating, lang),
        explanation=pick(card.explanation, lang),
        source=Phrase("依据：{url}", "Source: {url}").say(lang, url=source) if source else "",
    )
