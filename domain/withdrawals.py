"""What had gone out on a consent before it ended, and which recipients have been told that it did.

A consent given anew begins a new grant: what went out on the former one stays with its withdrawal.
Source: general data protection regulation art. 7(3) and 19.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from domain.consents import entries_of
from domain.entries import Entry
from domain.events.consent import ConsentGiven, ConsentWithdrawn, DisclosureMade
from domain.events.retention import RecipientTold
from domain.known import Known, many
from domain.time import end_of, read_day

BEFORE, BETWEEN, AFTER = "before", "between", "after"
"""When a disclosure was made: before the withdrawal was said, before it was on record, or once it was."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One giving of a consent, with the withdrawals of all or part of it up to an instant.

    ``expired`` says that its last day was over by then without a withdrawal of the whole.
    """

    given: Entry
    withdrawals: tuple[Entry, ...]
    expired: bool


@dataclass(frozen=True, slots=True)
class GoneOut:
    """A disclosure that rested on a grant which has ended for its recipients.

    ``withdrawals`` are those that concern them; none where it expired. ``made`` is before, between or after, seen from
    the first of those, None where there is none. ``told`` gives for each recipient the entry that shows that they were
    told of the withdrawal, None where nothing does; it is empty where nothing was withdrawn.
    """

    consent: str
    disclosure: Entry
    given: Entry
    withdrawals: tuple[Entry, ...]
    made: str | None
    told: tuple[tuple[str, int | None], ...]

    @property
    def untold(self) -> tuple[str, ...]:
        """The recipients who have not been told."""
        return tuple(recipient for recipient, entry in self.told if entry is None)


def gone_out(known: Known, consent: str, at: datetime) -> tuple[GoneOut, ...]:
    """Return what had gone out by an instant on a consent that had ended by then, in whole or for the recipients."""
    grants = tuple(_grants(known, consent, at))
    tellers = [entry for entry in known.of(RecipientTold, DisclosureMade) if entry.happened <= at]
    found: list[GoneOut] = []
    for disclosure in known.of(DisclosureMade):
        if grants and disclosure.happened <= at and consent in many(disclosure.data.get("consents")):
            grant = _rested_on(disclosure, grants)
            withdrawals = tuple(one for one in grant.withdrawals if _concerns(one, disclosure))
            if withdrawals or grant.expired:
                told = tuple(_told(disclosure, withdrawals, tellers)) if withdrawals else ()
                made = _made(disclosure, withdrawals[0]) if withdrawals else None
                found.append(GoneOut(consent, disclosure, grant.given, withdrawals, made, told))
    return tuple(found)


def _grants(known: Known, consent: str, at: datetime) -> Iterator[Grant]:
    turns = [entry for entry in entries_of(known, consent) if entry.happened <= at]
    begins = [index for index, entry in enumerate(turns) if entry.topic == ConsentGiven.TOPIC]
    for begin, end in pairwise([*begins, len(turns)]):
        withdrawals = tuple(entry for entry in turns[begin:end] if entry.topic == ConsentWithdrawn.TOPIC)
        yield Grant(turns[begin], withdrawals, _is_over(turns[begin], withdrawals, at))


def _is_over(given: Entry, withdrawals: tuple[Entry, ...], at: datetime) -> bool:
    last = given.data.get("valid_to")
    whole = any(not many(one.data.get("partial_scope")) for one in withdrawals)
    return last is not None and not whole and end_of(read_day(last)) < at


def _rested_on(disclosure: Entry, grants: tuple[Grant, ...]) -> Grant:
    """Return the grant that a disclosure names, else the last one given before it, else the first."""
    named = many(disclosure.data.get("consent_entries"))
    by_entry = [grant for grant in grants if grant.given.version in named]
    earlier = [grant for grant in grants if grant.given.happened <= disclosure.happened]
    return (by_entry or earlier or grants[:1])[-1]


def _concerns(withdrawal: Entry, disclosure: Entry) -> bool:
    """Whether a withdrawal is about all recipients, or about one of a disclosure's."""
    part = many(withdrawal.data.get("partial_scope"))
    return not part or not set(part).isdisjoint(many(disclosure.data["to"]))


def _made(disclosure: Entry, withdrawal: Entry) -> str:
    if disclosure.happened < withdrawal.happened:
        return BEFORE
    return BETWEEN if disclosure.happened < withdrawal.recorded_at else AFTER


def _told(
    disclosure: Entry, withdrawals: tuple[Entry, ...], tellers: Sequence[Entry]
) -> Iterator[tuple[str, int | None]]:
    """Yield each recipient whom the withdrawals concern, with the first entry that shows that they were told.

    That is one which says so, or a disclosure made to them once the withdrawal was on record.
    """
    about = {one.version for one in withdrawals}
    on_record = min(one.recorded_at for one in withdrawals)
    whole = any(not many(one.data.get("partial_scope")) for one in withdrawals)
    part = {item for one in withdrawals for item in many(one.data.get("partial_scope"))}
    for recipient in map(str, many(disclosure.data["to"])):
        if not whole and recipient not in part:
            continue
        shown = [
            entry.version for entry in tellers if entry is not disclosure and _tells(entry, recipient, about, on_record)
        ]
        yield recipient, min(shown, default=None)


def _tells(entry: Entry, recipient: str, about: set[int], on_record: datetime) -> bool:
    if entry.topic == RecipientTold.TOPIC:
        return entry.data["about"] in about and recipient in many(entry.data["recipients"])
    return entry.happened >= on_record and recipient in many(entry.data["to"])
