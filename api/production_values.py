"""What is handed out of a case as JSON values: entries as the recipient sees them, what is left out, what proves them.

Of what is left out there is a fingerprint and a code, and of what may not be told of only how many there are.
"""

from collections.abc import Iterable
from importlib.metadata import version

from api import answers
from api.dossier_proof import verification
from api.dossier_values import Values
from api.production_masking import HandedOut, LeftOut
from domain.case_file import CaseFile
from domain.entries import Entry
from domain.events import BY_TOPIC
from domain.evidence import Grant
from domain.exemptions import EXEMPTIONS
from domain.production import Selection, write_stretches
from domain.time import write_instant, write_moment
from ledger.proof.records import ProofRecords
from ledger.store import Ledger

FORMAT = "caseledger-production/1"


def values_of(
    ledger: Ledger, current: CaseFile, out: HandedOut, answer: Entry, grant: Grant, selection: Selection
) -> Values:
    """Return what an answer hands out; the same as long as what it is made of is."""
    look = out.look
    return {
        "format": FORMAT,
        "generator": {"name": "caseledger", "version": version("caseledger")},
        "case": str(look.file.case),
        "case_number": current.entries[0].data.get("number"),
        "programme": current.entries[0].data.get("programme"),
        "simulated_clock": look.head.simulated,
        "answer": _decided(answer),
        "request": _asked(current, grant),
        "selection": _selected(out, selection),
        "persons": [
            {"ref": one.person.ref, "role": one.person.role, "full_name": one.full_name} for one in look.persons
        ],
        "entries": list(_entries(out)),
        "left_out": [_left_out(one) for one in out.left_out],
        "counted": out.counted,
        "verification": _verification(ledger, out),
    }


def _decided(answer: Entry) -> Values:
    return {
        "version": answer.version,
        "position": answer.position,
        "recorded_at": write_instant(answer.recorded_at),
        "decided_by": {"staff": answer.actor.id, "role": answer.actor.role, "organisation": answer.actor.organisation},
        "outcome": answer.data["outcome"],
        "grounds": answer.data.get("grounds"),
    }


def _asked(current: CaseFile, grant: Grant) -> Values:
    request = current.entries[grant.request - 1]
    return {
        "version": grant.request,
        "kind": grant.kind,
        "by": grant.recipient,
        "about": list(grant.about),
        "received_at": request.data["received_at"],
    }


def _selected(out: HandedOut, selection: Selection) -> Values:
    """Return what was selected; ``complete`` says that it is every entry of the case as of these instants."""
    counted = out.counted
    listed = sorted({*(entry.version for entry in out.look.entries), *(one.version for one in out.left_out)})
    return {
        "entries": write_stretches(listed if counted else selection.entries),
        "complete": not counted and len(selection.entries) == len(out.look.file.entries),
        "known_at": write_instant(selection.known_at),
        "valid_at": None if selection.valid_at is None else write_instant(selection.valid_at),
        "purpose": selection.purpose,
        "access_event": selection.look,
    }


def _entries(out: HandedOut) -> Iterable[Values]:
    """Yield each entry that is told of, in the order of the ledger."""
    whole = {one.version: one for one in out.left_out if one.field is None}
    told = {entry.version: entry for entry in out.look.entries}
    parts = {one.version for one in out.left_out if one.field is not None}
    for number in sorted(whole.keys() | told.keys()):
        if number in whole:
            yield {"version": number, "position": whole[number].position, "told": "withheld"}
        else:
            yield _entry(told[number]) | {"told": "partly" if number in parts else "whole"}


def _entry(entry: Entry) -> Values:
    return {
        "version": entry.version,
        "position": entry.position,
        "event": BY_TOPIC[entry.topic].name(),
        "label": BY_TOPIC[entry.topic].LABEL_DA,
        "occurred_at": write_moment(entry.occurred_at),
        "reached_at": None if entry.reached_at is None else write_moment(entry.reached_at),
        "recorded_at": write_instant(entry.recorded_at),
        "recorded_by": {"staff": entry.actor.id, "role": entry.actor.role},
        "data": answers.entry(entry, None)["data"],
        "reason": entry.reason,
    }


def _left_out(one: LeftOut) -> Values:
    return {
        "version": one.version,
        "field": one.field,
        "paragraph": one.paragraph,
        "code": one.code,
        "provision": EXEMPTIONS[one.code].provision,
        "reason": one.reason or None,
    }


def _verification(ledger: Ledger, out: HandedOut) -> Values:
    """Return leaf and path of each entry that is told of, left out or not; of others nothing."""
    listed = {entry.version for entry in out.look.entries} | {one.version for one in out.left_out}
    positions = [entry.position for entry in out.look.entries] + [one.position for one in out.left_out]
    found = verification(ledger, ProofRecords(ledger), out.look.file.case, max(positions, default=1), listed)
    return found | {"leaves": [one for one in found["leaves"] if one["version"] in listed]}
