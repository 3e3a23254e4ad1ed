"""Import and export through the database: everything arrives, once, and what does not says why."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from chatbranch.claims import queries
from chatbranch.claims.actions import do_publish, do_withdraw
from chatbranch.claims.exporting import do_export_file, write_datafeed, write_jsonlines
from chatbranch.claims.importing import SAMPLE_ORIGIN, do_import_file, do_load_sample
from chatbranch.claims.models import CardCode, Claim, Source, Verdict, Wording
from chatbranch.claims.tests.test_formats import review, row
from chatbranch.journal.models import Event
from chatbranch.kernel.errors import Refused

pytestmark = pytest.mark.django_db


def lines(path: Path, *rows: Any) -> Path:
    texts = (each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in rows)
    path.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    return path


def exported() -> str:
    out = io.StringIO()
    write_jsonlines(out)
    return out.getvalue()


def emptied() -> None:
    """An empty library, as on another machine."""
    for table in (CardCode, Source, Verdict, Wording, Claim):
        table._base_manager.all()._raw_delete("default")


def test_rows_arrive_with_their_origin_and_are_findable(tmp_path: Path) -> None:
    report = do_import_file(lines(tmp_path / "a.jsonl", row()), origin="Somebody")
    assert (report.added, report.changed, report.unchanged, report.refused) == (1, 0, 0, [])
    (card,) = queries.recent()
    assert (card.origin, card.key, card.topic, card.rating) == ("Somebody", "microwave", "health", "false")
    assert [wording.text for wording in queries.wordings_after(0)] == [
        "微波炉致癌",
        "Microwaves cause cancer",
    ]
    (event,) = Event.objects.all()
    assert (event.kind, event.data) == ("claim.imported", {"count": 1})


def test_an_unchanged_row_writes_nothing(tmp_path: Path, django_assert_num_queries: Any) -> None:
    path = lines(tmp_path / "a.jsonl", row(), row(id="second"))
    do_import_file(path, origin="Somebody")
    with django_assert_num_queries(1):
        report = do_import_file(path, origin="Somebody")
    assert (report.added, report.changed, report.unchanged) == (0, 0, 2)


def test_a_changed_verdict_is_appended_and_told_of(tmp_path: Path) -> None:
    do_import_file(lines(tmp_path / "a.jsonl", row()), origin="Somebody")
    verdict = {"rating": "misleading", "as_of": "2026-02-01", "reason": {"en": "New evidence."}}
    wordings = [*row()["wordings"], {"lang": "en", "text": "Your microwave is killing you"}]
    changed = lines(tmp_path / "b.jsonl", row(verdict=verdict, wordings=wordings))
    report = do_import_file(changed, origin="Somebody")
    assert (report.added, report.changed) == (0, 1)
    (card,) = queries.recent()
    assert (card.version, card.rating, [line.rating for line in card.history]) == (
        2,
        "misleading",
        ["misleading", "false"],
    )
    assert len(card.wordings["en"]) == 2
    told = Event.objects.get(kind="verdict.published").data
    assert told == {"claim": str(card.id), "version": 2, "rating": "misleading", "previous": "false"}
    assert do_import_file(changed, origin="Somebody").unchanged == 1


def test_two_publishers_may_use_the_same_id(tmp_path: Path) -> None:
    do_import_file(lines(tmp_path / "a.jsonl", row(), row(origin="Another")), origin="Somebody")
    assert sorted(card.origin for card in queries.recent()) == ["Another", "Somebody"]


def test_a_check_is_never_taken_for_our_own_unless_it_is_said_to_be(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", row())
    report = do_import_file(path)
    assert [(each.line, each.reason.code) for each in report.refused] == [("1", "no-origin")]
    assert do_import_file(path, own=True).added == 1
    assert queries.recent()[0].origin == ""


def test_what_this_branch_decided_is_not_overruled_by_an_import(tmp_path: Path) -> None:
    do_import_file(lines(tmp_path / "a.jsonl", row()), origin="Somebody")
    claim_id = queries.recent()[0].id
    do_withdraw(claim_id, reason={"en": "Their source is gone."})
    newer = lines(tmp_path / "b.jsonl", row(verdict={"rating": "true", "as_of": "2026-02-02"}))
    report = do_import_file(newer, origin="Somebody")
    assert [each.reason.code for each in report.refused] == ["decided-here"]
    card = queries.claim_card(claim_id)
    assert card is not None
    assert (card.rating, card.version, card.origin) == ("withdrawn", 2, "")


def test_each_bad_row_is_reported_by_line_and_the_rest_goes_in(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "a.jsonl",
        row(id="good-1"),
        '{"id": "broken", ',
        row(id="no-sources", sources=[]),
        "",
        "[1, 2]",
        row(id="good-1", topic="food"),
        '{"id": "nan", "wordings": [], "verdict": NaN}',
        "[" * 100_000,
        row(id="good-2"),
    )
    told: list[str] = []
    report = do_import_file(path, origin="Somebody", report=lambda each: told.append(each.line))
    found = [(each.line, each.reason.code) for each in report.refused]
    assert found == [
        ("2", "not-json"),
        ("3", "no-source"),
        ("5", "no-claim"),
        ("6", "key-twice"),
        ("7", "not-json"),
        ("8", "not-json"),
    ]
    assert told == [line for line, _ in found]
    assert sorted(card.key for card in queries.recent()) == ["good-1", "good-2"]
    assert all(each.reason.say("zh-Hans") for each in report.refused)


def test_progress_counts_up_to_the_whole(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", *(row(id=f"r{number}") for number in range(120)))
    seen: list[tuple[int, int]] = []
    do_import_file(path, origin="S", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(50, 120), (100, 120), (120, 120)]


def test_a_row_the_database_refuses_does_not_take_its_neighbours_along(tmp_path: Path) -> None:
    do_import_file(lines(tmp_path / "a.jsonl", row()), origin="Somebody")
    taken = str(queries.recent()[0].id)  # as the id of a check of our own it is taken already
    report = do_import_file(lines(tmp_path / "b.jsonl", row(id="x"), row(id=taken), row(id="y")), own=True)
    assert report.added == 2
    assert [(each.line, each.reason.code) for each in report.refused] == [("2", "not-stored")]


# --- ClaimReview ----------------------------------------------------------------------------------


def test_a_page_a_list_a_feed_and_a_folder_of_them_are_imported(tmp_path: Path) -> None:
    def at(number: int) -> dict[str, Any]:
        return review(url=f"https://checks.example/{number}")

    page = f'<!doctype html><title>x</title>\n<script type="application/ld+json">{json.dumps(at(1))}</script>'
    (tmp_path / "page.html").write_text(page)
    (tmp_path / "list.json").write_text(json.dumps([at(2), at(3)], indent=1))
    feed = {"@type": "DataFeed", "dataFeedElement": [{"@type": "DataFeedItem", "item": at(4)}, at(5)]}
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "feed.json").write_text(json.dumps(feed))
    (tmp_path / "line.jsonl").write_text(json.dumps(at(6)) + "\n" + json.dumps(at(7)) + "\n")
    (tmp_path / "notes.txt").write_text("not for import")
    (tmp_path / "broken.html").write_text('<script type="application/ld+json">{"@type": </script>')
    report = do_import_file(tmp_path)
    assert report.added == 7
    assert [(each.line, each.reason.code) for each in report.refused] == [("broken.html:1", "not-json")]
    assert {card.origin for card in queries.recent()} == {"Checks"}
    assert do_import_file(tmp_path).unchanged == 7


def test_a_page_in_gb2312_is_read_by_its_own_charset(tmp_path: Path) -> None:
    found = json.dumps(review(claimReviewed="微波炉会致癌"), ensure_ascii=False)
    page = f'<meta charset="gb2312"><script type="application/ld+json">{found}</script>'
    (tmp_path / "page.html").write_bytes(page.encode("gbk"))
    do_import_file(tmp_path / "page.html")
    assert queries.recent()[0].wordings == {"zh-Hans": ["微波炉会致癌"]}


# --- encodings and damage -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.encode("gb18030"),
        lambda text: text.encode("utf-16"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
        lambda text: gzip.compress(text.encode()),
        lambda text: text.replace("\n", "\r\n").encode(),
    ],
    ids=["utf-8", "bom", "gb18030", "utf-16-le", "utf-16-be", "gzip", "crlf"],
)
def test_the_usual_encodings_are_recognised(encode: Any, tmp_path: Path) -> None:
    text = lines(tmp_path / "plain", row(id="一"), row(id="二")).read_text(encoding="utf-8")
    (tmp_path / "a.jsonl").write_bytes(encode(text))
    report = do_import_file(tmp_path / "a.jsonl", origin="甲")
    assert (report.added, report.refused) == (2, [])
    assert {card.key for card in queries.recent()} == {"一", "二"}
    assert queries.recent()[0].wordings["zh-Hans"] == ["微波炉致癌"]


def test_gb18030_far_down_a_file_of_plain_ascii_is_recognised(tmp_path: Path) -> None:
    ascii_rows = [row(id=f"r{n}", wordings=[{"lang": "en", "text": "x" * 900}]) for n in range(100)]
    text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in [*ascii_rows, row(id="末")])
    (tmp_path / "a.jsonl").write_bytes(text.encode("gb18030"))
    assert do_import_file(tmp_path / "a.jsonl", origin="甲").added == 101


@pytest.mark.parametrize(
    ("data", "code", "told"),
    [
        (
            "编号,说法,结论\n1,微波炉致癌,不实\n2,喝醋软化血管,不实\n".encode("gb18030"),
            "not-a-library",
            "CSV",
        ),
        ("编号,说法,结论\n1,微波炉致癌,不实\n".encode(), "not-a-library", "CSV"),
        ("編號,說法\n1,微波爐致癌的說法是錯誤的\n".encode("big5"), "no-encoding", "UTF-8"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "no-text", "text"),
        (b"", "not-a-library", "JSON"),
        (b"just some words", "not-a-library", "JSON"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "not-a-library", "CSV"),
    ],
)
def test_a_file_that_is_no_library_is_refused_with_what_is_accepted(
    data: bytes, code: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(Refused) as refused:
        do_import_file(tmp_path / "file", origin="Somebody")
    assert refused.value.code == code
    assert told in refused.value.say("en")
    assert not Claim.objects.exists()


def test_a_csv_in_gb18030_is_named_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "checks.csv").write_bytes("编号,说法\n1,微波炉致癌\n".encode("gb18030"))
    with pytest.raises(Refused, match="gb18030") as refused:
        do_import_file(tmp_path / "checks.csv", origin="Somebody")
    assert "CSV" in refused.value.say("zh-Hans")


def test_a_gzip_that_breaks_off_gives_what_is_whole_and_says_where_it_ends(tmp_path: Path) -> None:
    import random

    draw = random.Random(1)
    rows = [row(id=f"r{n}", topic=str(draw.random())) for n in range(400)]
    whole = gzip.compress("".join(json.dumps(each) + "\n" for each in rows).encode())
    (tmp_path / "a.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    report = do_import_file(tmp_path / "a.jsonl.gz", origin="S")
    assert 100 < report.added < 300
    assert "cut-off" in [each.reason.code for each in report.refused]


def test_a_line_without_end_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", row(), '{"id": "' + "x" * 3_000_000 + '"}', row(id="next"))
    report = do_import_file(path, origin="S")
    assert [(each.line, each.reason.code) for each in report.refused] == [("2", "line-too-long")]
    assert report.added == 2


def test_a_bad_byte_costs_one_line(tmp_path: Path) -> None:
    good = json.dumps(row(), ensure_ascii=False).encode() + b"\n"
    (tmp_path / "a.jsonl").write_bytes(
        good + b'{"id": "\xff\xfe"}\n' + good.replace(b"microwave", b"other") * 1
    )
    report = do_import_file(tmp_path / "a.jsonl", origin="S")
    assert [(each.line, each.reason.code) for each in report.refused] == [("2", "bad-bytes")]
    assert report.added == 2


def test_what_hides_in_a_text_is_taken_out_on_the_way_in(tmp_path: Path) -> None:
    hidden = [{"lang": "en", "text": "Micro\u200bwaves \u202ecause\u0000 cancer\ud800"}]
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row(wordings=hidden, basis={"a": "\u0000"})) + "\n")
    assert do_import_file(path, origin="S").added == 1
    assert queries.recent()[0].wordings == {"en": ["Microwaves cause cancer\ufffd"]}


# --- round trips ----------------------------------------------------------------------------------


def _a_library(tmp_path: Path) -> None:
    do_load_sample()
    past = [{"rating": "unknown", "as_of": "2025-01-01", "sources": row()["sources"]}]
    do_import_file(
        lines(tmp_path / "more.jsonl", row(history=past), row(id="二", topic="")), origin="Somebody"
    )
    do_import_file(lines(tmp_path / "cr.jsonl", review(reviewRating={"alternateName": "Four Pinocchios"})))
    for claim_id in [None, queries.recent()[0].id]:
        do_publish(
            claim_id=claim_id,
            wordings={"zh-Hans": "本会查过的说法", "en": "What this branch checked"},
            rating="mostly-true",
            as_of=date(2026, 1, 1),
            expires=date(2030, 1, 1),
            scope={"en": "Until 2030"},
            explanation={"en": "It holds."},
            reason={"en": "First look."},
            sources=[{"url": "https://example.org/", "title": "Ours"}],
            basis={"votes": {"b": 1, "a": [1.5, None]}},
        )
    do_withdraw(queries.recent()[0].id, reason={"zh-Hans": "来源有误", "en": "The source was wrong."})


def test_an_export_read_into_an_empty_library_exports_the_same_bytes(tmp_path: Path) -> None:
    _a_library(tmp_path)
    before = exported()
    assert {"withdrawn", SAMPLE_ORIGIN} <= {card.rating for card in queries.recent(most=200)} | {
        SAMPLE_ORIGIN
    }
    do_export_file(tmp_path / "all.jsonl.gz")
    emptied()
    report = do_import_file(tmp_path / "all.jsonl.gz", own=True)
    assert (report.added, report.refused) == (len(before.splitlines()), [])
    assert exported() == before
    assert do_import_file(tmp_path / "all.jsonl.gz", own=True).unchanged == report.added


def test_our_own_checks_come_back_under_their_own_address(tmp_path: Path) -> None:
    verdict = do_publish(
        claim_id=None,
        wordings={"en": "A claim"},
        rating="true",
        as_of=date(2026, 1, 1),
        sources=[{"url": "https://example.org/"}],
    )
    do_export_file(tmp_path / "own.jsonl")
    emptied()
    do_import_file(tmp_path / "own.jsonl", own=True)
    assert queries.claim_card(verdict.claim_id) is not None


def test_another_branch_sees_whose_check_each_was(tmp_path: Path) -> None:
    do_import_file(lines(tmp_path / "a.jsonl", row()), origin="Somebody")
    do_withdraw(queries.recent()[0].id, reason={"en": "Their source is gone."})
    do_export_file(tmp_path / "all.jsonl")
    emptied()
    do_import_file(tmp_path / "all.jsonl", origin="Branch A")
    (card,) = queries.recent()
    assert [(line.rating, line.origin) for line in card.history] == [
        ("withdrawn", "Branch A"),
        ("false", "Somebody"),
    ]


def _feed(**more: str) -> str:
    out = io.StringIO()
    write_datafeed(out, site="https://branch.example", branch="Branch A", **more)
    return out.getvalue()


def test_a_datafeed_is_valid_json_and_read_back_gives_the_same_feed(tmp_path: Path) -> None:
    _a_library(tmp_path)
    first = json.loads(_feed())
    assert len(first["dataFeedElement"]) == queries.count()
    (tmp_path / "feed.json").write_text(_feed(), encoding="utf-8")
    emptied()
    report = do_import_file(tmp_path / "feed.json")
    assert (report.added, report.refused) == (len(first["dataFeedElement"]), [])
    again = json.loads(_feed())
    by_id = {json.dumps(item, sort_keys=True) for item in again["dataFeedElement"]}
    assert by_id == {json.dumps(item, sort_keys=True) for item in first["dataFeedElement"]}


def test_an_export_that_fails_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    do_load_sample()
    target = tmp_path / "all.jsonl"
    target.write_text("what was there")

    def broken(done: int, total: int) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        do_export_file(target, progress=broken)
    assert target.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [target]


# --- the sample library, and being killed ---------------------------------------------------------


def test_the_sample_library_loads_whole_and_only_once() -> None:
    report = do_load_sample()
    assert (report.refused, report.added >= 60) == ([], True)
    assert {card.origin for card in queries.recent(most=500)} == {SAMPLE_ORIGIN}
    again = do_load_sample()
    assert (again.added, again.changed, again.unchanged) == (0, 0, report.added)


_KILLED = """
import os, signal, sys, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from pathlib import Path
from chatbranch.claims.importing import do_import_file
def progress(done, total):
    if done >= int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
report = do_import_file(Path(sys.argv[1]), origin="S", progress=progress)
print(report.added, report.unchanged)
"""


def test_an_import_killed_half_way_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", *(row(id=f"r{number}") for number in range(400)))
    environ = {
        **os.environ,
        "CHATBRANCH_DATA": str(tmp_path / "data"),
        "DJANGO_SETTINGS_MODULE": "chatbranch.site.settings",
    }

    def run(kill_at: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", _KILLED, str(path), str(kill_at)]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)

    assert run(kill_at=200).returncode == -signal.SIGKILL
    finished = run(kill_at=10_000)
    assert finished.stdout.split() == ["200", "200"], finished.stderr
