"""Small events and requests in the stored format, and ways to look at a ledger from outside of it."""

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg

from api.opening import Place
from ledger.appender import SQL
from ledger.format import Segment, StoredRow, segment_table
from ledger.requests import Answer, Appended, NewEvent, Part, Request
from ledger.store import Head, conninfo_as

STAFF = UUID(int=7)
LONG_AGO = datetime(2020, 2, 1, tzinfo=UTC)
HOURS = "support_level_set"
"""A topic without sealed fields that the case state reads."""
APPEND = (
    "SELECT * FROM ledger.append(%b::bytea[], %b::bytea[], %b::timestamptz[], %b::int4[], %b::uuid[], %b::int8[],"
    " %b::int4[], %b::text[], %b::uuid[], %b::bytea[], %b::bytea[], %b::bytea[], %b::timestamptz, %b::timestamptz)"
)
"""A call of the append function that goes around the appender."""


def clear_part(data: dict[str, Any], sealed: list[list[str]] | None = None) -> bytes:
    """Return the clear segment of an event with these facts."""
    part = {
        "schema": 1,
        "occurred_at": "2020-02-01T08:00:00.000000Z",
        "commit": str(UUID(int=1)),
        "actor": {"id": "u-1", "role": "adviser"},
        "data": data,
    }
    return orjson.dumps(part | ({"sealed": sealed} if sealed else {}), option=orjson.OPT_SORT_KEYS)


def fact(topic: str = HOURS, **data: Any) -> NewEvent:
    """Return an event without sealed segments."""
    clear = clear_part(data or {"hours_per_week": 1})
    return NewEvent(topic, os.urandom(32), segment_table([Segment.clear(clear)]), clear, STAFF)


def opening(number: str = "S-1") -> NewEvent:
    """Return the opening of a case without persons."""
    return fact("case_opened", number=number, programme="spaed_smaaboern_000", persons=[])


def sealed_fact(topic: str = HOURS) -> NewEvent:
    """Return an event with one segment that looks sealed: the ledger cannot tell and does not try."""
    clear, secret = clear_part({"hours_per_week": 1}, [["reason"]]), os.urandom(40)
    digest = Segment.clear(secret).digest
    table = segment_table([Segment.clear(clear), Segment(uuid4(), len(secret), digest, os.urandom(32))])
    return NewEvent(topic, os.urandom(32), table, clear + secret, STAFF)


def malformed_fact() -> NewEvent:
    """Return an event whose segment table does not describe its bytes."""
    event = fact()
    return NewEvent(event.topic, event.blind, event.segments, event.state + b" ", event.actor)


def one(
    stream: UUID, expected: int | None, *events: NewEvent, key: bytes | None = None, body: bytes | None = None
) -> Request:
    """Return a request of one part; with a key its fingerprint is the key again unless there is a body."""
    return Request((Part(stream, expected, events or (fact(),)),), key, (body or key) if key else None)


def appended(answer: Answer) -> Appended:
    """Return the answer, which must be that the request is in the ledger."""
    assert isinstance(answer, Appended), answer
    return answer


def connected(place: Place, role: str | None = None) -> psycopg.Connection[Any]:
    """Open an autocommit connection as the superuser, who owns the schema, or with the rights of a role."""
    return psycopg.connect(conninfo_as(place.owner, role) if role else place.owner, autocommit=True)


@contextmanager
def unhindered(connection: psycopg.Connection[Any], *, keep: bool = False) -> Generator[None]:
    """Run a transaction in which the superuser's statements pass every trigger; rolled back in the end unless kept."""
    with connection.transaction(force_rollback=not keep):
        connection.execute("SET LOCAL session_replication_role = replica")
        yield


def rows_of(connection: psycopg.Connection[Any]) -> list[StoredRow]:
    """Return every row of the ledger as this connection sees it."""
    found = connection.cursor(binary=True).execute(SQL["read_page"], [0, 2**31]).fetchall()
    return [StoredRow(*row) for row in found]


def head_of(connection: psycopg.Connection[Any]) -> Head:
    """Return the head of the ledger as this connection sees it."""
    return Head(*connection.cursor(binary=True).execute(SQL["read_head"]).fetchall()[0])


def append_around(connection: psycopg.Connection[Any], event: NewEvent, clock: datetime) -> str:
    """Append one event to a stream of its own around the appender, by a clock of one's own; returns the outcome."""
    content: list[Any] = [[event.topic], [event.actor], [event.blind], [event.segments], [event.state]]
    arguments = [[None], [None], [None], [1], [uuid4()], [None], [1], *content, clock, None]
    return connection.cursor(binary=True).execute(APPEND, arguments).fetchall()[0][0]


def wait_until(condition: Callable[[], object], seconds: float = 15) -> None:
    """Poll until a condition holds; fails when it does not come about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not come about in time"
        time.sleep(0.01)
