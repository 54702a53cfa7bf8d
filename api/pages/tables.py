"""Tables of words and links: what a page shows in rows, before any markup."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_DAY = re.compile(r"\d{2}-\d{2}-\d{4}\b")
DAY = 10
NOTHING = "–"
GOOD, BAD, NOTE = "success", "error", "warning"


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with what it leads to; ``mark`` sets it apart as good, bad or worth a note, beside what it says."""

    text: str
    link: str | None = None
    mark: str | None = None

    @property
    def day(self) -> str:
        """The day a text begins with, which no line breaks."""
        return self.text[:DAY] if _DAY.match(self.text) else ""

    @property
    def rest(self) -> str:
        """What follows it."""
        return self.text[len(self.day) :]


Cells = Cell | Sequence[Cell] | str
"""What stands in one place of a table: texts one below the other."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption, the heads of its columns, its rows, and what is said where there are none."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[tuple[Cell, ...], ...], ...]
    nothing: str


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Cells]], nothing: str) -> Table:
    """Return a table; the first place of each row is its head."""
    return Table(caption, tuple(heads), tuple(tuple(map(_cells, row)) for row in rows), nothing)


def _cells(content: Cells) -> tuple[Cell, ...]:
    if isinstance(content, str):
        return (Cell(content or NOTHING),)
    if isinstance(content, Cell):
        return (content,)
    return tuple(content) or (Cell(NOTHING),)
