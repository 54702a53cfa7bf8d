"""The parts of a dossier as JSON values: A what was known, B what was not, C what came since, and on to J."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from typing import Any

from api import answers, rule_answers
from api.principals import Principal
from api.reading import CaseLook
from domain.approvals import Submission
from domain.deadlines import status
from domain.decisions import hearing_checks
from domain.documents import filings
from domain.dossier import Dossier
from domain.dossier_parts import (
    ConsentThen,
    HearingParts,
    Missing,
    Since,
    changed_since,
    consents_then,
    decider_of,
    hearing_difference,
    hearing_parts,
    missing_then,
)
from domain.entries import Entry
from domain.events import BY_TOPIC
from domain.findings.handling import lives
from domain.known import Known, many
from domain.looks import Look
from domain.register import CORRECTED, EntryHistory, history
from domain.rules import Rules
from domain.time import write_instant, write_moment
from replay.questions import CaseQuestions

FORMAT = "caseledger-dossier/1"
Values = dict[str, Any]

RUNNING = ("open", "warning", "extended")
BROKEN = ("breached", "exceeded_with_preliminary", "lapsed", "over_guideline")
MET = ("met", "met_disputed")


@dataclass(frozen=True)
class Material:
    """What a dossier is made of: the case as its reader sees it, as far as it reaches."""

    look: CaseLook
    record: Known
    then: Known
    rules: Rules
    found: Dossier
    position: int

    @property
    def decision(self) -> Entry:
        """The decision as it was on record when it was made."""
        return self.found.decision

    @cached_property
    def past_then(self) -> Mapping[int, EntryHistory]:
        """What had become of each entry by the decision."""
        return history(self.then.entries)

    @cached_property
    def past(self) -> Mapping[int, EntryHistory]:
        """What has become of each entry."""
        return history(self.record.entries)


def proven_entries(material: Material) -> frozenset[int]:
    """Return the entries whose inclusion is proven here: the decision, what it rests on, its hearings."""
    data = material.decision.data
    named = (*many(data.get("facts")), *many(data.get("hearing")), *many(data.get("child_view")))
    return frozenset({material.decision.version, *map(int, named)})


def content_of(
    principal: Principal, material: Material, questions: CaseQuestions, looks: Sequence[Look] | None, proof: Values
) -> Values:
    """Return a dossier as JSON values; without ``looks`` the reader may not know who has looked."""
    record, found, instant = material.record, material.found, material.found.instant
    reached, later = missing_then(record, material.decision)
    since = changed_since(record, instant)
    return _heading(principal, material) | {
        "counts": {
            "known": len(material.then.entries),
            "reached_not_recorded": len(reached),
            "known_of_later": len(later),
            "changed_since": len(since),
        },
        "known": [_known(material, entry) for entry in material.then.entries],
        "not_yet_recorded": [_missing(material, one) for one in reached],
        "recorded_since": {
            "late": [_missing(material, one) for one in later],
            "changes": [_since(one) for one in since],
        },
        "consents": [_consent(one) for one in consents_then(record, material.then, instant)],
        "support": {
            "by_record_then": rule_answers.holders(questions.holders_consent(instant, instant)),
            "by_all_facts": rule_answers.holders(questions.holders_consent(instant)),
        },
        "deadlines": [
            rule_answers.deadline(clock, material.rules, instant) | {"group": _group(status(clock, instant))}
            for clock, _ in found.deadlines
        ],
        "hearing": _hearing(material),
        "basis": [_basis(material, row, looks) for row in found.basis],
        "read_by": None if looks is None else [_look(one, decider_of(material.decision)) for one in looks],
        "findings": _findings(material, questions.last),
        "documents": list(_documents(material)),
        "verification": proof,
        "withheld": list(_withheld(record.entries, told=looks is not None)),
    }


def _heading(principal: Principal, material: Material) -> Values:
    """Return which decision of which case this is about, as of when, and what it came to."""
    look, found, decision = material.look, material.found, material.decision
    opening = look.file.entries[0].data
    last = material.record.entries[-1]
    return {
        "format": FORMAT,
        "generator": {"name": "caseledger", "version": version("caseledger")},
        "case": str(look.file.case),
        "case_number": opening.get("number"),
        "programme": opening.get("programme"),
        "simulated_clock": look.head.simulated,
        "reader": {"staff": principal.id, "role": principal.role, "sees_originals": principal.audits},
        "as_of_position": material.position,
        "as_of_version": last.version,
        "recorded_until": write_instant(last.recorded_at),
        "decision": decision.data["decision"],
        "entry": decision.version,
        "instant": write_instant(found.instant),
        "recorded_at": write_instant(decision.recorded_at),
        "decided_by": decider_of(decision),
        "made": answers.entry(decision, None) | {"label": BY_TOPIC[decision.topic].LABEL_DA},
        "statuses": [{"status": s.status, "entry": s.entry, "at": write_instant(s.at)} for s in found.statuses],
        "approval": _approval(decision, found.approval),
        "lamps": dict(found.lamps),
        "parties": list(found.parties),
        "persons": [
            {"ref": one.person.ref, "role": one.person.role, "full_name": one.full_name} for one in look.persons
        ],
        "rule_books": _books(material.rules, decision.recorded_at),
    }


def _approval(decision: Entry, sent: Submission | None) -> Values | None:
    """Return who prepared a decision, who approved it, and by which entries; None where neither is on record."""
    prepared, approved = decision.data.get("prepared_by"), decision.data.get("approved_by")
    answer = sent.answer if sent else None
    if sent is None and prepared is None and approved is None:
        return None
    return {
        "submission": sent.entry.version if sent else None,
        "sent_at": write_instant(sent.entry.recorded_at) if sent else None,
        "prepared_by": prepared,
        "prepared_on": sent.prepared_on if sent else None,
        "approval": answer.version if answer else None,
        "approved_by": approved,
        "approved_at": write_instant(answer.recorded_at) if answer else None,
        "remarks": answer.data.get("remarks") if answer else None,
    }


def _books(rules: Rules, at: datetime) -> list[Values]:
    """Return the rule books in force when the decision was recorded."""
    return [
        {
            "rule_book": one.book.book.id,
            "version": one.book.book.version,
            "adopted_at_position": one.position,
            "approved_by": one.approved_by,
            "readings": dict(one.readings),
        }
        for one in rules.in_force(at)
    ]


def _entry(entry: Entry) -> Values:
    """Return an entry as it was written, nothing of what was said about it since."""
    told = answers.entry(entry, None)
    for name in ("corrections", "annulled_by", "commit"):
        del told[name]
    return told | {"label": BY_TOPIC[entry.topic].LABEL_DA}


def _known(material: Material, entry: Entry) -> Values:
    """Return an entry on record at the decision, with what had been said about it by then."""
    past = material.past_then.get(entry.version)
    in_force = past is None or not past.annulled
    corrected = sorted({one.field for one in past.corrections if one.in_force}) if past else []
    return _entry(entry) | {"in_force_then": in_force, "corrected_then": corrected}


def _missing(material: Material, one: Missing) -> Values:
    past = material.past.get(one.entry.version)
    return _entry(one.entry) | {
        "reached": write_instant(one.reached),
        "received_by": one.entry.actor.id,
        "by_decider": one.by_decider,
        "in_force": past is None or not past.annulled,
    }


def _since(one: Since) -> Values:
    correction = one.correction
    return {
        "version": one.entry.version,
        "kind": "correction" if one.entry.topic == CORRECTED else "annulment",
        "entry": one.concerned,
        "about": one.about,
        "field": correction.field if correction else None,
        "old": correction.old if correction else None,
        "new": correction.new if correction else None,
        "reason": one.entry.data.get("reason"),
        "in_force": one.in_force,
        "happened": write_moment(one.entry.occurred_at),
        "recorded_at": write_instant(one.entry.recorded_at),
        "recorded_by": one.entry.actor.id,
    }


def _consent(one: ConsentThen) -> Values:
    then, now = one.by_record_then, one.by_all_facts
    given = then.given or now.given or then.entry or now.entry
    data: Mapping[str, Any] = given.data if given else {}
    return {
        "consent": one.consent,
        "kind": data.get("kind"),
        "person": data.get("given_by") or data.get("refused_by"),
        "scope": list(many(data.get("scope"))),
        "data_categories": list(many(data.get("data_categories"))),
        "by_record_then": then.status,
        "by_all_facts": now.status,
        "since_then": then.entry.version if then.entry else None,
        "since_now": now.entry.version if now.entry else None,
        "valid_to": data.get("valid_to"),
        "missing_joint": list(one.missing_joint),
    }


def _group(standing: str) -> str:
    groups = {"running": RUNNING, "broken": BROKEN, "met": MET}
    return next((name for name, members in groups.items() if standing in members), "without_effect")


def _hearing(material: Material) -> Values:
    checks = {check.hearing: check for check in hearing_checks(material.then, material.decision)}
    sent = [_sent(one) for one in hearing_parts(material.record, material.then, material.decision)]
    return {
        "sent": [
            one
            | {"deadline": checks[one["entry"]].deadline.isoformat(), "in_time": checks[one["entry"]].ok}
            | {"days_early": checks[one["entry"]].days_early}
            for one in sent
        ],
        "exception": material.decision.data.get("hearing_exception"),
        "open_until": material.found.hearing_open_until,
        "difference": asdict(hearing_difference(material.then, material.decision)),
    }


def _sent(one: HearingParts) -> Values:
    data = one.sent.data
    return {
        "entry": one.sent.version,
        "party": data.get("party"),
        "happened": write_moment(one.sent.occurred_at),
        "recorded_at": write_instant(one.sent.recorded_at),
        "channel": data.get("channel"),
        "documents": list(many(data.get("documents"))),
        "document_hashes": list(many(data.get("document_hashes"))),
        "facts": list(one.facts),
        "responses": list(one.responses),
        "delay_requests": list(one.delay_requests),
        "delay_requests_recorded_later": list(one.requests_recorded_later),
    }


def _basis(material: Material, row: Any, looks: Sequence[Look] | None) -> Values:
    """Return a fact the decision rests on, with the first look by whoever decided that could have shown it."""
    fact = next(entry for entry in material.record.entries if entry.version == row.entry)
    decider = decider_of(material.decision)
    opened = next((one for one in looks or () if one.viewer == decider and _showed(one, fact)), None)
    return {
        "entry": row.entry,
        "event": BY_TOPIC[row.event].name(),
        "happened": write_instant(row.happened),
        "recorded_at": write_instant(row.recorded_at),
        "recorded_by": row.recorded_by,
        "in_hearing": row.in_hearing,
        "corrected": [list(one) for one in row.corrected],
        "opened_by_decider": None if opened is None else write_instant(opened.looked_at),
    }


def _showed(look: Look, fact: Entry) -> bool:
    return not look.refused and look.as_of_position is not None and look.as_of_position >= fact.position


def _look(one: Look, decider: str) -> Values:
    return {
        "position": one.position,
        "at": write_instant(one.looked_at),
        "viewer": one.viewer,
        "role": one.role,
        "organisation": one.organisation,
        "purpose": one.purpose,
        "what": one.what,
        "as_of_position": one.as_of_position,
        "known_at": rule_answers.instant(one.known_at),
        "refused": one.refused,
        "break_glass": one.break_glass,
        "decider": one.viewer == decider,
    }


def _findings(material: Material, at: datetime) -> list[Values]:
    """Return what a careful reader would point out about the decision and what it rests on, with what became of it."""
    return [rule_answers.life(one, at) for one in lives(material.found.findings, material.record, at)]


def _documents(material: Material) -> Iterable[Values]:
    """Yield every version of a document filed by the decision, and how it stood when last checked by the end."""
    then = {entry.version for entry in material.then.entries}
    for filing in filings(material.record):
        if filing.entry.version not in then:
            continue
        data = filing.entry.data
        yield {
            "entry": filing.entry.version,
            **{name: data.get(name) for name in ("document", "version", "direction", "theme", "media_type", "size")},
            "commitment": data.get("commitment"),
            "for_entry": data.get("for_entry"),
            "recorded_at": write_instant(filing.entry.recorded_at),
            "last_check": filing.state,
            "in_force": filing.in_force,
        }


def _withheld(entries: Iterable[Entry], *, told: bool) -> Iterable[Values]:
    """Yield what is not told to this reader, and why."""
    if not told:
        yield {"part": "read_by", "entry": None, "fields": [], "because": "role"}
    for entry in entries:
        if entry.withheld:
            yield {"part": None, "entry": entry.version, "fields": [], "because": "withheld_entry"}
        for because, fields in (
            ("original_withheld", entry.restricted),
            ("erased", entry.erased),
            ("key_missing", entry.unreadable),
        ):
            if fields:
                yield {"part": None, "entry": entry.version, "fields": sorted(fields), "because": because}
