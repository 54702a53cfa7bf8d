"""Verification: an untouched ledger is intact, and whatever is changed in it is found and named."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from api.opening import Place
from ledger.format import NIL, StoredRow, commitment
from ledger.merkle import EMPTY_ROOT
from ledger.store import Head
from replay import verify_walk
from replay.verify import Report, verify_ledger, verify_on, verify_stream
from tests.conftest import Server, Template, clone
from tests.ledger.samples import appended, connected, fact, head_of, one, rows_of, unhindered

TARGET = 102
"""A position in the middle, whose event has a sealed segment and a follower in its stream."""


@dataclass(frozen=True, slots=True)
class Told:
    """The six stories, as stored, and a connection that may do anything to them."""

    place: Place
    connection: psycopg.Connection[Any]
    rows: list[StoredRow]
    head: Head

    def report(self) -> Report:
        """Verify what the connection sees now."""
        return verify_on(self.connection, head_of(self.connection))

    def next_in_stream(self, position: int) -> int:
        """Return the position of the event after this one in its stream."""
        row = self.rows[position - 1]
        return next(r.position for r in self.rows if (r.stream, r.version) == (row.stream, row.version + 1))


@pytest.fixture(scope="module")
def told(server: Server, stories_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Told]:
    """The six stories, for tests that leave them as they were."""
    for place in clone(server, stories_template, tmp_path_factory.mktemp("told")):
        with connected(place) as connection:
            stored = Told(place, connection, rows_of(connection), head_of(connection))
            assert int.from_bytes(stored.rows[TARGET - 1].segments[:2]) == 2
            yield stored


def positions(report: Report) -> list[int]:
    """Return the positions that faults name, in order and once each."""
    return sorted({fault.position for fault in report.faults})


def test_untouched_ledger_is_intact_and_counted(told: Told) -> None:
    """Six stories verify, with the right numbers of events, streams, sealed segments and bytes, and the head's root."""
    seen: list[tuple[int, int]] = []
    with told.place.ledger() as ledger:
        report = verify_ledger(ledger, lambda done, whole: seen.append((done, whole)))
    assert report.intact
    assert report.events == told.head.size == len(told.rows) == seen[-1][0] == seen[-1][1]
    assert report.streams == len({row.stream for row in told.rows})
    assert report.payload_bytes == sum(len(row.state) for row in told.rows)
    assert report.sealed_segments == sum(int.from_bytes(row.segments[:2]) - 1 for row in told.rows) > 80
    assert report.root == told.head.root
    assert (report.simulated, report.ledger) == (True, told.head.ledger)


BYTES = "overlay({column} PLACING set_byte(substr({column}, {at}, 1), 0, get_byte({column}, {at} - 1) # 1) FROM {at})"


def flipped(column: str, at: str) -> LiteralString:
    """Return the assignment that flips one bit of a column of bytes."""
    return f"{column} = {BYTES.format(column=column, at=at)}"  # pyright: ignore[reportReturnType]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (flipped("state", "1"), "segment 0 have been changed"),
        (flipped("state", "40"), "segment 0 have been changed"),
        (flipped("state", "length(state)"), "segment 1 have been changed"),
        (flipped("blind", "1"), "not those that were committed to"),
        (flipped("segments", "3"), "first segment is not the clear part"),
        (flipped("segments", "2"), "length does not fit its count"),
        (flipped("segments", "22"), "length does not fit the segment table"),
        (flipped("segments", "23"), "segment 0 have been changed"),
        (flipped("segments", "86"), "first segment is not the clear part"),
        (flipped("segments", "87"), "not those that were committed to"),
        (flipped("segments", "length(segments)"), "not those that were committed to"),
        ("segments = ''", "length does not fit its count"),
        (flipped("commitment", "32"), "not those that were committed to"),
        ("state = substr(state, 1, length(state) - 1)", "length does not fit the segment table"),
        ("topic = 'note_recorded'", "not those that were committed to"),
        ("topic = 'no_such_topic'", "clear part cannot be read (UnknownEvent)"),
        ("actor = gen_random_uuid()", "not those that were committed to"),
        ("recorded_at = recorded_at + interval '1 microsecond'", "not those that were committed to"),
        ("recorded_at = recorded_at - interval '20 years'", "recorded before the event in front of it"),
        ("version = version + 1000", "does not follow the version before it"),
        ("stream = gen_random_uuid()", "not those that were committed to"),
    ],
)
def test_changed_event_is_named(told: Told, change: LiteralString, problem: str) -> None:
    """Whatever is changed in one event, by one bit, is found, and the first fault names that event."""
    with unhindered(told.connection):
        changed = told.connection.execute(f"UPDATE ledger.event SET {change} WHERE position = {TARGET}".encode())
        assert changed.rowcount == 1
        report = told.report()
    assert not report.intact
    assert report.faults[0].position == TARGET
    assert any(problem in fault.problem for fault in report.faults if fault.position == TARGET)
    assert told.report().intact


def test_clear_part_exchanged_with_its_digest_is_named(told: Told) -> None:
    """A forger who also corrects length and digest in the segment table still breaks the commitment."""
    with unhindered(told.connection):
        told.connection.execute(
            "UPDATE ledger.event SET state = convert_to(replace(convert_from(substr(state, 1, n), 'UTF8'), '20', '30'),"
            " 'UTF8') || substr(state, n + 1), segments = overlay(segments PLACING sha256(convert_to(replace("
            "convert_from(substr(state, 1, n), 'UTF8'), '20', '30'), 'UTF8')) FROM 23)"
            " FROM (SELECT position AS p, substr(segments, 19, 4)::int AS n FROM ledger.event) s"
            " WHERE p = position AND position = %s",
            [TARGET],
        )
        report = told.report()
    assert [fault.problem for fault in report.faults] == ["its columns are not those that were committed to"]
    assert positions(report) == [TARGET]


def test_event_committed_to_anew_is_found_by_its_successor_and_the_root(told: Told) -> None:
    """A forger who also computes the commitment again breaks the next event of the stream and the tree."""
    row = told.rows[TARGET - 1]
    before = [r for r in told.rows if r.stream == row.stream and r.version == row.version - 1]
    forged = replace(row, actor=uuid4())
    new = commitment(forged, before[0].commitment)
    with unhindered(told.connection):
        told.connection.execute(
            "UPDATE ledger.event SET actor = %s, commitment = %s WHERE position = %s", [forged.actor, new, TARGET]
        )
        report = told.report()
    assert positions(report) == sorted([told.next_in_stream(TARGET), told.head.size])
    assert any("another root than the head" in fault.problem for fault in report.faults)


@pytest.mark.parametrize("position", [1, TARGET])
def test_deleted_event_is_missed_where_it_stood(told: Told, position: int) -> None:
    """The event after a deleted one is named for the gap in front of it; the count and the root differ as well."""
    with unhindered(told.connection):
        told.connection.execute("DELETE FROM ledger.event WHERE position = %s", [position])
        report = told.report()
    assert report.faults[0].position == position + 1
    assert "events are missing" in report.faults[0].problem
    assert any("the head counts" in fault.problem for fault in report.faults)


def test_deleted_last_event_is_missed(told: Told) -> None:
    """When the last event is gone, count and root tell, and name its position."""
    with unhindered(told.connection):
        told.connection.execute("DELETE FROM ledger.event WHERE position = %s", [told.head.size])
        report = told.report()
    assert positions(report) == [told.head.size]
    problems = " ".join(fault.problem for fault in report.faults)
    assert f"the head counts {told.head.size} events, there are {told.head.size - 1}" in problems
    assert "another root than the head" in problems


def test_deletion_covered_up_in_the_head_is_missed_by_the_root(told: Told) -> None:
    """A head that counts one less still has the root of all: truncation needs the root to be forged as well."""
    with unhindered(told.connection):
        told.connection.execute("DELETE FROM ledger.event WHERE position = %s", [told.head.size])
        told.connection.execute("UPDATE ledger.head SET size = size - 1")
        report = told.report()
    assert not report.intact


def test_events_that_have_changed_places_are_both_named(told: Told) -> None:
    """Two events whose positions are exchanged no longer fit their commitments."""
    with unhindered(told.connection):
        for old, new in ((TARGET, 10**6), (TARGET + 1, TARGET), (10**6, TARGET + 1)):
            told.connection.execute("UPDATE ledger.event SET position = %s WHERE position = %s", [new, old])
        report = told.report()
    assert {TARGET, TARGET + 1} <= set(positions(report))
    assert report.faults[0].position == TARGET


def insert(connection: psycopg.Connection[Any], row: StoredRow) -> None:
    """Insert a row around the append function."""
    values = [getattr(row, name) for name in StoredRow.__dataclass_fields__]
    connection.execute("INSERT INTO ledger.event VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", values)


def forged_row(told: Told, position: int, stream: UUID) -> StoredRow:
    """Return an event that was never appended, with a right commitment."""
    event = fact()
    recorded_at = told.rows[position - 2].recorded_at
    row = StoredRow(
        position, stream, 1, event.topic, recorded_at, NIL, event.blind, event.segments, event.state, bytes(32)
    )
    return replace(row, commitment=commitment(row, bytes(32)))


def test_forged_event_at_the_end_is_named(told: Told) -> None:
    """An event inserted past the head, however well made, is one too many and changes the root."""
    with unhindered(told.connection):
        insert(told.connection, forged_row(told, told.head.size + 1, uuid4()))
        report = told.report()
    assert not report.intact
    problems = " ".join(fault.problem for fault in report.faults)
    assert "the head counts" in problems
    assert "another root" in problems


def test_forged_event_in_the_middle_is_named_by_those_that_moved(told: Told) -> None:
    """An event pushed in between moves all later ones from the positions they are bound to; the first one is named."""
    with unhindered(told.connection):
        for condition in (f"position >= {TARGET}", "position > 1000000"):
            shift = 1_000_000 if condition.endswith(str(TARGET)) else -999_999
            told.connection.execute(f"UPDATE ledger.event SET position = position + {shift} WHERE {condition}".encode())
        insert(told.connection, forged_row(told, TARGET, uuid4()))
        report = told.report()
    assert report.faults[0].position == TARGET + 1
    assert len(report.faults) == 100
    assert report.more_faults > 0


@pytest.mark.parametrize(
    "change",
    [
        "size = size + 1",
        "size = size - 1",
        "root = sha256(root)",
        "frontier = sha256(frontier) || substr(frontier, 33)",
        "simulated = NOT simulated",
        "ledger = gen_random_uuid()",
        "recorded_at = recorded_at + interval '1 year'",
        "recorded_at = recorded_at - interval '1 microsecond'",
    ],
)
def test_changed_head_is_found(told: Told, change: str) -> None:
    """A head that does not belong to the events is found, whichever of its columns was changed."""
    with unhindered(told.connection):
        told.connection.execute(f"UPDATE ledger.head SET {change}".encode())
        report = told.report()
    assert not report.intact
    assert "head" in report.faults[0].problem
    assert told.report().intact


def test_nothing_at_all_is_not_intact(told: Told) -> None:
    """Verifying no events proves nothing, and the report does not say intact: with the right head, and without."""
    with unhindered(told.connection):
        told.connection.execute("DELETE FROM ledger.event")
        told.connection.execute("DELETE FROM ledger.request")
        assert positions(told.report()) == [told.head.size]
        told.connection.execute("UPDATE ledger.head SET size = 0, frontier = '', root = %s", [EMPTY_ROOT])
        report = told.report()
    assert (report.intact, report.faults) == (False, [])


def test_first_event_must_open_this_ledger(told: Told) -> None:
    """A chain and tree without the opening event of this very ledger are not intact."""
    event = replace(forged_row(told, 2, uuid4()), position=1)
    event = replace(event, commitment=commitment(event, bytes(32)))
    with unhindered(told.connection):
        told.connection.execute("DELETE FROM ledger.event")
        insert(told.connection, event)
        (fault,) = [f for f in told.report().faults if f.position == 1 and f.check == "opening"]
    assert "not the opening of a ledger" in fault.problem


def test_faults_name_no_content(told: Told) -> None:
    """A fault tells position, stream and version, and nothing of what the event says."""
    with unhindered(told.connection):
        told.connection.execute("UPDATE ledger.event SET state = '\\x7b'::bytea || state WHERE position = %s", [TARGET])
        report = told.report()
    row = told.rows[TARGET - 1]
    assert str(report.faults[0]) == (
        f"position {TARGET} (stream {row.stream}, version {row.version}): state: length does not fit the segment table"
        " [payload]"
    )


def test_events_appended_meanwhile_do_not_disturb(stories: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verification covers the events up to the head it began with, also when others append before it ends."""
    monkeypatch.setattr(verify_walk, "PAGE", 50)
    with stories.ledger() as ledger:
        head = ledger.head()
        report = verify_ledger(ledger, lambda _, __: appended(ledger.append_now(one(uuid4(), 0))) and None)
        assert report.intact
        assert report.events == head.size
        assert verify_ledger(ledger).events == ledger.head().size > head.size


def stream_of(told: Told) -> list[StoredRow]:
    """Return the stream of the event in the middle."""
    return [row for row in told.rows if row.stream == told.rows[TARGET - 1].stream]


def test_untouched_streams_have_no_faults(told: Told) -> None:
    """Each stream by itself follows its chain from its first event on."""
    for stream in {row.stream for row in told.rows}:
        assert verify_stream([row for row in told.rows if row.stream == stream]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"state": b"{}"},
        {"topic": "note_recorded"},
        {"actor": UUID(int=1)},
        {"blind": bytes(32)},
        {"commitment": bytes(32)},
        {"recorded_at": datetime(2030, 1, 1, tzinfo=UTC)},
        {"position": 4711},
        {"version": 4711},
        {"stream": UUID(int=1)},
        {"segments": b"\x00\x00"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_event_of_a_stream_is_named(told: Told, change: dict[str, Any]) -> None:
    """Checking one stream finds the same changes and names the event."""
    rows = stream_of(told)
    index = rows.index(told.rows[TARGET - 1])
    rows[index] = replace(rows[index], **change)
    faults = verify_stream(rows)
    assert (faults[0].position, faults[0].version) == (rows[index].position, rows[index].version)


def test_missing_event_of_a_stream_is_named_by_the_next(told: Told) -> None:
    """A stream without one of its events, or without its first, is at fault where the next one stands."""
    rows = stream_of(told)
    for index in (0, 5):
        faults = verify_stream(rows[:index] + rows[index + 1 :])
        assert faults[0].version == rows[index + 1].version
        assert {fault.problem for fault in faults} == {
            "does not follow the version before it in its stream",
            "its columns are not those that were committed to",
        }


def test_real_ledger_is_verified_like_a_simulated_one(real: Place) -> None:
    """A ledger on the database's clock is intact too, and says what kind of clock it has."""
    with real.ledger() as ledger:
        appended(ledger.append_now(one(uuid4(), 0)))
        report = verify_ledger(ledger)
    assert (report.intact, report.simulated, report.events) == (True, False, 2)
    assert report.faults == []


@pytest.mark.parametrize("instant", ["infinity", "12026-03-04T14:00:00Z"])
def test_time_that_no_event_can_have_is_named(stories: Place, instant: str) -> None:
    """A time that programs cannot even read does not stop the verification; the event is named and the rest checked."""
    with connected(stories) as connection, unhindered(connection, keep=True):
        connection.execute("UPDATE ledger.event SET recorded_at = %s WHERE position = %s", [instant, TARGET])
    with stories.ledger() as ledger:
        report, size = verify_ledger(ledger), ledger.head().size
    assert not report.intact
    assert report.faults[0].position == TARGET
    assert "no event can hold" in report.faults[0].problem
    assert report.events == size - 1
