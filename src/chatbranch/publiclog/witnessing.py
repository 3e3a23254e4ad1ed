"""Asking witnesses to cosign our checkpoints: who they are stands in the settings, how far each is in the database.

Nothing waits for a witness. What it has cosigned is published with the checkpoint; while it does not answer it is asked again, with
growing pauses; and when entries have waited for longer than a day, members are told.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from chatbranch.kernel import clock
from chatbranch.kernel.backoff import pause
from chatbranch.publiclog import notes, queries
from chatbranch.publiclog.folder import Folder
from chatbranch.publiclog.models import Checkpoint, Cosignature, Witness
from chatbranch.publiclog.notes import BadNote, Key, Note, read_size
from chatbranch.publiclog.publishing import do_write_checkpoint
from chatbranch.publiclog.submissions import CONFLICT, Submission
from chatbranch.publiclog.tiles import BadTile, TiledTree
from chatbranch.publiclog.witness import place_of

if TYPE_CHECKING:  # loaded by whoever asks, not by every process
    import httpx

log = logging.getLogger(__name__)
PATIENCE = 10.0  # seconds for one witness to answer
LARGEST = 64 * 1024  # bytes of an answer


class Unwilling(Exception):
    """A witness did not cosign; the message says why."""


@dataclass(frozen=True)
class Asked:
    """A witness as the settings name it."""

    name: str
    url: str
    key: Key


def witnesses() -> list[Asked]:
    """The witnesses of the settings; one whose key cannot be read is left out, and the log says so."""
    found = list[Asked]()
    for name, table in settings.CONFIG.witnesses.items():
        try:
            found.append(Asked(name, table["url"].rstrip("/"), Key.read(table["key"])))
        except BadNote as problem:
            log.error("the key of witness “%s” cannot be read: %s", name, problem)
    return found


def do_ask_witnesses() -> int:
    """Ask whoever has not cosigned the newest checkpoint, and may be asked again; returns how many have now. Waits for the network."""
    newest = queries.newest()
    if newest is None:
        return 0
    done = 0
    for each in witnesses():
        row, _ = Witness.objects.get_or_create(name=each.key.name)
        has = Cosignature.objects.filter(checkpoint=newest, witness=each.key.name).exists()
        if not has and row.next_at <= clock.now():
            done += _ask(each, row, newest)
    if done:
        do_write_checkpoint()
    return done


def _ask(asked: Asked, row: Witness, newest: Checkpoint) -> bool:
    import httpx

    try:
        line = _cosigned(asked, row, newest)
    except (Unwilling, httpx.HTTPError, BadNote, BadTile, OSError) as problem:
        row.failures += 1
        row.next_at = clock.ahead(seconds=pause(row.failures))
        row.problem = (str(problem) or type(problem).__name__)[:200]
        row.save()
        log.warning("witness %s did not cosign: %s", asked.name, row.problem)
        return False
    with transaction.atomic():
        Cosignature.objects.get_or_create(checkpoint=newest, witness=asked.key.name, defaults={"line": line})
        row.size, row.failures, row.problem, row.next_at = newest.size, 0, "", clock.now()
        row.save()
    return True


def _cosigned(asked: Asked, row: Witness, newest: Checkpoint) -> str:
    """The witness's line under the checkpoint. One that has cosigned another size than we thought is asked once more."""
    response = _submit(asked, row.size, newest)
    if response.status_code == 409 and response.headers.get("content-type", "").startswith(CONFLICT):
        size = read_size(response.text.strip())
        if size > newest.size:
            raise Unwilling(f"it has cosigned {size} entries, and the log here has {newest.size}")
        response = _submit(asked, size, newest)
    if response.status_code != 200:
        raise Unwilling(f"{response.status_code} {response.text.strip()[:120]}")
    body = newest.note.partition("\n\n")[0] + "\n"
    signed = Note.read(f"{body}\n{response.text}").by([asked.key])
    if not signed:
        raise Unwilling("it answered with somebody else's signature")
    return signed[0][1].line


def _submit(asked: Asked, old: int, newest: Checkpoint) -> httpx.Response:
    import httpx

    tree = TiledTree(newest.size, Folder(Path(settings.LOG_DIR)).tile)
    said = Submission(old, tuple(tree.consistency_proof(old)), newest.note)
    with httpx.Client(timeout=PATIENCE) as client:
        response = client.post(f"{asked.url}/add-checkpoint", content=said.body.encode())
    if len(response.content) > LARGEST:
        raise Unwilling("its answer is too long")
    return response


# --- what they have seen ----------------------------------------------------------------------------


def seen_by_witnesses(origin: str) -> dict[str, int]:
    """name -> the size of this log that each witness has cosigned, as it shows itself; those that show nothing are left out."""
    import httpx

    found = dict[str, int]()
    for each in witnesses():
        try:
            response = httpx.get(f"{each.url}/{place_of(origin)}/checkpoint", timeout=PATIENCE)
            if response.status_code == 200:
                note = Note.read(response.content[:LARGEST])
                shown = notes.Checkpoint.read(note.text)
                if note.by([each.key]) and shown.origin == origin:
                    found[each.name] = shown.size
        except (httpx.HTTPError, BadNote) as problem:
            log.warning("witness %s does not show what it has seen: %s", each.name, problem)
    return found


ALARM_AFTER = timedelta(days=1)


def waits_too_long() -> bool:
    """Whether entries have waited for their witnesses for longer than a day, in a branch that has named some."""
    if not settings.CONFIG.witnesses:
        return False
    last = queries.newest_witnessed()
    waiting = Checkpoint.objects.filter(size__gt=last.size if last else 0).order_by("size").first()
    return waiting is not None and waiting.at < clock.now() - ALARM_AFTER
