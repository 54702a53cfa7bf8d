"""Keeping views: rebuilding and following against the library's runner and raw COPY, and how soon a commit shows.

The runner is the library's own with tracking per event, over its own store, with a row written for each event as ours
does. COPY is that of the same rows of the ledger with nothing done to them.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
from psycopg.conninfo import make_conninfo

from api.opening import Place
from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from benchmarks import runner_peer
from benchmarks.measure import Figure, compare, now
from benchmarks.rules import lived
from domain.events import BY_TOPIC
from domain.time import COPENHAGEN, write_instant, write_moment
from ledger.creation import create_database
from ledger.format import Segment, segment_table
from ledger.keys import file_keys
from ledger.requests import Appended, NewEvent, Part, Request
from ledger.store import Ledger
from projections.follower import Follower
from projections.standing import states_at
from projections.view import CASE_STATE, FOLLOW, MILESTONES, VIEWS, AnyView
from replay.rebuild import rebuild_view

EVENTS, FEW, MANY = 30_000, 10_000, 1_000_000
PER_CASE, CASES_AT_ONCE = 20, 100
LONG = 20_000
LIVES = 50
"""Cases in which a whole story happens, for the views that need more than levels of support."""

ROUNDS = 3
IDLE_COMMITS, BUSY_RATE, BUSY_SECONDS = 60, 1000, 8
SECRET = os.urandom(300)
COPY = "COPY (SELECT * FROM ledger.event ORDER BY position) TO STDOUT (FORMAT binary)"
WORK = "import sys; from api.worker import work; work(sys.argv[1])"


def figures(place: Place, home: Path) -> list[Figure]:
    """Return rates of rebuilding and following, delays, and how rebuilding grows."""
    found: list[Figure] = []
    with _ledger(place, home, "views_plain") as (plain, ledger):
        _fill(ledger, EVENTS)
        peer = runner_peer.rate(place, "views_peer")
        found += _against_peers(plain, peer)
        found += _delays(plain, ledger)
    with _ledger(place, home, "views_lived") as (whole, ledger):
        adopt_shipped(ledger, command_line_principal("create"), ledger.now())
        _live(ledger, LIVES)
        found += [_processes(whole, view) for view in VIEWS.values()]
    return [*found, *_long_cases(place, home), _growth(place, home)]


def _long_cases(place: Place, home: Path) -> list[Figure]:
    """Return how long the state of a long case takes at instants all over its life, at worst; the peer is the aim.

    Once for a case recorded as it happened, once with late entries, corrections and annulments all through its life.
    """
    with _ledger(place, home, "views_long") as (own, ledger):
        lived_through = [_long_case(ledger, amended=amended) for amended in (False, True)]
        for view in (CASE_STATE, MILESTONES):
            rebuild_view(own.conninfo, view)
        taken = [_slowest(ledger, case, recorded) for case, recorded in lived_through]
    return [
        compare(
            f"state of a case of {LONG:,} events at any instant, at worst, {name}", 1000 * worst, 50, "ms", 1, "lower"
        )
        for name, worst in zip(("as it happened", "with late entries and corrections"), taken, strict=True)
    ]


def _long_case(ledger: Ledger, *, amended: bool) -> tuple[UUID, list[Appended]]:
    """Record a case, some hundred events at a time; some of what comes later is about what was before."""
    case, at_once = uuid4(), 500
    recorded = [_appended(ledger, Request((Part(case, 0, (_opening(),)),)))]
    for version in range(2, LONG, at_once):
        life = [_late_hours(number) for number in range(at_once)]
        if amended and version > at_once:
            life[100] = _clear_hours()
            life[200] = _clear("entry_corrected", {"corrects": version - 50, "field": "hours_per_week", "new": 3})
            life[300] = _clear("entry_annulled", {"annuls": version - 40})
        recorded.append(_appended(ledger, Request((Part(case, None, tuple(life)),))))
    return case, recorded


def _slowest(ledger: Ledger, case: UUID, recorded: list[Appended]) -> float:
    head = ledger.head()
    some = recorded[::8]
    asked = [(head.size, one.recorded_at) for one in some]
    asked += [(one.last_position, head.recorded_at) for one in some]
    return max(median(_seconds(lambda at=at: states_at(ledger, [case], *at)) for _ in range(ROUNDS)) for at in asked)


def _clear(topic: str, data: dict[str, Any]) -> NewEvent:
    return _without_text(_event(topic, data, write_instant(datetime.now(UTC)), b""))


def _late_hours(number: int) -> NewEvent:
    return _clear("support_level_set", {"hours_per_week": number})


@contextmanager
def _ledger(place: Place, home: Path, name: str) -> Generator[tuple[Place, Ledger]]:
    """Lend a ledger of its own."""
    create_database(place.owner, name)
    conninfo = make_conninfo(place.conninfo, dbname=name)
    own = Place(conninfo, conninfo, file_keys(home / name), home / name)
    own.create("Views", datetime(2020, 1, 1, tzinfo=COPENHAGEN) if name == "views_lived" else None)
    with own.ledger() as ledger:
        yield own, ledger


def _event(topic: str, data: dict[str, Any], occurred_at: str, secret: bytes = SECRET) -> NewEvent:
    content = {
        "schema": BY_TOPIC[topic].VERSION,
        "occurred_at": occurred_at,
        "commit": str(UUID(int=1)),
        "actor": {"id": "u-1", "role": "adviser"},
        "data": data,
        "sealed": [["note"]],
    }
    clear = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    sealed = Segment(UUID(int=1), len(secret), Segment.clear(secret).digest, bytes(32))
    return NewEvent(topic, os.urandom(32), segment_table([Segment.clear(clear), sealed]), clear + secret)


def _hours(number: int) -> NewEvent:
    return _event("support_level_set", {"hours_per_week": number}, "2020-02-01T08:00:00.000000Z")


def _opening() -> NewEvent:
    data: dict[str, Any] = {"number": "B-1", "programme": "smaaboernsteam_001", "persons": []}
    return _event("case_opened", data, "2020-02-01T07:00:00.000000Z")


def _fill(ledger: Ledger, events: int) -> None:
    """Record cases whose level of support changes again and again."""
    for _ in range(0, events, PER_CASE * CASES_AT_ONCE):
        life = (_opening(), *(_hours(number) for number in range(1, PER_CASE)))
        _appended(ledger, Request(tuple(Part(uuid4(), 0, life) for _ in range(CASES_AT_ONCE))))


def _live(ledger: Ledger, cases: int) -> None:
    """Record cases in which the sixth story happens."""
    entries = list(lived(1))
    for _ in range(cases):
        life = tuple(_event(one.topic, dict(one.data), write_moment(one.occurred_at)) for one in entries)
        _appended(ledger, Request((Part(uuid4(), 0, life),)))


def _appended(ledger: Ledger, request: Request) -> Appended:
    answer = ledger.append_now(request)
    if not isinstance(answer, Appended):
        raise RuntimeError(f"not appended: {answer}")
    return answer


def _against_peers(place: Place, peer: float) -> list[Figure]:
    """Compare with the runner and with COPY: following, and rebuilding in one process and in two."""
    following = EVENTS / _seconds(lambda: _follow(place, CASE_STATE))
    copied, one, two = (
        EVENTS / median(taken)
        for taken in zip(
            *(
                (
                    _seconds(lambda: _copy(place)),
                    _seconds(lambda: rebuild_view(place.conninfo, CASE_STATE)),
                    _seconds(lambda: rebuild_view(place.conninfo, CASE_STATE, workers=2)),
                )
                for _ in range(ROUNDS)
            ),
            strict=True,
        )
    )
    return [
        compare("following case_state, against the library's runner", following, peer, "events/s", 25),
        compare("rebuild of case_state, one process, against the runner", one, peer, "events/s", 80),
        compare("rebuild of case_state, two processes, against the runner", two, peer, "events/s", 80),
        compare("rebuild of case_state, two processes, against COPY", two, copied, "events/s", 0.15),
    ]


def _seconds(act: Callable[[], object]) -> float:
    begun = now()
    act()
    return now() - begun


def _follow(place: Place, view: AnyView) -> None:
    follower = Follower(place.conninfo, view)
    try:
        while follower.step():
            continue
    finally:
        follower.close()


def _copy(place: Place) -> None:
    with psycopg.connect(place.conninfo) as connection, connection.cursor().copy(COPY) as copy:
        for _ in copy:
            continue


def _processes(place: Place, view: AnyView) -> Figure:
    """Compare rebuilding a view in two processes with one, over whole lives of cases."""
    _follow(place, view)
    with place.ledger() as ledger:
        events = ledger.head().size
    one = _seconds(lambda: rebuild_view(place.conninfo, view))
    two = _seconds(lambda: rebuild_view(place.conninfo, view, workers=2))
    return compare(f"rebuild of {view.name}, two processes against one", events / two, events / one, "events/s", 1.3)


def _growth(place: Place, home: Path) -> Figure:
    """Compare the rate of rebuilding a large ledger with that of a small one."""
    rates: list[float] = []
    with _ledger(place, home, "views_grown") as (grown, ledger):
        recorded = 0
        for events in (FEW, MANY):
            _fill(ledger, events - recorded)
            recorded = events
            rates.append(events / _seconds(lambda: rebuild_view(grown.conninfo, CASE_STATE, workers=2)))
    return compare(f"rebuild of {MANY:,} events against {FEW:,}", rates[1], rates[0], "events/s", 0.8)


def _delays(place: Place, ledger: Ledger) -> list[Figure]:
    """Return the 95th percentile from commit until a view shows it, with every view followed; the peer is the aim."""
    with (
        subprocess.Popen([sys.executable, "-c", WORK, place.conninfo]) as worker,
        psycopg.connect(place.conninfo, autocommit=True) as watching,
    ):
        try:
            for view in VIEWS.values():
                _shown(watching, view, ledger.head().size, 600)
            case = uuid4()
            _appended(ledger, Request((Part(case, 0, (_opening(),)),)))
            idle = [_delay(watching, ledger, case, 0.1) for _ in range(IDLE_COMMITS)]
            stop = threading.Event()
            load = threading.Thread(target=_load, args=(ledger, stop))
            load.start()
            begun, busy = now(), list[float]()
            while now() - begun < BUSY_SECONDS:
                busy.append(_delay(watching, ledger, case, 0.02))
            stop.set()
            load.join()
        finally:
            worker.terminate()
    return [
        compare(f"commit until case_state shows it, p95, {name}", 1000 * _p95(taken), aim, "ms", 1.0, "lower")
        for name, taken, aim in (("idle", idle, 5.0), (f"at {BUSY_RATE:,} events/s", busy, 50.0))
    ]


def _p95(taken: list[float]) -> float:
    return quantiles(taken, n=20)[-1]


def _delay(watching: psycopg.Connection[Any], ledger: Ledger, case: UUID, pause: float) -> float:
    time.sleep(pause)
    position = _appended(ledger, Request((Part(case, None, (_clear_hours(),)),))).last_position
    return _shown(watching, CASE_STATE, position, 30)


def _clear_hours() -> NewEvent:
    event = _event("support_level_set", {"hours_per_week": 1}, "2020-02-01T08:00:00.000000Z", b"")
    return _without_text(event)


def _without_text(event: NewEvent) -> NewEvent:
    return NewEvent(event.topic, event.blind, segment_table([Segment.clear(event.state)]), event.state)


def _shown(watching: psycopg.Connection[Any], view: AnyView, position: int, most: float) -> float:
    """Wait until a view has taken in a position; returns the seconds it took."""
    begun = now()
    while now() - begun < most:
        reached = watching.execute(FOLLOW["reached"], [view.name]).fetchone()
        if reached is not None and reached[0] >= position:
            return now() - begun
        time.sleep(0.0005)
    raise RuntimeError(f"view {view.name} does not show position {position}")


def _load(ledger: Ledger, stop: threading.Event) -> None:
    """Record so many events a second, ten at a time, each in a case of its own."""
    pause, due = 10 / BUSY_RATE, now()
    while not stop.is_set():
        _appended(ledger, Request(tuple(Part(uuid4(), 0, (_opening(),)) for _ in range(10))))
        due += pause
        time.sleep(max(0.0, due - now()))
