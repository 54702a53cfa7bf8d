"""Papers as PDF/A-3a and PDF/UA-1 with what they are made of attached; the same bytes each time.

Set by typst, from the extra ``pdf``, with the fonts it brings along. Values reach it in a file of data and are never
read as markup.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unicodedata import category

import orjson

from api.problems import ProblemError

PDF = "application/pdf"
STANDARDS = ("a-3a", "ua-1")
TEMPLATE = "paper.typ"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a paper: its name, what it is, and how it relates to the paper (``source`` or ``supplement``)."""

    name: str
    content: bytes
    relationship: str
    media_type: str
    description: str

    @property
    def said(self) -> dict[str, str]:
        """What the paper says of it."""
        return {name: getattr(self, name) for name in ("name", "relationship", "media_type", "description")}


_RANGES = """
20-7e a0-ac ae-377 37a-37f 384-38a 38c 38e-3a1 3a3-4ff 510-513 51a-51d 531-556 559-58a 58d-58f 591-5c7 5d0-5ea 5ef-5f4
606-60c 615 61b 61f 621-63a 640-655 65a 660-66d 674 679-67b 67e-680 683-684 686-687 691 698 6a4 6a9 6af 6be 6cc 6f0-6f9
1ea0-1eff 1f00-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d 1f50-1f57 1f5f-1f7d 2010-2027 2030-203f 2044-2052 2070-2071 2074-208e
2090-209c 20a0-20c0 2100-211e 2122 2126 2153-2184 2190-23ff 2460-24ff 2500-262f
"""
"""Characters that the fonts show, as found by setting each: what is not among them is written out by its number."""


class NoTypst(Exception):
    """A PDF needs the extra `pdf`: pip install 'caseledger[pdf]', or ask for a file that ends in .json."""

    def __str__(self) -> str:
        return str(self.__doc__)


def _codes() -> Iterator[int]:
    for part in _RANGES.split():
        first, _, last = part.partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


SHOWN = frozenset(map(chr, _codes())) | {"\n", "\t"}


def displayable(text: str) -> str:
    """Return a text with every character that no font here shows, or that steers others, written as [U+1F600].

    Emoji and signs of other scripts come out so, and what would turn the direction of writing. A line end of any kind
    is one line end.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if SHOWN.issuperset(lines):
        return lines
    return "".join(one if one in SHOWN and category(one) != "Cf" else f"[U+{ord(one):04X}]" for one in lines)


def require_typst() -> None:
    """Raise NoTypst where typst is missing, before anything is put on record for a file that cannot be made."""
    if find_spec("typst") is None:
        raise NoTypst


def require_paper() -> None:
    """Raise ProblemError where no PDF can be made here, before anything is put on record for it."""
    try:
        require_typst()
    except NoTypst as error:
        raise ProblemError("unavailable", str(error)) from None


def set_paper(said: Any, at: datetime, attached: Sequence[Attachment]) -> bytes:
    """Return a document as PDF, dated by an instant; raises NoTypst where typst is missing.

    ``said`` holds title, running head, facts, sections of texts and tables, ``flipped`` for wide ones, ``contents`` for
    a table of contents.
    """
    require_typst()
    import typst

    with TemporaryDirectory(prefix="caseledger-pdf-") as folder, as_file(files("api").joinpath(TEMPLATE)) as template:
        place = Path(folder)
        (place / TEMPLATE).write_bytes(template.read_bytes())
        content = _shown(said) | {"attached": [one.said for one in attached]}
        (place / "data.json").write_bytes(orjson.dumps(content))
        for one in attached:
            (place / one.name).write_bytes(one.content)
        return typst.compile(
            place / TEMPLATE,
            root=place,
            ignore_system_fonts=True,
            font_paths=[],
            pdf_standards=list(STANDARDS),
            timestamp=int(at.timestamp()),
        )


def _shown(value: Any) -> Any:
    """Return JSON values with every text made displayable."""
    if isinstance(value, str):
        return displayable(value)
    if isinstance(value, dict):
        return {name: _shown(one) for name, one in value.items()}  # pyright: ignore
    if isinstance(value, list):
        return [_shown(one) for one in value]  # pyright: ignore
    return value
