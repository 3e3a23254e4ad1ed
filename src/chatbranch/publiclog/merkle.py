"""Merkle trees: hashes, roots and proofs as in RFC 9162 section 2.1 (the same as RFC 6962's). Pure, from the standard library.

A tree's `size` is its number of leaves. The *node* (height, position) is the complete subtree over the leaves
[position * 2**height, (position + 1) * 2**height); what can give its hash is a `Nodes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

Nodes = Callable[[int, int], bytes]

EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes."""
    return levels(leaves)[-1][0] if leaves else EMPTY


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All hashes over at least one leaf hash, from the leaves up to the root alone; one without a neighbour is handed up as it is."""
    found = [list(leaves)]
    while len(below := found[-1]) > 1:
        pairs = zip(below[::2], below[1::2], strict=False)
        found.append([node_hash(left, right) for left, right in pairs] + below[len(below) & ~1 :])
    return found


def subtree_hash(nodes: Nodes, start: int, end: int) -> bytes:
    """The hash over the leaves [start, end), where `start` is a multiple of the least power of two that is not below end - start."""
    if start == end:
        return EMPTY
    *before, found = (nodes(height, position) for height, position in _complete(start, end))
    for left in reversed(before):
        found = node_hash(left, found)
    return found


def _complete(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees that make up [start, end), from the left, the largest first."""
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height


def _split(start: int, end: int) -> int:
    """Where the left subtree over [start, end) ends: it has as many leaves as the largest power of two below all of them."""
    return start + (1 << (end - start - 1).bit_length() - 1)


# --- proofs -------------------------------------------------------------------------------------------


def inclusion_proof(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """The hashes that lead from the leaf `index` to the root of a tree of `size`, the leaf's neighbour first."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} has no leaf {index}")
    proof, start, end = list[bytes](), 0, size
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            proof.append(subtree_hash(nodes, middle, end))
            end = middle
        else:
            proof.append(subtree_hash(nodes, start, middle))
            start = middle
    return proof[::-1]


def consistency_proof(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """The hashes by which the tree of size `old` is seen to be the beginning of that of size `new`; none where either is trivial."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} is not the beginning of one of {new}")
    if old in (0, new):
        return []
    proof, start, end = list[bytes](), 0, new
    while old != end:
        middle = _split(start, end)
        if old <= middle:
            proof.append(subtree_hash(nodes, middle, end))
            end = middle
        else:
            proof.append(subtree_hash(nodes, start, middle))
            start = middle
    if start:
        proof.append(subtree_hash(nodes, start, end))
    return proof[::-1]


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from this leaf hash, at `index`, to the root of a tree of `size` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for hash_ in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(hash_, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, hash_)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the old tree is the beginning of the new one (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == 0:
        return not proof and old_root == EMPTY
    if old == new:
        return not proof and old_root == new_root
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old_found = new_found = path[0]
    for hash_ in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old_found, new_found = node_hash(hash_, old_found), node_hash(hash_, new_found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new_found = node_hash(new_found, hash_)
        place, last = place >> 1, last >> 1
    return last == 0 and old_found == old_root and new_found == new_root
