"""Once a day the worker checks every document, beside following the views."""

import logging
import threading
from collections.abc import Callable

from api import json_log
from api.document_check import Tally, check_documents
from api.opening import Place

FIRST_SECONDS = 15 * 60.0
EVERY_SECONDS = 24 * 3600.0
AGAIN_SECONDS = 3600.0
"""How long the worker waits before the first check, between checks, and after one that could not be made."""


def daily_check(place: Place) -> Callable[[threading.Event], None]:
    """Return what checks the documents of a ledger once a day until it is told to stop."""

    def run(stop: threading.Event) -> None:
        wait = FIRST_SECONDS
        while not stop.wait(wait):
            wait = EVERY_SECONDS if check_once(place, stop) else AGAIN_SECONDS

    return run


def check_once(place: Place, stop: threading.Event) -> bool:
    """Check every document and say in the log what is wrong; returns whether the check could be made."""
    try:
        with place.ledger() as ledger:
            tally = check_documents(ledger, place.documents(ledger), lambda _: None, stop.is_set)
    except Exception as error:  # whatever it was, the views must be followed on
        json_log.log("documents_not_checked", logging.ERROR, **json_log.failure(error))
        return False
    _say(tally)
    return True


def _say(tally: Tally) -> None:
    if not tally.well:
        json_log.log("documents_checked", logging.ERROR, result=tally.lines[0], remedy="caseledger documents check")
