"""Where cases stood at any two instants, however long they are: from their remembered rows where those answer exactly.

The remembered row is the snapshot. What was recorded by an instant had happened by then, for the append refuses facts
of the future. So the row known at the instant is also the answer for a later position, unless an entry recorded in
between bears on it: a late entry, a correction, an annulment, or the opening itself. A long case is then folded from
the milestone before the instant, a short one from its beginning.

Only a reader from whom something is withheld, and who asks about a position before the last correction or annulment,
has the whole of a long case folded.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import groupby, starmap
from operator import attrgetter
from typing import Any
from uuid import UUID

from domain.events.administration import CaseOpened
from domain.events.retention import PersonalDataErased
from domain.register import ABOUT_ENTRIES
from domain.time import write_instant
from domain.withheld import HIDDEN_KINDS
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.queries import load_queries
from ledger.store import Ledger
from projections.boards import readable
from projections.case_state import TOPICS, state_as_of
from projections.following import ViewMadeAnew, wait_for
from projections.milestones import instant_of, runs_of, state_after
from projections.view import CASE_STATE, MILESTONES

STANDING = load_queries("projections", "sql/standing.sql")
ALWAYS = sorted({CaseOpened.TOPIC, PersonalDataErased.TOPIC})
"""Topics of entries that bear on every earlier instant."""

OPENING = (1, 1)
"""From which version on and until which one the opening of a case stands."""

Passed = tuple[datetime, dict[str, Any]]
"""The milestone before an instant, and what is remembered of it."""


def states_at(
    ledger: Ledger, cases: Collection[UUID], position: int, valid_at: datetime, *, originals: bool = False
) -> Mapping[UUID, dict[str, Any]]:
    """Return where cases stood by what was on record at a position and had happened by an instant.

    Those not opened by then are left out, and those erased whole. What is withheld now is left out of the others,
    unless ``originals`` are asked for. Reads no texts.
    """
    known = min(position, ledger.position_at(valid_at))
    folding = frozenset[UUID]() if originals else _withheld_later(ledger, cases, position)
    left = frozenset(cases) - folding
    passed = _passed(ledger, left, position, valid_at) if known < position else {}
    left -= passed.keys()
    if left and known < position:
        folding |= _bearing(ledger, left, known, position, valid_at)
    found = _since(ledger, passed, position, valid_at)
    remembered = _remembered(ledger, left - folding, known)
    if remembered is None:
        folding |= left
    else:
        found |= remembered
    return found | _folded(ledger, folding, position, valid_at, originals=originals)


def _withheld_later(ledger: Ledger, cases: Collection[UUID], position: int) -> frozenset[UUID]:
    """Return the cases in which what was recorded after a position may bear on what is withheld at it."""
    values = {
        "cases": list(cases),
        "position": position,
        "about": sorted(ABOUT_ENTRIES),
        "hidden": sorted(HIDDEN_KINDS),
    }
    return frozenset(case for (case,) in ledger.query(STANDING["withheld_later"], values))


def _remembered(ledger: Ledger, cases: frozenset[UUID], known: int) -> dict[UUID, dict[str, Any]] | None:
    """Return the rows of cases as known at a position; None where the view has not come there, or is made anew."""
    with suppress(ViewMadeAnew):
        if wait_for(ledger, CASE_STATE, known) >= known:
            return dict(ledger.query(STANDING["states_known"], {"cases": list(cases), "position": known}))
    return None


def _bearing(ledger: Ledger, cases: Collection[UUID], known: int, position: int, valid_at: datetime) -> frozenset[UUID]:
    """Return the cases in which an entry recorded after one position and by another bears on an instant."""
    values = {
        "cases": list(cases),
        "known": known,
        "position": position,
        "topics": sorted(CASE_STATE.reads),
        "always": ALWAYS,
        "about": sorted(ABOUT_ENTRIES),
        "valid_at": valid_at,
    }
    return frozenset(case for (case,) in ledger.query(STANDING["bearing_after"], values))


def _passed(ledger: Ledger, cases: Collection[UUID], position: int, valid_at: datetime) -> dict[UUID, Passed]:
    """Return the milestones before an instant as known at a position; of long cases only, where the view is there."""
    with suppress(ViewMadeAnew):
        if wait_for(ledger, MILESTONES, position) >= position:
            values = {"cases": list(cases), "position": position, "upto": write_instant(valid_at)}
            found = ledger.query(STANDING["milestones_before"], values)
            return {case: (instant_of(part), value) for case, part, value in found}
    return {}


def _since(
    ledger: Ledger, passed: Mapping[UUID, Passed], position: int, valid_at: datetime
) -> dict[UUID, dict[str, Any]]:
    """Return where long cases stood, from the milestones before an instant."""
    runs = [(case, *run) for case, (_, value) in passed.items() for run in [OPENING, *runs_of(value)]]
    if not runs:
        return {}
    values = dict(zip(("cases", "firsts", "lasts"), map(list, zip(*runs, strict=True)), strict=True))
    rows = ledger.query(STANDING["entries_of_runs"], values | {"position": position, "topics": sorted(TOPICS)})
    entries = map(read_clear, starmap(StoredRow, rows))
    states: dict[UUID, dict[str, Any]] = {}
    for case, some in groupby(entries, attrgetter("stream")):
        opening, *others = some
        if opening.happened <= valid_at:
            states[case] = state_after(*passed[case], others, valid_at)
    return states


def _folded(
    ledger: Ledger, cases: Collection[UUID], position: int, valid_at: datetime, *, originals: bool
) -> dict[UUID, dict[str, Any]]:
    found = readable(ledger, cases, position, CASE_STATE.reads, originals=originals) if cases else {}
    return {
        case: state_as_of(entries, valid_at)
        for case, entries in found.items()
        if entries and entries[0].happened <= valid_at
    }
