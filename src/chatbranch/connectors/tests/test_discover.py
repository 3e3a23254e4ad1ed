"""Which connectors run: found by their folder or entry point, switched on by their settings, none stopping another."""

from __future__ import annotations

import logging
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from chatbranch.connectors import discover
from chatbranch.connectors.contract import Capabilities, Misconfigured, Setting, Setup
from chatbranch.kernel.phrases import Phrase

MATRIX = {"homeserver": "https://matrix.example", "user": "@check:example", "password": "p"}
PIGEON = Setup(
    name="pigeon",
    title=Phrase("信鸽", "Pigeon post"),
    capabilities=Capabilities(),
    settings=(Setting("loft", Phrase("鸽舍", "The loft")),),
    transport="nowhere.at.all:Pigeon",
)
NOT_A_SETUP = "coo"


def entry(reference: str) -> EntryPoint:
    return EntryPoint("x", reference, discover.GROUP)


@pytest.fixture
def third_parties(monkeypatch: pytest.MonkeyPatch) -> Any:
    def install(*references: str) -> None:
        monkeypatch.setattr(discover, "entry_points", lambda group: [entry(each) for each in references])

    return install


def test_a_third_party_is_found_by_its_entry_point(third_parties: Any) -> None:
    third_parties(f"{__name__}:PIGEON")
    assert discover.setups()["pigeon"] is PIGEON


@pytest.mark.parametrize(
    "reference", ["nowhere.at.all:SETUP", f"{__name__}:NOT_A_SETUP", f"{__name__}:MISSING"]
)
def test_a_broken_third_party_is_left_out_and_named_in_the_log(
    third_parties: Any, caplog: pytest.LogCaptureFixture, reference: str
) -> None:
    third_parties(reference, f"{__name__}:PIGEON")
    assert {"pigeon", "matrix", "web", "mail"} <= set(discover.setups())
    assert reference in caplog.text


def test_a_third_party_cannot_take_a_built_in_s_name(third_parties: Any) -> None:
    third_parties("chatbranch.connectors.web.setup:SETUP")
    assert discover.setups()["web"].transport.startswith("chatbranch.")


def test_web_chat_is_on_by_itself_and_matrix_once_its_settings_are_there() -> None:
    assert list(discover.switched_on({})) == ["web"]
    assert list(discover.switched_on({"matrix": MATRIX})) == ["matrix", "web"]


@pytest.mark.parametrize("off", ["false", "False", "0", "no", "off"])
def test_any_connector_can_be_switched_off(off: str) -> None:
    assert list(discover.switched_on({"web": {"enabled": off}})) == []


def test_one_set_up_by_half_stays_off_and_says_what_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    assert "matrix" not in discover.switched_on({"matrix": {"homeserver": "https://matrix.example"}})
    assert "CHATBRANCH_MATRIX_USER" in caplog.text


def test_settings_for_nobody_are_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    discover.switched_on({"matrx": MATRIX})
    assert "matrx" in caplog.text
    assert "matrix" in caplog.text


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"homeserver": "matrix.example"}, r"matrix\.homeserver"),
        ({"user": "check"}, r"matrix\.user"),
        ({"password": ""}, "CHATBRANCH_MATRIX_PASSWORD"),
    ],
)
def test_a_setting_that_cannot_work_is_named(wrong: dict[str, str], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        discover.build(discover.setups()["matrix"], MATRIX | wrong)


def test_a_broken_webhook_leaves_the_others_served(
    third_parties: Any, caplog: pytest.LogCaptureFixture
) -> None:
    third_parties(f"{__name__}:BROKEN")
    assert list(discover.webhooks({"broken": {}})) == ["web"]
    assert "connector broken is not served" in caplog.text


BROKEN = Setup("broken", Phrase("坏", "Broken"), Capabilities(webhook=True), (), "nowhere.at.all:Broken")
