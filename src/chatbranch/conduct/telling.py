"""Telling those concerned: members by a notice (on the desk, and in their chat), whoever complained by a delivery. All of it is
written in the caller's transaction, and sent later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from chatbranch.branch import actions as branch
from chatbranch.branch.models import Member, Notice
from chatbranch.branch.rules import count_as_one
from chatbranch.conduct import code, letters, rules
from chatbranch.conduct.matters import Held, said_at
from chatbranch.conduct.models import Complaint, Matter
from chatbranch.conduct.states import Kind
from chatbranch.deliveries import actions as deliveries
from chatbranch.kernel.phrases import Phrase, day

DELIVERY = "conduct"  # the kind of these deliveries


def do_notice(held: Held) -> None:
    """Tell the outlet that there is a complaint: the exact passage, the clause, what it can do. Once, however many complain."""
    matter = held.matter
    if held.now.pattern:
        said = letters.PATTERN_NOTICE
    else:
        passage, clause = subject_of(matter)
        texts = code.in_force(matter.opened_at).clauses[clause]
        said = _in_both(
            lambda lang: letters.NOTICE.say(
                lang, url=matter.url, passage=passage, clause=clause, text=texts[lang]
            )
        )
    _notify(matter, of_outlet(matter), said)
    held.write(Kind.NOTICED)


def tell_asked(matter: Matter, until: datetime) -> None:
    """Ask the outlet for its answer."""
    passage, clause = subject_of(matter)
    last = rules.last_day(until)
    said = _in_both(lambda lang: letters.ASKED.say(lang, passage=passage, clause=clause, day=day(last, lang)))
    _notify(matter, of_outlet(matter), said)


def tell_seated(matter: Matter, jurors: Iterable[str]) -> None:
    """Tell members that they were drawn."""
    _notify(matter, Member.objects.filter(pk__in=list(jurors)), letters.SEATED)


def tell_all(held: Held, place: int, *, also: Iterable[str] = ()) -> None:
    """Tell where the matter stands now: the outlet, whoever was told anything before, and everyone who complained. So what
    exonerates reaches all whom the notice reached. also: members who are told from now on. place: of what happened."""
    matter, now = held.matter, letters.NOW[held.now.state]
    people = {each.pk for each in of_outlet(matter)}
    others = {*told(matter), *Member.objects.filter(pk__in=list(also)).values_list("pk", flat=True)} - people
    for pks, letter in ((people, letters.OUTLET), (others, letters.OTHERS)):
        said = Phrase(letter.say("zh-Hans", what=now.zh), letter.say("en", what=now.en))
        _notify(matter, Member.objects.filter(pk__in=pks), said)
    _tell_complainants(matter, place, now)


def told(matter: Matter) -> set[object]:
    """The members who were told anything about the matter so far."""
    return set(Notice.objects.filter(about=matter.id).values_list("member_id", flat=True))


def of_outlet(matter: Matter) -> list[Member]:
    """The outlet's people, as they are now."""
    present = Member.objects.filter(left_at=None, is_active=True).select_related("outlet").order_by("pk")
    return [each for each in present if count_as_one(each.outlet.owner, matter.outlet.owner)]


def subject_of(matter: Matter) -> tuple[str, str]:
    """(passage, clause) that the matter is about: as the member who opened it had it, until then as first complained."""
    if opened := said_at(matter, Kind.OPENED):
        return opened["passage"], opened["clause"]
    first = matter.complaints.order_by("at", "pk").first()
    return (first.passage, first.clause) if first else ("", code.PATTERN_CLAUSE)


def _in_both(say: Callable[[str], str]) -> Phrase:
    return Phrase(say("zh-Hans"), say("en"))


def _notify(matter: Matter, people: Iterable[Member], said: Phrase) -> None:
    branch.do_notify(people, said, about=matter.id, link=reverse("conduct-matter", args=[matter.pk]))


def _tell_complainants(matter: Matter, place: int, now: Phrase) -> None:
    link = settings.CONFIG.url + reverse("complaint-status")
    reached = Complaint.objects.filter(matter=matter).exclude(pseudonym="")
    deliveries.do_queue_many(
        deliveries.Message(
            pseudonym,
            DELIVERY,
            letters.COMPLAINANT.say(lang, what=now.say(lang), link=link),
            f"conduct:{matter.pk}:{place}:{pseudonym}",
            matter.id,
        )
        for pseudonym, lang in reached.values_list("pseudonym", "lang").distinct()
    )
