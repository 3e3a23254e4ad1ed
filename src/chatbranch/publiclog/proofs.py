"""A proof in one text that anyone can verify without us: C2SP tlog-proof. Pure.

It brings the entry along as its extra data, the way from the entry to the root, and the signed checkpoint with that root.
The short name of such a file is *spicy signature*.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from chatbranch.publiclog import merkle
from chatbranch.publiclog.notes import (
    BadNote,
    Checkpoint,
    Key,
    Note,
    open_checkpoint,
    read_hash,
    read_size,
    write_hash,
)

HEAD = "c2sp.org/tlog-proof@v1"
MOST_HASHES = 63


@dataclass(frozen=True)
class Proof:
    """That `entry` is in the log at `index`. hashes: from the entry's neighbour up. note: the signed checkpoint."""

    index: int
    hashes: tuple[bytes, ...]
    note: str
    entry: bytes

    @property
    def text(self) -> str:
        """The proof as a file."""
        extra = base64.b64encode(self.entry).decode()
        hashes = "".join(f"{write_hash(each)}\n" for each in self.hashes)
        return f"{HEAD}\nextra {extra}\nindex {self.index}\n{hashes}\n{self.note}"

    @property
    def size(self) -> int:
        """The size of the checkpoint that it leads to. Raises BadNote."""
        return Checkpoint.read(Note.read(self.note).text).size

    @classmethod
    def read(cls, text: str) -> Proof:
        """The proof of such a file. Raises BadNote; a proof without its entry is not understood."""
        head, gap, note = text.partition("\n\n")
        first, *lines = head.split("\n")
        if first != HEAD or not gap or len(lines) < 2 or len(lines) > 2 + MOST_HASHES:
            raise BadNote("not a proof of a transparency log")
        extra, index = lines[0].removeprefix("extra "), lines[1].removeprefix("index ")
        if extra == lines[0] or index == lines[1]:
            raise BadNote("the proof does not bring its entry and its index")
        try:
            entry = base64.b64decode(extra, validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadNote("the proof's entry is not base64") from error
        return cls(read_size(index), tuple(read_hash(each) for each in lines[2:]), note, entry)

    def verified(self, keys: Sequence[Key]) -> Checkpoint:
        """The checkpoint that holds the entry, once one of `keys` has signed it. Raises BadNote."""
        checkpoint, _ = open_checkpoint(self.note, keys)
        leaf = merkle.leaf_hash(self.entry)
        if not merkle.includes(leaf, self.index, checkpoint.size, self.hashes, checkpoint.root):
            raise BadNote(
                f"the proof does not lead from the entry to the log's root at size {checkpoint.size}"
            )
        return checkpoint
