"""What a reviewer would point out about documents: bytes gone or changed, and hashes without a document behind them."""

from collections.abc import Iterator

from domain.entries import Entry
from domain.events.control import DocumentChecked, DocumentFiled
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry
from domain.known import many

STATED = (
    "document_hash",
    "document_hashes",
    "evidence",
    "informed_with",
    "letter_hash",
    "media_hash",
    "minutes_hash",
)
"""Fields in which an entry states the hash of a document."""


def _documents(inquiry: Inquiry) -> Iterator[Finding]:
    checks = {(entry.data["document"], entry.data["version"]): entry for entry in inquiry.of(DocumentChecked)}
    for filed in inquiry.of(DocumentFiled):
        check = checks.get((filed.data["document"], filed.data["version"]))
        if check is not None and not (check.data["present"] and check.data["matches"]):
            code = "DOCUMENT_BYTES_MISSING" if not check.data["present"] else "DOCUMENT_BYTES_CHANGED"
            yield Finding(code, filed.version, (check.version,))


def _missing_bytes(inquiry: Inquiry) -> Iterator[Finding]:
    return (finding for finding in _documents(inquiry) if finding.code == "DOCUMENT_BYTES_MISSING")


def _changed_bytes(inquiry: Inquiry) -> Iterator[Finding]:
    return (finding for finding in _documents(inquiry) if finding.code == "DOCUMENT_BYTES_CHANGED")


def _without_document(inquiry: Inquiry) -> Iterator[Finding]:
    """A hash has its document where one was filed for the entry, or where it is the commitment of one that was."""
    filed = inquiry.of(DocumentFiled)
    commitments = {entry.data.get("commitment") for entry in filed}
    for entry in inquiry.facts:
        if entry.data.keys().isdisjoint(STATED):
            continue
        stated = _stated(entry)
        left = stated - commitments
        behind = {
            other.data["document"]
            for other in filed
            if other.data.get("for_entry") == entry.version and other.data.get("commitment") not in stated
        }
        if len(left) > len(behind):
            yield Finding("HASH_WITHOUT_DOCUMENT", entry.version, (), {"hashes": len(left) - len(behind)})


def _stated(entry: Entry) -> set[str]:
    return {str(value) for field in STATED for value in many(entry.data.get(field))}


CHECKS: tuple[Check, ...] = (
    Check("DOCUMENT_BYTES_MISSING", "must", "offentlighedsloven § 15; FOB 2017-8", "V",
          "Dokumentet er journaliseret, men kan ikke fremskaffes.",
          "The document was filed, but nobody can produce it.", _missing_bytes),
    Check("DOCUMENT_BYTES_CHANGED", "must", "offentlighedsloven § 15", "V",
          "Dokumentet er ikke længere det, der blev journaliseret.",
          "The document is no longer the one that was filed.", _changed_bytes),
    Check("HASH_WITHOUT_DOCUMENT", "must", "offentlighedsloven § 15; FOB 2017-8", "V",
          "Posten angiver et dokuments fingeraftryk, men der er ikke journaliseret noget dokument til den (mangler {hashes}).",
          "The entry states the hash of a document, but no document is filed for it ({hashes} missing).", _without_document),
)  # fmt: skip
