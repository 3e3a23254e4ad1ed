"""Pages keep the order of the slices too: no template, and no view, uses a template or a tag of a slice that stands above.

What stands in `site/templates` itself, without a folder, is the shell that every page is put into, and so open to all.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tools import ROOT

SLICES = ROOT / "src" / "chatbranch"
SHELL = ""  # whose templates anyone may use
_USED = re.compile(r"{%-?\s*(?:include|extends)\s+[\"']([^\"']+)[\"']")
_LOADED = re.compile(r"{%-?\s*load\s+([^%]+?)\s*-?%}")
_RENDERED = re.compile(r"[\"']((?:[a-z_]+/)+[a-z_]+\.(?:html|txt))[\"']")


def order() -> list[str]:
    """The slices from the ground up, as .importlinter has them."""
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter", encoding="utf-8")
    return contracts["importlinter:contract:order"]["layers"].split()[::-1]


def owners(pattern: str) -> dict[str, str]:
    """The name a template or a tag library is used by -> the slice it stands in."""
    found = {}
    for file in SLICES.glob(f"*/{pattern}"):
        room, _, *inner = file.relative_to(SLICES).parts
        found["/".join(inner)] = SHELL if room == "site" and len(inner) == 1 else room
    return found


TEMPLATES = owners("templates/**/*.html") | owners("templates/**/*.txt")
TAGS = {name.removesuffix(".py"): room for name, room in owners("templatetags/*.py").items()}


def uses(text: str, *, python: bool) -> Iterator[str]:
    """Which slices' templates and tags a file of this text uses."""
    for name in (_RENDERED if python else _USED).findall(text):
        if name in TEMPLATES:
            yield TEMPLATES[name]
    for names in [] if python else _LOADED.findall(text):
        yield from (TAGS[each] for each in names.split() if each in TAGS)


def above(room: str, used: str, slices: list[str]) -> bool:
    return used != SHELL and room != "site" and slices.index(used) > slices.index(room)


def files() -> list[Path]:
    pages = [*SLICES.glob("*/templates/**/*.html"), *SLICES.glob("*/**/*.py")]
    return [file for file in pages if "tests" not in file.parts]


def test_no_slice_uses_a_template_or_a_tag_of_one_that_stands_above_it() -> None:
    slices = order()
    found = [
        f"{file.relative_to(SLICES)} uses a template of {used}"
        for file in files()
        for used in uses(file.read_text("utf-8"), python=file.suffix == ".py")
        if above(file.relative_to(SLICES).parts[0], used, slices)
    ]
    assert found == []


def test_the_walk_sees_what_it_is_about() -> None:
    assert TEMPLATES["intake/answer.html"] == "intake"
    assert TEMPLATES["base.html"] == SHELL
    assert TAGS["why"] == "matching"
    assert order()[0] == "kernel"
    assert {"matching", "claims"} <= set(
        uses((SLICES / "intake/templates/intake/answer.html").read_text("utf-8"), python=False)
    )
    assert "cases" in set(uses((SLICES / "cases/views.py").read_text("utf-8"), python=True))


@pytest.mark.parametrize(
    ("room", "text", "python"),
    [
        ("cases", '{% include "intake/answer.html" with answer=why %}', False),
        ("branch", "{%extends 'cases/case.html'%}", False),
        ("claims", "{% load static why %}", False),
        ("cases", 'return render(request, "intake/answer.html", context)', True),
    ],
)
def test_a_use_upwards_would_be_seen(room: str, text: str, python: bool) -> None:
    assert any(above(room, used, order()) for used in uses(text, python=python))


@pytest.mark.parametrize("text", ['{% include "claims/_chip.html" %}', '{% extends "base.html" %}'])
def test_a_use_downwards_or_of_the_shell_is_no_fault(text: str) -> None:
    assert not any(above("cases", used, order()) for used in uses(text, python=False))
