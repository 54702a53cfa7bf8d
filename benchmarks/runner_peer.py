"""The peer of following: the library's ProjectionRunner, one transaction with tracking for each event."""

from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from api.opening import Place
from benchmarks.measure import now
from ledger.creation import create_database

EVENTS, PER_CASE = 3000, 20
TEXT = "x" * 400
CONNECTING = ("dbname", "host", "port", "user", "password")


class Case(Aggregate):
    """A case whose level of support changes."""

    def __init__(self) -> None:
        self.hours, self.note = 0, ""

    @event("HoursSet")
    def set_hours(self, hours: int, note: str) -> None:
        """Set the level."""
        self.hours, self.note = hours, note


class Cases(Application[Any]):
    """Keeps cases."""


class Levels(PostgresTrackingRecorder):
    """One row for each case, and how far the events are taken in."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        self.sql_create_statements.append(
            SQL(
                "CREATE TABLE IF NOT EXISTS {}.level (key uuid, position bigint, hours int,"
                " PRIMARY KEY (key, position))"
            ).format(Identifier(datastore.schema))
        )

    def put(self, key: Any, hours: int, tracking: Tracking) -> None:
        """Note a level."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute("INSERT INTO level VALUES (%s, %s, %s)", [key, tracking.notification_id, hours])


class Following(Projection[Levels]):
    """Notes the level of each case after each event."""

    name = "levels"

    def process_event(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, domain_event: Any, tracking: Tracking
    ) -> None:
        """Take in one event."""
        self.view.put(domain_event.originator_id, getattr(domain_event, "hours", 0), tracking)


def rate(place: Place, database: str) -> float:
    """Return how many events a second the runner takes in, over a store of its own."""
    create_database(place.owner, database)
    parameters = conninfo_to_dict(make_conninfo(place.owner, dbname=database))
    environment = {"PERSISTENCE_MODULE": "eventsourcing.postgres"} | {
        f"POSTGRES_{name.upper()}": str(parameters.get(name) or "") for name in CONNECTING
    }
    app = Cases(env=environment)
    last = 0
    for _ in range(EVENTS // PER_CASE):
        case = Case()
        for hours in range(1, PER_CASE):
            case.set_hours(hours, TEXT)
        last = max(recording.notification.id for recording in app.save(case))
    app.close()
    begun = now()
    with ProjectionRunner(
        application_class=Cases, projection_class=Following, view_class=Levels, env=environment
    ) as run:
        run.wait(last, timeout=300)
    return EVENTS / (now() - begun)
