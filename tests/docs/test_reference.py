"""The reference names everything there is, and nothing that is not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields

import click
import pytest

from chatbranch.connectors import discover
from chatbranch.intake.openapi import ANSWER, DESCRIPTION
from chatbranch.site.cli import main
from chatbranch.site.config import TABLES, Config
from chatbranch.site.secrets import NAMES
from tests.docs.pages import ROOT, first_cells, page, rows, section

SETTINGS = page("docs/reference/settings.md")
COMMANDS = page("docs/reference/command-line.md")
API = page("docs/reference/api.md")
EVENTS = page("docs/reference/events.md")
KEPT = page("docs/reference/data-kept.md")


# --- settings ------------------------------------------------------------------------------------


def test_every_setting_is_documented_and_no_other() -> None:
    assert first_cells_of_kind(section(SETTINGS, "The branch")) == {each.name for each in fields(Config)}


@pytest.mark.parametrize("setting", [each.name for each in fields(Config) if each.name not in TABLES])
def test_a_settings_row_names_its_environment_variable_and_its_default(setting: str) -> None:
    row = rows(section(SETTINGS, "The branch"))[setting]
    default = next(each.default for each in fields(Config) if each.name == setting)
    assert f"`CHATBRANCH_{setting.upper()}`" in row
    assert default is not MISSING
    shown = {"": "empty", "False": "`false`", "True": "`true`"}.get(str(default), f"`{default}`")
    assert shown in row


def first_cells_of_kind(text: str) -> set[str]:
    return {name for name in first_cells(text) if not name.startswith("CHATBRANCH_")}


def test_every_connector_has_its_part_and_every_part_its_connector() -> None:
    parts = set(re.findall(r"^### (\w+)$", section(SETTINGS, "Connectors"), re.MULTILINE))
    assert parts == {name for name, setup in discover.setups().items() if ".connectors." in setup.transport}


@pytest.mark.parametrize("name", sorted(discover.setups()))
def test_every_setting_of_a_connector_is_documented_as_it_is(name: str) -> None:
    setup = discover.setups()[name]
    documented = rows(section(section(SETTINGS, "Connectors"), name))
    assert set(documented) == {each.key for each in setup.settings}
    for each in setup.settings:
        cells = [cell.strip() for cell in documented[each.key].strip("|").split("|")]
        assert cells[1] == f"`CHATBRANCH_{name}_{each.key}`".upper()
        assert cells[2] == ("yes" if each.required else "")
        assert cells[3] == (f"`{each.default}`" if each.default else "")


def test_every_key_is_documented() -> None:
    assert {f"{name}.key" for name in NAMES} == set(first_cells(section(SETTINGS, "Secrets")))


# --- command line --------------------------------------------------------------------------------


def commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """("member list", command) of every command."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield before + name, command


ALL = dict(commands(main))


def heading(name: str, command: click.Command) -> str:
    arguments = [
        each.make_metavar(click.Context(command))
        for each in command.params
        if isinstance(each, click.Argument)
    ]
    return " ".join([f"`chatbranch {name}", *arguments]) + "`"


def test_every_command_has_its_part_and_every_part_its_command() -> None:
    parts = re.findall(r"^## (`chatbranch .+`)$", COMMANDS, re.MULTILINE)
    assert sorted(parts) == sorted(heading(name, command) for name, command in ALL.items())


@pytest.mark.parametrize("name", ["", *sorted(ALL)])
def test_every_option_is_documented_and_no_other(name: str) -> None:
    command = ALL[name] if name else main
    part = section(COMMANDS, heading(name, command) if name else "`chatbranch`")
    documented = {cell.split()[0] for cell in first_cells(part) if cell.startswith("-")}
    options = {
        next(flag for flag in each.opts if flag.startswith("--"))
        for each in command.params
        if isinstance(each, click.Option) and each.name != "help"
    }
    assert documented == options


# --- API -----------------------------------------------------------------------------------------


def test_every_address_of_the_api_is_documented_and_no_other() -> None:
    described = {f"`{verb.upper()} {path}`" for path, verbs in DESCRIPTION["paths"].items() for verb in verbs}
    assert set(re.findall(r"^## (`[A-Z]+ /api/.+`)$", API, re.MULTILINE)) == described


def test_every_field_of_a_question_and_of_an_answer_is_documented() -> None:
    part = section(API, "`POST /api/v1/checks`")
    operation = DESCRIPTION["paths"]["/api/v1/checks"]["post"]
    asked = operation["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert set(asked) | set(ANSWER["properties"]) <= set(first_cells(part))


def test_every_refusal_the_api_describes_is_documented() -> None:
    responses = DESCRIPTION["paths"]["/api/v1/checks"]["post"]["responses"]
    for status in set(responses) - {"200"}:
        assert status in section(API, "Refusals")


# --- events --------------------------------------------------------------------------------------


def recorded() -> set[str]:
    """Every kind that the code hands to do_record, as a text; a kind made in any other way fails this."""
    kinds = set()
    for file in (ROOT / "src/chatbranch").rglob("*.py"):
        if "tests" in file.parts:
            continue
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "do_record":
                given = [each for each in ast.walk(call.args[0]) if isinstance(each, ast.Constant)]
                texts = {each.value for each in given if isinstance(each.value, str)}
                assert texts, f"{file}:{call.lineno} records a kind that cannot be read from the code"
                kinds |= texts
    return kinds


def test_every_kind_of_event_is_documented_and_no_other() -> None:
    assert {kind for kind in first_cells(EVENTS) if "." in kind} == recorded()
    assert len(recorded()) > 15


# --- what is kept --------------------------------------------------------------------------------


def test_the_times_in_the_table_are_those_of_the_code() -> None:
    from chatbranch.contacts import rules as contacts
    from chatbranch.deliveries import rules as deliveries
    from chatbranch.intake import actions as intake

    assert f"at most {contacts.KEEP_DAYS} days" in KEPT
    assert f"of a day, {contacts.DAY_SCOPE_DAYS} days" in KEPT
    assert f"{contacts.FORGOTTEN_MONTHS} months" in KEPT
    assert f"| {intake.KEPT.days} days |" in KEPT
    assert (
        f"| {deliveries.KEEP_TEXT.days} days; a web chat's conversation {deliveries.KEEP_CONVERSATION.days} day"
        in KEPT
    )
