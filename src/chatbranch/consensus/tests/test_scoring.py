"""Scoring public data: what is read, what is refused, and which status comes out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import chatbranch
from chatbranch.consensus.factorisation import fit
from chatbranch.consensus.formats import Unreadable, read_community_notes, read_note_ids, read_polis
from chatbranch.consensus.scoring import Heard, judge, score
from chatbranch.consensus.tests.test_factorisation import rated, two_sides
from chatbranch.site.cli import main

POLIS = Path(chatbranch.__file__).parents[3] / "shared" / "data" / "polis"
CONVERSATIONS = sorted(POLIS.glob("*/votes.csv"))
VOTES = "timestamp,datetime,comment-id,voter-id,vote\n30,,0,1,1\n10,,0,1,-1\n20,,0,2,0\n20,,1,2,-1\n"
OF_2021 = "noteId\tparticipantId\tcreatedAtMillis\tversion\tagree\tdisagree\thelpful\tnotHelpful\n"
OF_2026 = (
    "noteId\traterParticipantId\tcreatedAtMillis\thelpfulnessLevel\thelpful\tnotHelpful\tratedOnTweetId\n"
)


def test_votes_become_ratings_and_the_latest_vote_counts() -> None:
    ratings = read_polis(VOTES.splitlines(keepends=True))
    assert (ratings.notes.tolist(), ratings.raters) == (["0", "1"], 2)
    assert ratings.by_note.value.tolist() == [1.0, 0.5, 0.0]


def test_where_minus_one_means_agree_it_can_be_said() -> None:
    assert read_polis(VOTES.splitlines(), agree=-1).by_note.value.tolist() == [0.0, 0.5, 1.0]


def test_ratings_of_2021_and_of_2026_are_read_by_the_names_of_their_columns() -> None:
    old = [OF_2021, "n1\ta\t1\t1\t0\t0\t1\t0\n", "n1\tb\t1\t1\t0\t0\t0\t1\n", "n1\tc\t1\t1\t0\t0\t0\t0\n"]
    new = [OF_2026, "n1\td\t2\tSOMEWHAT_HELPFUL\t\t\t9\n", "n2\ta\t2\tHELPFUL\t\t\t9\n"]
    ratings = read_community_notes([old, new])
    assert ratings.notes.tolist() == ["n1", "n2"]
    assert ratings.by_note.value.tolist() == [1.0, 0.0, 0.5, 1.0]
    assert len(read_community_notes([old, new], read_note_ids([["noteId\tsummary\n", "n2\tsources\n"]]))) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column is called comment-id; found nothing"),
        ("a,b\n1,2\n", "no column is called comment-id; found a, b"),
        ("comment-id,voter-id,vote\n", "there is no rating in it"),
        ("comment-id,voter-id,vote\n1,2,yes\n", "line 2: the vote is 'yes'; expected 1, 0 or -1"),
        ("comment-id,voter-id,vote\n1,2,1\n1\n", "line 3: 1 columns; the header has 3"),
        (
            "comment-id,voter-id,vote,timestamp\n1,2,1,soon\n",
            "line 2: timestamp is 'soon'; expected a number",
        ),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(text: str, says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        read_polis(text.splitlines(keepends=True))


def test_what_one_side_alone_thinks_decides_nothing() -> None:
    assert judge(0.9, 0.1, 9, [Heard(9, 0), Heard(0, 0)]) == ("needs-more-ratings", "one side is missing")
    assert judge(0.9, 0.1, 9, [Heard(7, 0), Heard(1, 1)]) == ("needs-more-ratings", "the sides do not agree")
    assert judge(0.1, 0.1, 9, [Heard(0, 7), Heard(1, 1)]) == ("needs-more-ratings", "the sides do not agree")


@pytest.mark.parametrize(
    ("level", "factor", "ratings", "status"),
    [
        (0.70, 0.1, 9, "helpful"),
        (0.70, -0.6, 9, "needs-more-ratings"),
        (0.60, 0.1, 9, "needs-more-ratings"),
        (0.70, 0.1, 4, "needs-more-ratings"),
    ],
)
def test_a_helpful_note_has_a_high_level_a_small_factor_and_enough_ratings(
    level: float, factor: float, ratings: int, status: str
) -> None:
    assert judge(level, factor, ratings, [Heard(4, 0), Heard(3, 1)])[0] == status


def test_what_neither_side_finds_helpful_is_not_helpful() -> None:
    assert judge(0.2, 0.1, 9, [Heard(0, 4), Heard(1, 3)])[0] == "not-helpful"


def test_notes_that_please_both_sides_are_accepted_and_those_that_please_one_are_not() -> None:
    ratings = two_sides(notes=60, raters=120)
    status = {each.id: each.status for each in score(ratings, fit(ratings))}
    assert sum(status[str(n)] == "helpful" for n in range(2, 60, 3)) >= 16
    assert all(status[str(n)] != "helpful" for n in range(60) if n % 3 != 2)


def test_what_is_printed_names_no_rater(tmp_path: Path) -> None:
    """Raters' ids that nothing else could print; and no list as long as there are raters."""
    votes = tmp_path / "votes.csv"
    lines = [f"{n % 7},rater-{n % 23}-canary,{1 if n % 3 else -1}" for n in range(161)]
    votes.write_text("comment-id,voter-id,vote\n" + "\n".join(lines))
    printed = CliRunner().invoke(main, ["consensus", "score", "--polis", str(votes), "--json"]).output
    assert "canary" not in printed
    found = json.loads(printed)
    assert found["raters"] == 23
    assert [key for key, value in found.items() if isinstance(value, list)] == ["notes"]
    assert set(found["notes"][0]) == {
        *("id", "intercept", "factor", "lower", "upper", "ratings", "status", "rule"),
    }


def test_a_second_round_can_be_asked_for_and_is_said(tmp_path: Path) -> None:
    votes = tmp_path / "votes.csv"
    rows = [f"{note},{rater},{1 if (note + rater) % 3 else -1}" for note in range(9) for rater in range(120)]
    votes.write_text("comment-id,voter-id,vote\n" + "\n".join(rows))
    command = ["consensus", "score", "--polis", str(votes), "--json"]
    rounds = [
        json.loads(CliRunner().invoke(main, [*command, *more]).output)["rounds"]
        for more in ([], ["--rounds", "2"])
    ]
    assert rounds == [1, 2]


def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path) -> None:
    votes = tmp_path / "votes.csv"
    votes.write_text("comment-id,voter-id,vote\n1,2,maybe\n")
    result = CliRunner().invoke(main, ["consensus", "score", "--polis", str(votes)])
    assert result.exit_code == 1
    assert "line 2: the vote is 'maybe'" in result.output
    assert "give either" in CliRunner().invoke(main, ["consensus", "score"]).output


@pytest.mark.skipif(not CONVERSATIONS, reason="the public conversations are not beside the repository")
@pytest.mark.parametrize("votes", CONVERSATIONS, ids=lambda path: path.parent.name)
def test_real_conversations_are_scored(votes: Path) -> None:
    with votes.open(newline="") as lines:
        ratings = read_polis(lines)
    found = fit(ratings)
    scored = list(score(ratings, found))
    assert len(scored) == len(ratings.notes)
    assert 0 < found.loss < 0.25
    assert all(each.lower <= each.intercept <= each.upper for each in scored)
    assert sum(each.ratings for each in scored) == len(ratings)


def test_a_single_rating_and_a_single_rater_are_no_crash() -> None:
    (only,) = score(ratings := rated([(1, 1, 1.0)]), fit(ratings))
    assert only.status == "needs-more-ratings"
