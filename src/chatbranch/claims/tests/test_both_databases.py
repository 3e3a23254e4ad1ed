"""What must hold on SQLite and PostgreSQL alike, with real commits and several writers."""

from __future__ import annotations

import io
import threading
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, connections, transaction
from tests.support.databases import Database

from chatbranch.claims import queries
from chatbranch.claims.exporting import write_jsonlines
from chatbranch.claims.formats import jsonlines
from chatbranch.claims.formats.entry import Cited, Entry, Ruling, Worded
from chatbranch.claims.importing import do_import_file
from chatbranch.claims.tests.test_actions import published


def _entry(origin: str, key: str) -> Entry:
    first = Ruling(
        "unknown", date(2025, 1, 1), sources=(Cited("https://a.example/", "标题", "甲", "zh-Hans"),)
    )
    basis = {"a": {"深": "层"}, "b": [1, 1.5, None, True], "c": "", "long-name": "x"}
    texts = {"en": "Why “so”", "zh-Hans": "为什么\n第二行"}
    current = Ruling(
        "false", date(2026, 1, 1), date(2030, 1, 1), texts, texts, texts, basis, first.sources, None
    )
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    codes = [] if origin else ["CB-0000-0001", "CB-7K2M-9QXD"]  # others' cards are theirs to vouch for
    rulings = tuple(
        Ruling(**{**vars(ruling), "published_at": at, "code": code})
        for ruling, code in zip((first, current), codes or ["", ""], strict=True)
    )
    wordings = (Worded("zh-Hans", "说法"), Worded("en", "A claim 🐸"), Worded("en", "Said again"))
    return Entry(key, wordings, rulings, "health", origin, "https://a.example/1" if origin else "")


def test_what_goes_in_comes_out_byte_for_byte(either_database: Database, tmp_path: Path) -> None:
    keys = [
        ("", "01a20ad0-0000-7000-8000-000000000001"),
        ("A", "a"),
        ("A", "Z"),
        ("A", "é"),
        ("甲", "1"),
        ("a", "1"),
    ]
    ordered = sorted(keys, key=lambda pair: (pair[0].encode(), pair[1].encode()))
    written = "".join(jsonlines.line(_entry(*pair)) + "\n" for pair in ordered)
    (tmp_path / "a.jsonl").write_text(written, encoding="utf-8")
    report = do_import_file(tmp_path / "a.jsonl", own=True)
    assert (report.added, report.refused) == (len(keys), [])
    out = io.StringIO()
    write_jsonlines(out)
    assert out.getvalue() == written
    assert do_import_file(tmp_path / "a.jsonl", own=True).unchanged == len(keys)


@pytest.mark.parametrize("table", ["claims_verdict", "claims_wording", "claims_source"])
def test_the_database_refuses_what_goes_past_the_models(table: str, either_database: Database) -> None:
    published()
    column = {"claims_verdict": "rating", "claims_wording": "text", "claims_source": "url"}[table]
    statements = [f"UPDATE {table} SET {column} = 'x'"]
    if either_database.vendor == "postgresql":
        statements.append(f"DELETE FROM {table}")
    for statement in statements:
        with pytest.raises(DatabaseError, match="never edited"), transaction.atomic():
            connection.cursor().execute(statement)


def test_an_index_that_reads_by_number_misses_no_wording_however_many_write(
    either_database: Database,
) -> None:
    each, writers = 15, 4

    def write() -> None:
        for number in range(each):
            published(wordings={"en": f"{threading.get_ident()} {number}"})
        connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    read: list[int] = []
    while any(thread.is_alive() for thread in threads) or queries.wordings_after(read[-1] if read else 0):
        read += [wording.seq for wording in queries.wordings_after(read[-1] if read else 0)]
    assert len(read) == each * writers
    assert read == sorted(set(read))


def test_unanswerable_claims_are_found_on_both(either_database: Database) -> None:
    foreign = published(rating="unknown", basis={"said": "Four Pinocchios", "mapped": False})
    published(rating="unknown", basis={"mapped": True})
    assert queries.unanswerable_ids() == {foreign.claim_id}
