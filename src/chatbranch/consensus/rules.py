"""When a note becomes a verdict. Pure, and short enough to be read aloud to the branch's members.

A note is accepted when members of at least two different outlets, none of them its author, find it helpful, and more
outlets find it helpful than do not. Outlets of one owner are one outlet. Who is party to the case, or has declared an
interest in it, is not counted; nor is a member who joined less than 30 days ago (founders excepted).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatbranch.kernel.phrases import Phrase

OUTLETS_NEEDED = 2


@dataclass(frozen=True)
class Voice:
    """One member's present word on a note. `outlet` is the owner's name, so that outlets of one owner are one."""

    member: str
    outlet: str
    helpful: bool
    recused: str = ""
    counts: bool = True


@dataclass(frozen=True)
class Decision:
    """What the rule says of a note now, and why: shown with the verdict, and stored with it."""

    accepted: bool
    helpful: tuple[str, ...]
    not_helpful: tuple[str, ...]
    left_out: int
    why: Phrase

    def as_dict(self) -> dict[str, object]:
        """For storage beside the verdict: rule and counts per outlet, never a value of a person."""
        return {
            "rule": f"helpful from {OUTLETS_NEEDED} outlets other than the author, and more helpful than not",
            "helpful_outlets": len(self.helpful),
            "not_helpful_outlets": len(self.not_helpful),
            "left_out": self.left_out,
            "why": {"zh-Hans": self.why.zh, "en": self.why.en},
        }


def decide(author: str, voices: Sequence[Voice]) -> Decision:
    """Whether the note by `author` (a member) is accepted. An outlet whose members disagree counts on neither side."""
    heard = [voice for voice in voices if voice.member != author and voice.counts and not voice.recused]
    for_it = {voice.outlet for voice in heard if voice.helpful}
    against = {voice.outlet for voice in heard if not voice.helpful}
    helpful, not_helpful = sorted(for_it - against), sorted(against - for_it)
    accepted = len(helpful) >= OUTLETS_NEEDED and len(helpful) > len(not_helpful)
    why = _why(accepted, len(helpful), len(not_helpful))
    return Decision(accepted, tuple(helpful), tuple(not_helpful), len(voices) - len(heard), why)


def _why(accepted: bool, helpful: int, not_helpful: int) -> Phrase:
    if accepted:
        return Phrase(
            f"{helpful} 个不同账号的成员认为有帮助，{not_helpful} 个认为没有帮助：通过。",
            f"Members of {helpful} different outlets find it helpful, {not_helpful} do not: accepted.",
        )
    missing = OUTLETS_NEEDED - helpful
    if missing > 0:
        return Phrase(
            f"还需要 {missing} 个其他账号的成员认为有帮助。",
            f"Members of {missing} more outlet{'s' if missing > 1 else ''} need to find it helpful.",
        )
    return Phrase(
        f"认为有帮助的账号（{helpful}）还不比认为没有帮助的（{not_helpful}）多，暂不下结论。",
        f"Not more outlets find it helpful ({helpful}) than not ({not_helpful}), so there is no verdict yet.",
    )
