"""A small branch and its readers, made by the same actions as in life."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db.models.signals import post_save
from pytest_django import Settings

from chatbranch.branch import actions as branch
from chatbranch.branch.details import NewOutlet, Person
from chatbranch.branch.models import Member
from chatbranch.cases import actions as cases
from chatbranch.cases.models import Case, Note
from chatbranch.claims import actions as claims
from chatbranch.consensus.rules import Decision
from chatbranch.intake import actions as intake
from chatbranch.intake.answers import Answer
from chatbranch.journal.models import Event
from chatbranch.kernel import clock, ids
from chatbranch.kernel.messages import Attachment, Inbound
from chatbranch.matching import queries as matching

PASSWORD = "绿豆 sails past seven lamps"
OUTLETS = {
    "lin": "早知道",
    "chen": "街坊",
    "zhou": "校园",
    "daniel": "Yunlan in English",
    "he": "下游",
    "su": "厨房",
}


@pytest.fixture
def own_index(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """An empty search index of this test's own, and quick passwords."""
    settings.INDEX_DIR = tmp_path / "index"
    settings.FILES_DIR = tmp_path / "files"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    yield
    matching._matchers.pop(tmp_path / "index", None)


@pytest.fixture(autouse=True)
def a_log_that_keeps_up(request: pytest.FixtureRequest) -> Iterator[None]:
    """Verdicts take effect as they are decided, as if the public log had them at once; not in tests marked real_log."""

    def keep_up(instance: Event, created: bool, **_: object) -> None:
        if created and instance.kind == "verdict.decided":
            claims.do_take_effect(instance.subject, int(instance.data["version"]), entry=0)

    if request.node.get_closest_marker("real_log"):
        yield
        return
    post_save.connect(keep_up, sender=Event)
    yield
    post_save.disconnect(keep_up, sender=Event)


def found_branch() -> dict[str, Member]:
    """Six members of six outlets, owners and blocs; founded now."""
    members: dict[str, Member] = {}
    for place, (username, name) in enumerate(OUTLETS.items()):
        outlet = NewOutlet(name, "WeChat", f"{name}的主人", ["老城", "年轻", "下游"][place // 2])
        person = Person(username.title(), username, PASSWORD)
        if members:
            members[username] = branch.do_add_member(person=person, outlet=outlet)
        else:
            token = branch.do_prepare_founding()
            members[username] = branch.do_found(token, name="云岚", charter="", outlet=outlet, person=person)
    return members


def inbound(
    text: str, *, asker: str = "", channel: str = "web", lang: str = "zh-Hans", images: tuple[bytes, ...] = ()
) -> Inbound:
    """A message as a connector hands it over; every call is a new message, from a new asker unless named."""
    attached = tuple(Attachment("image", "", data) for data in images)
    return Inbound(
        channel,
        asker or ids.new_token(),
        "",
        str(ids.new_id()),
        text,
        clock.now(),
        lang=lang,
        attachments=attached,
    )


def ask(text: str, *, asker: str = "", channel: str = "web", lang: str = "zh-Hans") -> Answer:
    """Ask, and have the answer queued to the asker's channel as well."""
    return intake.do_check(inbound(text, asker=asker, channel=channel, lang=lang), reply=True)[1]


def case_of(answer: Answer) -> Case:
    assert answer.case is not None
    return Case.objects.get(code=answer.case["code"])


def propose(author: Member, case: Case, rating: str = "false", *, zh: str = "", reason: str = "") -> Note:
    """A complete note on a case."""
    return cases.do_propose_note(
        author,
        case,
        rating=rating,
        wording={
            "zh-Hans": zh or case.variants.order_by("-count").values_list("text", flat=True)[0],
            "en": "The claim in English",
        },
        explanation={"zh-Hans": "我们查过了，并非如此。", "en": "We have looked into it; it is not so."},
        sources=[
            {"url": "https://source.example/page", "title": "公告", "publisher": "某机构", "lang": "zh-Hans"}
        ],
        as_of=clock.now().date(),
        reason={"zh-Hans": reason, "en": reason} if reason else None,
    )


def decide(
    members: dict[str, Member], case: Case, rating: str = "false", *, reason: str = "", zh: str = ""
) -> Decision:
    """A verdict, as members reach it: one proposes, an outlet of every bloc finds it helpful."""
    note = propose(members["chen"], case, rating, reason=reason, zh=zh)
    return agree(members, note)


def agree(members: dict[str, Member], note: Note) -> Decision:
    """Outlets of all three blocs find a note by 街坊 helpful; the last of them makes it a verdict."""
    cases.do_rate(members["zhou"], note, value=1.0)
    cases.do_rate(members["lin"], note, value=1.0)
    return cases.do_rate(members["he"], note, value=1.0)
