"""The form of the shipped sample library, read as a stranger would: one JSON object a line.

Whether a verdict is right no test can tell; that every source was looked up is recorded, page by page, in
``docs/reference/sample-library-sources.md``, and this file holds library and table together.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import opencc
import pytest

from chatbranch.claims.formats import jsonlines
from chatbranch.claims.rules import SCALE

Claim = dict[str, Any]

SAMPLE = Path(__file__).parents[1] / "sample"
SOURCES_TABLE = Path(__file__).parents[4] / "docs" / "reference" / "sample-library-sources.md"

TOPICS = {"health", "food", "disaster", "fraud", "water_and_flood", "school", "technology"}
LANGUAGES = {"zh-Hans", "en"}
WORDING_LENGTH = {"zh-Hans": range(10, 221), "en": range(20, 401)}  # characters
SENTENCE_END = {"zh-Hans": r"[。！？](?=$|[^”）])", "en": r"[.!?](?=$| )"}

TABLE_ROW = re.compile(
    r"^\| (?P<id>[a-z0-9-]+) \| <(?P<url>\S+)> \| [^|]+ \| (?P<how>[^|]{20,}) \| (?P<date>[\d-]+) \|$"
)


@cache
def library() -> tuple[Claim, ...]:
    """Every claim of every topic file, in file and line order."""
    return tuple(
        json.loads(line)
        for path in sorted(SAMPLE.glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    )


def wordings_in(claim: Claim, language: str) -> list[str]:
    """The headline first, then the forwarded wordings."""
    return [wording["text"] for wording in claim["wordings"] if wording["lang"] == language]


def texts_in(claim: Claim, language: str) -> Iterator[str]:
    """What a reader of ``language`` sees of a claim: wordings, explanation, scope."""
    yield from wordings_in(claim, language)
    yield claim["verdict"]["explanation"][language]
    yield claim["verdict"]["scope"][language]


@cache
def to_simplified() -> Callable[[str], str]:
    """Traditional to Simplified; leaves Simplified text as it is."""
    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return convert


every_claim = pytest.mark.parametrize("claim", library(), ids=lambda claim: claim["id"])


def test_the_library_holds_at_least_sixty_claims_under_unique_ids() -> None:
    ids = Counter(claim["id"] for claim in library())
    assert len(ids) >= 60
    assert [id_ for id_, times in ids.items() if times > 1] == []


def test_every_topic_has_its_file_and_every_claim_lies_in_the_file_of_its_topic() -> None:
    assert {path.stem for path in SAMPLE.glob("*.jsonl")} == TOPICS
    for path in SAMPLE.glob("*.jsonl"):
        assert {json.loads(line)["topic"] for line in path.read_text("utf-8").splitlines()} == {path.stem}


def test_what_is_true_is_told_as_readily_as_what_is_false() -> None:
    not_false = [claim for claim in library() if claim["verdict"]["rating"] != "false"]
    assert len(not_false) / len(library()) >= 0.15


def test_no_wording_belongs_to_two_claims() -> None:
    wordings = Counter(wording["text"].casefold() for claim in library() for wording in claim["wordings"])
    assert [text for text, times in wordings.items() if times > 1] == []


@every_claim
def test_a_claim_has_exactly_the_fields_of_the_exchange_format(claim: Claim) -> None:
    assert set(claim) == {"id", "topic", "wordings", "verdict", "sources"}
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", claim["id"])
    assert set(claim["verdict"]) == {"rating", "as_of", "scope", "explanation", "expires"}
    assert claim["verdict"]["rating"] in SCALE
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", claim["verdict"]["as_of"])
    assert claim["verdict"]["expires"] is None  # evergreen, or it does not belong here
    assert set(claim["verdict"]["scope"]) == set(claim["verdict"]["explanation"]) == LANGUAGES


@every_claim
def test_the_importer_reads_a_claim_whole(claim: Claim) -> None:
    entry = jsonlines.parse(claim)
    assert [vars(worded) for worded in entry.wordings] == claim["wordings"]
    assert [vars(cited) for cited in entry.rulings[-1].sources] == claim["sources"]
    assert dict(entry.rulings[-1].explanation) == claim["verdict"]["explanation"]


@every_claim
def test_a_claim_has_a_headline_and_forwarded_wordings_in_both_languages(claim: Claim) -> None:
    for wording in claim["wordings"]:
        assert set(wording) == {"lang", "text"}
        assert len(wording["text"]) in WORDING_LENGTH[wording["lang"]]
    per_language = Counter(wording["lang"] for wording in claim["wordings"])
    assert set(per_language) == LANGUAGES
    assert all(2 <= count <= 4 for count in per_language.values())


@every_claim
def test_the_wordings_of_a_claim_agree_in_their_numbers(claim: Claim) -> None:
    """Variants are matched against: one that adds or changes a number would teach the matcher a falsehood."""
    for language in LANGUAGES:
        numbers = [set(re.findall(r"\d+", text)) for text in wordings_in(claim, language)]
        assert all(found <= numbers[0] for found in numbers[1:]), (language, numbers)


@every_claim
def test_an_explanation_is_two_to_four_sentences_in_each_language(claim: Claim) -> None:
    for language, explanation in claim["verdict"]["explanation"].items():
        assert 2 <= len(re.findall(SENTENCE_END[language], explanation)) <= 4, explanation


@every_claim
def test_chinese_text_is_simplified(claim: Claim) -> None:
    source_titles = [source["title"] for source in claim["sources"] if source["lang"] == "zh-Hans"]
    for text in [*texts_in(claim, "zh-Hans"), *source_titles]:
        assert to_simplified()(text) == text


@every_claim
def test_a_claim_rests_on_named_sources_one_at_least_with_a_secure_address(claim: Claim) -> None:
    for source in claim["sources"]:
        assert set(source) == {"url", "title", "publisher", "lang"}
        assert re.fullmatch(r"https?://[^\s<>|]+", source["url"])
        assert all(source[field].strip() for field in ("title", "publisher"))
        assert source["lang"] in {"zh-Hans", "zh-Hant", "en"}
    assert any(source["url"].startswith("https://") for source in claim["sources"])


def test_the_table_tells_of_every_source_how_it_was_confirmed_and_of_no_other() -> None:
    rows = [TABLE_ROW.match(line) for line in SOURCES_TABLE.read_text("utf-8").splitlines()]
    told = Counter((row["id"], row["url"]) for row in rows if row)
    used = Counter((claim["id"], source["url"]) for claim in library() for source in claim["sources"])
    assert told == used
