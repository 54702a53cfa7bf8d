"""The second wall: what each database role sees of the ledger and the views, tried over connections in that role."""

from collections.abc import Generator
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from api.opening import Place
from domain.events import BY_TOPIC
from ledger.format import Segment, segment_table
from ledger.requests import NewEvent
from ledger.store import Ledger
from projections.follower import Follower
from projections.view import CASE_STATE
from tests.conftest import Server
from tests.ledger.samples import HOURS, STAFF, appended, clear_part, connected, fact, one, opening

Connection = psycopg.Connection[Any]
SEE_ALL = ("caseledger_app", "caseledger_worker", "caseledger_auditor")
READER = "caseledger_reader"
TABLES: LiteralString = (
    "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
    " WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
)
HIDDEN = {
    "person_registered", "person_identified", "record_viewed", "lookups_withheld", "lookup_extract_made",
    "lookups_expired", "break_glass_opened", "break_glass_reviewed", "staff_names_released", "access_granted",
    "access_ended",
}  # fmt: skip


def restricted() -> NewEvent:
    """Return a restriction of a case."""
    return fact("case_restricted", category="adoption", allowed=["u-1"], review_by="2020-03-01")


def reviewed(restriction: int, *, renewed: bool) -> NewEvent:
    """Return a review of a restriction."""
    return fact("restriction_reviewed", restriction=restriction, renewed=renewed)


def annulled(version: int) -> NewEvent:
    """Return the annulment of an entry."""
    return fact("entry_annulled", annuls=version)


def corrected(version: int) -> NewEvent:
    """Return a correction of an entry."""
    return fact("entry_corrected", corrects=version, field="renewed", old=False, new=True)


def unreadable(topic: str) -> NewEvent:
    """Return an event whose clear part is no JSON."""
    clear = b"\xff not JSON"
    return NewEvent(topic, bytes(32), segment_table([Segment.clear(clear)]), clear, STAFF)


def seen(connection: Connection, stream: UUID) -> int:
    """Return how many rows of a stream a connection sees, by every way there is to its rows."""
    counts = {
        connection.execute(query, [stream]).fetchall()[0][0]
        for query in (
            b"SELECT count(*) FROM ledger.event WHERE stream = %s",
            b"SELECT count(*) FROM ledger.stored_events WHERE originator_id = %s",
            b"SELECT count(*) FROM (SELECT * FROM ledger.event OFFSET 0) e WHERE stream = %s",
        )
    }
    assert len(counts) == 1
    return counts.pop()


@pytest.fixture
def reader(real: Place, ledger: Ledger) -> Generator[Connection]:
    """A connection with a reader's rights to an empty ledger."""
    with connected(real, READER) as connection:
        yield connection


def test_reader_sees_facts_but_neither_identities_nor_looks(real: Place, ledger: Ledger, reader: Connection) -> None:
    """Of one event of every topic a reader sees all but those hidden; application, worker and auditor see each."""
    stream = uuid4()
    events = [fact(topic) for topic in sorted(BY_TOPIC) if topic != "case_restricted"]
    appended(ledger.append_now(one(stream, 0, *events)))
    found = {row[0] for row in reader.execute("SELECT topic FROM ledger.event WHERE stream = %s", [stream]).fetchall()}
    assert {event.topic for event in events} - found == HIDDEN
    for role in SEE_ALL:
        with connected(real, role) as connection:
            assert seen(connection, stream) == len(events)


def test_a_restricted_case_is_gone_for_readers_only(real: Place, ledger: Ledger, reader: Connection) -> None:
    """From the restriction on a reader sees nothing of the case, also nothing from before; another case stays."""
    case, other = uuid4(), uuid4()
    appended(ledger.append_now(one(case, 0, opening(), fact())))
    appended(ledger.append_now(one(other, 0, opening("S-2"))))
    assert seen(reader, case) == 2
    appended(ledger.append_now(one(case, 2, restricted())))
    assert (seen(reader, case), seen(reader, other)) == (0, 1)
    for role in SEE_ALL:
        with connected(real, role) as connection:
            assert seen(connection, case) == 3


@pytest.mark.parametrize(
    ("later", "visible"),
    [
        ([reviewed(2, renewed=True)], False),
        ([reviewed(2, renewed=False)], True),
        ([reviewed(2, renewed=True), reviewed(2, renewed=False)], True),
        ([reviewed(2, renewed=False), restricted()], False),
        ([restricted(), reviewed(2, renewed=False)], False),
        ([restricted(), reviewed(2, renewed=False), reviewed(3, renewed=False)], True),
        ([reviewed(2, renewed=False), annulled(3)], False),
        ([reviewed(2, renewed=False), corrected(3)], False),
        ([reviewed(2, renewed=False), annulled(3), reviewed(2, renewed=False)], True),
        ([annulled(2)], False),
        ([reviewed(2, renewed=False), annulled(1), corrected(1)], True),
        ([unreadable("restriction_reviewed")], False),
        ([reviewed(2, renewed=False), unreadable("case_restricted")], False),
    ],
)
def test_restriction_stands_until_lifted(
    ledger: Ledger, reader: Connection, later: list[NewEvent], visible: bool
) -> None:
    """A restriction ends by the review of that restriction, and a review that is put in doubt does not count."""
    case = uuid4()
    events = [opening(), restricted(), *later]
    for version, event in enumerate(events):
        appended(ledger.append_now(one(case, version, event)))
    assert seen(reader, case) == (len(events) if visible else 0)


def test_another_case_with_the_same_versions_is_not_lifted(ledger: Ledger, reader: Connection) -> None:
    """A review counts for its own case only."""
    case, other = uuid4(), uuid4()
    for stream in (case, other):
        appended(ledger.append_now(one(stream, 0, opening(), restricted())))
    appended(ledger.append_now(one(other, 2, reviewed(2, renewed=False))))
    assert (seen(reader, case), seen(reader, other)) == (0, 3)


def test_views_hide_restricted_cases_and_looks_from_readers(real: Place, ledger: Ledger, reader: Connection) -> None:
    """Remembered rows of a restricted case, and of views that are no facts of cases, are not there for a reader."""
    case, other = uuid4(), uuid4()
    appended(ledger.append_now(one(case, 0, opening(), fact(HOURS, hours_per_week=2))))
    appended(ledger.append_now(one(other, 0, opening("S-2"))))
    follower = Follower(real.conninfo, CASE_STATE)
    follower.step()
    follower.close()
    with connected(real) as owner:
        for name in ("access", "withheld"):
            owner.execute(
                "INSERT INTO view.remembered_v1 VALUES (%s, 1, %s, '1', 1, NULL, '{}')", [name, other], prepare=False
            )
    appended(ledger.append_now(one(case, 2, restricted())))
    query: LiteralString = "SELECT DISTINCT view, key FROM view.remembered_v1 ORDER BY 1, 2"
    assert reader.execute(query).fetchall() == [("case_state", other)]
    for role in SEE_ALL:
        with connected(real, role) as connection:
            assert len(connection.execute(query).fetchall()) == 4


def test_reader_cannot_list_restrictions_or_requests(ledger: Ledger, reader: Connection) -> None:
    """Neither which cases are restricted nor the digests of requests can be read by a reader."""
    appended(ledger.append_now(one(uuid4(), 0, opening(), restricted(), key=bytes(32))))
    for query in (
        b"SELECT * FROM ledger.restriction",
        b"SELECT * FROM ledger.request",
        b"SELECT key FROM ledger.request",
    ):
        with pytest.raises(InsufficientPrivilege):
            reader.execute(query)


def test_a_condition_with_side_effects_sees_no_hidden_row(ledger: Ledger, reader: Connection) -> None:
    """A reader's own function, made to look cheap, is not called with rows that are hidden from the reader."""
    case = uuid4()
    appended(ledger.append_now(one(case, 0, opening(), restricted())))
    told: list[str] = []
    reader.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
    reader.execute(
        "CREATE FUNCTION pg_temp.tell(a uuid) RETURNS boolean LANGUAGE plpgsql COST 0.0000001"
        " AS 'BEGIN RAISE NOTICE ''%'', a; RETURN true; END'"
    )
    reader.execute("SELECT FROM ledger.event WHERE pg_temp.tell(stream)")
    assert told
    assert str(case) not in told


def test_functions_of_the_owner_see_every_row(ledger: Ledger, reader: Connection) -> None:
    """Positions and times count all events, whoever asks."""
    answer = appended(ledger.append_now(one(uuid4(), 0, opening(), restricted())))
    assert reader.execute("SELECT ledger.position_at('infinity')").fetchall() == [(answer.last_position,)]
    asked: tuple[datetime] = (answer.recorded_at,)
    assert reader.execute("SELECT ledger.position_at(%s)", asked).fetchall() == [(answer.last_position,)]


def test_a_login_without_role_reads_nothing(server: Server, real: Place, ledger: Ledger) -> None:
    """Somebody who may only connect reads no table of any schema; one who may read all data sees no event."""
    appended(ledger.append_now(one(uuid4(), 0, opening())))
    stranger, curious = f"stranger_{uuid4().hex[:8]}", f"curious_{uuid4().hex[:8]}"
    with connected(real) as owner:
        tables = [row[0] for row in owner.execute(TABLES).fetchall()]
        assert {"ledger.event", "ledger.request", "view.remembered_v1", "public.caseledger_migration"} <= {*tables}
        owner.execute(f"CREATE ROLE {stranger}; CREATE ROLE {curious} IN ROLE pg_read_all_data".encode())
    try:
        with connected(real, stranger) as connection:
            for table in tables:
                with pytest.raises(InsufficientPrivilege):
                    connection.execute(f"SELECT * FROM {table}".encode())
        with connected(real, curious) as connection:
            for table in ("ledger.event", "ledger.stored_events", "view.remembered_v1"):
                assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchall() == [(0,)]
    finally:
        with connected(real) as owner:
            owner.execute(f"DROP ROLE {stranger}, {curious}".encode())


def test_no_table_is_readable_beyond_what_is_meant(real: Place) -> None:
    """Each role reads the tables listed here and no other; a new table shows up as a difference."""
    read: dict[str, set[str]] = {}
    for role in (*SEE_ALL, READER):
        with connected(real, role) as connection:
            read[role] = {row[0] for row in connection.execute(TABLES).fetchall()}
    views = {
        f"view.{name}" for name in ("current", "notification_tracking", "rebuild", "rebuild_share", "remembered_v1")
    }
    everything = {"ledger.event", "ledger.head", "ledger.request", "ledger.stored_events", *views}
    own = {"search.membership", "search.progress", "search.token", "sign_in.session"}
    everything |= {f"proof.{table}" for table in ("checkpoint", "cosignature", "key", "stamp", "tile")}
    assert read["caseledger_app"] == everything | own, "names under a key, and sessions: the application's alone"
    assert read["caseledger_worker"] == everything
    assert read["caseledger_auditor"] == everything | {"ledger.restriction"}
    assert read[READER] == everything - {"ledger.request"}


def test_restrictions_of_before_the_wall_are_known(server: Server, real: Place) -> None:
    """Made anew from the events, the table of restrictions is the one that the appends have kept."""
    case, lifted = uuid4(), uuid4()
    with real.ledger() as ledger:
        appended(ledger.append_now(one(case, 0, opening(), restricted())))
        appended(ledger.append_now(one(lifted, 0, opening("S-2"), restricted(), reviewed(2, renewed=False))))
    with connected(real) as owner, owner.transaction(force_rollback=True):
        owner.execute("DELETE FROM ledger.restriction")
        owner.execute(
            "SELECT ledger.note_restriction(e) FROM ledger.event e WHERE topic LIKE '%restrict%' ORDER BY position"
        )
        assert owner.execute("SELECT stream, version FROM ledger.restriction").fetchall() == [(case, 2)]


def test_clear_part_reads_what_python_wrote(real: Place) -> None:
    """The clear part in the database is the JSON that was put there, whatever follows it."""
    clear = clear_part({"hours_per_week": 7})
    table = segment_table([Segment.clear(clear), Segment(uuid4(), 3, bytes(32), bytes(32))])
    with connected(real) as owner:
        answer = owner.execute("SELECT ledger.clear_part(%b, %b) #>> '{data,hours_per_week}'", [table, clear + b"abc"])
        assert answer.fetchall() == [("7",)]
