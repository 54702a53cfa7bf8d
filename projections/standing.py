"""Where cases stood at any two instants, however long they are: from their remembered rows where those answer exactly.

The remembered row is the snapshot. What was recorded by an instant had happened by then, for the append refuses facts
of the future. So the row known at the instant is also the answer for a later position, unless an entry recorded in
between bears on it: a late entry, a correction, an annulment, or the opening itself. Then the entries are folded.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.case_set import CaseSet
from domain.events.administration import CaseOpened
from domain.events.retention import PersonalDataErased
from domain.register import ABOUT_ENTRIES
from ledger.queries import load_queries
from ledger.store import Ledger
from projections.boards import PartRow, readable, rows_at
from projections.case_state import state_as_of
from projections.following import ViewMadeAnew
from projections.view import CASE_STATE

STANDING = load_queries("projections", "sql/standing.sql")
ALWAYS = sorted({CaseOpened.TOPIC, PersonalDataErased.TOPIC})
"""Topics of entries that bear on every earlier instant."""


def states_at(
    ledger: Ledger, cases: Collection[UUID], position: int, valid_at: datetime, *, originals: bool = False
) -> Mapping[UUID, dict[str, Any]]:
    """Return where cases stood by what was on record at a position and had happened by an instant.

    Those not opened by then are left out, and those erased whole. What is withheld now is left out of the others,
    unless ``originals`` are asked for. Reads no texts.
    """
    known = min(position, ledger.position_at(valid_at))
    folding = _bearing(ledger, cases, known, position, valid_at, originals=originals)
    rows = _remembered(ledger, frozenset(cases) - folding, known)
    if rows is None:
        folding, rows = frozenset(cases), []
    return {row.case: row.value for row in rows} | _folded(ledger, folding, position, valid_at, originals=originals)


def _remembered(ledger: Ledger, cases: frozenset[UUID], known: int) -> list[PartRow] | None:
    """Return the rows of cases as known at a position; None where the view has not come there, or is made anew."""
    with suppress(ViewMadeAnew):
        reached, rows = rows_at(ledger, CASE_STATE, known, CaseSet(cases))
        return rows if reached >= known else None
    return None


def _bearing(
    ledger: Ledger, cases: Collection[UUID], known: int, position: int, valid_at: datetime, *, originals: bool
) -> frozenset[UUID]:
    """Return the cases in which an entry recorded after one position and by another bears on an instant.

    Where not the originals are asked for, also those in which one recorded later still may withhold something.
    """
    values = {
        "cases": list(cases),
        "known": known,
        "position": position,
        "topics": sorted(CASE_STATE.reads),
        "always": ALWAYS,
        "about": sorted(ABOUT_ENTRIES),
        "valid_at": valid_at,
        "originals": originals,
    }
    return frozenset(case for (case,) in ledger.query(STANDING["bearing_after"], values))


def _folded(
    ledger: Ledger, cases: Collection[UUID], position: int, valid_at: datetime, *, originals: bool
) -> dict[UUID, dict[str, Any]]:
    found = readable(ledger, cases, position, originals=originals) if cases else {}
    return {
        case: state_as_of(entries, valid_at)
        for case, entries in found.items()
        if entries and entries[0].happened <= valid_at
    }
