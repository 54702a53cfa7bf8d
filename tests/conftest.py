"""Fixtures: one real PostgreSQL 18 for the run, and a ledger of its own, cloned from a template, for each test."""

import asyncio
import shutil
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from api.opening import Place
from api.recording import CaseRecorder
from api.stories import load_stories, read_story, shipped_stories
from ledger.embedded import EmbeddedPostgres
from ledger.keys import file_keys
from ledger.store import Ledger

BEGINS_AT = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Server:
    """The PostgreSQL server of the run."""

    postgres: EmbeddedPostgres

    def execute(self, statement: sql.Composed) -> None:
        """Run one statement as the superuser."""
        with psycopg.connect(self.postgres.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def create(self, template: str = "template0") -> str:
        """Create a database of its own and return its name."""
        name = f"test_{uuid4().hex[:12]}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def place(self, database: str, home: Path) -> Place:
        """Return a database as the place of a ledger whose keys lie under ``home``."""
        conninfo = self.postgres.conninfo(database)
        return Place(conninfo, conninfo, file_keys(home), home)


@dataclass(frozen=True, slots=True)
class Template:
    """A ledger that nobody works on, to be cloned."""

    database: str
    home: Path


@pytest.fixture(scope="session")
def server() -> Generator[Server]:
    """A PostgreSQL 18 server for the run; it gives up durability for speed.

    Its folder can be entered by others: run as root, the server works as an ordinary user.
    """
    with tempfile.TemporaryDirectory(prefix="caseledger-tests-") as folder:
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder), durable=False) as postgres:
            yield Server(postgres)


@pytest.fixture(scope="session")
def simulated_template(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """An empty ledger with a simulated clock that starts in 2020."""
    home = tmp_path_factory.mktemp("simulated")
    database = server.create()
    server.place(database, home).create("Simulated", BEGINS_AT)
    return Template(database, home)


@pytest.fixture(scope="session")
def real_template(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """An empty ledger on the database's clock."""
    home = tmp_path_factory.mktemp("real")
    database = server.create()
    server.place(database, home).create("Real", None)
    return Template(database, home)


def clone(server: Server, template: Template, home: Path) -> Generator[Place]:
    """Yield a copy of a template with keys of its own, and remove it afterwards."""
    shutil.copytree(template.home, home, dirs_exist_ok=True)
    database = server.create(template.database)
    try:
        yield server.place(database, home)
    finally:
        server.drop(database)


@pytest.fixture(scope="session")
def stories_template(
    server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Template]:
    """A ledger that holds the six case stories."""
    home = tmp_path_factory.mktemp("stories")
    for place in clone(server, simulated_template, home):
        with place.ledger() as ledger:
            asyncio.run(load_stories(CaseRecorder(ledger), [read_story(path) for path in shipped_stories()]))
        yield Template(str(conninfo_to_dict(place.conninfo)["dbname"]), home)


@pytest.fixture
def stories(server: Server, stories_template: Template, tmp_path: Path) -> Generator[Place]:
    """The place of a ledger that holds the six case stories."""
    yield from clone(server, stories_template, tmp_path / "home")


@pytest.fixture
def simulated(server: Server, simulated_template: Template, tmp_path: Path) -> Generator[Place]:
    """The place of an empty ledger with a simulated clock."""
    yield from clone(server, simulated_template, tmp_path / "home")


@pytest.fixture
def real(server: Server, real_template: Template, tmp_path: Path) -> Generator[Place]:
    """The place of an empty ledger on the database's clock."""
    yield from clone(server, real_template, tmp_path / "home")


@pytest.fixture
def ledger(real: Place) -> Generator[Ledger]:
    """An open, empty ledger on the database's clock."""
    with real.ledger() as opened:
        yield opened


@pytest.fixture
def simulated_ledger(simulated: Place) -> Generator[Ledger]:
    """An open, empty ledger with a simulated clock."""
    with simulated.ledger() as opened:
        yield opened
