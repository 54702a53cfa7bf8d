"""What the API says about erasures, as JSON values."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from api.rule_answers import instant
from domain.case_file import CaseFile
from domain.entries import Entry
from domain.erased import erasures_among
from domain.erasure import case_stops, proposal_state
from domain.events.retention import CiphertextRemoved, ErasureProposed
from domain.findings.erasures import Told, recipients_of_erased
from domain.known import Known, many
from domain.stops import Stop

Values = dict[str, Any]


def erasures(case: CaseFile, known: Known, at: datetime) -> Values:
    """Return proposals, erasures and recipients of a case as of an instant; ``known`` is what the reader may see."""
    proposals = [entry for entry in known.entries if entry.topic == ErasureProposed.TOPIC and entry.happened <= at]
    told = recipients_of_erased(known, at)
    return {
        "proposals": [_proposal(case, known, entry, at) for entry in proposals],
        "erasures": [_erasure(known, entry) for entry in erasures_among(known.entries) if entry.happened <= at],
        "recipients": [asdict(one) | {"sent": list(one.sent)} for one in told],
    }


def untold(case: UUID, known: Known, at: datetime) -> list[Values]:
    """Return the erasures of a case that had happened by an instant, each with the recipients not told of it."""
    missing: dict[int, list[Told]] = {}
    for one in recipients_of_erased(known, at):
        if one.told_by is None:
            missing.setdefault(one.erasure, []).append(one)
    return [_untold(case, known.entries[version - 1], told) for version, told in missing.items()]


def _untold(case: UUID, erasure: Entry, told: Sequence[Told]) -> Values:
    return {
        "case": str(case),
        "erasure": erasure.version,
        "ground": erasure.data.get("ground"),
        "scope": erasure.data.get("scope"),
        "recorded_at": instant(erasure.recorded_at),
        "recipients": [{"recipient": one.recipient, "sent": list(one.sent)} for one in told],
    }


def _proposal(case: CaseFile, known: Known, entry: Entry, at: datetime) -> Values:
    """Return a proposal with how it stands; while it is open, with what stands against it."""
    state = proposal_state(known, entry)
    stops = case_stops(case, entry, at) if state.state == "open" else ()
    return {
        "entry": entry.version,
        "ground": entry.data.get("ground"),
        "scope": entry.data.get("scope"),
        "subject": entry.data.get("subject"),
        "entries": list(many(entry.data.get("entries"))),
        "legal_basis": list(many(entry.data.get("legal_basis"))),
        "reason": entry.data.get("reason"),
        "proposed_by": entry.actor.id,
        "proposed_at": instant(entry.recorded_at),
        "state": state.state,
        "settled_by": [one.version for one in state.by],
        "stops": [_stop(one) for one in stops],
    }


def _stop(stop: Stop) -> Values:
    return {"code": stop.code, "text": stop.text, "entries": list(stop.entries), "detail": stop.detail}


def _erasure(known: Known, entry: Entry) -> Values:
    data = entry.data
    removed = [one for one in known.of(CiphertextRemoved) if one.data["erasure"] == entry.version]
    return {
        "entry": entry.version,
        "ground": data.get("ground"),
        "scope": data.get("scope"),
        "subject": data.get("subject"),
        "entries": list(many(data.get("entries"))),
        "basis": list(many(data["basis"])),
        "approved_by": data["approved_by"],
        "proposal": data.get("proposal"),
        "reapplied": data.get("reapplied", False),
        "recorded_at": instant(entry.recorded_at),
        "ciphertext_removed_from": sum(one.data["entries"] for one in removed),
    }
