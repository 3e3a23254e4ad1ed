"""The table of what each connector can do, and how that was tried, is written from what each announces and from the tests."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

from chatbranch.connectors import discover
from chatbranch.connectors.contract import Capabilities
from tests.docs.tried import TRIED

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/connectors.md"
BETWEEN = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end of table -->)", re.DOTALL)
ABILITIES = [each.name for each in dataclasses.fields(Capabilities)]


def table() -> str:
    """One row an ability, one column a connector."""
    setups = discover.setups()
    lines = [f"| ability | {' | '.join(setups)} |", "|---" * (len(setups) + 1) + "|"]
    for ability in ABILITIES:
        values = {name: getattr(setup.capabilities, ability) for name, setup in setups.items()}
        lines.append(
            f"| {ability} | {' | '.join(_cell(name, ability, value) for name, value in values.items())} |"
        )
    return "\n".join(lines) + "\n"


def _cell(connector: str, ability: str, value: object) -> str:
    if value is True:
        tried = TRIED[connector][ability]
        return f"[{tried.against}](../../{tried.file})"
    if value is False:
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_table_says_what_the_connectors_announce_and_how_it_was_tried() -> None:
    page = PAGE.read_text(encoding="utf-8")
    wanted = BETWEEN.sub(lambda _: table(), page)
    if os.environ.get("CHATBRANCH_WRITE"):
        PAGE.write_text(wanted, encoding="utf-8")
        page = wanted
    assert page == wanted


def test_every_ability_that_is_announced_was_tried_and_no_other() -> None:
    announced = {
        name: {each for each in ABILITIES if getattr(setup.capabilities, each) is True}
        for name, setup in discover.setups().items()
    }
    assert {name: set(tried) for name, tried in TRIED.items()} == announced


def test_every_test_that_is_named_is_there() -> None:
    for tried in (each for abilities in TRIED.values() for each in abilities.values()):
        text = (ROOT / tried.file).read_text(encoding="utf-8")
        assert re.search(rf"^(?:async )?def {tried.test}\(", text, re.MULTILINE), tried


def test_every_connector_says_against_what_it_was_tried() -> None:
    part = PAGE.read_text(encoding="utf-8").partition("## How it was tried")[2].partition("\n## ")[0]
    named = re.findall(r"^\| ([a-z]+) \| (?!against)(\S.*?) \|", part, re.MULTILINE)
    assert {name for name, _ in named} == set(discover.setups())
    for name in set(discover.setups()) - {"web"}:
        assert [*(ROOT / "tests/contract").glob(f"test_{name}_*.py")], f"{name} has no test against a server"
