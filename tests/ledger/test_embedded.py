"""The embedded server under ordinary use, under kill -9, and against other local users."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from ledger.embedded import EmbeddedPostgres, EmbeddedPostgresError, find_binaries

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0

USER_PROCESS = """
import sys
from pathlib import Path
from ledger.embedded import EmbeddedPostgres

with EmbeddedPostgres(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.readline()
"""

STRANGER_PROCESS = """
import os, sys
import psycopg

os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
try:
    psycopg.connect(sys.argv[1], connect_timeout=5).close()
except psycopg.OperationalError as error:
    print(error)
else:
    print("let in")
"""


@pytest.fixture
def folder() -> Generator[Path]:
    """A folder others can pass through; pytest's own is closed to the user root's server runs as."""
    path = Path(tempfile.mkdtemp(prefix="caseledger-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def home(folder: Path) -> Generator[Path]:
    path = folder / "home"
    yield path
    server = EmbeddedPostgres(path)
    if answers(server):  # only after a failure
        server.start()
        server.stop()


@contextmanager
def user_process(home: Path) -> Generator[subprocess.Popen[str]]:
    """Run another process that uses the server until it gets a line, or is killed at the end."""
    command = [sys.executable, "-c", USER_PROCESS, str(home)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=REPOSITORY) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def let_leave(process: subprocess.Popen[str]) -> None:
    process.communicate("\n", timeout=20)
    assert process.returncode == 0


def answers(server: EmbeddedPostgres) -> bool:
    try:
        psycopg.connect(server.conninfo("postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])


def write_row(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.conninfo("postgres")) as connection:
        connection.execute("create table note as select 'kept' as text")


def rows(server: EmbeddedPostgres) -> list[tuple[object, ...]]:
    with psycopg.connect(server.conninfo("postgres")) as connection:
        return connection.execute("select text from note").fetchall()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_serves_on_a_socket_only_with_the_locale_the_ledger_needs(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False) as server:
        with psycopg.connect(server.conninfo("postgres")) as connection:
            found = connection.execute(
                "select current_user, datlocprovider, datlocale, pg_encoding_to_char(encoding),"
                " current_setting('data_checksums'), current_setting('listen_addresses'), current_setting('TimeZone'),"
                " current_setting('max_connections'), current_setting('fsync')"
                " from pg_database where datname = current_database()"
            ).fetchone()
        socket = Path(str(conninfo_to_dict(server.conninfo("postgres"))["host"]))
        assert socket.stat().st_mode & 0o777 == 0o700
    assert found == ("postgres", "b", "C.UTF-8", "UTF8", "on", "", "UTC", "100", "off")
    assert not answers(server)
    assert not socket.exists()


def test_start_and_stop_may_be_repeated_and_rows_stay(home: Path) -> None:
    server = EmbeddedPostgres(home)
    conninfo = server.start()
    first = postmaster(server)
    write_row(server)
    assert server.start() == conninfo
    assert postmaster(server) == first
    server.stop()
    server.stop()
    with EmbeddedPostgres(home) as again:
        assert rows(again) == [("kept",)]


def test_server_stays_while_another_process_uses_it(home: Path) -> None:
    server = EmbeddedPostgres(home, durable=False)
    server.start()
    first = postmaster(server)
    with user_process(home) as other:
        wait_until_ready(other)
        server.stop()
        assert answers(server)
        assert postmaster(server) == first
        let_leave(other)
    assert not answers(server)


def test_killed_user_does_not_keep_the_server_alive(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False) as server, user_process(home) as other:
        wait_until_ready(other)
        other.kill()
        other.wait()
    assert not answers(server)


def test_recovers_after_the_postmaster_was_killed(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        write_row(server)
        os.kill(postmaster(server), signal.SIGKILL)
        server.start()
        assert rows(server) == [("kept",)]


def test_recovers_after_everything_was_killed(home: Path) -> None:
    server = EmbeddedPostgres(home)
    with user_process(home) as owner:
        wait_until_ready(owner)
        write_row(server)
        with psycopg.connect(server.conninfo("postgres")) as connection:
            children = [int(row[0]) for row in connection.execute("select pid from pg_stat_activity")]
        for process in (owner.pid, postmaster(server), *children):
            with suppress(ProcessLookupError):  # children end when they miss the postmaster
                os.kill(process, signal.SIGKILL)
    with server:
        assert rows(server) == [("kept",)]


def test_of_four_starting_at_once_one_launches_and_the_last_one_out_stops(home: Path) -> None:
    server = EmbeddedPostgres(home)
    with ExitStack() as stack:
        users = [stack.enter_context(user_process(home)) for _ in range(4)]
        for user in users:
            wait_until_ready(user)
        assert server.log.read_text().count("starting PostgreSQL") == 1
        for user in users:
            assert answers(server)
            let_leave(user)
    assert not answers(server)


def test_server_that_does_not_end_gently_is_ended_without_loss(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    write_row(server)
    monkeypatch.setattr("ledger.embedded.STOP_SECONDS", 0.0)
    with pytest.raises(EmbeddedPostgresError, match="has not ended"):
        server.stop()
    monkeypatch.undo()
    with server:
        assert rows(server) == [("kept",)]
    assert "received immediate shutdown request" in server.log.read_text()


def test_process_id_of_no_server_does_not_hinder_the_start(home: Path, folder: Path) -> None:
    with EmbeddedPostgres(home, durable=False) as server:
        owner = server.data.stat().st_uid
    zombie, stranger = shutil.copy("/bin/true", folder / "postgres"), "/bin/sleep"
    for program in (zombie, stranger):
        with subprocess.Popen([program, "60"], user=owner) as process:
            state = Path(f"/proc/{process.pid}/stat")
            wait_for(lambda: program == stranger or " Z " in state.read_text())  # noqa: B023
            (server.data / "postmaster.pid").write_text(f"{process.pid}\n{server.data}\n")
            with server:
                assert answers(server)
            process.kill()


def test_removed_data_folder_is_reported_while_its_server_still_runs(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False) as server:
        shutil.rmtree(server.data)
        with pytest.raises(EmbeddedPostgresError, match="was emptied under it"):
            EmbeddedPostgres(home).start()


def test_home_may_have_a_very_long_path(folder: Path) -> None:
    home = folder.joinpath(*["a-folder-with-a-long-name" * 8] * 2)
    with EmbeddedPostgres(home, durable=False) as server:
        assert answers(server)
        assert server.data == home / "postgres"


def test_log_quotes_neither_statements_nor_values(home: Path) -> None:
    canary = "0101011234"
    with EmbeddedPostgres(home, durable=False) as server:
        with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
            connection.execute("create table person (number text primary key)")
            connection.execute("insert into person values (%s)", [canary])
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("insert into person values (%s)", [canary])
            with pytest.raises(psycopg.errors.InvalidTextRepresentation):
                connection.execute("select %s::text::uuid", [canary])
            with pytest.raises(psycopg.errors.UndefinedColumn):
                connection.execute(f"select missing /* {canary} */")
            connection.execute(f"do $$ begin raise warning '{canary}'; end $$")
            connection.execute(f"select '{canary}'")
            os.kill(connection.info.backend_pid, signal.SIGKILL)
        wait_for(lambda: "signal 9" in server.log.read_text())  # and there the last statement would be named
        server.start()
    assert canary not in server.log.read_text()


@pytest.mark.parametrize("output", ["initdb (PostgreSQL) 17.5", "initdb (PostgreSQL) 9.6.24", "gibberish"])
def test_older_postgres_is_refused(folder: Path, output: str) -> None:
    program = folder / "initdb"
    program.write_text(f"#!/bin/sh\necho '{output}'\n")
    program.chmod(0o755)
    with pytest.raises(EmbeddedPostgresError, match=r"PostgreSQL 18 or newer is needed, found .+ in "):
        EmbeddedPostgres(folder / "home", binaries=folder).start()


def test_failing_server_is_reported_in_one_line(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False) as server:
        pass
    (server.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match="incompatible") as caught:
        server.start()
    assert str(server.log) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not IS_ROOT, reason="only root's server runs as another user")
def test_root_with_closed_folders_uses_another_place_and_says_so(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    (closed / "installation").symlink_to(find_binaries().parent)
    said: list[str] = []
    server = EmbeddedPostgres(closed / "home", binaries=closed / "installation" / "bin", notify=said.append)
    with server:
        write_row(server)
    refuge = server.data.parent
    try:
        folder.chmod(0o755)
        closed.chmod(0o755)  # the data stay where they are
        with server:
            assert rows(server) == [("kept",)]
        closed.chmod(0o700)
        (closed / "home" / "postgres").unlink()  # as when the home is removed and made again
        with server, pytest.raises(psycopg.errors.UndefinedTable):
            rows(server)
        shutil.rmtree(refuge / "postgres")
        with pytest.raises(EmbeddedPostgresError, match="is gone; restore it"):
            server.start()
    finally:
        assert refuge.parent == Path("/var/tmp")
        shutil.rmtree(refuge)
    assert f"uses {refuge}" in said[0]


@pytest.mark.skipif(not IS_ROOT, reason="only root can act as another local user")
def test_other_local_users_are_refused_by_the_folder_and_by_the_server(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False) as server:
        conninfo = server.conninfo("postgres")
        assert "Permission denied" in connect_as("daemon", conninfo)
        socket = Path(str(conninfo_to_dict(conninfo)["host"]))
        socket.chmod(0o755)
        (socket / ".s.PGSQL.5432").chmod(0o777)
        assert "Peer authentication failed" in connect_as("daemon", conninfo)


def connect_as(user: str, conninfo: str) -> str:
    """Return what a connection attempt of another operating-system user ends with."""
    command = [sys.executable, "-c", STRANGER_PROCESS, conninfo, str(pwd.getpwnam(user).pw_uid)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
