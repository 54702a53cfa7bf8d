"""A PostgreSQL server with password sign-in on a loopback port, as a municipality runs it: started apart from us."""

import os
import pwd
import socket
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from time import sleep

import psycopg
from psycopg.conninfo import make_conninfo

from ledger.embedded import find_binaries

PASSWORD = "eksempel"


def as_ordinary_user() -> int | None:
    """PostgreSQL does not run as root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


@contextmanager
def own_server(address: str = "127.0.0.1", inside: Sequence[str] = ()) -> Generator[int]:
    """Run a server with a local time zone and the superuser ``postgres``; yields its port.

    ``inside`` is a command that starts it somewhere else, such as in another network, where it has this ``address``.
    """
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
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\n")
        options = ["-c", f"port={port}", "-c", f"listen_addresses={address}", "-c", "unix_socket_directories="]
        options += ["-c", "timezone=Europe/Copenhagen", "-c", "fsync=off"]
        command = [*inside, str(binaries / "postgres"), "-D", str(data), *options]
        server = subprocess.Popen(command, user=None if inside else user, cwd="/", stderr=subprocess.DEVNULL)
        try:
            _wait_for(superuser(port, address))
            yield port
        finally:
            server.send_signal(SIGINT)  # a smart end would wait for sessions whose clients the network has swallowed
            server.wait(30)


def superuser(port: int, address: str = "127.0.0.1") -> str:
    """Return the superuser's address."""
    return make_conninfo(host=address, port=port, user="postgres", password=PASSWORD, dbname="postgres")


def _wait_for(conninfo: str) -> None:
    for _ in range(600):
        try:
            psycopg.connect(conninfo, autocommit=True, connect_timeout=5).close()
        except psycopg.OperationalError:
            sleep(0.05)
            continue
        return
    raise TimeoutError("the server did not start")
