"""The forgotten list: keyed hashes of pseudonyms whose owners asked to be forgotten, so that a restored backup forgets again.

One line each, "2026-11 <32 hex digits>". Without the `forgotten` key a line cannot be matched with anything.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chatbranch.contacts import keys, rules, seals
from chatbranch.contacts.models import today
from chatbranch.kernel.files import sync

_LINE = re.compile("([0-9]{4}-[0-9]{2}) ([0-9a-f]{32})")


def append(pseudonyms: Iterable[str]) -> None:
    """Put the pseudonyms on the list, durably: when this returns they are on the disk."""
    month = rules.month_of(today())
    lines = sorted(f"{month} {_mark(each)}\n" for each in pseudonyms)  # sorted: the order tells nothing
    file = keys.forgotten_list()
    if not lines:
        return
    with _locked(file):
        _write(file, "\n" * _torn(file) + "".join(lines), os.O_APPEND)
        sync(file.parent)


def among(pseudonyms: Iterable[str]) -> list[str]:
    """Which of the pseudonyms are on the list."""
    marks = {line.split()[1] for line in _lines(keys.forgotten_list())}
    return [each for each in pseudonyms if _mark(each) in marks] if marks else []


def prune() -> None:
    """Drop lines that outlived every backup they could matter to. Replaced whole, by rename."""
    file = keys.forgotten_list()
    if all(_fresh(line) for line in _lines(file)):
        return
    with _locked(file):
        draft = file.with_suffix(".new")
        _write(draft, "".join(line for line in _lines(file) if _fresh(line)), os.O_TRUNC)
        draft.replace(file)
        sync(file.parent)


def _mark(pseudonym: str) -> str:
    return seals.digest(keys.of("forgotten"), pseudonym)[:32]


def _fresh(line: str) -> bool:
    return rules.remembers(line.split()[0], today())


def _lines(file: Path) -> list[str]:
    """The whole lines of the list; one torn by a power cut is passed over (its forgetting was never confirmed)."""
    if not file.exists():
        return []
    lines = file.read_text(encoding="ascii").splitlines()
    return [line + "\n" for line in lines if _LINE.fullmatch(line)]


def _torn(file: Path) -> bool:
    return file.exists() and not file.read_bytes().endswith(b"\n")


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """One writer at a time, across processes."""
    descriptor = os.open(file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(file: Path, text: str, how: int) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | how, 0o600), "w", encoding="ascii") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
