"""What a fit knows of a rater (how lenient, on which side, how much they count) is in no table, answer, export or page."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from click.testing import CliRunner
from django.apps import apps

from chatbranch.consensus import bridging, factorisation, ratings, reasons, rules, scoring
from chatbranch.consensus.formats import read_polis
from chatbranch.consensus.rounds import fit_in_rounds
from chatbranch.site.cli import main
from tests.house.tools import ROOT

SOURCE = ROOT / "src" / "chatbranch"
OF_RATERS = {
    "intercept",
    "factor",
    "weight",
    "weights",
    "agreement",
    "leniency",
    "lenient",
    "mu",
    "rater",
    "raters",
}
INSIDE = (
    factorisation.Fit,
    factorisation.Side,
    factorisation.Sums,
    ratings.Ratings,
    ratings.Grouped,
    bridging.Axis,
)
# What modules outside consensus/ may name of it. Only the researchers' command makes a fit, and prints notes.
NAMED = {
    "chatbranch.consensus.bridging": {"Axis", "Bridging", "Half", "Rated", "bridge", "RATERS_FROM"},
    "chatbranch.consensus.reasons": set(vars(reasons)),
    "chatbranch.consensus.rules": set(vars(rules)),
}
COMMAND = SOURCE / "site" / "consensus_command.py"


def words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", re.sub(r"([A-Z])", r"_\1", name).lower()))


def test_no_column_of_any_table_is_named_like_it() -> None:
    columns = [
        f"{table.__name__}.{field.name}"
        for table in apps.get_models()
        if table.__module__.startswith("chatbranch.")
        for field in table._meta.get_fields()
    ]
    assert len(columns) > 150
    assert [name for name in columns if words(name) & (OF_RATERS - {"rater", "raters"})] == []


def reachable(kind: Any, seen: set[Any]) -> Iterator[Any]:
    """Every type that is in a value of this one: of a dataclass its fields', of a tuple or an optional its parts'."""
    if kind in seen:
        return
    seen.add(kind)
    yield kind
    parts = get_type_hints(kind).values() if dataclasses.is_dataclass(kind) else get_args(kind)
    for part in parts:
        yield from reachable(part, seen)


@pytest.mark.parametrize("leaves", [rules.Decision, bridging.Bridging, scoring.Scored])
def test_what_leaves_consensus_holds_no_fit_and_nothing_as_long_as_there_are_raters(leaves: type) -> None:
    kinds = list(reachable(leaves, set()))
    assert float in kinds or int in kinds
    assert not [kind for kind in kinds if kind in INSIDE]
    assert not [kind for kind in kinds if "ndarray" in str(kind) or "numpy" in str(kind)]
    assert not [kind for kind in kinds if str(kind).startswith(("list", "dict", "set"))]


def test_a_dataclass_that_held_some_would_be_seen() -> None:
    assert factorisation.Side in reachable(factorisation.Fit, set())
    assert any("ndarray" in str(kind) for kind in reachable(factorisation.Side, set()))


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of every import from consensus."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chatbranch.consensus"):
            for alias in node.names:
                yield (node.module or ""), alias.name


def test_nobody_outside_makes_a_fit_but_the_researchers_command() -> None:
    found = [
        f"{path.relative_to(SOURCE)}: {module}.{name}"
        for path in SOURCE.rglob("*.py")
        if "tests" not in path.parts and "consensus" not in path.relative_to(SOURCE).parts and path != COMMAND
        for module, name in imported(path)
        if name not in NAMED.get(module, set()) and f"{module}.{name}" not in NAMED
    ]
    assert found == []


def test_nobody_outside_looks_into_an_axis() -> None:
    """It may be kept while several notes are asked about; what it has found of raters is read in consensus/ alone."""
    looks = [
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if "consensus" not in path.relative_to(SOURCE).parts and path != COMMAND
        if re.search(
            r"\baxis\.(found|ratings|outlets|_)|\.found\.(raters|notes|weights)",
            path.read_text(encoding="utf-8"),
        )
    ]
    assert looks == []


def test_no_page_names_it() -> None:
    pages = [*SOURCE.rglob("*.html"), *SOURCE.rglob("*.js"), *SOURCE.rglob("*.txt")]
    assert len(pages) > 40
    named = re.compile(
        r"\b(intercept|lenien\w+|rater_?(factor|weight|intercept|agreement)s?|agreement_\w+)\b", re.I
    )
    assert [str(page) for page in pages if named.search(page.read_text(encoding="utf-8"))] == []


RATERS = 137


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    """Two sides, some of whom say anything; enough raters for two rounds."""
    chance = np.random.default_rng(3)
    likes = np.where(np.arange(RATERS) % 2, 0.9, 0.15)
    lines = [
        f"{note},canary-{who:03},{1 if chance.random() < (likes[who] if note % 3 else 0.85) else -1}"
        for note in range(30)
        for who in range(RATERS)
        if chance.random() < 0.5
    ]
    path = tmp_path / "votes.csv"
    path.write_text("comment-id,voter-id,vote\n" + "\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("rounds", ["1", "2"])
@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_prints_no_number_of_any_rater(votes: Path, rounds: str, as_json: bool) -> None:
    command = [
        "consensus",
        "score",
        "--polis",
        str(votes),
        "--rounds",
        rounds,
        *(["--json"] if as_json else []),
    ]
    printed = CliRunner().invoke(main, command).output
    with votes.open(newline="") as lines:
        read = read_polis(lines)
    found = fit_in_rounds(read) if rounds == "2" else factorisation.fit(read)
    assert "canary" not in printed
    if as_json:
        assert lists_in(json.loads(printed)) == [30]
        numbers = {float(each) for each in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", printed)}
        assert found.notes.intercept[0] in numbers, "these are the notes' numbers, to the last digit"
        assert not numbers & of_raters(found)


def lists_in(value: Any) -> list[int]:
    """How long each list in a JSON value is."""
    inner = [each for part in _parts(value) for each in lists_in(part)]
    return [len(value), *inner] if isinstance(value, list) else inner


def _parts(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def of_raters(found: factorisation.Fit) -> set[float]:
    weights = (
        [] if found.weights is None else [each for each in found.weights.tolist() if each not in (0.0, 1.0)]
    )
    return {*found.raters.intercept.tolist(), *found.raters.factor.tolist(), *weights}


@pytest.mark.parametrize("raters", [31, RATERS])
def test_what_is_stored_with_a_verdict_has_no_number_of_any_rater(raters: int) -> None:
    chance = np.random.default_rng(raters)
    rated = [
        bridging.Rated(f"note {note}", f"canary {who}", f"perch {who % 6}", float(chance.random() < 0.7))
        for note in range(12)
        for who in range(raters)
        if chance.random() < 0.6
    ]
    axis = bridging.Axis.of(rated)
    for note in range(12):
        said = axis.bridging(f"note {note}")
        stored = json.dumps(said.as_dict())
        assert "canary" not in stored + repr(said) + repr(axis)
        assert "perch" not in stored + repr(said) + repr(axis)
        numbers = {value for value in vars(said).values() if isinstance(value, float)}
        assert not numbers & of_raters(axis.found)
    assert all(size <= 2 for size in lists_in(json.loads(stored)))


def test_a_fit_prints_nothing_of_raters() -> None:
    for kind in (factorisation.Fit, bridging.Axis):
        shown = {each.name for each in dataclasses.fields(kind) if each.repr}
        assert not shown & {"raters", "weights", "ratings", "outlets", "found"}
    assert "raters" not in inspect.signature(bridging.Bridging).parameters
