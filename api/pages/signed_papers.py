"""The signed paper that a form brings along: whether it can be filed, what is said of it, how it is asked for."""

import unicodedata
from collections.abc import Mapping, Sequence

from api.document_bodies import DocumentMetadata
from api.pages.language import _
from api.pages.write_doing import Filled
from api.pages.write_fields import FieldView, Material, Widget
from api.uploads import Upload
from domain.custody import UNBORN
from domain.events.base import Event
from domain.known import many
from ledger.document_systems import MAX_DOCUMENT_BYTES

PAPER = "papir"
THEME = "consent"
NAME_LENGTH = 255
_BEGINNINGS: Mapping[bytes, str] = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_PDF = b"%PDF-"
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Categories of characters that are not seen, among them those that turn the direction of a text."""


def media_type_of(beginning: bytes) -> str | None:
    """Return what a file is by its first bytes: PDF (which readers accept up to 1,024 bytes in), PNG, JPEG."""
    if _PDF in beginning:
        return "application/pdf"
    return next((kind for mark, kind in _BEGINNINGS.items() if beginning.startswith(mark)), None)


def paper_problem(upload: Upload) -> str | None:
    """Return why a file cannot be filed, and what to do; None where it can."""
    if upload.too_large:
        size = MAX_DOCUMENT_BYTES // 10**6
        return _("Filen er større end %(size)s MB. Scan papiret i en lavere opløsning, eller del det.", size=size)
    if not upload.size:
        return _("Filen er tom eller kunne ikke læses. Vælg den igen.")
    if not _is_plain(upload.name or ""):
        return _("Filens navn er for langt eller har skråstreger eller skjulte tegn. Giv den et kort navn.")
    if media_type_of(upload.beginning) is None:
        return _("Filen er ikke PDF, PNG eller JPEG. Gem papiret som en af dem.")
    return None


def _is_plain(name: str) -> bool:
    seen = all(unicodedata.category(one) not in _HIDDEN and one not in "/\\" for one in name)
    return seen and len(name) <= NAME_LENGTH


def choose_again() -> str:
    """Return what is told where a file had been chosen in a form that was not recorded."""
    return _("Vælg filen igen: den blev ikke gemt, da intet blev registreret.")


def paper_field(upload: Upload | None, error: str | None = None) -> FieldView:
    """Return the field that asks for the paper; no page can keep a file that was chosen, so it is asked for again."""
    if upload is not None and error is None:
        error = choose_again()
    size = MAX_DOCUMENT_BYTES // 10**6
    hint = _("PDF, PNG eller JPEG, højst %(size)s MB. Filen journaliseres sammen med samtykket.", size=size)
    return FieldView(PAPER, _("Det underskrevne papir"), Widget.FILE, hint, error=error)


def said_of(material: Material, found: Filled, for_entry: int) -> DocumentMetadata:
    """Return what is put on record about the paper of a consent that becomes an entry."""
    named = [ref for name in ("given_by", "on_behalf_of", "joint_with") for ref in many(found.data.get(name))]
    subjects = [ref for ref in dict.fromkeys(map(str, named)) if _in_case(material, ref)]
    return DocumentMetadata(
        document=f"{found.data['consent']}-papir",
        direction="in",
        theme=THEME,
        subjects=tuple(subjects),
        received_or_sent_at=found.when.reached or found.when.happened,
        for_entry=for_entry,
    )


def paper_place(events: Sequence[Event], act: type[Event]) -> int:
    """Return which of a commit's events a paper belongs to, counted from 1: that of the act, else the first."""
    return next((number for number, event in enumerate(events, start=1) if isinstance(event, act)), 1)


def _in_case(material: Material, ref: str) -> bool:
    return ref.removeprefix(UNBORN) in material.look.file.persons
