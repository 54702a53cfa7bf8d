"""What the API answers, as JSON values: entries, cases, receipts. One place for the shape of each."""

from collections.abc import Iterable
from typing import Any

from api.reading import BoardLook, CaseLook
from api.recording import Recorded
from domain.cpr import kind_of
from domain.entries import Entry
from domain.events import BY_TOPIC
from domain.lateness import is_late
from domain.register import EntryHistory
from domain.time import write_instant, write_moment


def receipt(recorded: Recorded) -> dict[str, Any]:
    """Return the answer to a recorded request, without proof: the same for the first one and every repeat."""
    return {
        "case": str(recorded.case),
        "commit": str(recorded.commit),
        "version": recorded.version,
        "first_position": recorded.first_position,
        "last_position": recorded.last_position,
        "recorded_at": write_instant(recorded.recorded_at),
        "entries": [
            {"version": version, "position": position, "event": event} for version, position, event in recorded.entries
        ],
        "proof": None,
    }


def case(look: CaseLook) -> dict[str, Any]:
    """Return a case as of the instants asked about."""
    return {
        "case": str(look.file.case),
        "version": look.file.version,
        **look.as_of.values,
        "state": look.state,
        "persons": [
            {
                "ref": p.person.ref,
                "role": p.person.role,
                "person": str(p.person.person),
                "full_name": p.full_name,
                "identifier_kind": kind_of(p.identifier),
            }
            for p in look.persons
        ],
        "recorded_later": look.recorded_later,
        "recorded_later_but_happened_before": look.happened_before,
        "proof": proof(look),
        "access_event": look.access_position,
    }


def proof(look: CaseLook) -> dict[str, Any]:
    """Return what the check of the case's own entries has seen, and where the ledger stands."""
    return {
        "entries_checked": look.file.version,
        "unchanged": not look.faults,
        "faults": [str(fault) for fault in look.faults],
        "ledger": str(look.head.ledger),
        "size": look.head.size,
        "root": look.head.root.hex(),
        "simulated_clock": look.head.simulated,
    }


def events(look: CaseLook, entries: Iterable[Entry], following: str | None) -> dict[str, Any]:
    """Return a page of a case's entries in the order recorded, with the cursor of the next page."""
    return {
        "case": str(look.file.case),
        "version": look.file.version,
        **look.as_of.values,
        "items": [entry(item, look.history.get(item.version)) for item in entries],
        "next": following,
        "access_event": look.access_position,
    }


def event(look: CaseLook, item: Entry) -> dict[str, Any]:
    """Return one entry of a case."""
    return {
        "case": str(look.file.case),
        **look.as_of.values,
        "entry": entry(item, look.history.get(item.version)),
        "access_event": look.access_position,
    }


def entry(item: Entry, past: EntryHistory | None) -> dict[str, Any]:
    """Return an entry as it was written, with what has been said about it since."""
    return {
        "version": item.version,
        "position": item.position,
        "event": BY_TOPIC[item.topic].name(),
        "occurred_at": write_moment(item.occurred_at),
        "reached_at": write_moment(item.reached_at) if item.reached_at else None,
        "recorded_at": write_instant(item.recorded_at),
        "recorded_late": is_late(item),
        "actor": {"id": item.actor.id, "role": item.actor.role, "organisation": item.actor.organisation},
        "commit": str(item.commit),
        "reason": item.reason,
        "legal_basis": list(item.legal_basis),
        "source": item.source,
        "reported_without_gate": item.reported_without_gate,
        "withheld": item.withheld,
        "restricted": list(item.restricted),
        "data": dict(item.data),
        "sealed": list(item.sealed),
        "erased": list(item.erased),
        "unreadable": list(item.unreadable),
        **_past(past),
    }


def board(look: BoardLook, following: str | None) -> dict[str, Any]:
    """Return a page of cases."""
    return {
        **look.as_of.values,
        "computed_to": look.computed_to,
        "erased_cases": look.erased_cases,
        "items": [{"case": str(row.case), "known_from": row.known_from, "state": row.state} for row in look.rows],
        "next": following,
        "access_event": look.access_position,
    }


def _past(past: EntryHistory | None) -> dict[str, Any]:
    corrections = past.corrections if past else ()
    annulment = past.annulment if past else None
    return {
        "corrections": [
            {
                "version": c.version,
                "field": c.field,
                "old": c.old,
                "new": c.new,
                "recorded_at": write_instant(c.recorded_at),
                "in_force": c.in_force,
            }
            for c in corrections
        ],
        "annulled_by": annulment.version if annulment and annulment.in_force else None,
    }
