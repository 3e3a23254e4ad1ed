"""What askers are told about a case: plain, courteous, never scolding. Written as pairs, by hand. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from chatbranch.claims.cards import ClaimCard
from chatbranch.claims.passing_on import DETAILS, ruling
from chatbranch.claims.rules import WITHDRAWN, rating_name
from chatbranch.claims.topics import origin_name
from chatbranch.kernel.phrases import Phrase, day, pick

FEWEST_SHOWN = 3
OPINION = Phrase(
    "这是看法，我们不评判。若有具体事实想查，请单独发来。",
    "This is an opinion, so we don't rate it. If there is a specific fact to check, send just that.",
)
PRIVATE = Phrase(
    "这件事涉及私人生活，我们不公开查证。若有人身危险，请直接联系当地救助机构。",
    "This concerns somebody's private life, so we don't check it in public. If someone is in danger, please contact local help directly.",
)
STILL_UNKNOWN = Phrase(
    "您问的（{code}）查了一周，还不能确定。我们会继续留意，有结果就告诉您。",
    "We have looked into your question ({code}) for a week and still don't know. We'll keep at it and tell you when we do.",
)
UNKNOWN = Phrase(
    "这条我们还没查过，已交成员核查。随时发“{code}”可看进展；不妨等有结果再转。",
    'We haven\'t checked this yet; members are on it. Send "{code}" any time. It may be worth waiting before you share it.',
)
NO_SUCH_CODE = Phrase(
    "没有查询码“{code}”。请看看有没有打错，或把要查的消息原文发来。",
    'There is no code "{code}". Please check the digits, or send the message itself.',
)
_LEAD = Phrase("您问的（{code}）有结论了：", "Your question ({code}) has an answer: ")
_CHANGED = Phrase(
    "之前的回答有变：“{before}”改为“{after}”。{reason}抱歉。",
    'Our answer has changed from "{before}" to "{after}". {reason}We\'re sorry.',
)
_WITHDRAWN = Phrase(
    "之前的回答“{before}”已撤回：{reason}现在还不能确定，请先不要引用。抱歉。",
    "We have withdrawn our earlier answer \"{before}\". {reason}It cannot be determined yet; please don't rely on it. We're sorry.",
)
_NEVER_TOLD = Phrase(
    "您问的（{code}）曾有结论，现已撤回：{reason}现在还不能确定。",
    "There was an answer to your question ({code}), but we have withdrawn it. {reason}It cannot be determined yet.",
)
_SAME = Phrase(
    "您问的（{code}）和之前告诉过您的是同一件事，结论一样：",
    "Your question ({code}) is about the same thing as one we told you about; the answer is the same:",
)
_AS_OF = Phrase("（截至{day}，{origin}）", "(as of {day}, {origin})")
_SOURCE = Phrase("依据：{title} {url}", "Source: {title} {url}")
_AND = Phrase("、", ", ")
_ADDED = Phrase("之前的回答有补充：{reason}", "We have added to our earlier answer: {reason}")
_OTHER_WORDING = Phrase(
    "请注意：您转来的说法与查证的略有不同（{yours} / {ours}），结论只针对后者。",
    "Please note: what you sent differs a little from what was checked ({yours} / {ours}); the verdict is about the latter.",
)


def verdict_lines(card: ClaimCard, lang: str, *, url: str = "") -> str:
    """The verdict as text that stands on its own where links are blocked: what, when, why, whose, sources."""
    origin = origin_name(card.origin, lang) or Phrase("本会查证", "checked by this branch").say(lang)
    lines = [
        ruling(card.rating, card.headline(lang), lang),
        pick(card.explanation, lang),
        _AS_OF.say(lang, day=day(card.as_of, lang), origin=origin),
    ]
    lines += [
        _SOURCE.say(lang, title=each.title or each.publisher, url=each.url) for each in card.sources[:2]
    ]
    if url:
        lines.append(DETAILS.say(lang, url=url))
    return "\n".join(line for line in lines if line)


def verdict_letter(
    card: ClaimCard, lang: str, *, code: str, told: str, url: str = "", differs: tuple[str, str] | None = None
) -> str:
    """What an asker is told when a verdict is published, changed or withdrawn. `told`: the rating told before, if any."""
    reason = pick(card.reason, lang)
    reason = f"{reason} " if reason and lang == "en" else reason
    if card.rating == WITHDRAWN and not told:
        return f"{_NEVER_TOLD.say(lang, code=code, reason=reason)}\n{card.headline(lang)}"
    if card.rating == WITHDRAWN:
        return f"{_WITHDRAWN.say(lang, before=rating_name(told, lang), reason=reason)}\n{card.headline(lang)}"
    if told and told != card.rating:
        lead = _CHANGED.say(
            lang, before=rating_name(told, lang), after=rating_name(card.rating, lang), reason=reason
        )
    elif told:
        lead = _ADDED.say(lang, reason=reason)
    else:
        lead = _LEAD.say(lang, code=code) if code else ""
    lines = [lead.strip(), verdict_lines(card, lang, url=url)]
    if differs:
        lines.append(_OTHER_WORDING.say(lang, yours=differs[0], ours=differs[1]))
    return "\n".join(line for line in lines if line)


def same_letter(
    card: ClaimCard, lang: str, *, code: str, url: str = "", differs: tuple[str, str] | None = None
) -> str:
    """What somebody is told who was told this verdict already, when another question of theirs ends in it."""
    lines = [_SAME.say(lang, code=code), ruling(card.rating, card.headline(lang), lang)]
    if url:
        lines.append(DETAILS.say(lang, url=url))
    if differs:
        lines.append(_OTHER_WORDING.say(lang, yours=differs[0], ours=differs[1]))
    return "\n".join(lines)


def listed(codes: Sequence[str], lang: str) -> str:
    """Codes as people list them: 1280、1281, or 1280, 1281."""
    return _AND.say(lang).join(codes)


def shown_askers(askers: int) -> int | None:
    """How many people asked, as a reader may know it: None while they are so few that one could tell who."""
    return askers if askers >= FEWEST_SHOWN else None


def status_letter(code: str, state: str, lang: str, *, askers: int, opened: date, notes: int) -> str:
    """Where an undecided case stands, for whoever sends its code."""
    if state == "opinion":
        return OPINION.say(lang)
    if state == "private":
        return PRIVATE.say(lang)
    doing = (
        Phrase(
            "成员已提出结论，正在由不同账号核对。",
            "Members have proposed a verdict; other outlets are checking it.",
        )
        if notes
        else Phrase("成员正在找证据。", "Members are looking for evidence.")
    ).say(lang)
    shown = shown_askers(askers)
    asked = Phrase("{n} 人问过。", "{n} people have asked.").say(lang, n=shown) if shown else ""
    lead = Phrase("{code}：{day}收到，还没有结论。", "{code}: received on {day}, no verdict yet.").say(
        lang, code=code, day=day(opened, lang)
    )
    gap = " " if lang == "en" else ""
    return gap.join(part for part in (lead, doing, asked) if part)
