"""Importing our own export gives back the same library: whatever is in it, byte for byte, as far as each form can carry it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbranch.claims.codes import SYMBOLS
from chatbranch.claims.exporting import write_datafeed
from chatbranch.claims.formats import jsonlines
from chatbranch.claims.formats.entry import Entry, check_entry
from chatbranch.claims.importing import do_import_file
from chatbranch.claims.tests.test_formats import entries
from chatbranch.claims.tests.test_importing import emptied, exported
from chatbranch.kernel.errors import Refused

pytestmark = pytest.mark.django_db
some = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))


def may_stand(entry: Entry) -> bool:
    try:
        check_entry(entry, date(2026, 12, 1))
    except Refused:
        return False
    return True


@st.composite
def libraries(draw: st.DrawFn) -> list[Entry]:
    """Claims of ours and of others, with their histories, as an export has them: in order, our verdicts with codes, all with times."""
    found = draw(st.lists(entries.filter(may_stand), min_size=1, max_size=5, unique_by=lambda each: each.key))
    numbers = iter(range(10**6))
    library = []
    for place, entry in enumerate(found):
        own = entry.origin == ""
        decided = [draw(st.just(each.origin) | st.just("")) for each in entry.rulings]  # by us, at times
        key = str(UUID(int=0x01A20AD0_0000_7000_8000_000000000000 + place)) if own else entry.key
        rulings = tuple(
            replace(
                ruling,
                origin=None if by == entry.origin else by,
                published_at=draw(moments),
                code="" if (entry.origin if by is None else by) else code(next(numbers)),
            )
            for ruling, by in zip(entry.rulings, decided, strict=True)
        )
        library.append(replace(entry, key=key, rulings=rulings, origin_url="" if own else entry.origin_url))
    return sorted(library, key=lambda each: (each.origin.encode(), each.key.encode()))


def code(number: int) -> str:
    symbols = "".join(SYMBOLS[number >> 5 * place & 31] for place in range(8))
    return f"CB-{symbols[:4]}-{symbols[4:]}"


def feed() -> str:
    out = io.StringIO()
    write_datafeed(out, site="https://branch.example", branch="Branch A")
    return out.getvalue()


def items(document: str) -> list[str]:
    return sorted(json.dumps(each, sort_keys=True) for each in json.loads(document)["dataFeedElement"])


@given(libraries())
@some
def test_json_lines_give_back_the_same_bytes(tmp_path: Path, library: list[Entry]) -> None:
    emptied()
    written = "".join(jsonlines.line(entry) + "\n" for entry in library)
    (tmp_path / "a.jsonl").write_text(written, encoding="utf-8")
    assert do_import_file(tmp_path / "a.jsonl", own=True).refused == []
    assert exported() == written
    (tmp_path / "b.jsonl").write_text(exported(), encoding="utf-8")
    assert do_import_file(tmp_path / "b.jsonl", own=True).unchanged == len(library)
    emptied()
    do_import_file(tmp_path / "b.jsonl", own=True)
    assert exported() == written


@given(libraries())
@some
def test_claimreviews_give_back_the_same_reviews_and_from_then_on_the_same_bytes(
    tmp_path: Path, library: list[Entry]
) -> None:
    emptied()
    written = "".join(jsonlines.line(entry) + "\n" for entry in library)
    (tmp_path / "a.jsonl").write_text(written, encoding="utf-8")
    do_import_file(tmp_path / "a.jsonl", own=True)
    first = feed()
    (tmp_path / "first.json").write_text(first, encoding="utf-8")
    emptied()
    assert do_import_file(tmp_path / "first.json").refused == []
    second = feed()
    assert items(second) == items(first)
    (tmp_path / "second.json").write_text(second, encoding="utf-8")
    emptied()
    do_import_file(tmp_path / "second.json")
    assert feed() == second
