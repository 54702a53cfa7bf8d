"""The same code on a PostgreSQL server that was started separately, by a login that is no superuser."""

import os
import pwd
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.stories import shipped_stories
from ledger.embedded import find_binaries

pytestmark = pytest.mark.slow

PASSWORD = "eksempel"
ROOT = Path(__file__).parents[1]


def as_ordinary_user() -> int | None:
    """PostgreSQL does not run as root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


@pytest.fixture(scope="module")
def address() -> Generator[str]:
    """A server on a loopback port with password sign-in, a local time zone, and an empty database of a plain owner."""
    with tempfile.TemporaryDirectory(prefix="caseledger-external-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        data = home / "data"
        data.mkdir(mode=0o700)
        (home / "password").write_text(PASSWORD)
        user = as_ordinary_user()
        if user is not None:
            os.chown(data, user, -1)
        binaries = find_binaries()
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=scram-sha-256", "--pwfile", home / "password"],
            check=True, capture_output=True, user=user, cwd="/",
        )  # fmt: skip
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        options = ["-c", f"port={port}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        options += ["-c", "timezone=Europe/Copenhagen", "-c", "fsync=off"]
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, *options], user=user, cwd="/", stderr=subprocess.DEVNULL
        )
        try:
            yield prepare(port)
        finally:
            server.terminate()
            server.wait(30)


def prepare(port: int) -> str:
    """Create the owner and its database; returns the owner's address."""
    superuser = make_conninfo(host="127.0.0.1", port=port, user="postgres", password=PASSWORD, dbname="postgres")
    for _ in range(300):
        try:
            connection = psycopg.connect(superuser, autocommit=True)
        except psycopg.OperationalError:
            continue
        break
    else:
        raise TimeoutError("the server did not start")
    with connection:
        connection.execute(f"CREATE ROLE municipality LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
        connection.execute("CREATE DATABASE family OWNER municipality TEMPLATE template0")
    return f"postgresql://municipality:{PASSWORD}@127.0.0.1:{port}/family"


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
    with psycopg.connect(make_conninfo(address, user="postgres", dbname="postgres"), autocommit=True) as superuser:
        superuser.execute("CREATE DATABASE daily_work OWNER municipality TEMPLATE template0")
        assert caseledger(owner, tmp_path, "ledger", "create", "Daily", "--simulated").returncode == 0
        superuser.execute(f"CREATE ROLE daily LOGIN PASSWORD '{PASSWORD}' IN ROLE caseledger_app, caseledger_worker")
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
