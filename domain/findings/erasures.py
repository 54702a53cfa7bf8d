"""What a reviewer would point out after an erasure: who had the data and was not told. Source: GDPR art. 19."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.case_file import ROSTER_TOPICS
from domain.custody import one_person
from domain.entries import Entry
from domain.erased import decisions, erasures_among
from domain.events.administration import CaseOpened
from domain.events.consent import DisclosureMade
from domain.events.control import MinutesDistributed
from domain.events.people import TransferPackageSent
from domain.events.retention import RecipientTold
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry
from domain.known import Known, many

RECIPIENTS: Mapping[str, str] = {
    DisclosureMade.TOPIC: "to",
    TransferPackageSent.TOPIC: "to_municipality",
    MinutesDistributed.TOPIC: "recipients",
}
"""The entries by which data go out, and the field that says to whom."""


@dataclass(frozen=True, slots=True)
class Told:
    """A recipient of data that one decision erased: what they had been sent, and the entry that says they were told."""

    erasure: int
    recipient: str
    sent: tuple[int, ...]
    told_by: int | None


def recipients_of_erased(known: Known, at: datetime) -> tuple[Told, ...]:
    """Return for every erasure that had happened whom it must be told to; one decision counts once, by its first entry.

    Persons of the case are not among them: they are those the data are about.
    """
    found: list[Told] = []
    for group in decisions(entry for entry in erasures_among(known.entries) if entry.happened <= at):
        versions = {entry.version for entry in group}
        told = {
            str(recipient): entry.version
            for entry in known.of(RecipientTold)
            if entry.data["about"] in versions and entry.happened <= at
            for recipient in many(entry.data["recipients"])
        }
        sent = _sent(known, group[0])
        found += [
            Told(group[0].version, recipient, tuple(entries), told.get(recipient))
            for recipient, entries in sent.items()
        ]
    return tuple(found)


def _sent(known: Known, erasure: Entry) -> dict[str, list[int]]:
    """Return who had received what an erasure is about, with the entries that say so."""
    own = _persons(known)
    found: dict[str, list[int]] = {}
    for entry in known.facts:
        if entry.topic in RECIPIENTS and entry.happened <= erasure.happened and _concerned(known, entry, erasure):
            for recipient in many(entry.data[RECIPIENTS[entry.topic]]):
                if recipient not in own:
                    found.setdefault(str(recipient), []).append(entry.version)
    return found


def _concerned(known: Known, sent: Entry, erasure: Entry) -> bool:
    """Whether what went out may hold what was erased: where it does not say whom it is about, it may."""
    about, subject = {str(one) for one in many(sent.data.get("about"))}, erasure.data.get("subject")
    if erasure.data.get("scope") == "case" or not about or subject is None:
        return True
    return not about.isdisjoint(one_person(known, str(subject)))


def _persons(known: Known) -> frozenset[str]:
    joined = (entry for entry in known.entries if entry.topic in ROSTER_TOPICS)
    persons = (p for e in joined for p in (e.data["persons"] if e.topic == CaseOpened.TOPIC else [e.data]))
    return frozenset(str(person["ref"]) for person in persons)


def _not_told(inquiry: Inquiry) -> Iterator[Finding]:
    missing: dict[int, list[Told]] = {}
    for one in recipients_of_erased(inquiry.known, inquiry.at):
        if one.told_by is None:
            missing.setdefault(one.erasure, []).append(one)
    for erasure, left in missing.items():
        rests_on = tuple(sorted({version for one in left for version in one.sent}))
        detail = {"recipients": ", ".join(sorted(one.recipient for one in left))}
        yield Finding("ERASURE_RECIPIENT_NOT_TOLD", erasure, rests_on, detail)


CHECKS: tuple[Check, ...] = (
    Check("ERASURE_RECIPIENT_NOT_TOLD", "statute", "GDPR art. 19", "M",
          "Oplysninger er slettet; det fremgår ikke, at modtagerne er underrettet: {recipients}.",
          "Data were erased; nothing shows that the recipients were told: {recipients}.", _not_told),
)  # fmt: skip
