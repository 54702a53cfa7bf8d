"""The demonstration: a ledger with a simulated clock that holds the stories shipped with the program."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from api.opening import Place
from api.principals import command_line_principal
from api.recording import CaseRecorder
from api.rule_adoption import adopt_shipped
from api.stories import load_stories, read_story, shipped_stories
from domain.time import COPENHAGEN
from ledger.errors import LedgerError, NoLedger
from projections.boards import adopted_upto

BEGINS_AT = datetime(2020, 1, 1, tzinfo=COPENHAGEN)
"""Where the clock of a simulated ledger starts unless told otherwise."""


class NotADemonstration(LedgerError):
    """This ledger runs on a real clock. Serving it needs sign-in, which does not exist yet: serve a demonstration."""


def prepare(place: Place, notify: Callable[[str], None]) -> None:
    """Create the demonstration ledger unless it is there, and record the stories that are not in it yet."""
    try:
        with place.ledger() as ledger:
            if not ledger.simulated:
                raise NotADemonstration
    except NoLedger:
        notify("Creating a demonstration ledger (simulated clock) and recording the case stories ...")
        place.create("Demonstration", BEGINS_AT)
    place.migrate()
    with place.ledger() as ledger:
        if not adopted_upto(ledger).adoptions:
            fresh = ledger.head().size == 1
            adopt_shipped(ledger, command_line_principal("create"), BEGINS_AT if fresh else ledger.now())
        stories = [read_story(path) for path in shipped_stories()]
        asyncio.run(load_stories(CaseRecorder(ledger), stories))
