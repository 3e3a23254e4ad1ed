"""A branch with three blocs of two outlets and a fourth of one, and the steps of a matter, done by the actions that life uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from tests.support.people import PASSWORD, found_branch

from chatbranch.branch import actions as branch
from chatbranch.branch.details import NewOutlet, Person
from chatbranch.branch.models import Member
from chatbranch.conduct import actions
from chatbranch.conduct.actions import Complainant, Complained, Post
from chatbranch.conduct.matters import progress_of
from chatbranch.conduct.models import Matter
from chatbranch.conduct.states import Progress, State
from chatbranch.kernel import clock
from chatbranch.publiclog import actions as publiclog

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
URL = "https://weibo.example/status/1"
PASSAGE = "云岚大桥昨晚垮塌，已有十二人遇难"
GROUNDS = "大桥没有垮塌，我今早刚走过，附上照片的链接。"


def members() -> dict[str, Member]:
    """Seven outlets of seven owners: the six of every test, and 江声, of a bloc of its own, so that two panels can always be drawn."""
    found = found_branch()
    person = Person("Jiang", "jiang", PASSWORD)
    found["jiang"] = branch.do_add_member(
        person=person, outlet=NewOutlet("江声", "WeChat", "江声的主人", "外埠")
    )
    return found


def complain(accused: Member, *, url: str = URL, who: Complainant | None = None, **more: str) -> Complained:
    """A complaint by a reader about a post of somebody's outlet."""
    said = {"passage": PASSAGE, "clause": "2", "grounds": GROUNDS} | more
    return actions.do_complain(
        Post(url=url, outlet=str(accused.outlet_id), **said), who or Complainant("zh-Hans")
    )


def open_and_ask(screener: Member, matter: Matter) -> None:
    """The first look, one piece of evidence, and the outlet is asked for its answer."""
    actions.do_open(screener, matter, passage=PASSAGE, clause="2")
    actions.do_add_evidence(screener, matter, url="https://roads.example/bridge", note="养护单位的公告")
    actions.do_ask(screener, matter)


def jurors(matter: Matter) -> list[Member]:
    """The present panel."""
    return [Member.objects.get(pk=each) for each in now(matter).panel.jurors]


def judge(
    matter: Matter, *votes: bool, measure: str = "advisory", days: int = 60, intent: bool = False
) -> None:
    """The panel votes; two of the majority stand by the reasons."""
    panel = jurors(matter)
    for juror, broken in zip(panel, votes, strict=True):
        actions.do_vote(
            juror,
            matter,
            broken=broken,
            measure=measure,
            days=days,
            intent=intent,
            reasons="依据公告和照片。",
        )
    if now(matter).state not in ("panel", "appealed"):
        return  # dismissed
    agreed = [juror for juror, broken in zip(panel, votes, strict=True) if broken == (sum(votes) >= 2)]
    actions.do_state(agreed[0], matter, "大桥当晚照常通车，没有垮塌。")
    actions.do_approve(agreed[1], matter)


def turn() -> None:
    """One turn of the worker, and another: matters, then the log, then what waited for the log."""
    actions.do_keep_up()
    publiclog.do_keep_up()
    actions.do_keep_up()
    publiclog.do_keep_up()


def now(matter: Matter) -> Progress:
    """Where the matter stands."""
    return progress_of(Matter.objects.get(pk=matter.pk))


@contextmanager
def later(**span: float) -> Iterator[None]:
    """The same so much later; the worker takes its turn at once."""
    with clock.held(clock.now() + timedelta(**span)):
        turn()
        yield


def reader(address: str = "grandmother", lang: str = "zh-Hans") -> Complainant:
    """Somebody who complains on the web."""
    return Complainant(lang, "web", address)


def in_effect(measure: str = "advisory") -> tuple[dict[str, Member], Matter]:
    """A matter about 街坊 whose measure took effect just now."""
    people = members()
    matter = complain(people["chen"], who=reader()).complaint.matter
    open_and_ask(people["he"], matter)
    actions.do_reply(people["chen"], matter, "我们引用的是网友的视频。", all_said=True)
    turn()
    judge(matter, True, True, False, measure=measure)
    turn()
    assert now(matter).state is State.EFFECTIVE
    return people, matter
