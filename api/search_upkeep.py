"""Keeping the search index up to date beside the views, and giving it a new key."""

import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

from api.opening import Place
from api.principals import Principal
from domain.entries import Draft
from domain.erased import Erased
from domain.events.administration import KeyRotated
from domain.events.base import Envelope
from ledger.errors import KeyMissing, LedgerError
from ledger.requests import Appended, Part, Request
from ledger.search_index import SearchIndex
from ledger.store import Ledger

PURPOSE = "search_index"
EVERY_SECONDS = 60.0
"""How long the index is left alone; whoever searches meanwhile brings it up to date."""


class RotationNotRecorded(LedgerError):
    """The index has its new key, but the ledger took no record of it: run the command again."""


def rebuild(ledger: Ledger, principal: Principal) -> tuple[int, int]:
    """Make the index anew under a new key, destroy the old key, and put that on record.

    Returns how many people can be found, and in how many cases.
    """
    index = SearchIndex(ledger)
    old, new = index.rebuild()
    if old is not None:
        _put_on_record(ledger, principal, KeyRotated(purpose=PURPOSE, old_key=str(old), new_key=str(new)))
    return index.count()


def forgetting(ledger: Ledger) -> Callable[[Erased], None]:
    """Return what removes people from the index whose keys were destroyed by a decision on record."""
    index = SearchIndex(ledger)

    def forget(erased: Erased) -> None:
        if erased.persons:
            index.forget(erased.persons)

    return forget


def kept_up(place: Place) -> Callable[[threading.Event], None]:
    """Return what brings the index up to date now and then until told to stop; nothing where the keys are not here."""

    def run(stop: threading.Event) -> None:
        said = ""
        while not stop.wait(EVERY_SECONDS):
            try:
                with place.ledger() as ledger:
                    index, head = SearchIndex(ledger), ledger.head().size
                    while not stop.is_set() and index.step(head) is None:
                        pass
                said = ""
            except KeyMissing:
                return
            except Exception as error:  # whatever it was, the views must be followed on
                said = _say_once(type(error).__name__, said)

    return run


def _say_once(error: str, said: str) -> str:
    if error != said:
        sys.stderr.write(f"caseledger: the search index could not be brought up to date ({error})\n")
    return error


def _put_on_record(ledger: Ledger, principal: Principal, event: KeyRotated) -> None:
    envelope = Envelope(occurred_at=datetime.now(UTC), actor=principal.actor, commit=uuid4())
    draft = Draft(ledger.id, 1, event, envelope)
    # Nothing in it is sealed, so it may stand at whatever version comes next.
    part = Part(ledger.id, None, (ledger.mapper.to_new_event(draft),))
    if not isinstance(ledger.append_now(Request((part,))), Appended):
        raise RotationNotRecorded
