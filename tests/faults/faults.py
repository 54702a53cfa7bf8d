"""The table of faults: what goes wrong while a step is under way, and what is found afterwards."""

import multiprocessing
import os
import random
import resource
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api.exporting import FolderExists
from api.opening import Place
from domain.errors import Refused
from ledger.creation import create_database, drop_database
from ledger.embedded import EmbeddedPostgres
from ledger.erasure import apply_erasures
from ledger.errors import LedgerError
from ledger.keys import file_keys
from replay.extras import ExtraMissing
from replay.rebuild import RebuildFailed
from replay.release import ReleaseRefused
from tests.check import check_ledger
from tests.conftest import BEGINS_AT
from tests.faults.disk import small_disk
from tests.faults.proxy import Lost, Proxy
from tests.faults.steps import STEPS, Step
from tests.ledger.samples import appended, one, opening

REFUSALS = (
    LedgerError, psycopg.Error, RebuildFailed, ReleaseRefused, ExtraMissing, FolderExists, Refused, OSError,
)  # fmt: skip
"""What a step may say when something is broken under it; whatever else it raises is a defect."""

DISK_KILOBYTES = 400 * 1024
ROOM_BYTES = 64 * 1024
"""How much is left at most on a disk that is full."""

ROOM_IN_MEMORY = 64 * 1024 * 1024
"""How much memory is left at most to a process that has little."""

SLOWER = 3.0
"""How many times longer a step takes on a slow disk, about."""

STEP_SECONDS = 60.0
"""How long a step may take to say that it cannot."""

RUNS_A_WORLD = 25
"""After how many faults a new ledger is taken, so that checking all of it stays quick."""

AHEAD = timedelta(hours=2)

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


class Hurt(AssertionError):
    """A fault has done harm: something lost, doubled, untrue or not intact."""


@dataclass
class Run:
    """One run of a step in a process of its own: what it has told so far, and how it ended."""

    process: BaseProcess
    pipe: Connection
    told: list[str] = field(default_factory=list[str])
    ending: str | None = None

    def read(self, seconds: float = 0.0) -> None:
        """Take in what the process has said, waiting for its end at most so long."""
        end = time.monotonic() + seconds
        with suppress(EOFError, OSError):
            while self.ending is None and self.pipe.poll(max(0.0, end - time.monotonic())):
                kind, text = self.pipe.recv()
                if kind == "told":
                    self.told.append(text)
                else:
                    self.ending = f"{kind} {text}".strip()

    def kill(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.join()

    def over(self) -> None:
        """Wait until the process is gone, and take in the rest of what it has said."""
        self.read(STEP_SECONDS)
        self.process.join(5)
        if self.process.is_alive():
            self.kill()
            raise Hurt("the step has not ended by itself")
        if (self.ending or "").startswith("defect"):
            raise Hurt(self.ending)


def _act(name: str, conninfo: str, home: str, number: int, pipe: Connection, room: int | None) -> None:
    place = Place(conninfo, conninfo, file_keys(Path(home)), Path(home))
    pipe.send(("begun", ""))
    refusals = REFUSALS
    if room is not None:
        leave_room(room)
        refusals = (*REFUSALS, MemoryError, RuntimeError)  # a thread that cannot be started is the latter
    try:
        STEPS[name].work(place, number, lambda promised: pipe.send(("told", promised)))
        pipe.send(("done", ""))
    except refusals as error:
        pipe.send(("refused", type(error).__name__))
    except BaseException as error:
        pipe.send(("defect", f"{type(error).__name__}: {error}"))


@dataclass
class World:
    """A durable server that may be killed, on a small disk where there can be one, and a ledger in it."""

    home: Path
    postgres: EmbeddedPostgres
    small_disk: bool
    place: Place = field(init=False)
    runs: int = 0
    usual: dict[str, float] = field(default_factory=dict[str, float])
    """How long each step takes that nothing befalls, in seconds."""

    def __post_init__(self) -> None:
        """Make a ledger to be cloned, and the first clone."""
        create_database(self.postgres.conninfo("postgres"), "template")
        self._at("template").create("Faults", BEGINS_AT)
        self.renew()

    def _at(self, database: str) -> Place:
        home = self.home / database
        conninfo = self.postgres.conninfo(database)
        return Place(conninfo, conninfo, file_keys(home), home)

    def renew(self) -> None:
        """Take a new ledger, and remove the one before."""
        admin = self.postgres.conninfo("postgres")
        if self.runs:
            check_ledger(self.place)
            self.forget()
        name = f"faults_{uuid4().hex[:12]}"
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template".encode())
        shutil.copytree(self.home / "template", self.home / name)
        self.place = self._at(name)
        self.runs = 1

    def forget(self) -> None:
        """Remove the ledger, in whatever state it is, and take a new one with the next ``renew``."""
        database = str(conninfo_to_dict(self.place.conninfo)["dbname"])
        drop_database(self.postgres.conninfo("postgres"), database)
        shutil.rmtree(self.place.home)
        self.runs = 0

    def start(self, step: Step, number: int, conninfo: str | None = None, room: int | None = None) -> Run:
        """Start a step in a process of its own, with so much more memory at most, and return when it has begun."""
        mine, theirs = _context.Pipe()
        arguments = (step.name, conninfo or self.place.conninfo, str(self.place.home), number, theirs, room)
        process = _context.Process(target=_act, args=arguments, daemon=True)
        process.start()
        theirs.close()
        with suppress(EOFError):
            if mine.poll(STEP_SECONDS) and mine.recv()[0] == "begun":
                return Run(process, mine)
        raise Hurt("the step has not begun")

    def duration(self, step: Step, number: int) -> float:
        """Return how long the step takes when nothing befalls it."""
        if step.name not in self.usual:
            self.usual[step.name] = min(self._timed(step, number), self._timed(step, number - 1))
        return self.usual[step.name]

    def _timed(self, step: Step, number: int) -> float:
        step.prepare(self.place, number)
        run, begun = self.start(step, number), time.monotonic()
        run.read(STEP_SECONDS)
        seconds = time.monotonic() - begun
        run.over()
        return seconds

    def administer(self, *statements: str) -> None:
        """Change how the server is set up, for connections to come."""
        with psycopg.connect(self.postgres.conninfo("postgres"), autocommit=True) as connection:
            for statement in (*statements, "SELECT pg_reload_conf()"):
                connection.execute(statement.encode())

    def kill_database(self) -> None:
        """Kill the server as a power cut would."""
        postmaster = int((self.postgres.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)


Fault = Callable[[World, Step, int, float], tuple[list[str], bool]]
"""Lets something go wrong after some seconds; returns what the caller was promised, and whether it hit the step."""


def _process_killed(world: World, step: Step, number: int, after: float) -> tuple[list[str], bool]:
    run = world.start(step, number)
    run.read(after)
    hit = run.ending is None
    run.kill()
    run.read()
    return run.told, hit


def _database_killed(world: World, step: Step, number: int, after: float) -> tuple[list[str], bool]:
    run = world.start(step, number)
    run.read(after)
    hit = run.ending is None
    world.kill_database()
    run.over()
    world.postgres.start()
    return run.told, hit


def _lost(what: Lost) -> Fault:
    def fault(world: World, step: Step, number: int, after: float) -> tuple[list[str], bool]:
        server = str(conninfo_to_dict(world.place.conninfo)["host"])
        with tempfile.TemporaryDirectory(prefix="caseledger-proxy-") as folder, Proxy(Path(folder), server) as proxy:
            run = world.start(step, number, make_conninfo(world.place.conninfo, host=folder, requirepeer=""))
            run.read(after)
            proxy.lose(what)
            run.over()
            return run.told, proxy.losses > 0

    return fault


def _two_workers(world: World, step: Step, number: int, after: float) -> tuple[list[str], bool]:
    first, second = (world.start(step, number) for _ in range(2))
    first.read(after)
    hit = first.ending is None
    first.kill()
    first.read()
    second.over()
    return first.told + second.told, hit


def _set_ahead(place: Place, number: int) -> None:
    """Let the ledger's last entry lie two hours ahead of the clock, as when the clock is set back afterwards."""
    with place.ledger() as ledger:
        appended(ledger.append_now(one(uuid4(), 0, opening(f"ahead {number}")), ledger.now() + AHEAD))


def _disk_full(world: World, step: Step, number: int, after: float) -> tuple[list[str], bool]:
    """From the start there is room for a few more pages at most: the later the moment, the more."""
    ballast = world.home / "ballast"
    _fill(ballast, int(ROOM_BYTES * after / world.usual[step.name]))
    try:
        run = world.start(step, number)
        run.over()
    finally:
        ballast.unlink()
    world.postgres.start()
    return run.told, run.ending != "done"


def _fill(ballast: Path, room: int) -> None:
    state = os.statvfs(ballast.parent)
    with ballast.open("wb") as file, suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, max(1, state.f_bavail * state.f_frsize - room))


def _disk_slow(world: World, step: Step, number: int, after: float) -> tuple[list[str], bool]:
    """Each flush of the log takes a tenth of a second longer; the process is killed, mostly while it waits for one."""
    world.administer("ALTER SYSTEM SET commit_delay = 100000", "ALTER SYSTEM SET commit_siblings = 0")
    try:
        return _process_killed(world, step, number, SLOWER * after)
    finally:
        world.administer("ALTER SYSTEM RESET commit_delay", "ALTER SYSTEM RESET commit_siblings")


def _memory_full(world: World, step: Step, number: int, after: float) -> tuple[list[str], bool]:
    """From the start there is little memory left, the more the later the moment."""
    run = world.start(step, number, room=int(ROOM_IN_MEMORY * after / world.usual[step.name]))
    run.over()
    return run.told, run.ending != "done"


def leave_room(room: int) -> None:
    """Let this process have that many bytes more than it has now, at most."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + room, resource.getrlimit(resource.RLIMIT_AS)[1]))


CLOCK = "clock set back"
FAULTS: dict[str, Fault] = {
    "process killed": _process_killed,
    "database killed": _database_killed,
    "request lost": _lost("request"),
    "answer lost": _lost("answer"),
    "two workers": _two_workers,
    CLOCK: _process_killed,
    "disk full": _disk_full,
    "disk slow": _disk_slow,
    "memory full": _memory_full,
}


@dataclass(frozen=True, slots=True)
class Survived:
    """What became of one fault: whether it hit the step, and how many promises were kept."""

    hit: bool
    promised: int


def survive(world: World, step: Step, fault: str, number: int, chance: random.Random) -> Survived:
    """Let a fault happen at a random moment of a step, check everything, and do the step again, as its caller would.

    Raises Hurt where a promise is broken, and AssertionError where the ledger is not as it must be.
    """
    if not 0 < world.runs < RUNS_A_WORLD:
        world.renew()  # which checks what was done again; until then the next fault's check does
    world.runs += 1
    after = chance.uniform(0.0, world.duration(step, -2 * number))
    if fault == CLOCK:
        _set_ahead(world.place, number)
    step.prepare(world.place, number)
    told, hit = FAULTS[fault](world, step, number, after)
    lost = step.lost(world.place, number, told)
    if lost:
        raise Hurt(f"promised and not there: {len(lost)} of {len(told)}")
    _begin_again(world.place)
    check_ledger(world.place)
    again: list[str] = []
    step.work(world.place, number, again.append)
    step.settled(world.place, number)
    return Survived(hit, len(told) + len(again))


def _begin_again(place: Place) -> None:
    """Do what every start of the service does: carry out the erasures on record."""
    with place.ledger() as ledger:
        apply_erasures(ledger, place.documents(ledger).content)


@contextmanager
def worlds() -> Generator[World]:
    """Yield a world, and leave nothing of it behind."""
    home = Path(tempfile.mkdtemp(prefix="caseledger-faults-"))
    home.chmod(0o711)
    try:
        with small_disk(home, DISK_KILOBYTES) as small, EmbeddedPostgres(home / "server") as postgres:
            yield World(home, postgres, small)
    finally:
        shutil.rmtree(home)


def moments(world: World) -> list[tuple[Step, str]]:
    """Return every step with every fault that can be made here."""
    return [(step, fault) for step in STEPS.values() for fault in FAULTS if fault != "disk full" or world.small_disk]
