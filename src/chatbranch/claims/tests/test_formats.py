"""Reading and writing checks in their file formats: pure, no database."""

from __future__ import annotations

import json
import string
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbranch.claims.formats import claimreview, jsonlines, ratings
from chatbranch.claims.formats.entry import Cited, Entry, Ruling, Worded, check_entry, short_key
from chatbranch.claims.formats.feed import elements
from chatbranch.claims.rules import RATINGS, SCALE
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.text import clean

TODAY = date(2026, 3, 1)
patient = settings(deadline=None, max_examples=60)  # the machine may be busy; what is tested is not speed


def review(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "ClaimReview",
        "url": "https://checks.example/5g",
        "claimReviewed": "5G masts spread the coronavirus",
        "author": {"@type": "Organization", "name": "Checks"},
        "datePublished": "2020-04-08T09:00:00+01:00",
        "reviewRating": {"@type": "Rating", "alternateName": "False"},
        "reviewBody": "Viruses do not travel on radio waves.",
    }
    return {name: value for name, value in (plain | changes).items() if value is not None}


def row(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "id": "microwave",
        "topic": "health",
        "wordings": [
            {"lang": "zh-Hans", "text": "微波炉致癌"},
            {"lang": "en", "text": "Microwaves cause cancer"},
        ],
        "verdict": {"rating": "false", "as_of": "2026-01-05", "explanation": {"en": "They do not."}},
        "sources": [{"url": "https://who.example/microwaves", "title": "Microwaves"}],
    }
    return plain | changes


# --- ClaimReview ----------------------------------------------------------------------------------


def test_a_claimreview_is_read_with_its_publisher_date_and_source() -> None:
    entry = claimreview.parse(review())
    check_entry(entry, TODAY)
    assert entry.origin == "Checks"
    assert entry.origin_url == "https://checks.example/5g"
    assert entry.wordings == (Worded("en", "5G masts spread the coronavirus"),)
    (ruling,) = entry.rulings
    assert (ruling.rating, ruling.as_of) == ("false", date(2020, 4, 8))
    assert ruling.explanation == {"en": "Viruses do not travel on radio waves."}
    assert ruling.sources == (Cited("https://checks.example/5g", "", "Checks", ""),)


def test_two_reviews_on_one_page_have_two_keys_and_each_keeps_its_own() -> None:
    first, second = claimreview.parse(review()), claimreview.parse(review(claimReviewed="Something else"))
    assert first.key != second.key
    assert first.key == claimreview.parse(review(reviewBody="Changed.")).key
    assert (
        claimreview.parse(review(**{"@id": "https://checks.example/#r7"})).key == "https://checks.example/#r7"
    )


@pytest.mark.parametrize(
    "document",
    [
        review(),
        [review()],
        {"@graph": [{"@type": "WebPage"}, review()]},
        {"@type": "NewsArticle", "review": review()},
        {"@type": "DataFeed", "dataFeedElement": [{"@type": "DataFeedItem", "item": [review()]}]},
        {
            "@type": ["https://schema.org/ClaimReview", "Review"],
            **{k: v for k, v in review().items() if k != "@type"},
        },
    ],
)
def test_a_claimreview_is_found_wherever_publishers_put_it(document: object) -> None:
    (found,) = claimreview.reviews_in(document)
    assert claimreview.parse(found).key == claimreview.parse(review()).key


def test_chinese_is_told_by_its_characters_and_other_languages_by_their_tag() -> None:
    assert (
        claimreview.parse(review(claimReviewed="微波爐會致癌", inLanguage="zh")).wordings[0].lang == "zh-Hant"
    )
    assert claimreview.parse(review(claimReviewed="微波炉会致癌")).wordings[0].lang == "zh-Hans"
    assert claimreview.parse(review(claimReviewed="Las antenas", inLanguage="es-MX")).wordings[0].lang == "es"


def test_a_withdrawn_item_of_a_feed_is_read_as_withdrawn() -> None:
    (found,) = claimreview.reviews_in({"dateDeleted": "2026-02-01", "item": review()})
    (ruling,) = claimreview.parse(found).rulings
    assert (ruling.rating, ruling.as_of) == ("withdrawn", date(2026, 2, 1))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"url": None}, "no-address"),
        ({"url": "javascript:alert(1)"}, "no-address"),
        ({"datePublished": None}, "no-date"),
        ({"datePublished": "yesterday"}, "no-date"),
        ({"datePublished": "2026-13-01"}, "no-date"),
        ({"datePublished": "2999-01-01"}, "date-ahead"),
        ({"claimReviewed": None}, "no-wording"),
        ({"claimReviewed": {"x": ["y"]}}, "no-wording"),
    ],
)
def test_a_claimreview_that_nobody_could_follow_up_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        check_entry(claimreview.parse(review(**changes)), TODAY)
    assert refused.value.code == code


# --- ratings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "rating"),
    [
        ("False", "false"),
        ("FALSE.", "false"),
        ("Pants on Fire!", "false"),
        ("Mostly True", "mostly-true"),
        ("Half True", "misleading"),
        ("Mostly False", "misleading"),
        ("Missing context", "misleading"),
        ("True", "true"),
        ("Unproven", "unknown"),
        ("不实", "false"),
        ("謠言", "false"),
        ("【谣言】", "false"),
        ("真", "true"),
        ("部分錯誤", "misleading"),
        ("未经证实", "unknown"),
        ("有误导（缺少背景）", "misleading"),
    ],
)
def test_known_labels_are_read_by_the_table(label: str, rating: str) -> None:
    assert ratings.of_label(label) == rating


@pytest.mark.parametrize(
    "label",
    ["Four Pinocchios", "Satire", "True, but outdated", "Not false", "Scam", "假设", "真的吗", "", "!!!"],
)
def test_labels_outside_the_table_are_never_guessed(label: str) -> None:
    assert ratings.of_label(label) is None


def test_the_table_reads_every_name_of_our_own_scale() -> None:
    for code, name in SCALE.items():
        assert ratings.of_label(name.zh) == code
        assert ratings.of_label(name.en) == code


def test_an_unknown_rating_is_kept_in_the_publishers_words() -> None:
    (ruling,) = claimreview.parse(
        review(reviewRating={"alternateName": "Four Pinocchios", "ratingValue": 1})
    ).rulings
    assert ruling.rating == "unknown"
    assert ruling.basis == {"said": "Four Pinocchios", "mapped": False}


@pytest.mark.parametrize(
    ("value", "best", "worst", "rating"),
    [
        (1, 5, 1, "false"),
        ("5", "5", "1", "true"),
        (4, 5, 1, "mostly-true"),
        (2.5, 5, 1, None),
        (0, 10, 0, "false"),
        (10, 10, 0, "true"),
        (7, 10, 0, None),
        (1, 1, 1, None),
        (1, None, None, None),
        ("nan", 5, 1, None),
    ],
)
def test_a_number_counts_only_where_its_meaning_is_written_down(
    value: object, best: object, worst: object, rating: str | None
) -> None:
    assert ratings.of_value(value, best, worst) == rating
    given = {"ratingValue": value, "bestRating": best, "worstRating": worst}
    assert claimreview.parse(review(reviewRating=given)).rulings[0].rating == (rating or "unknown")


# --- JSON Lines -----------------------------------------------------------------------------------


def test_a_row_is_read_with_its_history_oldest_first() -> None:
    past = {"rating": "unknown", "as_of": "2025-12-01", "reason": {"en": "First look."}}
    entry = jsonlines.parse(row(history=[past], origin="A", origin_url="https://a.example/"))
    check_entry(entry, TODAY)
    assert [ruling.rating for ruling in entry.rulings] == ["unknown", "false"]
    assert entry.rulings[-1].sources[0].url == "https://who.example/microwaves"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"id": ""}, "no-key", "id"),
        ({"id": 7}, "wrong-shape", "id"),
        ({"wordings": "text"}, "wrong-shape", "wordings"),
        ({"wordings": []}, "no-wording", "wordings"),
        ({"wordings": [{"lang": "", "text": "x"}]}, "no-language", "wordings"),
        ({"verdict": None}, "wrong-shape", "verdict"),
        ({"verdict": {"rating": "lie", "as_of": "2026-01-01"}}, "no-such-rating", "rating"),
        ({"verdict": {"rating": "false", "as_of": 5}}, "no-date", "verdict.as_of"),
        ({"verdict": {"rating": "false", "as_of": "2026-02-30"}}, "no-date", "verdict.as_of"),
        ({"sources": []}, "no-source", "sources"),
        ({"sources": [{"url": "ftp://x.example/"}]}, "no-address", "sources"),
        ({"history": [{"rating": "false"}]}, "no-date", "history[0].as_of"),
    ],
)
def test_a_row_that_cannot_be_taken_is_refused_with_its_field_in_both_languages(
    changes: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        check_entry(jsonlines.parse(row(**changes)), TODAY)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.say("zh-Hans") != refused.value.say("en")


@pytest.mark.parametrize("value", [None, 5, [], "text", {"wordings": {}}])
def test_anything_else_in_place_of_a_row_is_refused(value: object) -> None:
    with pytest.raises(Refused):
        check_entry(jsonlines.parse(value), TODAY)


def test_a_long_key_stays_unique_and_short() -> None:
    first, second = short_key("k" * 500 + "1"), short_key("k" * 500 + "2")
    assert first != second
    assert max(len(first), len(second)) <= 300


# --- round trips ----------------------------------------------------------------------------------

said = st.text(min_size=1, max_size=60).map(lambda text: clean(text).strip()).filter(bool)
one_line = said.map(lambda text: " ".join(text.split())).filter(bool)
by_lang = st.dictionaries(st.sampled_from(["en", "zh-Hans", "zh-Hant", "fr"]), said, max_size=3).map(
    lambda texts: {lang: texts[lang] for lang in sorted(texts)}
)
addresses = st.text(string.ascii_lowercase, min_size=1, max_size=12).map("https://{}.example/".format)
days = st.dates(date(2000, 1, 1), date(2026, 3, 1))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | said,
    lambda each: st.lists(each, max_size=3),
    max_leaves=5,
)
cited = st.builds(
    Cited, addresses, st.just("") | one_line, st.just("") | one_line, st.sampled_from(["", "en", "zh-Hans"])
)
wordeds = st.builds(Worded, st.sampled_from(["zh-Hans", "zh-Hant", "en", "fr"]), said)


def rulings(source: st.SearchStrategy[Cited]) -> st.SearchStrategy[Ruling]:
    return st.builds(
        Ruling,
        rating=st.sampled_from(RATINGS),
        as_of=days,
        expires=st.none() | st.just(date(2030, 1, 1)),
        scope=by_lang,
        explanation=by_lang,
        reason=by_lang,
        basis=st.dictionaries(said, json_values, max_size=2).map(jsonlines.tidy),
        sources=st.lists(source, min_size=1, max_size=3, unique=True).map(tuple),
        origin=st.none() | one_line,
        published_at=st.none()
        | st.datetimes(datetime(2000, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC)),
    )


entries = st.builds(
    Entry,
    key=one_line,
    wordings=st.lists(wordeds, min_size=1, max_size=4, unique=True).map(tuple),
    rulings=st.lists(rulings(cited), min_size=1, max_size=3).map(tuple),
    topic=st.just("") | one_line,
    origin=st.just("") | one_line,
    origin_url=st.just("") | addresses,
)


@patient
@given(entries)
def test_a_line_read_back_is_the_same_entry_and_the_same_line(entry: Entry) -> None:
    line = jsonlines.line(entry)
    assert "\n" not in line
    again = jsonlines.parse(json.loads(line))
    assert again == entry
    assert jsonlines.line(again) == line
    check_entry(again, TODAY)


@patient
@given(entries.filter(lambda entry: entry.rulings[-1].rating != "withdrawn"), addresses, one_line)
def test_a_claimreview_read_back_says_the_same_and_is_written_the_same(
    entry: Entry, url: str, author: str
) -> None:
    written = claimreview.review_of(entry, url=url, author=author)
    again = claimreview.parse(json.loads(json.dumps(written)))
    check_entry(again, TODAY)
    before, after = entry.rulings[-1], again.rulings[-1]
    assert again.wordings == entry.wordings
    assert (again.origin, again.origin_url) == (author, url)
    if not before.basis:
        assert after.rating == before.rating
    assert (after.as_of, after.expires, after.sources) == (before.as_of, before.expires, before.sources)
    assert (after.scope, after.explanation) == (before.scope, before.explanation)
    assert claimreview.review_of(again, url=url, author=author) == written


CLAIMREVIEW = [
    "@type",
    "@graph",
    "url",
    "claimReviewed",
    "reviewRating",
    "author",
    "datePublished",
    "citation",
]
ROW = ["id", "wordings", "verdict", "sources", "history", "lang", "text", "as_of", "rating", "basis"]
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda each: (
        st.lists(each, max_size=4)
        | st.dictionaries(
            st.sampled_from([*CLAIMREVIEW, *ROW]),
            each | st.just("ClaimReview"),
            max_size=6,
        )
    ),
    max_leaves=25,
)


@patient
@given(junk)
def test_no_json_value_breaks_the_readers(value: Any) -> None:
    readable = [(claimreview.parse, each) for each in claimreview.reviews_in(value)]
    for reader, found in [*readable, (jsonlines.parse, value)]:
        with suppress(Refused):
            check_entry(reader(found), TODAY)


@patient
@given(st.lists(json_values, max_size=5), st.sampled_from([None, 1]))
def test_a_feed_is_read_element_by_element_as_json_reads_it_whole(
    values: list[Any], indent: int | None
) -> None:
    listed = json.dumps(values, indent=indent)
    assert [value for _, value in elements(listed)] == values
    fed = json.dumps({"@type": "DataFeed", "dataFeedElement": values, "name": "x"}, indent=indent)
    assert [value for _, value in elements(fed)] == values


def test_each_element_of_a_feed_knows_its_line() -> None:
    assert list(elements('{"name": "x",\n "dataFeedElement": [\n 1,\n\n 2]}')) == [(3, 1), (5, 2)]
    with pytest.raises(json.JSONDecodeError):
        list(elements('{"dataFeedElement": [1, 2'))
