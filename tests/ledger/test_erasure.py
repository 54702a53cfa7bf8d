"""Bytes go only where an erasure on record covers them, erasures are found at once, keys are destroyed once."""

import os
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.errors import DatabaseError, InsufficientPrivilege

from api.opening import Place
from ledger.appender import SQL
from ledger.content_store import ContentPlace, ContentStore
from ledger.erasure import CarriedOut, ErasureRegister, apply_erasures, carry_out
from ledger.errors import KeyMissing
from ledger.format import Segment, segment_table, split_state
from ledger.mapper import read_clear
from ledger.requests import NewEvent
from ledger.store import Ledger
from projections.view import FOLLOW
from tests.ledger.samples import STAFF, appended, clear_part, connected, fact, one, rows_of, unhindered

REMOVE = "SELECT ledger.remove_ciphertext(%s)"
REMOVE_ENTRIES = "SELECT ledger.remove_entries(%s)"
NAMES = ("content", "@reason")


def sealed(*keys: UUID, topic: str = "note_recorded") -> NewEvent:
    """Return an event with a segment under each key; the ledger cannot tell whether they open."""
    clear = clear_part({"channel": "phone"}, [[name] for name in NAMES[: len(keys)]])
    secrets = [os.urandom(40) for _ in keys]
    lines = [Segment(k, 40, Segment.clear(s).digest, os.urandom(32)) for k, s in zip(keys, secrets, strict=True)]
    table = segment_table([Segment.clear(clear), *lines])
    return NewEvent(topic, os.urandom(32), table, clear + b"".join(secrets), STAFF)


def erasure(**data: Any) -> NewEvent:
    """Return an erasure on record."""
    said = {name: str(value) if isinstance(value, UUID) else value for name, value in data.items()}
    return fact("personal_data_erased", basis="x", approved_by="u-2", **said)


def recorded(ledger: Ledger, stream: UUID, expected: int, *events: NewEvent) -> int:
    """Append events to a stream and return the position of the first."""
    return appended(ledger.append_now(one(stream, expected, *events))).first_position


def state_at(place: Place, position: int) -> bytes:
    """Return the stored bytes of an event."""
    with connected(place) as connection:
        return rows_of(connection)[position - 1].state


def refused(connection: psycopg.Connection[Any], statement: str, *values: Any) -> None:
    """Check that the trigger refuses a statement."""
    with pytest.raises(DatabaseError) as caught:
        connection.execute(statement.encode(), values)
    assert caught.value.sqlstate == "CL004"


def test_without_an_erasure_the_owner_too_removes_nothing(real: Place, ledger: Ledger) -> None:
    """No erasure, one of another key, one of only some of its keys: refused, and the bytes stay."""
    key, other, stream = uuid4(), uuid4(), uuid4()
    at = recorded(ledger, stream, 0, sealed(key, other))
    before = state_at(real, at)
    with connected(real) as owner:
        refused(owner, REMOVE, at)
        recorded(ledger, stream, 1, erasure(key=uuid4()))
        refused(owner, REMOVE, at)
        recorded(ledger, stream, 2, erasure(key=key))
        refused(owner, REMOVE, at)
        assert state_at(real, at) == before
        recorded(ledger, stream, 3, erasure(key=other))
        assert owner.execute(REMOVE, [at]).fetchone() == (True,)
        assert owner.execute(REMOVE, [at]).fetchone() == (False,), "what is gone is gone: the second time is quiet"
    left = state_at(real, at)
    assert before.startswith(left)
    assert read_clear(ledger.read_range(at, at)[0]).data == {"channel": "phone"}


def test_the_trigger_lets_exactly_the_removal_through(real: Place, ledger: Ledger) -> None:
    """Any other change of an erased entry, also one byte more or less or another column with it, is refused."""
    key, stream = uuid4(), uuid4()
    at = recorded(ledger, stream, 0, sealed(key))
    recorded(ledger, stream, 1, erasure(key=key))
    size = "substr(segments, 19, 4)::int"
    with connected(real) as owner:
        for change in (
            f"state = substr(state, 1, {size} - 1)",
            f"state = substr(state, 1, {size} + 1)",
            "state = ''",
            f"state = overlay(substr(state, 1, {size}) PLACING 'x'::bytea FROM 3)",
            f"state = substr(state, 1, {size}), topic = 'visit_held'",
            f"state = substr(state, 1, {size}), segments = substr(segments, 1, 86)",
            f"state = substr(state, 1, {size}), recorded_at = now()",
            f"state = substr(state, 1, {size}), commitment = blind",
            "state = state || '\\x00'",
        ):
            refused(owner, f"UPDATE ledger.event SET {change} WHERE position = {at}")
        refused(owner, f"DELETE FROM ledger.event WHERE position = {at}")
        owner.execute(f"UPDATE ledger.event SET state = substr(state, 1, {size}) WHERE position = {at}".encode())
    assert len(state_at(real, at)) == len(clear_part({"channel": "phone"}, [["content"]]))


def test_what_has_no_sealed_bytes_is_not_touched(real: Place, ledger: Ledger) -> None:
    """An event in clear stays, whatever is erased."""
    stream = uuid4()
    at = recorded(ledger, stream, 0, fact(), erasure(entries=[1]))
    with connected(real) as owner:
        assert owner.execute(REMOVE, [at]).fetchone() == (False,)
        assert owner.execute(REMOVE_ENTRIES, [at + 1]).fetchone() == (0,)


def test_the_application_removes_only_entries_that_an_erasure_names(real: Place, ledger: Ledger) -> None:
    """The function goes by the entry on record alone: of its own stream, once, and of no other kind of event."""
    key, stream, other = uuid4(), uuid4(), uuid4()
    first = recorded(ledger, stream, 0, sealed(key), sealed(key), sealed(key))
    elsewhere = recorded(ledger, other, 0, sealed(key), sealed(key))
    named = recorded(ledger, stream, 3, erasure(entries=[1, 3], scope="entries"))
    note = recorded(ledger, stream, 4, fact("note_recorded", entries=[2]))
    with connected(real, "caseledger_app") as application:
        assert application.execute(REMOVE_ENTRIES, [note]).fetchone() == (0,)
        assert application.execute(REMOVE_ENTRIES, [elsewhere]).fetchone() == (0,)
        assert application.execute(REMOVE_ENTRIES, [named]).fetchone() == (2,)
        assert application.execute(REMOVE_ENTRIES, [named]).fetchone() == (0,)
        with pytest.raises(InsufficientPrivilege):
            application.execute(REMOVE, [first])
    rows = [*ledger.read_stream(stream)[:3], *ledger.read_stream(other)]
    assert [len(row.state) == len(rows[1].state) for row in rows] == [False, True, False, True, True]


def test_a_damaged_erasure_breaks_no_append_and_covers_nothing(real: Place, ledger: Ledger) -> None:
    """Facts that cannot be read are none: the append goes on, and nothing is removed on their account."""
    key, stream = uuid4(), uuid4()
    at = recorded(ledger, stream, 0, sealed(key))
    for position, clear in enumerate((b"{", b"\xff\xfe", b'{"data": "\\u0000"}', b'{"data": {"key": 7}}'), start=1):
        table = segment_table([Segment.clear(clear)])
        recorded(ledger, stream, position, NewEvent("personal_data_erased", os.urandom(32), table, clear, STAFF))
    with connected(real) as owner:
        refused(owner, REMOVE, at)


def test_an_entry_without_its_bytes_reads_as_erased(ledger: Ledger, real: Place) -> None:
    """With the key still here as well; what another key seals in other entries opens as before."""
    key, stream = ledger.keys.create(), uuid4()
    at = recorded(ledger, stream, 0, sealed(key, key), erasure(entries=[1], scope="entries"))
    assert ledger.remove_entries(at + 1) == 1
    entry = ledger.mapper.to_domain_event(ledger.read_range(at, at)[0])
    assert (entry.erased, entry.reason, entry.data) == (NAMES, None, {"channel": "phone"})
    assert entry.sealed == NAMES
    assert len(split_state([Segment(UUID(int=0), 3, b"")], b"abc")) == 1


def test_what_is_erased_on_record_is_not_opened_though_the_key_is_here(ledger: Ledger) -> None:
    """Between decision and destruction, and after a restore of older keys, nobody reads it."""
    key, stream = ledger.keys.create(), uuid4()
    at = recorded(ledger, stream, 0, sealed(key), erasure(key=key))
    row = ledger.read_range(at, at)[0]
    erased = ErasureRegister(ledger).now()
    assert ledger.mapper.to_domain_event(row, erased).erased == ("content",)
    with pytest.raises(Exception, match="does not open"):
        ledger.mapper.to_domain_event(row)


def test_the_register_reads_only_what_has_come_since(ledger: Ledger) -> None:
    """Asked again it knows more, and no less."""
    register, key, other, stream = ErasureRegister(ledger), uuid4(), uuid4(), uuid4()
    assert register.now().keys == frozenset()
    recorded(ledger, stream, 0, erasure(key=key))
    assert register.now().keys == {key}
    position = recorded(ledger, stream, 1, erasure(key=other, scope="case"))
    found = register.now()
    assert (found.keys, dict(found.cases)) == ({key, other}, {stream: position})
    assert register.now() is found


def test_carrying_out_destroys_keys_and_files_once(ledger: Ledger, tmp_path: Path) -> None:
    """Of the keys named and no others; a second run finds nothing to do; a key put back is destroyed again."""
    content = ContentStore(tmp_path / "content", ledger.keys)
    stream, other = uuid4(), uuid4()
    key, kept = ledger.keys.create(), ledger.keys.create()
    for case, key_id in ((stream, key), (stream, kept), (other, kept)):
        draft = content.draft(ContentPlace(case, "d", 1), key_id)
        draft.write(b"letter")
        draft.keep()
    (path,) = (tmp_path / "home").rglob(f"{key}.key")
    before = path.read_bytes()
    recorded(ledger, stream, 0, erasure(key=key))
    told: list[int] = []
    assert apply_erasures(ledger, content, [lambda erased: told.append(len(erased.keys))]) == CarriedOut(1, 1, 0)
    assert apply_erasures(ledger, content) == CarriedOut()
    assert told == [1]
    with pytest.raises(KeyMissing):
        ledger.keys.get(key)
    assert ledger.keys.get(kept)
    assert [len(content.names(case)) for case in (stream, other)] == [1, 1]
    path.write_bytes(before)
    assert apply_erasures(ledger, content) == CarriedOut(), "by its tombstone it is destroyed when it is seen"
    assert not path.exists()


def test_carrying_out_only_what_was_just_decided(ledger: Ledger) -> None:
    """Entries of other kinds are passed over."""
    key, stream = ledger.keys.create(), uuid4()
    at = recorded(ledger, stream, 0, fact(), erasure(key=key))
    assert carry_out(ledger, None, map(read_clear, ledger.read_range(at, at))) == CarriedOut()
    assert carry_out(ledger, None, map(read_clear, ledger.read_range(at, at + 1))) == CarriedOut(1, 0, 0)


@pytest.mark.parametrize("topic", ["personal_data_erased", "rule_book_adopted", "person_registered", "case_opened"])
def test_rare_topics_are_found_by_their_index(real: Place, ledger: Ledger, topic: str) -> None:
    """Nothing but an index of rare topics is read, however many other events there are."""
    stream = uuid4()
    recorded(ledger, stream, 0, *(fact() for _ in range(400)), erasure(key=uuid4()))
    with connected(real) as connection:
        connection.execute("ANALYZE ledger.event")
        for statement, values in (
            (SQL["read_topic"], [topic, 2**62]),
            (SQL["read_topic_after"], [topic, 0]),
            (FOLLOW["entries_of_topics"], [[topic], 2**62]),
        ):
            plan = "\n".join(row[0] for row in connection.execute(b"EXPLAIN " + statement.encode(), values))
            assert "Seq Scan" not in plan, plan
            assert "event_rare_topic" in plan or "event_erased_key" in plan, plan


def test_the_key_of_an_erasure_is_found_by_its_index(real: Place, ledger: Ledger) -> None:
    """The check of a removal looks up each key."""
    recorded(ledger, uuid4(), 0, *(erasure(key=uuid4()) for _ in range(400)))
    with connected(real) as connection:
        connection.execute("ANALYZE ledger.event")
        query = (
            "EXPLAIN SELECT FROM ledger.event e WHERE e.topic = 'personal_data_erased'"
            f" AND ledger.facts_of(e.segments, e.state) ->> 'key' = '{uuid4()}'"
        )
        plan = "\n".join(row[0] for row in connection.execute(query.encode()))
        assert "event_erased_key" in plan, plan


def test_a_superuser_who_switches_triggers_off_is_outside_what_triggers_can_do(real: Place, ledger: Ledger) -> None:
    """The bytes go, and the check of the whole ledger names it: see the tests of verification."""
    at = recorded(ledger, uuid4(), 0, sealed(uuid4()))
    with connected(real) as owner, unhindered(owner, keep=True):
        owner.execute(REMOVE, [at])
    assert len(state_at(real, at)) < 200
