"""Forward-only migrations: all ways lead to the same schema, files stay as they were applied, one runner at a time."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest

from ledger import migrations
from ledger.appender import SQL
from ledger.errors import MigrationError
from ledger.migrations import Migration, known_migrations, migrate
from tests.conftest import Server
from tests.ledger.samples import append_around, fact, rows_of

Connection = psycopg.Connection[Any]
KNOWN = known_migrations()
CATALOGUE: dict[str, LiteralString] = {
    "tables": (
        "SELECT c.relname, c.relkind, c.reloptions, c.relpersistence, c.relrowsecurity, pg_get_userbyid(c.relowner),"
        " pg_get_viewdef(c.oid) FROM pg_class c WHERE c.relnamespace = 'ledger'::regnamespace"
    ),
    "columns": (
        "SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attstorage,"
        " a.attcompression, pg_get_expr(d.adbin, d.adrelid) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
        " WHERE c.relnamespace = 'ledger'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped"
    ),
    "constraints": (
        "SELECT conrelid::regclass::text, conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'ledger'::regnamespace"
    ),
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'ledger'",
    "functions": (
        "SELECT pg_get_functiondef(oid), proacl::text, pg_get_userbyid(proowner) FROM pg_proc"
        " WHERE pronamespace = 'ledger'::regnamespace"
    ),
    "triggers": (
        "SELECT pg_get_triggerdef(t.oid), t.tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE c.relnamespace = 'ledger'::regnamespace"
    ),
    "rights": (
        "SELECT c.relname, c.relacl::text FROM pg_class c WHERE c.relnamespace = 'ledger'::regnamespace"
        " UNION ALL SELECT nspname, nspacl::text FROM pg_namespace WHERE nspname = 'ledger'"
    ),
    "types": (
        "SELECT t.typname, t.typtype, t.typacl::text FROM pg_type t WHERE t.typnamespace = 'ledger'::regnamespace"
    ),
    "journal": "SELECT number::text, name, digest FROM public.caseledger_migration",
}


def catalogue(connection: Connection) -> dict[str, list[str]]:
    """Return all there is in the ledger's schema, in a form that does not depend on the order of making."""
    return {name: sorted(map(repr, connection.execute(query).fetchall())) for name, query in CATALOGUE.items()}


@pytest.fixture
def owner(server: Server) -> Generator[Connection]:
    """The owner's connection to an empty database."""
    database = server.create()
    with psycopg.connect(server.postgres.conninfo(database), autocommit=True) as connection:
        yield connection
    server.drop(database)


@pytest.fixture
def grown(server: Server) -> Generator[Connection]:
    """The owner's connection to another empty database."""
    database = server.create()
    with psycopg.connect(server.postgres.conninfo(database), autocommit=True) as connection:
        yield connection
    server.drop(database)


def new(number: int, text: LiteralString) -> Migration:
    """Return a migration that does not ship with the program."""
    return Migration(number, f"{number:04d}_new.sql", "d" * 64, text)


@pytest.fixture
def one_more(monkeypatch: pytest.MonkeyPatch) -> Migration:
    """A version of the program that has one migration more."""
    more = new(len(KNOWN) + 1, "ALTER TABLE ledger.request ADD note text; CREATE INDEX ON ledger.request (note);")
    monkeypatch.setattr(migrations, "known_migrations", lambda: [*KNOWN, more])
    return more


def write_some(connection: Connection) -> None:
    """Make a head if there is none and append a few events."""
    connection.execute(SQL["open_head"], [uuid4(), False])
    for _ in range(5):
        assert append_around(connection, fact(), datetime.now(UTC)) == "appended"


def check_that_growing_leads_to_the_same(owner: Connection, grown: Connection) -> None:
    """Apply all at once and one by one with events in between, and compare."""
    names = [migration.name for migration in migrations.known_migrations()]
    assert migrate(owner) == names
    for number, name in enumerate(names, start=1):
        assert migrate(grown, upto=number) == [name]
        before = rows_of(grown)
        write_some(grown)
        assert rows_of(grown)[: len(before)] == before
    assert catalogue(grown) == catalogue(owner)
    assert all(catalogue(owner).values())
    assert migrate(grown) == []


def test_new_installation_equals_migrations_applied_one_by_one(owner: Connection, grown: Connection) -> None:
    """A database that has grown with its events has exactly the schema of a new one, rights and sources included."""
    check_that_growing_leads_to_the_same(owner, grown)


def test_growing_by_a_migration_still_to_come(owner: Connection, grown: Connection, one_more: Migration) -> None:
    """The same holds with one migration more, and its change is seen by the comparison."""
    check_that_growing_leads_to_the_same(owner, grown)
    grown.execute("ALTER TABLE ledger.request ALTER note SET NOT NULL")
    assert catalogue(grown) != catalogue(owner)


def test_database_of_an_older_version_is_brought_up(owner: Connection, one_more: Migration) -> None:
    """Only what is missing is applied, in order, and noted."""
    assert migrate(owner, upto=len(KNOWN)) == [migration.name for migration in KNOWN]
    assert migrate(owner) == [one_more.name]
    assert dict(owner.execute("SELECT number, digest FROM caseledger_migration").fetchall()) == {
        migration.number: migration.digest for migration in (*KNOWN, one_more)
    }


def test_edited_file_is_noticed(owner: Connection) -> None:
    """A migration that was applied in another wording stops the program and names the file."""
    migrate(owner)
    owner.execute("UPDATE caseledger_migration SET digest = 'another' WHERE number = 1")
    before = catalogue(owner)
    with pytest.raises(MigrationError, match=rf"{KNOWN[0].name} has been edited since"):
        migrate(owner)
    assert catalogue(owner) == before


def test_database_ahead_of_the_program_is_noticed(owner: Connection) -> None:
    """A database that a newer program has migrated is left alone."""
    migrate(owner)
    owner.execute("INSERT INTO caseledger_migration VALUES (%s, 'newer', 'd')", [len(KNOWN) + 1])
    with pytest.raises(MigrationError, match=rf"has migration {len(KNOWN) + 1}, this program does not"):
        migrate(owner)


def test_failing_migration_leaves_nothing(
    owner: Connection, one_more: Migration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration that fails half-way is undone as a whole, is not noted, and lets the next runner start."""
    broken = replace(one_more, text="CREATE TABLE ledger.half (a int); SELECT 1 / 0;")
    monkeypatch.setattr(migrations, "known_migrations", lambda: [*KNOWN, broken])
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(owner)
    monkeypatch.undo()
    before = catalogue(owner)
    assert not any("half" in line for lines in before.values() for line in lines)
    assert migrate(owner) == []
    assert catalogue(owner) == before


def test_of_four_runners_one_applies(server: Server, owner: Connection) -> None:
    """Four programs that start at once on an empty database apply every migration once, and none fails."""
    conninfo = server.postgres.conninfo(owner.info.dbname)

    def run(_: int) -> list[str]:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            return migrate(connection)

    with ThreadPoolExecutor(4) as threads:
        applied = sorted(threads.map(run, range(4)))
    assert applied == [[], [], [], [migration.name for migration in KNOWN]]


def test_two_databases_of_one_server_may_be_migrated_at_once(owner: Connection, grown: Connection) -> None:
    """The roles belong to the server, and two ledgers that are made at the same time do not get in each other's way."""
    with ThreadPoolExecutor(2) as threads:
        assert [len(applied) for applied in threads.map(migrate, (owner, grown))] == [len(KNOWN)] * 2


def test_runner_that_waits_too_long_says_so(server: Server, owner: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another program migrates this database, a runner waits, and in the end gives a clear message."""
    monkeypatch.setattr(migrations, "LOCK_WAIT_SECONDS", 0.1)
    with psycopg.connect(server.postgres.conninfo(owner.info.dbname), autocommit=True) as other:
        other.execute(migrations.SQL["try_lock"])
        with pytest.raises(MigrationError, match="another process has been migrating"):
            migrate(owner)
    migrate(owner)
