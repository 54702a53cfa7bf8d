"""What the parts of a dossier on paper are made of: texts, tables, instants, names and numbers of entries."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from api import dossier_words as words
from api.dossier_values import Values
from api.pages.times import show_instant, show_moment
from api.pages.values import words_of
from api.reading import CaseLook
from domain.time import read_instant, read_moment

Cell = str | list[dict[str, str]]
"""A text, or texts each under a label."""


def text(text: str) -> Values:
    """Return a paragraph."""
    return {"kind": "text", "text": text}


def table(caption: str, columns: Sequence[tuple[str, int]], rows: Iterable[Sequence[Cell]]) -> Values:
    """Return a table; each column has its heading and its share of the width."""
    content = [list(row) for row in rows]
    if not content:
        return text(f"{caption}: {words.NOTHING.lower()}")
    widths = [share for _, share in columns]
    return {
        "kind": "table",
        "caption": caption,
        "columns": [one for one, _ in columns],
        "widths": widths,
        "rows": content,
    }


def at(value: str | datetime | None) -> str:
    """Return an instant in Copenhagen time; a dash for none."""
    if value is None:
        return "-"
    return show_instant(read_instant(value) if isinstance(value, str) else value)


def when(value: str | None) -> str:
    """Return a moment, an instant or a day; a dash for none."""
    return "-" if value is None else show_moment(read_moment(value))


def person(look: CaseLook, ref: Any) -> str:
    """Return a person of the case by name and role, else the reference."""
    return words_of(look, ()).person(str(ref)) or str(ref)


def several(look: CaseLook, refs: Iterable[Any]) -> str:
    """Return persons of the case in a row."""
    return ", ".join(person(look, ref) for ref in refs) or words.NOTHING.lower()


def numbers(versions: Iterable[int]) -> str:
    """Return entries by their numbers."""
    return ", ".join(f"nr. {version}" for version in versions) or "ingen"


def plain(value: Any) -> str:
    """Return a value as it is."""
    return "ikke oplyst" if value is None else str(value)
