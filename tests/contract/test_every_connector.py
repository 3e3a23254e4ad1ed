"""What every connector keeps, whatever it speaks: asked of each one found, so a new one is asked too."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from chatbranch.connectors import discover
from chatbranch.connectors.contract import (
    Capabilities,
    Connector,
    Deletes,
    Edits,
    Misconfigured,
    Reacts,
    Setup,
    Types,
    Webhook,
)

SETUPS = discover.setups()


@pytest.fixture(params=SETUPS.values(), ids=list(SETUPS))
def setup(request: pytest.FixtureRequest) -> Setup:
    found: Setup = request.param
    return found


@pytest.fixture
def connector(setup: Setup) -> Connector:
    return discover.build(setup, examples(setup))


def examples(setup: Setup) -> dict[str, str]:
    """The settings its own setup gives as examples. With them it can be built; nothing is contacted."""
    return {each.key: each.example for each in setup.settings if each.example}


def folder(setup: Setup) -> Path:
    module = import_module(setup.transport.partition(":")[0])
    assert module.__file__
    return Path(module.__file__).parent


def test_the_three_of_the_first_day_are_found() -> None:
    assert {"mail", "matrix", "web"} <= set(SETUPS)


def test_its_abilities_are_announced_and_cannot_change(setup: Setup) -> None:
    assert isinstance(setup.capabilities, Capabilities)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setup.capabilities.sends = False  # type: ignore[misc]
    assert setup.capabilities.characters >= 500


def test_the_connector_is_what_its_setup_says(setup: Setup, connector: Connector) -> None:
    assert (connector.name, connector.title) == (setup.name, setup.title)
    assert (connector.capabilities, connector.settings) == (setup.capabilities, setup.settings)
    able = setup.capabilities
    optional = {
        Webhook: able.webhook,
        Edits: able.edits,
        Deletes: able.deletes,
        Reacts: able.reacts,
        Types: able.types,
    }
    assert {ability: isinstance(connector, ability) for ability in optional} == optional


def test_its_title_and_every_setting_speak_both_languages(setup: Setup) -> None:
    for phrase in (setup.title, *(each.help for each in setup.settings)):
        assert phrase.zh
        assert phrase.en
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", each.key) for each in setup.settings)


def test_its_page_documents_every_setting_and_no_other(setup: Setup) -> None:
    page = (folder(setup) / "doc.md").read_text(encoding="utf-8")
    named = set(re.findall(rf"`CHATBRANCH_{setup.name.upper()}_([A-Z0-9_]+)`", page))
    assert named == {each.key.upper() for each in setup.settings}


def test_a_setting_it_does_not_know_is_refused_by_name(setup: Setup) -> None:
    with pytest.raises(Misconfigured, match="“colour”"):
        discover.build(setup, {**examples(setup), "colour": "blue"})


def test_no_secret_shows_when_the_connector_is_printed(setup: Setup, connector: Connector) -> None:
    secrets = [each.example for each in setup.settings if each.secret and each.example]
    assert not any(secret in f"{connector!r} {connector}" for secret in secrets)


def test_the_examples_make_it_run(setup: Setup) -> None:
    assert setup.name in discover.switched_on({setup.name: examples(setup)})


def test_its_wire_imports_no_framework_no_network_and_no_database(setup: Setup) -> None:
    """In a fresh interpreter, for the tests themselves have everything loaded."""
    wire = f"{folder(setup).parent.name}.{setup.name}.wire"
    barred = (
        "django",
        "vodozemac",
        "aiohttp",
        "aiosmtplib",
        "slixmpp",
        "httpx",
        "psycopg",
        "sqlite3",
        "asyncio",
        "uvicorn",
    )
    code = f"import sys, chatbranch.{wire}; print([m for m in {barred!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_looking_for_connectors_loads_no_client_library() -> None:
    barred = ("vodozemac", "aiohttp", "aiosmtplib", "slixmpp", "django")
    code = (
        "import sys; from chatbranch.connectors import discover; discover.switched_on({});"
        f"print([m for m in {barred!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_its_recorded_payloads_are_there_and_readable(setup: Setup) -> None:
    recorded = sorted((folder(setup) / "tests" / "payloads").iterdir())
    assert recorded
    for file in recorded:
        if file.suffix == ".json":
            json.loads(file.read_text(encoding="utf-8"))


def test_it_has_a_folder_as_the_contract_says(setup: Setup) -> None:
    package = import_module(setup.transport.partition(":")[0]).__package__
    for part in ("setup", "wire", "transport"):
        assert find_spec(f"{package}.{part}") is not None
