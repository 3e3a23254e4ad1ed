"""Any bytes from any platform give a value or a clear refusal: broken payloads in every run, hours of Atheris by hand."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbranch.connectors import discover
from tests.fuzz.targets import TARGETS, seeds

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(TARGETS)


def test_every_connector_is_held_to_it() -> None:
    assert {*NAMES} == {*discover.setups()}


@pytest.mark.parametrize("name", NAMES)
def test_what_the_platform_really_sent_is_read(name: str) -> None:
    for seed in seeds(name):
        TARGETS[name](seed)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_was_really_sent_may_be_broken_anywhere(name: str, data: st.DataObject) -> None:
    """Cut, repeated, or overwritten by bytes that mean something somewhere."""
    whole = data.draw(st.sampled_from(seeds(name)), label="recorded")
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(whole)))
        end = data.draw(st.integers(start, min(len(whole), start + 400)))
        put = data.draw(st.binary(max_size=8) | st.sampled_from(TROUBLE) | st.just(whole[start:end] * 3))
        whole = whole[:start] + put + whole[end:]
    TARGETS[name](whole)


TROUBLE = [
    b"\0", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"null", b"-1", b"1e400", b"9" * 400, b"[" * 2000, b"{}", b'""',
    b"\r\n", b"\r\n\r\n", b"]]>", b"&a;", b"<x>", b"</x>", b"--", b"=?utf-8?b?", b"%00", b"\xe2\x80\xae",
]  # fmt: skip


@pytest.mark.soak
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="needs Atheris: pip install atheris")
@pytest.mark.parametrize("name", NAMES)
def test_a_campaign_of_atheris_finds_nothing(name: str, tmp_path: Path) -> None:
    seconds = os.environ.get("FUZZ_SECONDS", "600")
    command = [sys.executable, "-m", "tests.fuzz.campaign", name, seconds, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    print(done.stderr[-600:])
    assert done.returncode == 0, done.stderr[-3000:]
