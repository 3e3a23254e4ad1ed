"""Signatures and the sealed envelope: the published examples to the letter, and anything else refused."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.connectors.wechat import envelope
from chatbranch.connectors.wechat.envelope import Forged, Keys

PUBLISHED: dict[str, Any] = json.loads((Path(__file__).parent / "payloads" / "published.json").read_text())
KEYS = Keys(PUBLISHED["appid"], PUBLISHED["token"], envelope.aes_key(PUBLISHED["encoding_aes_key"]))
OTHER_KEY = envelope.aes_key("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")


@pytest.mark.parametrize("which", ["verification", "plain", "sealed"])
def test_the_published_signatures_hold(which: str) -> None:
    given = PUBLISHED[which]
    envelope.check(given["signature"], KEYS.token, given["timestamp"], given["nonce"])


@pytest.mark.parametrize("which", ["sealed", "reply"])
def test_the_published_message_signatures_hold(which: str) -> None:
    given = PUBLISHED[which]
    envelope.check(given["msg_signature"], KEYS.token, given["timestamp"], given["nonce"], given["encrypt"])


def test_the_published_message_is_opened_and_the_published_reply_is_sealed() -> None:
    assert envelope.unseal(PUBLISHED["sealed"]["encrypt"], KEYS).decode() == PUBLISHED["sealed"]["message"]
    reply = PUBLISHED["reply"]
    assert envelope.seal(reply["message"].encode(), KEYS, reply["random"].encode()) == reply["encrypt"]


@given(st.binary(max_size=3000), st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32))
def test_whatever_is_sealed_opens_as_it_was(message: bytes, chance: bytes, key: bytes) -> None:
    keys = replace(KEYS, aes=key)
    sealed = envelope.seal(message, keys, chance)
    assert envelope.unseal(sealed, keys) == message
    assert envelope.unseal(sealed + "\n", keys) == message


@given(st.binary(max_size=300), st.binary(min_size=16, max_size=16), st.data())
def test_a_sealed_message_changed_anywhere_no_longer_bears_its_signature(
    message: bytes, chance: bytes, data: st.DataObject
) -> None:
    sealed = envelope.seal(message, KEYS, chance)
    signed = envelope.signature(KEYS.token, "1714112445", "415670741", sealed)
    place = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.characters().filter(lambda character: character != sealed[place]))
    with pytest.raises(Forged):
        envelope.check(
            signed, KEYS.token, "1714112445", "415670741", sealed[:place] + other + sealed[place + 1 :]
        )


@given(st.binary(max_size=300), st.binary(min_size=16, max_size=16))
def test_what_was_sealed_with_another_key_or_for_another_account_is_refused(
    message: bytes, chance: bytes
) -> None:
    sealed = envelope.seal(message, replace(KEYS, appid="wx0000000000000000"), chance)
    with pytest.raises(Forged):
        envelope.unseal(sealed, KEYS)
    with pytest.raises(Forged):
        envelope.unseal(envelope.seal(message, replace(KEYS, aes=OTHER_KEY), chance), KEYS)


@given(st.text() | st.binary().map(lambda data: data.hex()) | st.just("=") | st.just(""))
def test_anything_else_is_refused_and_never_breaks(encrypt: str) -> None:
    with pytest.raises(Forged):
        envelope.unseal(encrypt, KEYS)


@given(st.integers(1, 40), st.binary(min_size=32, max_size=32))
def test_any_blocks_at_all_are_a_message_for_us_or_refused_alike(blocks: int, block: bytes) -> None:
    with pytest.raises(Forged, match="not sealed for us"):
        envelope.unseal(base64.b64encode(block * blocks).decode(), KEYS)


@given(st.text(st.characters()), st.lists(st.text(st.characters()), max_size=4))
def test_a_signature_guessed_without_the_token_is_refused(guess: str, parts: list[str]) -> None:
    with pytest.raises(Forged):
        envelope.check(guess, KEYS.token, *parts)


@pytest.mark.parametrize("key", ["", "short", "a" * 42, "a" * 44, "字" * 43, "a" * 42 + "="])
def test_what_is_no_key_is_named_so(key: str) -> None:
    with pytest.raises(ValueError, match="43"):
        envelope.aes_key(key)


def test_no_key_shows_when_keys_are_printed() -> None:
    assert KEYS.token not in repr(KEYS).replace(KEYS.appid, "")
    assert "aes" not in repr(KEYS)
