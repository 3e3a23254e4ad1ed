"""Safeguards of the design, held by the shape of the tables and of what may be called.

Who asked, and who is asked about, has no page, no row that could be ranked, and no way into a verdict.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

from chatbranch.branch.models import Member, Outlet
from chatbranch.consensus.rules import Seat, Voice, decide

SLICES = (
    "journal",
    "branch",
    "contacts",
    "deliveries",
    "claims",
    "matching",
    "cases",
    "intake",
    "publiclog",
    "publishing",
    "conduct",
    "relay",
)
TABLES: list[type[models.Model]] = [
    each for each in apps.get_models() if each.__module__.startswith("chatbranch.")
]

PAPERS = "passport document identity idcard national ssn license licence birthday birth gender sex face selfie phone mobile"
SCORES = "score scores reputation karma trust credibility credit rank ranking points weight factor level strikes agreement accuracy"
MEASURES = "measure sanction penalty punishment ban banned mute muted strike suspension blacklist blocklist offender suspect culprit"

# Numbers in a table that also points at a person or a pseudonym: each stands here with what it counts, and none is about them.
COUNTS = {
    "cases.Case.askers_count": "how many people ask about a case",
    "cases.Rating.value": "how helpful a member finds a note: their own word, said openly, about the note",
    "cases.Objection.verdict_version": "which verdict is objected to",
    "cases.Asker.told_version": "which verdict this asker was told",
    "conduct.MatterEvent.place": "the order of what happened to a matter",
    "conduct.Decision.round": "whether a first panel decided, or one on appeal",
    "conduct.Pace.count": "complaints of one pseudonym (a reader, a network) on one day, erased with the day",
    "deliveries.Delivery.attempts": "how often one message was sent",
    "deliveries.Delivery.repeats": "how often one message was sent again after a crash",
    "intake.Flood.count": "messages of one pseudonym (an asker, a room, a network) on one day, erased with the day",
    "intake.Flood.in_minute": "the same in one minute, or hour",
}
# Only a claim is rated; and a note about it, by members.
RATINGS = {"claims.Verdict.rating", "cases.Note.rating"}
RATINGS_OF_NOTES = {"Rating", "RatingLink"}
# An account that an outlet of the branch says is its own (no row can stand without that outlet), and where it is shown.
OF_OUTLETS = {"branch.Account"}
OWN_ACCOUNTS = ("accounts/", "desk/accounts/")
SIGN_IN = ("account/",)
PSEUDONYMS = {
    "contacts.Contact",
    "cases.Asker",
    "cases.Objection",
    "cases.Digest",  # a rater's own chat
    "conduct.Complaint",
    "conduct.Pace",
    "intake.Submission",
    "intake.Flood",
    "intake.Meant",
    "deliveries.Delivery",
    "relay.Carried",
    "relay.Leg",  # a room's, not a person's
}


def fields() -> list[tuple[str, models.Field[Any, Any]]]:
    """("slice.Model.field", field) of every column of ours."""
    return [
        (f"{table._meta.app_label}.{table.__name__}.{field.name}", field)
        for table in TABLES
        for field in table._meta.get_fields()
        if isinstance(field, models.Field)
    ]


def words(name: str) -> set[str]:
    """The words a name is made of: "askers_count" -> askers, count; "IdCard" -> id, card."""
    return {
        each.lower()
        for part in re.split(r"[._]", name)
        for each in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", part)
    }


def named_like(vocabulary: str) -> list[str]:
    return [name for name, _ in fields() if words(name) & set(vocabulary.split())]


def about_people(table: type[models.Model]) -> bool:
    """Whether rows of this table are, or point at, a member, an outlet or a pseudonym."""
    pointed = {
        field.related_model for field in table._meta.get_fields() if isinstance(field, models.ForeignKey)
    }
    return table in (Member, Outlet) or bool(pointed & {Member, Outlet}) or holds_pseudonym(table)


def holds_pseudonym(table: type[models.Model]) -> bool:
    return any(field.name == "pseudonym" for field in table._meta.get_fields())


def test_the_walk_sees_the_tables_it_is_about() -> None:
    assert len(TABLES) >= 20
    assert {"cases.Asker.pseudonym", "branch.Member.username", "claims.Verdict.rating"} <= {
        name for name, _ in fields()
    }
    assert words("branch.Member.idCard_number") == {"branch", "member", "id", "card", "number"}


def test_nobody_is_asked_for_an_identity_document() -> None:
    assert named_like(PAPERS) == []


def test_no_table_holds_a_score_of_a_person() -> None:
    assert named_like(SCORES) == []


def test_every_number_beside_a_person_is_known_to_be_no_score() -> None:
    numbers = (models.IntegerField, models.FloatField, models.DecimalField)
    found = {
        name
        for name, field in fields()
        if about_people(field.model) and isinstance(field, numbers) and not field.primary_key
    }
    assert found == set(COUNTS), "a number was added or removed beside a person: say in COUNTS what it counts"


def test_only_a_claim_is_ever_rated() -> None:
    found = {name for name, _ in fields() if words(name) & {"rating", "ratings", "rated"}}
    of_notes = {name for name in found if name.split(".")[1] in RATINGS_OF_NOTES}
    assert found - of_notes == RATINGS
    for table in RATINGS_OF_NOTES:
        pointed = {
            field.name for field in apps.get_model("cases", table)._meta.get_fields() if field.is_relation
        }
        assert pointed in ({"note", "by"}, {"note", "rater"}), "who rates a note, and which: nobody is rated"


def test_pseudonyms_stand_in_these_tables_and_in_no_other() -> None:
    assert {
        f"{table._meta.app_label}.{table.__name__}" for table in TABLES if holds_pseudonym(table)
    } == PSEUDONYMS


def test_no_table_is_about_anyone_outside_the_branch_but_by_pseudonym() -> None:
    outsiders = {"account", "author", "profile", "person", "poster", "sender", "reporter", "reader", "user"}
    ours = {f"{table._meta.app_label}.{table.__name__}": table for table in TABLES}
    assert {name for name in ours if words(name) & outsiders} == set(OF_OUTLETS)
    for name in OF_OUTLETS:
        outlet = ours[name]._meta.get_field("outlet")
        assert (outlet.related_model, outlet.null) == (Outlet, False), "it is nobody's but an outlet's"


def test_whatever_measure_there_may_be_is_taken_towards_members_and_outlets_only() -> None:
    for table in TABLES:
        if words(table.__name__) & set(MEASURES.split()):
            pointed = [field for field in table._meta.get_fields() if isinstance(field, models.ForeignKey)]
            assert any(field.related_model in (Member, Outlet) and not field.null for field in pointed), table
    assert [
        name for name in named_like(MEASURES) if not about_people(apps.get_model(*name.split(".")[:2]))
    ] == []


def test_a_decision_is_kept_as_counts_of_outlets_without_a_name() -> None:
    seats = [Seat(f"owner-{each}", "old town" if each % 2 else "young") for each in range(8)]
    voices = [Voice(f"owner-{each}", float(each % 4 != 0)) for each in range(8)]
    kept = decide(seats[1], seats, voices).as_dict()
    assert (kept["helpful_outlets"], kept["not_helpful_outlets"], kept["left_out"]) == (5, None, 1)
    assert "owner" not in str(kept)


def functions(part: str) -> list[tuple[str, Any]]:
    """("slice.part.name", function) of every public function of that part of every slice."""
    found = []
    for name in SLICES:
        try:
            module = import_module(f"chatbranch.{name}.{part}")
        except ModuleNotFoundError as missing:
            if missing.name != f"chatbranch.{name}.{part}":
                raise
            continue
        for each, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not each.startswith("_"):
                found.append((f"{name}.{part}.{each}", function))
    return found


# Lists of pseudonyms or askers that machinery needs to tell or to erase them; none names anyone, none has a page.
FOR_MACHINERY = {
    "contacts.queries.open_contacts",
    "contacts.queries.pseudonyms",
    "contacts.queries.unreachable",
    "contacts.queries.forgotten_again",
    "contacts.queries.channels_of",
    "contacts.queries.names_in",
    "deliveries.queries.pseudonyms",
    "deliveries.queries.recipients",
}


def test_no_query_lists_people_outside_the_branch() -> None:
    people = re.compile(r"\b(Asker|Contact|Scope|Submission|Flood|Reach)\b")
    many = re.compile(r"\b(list|dict|set|tuple|Iterator|Iterable|Sequence|Mapping|QuerySet)\[")
    suspicious = re.compile(r"asker|pseudonym|author|account|people|sender|address|recipient|top_|rank")
    queries = functions("queries")
    assert len(queries) > 30
    lists = set()
    for name, function in queries:
        returned = str(inspect.signature(function).return_annotation)
        if many.search(returned) and (people.search(returned) or suspicious.search(name.rpartition(".")[2])):
            lists.add(name)
    assert lists <= FOR_MACHINERY, "a query lists people outside the branch"


def addresses() -> list[str]:
    """Every address pattern of the house, as text."""

    def walk(resolver: URLResolver, before: str) -> list[str]:
        found = []
        for each in resolver.url_patterns:
            if isinstance(each, URLPattern):
                found.append(before + str(each.pattern))
            else:
                found += walk(each, before + str(each.pattern))
        return found

    return walk(get_resolver(), "")


def test_no_address_of_the_house_leads_to_a_list_of_askers_or_of_accounts() -> None:
    known = [each for each in addresses() if not each.startswith(SIGN_IN + OWN_ACCOUNTS)]
    assert "desk/" in known
    listing = re.compile(
        r"asker|people|accounts?/|author|leader|ranking|scoreboard|offender|report-person|pseudonym"
    )
    assert [each for each in known if listing.search(each)] == []


@pytest.mark.parametrize("name", ["Person.trust_score", "IdCard.number", "Outlet.rank"])
def test_a_table_that_broke_these_rules_would_be_seen(name: str) -> None:
    assert words(name) & {*PAPERS.split(), *SCORES.split(), "card"}
