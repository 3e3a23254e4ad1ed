"""Trees, proofs and tiles, held against the definitions of RFC 9162 written down as they stand there."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.publiclog import merkle, tiles
from chatbranch.publiclog.merkle import EMPTY, leaf_hash, node_hash
from chatbranch.publiclog.tiles import BadTile, Tile, TiledTree

LEAVES = [leaf_hash(b"%d" % n) for n in range(70_000)]


def head(leaves: list[bytes]) -> bytes:
    """MTH of section 2.1.1."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaves[0]
    k = below(len(leaves))
    return node_hash(head(leaves[:k]), head(leaves[k:]))


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = below(len(leaves))
    if index < k:
        return [*path(index, leaves[:k]), head(leaves[k:])]
    return [*path(index - k, leaves[k:]), head(leaves[:k])]


def subproof(old: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.4.1."""
    if old == len(leaves):
        return [] if whole else [head(leaves)]
    k = below(len(leaves))
    if old <= k:
        return [*subproof(old, leaves[:k], whole), head(leaves[k:])]
    return [*subproof(old - k, leaves[k:], False), head(leaves[:k])]


def below(n: int) -> int:
    """The largest power of two below n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def tiled(size: int) -> TiledTree:
    files = tiles.grow(0, LEAVES[:size], lambda tile: b"")
    return TiledTree(size, files.__getitem__)


def test_the_roots_that_certificate_transparency_knows() -> None:
    entries = [bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243")]
    roots = [merkle.root_of([merkle.leaf_hash(each) for each in entries[:n]]).hex() for n in range(4)]
    assert roots == [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    ]


@given(st.integers(0, 600))
def test_a_root_is_the_merkle_tree_head_whether_from_leaves_or_from_tiles(size: int) -> None:
    assert merkle.root_of(LEAVES[:size]) == head(LEAVES[:size]) == tiled(size).root


@given(st.data())
def test_an_inclusion_proof_is_the_path_and_leads_to_no_other_place(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 600))
    index = data.draw(st.integers(0, size - 1))
    tree = tiled(size)
    proof = tree.inclusion_proof(index)
    assert proof == path(index, LEAVES[:size])
    assert merkle.includes(LEAVES[index], index, size, proof, tree.root)
    other = data.draw(st.integers(0, size - 1).filter(lambda each: each != index) if size > 1 else st.just(1))
    assert not merkle.includes(LEAVES[index], other, size, proof, tree.root)
    assert not merkle.includes(LEAVES[size], index, size, proof, tree.root)


@given(st.data())
def test_a_consistency_proof_is_the_subproof_and_fits_no_other_tree(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 600))
    old = data.draw(st.integers(1, new))
    tree, before = tiled(new), merkle.root_of(LEAVES[:old])
    proof = tree.consistency_proof(old)
    assert proof == subproof(old, LEAVES[:new], True)
    assert merkle.consistent(old, new, before, tree.root, proof)
    rewritten = merkle.root_of([leaf_hash(b"another"), *LEAVES[1:old]])
    assert not merkle.consistent(old, new, rewritten, tree.root, proof)
    assert not merkle.consistent(old, new, before, rewritten, proof)


@given(st.data())
def test_no_proof_that_was_tampered_with_holds(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    tree, before = tiled(size), merkle.root_of(LEAVES[:old])
    tamper = data.draw(
        st.sampled_from(
            [
                lambda proof: proof[1:],
                lambda proof: proof[:-1],
                lambda proof: [*proof, EMPTY],
                lambda proof: [EMPTY, *proof],
                lambda proof: [bytes(32), *proof[1:]],
            ]
        )
    )
    if forged := tree.inclusion_proof(index):
        assert not merkle.includes(LEAVES[index], index, size, tamper(forged), tree.root)
    assert not merkle.consistent(old, size, before, tree.root, tamper(tree.consistency_proof(old)))


def test_nothing_is_proved_about_trees_that_are_not_there() -> None:
    assert merkle.consistent(0, 5, EMPTY, LEAVES[0], [])
    assert not merkle.consistent(0, 5, LEAVES[0], LEAVES[0], [])
    assert not merkle.consistent(3, 2, EMPTY, EMPTY, [])
    assert not merkle.includes(EMPTY, 0, 0, [], EMPTY)
    with pytest.raises(ValueError, match="no leaf"):
        tiled(3).inclusion_proof(3)
    with pytest.raises(ValueError, match="not the beginning"):
        tiled(3).consistency_proof(4)


def test_a_tree_of_70000_has_the_tiles_that_the_specification_counts() -> None:
    found = list(tiles.tiles_of(70_000))
    assert Counter((each.level, each.width == 256) for each in found) == {
        (0, True): 273,
        (0, False): 1,
        (1, True): 1,
        (1, False): 1,
        (2, False): 1,
    }
    assert [each.width for each in tiles.partial_tiles(70_000)] == [112, 17, 1]
    assert list(tiles.tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]


def test_a_tiles_path_is_that_of_the_specification() -> None:
    assert Tile(0, 1_234_067).path == "tile/0/x001/x234/067"
    assert Tile(1, 0, 5).path == "tile/1/000.p/5"
    assert Tile(0, 1_000, 7).entries_path == "tile/entries/x001/000.p/7"


@given(st.lists(st.integers(1, 400), min_size=1, max_size=6))
def test_a_tree_grown_in_steps_has_the_tiles_of_one_made_at_once(steps: list[int]) -> None:
    files: dict[Tile, bytes] = {}
    size = 0
    for step in steps:
        new = tiles.grow(size, LEAVES[size : size + step], files.__getitem__)
        assert set(new) == set(tiles.tiles_of(size + step, size))
        files |= new
        size += step
    assert {tile: files[tile] for tile in tiles.tiles_of(size)} == tiles.grow(
        0, LEAVES[:size], lambda tile: b""
    )


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_gives_its_entries_back_and_is_seen_to_be_torn(entries: list[bytes]) -> None:
    data = tiles.bundle(entries)
    assert tiles.unbundle(data) == entries
    if data:
        with pytest.raises(BadTile):
            tiles.unbundle(data + b"\x00")
        with pytest.raises(BadTile):
            tiles.unbundle(data + b"\x00\x05ab")


def test_a_tile_of_another_width_is_refused() -> None:
    with pytest.raises(BadTile, match=r"000\.p/3 has 64 bytes"):
        _ = TiledTree(3, lambda tile: bytes(64)).root
