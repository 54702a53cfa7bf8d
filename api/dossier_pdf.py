"""A dossier as PDF, with itself as data and an evidence bundle attached; the same bytes each time."""

from api.dossier import MadeDossier
from api.dossier_document import document
from api.paper import Attachment, require_typst, set_paper
from domain.time import read_instant
from replay.bundle_zip import MEDIA_TYPE as ZIP

DATA_NAME, BUNDLE_NAME = "dossier.json", "bevispakke.zip"


def pdf_of(made: MadeDossier, bundle: bytes | None = None) -> bytes:
    """Return a dossier as PDF; without a bundle only its data are attached. Raises NoTypst where typst is missing."""
    require_typst()
    said = document(made.values, made.look) | {"flipped": True, "contents": False}
    attached = [Attachment(DATA_NAME, made.content, "source", "application/json", _DATA)]
    if bundle is not None:
        attached.append(Attachment(BUNDLE_NAME, bundle, "supplement", ZIP, _BUNDLE))
    return set_paper(said, read_instant(made.values["recorded_until"]), attached)


_DATA = "Dossieret som data, med alle tegn som registreret"
_BUNDLE = "Bevispakke: kan kontrolleres uden adgang til kommunens systemer"
