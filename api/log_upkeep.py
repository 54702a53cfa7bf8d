"""Publishing beside the views: what was appended is signed every few seconds, and at once when somebody waits."""

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from time import monotonic

import psycopg

from api import json_log
from api.opening import Place
from ledger.errors import LedgerError
from ledger.proof.publisher import NotReplicated, ledger_of

EVERY_SECONDS = 5.0
LOOK_SECONDS = 0.5
"""How often whoever waits for its turn, or for the next round, looks whether it is to stop."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 60.0
REMEDY = "docs/operations.md, The log"


def published(place: Place) -> Callable[[threading.Event], None]:
    """Return what publishes the log of a ledger until it is told to stop, whatever happens in between."""

    def run(stop: threading.Event) -> None:
        pauses = Pauses()
        while not stop.is_set():
            try:
                _publish(place, stop, pauses)
            except psycopg.OperationalError:  # the database is away: the views say nothing either
                stop.wait(LOOK_SECONDS)
            except NotReplicated as error:  # for hours, perhaps, and over at any moment: said once
                if pauses.fresh:
                    _complain(error)
                pauses.next()
                stop.wait(FIRST_PAUSE_SECONDS)
            except Exception as error:  # whatever it was, the views must be followed on
                _complain(error)
                stop.wait(pauses.next())

    return run


class Pauses:
    """How long to wait after one failure and the next, in seconds: longer each time, up to a minute."""

    def __init__(self) -> None:
        self._seconds = FIRST_PAUSE_SECONDS

    @property
    def fresh(self) -> bool:
        """Whether nothing has failed since something went well."""
        return self._seconds == FIRST_PAUSE_SECONDS

    def next(self) -> float:
        """Return the pause to make now."""
        seconds = self._seconds
        self._seconds = min(2 * seconds, LONGEST_PAUSE_SECONDS)
        return seconds

    def over(self) -> None:
        """Begin with the shortest again: something went well."""
        self._seconds = FIRST_PAUSE_SECONDS


def _publish(place: Place, stop: threading.Event, pauses: Pauses) -> None:
    """Publish as long as nothing is wrong; only one publisher of a ledger has its turn."""
    ledger = ledger_of(place.conninfo)
    with closing(place.publisher(ledger)) as publisher:
        while not publisher.has_turn():
            if stop.wait(LOOK_SECONDS):
                return
        publisher.prepare(place.origin(ledger))
        wanted, last = True, 0.0
        while not stop.is_set():
            if wanted or monotonic() - last >= EVERY_SECONDS:
                publisher.publish()
                last = monotonic()
                pauses.over()
            wanted = publisher.wait(LOOK_SECONDS)


def _complain(error: Exception) -> None:
    """Say that nothing is signed and why: our own errors hold no content, of others only the type is told."""
    reason = str(error) if isinstance(error, LedgerError) else None
    json_log.log("log_not_signed", logging.ERROR, reason=reason, remedy=REMEDY, **json_log.failure(error))
