"""Which events had been recorded by an instant: exact at every edge, and the same answer however often it is asked."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from api.opening import Place
from ledger.store import Ledger
from tests.ledger.samples import append_around, appended, connected, fact, one, wait_until

START = datetime(2021, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)


def test_every_edge_is_exact(simulated_ledger: Ledger) -> None:
    """Before the first event is 0; at an event it counts, a microsecond before it does not; equal times count all."""
    ledger = simulated_ledger
    genesis = ledger.head().recorded_at
    positions = {genesis: 1}
    for hours, events in enumerate((1, 3, 1, 1, 4, 2, 1)):
        instant = START + hours * HOUR
        answers = [appended(ledger.append_now(one(uuid4(), 0), instant)) for _ in range(events)]
        positions[instant] = answers[-1].last_position
    assert ledger.position_at(genesis - MOMENT) == 0
    assert ledger.position_at(datetime(1, 1, 1, tzinfo=UTC)) == 0
    before = 0
    for instant, position in positions.items():
        assert ledger.position_at(instant - MOMENT) == before
        assert ledger.position_at(instant) == position
        assert ledger.position_at(instant + MOMENT) == position
        assert ledger.position_at(instant + HOUR / 2) == position
        before = position
    assert ledger.position_at(datetime(9999, 1, 1, tzinfo=UTC)) == ledger.head().size == 14


def test_every_position_of_a_longer_ledger_is_found(ledger: Ledger) -> None:
    """The instant at which each of two hundred events was recorded leads back to the last event of that instant."""
    for _ in range(200):
        appended(ledger.append_now(one(uuid4(), 0)))
    rows = ledger.read_page(0)
    for row in rows:
        assert ledger.position_at(row.recorded_at) == max(
            other.position for other in rows if other.recorded_at == row.recorded_at
        )


def test_question_about_now_waits_for_the_append_in_flight_and_is_answered_the_same_twice(
    real: Place, ledger: Ledger
) -> None:
    """An append that has taken its time but is not committed is waited for: no second answer can differ."""
    appended(ledger.append_now(one(uuid4(), 0)))
    with connected(real) as writer, connected(real) as watcher, ThreadPoolExecutor(1) as threads:
        with writer.transaction():
            assert append_around(writer, fact(), datetime.now(UTC)) == "appended"
            instant = ledger.now() + MOMENT
            question = threads.submit(ledger.position_at, instant)
            wait_until(
                lambda: watcher.execute(
                    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    " AND query LIKE '%position_at%' AND pid <> pg_backend_pid()"
                ).fetchall()
            )
            assert not question.done()
            assert ledger.position_at(ledger.head().recorded_at - MOMENT) == 1  # about the past nobody waits
        assert question.result(timeout=10) == 3
        assert ledger.position_at(instant) == 3
    appended(ledger.append_now(one(uuid4(), 0)))
    assert ledger.position_at(instant) == 3


def test_answers_stay_the_same_while_many_append(real: Place, ledger: Ledger) -> None:
    """Under constant appending, an instant that has passed gets one answer only."""
    asked: list[tuple[datetime, int]] = []
    with real.ledger() as other, ThreadPoolExecutor(4) as threads:
        writing = [threads.submit(lambda: [other.append_now(one(uuid4(), 0)) for _ in range(60)]) for _ in range(4)]
        while not all(future.done() for future in writing):
            instant = ledger.now()
            asked.append((instant, ledger.position_at(instant)))
    assert len(asked) > 10
    assert [ledger.position_at(instant) for instant, _ in asked] == [position for _, position in asked]
