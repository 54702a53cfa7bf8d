"""Ledgers as earlier programs left them: for each number of migrations a dump of the database and the keys beside it.

``python -m tests.upgrades`` records the ledger of this program: do so before its schema gets another migration.
"""

import subprocess
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from psycopg import sql

from api.opening import Place
from ledger.embedded import find_binaries
from ledger.keys import file_keys
from ledger.migrations import known_migrations
from ledger.provisioning import SQL
from projections.view import VIEWS
from tests.api.service import STORY_FILES, Inside, environment
from tests.conftest import Server
from tests.histories import files

FOLDER = Path(__file__).parent
DUMP = "ledger.dump"
KEPT = ("keys", "key-encryption", "signer", "content")
"""The folders of a home that belong to the ledger."""


def recorded() -> dict[int, Path]:
    """Return the recorded ledgers by the number of their migrations."""
    return {int(path.stem.removeprefix("shape_")): path for path in sorted(FOLDER.glob("shape_*.zip"))}


def run(program: str, *arguments: str | Path) -> None:
    """Run one of PostgreSQL's programs; it must succeed."""
    command = [find_binaries() / program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


@contextmanager
def restored(server: Server, shape: Path, home: Path) -> Generator[Place]:
    """Yield the place of a recorded ledger, in a database and a home of its own, as it was recorded."""
    with zipfile.ZipFile(shape) as packed:
        packed.extractall(home)
    for path in [home, *home.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    server.execute(sql.SQL(SQL["create_groups"]).format())  # roles are no part of a dump
    database = server.create()
    conninfo = server.postgres.conninfo(database)
    try:
        run("pg_restore", "--exit-on-error", "--no-owner", "--dbname", conninfo, home / DUMP)
        yield Place(conninfo, conninfo, file_keys(home), home)
    finally:
        server.drop(database)


def pack(place: Place, target: Path) -> None:
    """Write a ledger as a recorded one."""
    with TemporaryDirectory(prefix="caseledger-shape-") as folder:
        dump = Path(folder) / DUMP
        run("pg_dump", "--format=custom", "--compress=9", "--file", dump, "--dbname", place.conninfo)
        kept = [path for name in KEPT for path in sorted((place.home / name).rglob("*"))]
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.write(dump, DUMP)
            for path in kept:
                if path.suffix != ".lock":
                    packed.write(path, path.relative_to(place.home))


def record(server: Server) -> Path:
    """Record a ledger of this program with the case that goes wrong, followed and signed; returns the file."""
    target = FOLDER / f"shape_{len(known_migrations())}.zip"
    with TemporaryDirectory(prefix="caseledger-shape-") as folder:
        database = server.create()
        try:
            place = server.place(database, Path(folder))
            command = Inside(environment(place.conninfo, place.home))
            command.done("ledger", "create", "Upgraded", "--simulated")
            command.done("story", "load", STORY_FILES[5])
            files.follow(place, *VIEWS.values())
            command.done("log", "checkpoint")
            pack(place, target)
        finally:
            server.drop(database)
    return target
