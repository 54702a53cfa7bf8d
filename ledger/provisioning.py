"""A database for one more ledger on a server that holds others: its own owner, its own login, closed to everybody else.

Group roles belong to the server and say what a login may do in the databases that it may connect to. What keeps ledgers
apart is that right to connect, so each database takes it from everybody and gives it to its own two logins.
"""

import secrets
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ledger.creation import connect_owner
from ledger.errors import LedgerError
from ledger.migrations import migrate
from ledger.queries import load_queries

SQL = load_queries("ledger", "sql/provisioning.sql")
PREFIX = "caseledger_"
NAME_PATTERN = r"[a-z][a-z0-9]{0,15}(_[a-z0-9]{1,15}){0,2}"
"""What a ledger may be called in an installation: a part of names of databases, logins, accounts and units."""

RESERVED = frozenset({"app", "worker", "reader", "auditor", "owner"})
_SECRET_BYTES = 24


class NotProvisioned(LedgerError):
    """The database was not made."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login of one ledger and its password; never printed."""

    role: str
    password: str


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What was made on the server at ``host`` and ``port``: a database, who owns it, and who works on it daily."""

    host: str
    port: int
    database: str
    owner: Login
    daily: Login


def provision(administrator: str, name: str) -> Provisioned:
    """Make database, owner and login of a ledger, with its schema, and close the database to everybody else.

    ``administrator`` connects as a superuser of the server. Again after an attempt that was cut off, or to give both
    logins new passwords. Raises NotProvisioned and LedgerUnavailable.
    """
    database = f"{PREFIX}{name}"
    owner, daily = (Login(role, secrets.token_urlsafe(_SECRET_BYTES)) for role in (f"{database}_owner", database))
    with connect_owner(make_conninfo(administrator, dbname="postgres")) as connection:
        host, port = connection.info.host, connection.info.port
        try:
            _require_free(connection, database, owner.role)
            _make_logins(connection, owner, daily)
            _make_database(connection, database, owner.role, daily.role)
            _migrate(make_conninfo(administrator, dbname=database, options=f"-c role={owner.role}"))
        except psycopg.errors.InsufficientPrivilege as error:
            raise NotProvisioned("This login is no superuser: name one in PGUSER, such as postgres.") from error
        finally:
            _take_back(connection, owner.role)
    return Provisioned(host, port, database, owner, daily)


def _require_free(connection: psycopg.Connection[Any], database: str, owner: str) -> None:
    """Raise NotProvisioned for a database that somebody else made under this name."""
    row = connection.execute(SQL["owner_of"], [database]).fetchone()
    if row is not None and row[0] != owner:
        raise NotProvisioned(f"The database {database} is owned by another login: choose another name.")


def _make_logins(connection: psycopg.Connection[Any], owner: Login, daily: Login) -> None:
    connection.execute(SQL["create_groups"])
    for login in (owner, daily):
        if not connection.execute(SQL["role_exists"], [login.role]).fetchall()[0][0]:
            _run(connection, "create_role", login.role)
        # Hashed here, so that no log of statements holds the password.
        hashed = connection.pgconn.encrypt_password(login.password.encode(), login.role.encode(), b"scram-sha-256")
        statement = sql.SQL(SQL["set_login"]).format(sql.Identifier(login.role), sql.Literal(hashed.decode()))
        connection.execute(statement)
    _run(connection, "join_groups", daily.role)


def _make_database(connection: psycopg.Connection[Any], database: str, owner: str, daily: str) -> None:
    if connection.execute(SQL["owner_of"], [database]).fetchone() is None:
        _run(connection, "create_database", database, owner)
    _run(connection, "close_database", database)
    _run(connection, "open_database", database, daily)
    _run(connection, "allow_folding", database)
    _run(connection, "lend_roles", owner)
    _run(connection, "lend_groups", owner)


def _migrate(conninfo: str) -> None:
    with connect_owner(conninfo) as connection:
        migrate(connection)


def _take_back(connection: psycopg.Connection[Any], owner: str) -> None:
    if not connection.closed and connection.execute(SQL["role_exists"], [owner]).fetchall()[0][0]:
        _run(connection, "take_roles_back", owner)
        _run(connection, "take_groups_back", owner)


def _run(connection: psycopg.Connection[Any], statement: str, *names: str) -> None:
    text: LiteralString = SQL[statement]
    connection.execute(sql.SQL(text).format(*map(sql.Identifier, names)))


def may_enter(conninfo: str, databases: list[str]) -> list[str]:
    """Return which of these databases, beside its own, a login may connect to; raises LedgerUnavailable."""
    with connect_owner(conninfo) as connection:
        return [row[0] for row in connection.execute(SQL["may_enter"], [databases]).fetchall()]
