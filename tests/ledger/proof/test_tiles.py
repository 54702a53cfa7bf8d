"""Addresses of tiles, and which ones a tree has."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle import leaf_hash
from ledger.proof.tiles import (
    WIDTH,
    Tile,
    bundles_of,
    hashes_of,
    read_path,
    tile_root,
    tiles_of,
    write_bundle,
    write_index,
)
from tests.ledger.proof.vectors import OWN_LOG, SHARED, needs_shared, own_entries


@needs_shared
def test_the_examples_of_the_specification() -> None:
    examples: dict[str, Any] = json.loads((SHARED / "c2sp-examples.json").read_text("utf-8"))
    for one in examples["tile_paths"]:
        assert write_index(one["n"]) == one["path"]
    told = examples["partial_tiles_size_70000"]
    tiles = list(tiles_of(70_000))
    full = [sum(tile.level == level and tile.width == WIDTH for tile in tiles) for level in (0, 1, 2)]
    partial = [
        next((tile.width for tile in tiles if tile.level == level and tile.width < WIDTH), 0) for level in (0, 1, 2)
    ]
    assert full == [told["L0_full"], told["L1_full"], 0]
    assert partial == [told["L0_partial"], told["L1_partial"], told["L2_partial"]]
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]


@given(st.none() | st.integers(0, 63), st.integers(0, 2**62), st.integers(1, 256))
def test_an_address_leads_back_to_its_tile(level: int | None, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert read_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "0", "0/0", "0/00", "0/0000", "0/1000", "0/x000/001", "00/000", "64/000", "-1/000", "0/000.p/0",
        "0/000.p/256", "0/000.p/01", "0/000.p/", "0/000/", "/0/000", "0/../000", "0/x001", "0/001/002",
        "entries/000.p/257", "entry/000", "0/%30%30%30",
        "0/\N{ARABIC-INDIC DIGIT ONE}00", "0/000\n", "0/" + "x001/" * 7 + "000",
    ],
)  # fmt: skip
def test_what_is_no_address_leads_to_no_tile(path: str) -> None:
    assert read_path(path) is None


@given(st.integers(0, 200_000), st.integers(0, 200_000))
def test_what_was_there_before_and_what_is_new_are_all_there_is(size: int, since: int) -> None:
    size, since = max(size, since), min(size, since)
    old = {tile for tile in tiles_of(since) if tile.width == WIDTH}
    new = set(tiles_of(size, since))
    assert old | new == set(tiles_of(size))
    assert not old & new
    assert all((tile.level or 0) == 0 for tile in bundles_of(size))


def test_the_own_log_has_exactly_its_tiles() -> None:
    files = {str(path.relative_to(OWN_LOG / "tile")) for path in (OWN_LOG / "tile").rglob("*") if path.is_file()}
    assert files == {tile.path for tile in (*tiles_of(1000), *bundles_of(1000))}
    for index in range(3):
        content = (OWN_LOG / "tile" / Tile(0, index).path).read_bytes()
        above = (OWN_LOG / "tile" / "1/000.p/3").read_bytes()
        assert hashes_of(above)[index] == tile_root(content)
        entries = own_entries()[index * WIDTH : (index + 1) * WIDTH]
        assert write_bundle(entries) == (OWN_LOG / "tile" / Tile(None, index).path).read_bytes()
        assert b"".join(map(leaf_hash, entries)) == content


@pytest.mark.parametrize("length", [0, 31, 33, 257 * 32, 8191])
def test_a_tile_holds_whole_hashes(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        hashes_of(bytes(length))
