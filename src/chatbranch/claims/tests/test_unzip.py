"""Gzip files, whole and damaged."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from chatbranch.claims.formats.unzip import is_broken, stream

patient = settings(deadline=None, max_examples=60)  # the machine may be busy; what is tested is not speed


def unpacked(data: bytes) -> tuple[bytes, bool]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        with stream(Path(file.name)) as reader:
            return reader.read(), is_broken(reader)


pieces = st.binary(min_size=1, max_size=300) | st.integers(60_000, 200_000).map(lambda size: b"ab" * size)


@patient
@given(st.lists(pieces, min_size=1, max_size=3), st.sampled_from([b"", bytes(512)]))
def test_a_whole_file_is_unpacked_whole_joined_and_padded_too(parts: list[bytes], padding: bytes) -> None:
    packed = b"".join(gzip.compress(part) for part in parts) + padding
    assert unpacked(packed) == (b"".join(parts), False)


@patient
@given(pieces, st.data())
def test_a_file_cut_anywhere_gives_its_beginning_and_is_called_broken(
    text: bytes, data: st.DataObject
) -> None:
    packed = gzip.compress(text)
    cut = data.draw(st.integers(2, len(packed) - 1))
    found, broken = unpacked(packed[:cut])
    assert broken
    assert text.startswith(found)


def test_a_file_that_is_not_packed_is_read_as_it_is() -> None:
    assert unpacked(b"plain") == (b"plain", False)
    assert unpacked(b"") == (b"", False)
