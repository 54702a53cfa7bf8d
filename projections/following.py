"""Waiting a moment for a view to follow, so that one reads one's own writes."""

import time

from ledger.store import Ledger
from projections.view import FOLLOW, AnyView

WAIT_SECONDS = 2.0
POLL_SECONDS = 0.02


def wait_for(ledger: Ledger, view: AnyView, position: int) -> int:
    """Return how far a view has come, at the latest after two seconds, sooner once it has reached a position."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        reached = _reached(ledger, view)
        if reached >= position or time.monotonic() > deadline:
            return reached
        time.sleep(POLL_SECONDS)


def _reached(ledger: Ledger, view: AnyView) -> int:
    current = ledger.query(FOLLOW["peek_generation"], [view.name])
    if not current:
        return 0
    tracked = ledger.query(FOLLOW["tracked"], [view.follower(current[0][0])])
    return tracked[0][0] if tracked else 0
