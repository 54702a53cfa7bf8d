"""Everything about one decision as the register stood when it was made: what a reviewer is shown, as data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.approvals import Submission, submission
from domain.consents import ConsentStatus, consent_ids, consent_status, holders_consent
from domain.custody import custody_holders
from domain.deadlines import Deadline, status
from domain.decisions import HearingCheck, Reached, hearing_checks, hearing_running, parties_of, statuses, unheard_facts
from domain.entries import Entry
from domain.events.assessment import ChildViewObtained
from domain.findings.base import Finding
from domain.known import Known, holds, many
from domain.register import ABOUT_ENTRIES, target
from domain.time import copenhagen_day

LAMPS = (
    "legal_basis",
    "competence",
    "information",
    "hearing",
    "child_view",
    "consent_or_basis",
    "reasons",
    "complaint_guidance",
)
"""What a reviewer checks first of a decision; each is yes, no or not_stated."""


@dataclass(frozen=True, slots=True)
class BasisRow:
    """A fact a decision rests on: when it happened, reached the municipality and was recorded, and what came of it.

    ``in_hearing`` is yes, no or entered_later. ``corrected`` lists field, old and new value of later corrections.
    """

    entry: int
    event: str
    happened: datetime
    recorded_at: datetime
    recorded_by: str
    in_hearing: str
    corrected: tuple[tuple[str, Any, Any], ...]


@dataclass(frozen=True, slots=True)
class Dossier:
    """A decision by the register at the instant it was made, and what was recorded afterwards about that time.

    ``approval`` is the submission it was made by approving, None where it was not sent for approval.
    """

    decision: Entry
    instant: datetime
    statuses: tuple[Reached, ...]
    lamps: Mapping[str, str]
    recorded_then: tuple[int, ...]
    recorded_later_but_occurred_before: tuple[int, ...]
    later_corrections: tuple[int, ...]
    basis: tuple[BasisRow, ...]
    hearings: tuple[HearingCheck, ...]
    hearing_open_until: str | None
    consents_in_force: tuple[str, ...]
    consents_not_in_force: Mapping[str, str]
    deadlines: tuple[tuple[Deadline, str], ...]
    parties: tuple[str, ...]
    findings: tuple[Finding, ...]
    approval: Submission | None = None


def dossier(record: Known, version: int, clocks: Iterable[Deadline], findings: Iterable[Finding]) -> Dossier | None:
    """Return the dossier of a decision; None where the entry is no decision on record.

    ``clocks`` are those of the instant by the register then; ``findings`` those of today.
    """
    decision = record.fact(version)
    if decision is None or decision.topic != "decision_made":
        return None
    instant = decision.happened
    then = record.recorded_by(instant)
    made = then.fact(version) or decision
    consents = [consent_status(then, consent, instant) for consent in consent_ids(then)]
    about = {version, *many(decision.data.get("facts")), *many(decision.data.get("hearing"))}
    running = hearing_running(then, str(made.data["decision"]), instant)
    return Dossier(
        decision=made,
        instant=instant,
        statuses=statuses(record, str(made.data["decision"]), max(e.recorded_at for e in record.entries)),
        lamps=_lamps(then, made),
        recorded_then=tuple(entry.version for entry in then.entries),
        recorded_later_but_occurred_before=_later_known(record, instant),
        later_corrections=_later_corrections(record, instant),
        basis=tuple(_basis(record, then, made)),
        hearings=hearing_checks(then, made),
        hearing_open_until=None if running is None else running.isoformat(),
        consents_in_force=tuple(one.consent for one in consents if one.in_force),
        consents_not_in_force={one.consent: _why(one) for one in consents if _lost(one)},
        deadlines=tuple((clock, status(clock, instant)) for clock in clocks),
        parties=parties_of(then, made, custody_holders(then, instant)),
        findings=tuple(one for one in findings if one.entry in about),
        approval=submission(record.entries, int(made.data.get("submission") or 0)),
    )


def _later_known(record: Known, instant: datetime) -> tuple[int, ...]:
    """Return the facts that had happened by an instant and were recorded after it."""
    return tuple(entry.version for entry in record.entries if entry.happened <= instant < entry.recorded_at)


def _later_corrections(record: Known, instant: datetime) -> tuple[int, ...]:
    """Return the corrections and annulments recorded after an instant that change an entry known then."""
    by_version = {entry.version: entry for entry in record.entries}
    found: list[int] = []
    for entry in record.entries:
        if entry.recorded_at <= instant or entry.topic not in ABOUT_ENTRIES:
            continue
        concerned: Entry | None = entry
        while concerned is not None and concerned.recorded_at > instant:
            about = target(concerned)
            concerned = None if about is None else by_version.get(about)
        if concerned is not None:
            found.append(entry.version)
    return tuple(found)


def _lost(consent: ConsentStatus) -> bool:
    return consent.status in ("withdrawn", "refused", "expired")


def _why(consent: ConsentStatus) -> str:
    """Return status and date: of the withdrawal or refusal, or the last day of an expired consent."""
    if consent.status == "expired" and consent.valid_to is not None:
        return f"expired {consent.valid_to.isoformat()}"
    happened = copenhagen_day(consent.entry.occurred_at) if consent.entry else None
    return f"{consent.status} {happened}"


def _basis(record: Known, then: Known, decision: Entry) -> Iterable[BasisRow]:
    """Yield the facts a decision rests on, with the values relied on and what was corrected since."""
    unheard = {entry.version for entry in unheard_facts(then, decision)}
    sent = {fact for version in many(decision.data.get("hearing")) for fact in _facts_of(then, version)}
    for version in many(decision.data.get("facts")):
        fact = then.fact(version)
        if fact is not None:
            heard = "entered_later" if version in unheard else "yes" if version in sent else "no"
            yield BasisRow(
                version, fact.topic, fact.happened, fact.recorded_at, fact.actor.id, heard, _corrections(record, fact)
            )


def _facts_of(then: Known, version: int) -> tuple[int, ...]:
    hearing = then.fact(version)
    return many(hearing.data.get("facts")) if hearing is not None else ()


def _corrections(record: Known, fact: Entry) -> tuple[tuple[str, Any, Any], ...]:
    """Return which fields of a fact have another value now than they had then."""
    now = record.fact(fact.version)
    if now is None:
        return (("annulled", None, None),)
    names = sorted(fact.data.keys() | now.data.keys())
    return tuple((n, fact.data.get(n), now.data.get(n)) for n in names if fact.data.get(n) != now.data.get(n))


def _lamps(then: Known, decision: Entry) -> Mapping[str, str]:
    """Return what a reviewer checks first, answered from the register at the decision."""
    view = then.fact(decision.data.get("child_view"))
    checks = hearing_checks(then, decision)
    consent = holders_consent(then, decision.happened)
    guidance = decision.data.get("complaint_guidance")
    answers = {
        "legal_basis": _lamp(bool(many(decision.data.get("legal_basis")))),
        "competence": _lamp(decision.data.get("competence_ref") is not None),
        "information": "yes" if many(decision.data.get("facts")) else "not_stated",
        "hearing": "not_stated" if not checks else _lamp(all(check.ok for check in checks)),
        "child_view": _lamp(view is not None and view.topic == ChildViewObtained.TOPIC),
        "consent_or_basis": "not_stated" if not consent.holders else _lamp(consent.satisfied),
        "reasons": "yes" if holds(decision, "grounds") or decision.data.get("letter_hash") else "not_stated",
        "complaint_guidance": "not_stated" if guidance is None else _lamp(guidance is True),
    }
    return {lamp: answers[lamp] for lamp in LAMPS}


def _lamp(answer: bool) -> str:
    return "yes" if answer else "no"
