"""The library's recorders over our ledger: anyone's ``Application`` can run on it, and its own test cases prove it.

What differs from the stock recorder, each time because our promise is stronger: streams start at version 1 and have
no holes (the stock one takes any free version); positions have no holes after a conflict (the stock one burns ids);
tables come from migrations only; ``POSTGRES_ENABLE_DB_FUNCTIONS`` is refused, since it loses commit order.
"""

import os
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from eventsourcing.persistence import IntegrityError, OperationalError, StoredEvent, Tracking
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore, PostgresTrackingRecorder
from psycopg import Cursor
from psycopg.conninfo import conninfo_to_dict

from ledger.appender import Appender
from ledger.errors import LedgerError
from ledger.format import Segment, segment_table
from ledger.mapper import SealedEvent
from ledger.requests import Appended, NewEvent, Part, Request
from ledger.store import POOL_SIZE, conninfo_as, waiting_no_longer

SCHEMA = "ledger"
STORED_EVENTS = "stored_events"


class LedgerRecorder(PostgresApplicationRecorder):
    """An application recorder that appends through the ledger's one way in and reads by the library's own queries."""

    def __init__(self, datastore: PostgresDatastore, appender: Appender) -> None:
        if datastore.enable_db_functions:
            raise ValueError("POSTGRES_ENABLE_DB_FUNCTIONS loses commit order: leave it off")
        super().__init__(datastore, events_table_name=STORED_EVENTS)
        self._appender = appender

    def create_table(self) -> None:
        """Do nothing: the schema comes from migrations only."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:  # noqa: ARG002
        """Append the events as one request; raises IntegrityError when a stream has moved on."""
        if not stored_events:
            return []
        try:
            answer = self._appender.append_now(Request(_parts(stored_events)))
        except LedgerError as error:
            raise OperationalError(str(error)) from error
        if not isinstance(answer, Appended):
            raise IntegrityError(f"not appended: {type(answer).__name__}")
        return list(range(answer.first_position, answer.last_position + 1))


def datastore(conninfo: str, role: str, schema: str) -> PostgresDatastore:
    """Return the library's datastore for a ledger, with the rights of ``role`` only; it connects on first use."""
    parameters = conninfo_to_dict(conninfo_as(conninfo, role))
    store = PostgresDatastore(
        dbname=str(parameters.get("dbname") or ""),
        host=str(parameters.get("host") or ""),
        port=str(parameters.get("port") or ""),
        user=str(parameters.get("user") or ""),
        password=str(parameters.get("password") or ""),
        schema=schema,
        pool_size=0,
        max_overflow=POOL_SIZE,
    )
    own = waiting_no_longer() | {name: parameters.get(name) for name in ("options", "connect_timeout")}
    store.pool.kwargs = cast(dict[str, Any], store.pool.kwargs) | own
    return store


class LedgerTrackingRecorder(PostgresTrackingRecorder):
    """The library's tracking of how far a follower has come, one row a follower, moved inside our transactions."""

    def create_table(self) -> None:
        """Do nothing: the schema comes from migrations only."""

    def move(self, cursor: Cursor[dict[str, Any]], follower: str, position: int) -> None:
        """Note inside the cursor's transaction how far a follower has come; raises IntegrityError if not forward."""
        self._insert_tracking(cursor, Tracking(follower, position))


def _parts(stored_events: Sequence[StoredEvent]) -> tuple[Part, ...]:
    streams: dict[UUID, list[StoredEvent]] = {}
    for event in stored_events:
        streams.setdefault(cast(UUID, event.originator_id), []).append(event)
    return tuple(_part(stream, events) for stream, events in streams.items())


def _part(stream: UUID, events: list[StoredEvent]) -> Part:
    first = events[0].originator_version
    if [e.originator_version for e in events] != list(range(first, first + len(events))):
        raise IntegrityError("versions of one stream must follow each other")
    return Part(stream, first - 1, tuple(_new_event(e) for e in events))


def _new_event(event: StoredEvent) -> NewEvent:
    if isinstance(event, SealedEvent):
        return NewEvent(event.topic, event.blind, event.segments, event.state, event.actor)
    return NewEvent(event.topic, os.urandom(32), segment_table([Segment.clear(event.state)]), event.state)
