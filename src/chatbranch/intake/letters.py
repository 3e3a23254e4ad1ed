"""What the one who asks is told at once. Written as pairs, by hand. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from chatbranch.cases.letters import verdict_lines
from chatbranch.claims.cards import ClaimCard
from chatbranch.claims.passing_on import ruling
from chatbranch.kernel.phrases import Phrase, day
from chatbranch.matching.guard.kinds import KINDS

HELP = Phrase(
    """把可疑的消息转发给我，我说查到了什么。
· 文字、链接、截图：都可以
· 我们的卡片：辨真伪，看最新结论
· 查询码（如 1280）：看进展
· 是 / 不是：回我问的那一句
· 忘记我：删除您的联系方式
· 帮助：再看这一页
只查可核实的事实，不评判看法。""",
    """Forward me a suspicious message and I'll say what was found.
· text, link, screenshot: any will do
· a card of ours: is it genuine
· a code (such as 1280): how it stands
· yes / no: to what I asked you
· forget me: deletes your contact
· help: shows this again
Facts only; I never rate opinions.""",
)
GREETING = Phrase(
    """大家好，我帮忙查消息真假。转发可疑内容时叫我一声（@我），我就回。
没叫我时我几乎不说话，除非转来的是已查明的不实消息。
没叫我的话，我最多拿来比对，从不留存。叫我并说“帮助”，可看用法。""",
    """Hello, I help to check messages. Mention me when you share something doubtful, and I'll answer.
Otherwise I hardly ever speak: only when what is shared was found to be false.
What is not said to me I compare at most, and never keep. Mention me with "help" to see how it works.""",
)
WAS_IT_THIS = Phrase(
    "您问的是这一条吗？回“是”或“不是”，帮我们认得更准；不回也没关系。",
    'Was this what you meant? A "yes" or "no" helps us; you need not answer.',
)
MEANT = Phrase(
    "谢谢，记下了。那一条的结论在这里：{url}\n您发来的原话，成员照样会看；随时发“{code}”可看进展。",
    'Thank you, noted. What was found about that one: {url}\nMembers still look at your own message; send "{code}" any time.',
)
NOT_MEANT = Phrase(
    "谢谢，记下了：不是这一条。您发来的由成员核查；随时发“{code}”可看进展。",
    'Thank you, noted: not this one. Members are looking at yours; send "{code}" any time.',
)
ON_DUTY = Phrase(
    "连上了。有提案等您评价时，每天这里会有一条；只有紧急的会随时来。回“忘记我”就不再发。",
    'Connected. When notes wait for your word, one message a day comes here; only what is urgent comes at once. "forget me" ends it.',
)
NO_SUCH_DUTY = Phrase(
    "这个值班码不对或已过期，或者这里不能收。请在“评价”页再取一个，单独发给我。",
    'This duty code is wrong or has expired, or nothing can be sent here. Get another on the "Rate" page, and send it to me one to one.',
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
_RELATED_APART = Phrase(
    "有一条很像，但我们的成员看过，认为说的是另一件事：",
    "This one is much alike, but our members have looked and say it is about something else: ",
)
_ALSO_NEW = Phrase(
    "您发来的这条已交成员核查，随时发“{code}”可看进展。",
    'What you sent is with our members; send "{code}" any time.',
)
_UNASKED = Phrase(
    "刚才这条以前查过，转的人也是好意：", "This one was checked before; whoever shared it meant well:"
)
LONGEST_HEADLINE = 120  # characters, in a room


def answer_letter(card: ClaimCard, lang: str, *, quoted: str, url: str) -> str:
    """A verdict given at once, with what exactly was matched."""
    said = Phrase("您发来的：“{quoted}”", "You sent: “{quoted}”").say(lang, quoted=quoted) if quoted else ""
    return "\n".join(part for part in (verdict_lines(card, lang, url=url), said) if part)


def room_letter(card: ClaimCard, lang: str, *, url: str) -> str:
    """A verdict given in a room: short, for it is read by many who did not ask. The rest is behind the link."""
    as_of = Phrase("（截至{day}）", "(as of {day})").say(lang, day=day(card.as_of, lang))
    headline = card.headline(lang)
    short = headline if len(headline) <= LONGEST_HEADLINE else headline[: LONGEST_HEADLINE - 1] + "…"
    return f"{ruling(card.rating, short, lang)}\n{as_of} {url}"


def unasked_letter(card: ClaimCard, lang: str, *, url: str) -> str:
    """The same where nobody asked: it says why we speak, and blames nobody."""
    return f"{_UNASKED.say(lang)}\n{room_letter(card, lang, url=url)}"


def suggest_letter(
    card: ClaimCard,
    lang: str,
    *,
    differences: Sequence[dict[str, object]],
    code: str,
    url: str,
    apart: bool = False,
) -> str:
    """Something related, the difference first; never worded as a verdict, and a case looks into the message itself.

    apart: members say that it is another claim.
    """
    named = next((each for each in differences if each.get("yours") and each.get("ours")), None)
    if apart:
        lead = _RELATED_APART.say(lang)
    elif named:
        kind = KINDS.get(str(named["kind"]), KINDS["number"]).say(lang)
        lead = _RELATED_DIFFERS.say(lang, kind=kind, yours=named["yours"], ours=named["ours"])
    else:
        lead = _RELATED.say(lang)
    lines = [lead, f"“{card.headline(lang)}”", url, _ALSO_NEW.say(lang, code=code) if code else ""]
    return "\n".join(line for line in lines if line)
