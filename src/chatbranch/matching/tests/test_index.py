"""The index on disk: what is committed is there, what is not is not, and nothing is ever half there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from chatbranch.kernel.text import normalise, tokens
from chatbranch.matching.encoder import Vectors
from chatbranch.matching.index import Index, IndexBusy, IndexWriter, Wording, stamp

GARLIC = Wording("garlic", "en", "Eating garlic prevents colds.", 1)
GARLIC_ZH = Wording("garlic", "zh-Hans", "吃大蒜可以预防感冒", 2)
BLEACH = Wording("bleach", "en", "Gargling bleach kills the virus.", 3)


class CountingEncoder:
    """Unit vectors that follow from the text, fast; counts the texts it was asked for."""

    digest, dimension = "counting", 16

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> Vectors:
        self.encoded += len(texts)
        rows = [np.random.default_rng(abs(hash(text)) % 2**32).normal(size=self.dimension) for text in texts]
        vectors = np.array(rows, np.float32).reshape(len(texts), self.dimension)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def found(index: Index, text: str) -> list[str]:
    rows = index.by_terms(tokens(normalise(text).text), 10)
    return [row.wording.claim_id for row in index.read(rows)]


def test_an_absent_index_is_an_empty_one(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "nowhere")
    assert (len(index), index.watermark, found(index, "garlic"), index.number_of("garlic")) == (
        0,
        0,
        [],
        None,
    )


def test_what_was_committed_is_found_by_its_terms_its_vector_and_its_claim(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    with IndexWriter.open(tmp_path, encoder) as writer:
        writer.add([GARLIC, GARLIC_ZH, BLEACH])
        writer.commit()
    index = Index.open(tmp_path)
    assert (len(index), index.watermark) == (3, 3)
    assert found(index, "大蒜预防感冒") == ["garlic"]
    assert index.read(index.by_vectors(encoder.encode([BLEACH.text]), 1))[0].wording == BLEACH
    number = index.number_of("garlic")
    assert number is not None
    assert [row.wording for row in index.of_claims([number])] == [GARLIC, GARLIC_ZH]
    assert (index.seen("garlic"), index.seen("大蒜"), index.seen("onion")) == (1, 1, 0)


def test_nothing_is_visible_before_the_commit(tmp_path: Path) -> None:
    with IndexWriter.open(tmp_path, CountingEncoder()) as writer:
        writer.add([GARLIC])
        writer.commit()
        writer.add([BLEACH])
        assert found(Index.open(tmp_path), "bleach") == []


def test_adding_a_wording_again_changes_nothing(tmp_path: Path) -> None:
    with IndexWriter.open(tmp_path, CountingEncoder()) as writer:
        writer.add([GARLIC, BLEACH])
        writer.commit()
        writer.add([GARLIC])
        writer.commit()
    assert len(Index.open(tmp_path)) == 2


def test_there_is_one_writer(tmp_path: Path) -> None:
    with IndexWriter.open(tmp_path, CountingEncoder()), pytest.raises(IndexBusy):
        IndexWriter.open(tmp_path, CountingEncoder())
    IndexWriter.open(tmp_path, CountingEncoder()).close()


def test_a_rebuild_replaces_everything_encodes_nothing_twice_and_leaves_open_readers_alone(
    tmp_path: Path,
) -> None:
    encoder, reports = CountingEncoder(), list[int]()
    with IndexWriter.open(tmp_path, encoder) as writer:
        writer.add([GARLIC, BLEACH])
        writer.commit()
        before, mark = Index.open(tmp_path), stamp(tmp_path)
        assert writer.rebuild([GARLIC, GARLIC_ZH], reports.append) == 2
        assert encoder.encoded == 2
        writer.add([Wording("late", "en", "Added after the rebuild.", 9)])
        writer.commit()
    after = Index.open(tmp_path)
    assert stamp(tmp_path) != mark
    assert found(before, "bleach") == ["bleach"]
    assert (found(after, "bleach"), found(after, "garlic"), found(after, "rebuild")) == (
        [],
        ["garlic"],
        ["late"],
    )
    assert reports == [2]


def test_an_index_made_with_another_encoder_is_founded_anew(tmp_path: Path) -> None:
    other = CountingEncoder()
    other.digest = "another"  # type: ignore[misc]
    with IndexWriter.open(tmp_path, CountingEncoder()) as writer:
        writer.add([GARLIC])
        writer.commit()
    with IndexWriter.open(tmp_path, other) as writer:
        assert writer.watermark == 0
    assert len(Index.open(tmp_path)) == 0


def test_a_damaged_pointer_opens_as_an_empty_index_that_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "current").write_text("no-such-generation")
    assert len(Index.open(tmp_path)) == 0
    with IndexWriter.open(tmp_path, CountingEncoder()) as writer:
        writer.add([GARLIC])
        writer.commit()
    assert len(Index.open(tmp_path)) == 1
