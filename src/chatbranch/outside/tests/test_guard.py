"""Which addresses belong to the public internet. Reading pages from a real server: intake/tests/test_fetch.py."""

from __future__ import annotations

import pytest

from chatbranch.outside.guard import is_public


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "100.64.0.1",
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fc00::1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
    ],
)
def test_inner_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)
