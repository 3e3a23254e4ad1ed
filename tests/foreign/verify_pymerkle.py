"""Audits the hashes of a published log with pymerkle, in its own environment:  verify_pymerkle.py FOLDER VKEY [SEEN [PROOF]]

It knows nothing of signatures, so it finds what hashes show. Exit code 1 and a line where anything is wrong.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

from pymerkle import InclusionProof, InmemoryTree, verify_consistency, verify_inclusion
from pymerkle.hasher import MerkleHasher


def entries(folder: Path, size: int) -> list[bytes]:
    found: list[bytes] = []
    for index in range(-(-size // 256)):
        width = min(256, size - index * 256)
        data = (
            folder / "tile/entries" / (f"{index:03}" + ("" if width == 256 else f".p/{width}"))
        ).read_bytes()
        while data:
            length = int.from_bytes(data[:2], "big")
            found.append(data[2 : 2 + length])
            data = data[2 + length :]
    return found


def checkpoint(said: str) -> tuple[int, bytes]:
    _, size, root, *_ = said.split("\n")
    return int(size), base64.b64decode(root)


def main(folder: str, _vkey: str, seen: str = "", proof: str = "") -> None:
    size, root = checkpoint((Path(folder) / "checkpoint").read_text())
    tree = InmemoryTree(algorithm="sha256")
    tree.append_entries(entries(Path(folder), size))
    assert tree.get_size() == size, "entries are missing"
    assert tree.get_root(size) == root, "the entries do not give the root"
    if seen:
        before, state = checkpoint(Path(seen).read_text())
        assert before <= size, "rolled back"
        verify_consistency(state, root, tree.prove_consistency(before, size))
    if proof:
        head, _, note = Path(proof).read_text().partition("\n\n")
        _, extra, at, *hashes = head.split("\n")
        size, root = checkpoint(note)
        index = int(at.removeprefix("index "))
        ours = tree.prove_inclusion(index + 1, size)  # it counts from one
        theirs = [base64.b64decode(each) for each in hashes]
        leaf = MerkleHasher("sha256").hash_buff(base64.b64decode(extra.removeprefix("extra ")))
        made = InclusionProof("sha256", True, size, index + 1, ours.rule, [leaf, *theirs])
        verify_inclusion(leaf, root, made, index=index + 1, size=size)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as problem:
        sys.exit(f"{type(problem).__name__}: {problem}")
