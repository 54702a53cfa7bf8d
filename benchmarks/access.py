"""What it costs that every look is on record, every text sealed, and every request asked whether it may.

Each figure is a ratio of two ways in the same run: with the duty and without it, or filtered and not.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo

from api.door import Door
from api.looks import LookBook, Question, Shown
from api.opening import Place
from api.principals import Principal
from api.reading import CaseReader
from benchmarks.append import ours
from benchmarks.filling import HELD, HOLDER, UNIT, fill
from benchmarks.http import SERVE, loaded, serving
from benchmarks.measure import Figure, Load, compare, interleaved, load, now
from domain.authority import Act
from ledger.creation import create_database
from ledger.format import Segment, segment_table
from ledger.keys import file_keys
from ledger.requests import NewEvent
from ledger.sealing import Place as Spot
from ledger.sealing import seal
from ledger.store import Ledger
from projections.board import Board
from projections.follower import Follower
from projections.reach_index import ReachIndex
from projections.view import CASE_STATE

CASES, MANY_CASES = 10_000, 100_000
WRITERS = 64
SUBJECTS = 500
TOPIC = "note_recorded"
CLEAR, TEXT = os.urandom(200), os.urandom(372)
SEAL_BYTES = 28
"""How much longer a sealed text is: nonce and tag."""

READERS = (8, 32)
SECONDS = 1.5
PAGE = 100
UNRECORDED = ["-m", "benchmarks.unrecorded"]

Ask = Callable[[], Awaitable[object]]

CASEWORKER = Principal(HOLDER, "caseworker", UNIT, "case-work")
LEADER = Principal("u-12", "supervisor", UNIT, "supervision")
AUDITOR = Principal("u-95", "auditor", UNIT, "audit")
UNFILTERED = Principal("u-95", "auditor", UNIT, "audit", internal=True)


class UnrecordedLooks(LookBook):
    """Records nothing: what a read would cost without its access record. Only ever a measure."""

    async def record(self, principal: Principal, shown: Shown) -> int:
        """Return no position."""
        del principal, shown
        return 0


def figures(place: Place, home: Path) -> list[Figure]:
    """Measure reads with and without access record, sealing while appending, boards, and the door by itself."""
    found = [*_reads_over_http(place, home), _sealing(place)]
    ledgers = {cases: _filled(place, home, cases) for cases in (CASES, MANY_CASES)}
    try:
        found += _boards(ledgers[CASES])
        found += _reads_in_process(ledgers[CASES])
        found += _door(ledgers[CASES])
        found.append(_first_refresh(ledgers))
    finally:
        for ledger in ledgers.values():
            ledger.close()
    return found


def _reads_over_http(place: Place, home: Path) -> list[Figure]:
    with serving(place, home, SERVE) as port, serving(place, home, UNRECORDED) as unrecorded:
        return [
            figure
            for readers in READERS
            for figure in _both(
                f"GET a case, {readers} connections, without record",
                interleaved(
                    {
                        "ours": partial(loaded, port, readers, "reads"),
                        "peer": partial(loaded, unrecorded, readers, "reads"),
                    }
                ),
                0.7,
            )
        ]


def _sealing(place: Place) -> Figure:
    """Compare appending a note whose text is sealed with one of the same bytes in clear, both made as they are sent."""
    with place.ledger() as ledger:
        keys = [ledger.keys.create() for _ in range(SUBJECTS)]

        def sealed(stream: UUID, version: int) -> NewEvent:
            key = keys[stream.int % SUBJECTS]
            segment, stored = seal(ledger.keys.get(key), key, Spot(stream, version, TOPIC, 1, 1), TEXT)
            return NewEvent(TOPIC, os.urandom(32), segment_table([Segment.clear(CLEAR), segment]), CLEAR + stored)

        found = interleaved(
            {
                "ours": partial(ours, place.conninfo, WRITERS, sealed),
                "peer": partial(ours, place.conninfo, WRITERS, _in_clear),
            }
        )
    title = f"append, {WRITERS} callers, text sealed vs in clear"
    return compare(title, found["ours"].rate, found["peer"].rate, "events/s", 0.8)


def _in_clear(_stream: UUID, _version: int) -> NewEvent:
    content = CLEAR + TEXT + bytes(SEAL_BYTES)
    return NewEvent(TOPIC, os.urandom(32), segment_table([Segment.clear(content)]), content)


def _filled(place: Place, home: Path, cases: int) -> Ledger:
    """Return a ledger of its own with so many cases, and the list of cases of it followed to the end."""
    name = f"access_{cases}"
    create_database(place.owner, name)
    conninfo = make_conninfo(place.owner, dbname=name)
    own = Place(conninfo, conninfo, file_keys(home), home)
    own.create("Measured", None)
    ledger = Ledger(conninfo, own.keys)
    begun = now()
    fill(ledger, cases)
    print(f"opened {cases:,} cases in {now() - begun:.0f} s")
    if cases == CASES:
        follower = Follower(conninfo, CASE_STATE)
        while follower.step():
            pass
        follower.close()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return ledger


def _reader(ledger: Ledger, looks: LookBook | None = None) -> CaseReader:
    door = Door(ledger)
    door.looks = looks or door.looks
    return CaseReader(ledger, Board(ledger), door)


def _reads_in_process(ledger: Ledger) -> list[Figure]:
    recorded, unrecorded = _reader(ledger), _reader(ledger, UnrecordedLooks(ledger))
    case = _cases_of(ledger, CASEWORKER)[0]

    def read(reader: CaseReader) -> Ask:
        return lambda: reader.case(CASEWORKER, case, Question(), "case")

    found: list[Figure] = []
    for readers in READERS:
        title = f"read a case in process, {readers} readers, without record"
        runs = {"ours": _asking(read(recorded), readers), "peer": _asking(read(unrecorded), readers)}
        found += _both(title, interleaved(runs), 0.7)
    return found


def _boards(ledger: Ledger) -> list[Figure]:
    """Compare the first page of the list of cases, one reader after the other, with the same unfiltered."""
    reader = _reader(ledger)
    who = {f"caseworker with {HELD}": CASEWORKER, "leader with half": LEADER, "auditor": AUDITOR, "peer": UNFILTERED}

    def board(principal: Principal) -> Ask:
        return lambda: reader.board(principal, Question(), UUID(int=0), PAGE)

    found = interleaved({name: _asking(board(principal)) for name, principal in who.items()})
    peer = found.pop("peer")
    return [
        figure
        for name, one in found.items()
        for figure in (
            compare(f"list of {CASES:,} cases, {name}, unfiltered, p50", one.p50, peer.p50, "ms", 1.3, "lower"),
            compare(f"list of {CASES:,} cases, {name}, unfiltered, p95", one.p95, peer.p95, "ms", 1.3, "lower"),
        )
    ]


def _door(ledger: Ledger) -> list[Figure]:
    """Compare decisions in a case, the refresh included, with one statement that says nothing through the same pool."""
    door = Door(ledger)
    case = _cases_of(ledger, CASEWORKER)[0]

    async def decide() -> object:
        return await door.require_in(CASEWORKER, Act.CASE_READ, case, "case")

    async def nothing() -> object:
        return await asyncio.to_thread(ledger.query, "SELECT 1", [])

    found: list[Figure] = []
    for readers in (1, *READERS):
        runs = {"ours": _asking(decide, readers), "peer": _asking(nothing, readers)}
        found += _both(f"the door, {readers} at a time, SELECT 1", interleaved(runs), 0.7)[:1]
    return found


def _first_refresh(ledgers: dict[int, Ledger]) -> Figure:
    """Compare taking in everything at the start of the process: linear in the number of cases."""

    def refresh(ledger: Ledger) -> Load:
        begun = now()
        ReachIndex(ledger).refresh()
        taken = now() - begun
        return load([taken], taken)

    found = interleaved({str(cases): partial(refresh, ledger) for cases, ledger in ledgers.items()})
    many, few = (1000 / found[str(cases)].rate for cases in (MANY_CASES, CASES))
    linear = MANY_CASES / CASES
    title = f"first refresh of the door, {MANY_CASES:,} cases vs {CASES:,}"
    return compare(title, many, few, "ms", 1.2 * linear, "lower")


def _cases_of(ledger: Ledger, principal: Principal) -> list[UUID]:
    index = ReachIndex(ledger)
    index.refresh()
    return sorted(case for case, reach in index.cases.items() if principal.id in reach.holders(index.now))


def _asking(ask: Ask, readers: int = 1) -> Callable[[], Load]:
    """Return what asks the same for some seconds, several at a time, each after the answer before."""

    async def run() -> Load:
        durations: list[float] = []
        await ask()
        start = now()

        async def reader() -> None:
            while now() - start < SECONDS:
                begun = now()
                await ask()
                durations.append(now() - begun)

        await asyncio.gather(*(reader() for _ in range(readers)))
        return load(durations, now() - start)

    return lambda: asyncio.run(run())


def _both(title: str, found: dict[str, Load], aim: float) -> list[Figure]:
    mine, other = found["ours"], found["peer"]
    return [
        compare(title, mine.rate, other.rate, "reads/s", aim),
        compare(f"{title}, p95", mine.p95, other.p95, "ms", 1 / aim, "lower"),
    ]
