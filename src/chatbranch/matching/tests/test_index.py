"""The index on disk: what is committed is there, what is not is not, and nothing is ever half there."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from chatbranch.kernel.text import normalise, tokens
from chatbranch.matching.encoder import Progress, Vectors
from chatbranch.matching.features import Terms
from chatbranch.matching.generation import current_generation
from chatbranch.matching.index import Index, stamp
from chatbranch.matching.index_writer import IndexBusy, IndexWriter
from chatbranch.matching.table import Wording, sync

GARLIC = Wording("garlic", "en", "Eating garlic prevents colds.", 1)
GARLIC_ZH = Wording("garlic", "zh-Hans", "吃大蒜可以预防感冒", 2)
BLEACH = Wording("bleach", "en", "Gargling bleach kills the virus.", 3)


class CountingEncoder:
    """Unit vectors that follow from the text, fast; counts the texts it was asked for."""

    digest, dimension = "counting", 16

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, texts: Sequence[str], lang: str, progress: Progress | None = None) -> Vectors:
        self.encoded += len(texts)
        rows = [np.random.default_rng(abs(hash(text)) % 2**32).normal(size=self.dimension) for text in texts]
        vectors = np.array(rows, np.float32).reshape(len(texts), self.dimension)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def encode_message(self, text: str, lang: str) -> Vectors:
        return self.encode([text], lang)


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
    assert index.read(index.by_vectors(encoder.encode([BLEACH.text], "en"), 1))[0].wording == BLEACH
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
        writer.add([GARLIC, BLEACH, GARLIC_ZH])
        writer.commit()
        before, mark = Index.open(tmp_path), stamp(tmp_path)
        assert writer.rebuild([GARLIC, GARLIC_ZH], reports.append) == 2
        assert encoder.encoded == 3
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


def test_an_index_made_with_another_encoder_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    other, read = CountingEncoder(), list[int]()
    other.digest = "another"  # type: ignore[misc]
    with IndexWriter.open(tmp_path, CountingEncoder()) as writer:
        writer.add([GARLIC])
        writer.commit()
    with IndexWriter.open(tmp_path, other) as writer:
        assert (writer.watermark, writer.replaces) == (0, True)
        assert found(Index.open(tmp_path), "garlic") == ["garlic"]
        writer.rebuild([GARLIC, BLEACH], lambda done: read.append(len(Index.open(tmp_path))))
    assert (read, len(Index.open(tmp_path)), Index.open(tmp_path).space) == ([1], 2, "another")


def as_format_2(folder: Path) -> None:
    """The parts of an index of format 2 that are read again: space.json, and vectors in single precision."""
    space = json.loads((folder / "space.json").read_text()) | {"format": 2}
    (folder / "space.json").write_text(json.dumps(space))
    np.fromfile(folder / "vectors", np.float16).astype(np.float32).tofile(folder / "vectors.f32")
    for name in ("vectors", "rows", "texts"):
        (folder / name).unlink()


@pytest.mark.parametrize("precision", ["half", "single"])
def test_a_rebuild_takes_vectors_from_a_generation_of_another_format(tmp_path: Path, precision: str) -> None:
    encoder = CountingEncoder()
    with IndexWriter.open(tmp_path, encoder) as writer:
        writer.add([GARLIC, BLEACH])
        writer.commit()
    vectors, old = Index.open(tmp_path).vectors.copy(), current_generation(tmp_path)
    assert old is not None
    if precision == "single":
        as_format_2(old)
    else:
        (old / "space.json").write_text(json.dumps({"format": 3, "digest": "counting", "dimension": 16}))
    with IndexWriter.open(tmp_path, encoder) as writer:
        assert writer.replaces
        assert old.exists()
        writer.rebuild([GARLIC, BLEACH])
        assert not writer.replaces
        assert not old.exists()
    assert encoder.encoded == 2
    assert np.array_equal(Index.open(tmp_path).vectors, vectors)


def test_what_a_killed_rebuild_had_encoded_is_used_unless_it_never_reached_the_disk(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    with IndexWriter.open(tmp_path, encoder) as writer:  # closed without a commit, as if it had been killed
        writer.add([GARLIC, BLEACH])
    assert len(Index.open(tmp_path)) == 0
    (left,) = tmp_path.glob("*/vectors")
    vectors = np.fromfile(left, np.float16).reshape(2, 16)
    vectors[1] = 0
    vectors.tofile(left)
    with IndexWriter.open(tmp_path, encoder) as writer:
        writer.rebuild([GARLIC, BLEACH])
    assert encoder.encoded == 3
    assert np.linalg.norm(Index.open(tmp_path).vectors.astype(np.float32), axis=1) == pytest.approx(
        1, abs=0.01
    )
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


def test_a_state_that_nobody_reads_any_more_is_gone_at_once(tmp_path: Path) -> None:
    gc.collect()
    gc.disable()
    try:
        with IndexWriter.open(tmp_path, CountingEncoder()) as writer:
            index, states = Index.open(tmp_path), []
            for seq in range(1, 4):
                states.append(weakref.ref(index))
                index.weighed([Terms(("garlic",))])
                writer.add([Wording(f"claim-{seq}", "en", f"Eating garlic cures {seq} colds.", seq)])
                writer.commit()
                index = Index.open(tmp_path, index)
        assert [state() for state in states] == [None] * 3
        assert len(index) == 3
    finally:
        gc.enable()


def test_a_new_generation_is_on_disk_before_anything_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def sync_seen(path: Path) -> None:
        synced.append(path.name)
        assert not (tmp_path / "current").exists() or "space.json" in synced
        sync(path)

    monkeypatch.setattr("chatbranch.matching.index_writer.sync", sync_seen)
    with IndexWriter.open(tmp_path, CountingEncoder()) as writer:
        writer.add([GARLIC])
        writer.commit()
    generation = current_generation(tmp_path)
    assert generation is not None
    named = synced.index(".current.new")
    assert {"space.json", generation.name, tmp_path.name} <= set(synced[:named])


def test_a_damaged_pointer_opens_as_an_empty_index_that_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "current").write_text("no-such-generation")
    assert len(Index.open(tmp_path)) == 0
    with IndexWriter.open(tmp_path, CountingEncoder()) as writer:
        writer.add([GARLIC])
        writer.commit()
    assert len(Index.open(tmp_path)) == 1
