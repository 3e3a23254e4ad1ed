"""Who may import whom (.importlinter), and that the contract written for this house can break."""

from __future__ import annotations

import grimp
import pytest

from tests.house.doors import DoorsContract, is_door
from tests.house.tools import passes

DOORS = ["actions", "models<-models", "kernel", "matching.guard"]


def test_the_slices_stand_in_their_order_and_what_is_pure_stays_pure() -> None:
    passes("lint-imports", "--no-cache")


@pytest.mark.parametrize(
    ("inner", "importer", "open_to_it"),
    [
        ("cases.actions", "house.intake.actions", True),
        ("cases.telling", "house.intake.actions", False),
        ("cases.models", "house.intake.models", True),
        ("cases.models", "house.intake.actions", False),
        ("kernel.text", "house.cases.actions", True),
        ("matching.guard.align", "house.cases.actions", True),
        ("matching.guardian", "house.cases.actions", False),
        ("cases.private.actions", "house.intake.actions", False),
    ],
)
def test_a_door_opens_what_it_names_and_nothing_beside_it(
    inner: str, importer: str, open_to_it: bool
) -> None:
    assert is_door(inner, importer, DOORS) is open_to_it


def test_an_import_around_the_doors_breaks_the_contract() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in (
        ("house.intake.views", "house.cases.actions"),
        ("house.intake.views", "house.cases.telling"),
        ("house.intake.tests.test_views", "house.cases.telling"),
        ("house.site.worker", "house.cases.telling"),
        ("house.cases.actions", "house.cases.telling"),
    ):
        graph.add_import(
            importer=importer, imported=imported, line_number=3, line_contents=f"import {imported}"
        )
    for package in ("house", "house.intake", "house.cases", "house.site"):
        graph.add_module(package)
    options = {"container": "house", "doors": DOORS, "free": ["site"]}
    contract = DoorsContract(name="doors", session_options={}, contract_options=options)

    checked = contract.check(graph, verbose=False)

    assert not checked.kept
    assert checked.metadata["around"] == [("house.intake.views", "house.cases.telling", "3")]
