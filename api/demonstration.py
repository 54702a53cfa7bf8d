"""The demonstration: a ledger with a simulated clock that holds the stories shipped with the program."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from api.access_acts import AccessKeeper
from api.drafting import Commit
from api.opening import Place
from api.principals import command_line_principal
from api.recording import CaseRecorder
from api.rule_adoption import adopt_shipped
from api.sign_in.local import PEOPLE
from api.stories import Story, load_stories, read_story, shipped_stories
from domain.events.reach import AccessGranted
from domain.time import COPENHAGEN
from ledger.errors import LedgerError, NoLedger
from ledger.store import Ledger
from projections.boards import adopted_upto
from projections.follower import Follower
from projections.view import VIEWS

BEGINS_AT = datetime(2020, 1, 1, tzinfo=COPENHAGEN)
"""Where the clock of a simulated ledger starts unless told otherwise."""


class NotADemonstration(LedgerError):
    """This ledger has a real clock and is no demonstration: serve it without --demonstration, with sign-in set up."""


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
        cases = asyncio.run(load_stories(CaseRecorder(ledger), stories))
        asyncio.run(_let_staff_in(ledger, stories, cases))
    _follow(place.conninfo)


def _follow(conninfo: str) -> None:
    """Bring the views up to date, so that the first list anybody asks for is whole."""
    for view in VIEWS.values():
        follower = Follower(conninfo, view)
        try:
            while follower.step():
                continue
        finally:
            follower.close()


async def _let_staff_in(ledger: Ledger, stories: Sequence[Story], cases: Mapping[str, UUID]) -> None:
    """Grant the people of the demonstration the cases in which they have acted, once."""
    keeper = AccessKeeper(ledger, CaseRecorder(ledger))
    principal = command_line_principal("operations", internal=True)
    for story in stories:
        acted = {step.principal.id for step in story.steps} & PEOPLE.keys()
        for staff in sorted(acted):
            grant = AccessGranted(staff=staff, role=PEOPLE[staff].role, basis="demonstration", case=cases[story.id])
            key = f"demonstration grant {story.id} {staff}"
            await keeper.grant(principal, grant, Commit((), key, key.encode()))
