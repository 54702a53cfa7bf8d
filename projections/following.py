"""Waiting a moment for a view to follow, so that one reads one's own writes."""

import time

from domain.adoptions import TOPICS as RULE_TOPICS
from ledger.errors import LedgerError
from ledger.store import Ledger
from projections.view import FOLLOW, AnyView

WAIT_SECONDS = 2.0
POLL_SECONDS = 0.02


class ViewMadeAnew(LedgerError):
    """The rows of a view are those of an older version of its code, and may lack what this one asks them."""

    def __init__(self, view: str) -> None:
        super().__init__(
            f"View {view} is being made anew for this version of the program: nothing of it is shown until then."
            " Ask again in a moment; if it stays so, no worker runs or its log says why."
        )


def wait_for(ledger: Ledger, view: AnyView, position: int) -> int:
    """Return how far a view has come, at the latest after two seconds, sooner once it has reached a position.

    Events that do not bear on the view are not waited for: every look is one, and would hold up the next. Raises
    ViewMadeAnew.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    topics = sorted(view.reads | (RULE_TOPICS if view.by_rules else frozenset[str]()))
    while True:
        reached = _reached(ledger, view)
        if reached >= position:
            return reached
        if not ledger.query(FOLLOW["outstanding"], [reached, position, topics])[0][0]:
            return position
        if time.monotonic() > deadline:
            return reached
        time.sleep(POLL_SECONDS)


def _reached(ledger: Ledger, view: AnyView) -> int:
    tracked = ledger.query(FOLLOW["reached"], [view.name])
    if not tracked:
        return 0
    reached, version = tracked[0]
    if version < view.version:
        raise ViewMadeAnew(view.name)
    return reached
