"""The papers filed for entries of a case, as pages show them: where they are opened, and whether they are unchanged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from api.looks import Question
from api.pages.language import _
from api.pages.times import show_instant
from api.pages.views import address, case_address
from domain.documents import Filing

STANDING: Mapping[str, str] = {
    "present": "Uændret siden journaliseringen, kontrolleret nu",
    "changed": "Ændret siden journaliseringen",
    "missing": "Filen mangler",
    "erased": "Slettet efter beslutning",
    "unavailable": "Kan ikke kontrolleres lige nu",
}
"""How the bytes of a document stand."""


@dataclass(frozen=True, slots=True)
class FiledPaper:
    """A paper with where it is opened, None where there is nothing to open, what it is, and how its bytes stand."""

    address: str | None
    name: str
    what: str
    filed: str
    entry: int
    kind: str
    standing: str


def filed_papers(
    case: UUID, question: Question, filings: Sequence[tuple[Filing, str]], versions: set[int]
) -> tuple[FiledPaper, ...]:
    """Return the papers in force that belong to some entries; each filing comes with how its bytes stand."""
    return tuple(
        _paper(case, question, filing, state)
        for filing, state in filings
        if filing.in_force and filing.entry.data.get("for_entry") in versions
    )


def document_address(case: UUID, filing: Filing, question: Question) -> str:
    """Return where a document is opened."""
    place = f"{case_address(case)}/dokumenter/{quote(filing.document, safe='')}/{filing.version}"
    return address(place, question)


def _paper(case: UUID, question: Question, filing: Filing, state: str) -> FiledPaper:
    data = filing.entry.data
    kind = "success" if state == "present" else "error" if state in ("changed", "missing") else "warning"
    return FiledPaper(
        document_address(case, filing, question) if state == "present" else None,
        filing.document,
        f"{str(data['media_type']).rpartition('/')[2].upper()}, {show_size(int(data['size']))}",
        show_instant(filing.entry.recorded_at),
        filing.entry.version,
        kind,
        _(STANDING[state]),
    )


def show_size(size: int) -> str:
    """Return a number of bytes as people read it: kB, from a million on MB with one decimal."""
    if size < 10**6:
        return f"{max(1, round(size / 1000))} kB"
    return f"{size / 10**6:.1f} MB".replace(".", ",")
