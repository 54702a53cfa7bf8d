"""An installation of two municipalities on one server, made as its operators make it."""

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from dotenv import dotenv_values
from psycopg.conninfo import make_conninfo

from tests.api.service import STORY_FILES, Inside
from tests.server_of_ones_own import PASSWORD, own_server, superuser

LEDGERS = ("odense", "aarhus")


@dataclass(frozen=True, slots=True)
class Installation:
    """A server, a folder of settings, and the means to run commands for each ledger."""

    folder: Path
    port: int
    variables: dict[str, str]

    @property
    def command(self) -> Inside:
        """The command line of an operator."""
        return Inside(self.variables)

    def provision(self, name: str, port: str = "0", folder: str | None = None) -> str:
        """Make database, logins and settings of one more ledger."""
        administrator = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres", "PGPASSWORD": PASSWORD}
        folders = (
            "--home",
            self.home(folder or name),
            "--key-encryption-folder",
            self.folder / "kek" / (folder or name),
        )
        command = Inside(self.variables | administrator)
        return command.done("ledger", "provision", name, *folders, "--port", port)

    def home(self, name: str) -> Path:
        """Return the folder of a ledger's keys."""
        return self.folder / "home" / name

    def file(self, name: str) -> Path:
        """Return the file of a ledger's settings."""
        return self.folder / "etc" / f"{name}.env"

    def address(self, name: str, setting: str = "CASELEDGER_DATABASE_URL") -> str:
        """Return the address of a ledger's daily login or, by its setting, of its owner."""
        suffix = ".owner.env" if setting == "CASELEDGER_OWNER_URL" else ".env"
        return str(dotenv_values(self.file(name).with_name(name + suffix))[setting])

    def done(self, name: str, *arguments: str | Path) -> str:
        """Run a command for a ledger, which must succeed."""
        return self.command.done("--ledger", name, *arguments)

    def done_by_operator(self, *arguments: str | Path) -> str:
        """Run a command for the whole installation, which must succeed."""
        return self.command.done(*arguments)

    def refused(self, name: str, *arguments: str | Path) -> str:
        """Run a command for a ledger, which must be refused in one line."""
        return self.command.refused("--ledger", name, *arguments)[1]

    def environment(self, name: str, **changes: str) -> dict[str, str]:
        """Return the environment that a service manager gives the service of a ledger."""
        read = dotenv_values(self.file(name), interpolate=False)
        return self.variables | {key: value or "" for key, value in read.items()} | changes

    def administrator(self, database: str = "postgres") -> psycopg.Connection:
        """Connect as the server's superuser."""
        return psycopg.connect(make_conninfo(superuser(self.port), dbname=database), autocommit=True)


@contextmanager
def installing(folder: Path) -> Generator[Installation]:
    """Yield an installation of two ledgers, each with case S6."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CASELEDGER_", "PG"))}
    with own_server() as port:
        made = Installation(folder, port, clean | {"CASELEDGER_LEDGERS": str(folder / "etc"), "PYTHONUNBUFFERED": "1"})
        for number, name in enumerate(LEDGERS):
            made.provision(name, str(8001 + number))
            made.done(name, "ledger", "create", name, "--simulated")
            made.done(name, "story", "load", STORY_FILES[5])
            made.done(name, "log", "checkpoint")
        yield made


def run(program: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs."""
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=120)
