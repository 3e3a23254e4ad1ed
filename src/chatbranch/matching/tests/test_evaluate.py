"""`chatbranch evaluate`: other people's folders are read, nothing is fitted, and the figures are what they say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from chatbranch.matching import rules
from chatbranch.matching.dataset import BadSet, load
from chatbranch.matching.encoder import Encoder, Vectors
from chatbranch.matching.evaluate import Asked, Report, evaluate, shares
from chatbranch.site.cli import main

GARLIC = "每天空腹吃三瓣大蒜可以在七天内杀死体内所有新冠病毒"
BRIDGE = "The old harbour bridge was closed after forty cracks were found in its cables"
TOWER = "A radio tower in the valley was set on fire because people feared its radiation"


def write(folder: Path, claims: list[Any], queries: list[Any]) -> Path:
    for name, rows in (("claims", claims), ("queries", queries)):
        lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        [
            {"id": 1, "text": GARLIC, "verdict": "false", "who": {"knows": []}},
            {"id": 2, "text": BRIDGE, "title": ""},
            {"id": 3, "title": TOWER, "lang": "en"},
            {"id": 4, "text": "喝白醋可以软化血管并且预防高血压"},
        ],
        [
            {"id": "a", "text": "【转】" + GARLIC + "🙏", "claim_ids": [1], "split": "test"},
            {"text": "RT " + BRIDGE + " http://t.co/x1", "claim_ids": ["2"], "not_ids": [3]},
            {"text": "Where can I buy a good umbrella for my grandmother this week?", "claim_ids": []},
            {"text": "明天超市鸡蛋打折，大家早点去排队", "claim_ids": None},
            {"text": BRIDGE, "claim_ids": ["gone"]},
        ],
    )


def test_a_set_with_strange_and_missing_keys_is_read(small: Path) -> None:
    found = load(small)
    assert {own.claim_id for own in found.wordings} == {"1", "2", "3", "4"}
    assert [query.claim_ids for query in found.queries[:3]] == [{"1"}, {"2"}, set()]
    assert [query.lang[:2] for query in found.queries] == ["zh", "en", "en", "zh", "en"]
    assert [query.id for query in load(small, ("test",)).queries] == ["a"]


@pytest.mark.parametrize(
    ("row", "line", "says"),
    [
        ("{not json", 2, "not JSON"),
        ("[1]", 2, "not a JSON object"),
        ({"id": 7}, 2, "“text” is missing"),
        ({"text": "without a name"}, 2, "“id” is missing"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, row: Any, line: int, says: str) -> None:
    folder = write(tmp_path, [{"id": 1, "text": GARLIC}, row], [])
    with pytest.raises(BadSet) as told:
        load(folder)
    assert f"claims.jsonl:{line}" in told.value.say("en")
    assert says in told.value.say("en")


def test_wrong_labels_splits_and_folders_are_named(small: Path) -> None:
    with pytest.raises(BadSet, match=r"no query is of split “dev”; there are: test"):
        load(small, ("dev",))
    with (small / "queries.jsonl").open("a", encoding="utf-8") as queries:
        queries.write('\n\n{"text": "x", "claim_ids": "1"}')
    with pytest.raises(BadSet, match=r"queries\.jsonl:7: “claim_ids” must be a list"):
        load(small)
    with pytest.raises(BadSet, match="no such file"):
        load(small / "elsewhere")
    (small / "claims.jsonl").write_bytes('{"id": 1, "text": "大蒜"}'.encode("gb18030"))
    with pytest.raises(BadSet, match=r"claims\.jsonl:1: this is not UTF-8"):
        load(small)


def test_each_query_is_asked_with_its_claim_and_without(small: Path, tmp_path: Path) -> None:
    report = evaluate(load(small), Encoder.open(), remembered=tmp_path)
    figures = report.as_dict()
    assert (figures["queries"], figures["known"], figures["claims_absent"]) == (5, 2, 1)
    assert figures["map_at_5"] == figures["success_at_1"] == figures["recall_at_5"] == 1.0
    assert figures["answer_recall"] == figures["answer_precision"] == 1.0
    assert figures["wrong_answers"] == figures["named_wrong"] == 0
    assert figures["fitted"] == rules.load_fitted().version
    by_language = figures["by_language"]
    assert isinstance(by_language, dict)
    assert set(by_language) == {"en", "zh"}


def test_a_set_without_queries_has_no_figures_and_is_still_json(small: Path, tmp_path: Path) -> None:
    (small / "queries.jsonl").write_text("")
    report = evaluate(load(small), Encoder.open(), remembered=tmp_path)
    assert report.as_dict()["latency_ms"] == {"p50": None, "p99": None}
    json.dumps(report.as_dict(), allow_nan=False)
    assert "–" in report.table()


def test_a_set_in_chinese_is_remembered_like_any_other(tmp_path: Path) -> None:
    folder = write(tmp_path, [{"id": 1, "text": GARLIC}], [{"text": GARLIC, "claim_ids": [1]}])
    report = evaluate(load(folder), Encoder.open(), remembered=tmp_path / "encodings")
    assert report.as_dict()["answer_recall"] == 1.0
    assert len(list((tmp_path / "encodings").iterdir())) == 1


def test_half_a_character_is_read_as_a_replacement_character(tmp_path: Path) -> None:
    lone = json.dumps({"id": "\ud83d", "text": BRIDGE + " \ud83d"})
    folder = write(tmp_path, [lone], [json.dumps({"text": BRIDGE + " \ud83d", "claim_ids": ["\ud83d"]})])
    report = evaluate(load(folder), Encoder.open(), remembered=tmp_path)
    assert report.as_dict()["answer_recall"] == 1.0
    assert load(folder).wordings[0].text == BRIDGE + " \ufffd"


def test_a_query_is_timed_with_its_encoding_however_often_it_is_asked(tmp_path: Path) -> None:
    encoder, encoded = Encoder.open(), list[str]()

    class Listening:
        digest, dimension = encoder.digest, encoder.dimension

        def encode(self, texts: Sequence[str], lang: str, progress: object = None) -> Vectors:
            return encoder.encode(texts, lang)

        def encode_message(self, text: str, lang: str) -> Vectors:
            encoded.append(text)
            return encoder.encode_message(text, lang)

    queries = [{"text": BRIDGE + ", they say", "claim_ids": [1]}] * 3
    evaluate(load(write(tmp_path, [{"id": 1, "text": BRIDGE}], queries)), Listening(), remembered=tmp_path)
    assert encoded.count(BRIDGE + ", they say") == 3


def asked(**given: Any) -> Asked:
    plain = {"lang": "en", "group": "", "named": 1, "ranks": (1,), "answered": False, "right": False}
    return Asked(**(plain | {"answered_held_out": False, "named_wrong": False, "milliseconds": 1.0} | given))


def test_a_held_out_query_counts_for_as_many_messages_as_were_named() -> None:
    right = asked(group="a", answered=True, right=True)
    wrong = asked(group="b", answered_held_out=True, ranks=(3, 6), named=2)
    unknown = asked(group="c", named=0, ranks=(), answered=True)
    tried = [right] * 9 + [wrong]
    assert shares(tried, "answer_precision", 9) == 0.5
    assert shares(tried, "answer_precision", 1) == 0.9
    assert shares([*tried, unknown], "answer_precision", 1) == 9 / 11
    assert shares([unknown], "answer_recall") == 1.0
    assert shares([right, wrong], "wrong_answers") == 0.5
    assert shares([wrong], "map_at_5") == pytest.approx((1 / 3) / 2)
    assert shares([wrong], "recall_at_5") == 0.5
    assert shares([wrong], "mrr") == pytest.approx(1 / 3)


def test_a_figure_that_nothing_speaks_for_is_null() -> None:
    figures = Report("empty", 1, 9.0, "", (asked(named=0, ranks=()),), 0).as_dict()
    assert figures["map_at_5"] is None
    assert figures["answer_precision"] is None
    assert figures["wrong_answers"] == 0.0


def test_the_command_prints_a_table_or_json_and_says_what_is_wrong(small: Path) -> None:
    run = CliRunner()
    table = run.invoke(main, ["evaluate", str(small)])
    assert table.exit_code == 0
    assert "map_at_5" in table.stdout
    printed = run.invoke(main, ["evaluate", str(small), "--split", "test", "--json"])
    assert json.loads(printed.stdout)["by_language"]["zh"]["success_at_1"] == 1.0
    refused = run.invoke(main, ["evaluate", str(small / "absent")])
    assert refused.exit_code == 1
    assert "claims.jsonl" in refused.output
