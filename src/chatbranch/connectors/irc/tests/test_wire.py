"""Reading and writing lines: recorded ones, and any bytes at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.connectors.irc import wire

RECORDED = (Path(__file__).parent / "payloads" / "ngircd.txt").read_bytes().splitlines()


def read(raw: str) -> wire.Line:
    line = wire.read_line(raw.encode())
    assert line is not None
    return line


def message(raw: str) -> wire.Message:
    found = wire.read_message(read(raw))
    assert found is not None
    return found


def test_a_recorded_conversation_is_read_as_what_people_said() -> None:
    lines = [line for raw in RECORDED if (line := wire.read_line(raw))]
    assert len(lines) == len(RECORDED)
    said = [found for line in lines if (found := wire.read_message(line))]
    assert [(each.nick, each.target, each.text) for each in said] == [
        ("Ann", "#branch", "转发：吃大蒜能防病毒，是真的吗？"),
        ("Ann", "#branch", "checkbot: is this true?"),
        ("Ann", "#branch", "* waves"),
        ("Ann", "#branch", "bold 红 😀"),
        ("Ann", "checkbot", "1280"),
    ]


def test_the_server_s_description_of_itself_is_understood() -> None:
    support = wire.Support()
    for line in map(wire.read_line, RECORDED):
        if line and line.command == "005":
            support = support.with_tokens(line.params[1:-1])
    assert (support.casemapping, support.chantypes, support.nicklen) == ("ascii", "#&+", 30)
    assert support.is_channel("#branch")
    assert not support.is_channel("ann")


def test_tags_source_and_parameters_are_taken_apart() -> None:
    line = read(r"@time=2026-11-24T02:00:00.123Z;msgid=a\:b\s\\;flag :ann!a@h PRIVMSG #x :hi there: you")
    assert line.tags == {"time": "2026-11-24T02:00:00.123Z", "msgid": "a;b \\", "flag": ""}
    assert (line.source, line.nick, line.command) == ("ann!a@h", "ann", "PRIVMSG")
    assert line.params == ("#x", "hi there: you")


def test_what_a_server_with_tags_tells_of_a_message_is_kept() -> None:
    found = message(
        "@time=2026-11-24T02:00:00.123Z;msgid=m1;account=Ann;+draft/reply=m0;+chatbranch/trail=a%2Cb,%23c"
        " :ann!a@h PRIVMSG #x :hi"
    )
    assert found.at == datetime(2026, 11, 24, 2, 0, 0, 123_000, UTC)
    assert (found.msgid, found.account, found.reply_to, found.trail) == ("m1", "Ann", "m0", ("a,b", "#c"))


@pytest.mark.parametrize("written", ["", "yesterday", "2026-13-24T02:00:00Z", "2026-11-24T02:00:00+01:00"])
def test_a_time_that_is_none_is_none(written: str) -> None:
    assert wire.moment(written) is None


def test_a_moment_survives_being_written_and_read() -> None:
    at = datetime(2026, 11, 24, 2, 0, 0, 123_000, UTC)
    assert wire.moment(wire.time_tag(at)) == at


def test_a_command_cannot_carry_a_second_one() -> None:
    for evil in ("x\r\nQUIT", "x\nQUIT", "x\0y"):
        with pytest.raises(wire.Unsendable):
            wire.write_line("PRIVMSG", "#x", evil)
        with pytest.raises(wire.Unsendable):
            wire.write_line("PRIVMSG", evil, "hi")
    with pytest.raises(wire.Unsendable):
        wire.write_line("PRIVMSG", "#x y", "hi")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("你好".encode(), "你好"),
        (("你" * 150 + "好").encode()[:-1], "你" * 150),  # cut by a server at its line limit
        ("你好，大蒜".encode("gb18030"), "你好，大蒜"),
        (b"caf\xe9", "café"),
    ],
    ids=["utf-8", "cut", "gb18030", "latin-1"],
)
def test_text_of_unknown_encoding_is_read(raw: bytes, text: str) -> None:
    assert wire.decode(raw) == text


@pytest.mark.parametrize(
    ("mapping", "alike"), [("ascii", False), ("rfc1459", True), ("rfc1459-strict", True)], ids=str
)
def test_names_are_compared_as_the_server_does(mapping: str, alike: bool) -> None:
    assert wire.fold("#Ab", mapping) == "#ab"
    assert (wire.fold("a[b]", mapping) == wire.fold("A{B}", mapping)) is alike
    assert (wire.fold("a~", mapping) == wire.fold("a^", mapping)) is (mapping == "rfc1459")


def test_lines_are_found_in_whatever_pieces_they_come() -> None:
    stream = b"one\r\ntwo\nthree" + b"x" * 30_000 + b"\r\nfour\r\n"
    for size in (1, 7, 1000, 100_000):
        splitter, found = wire.Splitter(), []
        for start in range(0, len(stream), size):
            found += splitter.feed(stream[start : start + size])
        assert found == [b"one", b"two", b"four"]  # what no server may send is left out, and nothing else


def test_a_password_of_any_length_is_sent_in_the_parts_sasl_wants() -> None:
    assert wire.sasl_plain("a", "b") == ["YQBhAGI="]
    for length in (200, 298, 299, 300, 900):
        *parts, last = wire.sasl_plain("a", "x" * (length - 4))
        assert all(len(part) == 400 for part in parts)
        assert len(last) < 400
        assert last == "+" or len(last) > 0


@given(st.binary(max_size=600) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_a_line_or_none(raw: bytes) -> None:
    line = wire.read_line(raw)
    if line is not None:
        found = wire.read_message(line)
        assert found is None or found.text.strip()
        wire.Support().with_tokens(line.params)


PARTS = st.sampled_from(
    ["@", ":", " ", "=", ";", "\\", "PRIVMSG", "#x", "time", "\x01", "ACTION", "a!b@c", "001", "é"]
)


@given(st.lists(PARTS, max_size=20).map("".join))
def test_lines_made_of_what_lines_are_made_of_are_read_too(raw: str) -> None:
    line = wire.read_line(raw.encode())
    if line is not None:
        wire.read_message(line)


WORD = st.text(
    st.characters(exclude_characters="\r\n\0 ", exclude_categories=["Cs"]), min_size=1, max_size=20
)


@given(
    st.lists(WORD.filter(lambda word: not word.startswith(":")), max_size=4),
    WORD,
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(lambda v: "\0" not in v),
        max_size=3,
    ),
)
def test_what_is_written_is_read_as_it_was(middle: list[str], last: str, tags: dict[str, str]) -> None:
    raw = wire.write_line("X", *middle, f"{last} {last}", tags=tags)
    assert raw.count(b"\n") == 1
    line = wire.read_line(raw[:-2])
    assert line is not None
    assert line.params == (*middle, f"{last} {last}")
    assert line.tags == tags


@given(st.text(max_size=80), st.lists(st.text(max_size=30), max_size=5))
def test_the_tags_of_any_message_can_be_sent(key: str, trail: list[str]) -> None:
    raw = wire.write_line("PRIVMSG", "#x", "hi", tags=wire.client_tags(key, 3, "m1", trail))
    line = wire.read_line(raw[:-2])
    assert line is not None
    found = wire.read_message(replace(line, source="checkbot!u@h"))
    assert found is not None
    assert found.key == wire.part_key(key, 3)
    assert found.reply_to == "m1"
