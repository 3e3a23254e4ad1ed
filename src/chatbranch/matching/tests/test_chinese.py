"""Chinese: what forwarding does to a message changes neither what is found nor what is answered.

The messages are made by rule (``perturb.py``) from the sample library, from fact checks and events, and asked of a library in which
a thousand real posts stand beside them. Run with ``-s`` to read the figures. Each message is encoded, which takes a slow machine a
tenth of a second, so a part of the texts is tried at every run and all of them in the third tier.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import opencc
import pytest

import chatbranch
from chatbranch.kernel.text import normalise, to_traditional
from chatbranch.matching import rules
from chatbranch.matching.dataset import Dataset, RememberingEncoder, load
from chatbranch.matching.encoder import Encoder
from chatbranch.matching.engine import IndexWriter, Match, Matcher, Wording
from chatbranch.matching.judgement import ordered
from chatbranch.matching.tests import perturb
from chatbranch.matching.tests.test_guard import WORDINGS, is_chinese
from chatbranch.matching.training import examples

DATA = Path(chatbranch.__file__).parents[3] / "shared" / "data"
SETS = DATA / "matching"
POSTS = 1_000
SHORTEST = 14  # characters; what is shorter says too little to be told from others

pytestmark = pytest.mark.skipif(
    not SETS.is_dir(),
    reason="the public matching sets are not beside the repository (../shared/data/matching)",
)


def load_posts() -> list[dict[str, str]]:
    """The stream's posts; those of the events' own set are the events and their queries, and stay out."""
    lines = (DATA / "stream" / "zh_posts.jsonl").read_text(encoding="utf-8").strip().split("\n")
    return [post for post in map(json.loads, lines) if post["src"] != "saa51"]


def some_or_all(count: int) -> pytest.MarkDecorator:
    """How many of the texts a test tries: ``count`` at every run, all in the third tier."""
    return pytest.mark.parametrize("count", [count, pytest.param(10_000, marks=pytest.mark.soak, id="all")])


@dataclass(frozen=True)
class Library:
    matcher: Matcher
    texts: tuple[str, ...]
    claims: dict[str, frozenset[str]]  # a text -> the claims that say it: libraries list some things twice
    known: dict[str, tuple[list[str], Match]] = field(default_factory=dict)

    def asked(self, text: str) -> tuple[list[str], Match]:
        """The order of claims for a message, and the decision; asked twice, it is looked up."""
        if text not in self.known:
            message = self.matcher.read(text)
            ranked = ordered(self.matcher.near(message), rules.load_fitted().of(message.lang))
            self.known[text] = [each.claim_id for each in ranked], self.matcher.judge(message, ranked)
        return self.known[text]

    def some(self, count: int, seed: int) -> list[str]:
        return random.Random(seed).sample(self.texts, min(count, len(self.texts)))


@pytest.fixture(scope="module")
def encoder() -> Iterator[RememberingEncoder]:
    remembering = RememberingEncoder(Encoder.open())
    yield remembering
    remembering.save()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, encoder: RememberingEncoder) -> Library:
    checked = [("sample", text) for text in WORDINGS if is_chinese(text)]
    checked += [
        (own.claim_id, own.text)
        for name in ("zh_dxy_checks", "zh_weibo_events")
        for own in load(SETS / name).wordings
    ]
    posts = random.Random(0).sample(load_posts(), POSTS)
    everything = [*checked, *(("post", post["text"]) for post in posts)]
    wordings = [Wording(f"{name}-{n}", "zh-Hans", text, n) for n, (name, text) in enumerate(everything, 1)]
    directory = tmp_path_factory.mktemp("chinese")
    with IndexWriter.open(directory, encoder) as writer:
        writer.add(wordings)
        writer.commit()
    same: dict[str, set[str]] = {}
    for own in wordings:
        same.setdefault(normalise(own.text).text, set()).add(own.claim_id)
    texts = dict.fromkeys(text for _, text in checked if len(text) >= SHORTEST)
    claims = {text: frozenset(same[normalise(text).text]) for text in texts}
    return Library(Matcher(directory, encoder, rules.load_fitted()), tuple(texts), claims)


@some_or_all(120)
def test_a_forwarded_message_is_found_and_never_answered_wrongly(library: Library, count: int) -> None:
    chance, tried = random.Random(7), Counter[str]()
    found, answered, wrong = Counter[str](), Counter[str](), []
    for text in library.some(count, 6):
        other = chance.choice(library.texts)
        messages = {kind: (change(text, chance), [text]) for kind, change in perturb.FORWARDING.items()}
        messages["two in one message"] = (perturb.joined([text, other]), [text, other])
        for kind, (message, said) in messages.items():
            ids, match = library.asked(message)
            right = [library.claims[each] for each in said]
            tried[kind] += 1
            found[kind] += all(own & set(ids[:5]) for own in right)
            if match.outcome == "answer":
                answered[kind] += 1
                if not any(match.claim_id in own for own in right):
                    wrong.append((message, match.wording))
    total = sum(tried.values())
    for kind, count in tried.items():
        print(f"\n{kind:<20} found {found[kind] / count:.3f} answered {answered[kind] / count:.3f}", end="")
    print(f"\n{total} messages, {len(wrong)} answered wrongly")
    assert total >= min(2_000, 5 * count)
    assert sum(found.values()) >= 0.97 * total
    assert len(wrong) <= max(1, 0.003 * total), wrong
    assert answered["forwarded"] >= 0.97 * tried["forwarded"]


@some_or_all(100)
@pytest.mark.parametrize(
    ("change", "least"),
    [
        (perturb.linked, 0.98),
        (perturb.beginning, 0.95),
        (perturb.forwarded, 0.99),
        (perturb.noisy, 0.99),
        (perturb.evaded, 0.80),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_stands_first_stays_first(
    library: Library, change: perturb.Change, least: float, count: int
) -> None:
    chance, texts = random.Random(8), library.some(count, 8)
    same = sum(library.asked(change(text, chance))[0][:1] == library.asked(text)[0][:1] for text in texts)
    print(f"\n{change.__name__}: {same} of {len(texts)} have the same first claim")
    assert same >= least * len(texts)


@some_or_all(60)
@pytest.mark.parametrize("config", ["s2t", "s2tw", "s2hk"])
def test_both_scripts_get_the_same_answer(library: Library, config: str, count: int) -> None:
    queries = [
        query.text for name in ("zh_news_titles", "zh_weibo_events") for query in load(SETS / name).queries
    ]
    asked = [*random.Random(9).sample(queries, min(count, len(queries))), *library.some(count, 9)]
    converter = opencc.OpenCC(config)
    differ = []
    for text in asked:
        (one, here), (other, there) = library.asked(text), library.asked(converter.convert(text))
        if (one[:1], here.outcome) != (other[:1], there.outcome):
            differ.append(text)
    assert len(differ) <= 0.005 * len(asked), differ


def events_among_posts() -> tuple[Dataset, list[Wording]]:
    """The events, and checks and posts that must not be taken for them; copies among the posts that nobody labelled are out:
    those that share half of the three-character runs of an event or of a query with it."""
    events = load(SETS / "zh_weibo_events")
    ours = [
        runs(text)
        for text in (*(own.text for own in events.wordings), *(query.text for query in events.queries))
    ]
    posts = [post["text"] for post in random.Random(0).sample(load_posts(), POSTS)]
    apart = [text for text in posts if not any(copies(runs(text), own) for own in ours)]
    others = [*(own.text for own in load(SETS / "zh_dxy_checks").wordings), *apart]
    return events, [Wording(f"other-{n}", "zh-Hans", text, 10_000 + n) for n, text in enumerate(others)]


def runs(text: str) -> frozenset[str]:
    text = normalise(text).text
    return frozenset(text[i : i + 3] for i in range(len(text) - 2))


def copies(one: frozenset[str], other: frozenset[str]) -> bool:
    few = min(len(one), len(other))
    return few >= 12 and len(one & other) >= 0.5 * few


def test_events_are_found_among_posts(encoder: RememberingEncoder) -> None:
    """Some of the 46 queries share no more than a character or two with their event: they spoke about a picture."""
    events, others = events_among_posts()
    fitted = rules.load_fitted().chinese
    found = examples(events, encoder, others)
    precision = []
    for example in found:
        ranked = ordered(example.near, fitted)
        places = [n for n, each in enumerate(ranked[:5], 1) if each.claim_id in example.query.claim_ids]
        precision.append(1 / places[0] if places else 0.0)
    print(f"\n{len(others)} others, MAP@5 {sum(precision) / len(precision):.3f}")
    assert sum(precision) >= 0.89 * len(precision)


def test_forwarded_copies_in_the_other_script_are_answered(library: Library) -> None:
    tried = [text for text in library.some(10_000, 5) if 16 <= len(text) <= 120][:80]
    right = 0
    for text in tried:
        _, match = library.asked("【转】" + to_traditional(text) + "🙏🙏 http://t.cn/zH0oV")
        assert match.outcome != "answer" or match.claim_id in library.claims[text]
        right += match.outcome == "answer"
    print(f"\n{right} of {len(tried)} forwarded Traditional copies answered, none wrongly")
    assert right >= 0.8 * len(tried)


def says(text: str, wording: str) -> bool:
    """Whether a post says what another says: word for word, or nearly."""
    return normalise(wording).text in normalise(text).text or copies(runs(text), runs(wording))


@some_or_all(150)
def test_unseen_posts_are_not_answered_with_what_was_checked(library: Library, count: int) -> None:
    posts = [post["text"] for post in random.Random(1).sample(load_posts(), min(count, 1_000))]
    false = [
        (text[:60], match.wording[:60])
        for text in posts
        if (match := library.asked(text)[1]).outcome == "answer" and not says(text, match.wording)
    ]
    assert false == []
