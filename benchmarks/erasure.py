"""Erasing one subject in a large ledger: from the decision to the destroyed key, and finding what was erased.

The peer of the first figure is the aim itself, one second; that of the second is the same question without its index.
"""

import asyncio
import os
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import psycopg

from api.drafting import Commit
from api.erasing import Eraser, carrying_out
from api.opening import Place
from api.principals import Principal
from api.recording import CaseRecorder, NewPerson
from benchmarks.measure import Figure, compare, now
from domain.events.retention import ErasureProposed, PersonalDataErased
from ledger.appender import SQL
from ledger.format import Segment, segment_table
from ledger.requests import Appended, NewEvent, Part, Request
from ledger.store import Ledger

EVENTS = 1_000_000
STREAMS, PER_STREAM = 100, 20
"""Streams of a request, and events of each."""

SUBJECTS = 15
AIM_MILLISECONDS = 1000.0
STATE = b'{"actor":{"id":"u-1","role":"adviser"},"commit":"00000000-0000-0000-0000-000000000001","data":{},"schema":1}'
SEGMENTS = segment_table([Segment.clear(STATE)])
PROPOSER, DECIDER = (Principal(name, "lawyer", None, "measure") for name in ("u-1", "u-2"))


def figures(place: Place) -> list[Figure]:
    """Return how long an erasure and finding all erasures take in a ledger of so many events."""
    with place.ledger() as ledger:
        begun = now()
        fill(ledger, EVENTS)
        print(f"appended {EVENTS:,} events in {now() - begun:.0f} s")
        taken = [asyncio.run(_erase_one(place, ledger)) for _ in range(SUBJECTS)]
    size = f"{EVENTS:,} events"
    return [
        compare(f"erasure of one subject, {size}, aim 1 s", median(taken), AIM_MILLISECONDS, "ms", 1.0, "lower"),
        compare(f"erasures on record, {size}, without index", *_finding(place.conninfo), "ms", 0.1, "lower"),
    ]


def fill(ledger: Ledger, events: int) -> None:
    """Append small events in large requests through the ledger's one way in."""
    for _ in range(0, events, STREAMS * PER_STREAM):
        parts = tuple(
            Part(uuid4(), 0, tuple(NewEvent("visit_held", os.urandom(32), SEGMENTS, STATE) for _ in range(PER_STREAM)))
            for _ in range(STREAMS)
        )
        answer = ledger.append_now(Request(parts))
        if not isinstance(answer, Appended):
            raise RuntimeError(f"not appended: {answer}")


async def _erase_one(place: Place, ledger: Ledger) -> float:
    """Return the milliseconds from the decision about one subject to the destroyed key."""
    recorder = CaseRecorder(ledger)
    eraser = Eraser(ledger, recorder, carrying_out(ledger, place.documents(ledger).content))
    person = NewPerson("parent-B", "father", "Bent Eksempel")
    opened = await recorder.open_case(PROPOSER, None, "smaaboernsteam_001", [person], ledger.now(), _commit())
    proposed = ErasureProposed(
        ground="unlawful", scope="person", subject="parent-B", legal_basis="GDPR art. 17", reason="Measured."
    )
    proposal = (await eraser.propose(PROPOSER, opened.case, 1, proposed, _commit())).version
    begun = now()
    await eraser.decide(DECIDER, opened.case, proposal, proposal, _commit())
    return (now() - begun) * 1000


def _commit() -> Commit:
    return Commit((), str(uuid4()), b"measure")


def _finding(conninfo: str) -> tuple[float, float]:
    """Return the milliseconds it takes to find all erasures, with the index and without."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        ours = _asked(connection)
        connection.execute("SET enable_indexscan = off")
        connection.execute("SET enable_bitmapscan = off")
        return ours, _asked(connection)


def _asked(connection: psycopg.Connection[Any]) -> float:
    taken: list[float] = []
    for _ in range(5):
        begun = now()
        found = connection.execute(SQL["read_topic"], [PersonalDataErased.TOPIC, 2**62]).fetchall()
        taken.append((now() - begun) * 1000)
        if len({UUID(str(row[1])) for row in found}) < SUBJECTS:
            raise RuntimeError("an erasure was not found")
    return median(taken)
