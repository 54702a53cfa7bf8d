"""A checkpoint is stamped once a day beside the worker, and on demand."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg

from api import json_log
from api.opening import Place
from ledger.errors import LedgerError
from ledger.proof.records import Stamp, opened_records
from ledger.proof.stamping import Authority, NotStamped, authority_of, stamp, store_stamp
from ledger.proof.witnessing import lock_witnessing
from ledger.settings import Settings
from ledger.store import WORKER_ROLE, conninfo_as

EVERY = timedelta(days=1)
LOOK_SECONDS = 60.0
AGAIN_SECONDS = 3600.0
"""How often it is looked whether a day has passed, and how long an authority that gave no stamp is left alone."""


def stamping(place: Place, settings: Settings) -> list[Callable[[threading.Event], None]]:
    """Return what has a checkpoint stamped every day until told to stop; nothing without an authority."""
    try:
        authority = authority_of(settings)
    except NotStamped as error:
        json_log.log("stamps_unusable", logging.ERROR, remedy=str(error))
        return []
    return [] if authority is None else [lambda stop: _daily(place, authority, stop)]


def stamp_latest(place: Place, authority: Authority) -> tuple[int, Stamp]:
    """Have the latest checkpoint stamped and store that; returns its size and the stamp. Raises NotStamped."""
    with opened_records(place.conninfo) as records:
        published = records.latest()
    if published is None:
        raise NotStamped("There is no checkpoint yet that could be stamped: let the worker run first.")
    stamped = stamp(published, authority, time.time)
    store_stamp(place.conninfo, published.checkpoint.size, stamped)
    return published.checkpoint.size, stamped


def stamp_if_due(place: Place, authority: Authority) -> bool:
    """Have the latest checkpoint stamped unless one was in the last day; returns whether none is owed now."""
    try:
        with opened_records(place.conninfo) as records:
            last = records.last_stamp()
            if records.latest() is None or (last is not None and datetime.now(UTC) - last[1] < EVERY):
                return True
        stamp_latest(place, authority)
    except NotStamped as error:
        json_log.log("checkpoint_not_stamped", logging.ERROR, reason=str(error))
        return False
    except (LedgerError, psycopg.Error) as error:
        json_log.log("checkpoint_not_stamped", logging.ERROR, **json_log.failure(error))
        return False
    return True


def _daily(place: Place, authority: Authority, stop: threading.Event) -> None:
    wait = LOOK_SECONDS
    while not stop.wait(wait):
        try:
            with psycopg.connect(conninfo_as(place.conninfo, WORKER_ROLE), autocommit=True) as connection:
                well = not lock_witnessing(connection, "stamp") or stamp_if_due(place, authority)
        except psycopg.Error:
            well = True  # the views say so already
        wait = LOOK_SECONDS if well else AGAIN_SECONDS
