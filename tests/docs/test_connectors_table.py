"""The table of what each connector can do is written from what each announces."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

from chatbranch.connectors import discover
from chatbranch.connectors.contract import Capabilities

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/connectors.md"
BETWEEN = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end of table -->)", re.DOTALL)


def table() -> str:
    """One row an ability, one column a connector."""
    setups = discover.setups()
    lines = [f"| ability | {' | '.join(setups)} |", "|---" * (len(setups) + 1) + "|"]
    for ability in dataclasses.fields(Capabilities):
        cells = [_cell(getattr(setup.capabilities, ability.name)) for setup in setups.values()]
        lines.append(f"| {ability.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "–"
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_table_says_what_the_connectors_announce() -> None:
    page = PAGE.read_text(encoding="utf-8")
    wanted = BETWEEN.sub(lambda _: table(), page)
    if os.environ.get("CHATBRANCH_WRITE"):
        PAGE.write_text(wanted, encoding="utf-8")
        page = wanted
    assert page == wanted


def test_every_connector_says_against_what_it_was_tried() -> None:
    part = PAGE.read_text(encoding="utf-8").partition("## How it was tried")[2].partition("\n## ")[0]
    named = re.findall(r"^\| ([a-z]+) \| (?!against)(\S.*?) \|", part, re.MULTILINE)
    assert {name for name, _ in named} == set(discover.setups())
    for name in set(discover.setups()) - {"web"}:
        assert [*(ROOT / "tests/contract").glob(f"test_{name}_*.py")], f"{name} has no test against a server"
