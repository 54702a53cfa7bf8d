"""The documents of a case: which versions were filed, by which entry, and how they stood when last checked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.case_file import CaseFile
from domain.entries import Entry
from domain.erased import NOTHING_ERASED
from domain.errors import Malformed, Problem
from domain.events.control import DocumentChecked, DocumentFiled
from domain.known import Known, many

DIRECTIONS = ("in", "out", "internal")
"""Whether a document was received, sent, or made for the file alone."""


@dataclass(frozen=True, slots=True)
class Filing:
    """A filed version of a document: the entry as it was written, the last check, and whether it is in force."""

    entry: Entry
    check: Entry | None
    in_force: bool

    @property
    def document(self) -> str:
        """The document's id in its case."""
        return str(self.entry.data["document"])

    @property
    def version(self) -> int:
        """The version of the document."""
        return int(self.entry.data["version"])

    @property
    def state(self) -> str:
        """How it stood at the last check: present, missing, changed; not_checked before the first."""
        if self.check is None:
            return "not_checked"
        if not self.check.data["present"]:
            return "missing"
        return "present" if self.check.data["matches"] else "changed"


def filings(known: Known) -> tuple[Filing, ...]:
    """Return every version that was filed, in the order recorded, as it was written; not those withheld."""
    checks = {(entry.data["document"], entry.data["version"]): entry for entry in known.of(DocumentChecked)}
    return tuple(
        Filing(
            entry,
            checks.get((entry.data["document"], entry.data["version"])),
            known.fact(entry.version) is not None,
        )
        for entry in known.entries
        if entry.topic == DocumentFiled.TOPIC and not entry.withheld
    )


def filing_of(known: Known, document: str, version: int) -> Filing | None:
    """Return the filing of one version of a document; None where it was never filed."""
    found = (filing for filing in filings(known) if (filing.document, filing.version) == (document, version))
    return next(found, None)


def to_send(known: Known, named: Sequence[tuple[str, int]], place: str) -> tuple[Filing, ...]:
    """Return the filings of the documents named, each once; raises Malformed for one that is unknown or annulled.

    One withheld is unknown. ``place`` is where they are named in the request.
    """
    found = [filing_of(known, *one) for one in named]
    problems = [
        Problem(f"{place}/{index}", "names no document filed in this case: use the id and version of one")
        if filing is None
        else Problem(f"{place}/{index}", "names a document whose filing was annulled: name another or file it anew")
        for index, filing in enumerate(found)
        if filing is None or not filing.in_force
    ]
    if problems:
        raise Malformed(problems)
    return tuple({filing.entry.version: filing for filing in found if filing is not None}.values())


def numbers_used(entries: Iterable[Entry], document: str) -> frozenset[int]:
    """Return the versions of a document that were ever filed, annulled ones among them: a number is used once."""
    return frozenset(
        int(entry.data["version"])
        for entry in entries
        if entry.topic == DocumentFiled.TOPIC and entry.data["document"] == document
    )


def next_version(entries: Iterable[Entry], document: str) -> int:
    """Return the next free version of a document."""
    return max(numbers_used(entries, document), default=0) + 1


def key_for(file: CaseFile, subjects: Sequence[str]) -> UUID:
    """Return the key that seals a document: that of the one person it is about, else the case's own."""
    person = file.persons.get(subjects[0]) if len(subjects) == 1 else None
    return file.key if person is None else person.key


def is_erased(file: CaseFile, filed: Entry) -> bool:
    """Whether a document's bytes are rightly gone: by an erasure on record of its key or its entry, or a tombstone.

    The last shows where ``filed`` was unsealed, as what it was salted with reads as erased then.
    """
    if "salt" in filed.erased:
        return True
    key = key_for(file, many(filed.data.get("subjects")))
    return NOTHING_ERASED.and_by(file.entries).why(filed.stream, filed.version, key) is not None
