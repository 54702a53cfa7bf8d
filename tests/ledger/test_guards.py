"""Nobody changes what is recorded: application and readers lack the right, the owner meets triggers."""

from datetime import UTC, datetime
from typing import LiteralString
from uuid import uuid4

import pytest
from psycopg.errors import DatabaseError, InsufficientPrivilege

from api.opening import Place
from ledger.store import Ledger
from tests.ledger.samples import append_around, appended, connected, fact, one

TABLES: tuple[LiteralString, ...] = ("ledger.event", "ledger.head", "ledger.request")
CHANGES: tuple[LiteralString, ...] = (
    "INSERT INTO {table} SELECT * FROM {table}",
    "UPDATE {table} SET ({column}) = (SELECT {column} FROM {table} LIMIT 1)",
    "DELETE FROM {table}",
    "TRUNCATE {table} CASCADE",
    "ALTER TABLE {table} ADD note text",
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "DROP TABLE {table} CASCADE",
    "CREATE TRIGGER mine BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()",
    "SELECT FROM {table} FOR UPDATE",
    "LOCK TABLE {table} IN EXCLUSIVE MODE",
    "COPY {table} FROM STDIN",
    "ALTER TABLE {table} OWNER TO CURRENT_USER",
)
COLUMNS: dict[LiteralString, LiteralString] = {
    "ledger.event": "topic, state",
    "ledger.head": "size, root",
    "ledger.request": "key, fingerprint",
}
ROLES = ("caseledger_app", "caseledger_worker", "caseledger_auditor", "caseledger_reader")


def filled(change: LiteralString, table: LiteralString) -> LiteralString:
    """Return a change as a statement about one table."""
    return change.replace("{table}", table).replace("{column}", COLUMNS[table])


@pytest.fixture
def place(real: Place, ledger: Ledger) -> Place:
    """A ledger with an event, and a request with a key."""
    appended(ledger.append_now(one(uuid4(), 0, key=bytes(32))))
    return real


@pytest.mark.parametrize("role", ROLES)
def test_no_role_has_the_right_to_change_anything_directly(place: Place, role: str) -> None:
    """Whatever an application, worker or reader tries on the ledger's tables is refused for lack of privilege."""
    with connected(place, role) as connection:
        for table in TABLES:
            for change in CHANGES:
                with pytest.raises(InsufficientPrivilege), connection.transaction():
                    connection.execute(filled(change, table))
            if (role, table) != ("caseledger_reader", "ledger.request"):
                assert connection.execute(f"SELECT count(*) > 0 FROM {table}".encode()).fetchone() == (True,)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_can_loosen_its_bonds(place: Place, role: str) -> None:
    """No role can switch triggers off, replace a function, add objects or take another role's rights."""
    attempts: list[LiteralString] = [
        "SET session_replication_role = replica",
        "CREATE TABLE ledger.mine (a int)",
        "CREATE FUNCTION ledger.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION ledger.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz'",
        "DROP FUNCTION ledger.position_at(timestamptz)",
        "ALTER FUNCTION ledger.now() SECURITY INVOKER",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ledger TO PUBLIC",
        "CREATE ROLE mine",
        "DROP SCHEMA ledger CASCADE",
        "UPDATE public.caseledger_migration SET digest = ''",
        "SELECT ledger.root_of('')",
        "SELECT ledger.segments_fit('', '')",
        "SELECT ledger.clear_part('', '')",
        "ALTER TABLE ledger.event DISABLE ROW LEVEL SECURITY",
        "DROP POLICY facts_of_open_cases ON ledger.event",
        "CREATE POLICY mine ON ledger.event FOR SELECT USING (true)",
        "DELETE FROM ledger.restriction",
    ]
    with connected(place, role) as connection:
        for attempt in attempts:
            with pytest.raises(InsufficientPrivilege):
                connection.execute(attempt)


@pytest.mark.parametrize(
    ("table", "change"),
    [(t, c) for t in TABLES for c in CHANGES[1:4] if (t, c[:6]) != ("ledger.head", "UPDATE")],
)
def test_owner_is_refused_by_triggers(place: Place, table: LiteralString, change: LiteralString) -> None:
    """The owner of the schema too cannot update, delete or empty what is recorded, unless triggers are removed."""
    with connected(place) as connection:
        before = connection.execute(f"SELECT * FROM {table}".encode()).fetchall()
        with pytest.raises(DatabaseError, match="is refused: what is recorded stays as it is") as caught:
            connection.execute(filled(change, table))
        assert caught.value.sqlstate == "CL004"
        assert connection.execute(f"SELECT * FROM {table}".encode()).fetchall() == before


@pytest.mark.parametrize(
    "change",
    [
        "size = size - 1",
        "recorded_at = recorded_at - interval '1 microsecond'",
        "ledger = gen_random_uuid()",
        "simulated = NOT simulated",
    ],
)
def test_head_does_not_go_back(place: Place, change: str) -> None:
    """The owner cannot take back size or time, nor turn the ledger into another one."""
    with connected(place) as connection:
        with pytest.raises(DatabaseError) as caught:
            connection.execute(f"UPDATE ledger.head SET {change}".encode())
        assert caught.value.sqlstate == "CL004"


def test_there_is_one_head(place: Place) -> None:
    """A second head, also one marked as another, is refused to the owner."""
    with connected(place) as connection:
        for only_row in ("true", "false"):
            with pytest.raises(DatabaseError):
                connection.execute(
                    f"INSERT INTO ledger.head SELECT {only_row}, ledger, simulated, size, frontier, root, recorded_at"
                    " FROM ledger.head".encode()
                )


def test_roles_call_what_they_need_and_no_more(place: Place) -> None:
    """The application appends; worker and reader read, ask positions and the time, and cannot append."""
    for role in ROLES:
        with connected(place, role) as connection:
            assert connection.execute("SELECT ledger.position_at('infinity')").fetchone() == (2,)
            assert connection.execute("SELECT ledger.now() > '2026-01-01'").fetchone() == (True,)
    for role in ROLES[1:]:
        with connected(place, role) as connection, pytest.raises(InsufficientPrivilege):
            append_around(connection, fact(), datetime.now(UTC))
    with connected(place, ROLES[0]) as connection:
        assert append_around(connection, fact(), datetime.now(UTC)) == "appended"


def test_public_has_no_way_in(place: Place) -> None:
    """Somebody without any of the roles may neither enter the schema nor read a table nor call a function."""
    with connected(place) as connection:
        assert connection.execute(
            "SELECT count(*) > 0, bool_or(has_function_privilege('public', p.oid, 'EXECUTE'))"
            " FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'ledger'"
        ).fetchone() == (True, False)
        assert connection.execute(
            "SELECT count(*) > 0, bool_or(has_table_privilege('public', c.oid, 'SELECT,INSERT,UPDATE,DELETE,TRUNCATE'))"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname IN ('ledger', 'view') AND c.relkind IN ('r', 'v')"
        ).fetchone() == (True, False)
        assert connection.execute(
            "SELECT bool_or(has_schema_privilege('public', nspname, 'USAGE,CREATE')) FROM pg_namespace"
            " WHERE nspname IN ('ledger', 'view')"
        ).fetchone() == (False,)


def test_functions_with_the_owners_rights_do_not_follow_the_callers_search_path(place: Place) -> None:
    """Functions that run as the owner name their schemas: the caller's own temporary objects do not come first."""
    with connected(place, "caseledger_app") as connection:
        connection.execute("CREATE TEMPORARY TABLE head (LIKE ledger.head)")
        connection.execute("SET search_path = pg_temp, ledger, public")
        assert append_around(connection, fact(), datetime.now(UTC)) == "appended"
    with connected(place) as connection:
        paths = connection.execute(
            "SELECT p.proname, p.proconfig FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
            " WHERE n.nspname IN ('ledger', 'view') AND p.prosecdef ORDER BY 1"
        ).fetchall()
    assert paths == [
        (name, ["search_path=pg_catalog, pg_temp"])
        for name in ("append", "is_restricted", "now", "position_at", "remove_entries")
    ]
