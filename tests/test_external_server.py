"""The same code on a PostgreSQL server that was started separately, by a login that is no superuser."""

import os
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.stories import shipped_stories
from tests.server_of_ones_own import PASSWORD, own_server, superuser

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def address() -> Generator[str]:
    """An empty database of a plain owner on a server of its own; yields the owner's address."""
    with own_server() as port, psycopg.connect(superuser(port), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE municipality LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
        connection.execute("CREATE DATABASE family OWNER municipality TEMPLATE template0")
        yield f"postgresql://municipality:{PASSWORD}@127.0.0.1:{port}/family"


def caseledger(address: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the product."""
    environment = {**os.environ, "CASELEDGER_DATABASE_URL": address, "CASELEDGER_HOME": str(home)}
    command = [sys.executable, "-m", "api", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def test_the_whole_way_on_a_server_of_ones_own(address: str, tmp_path: Path) -> None:
    """Create, load, look as of an instant, verify, rebuild: by a login without superuser rights."""
    assert "holds no ledger" in caseledger(address, tmp_path, "verify").stderr
    assert caseledger(address, tmp_path, "ledger", "create", "Family", "--simulated").returncode == 0
    loaded = caseledger(address, tmp_path, "story", "load", *map(str, shipped_stories()))
    assert loaded.returncode == 0, loaded.stderr
    shown = caseledger(
        address, tmp_path, "case", "show", "S6", "--known-at", "2024-08-21T09:00+02:00", "--purpose", "audit"
    )
    assert "version 26" in shown.stdout
    assert "extended to 30 August" not in shown.stdout
    verified = caseledger(address, tmp_path, "verify")
    assert verified.returncode == 0, verified.stdout
    assert "INTACT: 282 events" in verified.stdout
    assert "SIMULATED CLOCK" in verified.stdout
    rebuilt = caseledger(address, tmp_path, "replay", "rebuild")
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    assert "equal row for row" in caseledger(address, tmp_path, "replay", "verify").stdout


def test_daily_work_needs_no_more_than_membership_of_two_roles(address: str, tmp_path: Path) -> None:
    """A login that owns nothing records, verifies and folds views; it cannot bring the schema up to date."""
    owner = make_conninfo(address, dbname="daily_work")
    with psycopg.connect(make_conninfo(address, user="postgres", dbname="postgres"), autocommit=True) as administrator:
        administrator.execute("CREATE DATABASE daily_work OWNER municipality TEMPLATE template0")
        assert caseledger(owner, tmp_path, "ledger", "create", "Daily", "--simulated").returncode == 0
        administrator.execute(
            f"CREATE ROLE daily LOGIN PASSWORD '{PASSWORD}' IN ROLE caseledger_app, caseledger_worker"
        )
    daily = make_conninfo(owner, user="daily")
    assert caseledger(daily, tmp_path, "story", "load", str(shipped_stories()[5])).returncode == 0
    assert "INTACT" in caseledger(daily, tmp_path, "verify").stdout
    assert "equal row for row" in caseledger(daily, tmp_path, "replay", "rebuild").stdout
    refused = caseledger(daily, tmp_path, "ledger", "migrate")
    assert refused.returncode == 1
    assert "CASELEDGER_OWNER_URL" in refused.stderr


def test_a_server_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    """A wrong address is told in one line without the password."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"postgresql://municipality:{PASSWORD}@127.0.0.1:{listener.getsockname()[1]}/family"
        answered = caseledger(address, tmp_path, "verify")
    assert answered.returncode == 1
    assert answered.stderr.count("\n") == 1
    assert "does not answer" in answered.stderr
    assert PASSWORD not in answered.stderr
