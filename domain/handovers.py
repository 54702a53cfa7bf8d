"""Hand-overs of a case that wait for an answer, and those that were declined."""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.entries import Entry
from domain.events.correction import EntryAnnulled
from domain.events.people import HandoverAccepted
from domain.events.referral import CaseAllocated
from domain.known import many
from domain.register import effective

DECLINED = "declined"
"""The kind of annulment by which whoever a case was handed to says no: it is as if it had never been handed over."""


@dataclass(frozen=True, slots=True)
class Handover:
    """A case that one member of staff hands to others in a role, by which entry.

    ``declined`` is the entry by which that was declined, None while it waits for an answer.
    """

    role: str
    by: str
    to: tuple[str, ...]
    entry: Entry
    declined: Entry | None = None

    def concerns(self, staff: str) -> bool:
        """Whether a member of staff is to answer, or waits for the answer, or has to find somebody else."""
        return staff == self.by or (self.declined is None and staff in self.to)


def open_handovers(entries: Iterable[Entry]) -> tuple[Handover, ...]:
    """Return the hand-overs that wait, and those declined since which nobody was given the role, the oldest first.

    Whoever stands in for somebody is not asked.
    """
    record = sorted(entries, key=lambda one: one.version)
    facts = effective(record)
    accepted = {one.data["allocation"] for one in facts if one.topic == HandoverAccepted.TOPIC}
    last = {str(one.data["for_role"]): one for one in facts if one.topic == CaseAllocated.TOPIC}
    waiting = [_handover(one) for one in last.values() if _asks(one) and one.version not in accepted]
    return tuple(sorted([*waiting, *_declined(record, last.values())], key=lambda one: one.entry.version))


def _declined(record: list[Entry], last: Iterable[Entry]) -> list[Handover]:
    given = {str(one.data["for_role"]): one.version for one in last}
    by_version = {one.version: one for one in record}
    found: dict[str, Handover] = {}
    for no in record:
        if no.topic != EntryAnnulled.TOPIC or no.withheld or no.data.get("kind") != DECLINED:
            continue
        entry = by_version.get(no.data["annuls"])
        if entry is not None and entry.topic == CaseAllocated.TOPIC and _asks(entry):
            role = str(entry.data["for_role"])
            if given.get(role, 0) < no.version:
                found[role] = _handover(entry, no)
    return list(found.values())


def _asks(allocation: Entry) -> bool:
    return allocation.data.get("from_staff") is not None and allocation.data.get("substitute_for") is None


def _handover(allocation: Entry, declined: Entry | None = None) -> Handover:
    data = allocation.data
    return Handover(
        str(data["for_role"]), str(data["from_staff"]), tuple(map(str, many(data["to"]))), allocation, declined
    )
