"""Parts of a decision's dossier: what was not on record, what came later, consents on both clocks, the hearing.

``record`` is everything on record of the case as asked, ``then`` what was on record when the decision was made.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.consents import ConsentStatus, consent_ids, consent_status, missing_joint
from domain.decisions import delay_requests, hearings_of, responses, unheard_facts
from domain.entries import Entry
from domain.known import Known, many
from domain.register import ABOUT_ENTRIES, ANNULLED, Correction, history, target
from domain.time import start_of


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact that had happened when a decision was made and was recorded after it.

    ``reached`` is when it came to the municipality's knowledge; ``by_decider`` says that whoever decided took it in.
    """

    entry: Entry
    reached: datetime
    by_decider: bool


@dataclass(frozen=True, slots=True)
class Since:
    """A correction or annulment recorded after a decision that changes what was on record then.

    ``concerned`` is the entry known then that it changes in the end, ``about`` the one it names. Of an annulment field
    and values are None.
    """

    entry: Entry
    concerned: int
    about: int
    in_force: bool
    correction: Correction | None


@dataclass(frozen=True, slots=True)
class ConsentThen:
    """How a consent stood at an instant, by the register then and by everything on record now."""

    consent: str
    by_record_then: ConsentStatus
    by_all_facts: ConsentStatus
    missing_joint: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HearingParts:
    """A hearing of a decision: what was sent, what came back, and who asked for more time.

    ``requests_recorded_later`` are requests to wait that had been made and were not on record at the decision.
    """

    sent: Entry
    facts: tuple[int, ...]
    responses: tuple[int, ...]
    delay_requests: tuple[int, ...]
    requests_recorded_later: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HearingDifference:
    """What was decided on against what was sent: facts never sent, recorded after it was sent, and sent in vain."""

    decided_on: tuple[int, ...]
    not_sent: tuple[int, ...]
    entered_later: tuple[int, ...]
    sent_not_relied_on: tuple[int, ...]


def decider_of(decision: Entry) -> str:
    """Return who decided: whom the decision names, else whoever entered it."""
    return str(decision.data.get("decided_by") or decision.actor.id)


def missing_then(record: Known, decision: Entry) -> tuple[tuple[Missing, ...], tuple[Missing, ...]]:
    """Return the facts that had happened by a decision and were not on record: those that had reached the municipality,
    and those that it came to know of later.
    """
    instant, decider = decision.happened, decider_of(decision)
    reached: list[Missing] = []
    later: list[Missing] = []
    for entry in record.entries:
        if entry.topic in ABOUT_ENTRIES or entry.withheld or not entry.happened <= instant < entry.recorded_at:
            continue
        if entry.version == decision.version:
            continue
        known = start_of(entry.reached_at) if entry.reached_at is not None else entry.happened
        found = Missing(entry, known, entry.actor.id == decider)
        (reached if known <= instant else later).append(found)
    return tuple(reached), tuple(later)


def changed_since(record: Known, instant: datetime) -> tuple[Since, ...]:
    """Return the corrections and annulments recorded after an instant that change an entry known then, in order."""
    by_version = {entry.version: entry for entry in record.entries}
    past = history(record.entries)
    found: list[Since] = []
    for entry in record.entries:
        about = target(entry)
        if about is None or entry.recorded_at <= instant:
            continue
        concerned = _concerned(by_version, about, instant)
        if concerned is not None:
            found.append(_since(entry, concerned, about, past.get(about)))
    return tuple(found)


def _concerned(by_version: dict[int, Entry], about: int, instant: datetime) -> int | None:
    """Return the entry on record at an instant that a chain of corrections ends in; None for one of later entries."""
    entry: Entry | None = by_version.get(about)
    while entry is not None and entry.recorded_at > instant:
        further = target(entry)
        entry = None if further is None else by_version.get(further)
    return None if entry is None else entry.version


def _since(entry: Entry, concerned: int, about: int, past: Any) -> Since:
    if entry.topic == ANNULLED:
        annulment = past.annulment if past is not None else None
        standing = annulment is not None and annulment.in_force and annulment.version == entry.version
        return Since(entry, concerned, about, standing, None)
    corrections = past.corrections if past is not None else ()
    correction = next((one for one in corrections if one.version == entry.version), None)
    return Since(entry, concerned, about, correction is not None and correction.in_force, correction)


def consents_then(record: Known, then: Known, instant: datetime) -> Iterator[ConsentThen]:
    """Yield every consent that either clock knows of, in the order given."""
    for consent in dict.fromkeys((*consent_ids(then), *consent_ids(record))):
        by_record_then, by_all_facts = (consent_status(known, consent, instant) for known in (then, record))
        yield ConsentThen(consent, by_record_then, by_all_facts, missing_joint(then, consent, instant))


def hearing_parts(record: Known, then: Known, decision: Entry) -> Iterator[HearingParts]:
    """Yield each hearing of a decision with what was sent and what came of it, by the register then."""
    instant = decision.happened
    for sent in hearings_of(then, decision):
        asked = [one.version for one in delay_requests(then, sent) if one.happened <= instant]
        asked_by_now = [one.version for one in delay_requests(record, sent) if one.happened <= instant]
        yield HearingParts(
            sent,
            many(sent.data.get("facts")),
            tuple(one.version for one in responses(then, sent) if one.happened <= instant),
            tuple(asked),
            tuple(version for version in asked_by_now if version not in asked),
        )


def hearing_difference(then: Known, decision: Entry) -> HearingDifference:
    """Return how the facts a decision rests on differ from those that were sent for hearing."""
    decided_on = many(decision.data.get("facts"))
    hearings = hearings_of(then, decision)
    sent = tuple(dict.fromkeys(fact for one in hearings for fact in many(one.data.get("facts"))))
    answers = {one.version for hearing in hearings for one in responses(then, hearing)}
    return HearingDifference(
        decided_on,
        tuple(version for version in decided_on if version not in sent and version not in answers),
        tuple(entry.version for entry in unheard_facts(then, decision)),
        tuple(version for version in sent if version not in decided_on),
    )
