"""The tree built anew from the events, row of tiles by row, to be held against what is stored of it."""

from collections.abc import Sequence

from ledger.merkle import EMPTY_ROOT, node_hash
from ledger.proof.merkle_proofs import Subtree
from ledger.proof.tiles import HEIGHT, WIDTH


class GrowingTree:
    """A tree kept as its right edge: for each level the row of tiles that is not full yet.

    ``filled`` collects the rows that became full, as level, number and hashes, until whoever grows the tree takes them.
    """

    def __init__(self) -> None:
        self.size = 0
        self.filled: list[tuple[int, int, bytes]] = []
        self._rows: list[list[bytes]] = [[]]

    @classmethod
    def at(cls, size: int, subtree: Subtree) -> "GrowingTree":
        """Return the tree of a size from the roots of its perfect subtrees (see ``merkle_proofs``)."""
        tree = cls()
        tree.size, tree._rows = size, []
        while not tree._rows or size >> HEIGHT * len(tree._rows):
            level = HEIGHT * len(tree._rows)
            count, first = (size >> level) % WIDTH, (size >> level) // WIDTH * WIDTH
            tree._rows.append([subtree(level, index) for index in range(first, first + count)])
        return tree

    def add(self, leaf: bytes) -> None:
        """Append one leaf hash."""
        row = self._rows[0]
        row.append(leaf)
        self.size += 1
        if len(row) == WIDTH:
            self._fill()

    def _fill(self) -> None:
        level = 0
        while len(row := self._rows[level]) == WIDTH:
            self.filled.append((level, (self.size >> HEIGHT * (level + 1)) - 1, b"".join(row)))
            if level + 1 == len(self._rows):
                self._rows.append([])
            self._rows[level] = []
            level += 1
            self._rows[level].append(perfect_root(row))

    def edge(self) -> list[tuple[int, int, bytes]]:
        """Return the rows that are not full: level, number, hashes; empty ones are none."""
        return [
            (level, self.size >> HEIGHT * (level + 1), b"".join(row)) for level, row in enumerate(self._rows) if row
        ]

    def frontier(self) -> list[bytes]:
        """Return the roots of the perfect subtrees, largest first."""
        found: list[bytes] = []
        for row in reversed(self._rows):
            at = 0
            for width in (1 << bit for bit in range(HEIGHT, -1, -1)):
                if len(row) & width:
                    found.append(perfect_root(row[at : at + width]))
                    at += width
        return found

    def root(self) -> bytes:
        """Return the root of the tree so far."""
        frontier = self.frontier()
        if not frontier:
            return EMPTY_ROOT
        root = frontier.pop()
        while frontier:
            root = node_hash(frontier.pop(), root)
        return root


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = list(map(node_hash, hashes[::2], hashes[1::2]))
    return hashes[0]
