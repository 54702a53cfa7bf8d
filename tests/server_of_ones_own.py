"""A PostgreSQL server with password sign-in on a loopback port, as a municipality runs it: started apart from us."""

import os
import pwd
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from ledger.embedded import find_binaries

PASSWORD = "eksempel"


def as_ordinary_user() -> int | None:
    """PostgreSQL does not run as root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


@contextmanager
def own_server() -> Generator[int]:
    """Run a server with a local time zone and the superuser ``postgres``; yields its port."""
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
            _wait_for(port)
            yield port
        finally:
            server.terminate()
            server.wait(30)


def superuser(port: int) -> str:
    """Return the superuser's address."""
    return make_conninfo(host="127.0.0.1", port=port, user="postgres", password=PASSWORD, dbname="postgres")


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            psycopg.connect(superuser(port), autocommit=True).close()
        except psycopg.OperationalError:
            continue
        return
    raise TimeoutError("the server did not start")
