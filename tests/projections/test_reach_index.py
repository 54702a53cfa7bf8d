"""Who may reach which case, kept in memory: what is on record counts at once, and the same after a restart."""

import os
import random
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from subprocess import PIPE, Popen
from sys import executable
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest

from api.opening import Place
from domain.authority import KIND_OF_ROLE, Act, Person, may_in_case
from domain.reach import CaseReach
from domain.time import write_instant
from ledger.format import Segment, segment_table
from ledger.requests import NewEvent, Part, Request
from ledger.store import APPLICATION_ROLE, Ledger
from projections.reach_index import REACH, ReachIndex
from tests.ledger.samples import STAFF, appended, clear_part, connected, fact, one, opening, unhindered
from tests.ledger.writer import STREAMS, stream_of

HOUR = timedelta(hours=1)
PEOPLE = ("u-1", "u-2", "u-3", "u-4")
UNITS = ("North", "South", None)
MANY = 300_000


def said(topic: str, by: str = "u-1", of: str | None = "North", **data: Any) -> NewEvent:
    """Return an event recorded by somebody of an organisation."""
    clear = orjson.loads(clear_part(data))
    clear["actor"] = {"id": by, "role": "caseworker"} | ({"organisation": of} if of else {})
    content = orjson.dumps(clear, option=orjson.OPT_SORT_KEYS)
    return NewEvent(topic, os.urandom(32), segment_table([Segment.clear(content)]), content, STAFF)


def opened(by: str = "u-1", unit: str | None = "North") -> NewEvent:
    """Return the opening of a case."""
    return said("case_opened", by, unit, number="S-1", programme="p", persons=[])


def allocated(to: str, **more: Any) -> NewEvent:
    """Return an allocation."""
    return said("case_allocated", to=to, for_role="social_worker", **more)


def restricted(*allowed: str) -> NewEvent:
    """Return a restriction."""
    return said("case_restricted", category="high_profile", allowed=list(allowed), review_by="2027-01-01")


def in_hours(hours: int) -> str:
    """Return an instant some hours from now."""
    return write_instant(datetime.now(UTC) + hours * HOUR)


def recorded(ledger: Ledger, stream: UUID, *events: NewEvent) -> None:
    """Append to a stream."""
    appended(ledger.append_now(one(stream, None, *events)))


def fresh(ledger: Ledger) -> ReachIndex:
    """Return an index that has just begun."""
    index = ReachIndex(ledger)
    index.refresh()
    return index


def holders(index: ReachIndex, case: UUID) -> frozenset[str]:
    """Return who holds a case."""
    reach = index.case(case)
    assert reach is not None
    return reach.holders(index.now)


def one_by_one(index: ReachIndex, staff: str, role: str, unit: str | None, act: Act) -> set[UUID]:
    """Return the cases in which somebody may do something by asking for each."""
    person = Person(staff, role, unit, index.staff(staff))
    return {case for case, reach in index.cases.items() if may_in_case(person, act, case, reach, index.now)}


def history(chance: random.Random) -> tuple[NewEvent, ...]:
    """Return the opening of a case and a few entries, one of each kind at most once at random."""

    def anybody() -> str:
        return chance.choice(PEOPLE)

    tomorrow = (datetime.now(UTC) + 24 * HOUR).date().isoformat()
    further = [
        allocated(anybody(), unit=chance.choice(["North", "South"])),
        allocated(anybody(), effective_from=tomorrow),
        allocated(anybody(), from_staff="u-1"),
        restricted(anybody(), anybody()),
        said("conflict_of_interest_recorded", staff=anybody(), kind="kin"),
        said("break_glass_opened", staff=anybody(), role="caseworker", until=in_hours(chance.choice([-1, 1]))),
    ]
    about = [
        said("entry_annulled", annuls=2),
        said("entry_corrected", corrects=2, field="to", old="u-1", new=anybody()),
    ]
    facts = (opened(anybody(), chance.choice(UNITS)), *(one for one in further if chance.random() < 0.3))
    return (*facts, *(one for one in about if len(facts) > 1 and chance.random() < 0.2))


def grants(chance: random.Random, cases: list[UUID]) -> tuple[NewEvent, ...]:
    """Return what is granted and ended for somebody at random."""
    staff, role = chance.choice(PEOPLE), chance.choice(["caseworker", "supervisor", "auditor"])
    until = in_hours(chance.choice([-1, 1]))
    given = chance.choice(
        [{"case": str(chance.choice(cases))}, {"organisation": "South"}, {"case": str(uuid4()), "until": until}]
    )
    ended = [said("access_ended", staff=staff, role=role, basis="left", **given)] if chance.random() < 0.4 else []
    return (said("access_granted", staff=staff, role=role, basis="substitute", **given), *ended)


@pytest.mark.parametrize("seed", range(6))
def test_the_cases_open_to_somebody_are_those_found_by_asking_for_each(ledger: Ledger, seed: int) -> None:
    """For everybody in every role of every organisation and for every act, whatever is on record."""
    chance = random.Random(seed)
    cases = [uuid4() for _ in range(25)]
    appended(ledger.append_now(Request(tuple(Part(case, 0, history(chance)) for case in cases))))
    for _ in range(6):
        recorded(ledger, uuid4(), *grants(chance, cases))
    index = fresh(ledger)
    compared = 0
    for who in product((*PEOPLE, "u-99"), (*KIND_OF_ROLE, "stranger"), UNITS, Act):
        judged, found = one_by_one(index, *who), index.cases_open_to(*who)
        assert set(found.of(cases)) == judged, who
        assert uuid4() not in found or len(judged) > 0 or who[1] not in ("caseworker", "supervisor"), who
        compared += 0 < len(judged) < len(cases)
    assert compared > 100


def test_nobody_whose_role_has_an_extent_is_shown_cases_not_on_record_yet(ledger: Ledger) -> None:
    """Where every case there is belongs to one organisation, its leader is still not shown one of another."""
    recorded(ledger, uuid4(), opened(unit="North"))
    index = fresh(ledger)
    assert uuid4() not in index.cases_open_to("u-2", "supervisor", "North", Act.BOARD_READ)
    assert uuid4() in index.cases_open_to("u-2", "auditor", "North", Act.BOARD_READ)


def test_entries_taken_in_one_by_one_lead_where_a_restart_leads(ledger: Ledger) -> None:
    """A case that moves between organisations and people is found where it is now and nowhere else."""
    index, case = fresh(ledger), uuid4()
    steps = [
        opened("u-1", "North"),
        allocated("u-2", unit="South"),
        restricted("u-3"),
        said("restriction_reviewed", restriction=3, renewed=False),
        allocated("u-4"),
        said("entry_annulled", annuls=5),
    ]
    everybody = [("u-1", "caseworker"), ("u-2", "caseworker"), ("u-3", "caseworker"), ("u-4", "caseworker")]
    leaders = [("u-8", "supervisor", "North"), ("u-9", "supervisor", "South"), ("u-10", "auditor", None)]
    asked = [*((*who, "North") for who in everybody), *leaders]
    seen: list[list[str]] = []
    then: list[tuple[int, CaseReach | None]] = []
    for step in steps:
        recorded(ledger, case, step)
        index.refresh()
        then.append((ledger.head().size, index.case(case)))
        assert [index.case_as_of(case, position) for position, _ in then] == [reach for _, reach in then]
        open_to = [who[0] for who in asked if case in index.cases_open_to(*who, Act.CASE_READ)]
        again = fresh(ledger)
        assert open_to == [who[0] for who in asked if case in again.cases_open_to(*who, Act.CASE_READ)]
        assert index.cases == again.cases
        seen.append(open_to)
    assert seen == [
        ["u-1", "u-8", "u-10"],
        ["u-2", "u-9", "u-10"],
        ["u-3"],
        ["u-2", "u-9", "u-10"],
        ["u-4", "u-9", "u-10"],
        ["u-2", "u-9", "u-10"],
    ]


def test_a_correction_and_an_annulment_count_at_once(ledger: Ledger) -> None:
    """Another holder by correction, the opener again by annulment; entries that bear on nothing change nothing."""
    index, case = ReachIndex(ledger), uuid4()
    expected = [
        (allocated("u-2"), {"u-2"}),
        (said("entry_corrected", corrects=2, field="to", old="u-2", new="u-3"), {"u-3"}),
        (fact(hours_per_week=2), {"u-3"}),
        (said("entry_annulled", annuls=4), {"u-3"}),
        (said("entry_annulled", annuls=2), {"u-1"}),
    ]
    recorded(ledger, case, opened())
    for event, holding in expected:
        recorded(ledger, case, event)
        index.refresh()
        assert holders(index, case) == holding


def test_a_grant_counts_until_it_is_ended_or_has_run_out(ledger: Ledger) -> None:
    """One case, an organisation, and a role that is taken away."""
    index, case, staff = ReachIndex(ledger), uuid4(), uuid4()
    recorded(ledger, case, opened())
    basis = {"staff": "u-7", "basis": "substitute"}

    def reaches(role: str = "caseworker", unit: str = "South") -> bool:
        index.refresh()
        return case in index.cases_open_to("u-7", role, unit, Act.CASE_READ)

    assert not reaches()
    recorded(ledger, staff, said("access_granted", role="caseworker", case=str(case), until=in_hours(-1), **basis))
    assert not reaches()
    recorded(ledger, staff, said("access_granted", role="caseworker", case=str(case), until=in_hours(1), **basis))
    assert reaches()
    assert not reaches("supervisor")
    recorded(ledger, staff, said("access_ended", role="caseworker", case=str(case), **basis))
    assert not reaches()
    recorded(ledger, staff, said("access_granted", role="supervisor", organisation="North", **basis))
    assert reaches("supervisor")
    assert reaches("auditor")
    recorded(ledger, staff, said("access_ended", role="auditor", **basis))
    assert not reaches("auditor")


@pytest.mark.slow
def test_what_another_process_has_recorded_is_seen(real: Place, ledger: Ledger, tmp_path: Path) -> None:
    """Everything a process of its own has had confirmed is there after the next refresh, while it goes on."""
    index = fresh(ledger)
    command = [executable, "-m", "tests.ledger.writer", real.conninfo, str(tmp_path / "home"), "reach", "200"]
    seen = 0
    with Popen(command, stdout=PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            index.refresh()
            number = int(line)
            assert index.case(stream_of("reach", number)) is not None, number
            seen += number < STREAMS
    assert (writer.returncode, seen) == (0, STREAMS)


@pytest.mark.slow
def test_a_refresh_sees_what_was_committed_before_it_began(real: Place, ledger: Ledger) -> None:
    """Four writers over two open ledgers each refresh a shared index and find their own, while lists are drawn up."""
    index = fresh(ledger)
    with real.ledger() as other, ThreadPoolExecutor(6) as threads:

        def write(into: Ledger) -> int:
            missed = 0
            for _ in range(60):
                case = uuid4()
                recorded(into, case, opened(), allocated("u-2"))
                index.refresh()
                missed += index.case(case) is None or case not in index.cases_open_to(
                    "u-2", "caseworker", "North", Act.CASE_READ
                )
            return missed

        def draw_up() -> int:
            shown = 0
            while shown < 240:
                listed = index.cases_open_to("u-8", "supervisor", "North", Act.BOARD_READ)
                assert len(listed.named) >= shown
                shown = len(listed.named)
                assert sum(reach.restriction is None for reach in index.cases.values()) >= shown
            return shown

        lists = [threads.submit(draw_up) for _ in range(2)]
        assert [one.result(60) for one in [threads.submit(write, into) for into in (ledger, other) * 2]] == [0] * 4
        assert [one.result(60) for one in lists] == [240, 240]


@contextmanager
def among_many(place: Place) -> Generator[psycopg.Connection[Any]]:
    """Lend a connection that sees so many further events in the ledger, until it is given back."""
    with connected(place) as connection, unhindered(connection):
        connection.execute(
            "INSERT INTO ledger.event SELECT n + 1000, uuidv7(), 1, (ARRAY['visit_held', 'record_viewed',"
            " 'note_recorded', 'support_level_set'])[1 + n %% 4], now(), uuidv7(), decode(repeat('00', 32),"
            " 'hex'), '\\x00', '\\x00', decode(repeat('00', 32), 'hex') FROM generate_series(1, %s) n",
            [MANY],
        )
        connection.execute("ANALYZE ledger.event")
        connection.execute(f"SET LOCAL ROLE {APPLICATION_ROLE}")
        yield connection


def plan(connection: psycopg.Connection[Any], statement: str, *values: Any) -> str:
    """Return how the database would find the rows."""
    return "\n".join(line for (line,) in connection.execute(f"EXPLAIN {statement}", values))  # pyright: ignore


@pytest.mark.slow
def test_what_bears_on_reach_is_found_by_its_index_among_many_others(real: Place, ledger: Ledger) -> None:
    """From the start, from near the end, and in the plan that is kept for a prepared statement."""
    case = uuid4()
    recorded(ledger, case, opening(), allocated("u-2"))
    with among_many(real) as connection:
        for after in (0, MANY // 2, MANY):
            found = plan(connection, REACH["tail"], after)
            assert "event_reach" in found, found
            assert "Seq Scan" not in found, found
        kept = plan(connection, f"(GENERIC_PLAN) {REACH['tail'].replace('%s', '$1')}")
        assert "event_reach" in kept, kept
        assert "Seq Scan" not in kept, kept
        rows = connection.execute(REACH["tail"], [0]).fetchall()
        assert [row[2] for row in rows] == [case, case]
