"""Tiles (c2sp.org/tlog-tiles): the hashes of a tree in pieces of 256, and the addresses they have as files."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ledger.merkle import node_hash, root_of

WIDTH = 256
HEIGHT = 8
HASH_BYTES = 32
ENTRY_BYTES = 33
MAX_LEVEL = 63

_PATH = re.compile(
    r"(?:(?P<level>0|[1-9][0-9]?)|entries)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """An address: the level (None: a bundle of entries), the number from 0, and how many of 256 hashes or entries."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The address below ``tile/``."""
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"{level}/{write_index(self.index)}{partial}"


def read_path(path: str) -> Tile | None:
    """Return the tile of an address below ``tile/``; None for what is no address in its one right form."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    level = None if found["level"] is None else int(found["level"])
    tile = Tile(level, int(re.sub("[x/]", "", found["index"])), int(found["width"] or WIDTH))
    return (
        tile if tile.path == path and (level or 0) <= MAX_LEVEL and (not found["width"] or tile.width < WIDTH) else None
    )


def write_index(index: int) -> str:
    """Return a number as a path: groups of three digits, all but the last with an x before them."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def tiles_of(size: int, since: int = 0) -> Iterator[Tile]:
    """Yield the tiles of hashes of a tree of a size, from the leaves up, but those that were full at size ``since``.

    The last one of a level is partial where the level does not fill it; an empty one is none.
    """
    level, width, before = 0, size, since
    while width > 0:
        for index in range(before // WIDTH, width // WIDTH):
            yield Tile(level, index)
        if width % WIDTH:
            yield Tile(level, width // WIDTH, width % WIDTH)
        level, width, before = level + 1, width // WIDTH, before // WIDTH


def bundles_of(size: int, since: int = 0) -> Iterator[Tile]:
    """Yield the bundles of entries of a tree of a size, but those that were full at size ``since``."""
    for tile in tiles_of(size, since):
        if tile.level != 0:
            return
        yield Tile(None, tile.index, tile.width)


def write_bundle(entries: list[bytes]) -> bytes:
    """Return entries as a bundle: u16 length and entry, one after the other."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def hashes_of(content: bytes | bytearray) -> list[bytes]:
    """Return the hashes of a tile; raises ValueError unless there are 1 to 256 whole ones."""
    if not 0 < len(content) <= WIDTH * HASH_BYTES or len(content) % HASH_BYTES:
        raise ValueError("a tile must hold 1 to 256 hashes of 32 bytes")
    return [bytes(content[at : at + HASH_BYTES]) for at in range(0, len(content), HASH_BYTES)]


def tile_root(content: bytes | bytearray) -> bytes:
    """Return the root over the hashes of a full tile: one hash of the level above."""
    return root_of(hashes_of(content))


def subtree_from(read: Callable[[int, int], bytes]) -> Callable[[int, int], bytes]:
    """Return what gives the roots of perfect subtrees (see ``merkle_proofs``), from tiles.

    ``read(level, index)`` returns the hashes of a tile as far as it is filled. Each tile is asked for once.
    """
    seen: dict[tuple[int, int], list[bytes]] = {}

    def subtree(level: int, index: int) -> bytes:
        row, inside = divmod(level, HEIGHT)
        first = index << inside
        place = (row, first // WIDTH)
        if place not in seen:
            seen[place] = hashes_of(read(*place))
        hashes = seen[place][first % WIDTH : first % WIDTH + (1 << inside)]
        if len(hashes) < 1 << inside:
            raise ValueError(f"tile {row}/{place[1]} is not filled that far")
        while len(hashes) > 1:
            hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
        return hashes[0]

    return subtree
