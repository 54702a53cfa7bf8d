"""The eventsourcing library's own test cases, run against our recorders, and an application of the library on them.

Differences, all of them on purpose:

- Streams start at version 1 here, and the library's test cases start some at 0: ``ShiftedRecorder`` shifts versions
  by one, and ``INITIAL_VERSION`` is 0 accordingly.
- A stream has no holes: the stock recorder takes any free version, ours only the next one.
- A refused append uses up no notification id; the stock recorder burns them.
- Tables come from migrations only: ``create_table`` does nothing.
- ``POSTGRES_ENABLE_DB_FUNCTIONS`` is refused.
- Not run: ``AggregateRecorderTestCase`` (wants no notification ids), ``ProcessRecorderTestCase`` (our followers move
  their tracking inside their own transaction instead), ``InfrastructureFactoryTestCase`` and ``TranscoderTestCase``
  (we have neither a factory nor a transcoder).
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError, Notification, OperationalError, StoredEvent, Tracking
from eventsourcing.popo import POPOFactory
from eventsourcing.tests.persistence import (
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    TrackingRecorderTestCase,
)
from psycopg.conninfo import make_conninfo

from api.opening import Place
from ledger.appender import SQL, Appender
from ledger.migrations import migrate
from ledger.recorder import LedgerRecorder, LedgerTrackingRecorder, datastore
from ledger.store import Ledger, conninfo_as
from projections.installation import install
from replay.verify import verify_ledger
from tests.conftest import Server

Stored = TypeVar("Stored", StoredEvent, Notification)


class ShiftedRecorder(LedgerRecorder):
    """Our recorder for callers whose streams start at version 0."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Append the events one version later."""
        return super().insert_events([_shifted(stored, 1) for stored in stored_events], **kwargs)

    def select_events(self, *args: Any, **kwargs: Any) -> Sequence[StoredEvent]:
        """Return the events one version earlier."""
        return [_shifted(stored, -1) for stored in super().select_events(*args, **kwargs)]

    def select_notifications(self, *args: Any, **kwargs: Any) -> Sequence[Notification]:
        """Return the notifications one version earlier."""
        return [_shifted(stored, -1) for stored in super().select_notifications(*args, **kwargs)]


def _shifted(stored: Stored, by: int) -> Stored:
    return replace(stored, originator_version=stored.originator_version + by)


@pytest.fixture(scope="module")
def bare_template(server: Server) -> str:
    """A ledger without even its opening event, because the library's test cases expect to write the first one."""
    database = server.create()
    with psycopg.connect(server.postgres.conninfo(database), autocommit=True) as owner:
        migrate(owner)
        install(owner)
        owner.execute(SQL["open_head"], [uuid4(), False])
    return database


@pytest.fixture
def bare(server: Server, bare_template: str) -> Generator[str]:
    """The address of a bare ledger."""
    database = server.create(bare_template)
    yield server.postgres.conninfo(database)
    server.drop(database)


class Recorders:
    """Makes recorders over one ledger and closes what they hold."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._closing: list[Callable[[], None]] = []

    def shifted(self) -> ShiftedRecorder:
        """Return a new recorder for streams that start at version 0."""
        address = conninfo_as(self._conninfo, "caseledger_app")
        appender = Appender(lambda: psycopg.connect(address, autocommit=True))
        store = datastore(self._conninfo, "caseledger_app", "ledger")
        self._closing += [appender.close, store.close]
        return ShiftedRecorder(store, appender)

    def tracking(self) -> LedgerTrackingRecorder:
        """Return a new recorder of how far followers have come."""
        store = datastore(self._conninfo, "caseledger_worker", "view")
        self._closing.append(store.close)
        return LedgerTrackingRecorder(store)

    def close(self) -> None:
        """Close all connections."""
        for close in self._closing:
            close()


@pytest.fixture
def recorders(bare: str) -> Generator[Recorders]:
    """Recorders over a bare ledger."""
    made = Recorders(bare)
    yield made
    made.close()


class TestApplicationRecorder(ApplicationRecorderTestCase[ShiftedRecorder]):
    """The library's tests of inserting, selecting, limits, topics, concurrency and subscriptions."""

    INITIAL_VERSION = 0

    @pytest.fixture(autouse=True)
    def use(self, recorders: Recorders) -> None:
        """Take the recorders of the test."""
        self.recorders = recorders

    def create_recorder(self) -> ShiftedRecorder:
        """Return a recorder over an empty ledger."""
        return self.recorders.shifted()

    def test_insert_subscribe(self) -> None:
        """Subscriptions see old and new events in order, stop when told to, and can be limited to topics."""
        self.optional_test_insert_subscribe()


class TestNonInterleavingNotificationIds(NonInterleavingNotificationIDsBaseCase):
    """The library's test that two big concurrent appends do not mix their ids."""

    INITIAL_VERSION = 0

    @pytest.fixture(autouse=True)
    def use(self, recorders: Recorders) -> None:
        """Take the recorders of the test."""
        self.recorder = recorders.shifted()

    def create_recorder(self) -> ShiftedRecorder:
        """Return the one recorder: the test asks for it once and appends from two threads."""
        return self.recorder


class TestTrackingRecorder(TrackingRecorderTestCase):
    """The library's tests of tracking how far a follower has come."""

    @pytest.fixture(autouse=True)
    def use(self, recorders: Recorders) -> None:
        """Take the recorders of the test."""
        self.recorders = recorders

    def create_recorder(self) -> LedgerTrackingRecorder:
        """Return a recorder over an empty table."""
        return self.recorders.tracking()


@pytest.fixture
def recorder(real: Place, ledger: Ledger) -> Generator[LedgerRecorder]:
    """Our recorder as it is, over a ledger with its opening event."""
    store = datastore(real.conninfo, "caseledger_app", "ledger")
    yield LedgerRecorder(store, ledger.appender)
    store.close()


def stored(stream: UUID, version: int) -> StoredEvent:
    """Return an event of the library's own kind."""
    return StoredEvent(originator_id=stream, originator_version=version, topic="topic", state=b"state")


def test_stream_starts_at_one_and_has_no_holes(recorder: LedgerRecorder) -> None:
    """Version 0, a version in advance and a gap inside one call are refused, and use up no id."""
    stream = uuid4()
    for versions in ((0,), (2,), (1, 3), (2, 1)):
        with pytest.raises((IntegrityError, ValueError)):
            recorder.insert_events([stored(stream, version) for version in versions])
    assert recorder.insert_events([stored(stream, 1), stored(stream, 2)]) == [2, 3]
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored(stream, 2)])
    assert recorder.insert_events([stored(stream, 3)]) == [4]
    assert recorder.insert_events([]) == []


def test_several_streams_in_one_call_are_all_or_nothing(recorder: LedgerRecorder) -> None:
    """A conflict of one stream keeps the others out."""
    one, other = uuid4(), uuid4()
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored(one, 1), stored(other, 2)])
    assert recorder.insert_events([stored(one, 1), stored(other, 1), stored(one, 2)]) == [2, 3, 4]


def test_select_by_version(recorder: LedgerRecorder) -> None:
    """Events of a stream can be limited by version from both sides, in both directions."""
    stream = uuid4()
    recorder.insert_events([stored(stream, version) for version in range(1, 6)])
    versions = [e.originator_version for e in recorder.select_events(stream, gt=1, lte=4, desc=True, limit=2)]
    assert versions == [4, 3]


def test_creating_tables_is_left_to_migrations(bare: str, recorders: Recorders) -> None:
    """Neither recorder creates, alters or drops anything."""
    with psycopg.connect(bare) as connection:
        count = "SELECT count(*) FROM pg_class"
        before = connection.execute(count).fetchone()
        recorders.shifted().create_table()
        recorders.tracking().create_table()
        assert connection.execute(count).fetchone() == before


def test_database_functions_are_refused(recorder: LedgerRecorder, ledger: Ledger) -> None:
    """The option of the library that loses commit order cannot be used."""
    recorder.datastore.enable_db_functions = True
    with pytest.raises(ValueError, match="POSTGRES_ENABLE_DB_FUNCTIONS"):
        LedgerRecorder(recorder.datastore, ledger.appender)


def test_ledger_that_does_not_answer_is_an_operational_error(real: Place) -> None:
    """What the library knows as an operational error is what it gets when the database is away."""
    appender = Appender(lambda: psycopg.connect(make_conninfo(real.conninfo, host="/nowhere"), autocommit=True))
    store = datastore(real.conninfo, "caseledger_app", "ledger")
    with pytest.raises(OperationalError, match="does not answer"):
        LedgerRecorder(store, appender).insert_events([stored(uuid4(), 1)])
    appender.close()
    store.close()


def test_tracking_moves_with_the_followers_own_transaction(recorders: Recorders, bare: str) -> None:
    """A move is undone with its transaction, and one that does not go forward is refused."""
    tracking = recorders.tracking()
    with tracking.datastore.get_connection() as connection, connection.cursor() as cursor:
        with connection.transaction(force_rollback=True):
            tracking.move(cursor, "view/1", 5)
        with connection.transaction():
            tracking.move(cursor, "view/1", 3)
        with pytest.raises(IntegrityError), connection.transaction():
            tracking.move(cursor, "view/1", 3)
    assert tracking.max_tracking_id("view/1") == 3
    with pytest.raises(IntegrityError):
        tracking.insert_tracking(Tracking("view/1", 2))


class Note(Aggregate):
    """A text with a history."""

    @event("Written")
    def __init__(self, text: str) -> None:
        self.text = text

    @event("Changed")
    def change(self, text: str) -> None:
        """Replace the text."""
        self.text = text


def test_application_of_the_library_runs_on_the_ledger(recorder: LedgerRecorder, ledger: Ledger) -> None:
    """Aggregates are saved, found again, guarded against conflicts, and their events are part of the tree."""

    class Ours(POPOFactory):
        def application_recorder(self) -> Any:
            return recorder

    class Notes(Application[UUID]):
        def construct_factory(self, env: Any) -> Any:
            return Ours(env)

    notes = Notes()
    note = Note("one")
    notes.save(note)
    note.change("two")
    stale: Note = notes.repository.get(note.id)
    notes.save(note)
    stale.change("three")
    with pytest.raises(IntegrityError):
        notes.save(stale)
    found: Note = notes.repository.get(note.id)
    assert (found.text, found.version) == ("two", 2)
    assert [n.id for n in notes.notification_log.select(start=2, limit=10)] == [2, 3]
    notes.close()
    assert [row.version for row in ledger.read_stream(note.id)] == [1, 2]
    report = verify_ledger(ledger)
    assert report.root == ledger.head().root
    # Chain and tree are right; what the library writes is only no event of ours.
    assert report.checks == {"readable"}
