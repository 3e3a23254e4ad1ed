"""Complaining about a post of a member outlet. However many complain, it is one matter, with one state and one place in the list."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha256

from django.db import IntegrityError, transaction

from chatbranch.branch.models import Member, Outlet
from chatbranch.conduct import code, lots, rules
from chatbranch.conduct.checks import check_outlet, check_written
from chatbranch.conduct.matters import Held
from chatbranch.conduct.models import Complaint, Lot, Matter, Pace
from chatbranch.conduct.states import Kind, State
from chatbranch.contacts import actions as contacts
from chatbranch.contacts.queries import unreachable
from chatbranch.intake.opinions import is_opinion
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.publiclog import entries as log
from chatbranch.publiclog.actions import Draft, do_append

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_LENGTH = 16  # 80 random bits, in fours so that people can copy them
PASSAGE, GROUNDS = 2_000, 5_000  # characters


@dataclass(frozen=True)
class Post:
    """What is complained about, as it was typed. outlet: the outlet's identifier."""

    url: str
    outlet: str
    passage: str
    clause: str
    grounds: str
    insists: str = ""


@dataclass(frozen=True)
class Complainant:
    """Who complains: where a reader is told, or the member they are. network: where they come from, as for questions."""

    lang: str
    channel: str = ""
    address: str = ""
    network: str = ""
    member: Member | None = None


@dataclass(frozen=True)
class Complained:
    """A complaint that was taken. key: with it its writer sees where the matter stands. warned: they were just told of the limit."""

    complaint: Complaint
    key: str
    warned: bool = False


def do_complain(post: Post, who: Complainant) -> Complained:
    """Take a complaint, from anyone, about a post of a member outlet.

    Refuses a passage that reads as an opinion, until its writer says why a person should look all the same; and more than ten
    complaints a day, only after a warning that is in the public log.
    """
    outlet = check_outlet(post.outlet)
    url = rules.canonical_url(post.url)
    if not url or len(url) > 2000:
        raise Refused("url", _WHICH_POST, field="url")
    if post.clause not in code.in_force(clock.now()).clauses or post.clause == code.PATTERN_CLAUSE:
        raise Refused("clause", _WHICH_CLAUSE, field="clause")
    passage = check_written(post.passage, "passage", PASSAGE)
    grounds = check_written(post.grounds, "grounds", GROUNDS)
    if is_opinion(passage) and not post.insists.strip():
        raise Refused("opinion", OPINION, field="insists", status=422)
    with transaction.atomic():
        warned, too_many = _count(who)
        if too_many:
            taken = None
        else:
            made = Complaint(
                passage=passage,
                clause=post.clause,
                grounds=grounds,
                insists=post.insists.strip()[:GROUNDS],
                lang=who.lang,
                by=who.member,
            )
            taken = _take(made, _matter(url, outlet), who, warned=warned)
    if taken is None:  # raised after the commit, so that it counts
        raise Refused("too-many", _TOMORROW, status=429)
    return taken


def _take(made: Complaint, matter: Matter, who: Complainant, *, warned: bool) -> Complained:
    held = Held(matter)
    if held.progress is None:
        do_fix_seed(held.matter, 1, held.write(Kind.RECEIVED))
    key = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    made.matter, made.key_hash = held.matter, ids.token_hash(key)
    if who.channel and who.address and who.member is None:
        made.pseudonym = contacts.do_keep(who.channel, who.address, held.matter.id, who.lang)
    made.save()
    return Complained(made, key, warned)


def do_fix_seed(matter: Matter, round: int, place: int) -> None:
    """Draw the seed of a round's lot, and put its hash into the public log, in the caller's transaction."""
    lot: Lot = Lot.objects.create(matter=matter, round=round, seed=lots.new_seed())
    says: dict[str, str | int] = {
        "version": place,
        "round": round,
        "seed_hash": lots.seed_hash(bytes(lot.seed)),
    }
    do_append([Draft(log.LOT_COMMITTED, lot.at, matter.id, says)])


def _matter(url: str, outlet: Outlet) -> Matter:
    """The post's one matter; another after one that ended with a correction, which may not have been enough."""
    for turn in range(1, 1_000):
        key = sha256(f"{url}\n{turn}".encode()).hexdigest()
        try:
            with transaction.atomic():
                matter, _ = Matter.objects.get_or_create(key=key, defaults={"url": url, "outlet": outlet})
        except IntegrityError:  # somebody complained about it at the same moment
            matter = Matter.objects.get(key=key)
        held = Held(matter)
        if held.progress is None or held.progress.state is not State.GUIDED:
            return matter
    raise RuntimeError("a thousand corrections of one post")


def key_of(typed: str) -> str:
    """A key as people type it: without spaces, hyphens, and in capitals."""
    return "".join(each for each in typed.upper() if each in _LETTERS)


def shown_key(key: str) -> str:
    """A key as people read it: in fours."""
    return "-".join(key[start : start + 4] for start in range(0, len(key), 4))


def _count(who: Complainant) -> tuple[bool, bool]:
    """(warned now, too many). Members have no limit. Nobody is refused who was not warned before, in the log."""
    warned = too_many = False
    for channel, address in _places(who):
        today = clock.now().date()
        pseudonym = contacts.pseudonym_of(channel, address, contacts.day_scope(today))
        row, _ = Pace.objects.select_for_update().get_or_create(pseudonym=pseudonym, defaults={"day": today})
        row.count += 1
        if row.count >= rules.WARNED_FROM and not row.warned:
            row.warned = warned = True
            do_append([Draft(log.WARNED, clock.now(), ids.new_id())])
        elif row.count > rules.REFUSED_FROM:
            too_many = True
        row.save()
    return warned, too_many


def _places(who: Complainant) -> list[tuple[str, str]]:
    if who.member is not None:
        return []
    found = [(f"complaints {who.channel}", who.address)] if who.address else []
    return [*found, *([("complaints", who.network)] if who.network else [])]


def do_tidy() -> int:
    """Erase the counts of past days; returns how many."""
    return Pace.objects.filter(day__lt=clock.now().date()).delete()[0]


def do_forget() -> int:
    """Take the pseudonyms of those who were forgotten, or whose window has ended, off their complaints; returns how many."""
    known = list(Complaint.objects.exclude(pseudonym="").values_list("pseudonym", flat=True).distinct())
    return Complaint.objects.filter(pseudonym__in=unreachable(known)).update(pseudonym="")


OPINION = Phrase(
    "这段话读起来是看法、讽刺或预测，守则不评判看法，账号有权这样说。若其中有一个具体事实您认为不实，请只引那一句；若您认为应当由人来看，请写明为什么，再送出一次。",
    "This passage reads as an opinion, satire or a prediction. The code judges none of these; an outlet is free to hold them. If there is a specific fact in it that is not true, quote just that. If you think a person should look all the same, say why and send it again.",
)
_WHICH_POST = Phrase(
    "请贴上这篇内容的网址，以 http:// 或 https:// 开头。",
    "Please paste the address of the post; it starts with http:// or https://.",
)
_WHICH_CLAUSE = Phrase("请选守则里的一条。", "Please choose a clause of the code.")
_TOMORROW = Phrase(
    "今天从您这里来的投诉很多，前面已经提醒过（提醒记在公开日志里）。请明天再来；已送出的都在办。",
    "Many complaints came from you today; we warned you before, which the public log records. Please come back tomorrow. What you sent is being looked at.",
)
WARNING = Phrase(
    "提醒：今天您已送出好几件投诉。再多一些，就要请您等到明天。这个提醒记在公开日志里，但不写是谁。",
    "A word of warning: you have sent several complaints today. After some more you will have to wait until tomorrow. That there was a warning is in the public log; whose is not.",
)
