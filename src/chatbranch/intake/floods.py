"""How much is too much: of one asker, of one room, of one network. Counted under pseudonyms of the day, gone with it.

A network is where a request over HTTP came from when nobody signed in (rules.network). It is never written beside a
submission: between accepting and answering it is only in this process's memory.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from chatbranch.contacts import actions as contacts
from chatbranch.intake import letters
from chatbranch.intake.models import Flood
from chatbranch.intake.rules import (
    COUNTED_OF_A_NETWORK,
    HOUR,
    MINUTE,
    OF_A_ROOM,
    OF_AN_ASKER,
    Counted,
    Limit,
    count,
)
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Inbound
from chatbranch.kernel.phrases import Phrase

NETWORK = "network"  # in the place of a channel, so that no asker's pseudonym is one of a network
_REMEMBERED = 10_000
_came_from: dict[UUID, str] = {}
_one_at_a_time = threading.Lock()


def do_count(inbound: Inbound, network: str) -> Refused | None:
    """Count a message, in the caller's transaction; returns why it is refused, if it is.

    The narrowest limit speaks first, and what it refuses does not count towards the wider: one noisy person uses up
    neither their room nor their network.
    """
    for limit, channel, address, said in _places(inbound, network):
        if refused := _count(limit, channel, address, said):
            return refused
    return None


def _places(inbound: Inbound, network: str) -> Iterator[tuple[Limit, str, str, Phrase]]:
    """Where a message counts, the narrowest first: (limit, channel, address, what is said when it is too much)."""
    if inbound.direct:
        yield OF_AN_ASKER, inbound.channel, inbound.address, letters.TOO_MANY
    else:
        yield OF_AN_ASKER, inbound.channel, writer(inbound), letters.TOO_MANY
        yield OF_A_ROOM, inbound.channel, inbound.address, letters.TOO_MANY_IN_ROOM
    if network:
        config = settings.CONFIG
        limit = Limit(config.network_asks_per_minute, MINUTE, config.network_asks_per_day)
        yield limit, NETWORK, network, letters.TOO_MANY_OF_NETWORK


def writer(inbound: Inbound) -> str:
    """Who wrote in a room, as an address that only counting knows; empty in a conversation of two."""
    return "" if inbound.direct else f"{inbound.address}\n{inbound.sender}"


def do_count_objection(network: str) -> Refused | None:
    """Count an objection, in the caller's transaction; returns why it is refused, if it is."""
    config = settings.CONFIG
    limit = Limit(config.network_objections_per_hour, HOUR, config.network_objections_per_day)
    return _count(limit, NETWORK, f"{network}\nobjections", letters.TOO_MANY_OBJECTIONS) if network else None


def do_count_asker(network: str, case_id: UUID) -> bool:
    """Whether one more asker of this network adds to the number of the case's askers: the first few of a day do.

    Of an unknown network (a crash came in between) none does.
    """
    if not network:
        return False
    limit = Limit(0, MINUTE, COUNTED_OF_A_NETWORK)
    return _count(limit, NETWORK, f"{network}\n{case_id}", letters.TOO_MANY) is None


def do_count_told(channel: str, room: str, claim_id: UUID) -> bool:
    """Whether a claim's verdict was not told in this room yet today; from now on it was."""
    limit = Limit(0, MINUTE, 1)
    return _count(limit, channel, f"{room}\n{claim_id}", letters.TOO_MANY) is None


def _count(limit: Limit, channel: str, address: str, said: Phrase) -> Refused | None:
    now = clock.now()
    pseudonym = contacts.pseudonym_of(channel, address, contacts.day_scope(now.date()))
    row = Flood.objects.select_for_update().filter(pk=pseudonym).first()
    row = row or Flood(pseudonym=pseudonym, day=now.date(), minute=now)
    after, wait = count(Counted(row.count, row.in_minute, row.minute), now, limit)
    told, row.told_at = row.told_at, now if wait else None
    row.count, row.in_minute, row.minute = after.day, after.in_window, after.since
    if not _kept(row):
        return _count(limit, channel, address, said)
    return None if wait is None else _refusal(said, wait, again=told is not None)


def _kept(row: Flood) -> bool:
    """Write a count; False where somebody else wrote the day's first at the same moment."""
    if not row._state.adding:
        row.save()
        return True
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def _refusal(said: Phrase, wait: timedelta, *, again: bool) -> Refused:
    when = letters.IN_A_MINUTE if wait <= MINUTE else letters.IN_AN_HOUR if wait <= HOUR else letters.TOMORROW
    phrase = Phrase(said.zh.format(when=when.zh), said.en.format(when=when.en))
    seconds = max(1, round(wait.total_seconds()))
    return Refused("too-many", phrase, status=429, again=again, retry_after=seconds)


# --- where submissions under way came from -----------------------------------------------------------------------------


def remember(submission: UUID, network: str) -> None:
    """Keep in mind where a submission came from until it is answered; of too many the oldest are let go."""
    with _one_at_a_time:
        if len(_came_from) >= _REMEMBERED:
            del _came_from[next(iter(_came_from))]
        _came_from[submission] = network


def network_of(submission: UUID) -> str:
    """Where a submission came from; empty when this process did not accept it."""
    return _came_from.get(submission, "")


def let_go(submission: UUID) -> None:
    """The submission is answered: nobody needs to know any more where it came from."""
    with _one_at_a_time:
        _came_from.pop(submission, None)
