"""Forward-only migrations: numbered SQL files, one transaction each, pinned by digest, one runner at a time."""

import time
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any, LiteralString, cast

import psycopg

from ledger.errors import MigrationError
from ledger.queries import load_queries

SQL = load_queries("ledger", "sql/migrations.sql")
LOCK_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema: its number, file name, digest and text."""

    number: int
    name: str
    digest: str
    text: LiteralString


def known_migrations() -> list[Migration]:
    """Return the migrations that ship with this version, in order."""
    folder = files("ledger").joinpath("sql/migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    found: list[Migration] = []
    for number, name in enumerate(names, start=1):
        text = folder.joinpath(name).read_text("utf-8")
        if not name.startswith(f"{number:04d}_"):
            raise MigrationError(
                f"migration files must be numbered without gaps: {name} stands where {number:04d} should"
            )
        found.append(Migration(number, name, sha256(text.encode()).hexdigest(), cast(LiteralString, text)))
    return found


def migrate(owner: psycopg.Connection[Any], upto: int | None = None) -> list[str]:
    """Apply what is missing, up to number ``upto`` (None: all), and return the names applied.

    ``owner`` is an autocommit connection of the schema's owner. Raises MigrationError when an applied file has been
    edited since, or when the database is ahead of this program.
    """
    _lock(owner)
    try:
        owner.execute(SQL["create_journal"])
        applied = dict(owner.execute(SQL["read_journal"]).fetchall())
        wanted = [m for m in known_migrations() if upto is None or m.number <= upto]
        _check_history(applied, known_migrations())
        return [_apply(owner, m) for m in wanted if m.number not in applied]
    finally:
        owner.execute(SQL["unlock"])


def _lock(owner: psycopg.Connection[Any]) -> None:
    """Poll for the lock: a blocked wait would hold a snapshot that a concurrent index build waits for."""
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while not _single(owner, "try_lock"):
        if time.monotonic() > deadline:
            raise MigrationError("another process has been migrating this database for a minute: try again later")
        time.sleep(0.05)


def _single(connection: psycopg.Connection[Any], name: str) -> Any:
    row = connection.execute(SQL[name]).fetchone()
    return row[0] if row else None


def _check_history(applied: dict[int, str], known: list[Migration]) -> None:
    digests = {m.number: m for m in known}
    for number, digest in sorted(applied.items()):
        if number not in digests:
            raise MigrationError(f"the database has migration {number}, this program does not: use the newer program")
        if digests[number].digest != digest:
            raise MigrationError(f"{digests[number].name} has been edited since it was applied: restore the file")


def _apply(owner: psycopg.Connection[Any], migration: Migration) -> str:
    with owner.transaction():
        owner.execute(migration.text)
        owner.execute(SQL["write_journal"], [migration.number, migration.name, migration.digest])
    return migration.name
