"""What a start settles before anybody can ask."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from chatbranch.claims import queries as claims
from chatbranch.claims.importing import do_load_sample
from chatbranch.matching.actions import do_index_new, is_built
from chatbranch.matching.encoder import Encoder
from chatbranch.matching.generation import current_generation
from chatbranch.matching.index import Index
from chatbranch.matching.queries import match_text
from chatbranch.site import start

KNOWN = "反复烧开的水含有大量亚硝酸盐，喝了会致癌"


@pytest.fixture
def branch(own_index: None, db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The index of a branch with the sample library, as the version before left it; nothing may be encoded any more."""
    settings.CONFIG = dataclasses.replace(settings.CONFIG, data=settings.INDEX_DIR.parent)
    do_load_sample()
    while do_index_new():
        pass
    directory: Path = settings.INDEX_DIR
    generation = current_generation(directory)
    assert generation is not None
    space = json.loads((generation / "space.json").read_text())
    (generation / "space.json").write_text(json.dumps(space | {"format": 1}))

    def refuse(self: Encoder, texts: Sequence[str], progress: object = None) -> None:
        raise AssertionError(f"encoded again: {texts}")

    monkeypatch.setattr(Encoder, "encode", refuse)
    return directory


def test_a_start_builds_an_index_that_it_cannot_read_and_then_everything_is_found(branch: Path) -> None:
    assert not is_built()
    start.prepare(sample=True)
    assert is_built()
    assert len(Index.open(branch)) == claims.wording_count() > 0
    assert match_text(KNOWN).outcome == "answer"


def test_the_worker_never_replaces_an_index_by_the_first_few_wordings(branch: Path) -> None:
    assert do_index_new(most=1) == claims.wording_count()
    assert len(Index.open(branch)) == claims.wording_count()
    assert do_index_new(most=1) == 0


def test_a_second_start_looks_for_the_index_and_loads_nothing(
    branch: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settled: list[bool] = []
    monkeypatch.setattr(start, "_load_django", lambda: None)
    prepare = start.prepare
    monkeypatch.setattr(start, "prepare", lambda *, sample: (settled.append(sample), prepare(sample=sample)))
    for _ in range(2):
        start._settle(settings.CONFIG, demo=False)
    assert settled == [True]
    (branch / "current").unlink()
    start._settle(settings.CONFIG, demo=False)
    assert settled == [True, True]
    assert is_built()
