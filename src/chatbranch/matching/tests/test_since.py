"""Whether it got better, by what members said: before, by the numbers alone, and now; and corrections as a training set."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from tests.support.people import found_branch

from chatbranch.branch.models import Member
from chatbranch.claims import actions as claims
from chatbranch.kernel import clock
from chatbranch.matching.agreement import NOT_SAME, NOTHING, SAME
from chatbranch.matching.correcting import Seen, do_correct, do_let_go
from chatbranch.matching.dataset import load
from chatbranch.matching.encoder import Encoder
from chatbranch.matching.fit import CHINESE, examples, fit
from chatbranch.matching.fit import ENGLISH as ENGLISH_SET
from chatbranch.matching.grouping import fingerprint
from chatbranch.matching.lessons import do_export_lessons
from chatbranch.matching.since import Since, evaluate_since
from chatbranch.site import cli

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]
CLAIM = "云岚市自来水厂今晚八点起停水三天"
SENT = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
OTHERWISE = "老城那边说水龙头这几晚一滴都不会出，赶紧拿盆接着"
ENGLISH = "They say the taps in the old town will be dry for three nights, fill your buckets"
LONG_AGO = clock.now() - timedelta(days=400)


@pytest.fixture
def members() -> dict[str, Member]:
    return found_branch()


@pytest.fixture
def claim() -> UUID:
    return publish({"zh-Hans": CLAIM})


def publish(wordings: dict[str, str]) -> UUID:
    return claims.do_publish(
        claim_id=None,
        wordings=wordings,
        rating="false",
        as_of=clock.now().date(),
        sources=[{"url": "https://source.example/"}],
    ).claim_id


def say(member: Member, text: str, says: str, claim: UUID | None = None, **more: Any) -> None:
    found, outcome = more.pop("found", None), more.pop("outcome", "new")
    do_correct(member, Seen(fingerprint(text), text, outcome, found, "old"), says, claim, **more)


def grades(report: Since) -> list[tuple[str, str, str]]:
    return [(each.before, each.numbers, each.now) for each in report.asked]


def test_what_was_taught_counts_now_and_not_for_the_numbers(members: dict[str, Member], claim: UUID) -> None:
    for who in ("lin", "chen"):
        say(members[who], OTHERWISE, SAME, claim)
    report = evaluate_since(LONG_AGO)
    assert grades(report) == [("wrong", "wrong", "right")]
    shown = report.as_dict()
    assert shown["fixed"] == {"numbers": 0, "now": 1}
    assert shown["broken"] == {"numbers": 0, "now": 0}
    assert (shown["messages"], shown["by_two"]) == (1, 1)


def test_what_was_set_apart_is_half_right_now(members: dict[str, Member], claim: UUID) -> None:
    for who in ("lin", "chen"):
        say(members[who], SENT, NOT_SAME, found=claim, outcome="answer")
    assert grades(evaluate_since(LONG_AGO)) == [("wrong", "wrong", "half")]


def test_an_answer_that_was_right_and_is_none_any_more_is_broken(
    members: dict[str, Member], claim: UUID
) -> None:
    say(members["lin"], OTHERWISE, SAME, found=claim, outcome="answer")
    report = evaluate_since(LONG_AGO)
    assert grades(report)[0][0] == "right"
    assert report.as_dict()["broken"] == {"numbers": 1, "now": 1}


def test_where_nothing_fitted_a_later_claim_is_no_mistake(members: dict[str, Member], claim: UUID) -> None:
    say(members["lin"], SENT, NOTHING, found=claim, outcome="answer")
    assert grades(evaluate_since(LONG_AGO)) == [("wrong", "wrong", "wrong")]
    with clock.held(clock.now() + timedelta(minutes=1)):
        publish({"zh-Hans": SENT})
        assert grades(evaluate_since(LONG_AGO)) == [("wrong", "right", "right")]


def test_another_entry_of_the_right_claim_is_right_too(members: dict[str, Member]) -> None:
    publish({"zh-Hans": CLAIM + "，请居民提前储水做好准备"})
    again = publish({"zh-Hans": CLAIM + "，请居民提前储水，做好准备。"})
    say(members["lin"], CLAIM + "，请居民提前储水做好准备！", SAME, again)
    assert grades(evaluate_since(LONG_AGO))[0][1:] == ("right", "right")


def test_contradictions_and_lost_texts_are_left_out_and_counted(
    members: dict[str, Member], claim: UUID
) -> None:
    say(members["lin"], SENT, SAME, claim)
    say(members["chen"], SENT, NOT_SAME, claim)
    say(members["zhou"], OTHERWISE, SAME, claim)
    do_let_go([fingerprint(OTHERWISE)])
    report = evaluate_since(LONG_AGO)
    assert (report.disputed, report.without_text, report.asked) == (1, 1, ())


def test_only_what_was_corrected_since_the_day_is_asked(members: dict[str, Member], claim: UUID) -> None:
    with clock.held(clock.now() - timedelta(days=20)):
        say(members["lin"], SENT, SAME, claim)
    say(members["lin"], OTHERWISE, SAME, claim)
    assert len(evaluate_since(clock.now() - timedelta(days=10)).asked) == 1
    assert len(evaluate_since(clock.now() - timedelta(days=30)).asked) == 2


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    """The command, in this test's database."""
    monkeypatch.setattr(cli, "_ready", lambda **_: None)
    return CliRunner().invoke(cli.main, list(arguments))


def test_the_command_prints_a_table_and_json_without_any_text(
    members: dict[str, Member], claim: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(members["lin"], SENT, SAME, found=claim, outcome="answer", note="就是它")
    say(members["lin"], ENGLISH, NOTHING)
    table = run(monkeypatch, "evaluate", "--since", "2026-01-01").stdout
    assert [line.split()[0] for line in table.splitlines() if line.startswith(("en:", "zh:", "all:"))] == [
        "en:",
        "zh:",
        "all:",
    ]
    assert table.splitlines()[-1].split() == ["now", "2", "0", "0", "0", "0"]
    printed = run(monkeypatch, "evaluate", "--since", "2026-01-01", "--json").stdout
    found = json.loads(printed)
    assert found["by_language"]["zh"]["now"] == {"right": 1, "half": 0, "wrong": 0}
    assert found["each"][0]["notes"] == ["就是它"]
    assert SENT not in printed
    assert ENGLISH not in printed


@pytest.mark.parametrize("arguments", [[], ["somewhere", "--since", "2026-01-01"], ["--since", "yesterday"]])
def test_a_set_or_a_day_is_needed_and_not_both(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    assert run(monkeypatch, "evaluate", *arguments).exit_code == 2


# --- as a training set -------------------------------------------------------------------------------------------------


def test_corrections_are_written_as_a_set_that_evaluate_and_fit_read(
    members: dict[str, Member], claim: UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = publish({"zh-Hans": "饮水机里的水烧开两次会致癌", "en": "Water boiled twice causes cancer"})
    for who in ("lin", "chen"):
        say(members[who], OTHERWISE, SAME, claim, found=other, outcome="suggest", keep=True, note="同一件事")
    say(members["lin"], ENGLISH, NOTHING, found=other, outcome="suggest", keep=True)
    say(members["lin"], SENT, SAME, claim)
    out = run(monkeypatch, "export", str(tmp_path / "set"), "--format", "corrections").stdout
    assert "2 corrected messages written" in out
    assert "1 of which no member says" in out
    rows = [json.loads(line) for line in (tmp_path / "set/queries.jsonl").read_text("utf-8").splitlines()]
    assert rows[0]["claim_ids"] == [str(claim)]
    assert rows[0]["not_ids"] == [str(other)]
    assert (rows[0]["notes"], rows[0]["by_two"]) == (["同一件事", "同一件事"], True)
    assert (rows[1]["claim_ids"], rows[1]["not_ids"]) == ([], [str(other)])
    written = load(tmp_path / "set")
    texts = [own.text for own in written.wordings]
    assert len(texts) == 3
    assert OTHERWISE not in texts, "no export holds what was learnt from a forward"
    found = examples(written, Encoder.open())
    assert [example.right for example in found] == [{str(claim)}, frozenset()]


def test_a_set_replaces_the_one_before_whole(members: dict[str, Member], claim: UUID, tmp_path: Path) -> None:
    say(members["lin"], SENT, SAME, claim, keep=True)
    assert do_export_lessons(tmp_path).messages == 1
    say(members["chen"], SENT, NOT_SAME, claim, keep=True)
    done = do_export_lessons(tmp_path)
    assert (done.messages, done.disputed) == (0, 1)
    assert (tmp_path / "queries.jsonl").read_text() == ""
    assert sorted(each.name for each in tmp_path.iterdir()) == ["claims.jsonl", "queries.jsonl"]


SAID = {
    "en": [
        "The old harbour bridge was closed after forty cracks",
        "A radio tower was set on fire in the valley",
    ],
    "zh": ["每天空腹吃三瓣大蒜可以杀死所有病毒", "喝白醋可以软化血管并且预防高血压"],
}


def small_set(folder: Path, lang: str) -> None:
    folder.mkdir()
    rows = [json.dumps({"id": str(at), "text": text}) for at, text in enumerate(SAID[lang])]
    asked = [json.dumps({"text": f"{text} ok", "claim_ids": [str(at)]}) for at, text in enumerate(SAID[lang])]
    (folder / "claims.jsonl").write_text("\n".join(rows))
    (folder / "queries.jsonl").write_text("\n".join(asked))


def test_numbers_can_be_fitted_on_corrections_too(
    members: dict[str, Member], claim: UUID, tmp_path: Path
) -> None:
    for name in (ENGLISH_SET, *CHINESE):
        small_set(tmp_path / name, name[:2])
    say(members["lin"], SENT, SAME, claim, keep=True)
    do_export_lessons(tmp_path / "corrections")
    encoder = Encoder.open()
    without, with_them = fit(tmp_path, encoder), fit(tmp_path, encoder, [tmp_path / "corrections"])
    assert without["en"] == with_them["en"]
    assert without["zh"] != with_them["zh"]
    assert without["version"] != with_them["version"]
