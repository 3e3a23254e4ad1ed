"""How control of an account is shown, and how long that holds. Pure, to be read aloud."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from chatbranch.branch.proving.places import Place
from chatbranch.kernel.phrases import Phrase

Method = Literal["dns", "wellknown", "relme", "bluesky", "post", "shown"]
State = Literal["waiting", "lapsed", "proved", "unproved"]

CHALLENGE_LASTS = timedelta(hours=24)
RECORD_LASTS = timedelta(days=7)  # a new DNS record, or a file somebody else has to place, takes its time
LOOK_AGAIN = timedelta(days=90)
LOOK_AGAIN_IN_DOUBT = timedelta(days=1)
PATIENCE = timedelta(days=3)  # a site that cannot be read may just be down
LOOKERS = 2

METHODS: dict[Method, Phrase] = {
    "dns": Phrase("域名记录（DNS TXT）", "A DNS record (TXT)"),
    "wellknown": Phrase("网站上的一个小文件", "A small file on the web site"),
    "relme": Phrase("互相链接（rel=me）", "Links both ways (rel=me)"),
    "bluesky": Phrase("Bluesky 用户名和简介", "A Bluesky handle and its profile"),
    "post": Phrase("一条带暗号的公开帖子", "A public post with a code"),
    "shown": Phrase("两位成员亲眼看到的暗号", "A code that two members saw"),
}
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"

WHY: dict[str, Phrase] = {
    "no-record": Phrase(
        "还没看到这条域名记录。新记录有时要等几个小时。",
        "The DNS record is not there yet. New records can take a few hours.",
    ),
    "no-file": Phrase("还没看到这个文件，或里面没有暗号。", "The file is not there yet, or the code is not in it."),
    "no-link": Phrase(
        "主页上还没有指回来的链接（rel=\"me\"）。", "The account's page has no link back yet (rel=\"me\")."
    ),
    "no-answer": Phrase(
        "这个 Bluesky 用户名查不到，或和主页对不上。",
        "This Bluesky handle cannot be found, or does not belong to that profile.",
    ),
    "moved": Phrase(
        "这个 Bluesky 用户名现在属于别人。", "This Bluesky handle now belongs to another account."
    ),
    "no-code": Phrase("还没看到暗号。", "The code is not there yet."),
    "elsewhere": Phrase(
        "这条帖子的网址看不出是这个主页发的。请发在这个主页里，再把那条帖子的网址贴来；平台不行的话，请改用“两位成员亲眼看到的暗号”。",
        "Nothing in that post's address shows that this account wrote it. Please post from the account and paste that post's address; where the platform does not allow that, let two members have a look.",
    ),
    "unread": Phrase("那边现在读不到。", "It cannot be read at the moment."),
    "look-alike": Phrase(
        "名字和另一个已核验的主页太像。", "The name looks too much like that of another proved account."
    ),
    "due": Phrase(
        "距上次核验已满 90 天，请再发一次暗号。",
        "It was last seen 90 days ago; please post a new code.",
    ),
}  # fmt: skip
DOUBTFUL = {"unread"}
"""Reasons that say nothing about the account: the site may just be down."""


@dataclass(frozen=True)
class Finding:
    """What a look found. good: the account is shown to be the outlet's. why: a word of WHY, where it is not.

    seen: what was seen, in full, to be kept. known: what the account is known by from now on (a Bluesky DID).
    """

    good: bool
    seen: str = ""
    why: str = ""
    known: str = ""


def method(name: str) -> Method:
    """A method by its name, as it is kept. Raises StopIteration for none of ours."""
    return next(each for each in METHODS if each == name)


def new_token() -> str:
    """A code nobody can guess, short enough to type into a post: 20 letters, 99 random bits."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))
    return "cb-" + "-".join(groups)


def methods_for(place: Place) -> list[Method]:
    """The ways that this account can be shown by, the surest first."""
    if place.is_site:
        return ["dns", "wellknown", "relme"]
    on_bluesky: list[Method] = ["bluesky"] if place.bluesky_handle else []
    return [*on_bluesky, "relme", "post", "shown"]


def lasts(method: Method) -> timedelta:
    """For how long a code may be shown for the first time."""
    return RECORD_LASTS if method in ("dns", "wellknown", "relme") else CHALLENGE_LASTS


def state(
    method: Method,
    *,
    started_at: datetime,
    proved_at: datetime | None,
    unproved_at: datetime | None,
    now: datetime,
) -> State:
    """How a proving stands now: shown; waiting for its code to be seen; no longer shown; or the code is too old."""
    if proved_at is not None and unproved_at is None:
        return "proved"
    if now < started_at + lasts(method):
        return "waiting"
    return "unproved" if proved_at is not None else "lapsed"


def is_over(why: str, doubt_since: datetime, now: datetime) -> bool:
    """Whether a look that found nothing ends what was shown before: at once where there was something to read, and after
    three days where the site could not be read at all."""
    return why not in DOUBTFUL or now >= doubt_since + PATIENCE


def next_look(good: bool, doubt_since: datetime | None, now: datetime) -> datetime:
    """When to look again: in 90 days; in doubt daily for a week, and weekly afterwards."""
    if good or doubt_since is None:
        return now + LOOK_AGAIN
    return now + (LOOK_AGAIN_IN_DOUBT if now < doubt_since + timedelta(days=7) else timedelta(days=7))


def seen_by_enough(owners: set[str], own: str) -> bool:
    """Whether enough members have seen a code with their own eyes: two of different owners, neither the account's."""
    return len(owners - {own}) >= LOOKERS
