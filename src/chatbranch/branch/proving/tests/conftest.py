from __future__ import annotations

from collections.abc import Iterator

import pytest

from chatbranch.branch.proving.tests.outside import World, world
from chatbranch.branch.tests.conftest import join, quick_passwords, steward

__all__ = ["join", "quick_passwords", "steward"]


@pytest.fixture(scope="module")
def _world() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture
def outside(_world: World) -> World:
    """A world with nothing in it."""
    for held in (_world.pages, _world.records, _world.status, _world.hops, _world.asked):
        held.clear()
    return _world
