"""No proof, no effect: only the public log lets a verdict stand, and no setting can change that."""

from __future__ import annotations

import ast
from pathlib import Path

import chatbranch

PACKAGE = Path(chatbranch.__file__).parent
GIVES_EFFECT = "publiclog/effect.py"


def modules(word: str) -> dict[str, ast.Module]:
    """path -> syntax tree of every module of the package with this word in it, but of tests and migrations."""
    return {
        str(path.relative_to(PACKAGE)): ast.parse(source)
        for path in PACKAGE.rglob("*.py")
        if not {"tests", "migrations"} & set(path.parts) and word in (source := path.read_text())
    }


def names_in(tree: ast.Module) -> set[str]:
    """Every name, attribute and imported name of a module."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                found.add(name)
    return found


def test_one_module_lets_verdicts_stand_and_it_asks_for_the_proof_first() -> None:
    users = {path for path, tree in modules("do_take_effect").items() if "do_take_effect" in names_in(tree)}
    assert users == {GIVES_EFFECT}
    steps = next(
        node
        for node in ast.walk(modules("do_take_effect")[GIVES_EFFECT])
        if isinstance(node, ast.FunctionDef) and node.name == "do_give_effect"
    )
    called = [
        node.func.id
        for node in ast.walk(steps)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert called.index("_prove") < called.index("do_take_effect")


def test_no_setting_is_asked_on_the_way() -> None:
    asked = {
        node.attr
        for node in ast.walk(modules("do_take_effect")[GIVES_EFFECT])
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "settings"
    }
    assert asked == {"LOG_DIR"}


def test_no_other_module_moves_a_claim_to_another_verdict() -> None:
    """A claim's version decides which verdict stands: claims/actions.py moves it, and imports set that of others' verdicts."""
    movers = {
        path
        for path, tree in modules("version").items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr == "version" and isinstance(node.ctx, ast.Store))
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "update"
            and "version" in {keyword.arg for keyword in node.keywords}
        )
    }
    assert movers == {"claims/actions.py", "claims/importing.py"}
