"""Where one case stood at any two instants, however long it is: from its remembered row where that answers exactly.

The remembered row is the snapshot. What was recorded by an instant had happened by then, for the append refuses facts
of the future. So the row known at the instant is also the answer for a later position, unless an entry recorded in
between bears on it: a late entry, a correction, an annulment, or the opening itself. Then the entries are folded.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.case_set import CaseSet
from domain.events.administration import CaseOpened
from domain.events.retention import PersonalDataErased
from domain.register import ABOUT_ENTRIES
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.queries import load_queries
from ledger.store import Ledger
from projections.boards import rows_at
from projections.case_state import state_as_of
from projections.following import ViewMadeAnew
from projections.view import CASE_STATE, FOLLOW, is_forgotten

STANDING = load_queries("projections", "sql/standing.sql")
ALWAYS = sorted(ABOUT_ENTRIES | {CaseOpened.TOPIC, PersonalDataErased.TOPIC})
"""Topics of entries that bear on every earlier instant."""


def state_at(ledger: Ledger, case: UUID, position: int, valid_at: datetime | None = None) -> dict[str, Any] | None:
    """Return where a case stood by what was on record at a position and had happened by an instant (None: all of it).

    None before it is opened, and of a case erased whole by then. Reads no texts; what is withheld is not left out.
    """
    known = position if valid_at is None else min(position, ledger.position_at(valid_at))
    if known == position or not _bears_after(ledger, case, known, position, valid_at):
        with suppress(ViewMadeAnew):  # one case is folded sooner than all are
            reached, rows = rows_at(ledger, CASE_STATE, known, CaseSet(frozenset({case})))
            if reached >= known:
                return rows[0].value if rows else None
    return _folded(ledger, case, position, valid_at)


def _bears_after(ledger: Ledger, case: UUID, known: int, position: int, valid_at: datetime | None) -> bool:
    values = [case, known, position, sorted(CASE_STATE.reads), ALWAYS, valid_at]
    return ledger.query(STANDING["bears_after"], values)[0][0]


def _folded(ledger: Ledger, case: UUID, position: int, valid_at: datetime | None) -> dict[str, Any] | None:
    found = ledger.query(FOLLOW["entries_of_keys"], [[case], sorted(CASE_STATE.reads), position])
    state = CASE_STATE.state(read_clear(StoredRow(*row)) for row in found)
    if is_forgotten(state) or not CASE_STATE.turns(state):
        return None
    return state_as_of(state, valid_at)
