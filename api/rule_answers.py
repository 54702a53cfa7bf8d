"""What the API says about clocks, consents, findings and gates, as JSON values: one shape for each."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from api.acts import CheckedDisclosure, gap_code
from api.reading import CaseLook
from domain import withdrawals
from domain.consents import (
    ConsentStatus,
    HoldersConsent,
    consent_ids,
    consent_status,
    entries_of,
    missing_joint,
    periods,
)
from domain.deadlines import Deadline, late_by, plain_status, status
from domain.decision_gate import Stop
from domain.disclosure_gate import StatutoryBasis, possible_bases
from domain.disclosures import Cover, covers, disclosures
from domain.events import BY_TOPIC
from domain.findings.base import Finding
from domain.findings.catalogue import CHECKS, level_of
from domain.findings.handling import Life
from domain.known import Known, many
from domain.rules import Rules
from domain.time import write_instant
from domain.warning import Warned
from domain.withdrawals import GoneOut
from replay.questions import DueChange

Values = dict[str, Any]


def instant(value: datetime | None) -> str | None:
    """Return an instant as fixed-width UTC text."""
    return None if value is None else write_instant(value)


def deadline(clock: Deadline, rules: Rules, at: datetime) -> Values:
    """Return one clock with its rule in words, how it stands, and by how much it is late."""
    late = late_by(clock, at)
    found = rules.as_adopted(clock.book, clock.book_version, clock.rule, clock.rule_version)
    return {
        "rule": clock.rule,
        "rule_version": clock.rule_version,
        "rule_book": clock.book,
        "rule_book_version": clock.book_version,
        "level": clock.level,
        "duty": None if found is None else {"da": found.danish, "en": found.english},
        "citation": None if found is None else found.citation,
        "verification": None if found is None else found.verification_note or found.verification,
        "for_citizen": clock.citizen,
        "subject": clock.subject,
        "trigger": clock.trigger,
        "number": clock.number,
        "started": instant(clock.started),
        "not_before": instant(clock.not_before),
        "warn_at": instant(clock.warn_at),
        "due": instant(clock.due),
        "status": status(clock, at),
        "status_by_time_alone": plain_status(clock, at),
        "satisfied_by": clock.satisfied_by,
        "satisfied_at": instant(clock.satisfied_at),
        "late_by_seconds": int(late.total_seconds()) if late is not None and clock.in_hours else None,
        "late_by_days": late.days if late is not None and not clock.in_hours else None,
        "extended_to": instant(clock.extended_to),
        "ended_by": clock.cancelled_by or clock.settled_by,
        "superseded_by": clock.superseded_by,
        "disputed_because": clock.dispute,
    }


def warning(one: Warned) -> Values:
    """Return a warning: which entry, at which level, how and to whom, whether it arrived, when it was opened."""
    data = one.sent.data
    return {
        "entry": one.sent.version,
        "sent_at": instant(one.sent.happened),
        **{name: data[name] for name in ("level", "channel", "recipient", "attempt", "due")},
        "delivered": one.arrived,
        "not_delivered_because": None if one.failed is None else one.failed.data["reason"],
        "opened_at": None if one.opened is None else instant(one.opened.happened),
    }


def due_changes(changes: Sequence[DueChange]) -> list[Values]:
    """Return the due dates a clock has had, and since when each was known."""
    return [{"due": instant(c.due), "known_from": c.known_from, "recorded_at": instant(c.recorded_at)} for c in changes]


def consents(known: Known, at: datetime) -> list[Values]:
    """Return every consent with how it stands, its terms and when it was in force."""
    return [_consent(known, consent_status(known, consent, at), at) for consent in consent_ids(known)]


def _consent(known: Known, found: ConsentStatus, at: datetime) -> Values:
    entries = entries_of(known, found.consent)
    terms = next(entry.data for entry in reversed(entries) if "scope" in entry.data or entry is entries[0])
    return {
        "consent": found.consent,
        "status": found.status,
        "kind": terms.get("kind"),
        "person": terms.get("given_by") or terms.get("refused_by"),
        "capacity": terms.get("capacity"),
        "on_behalf_of": terms.get("on_behalf_of"),
        "scope": list(terms.get("scope") or ()),
        "scope_left": list(found.scope),
        "data_categories": list(terms.get("data_categories") or ()),
        "valid_from": terms.get("valid_from"),
        "valid_to": terms.get("valid_to"),
        "missing_joint": list(missing_joint(known, found.consent, at)),
        "periods": [
            {
                "begins": instant(period.begins),
                "ends": instant(period.ends),
                "begun_by": period.begun_by,
                "ended_by": period.ended_by,
            }
            for period in periods(known, found.consent)
        ],
        "entries": [
            {
                "version": entry.version,
                "event": BY_TOPIC[entry.topic].name(),
                "happened": instant(entry.happened),
                "recorded_at": instant(entry.recorded_at),
            }
            for entry in entries
        ],
        "gone_out": gone_out(known, found.consent, at),
    }


def gone_out(known: Known, consent: str, at: datetime) -> list[Values]:
    """Return what had gone out on a consent that has ended, to whom, and whether they were told of the withdrawal."""
    return [_gone_out(known, row) for row in withdrawals.gone_out(known, consent, at)]


def _gone_out(known: Known, row: GoneOut) -> Values:
    data = row.disclosure.data
    both = covers(known, row.disclosure.version)
    return {
        "consent": row.consent,
        "entry": row.disclosure.version,
        "happened": instant(row.disclosure.happened),
        "recorded_at": instant(row.disclosure.recorded_at),
        "to": list(many(data["to"])),
        "recipient_person": data.get("recipient_person"),
        "about": list(many(data.get("about"))),
        "data_categories": list(many(data.get("data_categories"))),
        "documents": [_document(known, version) for version in many(data.get("documents_filed"))],
        "document_hashes": list(many(data.get("document_hashes"))),
        "given_by_entry": row.given.version,
        "withdrawn_by_entries": [entry.version for entry in row.withdrawals],
        "made": row.made,
        "by_record_then": None if both is None else _cover(both.by_record_then),
        "by_all_facts": None if both is None else _cover(both.by_all_facts),
        "told": [{"recipient": recipient, "entry": entry} for recipient, entry in row.told],
    }


def _document(known: Known, version: int) -> Values:
    """Return which document an entry filed; only the entry where it is withheld from the reader."""
    (filed,) = (entry for entry in known.entries if entry.version == version)
    return {"entry": version} | {name: filed.data.get(name) for name in ("document", "version", "commitment")}


def uses(known: Known, happened_by: datetime) -> list[Values]:
    """Return every disclosure with how it was covered, by the register then and by all facts."""
    found: list[Values] = []
    for entry in disclosures(known):
        both = covers(known, entry.version)
        if both is not None and entry.happened <= happened_by:
            found.append(
                {
                    "version": entry.version,
                    "event": BY_TOPIC[entry.topic].name(),
                    "happened": instant(entry.happened),
                    "to": entry.data.get("to") or entry.data.get("obtained_from"),
                    "consents": list(entry.data.get("consents") or ()),
                    "by_record_then": _cover(both.by_record_then),
                    "by_all_facts": _cover(both.by_all_facts),
                }
            )
    return found


def _cover(found: Cover) -> Values:
    return {"answer": found.answer, "basis": found.basis, "missing": [gap_code(gap) for gap in found.gaps]}


def holders(found: HoldersConsent) -> Values:
    """Return whose consent to support is there and whose is missing."""
    return {"holders": list(found.holders), "missing": list(found.missing), "satisfied": found.satisfied}


def finding(found: Finding) -> Values:
    """Return one finding in words, with its source and how binding the rule behind it is."""
    check = CHECKS[found.code]
    return {
        "code": found.code,
        "level": level_of(found),
        "entry": found.entry,
        "rests_on": list(found.rests_on),
        "key": found.key or None,
        "detail": dict(found.detail),
        "explanation": {"da": check.explain(found), "en": check.explain(found, "en")},
        "citation": check.citation,
        "verification": check.verification,
    }


def life(found: Life, at: datetime) -> Values:
    """Return a finding with what became of it by an instant, and who deals with it until when."""
    return finding(found.finding) | {
        "state": found.state,
        "since": instant(found.since),
        "handle_by": instant(found.handle_by),
        "overdue": found.overdue(at),
        "responsible": found.assessed.data.get("responsible") if found.assessed else None,
        "assessed_by": found.assessed.version if found.assessed else None,
        "remedied_by": found.remedied.version if found.remedied else None,
    }


def gate(checked: CheckedDisclosure) -> Values:
    """Return what the gate before a disclosure says: first the laws that might carry it, then consent."""
    answer = checked.answer
    return {
        "open": answer.open,
        "statutory_bases": list(map(_basis, possible_bases(checked.proposal))),
        "about": list(checked.proposal.about),
        "consents": list(answer.consents),
        "consent_entries": list(answer.consent_entries),
        "missing": [gap_code(gap) for gap in answer.gaps],
        "not_overridable": [gap_code(gap) for gap in answer.protected],
    }


def _basis(basis: StatutoryBasis) -> Values:
    return {
        "citation": basis.citation,
        "applies_when": {"da": basis.danish, "en": basis.english},
        "verification": basis.verification,
        "to_be_confirmed": True,
    }


def stops(found: Iterable[Stop]) -> list[Values]:
    """Return what stands against a decision."""
    return [finding(stop.finding) | {"overridable": stop.overridable} for stop in found]


def frame(look: CaseLook, at: datetime) -> Values:
    """Return what every answer about a case says of itself."""
    return {
        "case": str(look.file.case),
        "version": look.file.version,
        **look.as_of.values,
        "clock": instant(at),
        "access_event": look.access_position,
    }
