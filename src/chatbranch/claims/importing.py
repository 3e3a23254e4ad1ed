"""Taking checks in from elsewhere: in chunks, each a short transaction; run again, it goes on where it stopped.

A row is known by its origin and key. An unchanged row writes nothing, a changed verdict is appended as a new
version, a row that cannot be taken is reported with its line and the reason, and the rest goes in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import as_file, files
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple
from uuid import UUID

from django.db import DataError, IntegrityError, transaction

from chatbranch.claims.actions import give_codes, tell_of, tell_of_decision
from chatbranch.claims.exporting import entries_of
from chatbranch.claims.formats import jsonlines, reading
from chatbranch.claims.formats.entry import Entry, Ruling, check_entry
from chatbranch.claims.models import Claim, Source, Verdict, Wording
from chatbranch.journal.actions import do_record, take_turn
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

SAMPLE_ORIGIN = "chatbranch sample library"
CHUNK = 50  # rows a transaction: some 20 ms on two cores, so that others' writes are not held up
MOST_KEPT = 1000  # refused rows kept in a report; all are counted, and all are handed to `report`

Progress = Callable[[int, int], None]
Outcome = Refused | Literal["added", "changed", "unchanged"]


class RefusedRow(NamedTuple):
    """One row that was not taken. line: its number, after the file's name and a colon where there are several.

    `reason.say(lang)` says why.
    """

    line: str
    reason: Refused


@dataclass
class ImportReport:
    """What came of an import. `refused` keeps the first MOST_KEPT; `refused_count` counts all."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[RefusedRow] = field(default_factory=list)
    refused_count: int = 0
    encodings: set[str] = field(default_factory=set)

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return self.added + self.changed + self.unchanged + self.refused_count


class Sent(NamedTuple):
    """A row on its way in. digest: the hash of all it says, by which it is found unchanged."""

    file: str
    line: int
    entry: Entry
    digest: str

    @property
    def at(self) -> tuple[str, str]:
        """What it is known by."""
        return self.entry.origin, self.entry.key


def do_import_file(
    path: Path,
    *,
    origin: str = "",
    own: bool = False,
    progress: Progress | None = None,
    report: Callable[[RefusedRow], None] | None = None,
) -> ImportReport:
    """Import a file, or every file in a folder; any format that `formats.reading` knows.

    origin: whom rows are from that do not say so themselves. own: the file is this branch's own export, so rows
    without an origin are its own checks again. progress(rows read, rows in all, or 0 where unknown) is called
    after each chunk; report(row) for each refused row. Raises Refused where the file as a whole is not usable.
    """
    paths = reading.files_in(path)
    run = _Import(origin, own, report, several=len(paths) > 1)
    opened = [found for each in paths if (found := run.opened(each))]
    total = sum(file.rows for file in opened) if all(file.rows for file in opened) else 0
    rows = (sent for file in opened for sent in run.sent(file))
    while chunk := list(islice(rows, CHUNK)):
        run.take(chunk)
        if progress:
            progress(run.report.rows, max(total, run.report.rows) if total else 0)
    return run.report


def do_load_sample(progress: Progress | None = None) -> ImportReport:
    """Load the sample library that is shipped, or what of it is not there yet; on a second start, nothing."""
    with as_file(files("chatbranch.claims") / "sample") as folder:
        return do_import_file(Path(folder), origin=SAMPLE_ORIGIN, progress=progress)


class _Import:
    """One run of an import, and what has come of it so far."""

    def __init__(
        self, origin: str, own: bool, told: Callable[[RefusedRow], None] | None, *, several: bool
    ) -> None:
        self.origin, self.own, self.told, self.several = origin, own, told, several
        self.report = ImportReport()
        self.id = ids.new_id()
        self.seen: dict[bytes, int] = {}  # hash of origin and key -> line, to find a key that comes twice

    def opened(self, path: Path) -> reading.Opened | None:
        """The file, or None where it is not usable: among several that is reported, alone it is raised."""
        try:
            file = reading.open_file(path)
        except Refused as refused:
            if not self.several:
                raise
            self.refuse(path.name, 1, refused)
            return None
        self.report.encodings.add(file.encoding)
        return file

    def sent(self, file: reading.Opened) -> Iterator[Sent]:
        """The file's rows that may be taken; the others are reported."""
        today = clock.now().date()
        for line, found in file.read():
            if isinstance(found, Refused):
                self.refuse(file.path.name, line, found)
                continue
            entry = self.signed(found)
            try:
                check_origin(entry, own=self.own)
                check_entry(entry, today)
                self.check_twice(entry, line)
            except Refused as refused:
                self.refuse(file.path.name, line, refused)
            else:
                yield Sent(file.path.name, line, entry, digest(entry))

    def signed(self, entry: Entry) -> Entry:
        """The entry and its verdicts, each from whom it says it is, else from whom the import was said to be."""
        origin = entry.origin or self.origin
        if origin == entry.origin and all(each.origin is None for each in entry.rulings):
            return entry
        decided = [each.origin if each.origin != "" else self.origin for each in entry.rulings]
        rulings = tuple(
            replace(ruling, origin=None if by == origin else by)
            for ruling, by in zip(entry.rulings, decided, strict=True)
        )
        return replace(entry, origin=origin, rulings=rulings)

    def check_twice(self, entry: Entry, line: int) -> None:
        """Refuse a key that came before in this run: which of the two would be the newer verdict?"""
        mark = hashlib.blake2b(f"{entry.origin}\0{entry.key}".encode(), digest_size=16).digest()
        first = self.seen.setdefault(mark, line)
        if first != line:
            raise Refused("key-twice", _TWICE, field="id", key=entry.key[:80], line=first)

    def refuse(self, file: str, line: int, reason: Refused) -> None:
        row = RefusedRow(f"{file}:{line}" if self.several else str(line), reason)
        self.report.refused_count += 1
        if len(self.report.refused) < MOST_KEPT:
            self.report.refused.append(row)
        if self.told:
            self.told(row)

    def take(self, chunk: list[Sent]) -> None:
        """Write what is new or changed of these rows; nothing at all where all is known already."""
        known = {(claim.origin, claim.key): claim.digest for claim in _claims(chunk)}
        stirred = [sent for sent in chunk if known.get(sent.at) != sent.digest]
        self.report.unchanged += len(chunk) - len(stirred)
        if stirred:
            self.write(stirred)

    def write(self, stirred: list[Sent]) -> None:
        """Write these rows in one transaction; where the database refuses one of them, each by itself."""
        try:
            outcomes = _write(stirred, self.id)
        except (DataError, IntegrityError) as error:
            if len(stirred) == 1:
                self.refuse(stirred[0].file, stirred[0].line, Refused("not-stored", _NOT_STORED, why=error))
            else:
                for sent in stirred:
                    self.write([sent])
            return
        for sent, outcome in zip(stirred, outcomes, strict=True):
            if isinstance(outcome, Refused):
                self.refuse(sent.file, sent.line, outcome)
            else:
                setattr(self.report, outcome, getattr(self.report, outcome) + 1)


@transaction.atomic
def _write(rows: list[Sent], run: UUID) -> list[Outcome]:
    """Write these rows and tell of it; returns what became of each."""
    take_turn()
    claims = {(claim.origin, claim.key): claim for claim in _claims(rows)}
    _add([sent for sent in rows if sent.at not in claims])
    outcomes = [_renewed(claims[sent.at], sent) if sent.at in claims else "added" for sent in rows]
    count = sum(outcome in ("added", "changed") for outcome in outcomes)
    if count:
        do_record("claim.imported", run, count=count)
    return outcomes


def _renewed(claim: Claim, sent: Sent) -> Outcome:
    try:
        return "changed" if _append(claim, sent) else "unchanged"
    except Refused as refused:
        return refused


def digest(entry: Entry) -> str:
    """The hash by which a row is found unchanged: of all it says."""
    return hashlib.sha256(jsonlines.line(entry).encode()).hexdigest()


def check_origin(entry: Entry, *, own: bool) -> None:
    """Refuse a row that does not say whose check it is: what others checked is never taken for our own."""
    unsigned = not entry.origin or any(ruling.origin == "" for ruling in entry.rulings)
    if unsigned and not own:
        raise Refused("no-origin", _NO_ORIGIN, field="origin")


def _claims(chunk: Iterable[Sent]) -> list[Claim]:
    """The claims of these rows that are in the library already."""
    keys: dict[str, list[str]] = {}
    for sent in chunk:
        keys.setdefault(sent.entry.origin, []).append(sent.entry.key)
    return [
        claim
        for origin, wanted in keys.items()
        for claim in Claim.objects.filter(origin=origin, key__in=wanted)
    ]


# --- a new claim ----------------------------------------------------------------------------------


def _add(new: list[Sent]) -> None:
    """Write these claims whole, a table at a time."""
    claims = [_claim(sent.entry, sent.digest) for sent in new]
    Claim.objects.bulk_create(claims)
    pairs = [(claim, sent.entry) for claim, sent in zip(claims, new, strict=True)]
    Wording.objects.bulk_create(
        Wording(claim=claim, lang=worded.lang, text=worded.text)
        for claim, entry in pairs
        for worded in entry.wordings
    )
    _add_rulings(
        (claim, version, ruling)
        for claim, entry in pairs
        for version, ruling in enumerate(entry.rulings, start=1)
    )


def _claim(entry: Entry, digest: str) -> Claim:
    claim = Claim(
        key=entry.key,
        topic=entry.topic,
        origin=entry.origin,
        origin_url=entry.origin_url,
        digest=digest,
        version=_standing(entry.rulings, entry.origin),
    )
    if not entry.origin:  # our own check come back: its address is its id, and stays
        claim.id = ids.read_id(entry.key) or ids.new_id()
    return claim


def _add_rulings(rulings: Iterable[tuple[Claim, int, Ruling]]) -> list[Verdict]:
    pairs = [(_verdict(claim, version, ruling), ruling) for claim, version, ruling in rulings]
    verdicts = Verdict.objects.bulk_create(verdict for verdict, _ in pairs)
    Source.objects.bulk_create(
        Source(verdict=verdict, **vars(cited)) for verdict, ruling in pairs for cited in ruling.sources
    )
    given = [ruling.code if not verdict.origin else "" for verdict, ruling in pairs]
    give_codes(list(zip(verdicts, given, strict=True)))
    for verdict in verdicts:
        if not verdict.origin:
            tell_of_decision(verdict)
    return verdicts


def _standing(rulings: Sequence[Ruling], origin: str) -> int:
    """How many of these verdicts on a claim of this origin stand at once: all up to others' last. Ours wait for their proof."""
    theirs = [place for place, each in enumerate(rulings, start=1) if each.decided_by(origin)]
    return theirs[-1] if theirs else 0


def _verdict(claim: Claim, version: int, ruling: Ruling) -> Verdict:
    return Verdict(
        claim=claim,
        version=version,
        rating=ruling.rating,
        as_of=ruling.as_of,
        expires=ruling.expires,
        scope=ruling.scope,
        explanation=ruling.explanation,
        reason=ruling.reason,
        basis=ruling.basis,
        origin=ruling.decided_by(claim.origin),
        published_at=ruling.published_at or clock.now(),
    )


# --- a known claim --------------------------------------------------------------------------------


def _append(claim: Claim, sent: Sent) -> bool:
    """Append what the row says beyond what is here; whether that was anything.

    Raises Refused where the newest verdict here is this branch's own on a claim from elsewhere: it stands.
    """
    entry = sent.entry
    (ours,) = entries_of([claim], waiting=True)
    added = _beyond(ours.rulings, entry.rulings)
    if added and ours.rulings[-1].origin == "":
        raise Refused("decided-here", _DECIDED_HERE, date=ours.rulings[-1].as_of.isoformat())
    wordings = [each for each in entry.wordings if each not in ours.wordings]
    Wording.objects.bulk_create(Wording(claim=claim, lang=each.lang, text=each.text) for each in wordings)
    moved = bool(added or wordings or (claim.topic, claim.origin_url) != (entry.topic, entry.origin_url))
    before = len(ours.rulings)
    if standing := _standing(added, claim.origin):
        claim.version = before + standing
    claim.topic, claim.origin_url, claim.digest = entry.topic, entry.origin_url, sent.digest
    claim.save()
    verdicts = _add_rulings((claim, number, each) for number, each in enumerate(added, start=before + 1))
    if standing:
        tell_of(verdicts[standing - 1], ours.rulings[-1].rating)
    return moved


def _beyond(ours: tuple[Ruling, ...], theirs: tuple[Ruling, ...]) -> tuple[Ruling, ...]:
    """Their verdicts that follow our newest; only their newest, where they do not know ours at all."""
    for place in range(len(theirs) - 1, -1, -1):
        if theirs[place].says_as(ours[-1]):
            return theirs[place + 1 :]
    return theirs[-1:]


_NOT_STORED = Phrase("数据库不接受这一行（{why}）。", "The database does not take this row ({why}).")
_TWICE = Phrase("编号“{key}”在第 {line} 行已经出现过。", "The id “{key}” stands on line {line} already.")
_NO_ORIGIN = Phrase(
    "没有写明是谁查证的；请用 --origin 注明来源。",
    "The row does not say who checked this; name them with --origin.",
)
_DECIDED_HERE = Phrase(
    "本会已于 {date} 对这条另下结论，来文中的新结论没有采用。",
    "This branch decided about this claim itself on {date}; the newer verdict in the file was not taken.",
)
