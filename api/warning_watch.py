"""Now and then the worker looks through all deadlines for those to warn of, beside following the views."""

import logging
import threading
from collections.abc import Callable
from uuid import UUID

from api import json_log
from api.mailing import MailNotUsable, MailRoute, mail_route
from api.opening import Place
from api.warning import Tally, Warner
from ledger.settings import Settings


def warning(place: Place, settings: Settings) -> Callable[[threading.Event], None]:
    """Return what warns of the deadlines of a ledger until it is told to stop.

    Where the mail server is set only by half, the log says so, and people are warned on their pages.
    """
    try:
        route = mail_route(settings)
    except MailNotUsable as error:
        json_log.log("mail_unusable", logging.ERROR, remedy=str(error))
        route = None
    leaders = settings.unit_leaders or {}

    def run(stop: threading.Event) -> None:
        settled: dict[UUID, frozenset[tuple[str, str, str]]] = {}
        while not stop.wait(settings.warning_seconds):
            _round(place, route, leaders, settled, stop)

    return run


def warn_once(place: Place, settings: Settings) -> Tally:
    """Look through all deadlines once; raises MailNotUsable, LedgerError."""
    route = mail_route(settings)
    with place.ledger() as ledger:
        return Warner(ledger, route, settings.unit_leaders or {}, {}).round()


def _round(
    place: Place,
    route: MailRoute | None,
    leaders: dict[str, str],
    settled: dict[UUID, frozenset[tuple[str, str, str]]],
    stop: threading.Event,
) -> None:
    try:
        with place.ledger() as ledger:
            tally = Warner(ledger, route, leaders, settled, stop.is_set).round()
    except Exception as error:  # whatever it was, the views must be followed on
        json_log.log("deadlines_not_watched", logging.ERROR, **json_log.failure(error))
        return
    if tally.not_delivered:
        json_log.log("warnings_not_delivered", logging.ERROR, number=tally.not_delivered, remedy="see the mail server")
