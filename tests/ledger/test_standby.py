"""Commits that wait for a standby which is away: nobody is told what is not known, and nothing is signed meanwhile."""

import asyncio
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api.health import HealthReader
from api.opening import Place
from ledger import appender
from ledger.errors import LedgerUnavailable
from ledger.proof.growing import grow
from ledger.proof.publisher import NotReplicated, Publisher, default_origin
from ledger.proof.signer import FileSigner
from ledger.requests import Answer
from ledger.store import WORKER_ROLE, Ledger, conninfo_as
from tests.conftest import Server
from tests.ledger.samples import appended, connected, one, wait_until

KEY = b"k" * 32
WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'"


@contextmanager
def away(server: Server, place: Place) -> Generator[None]:
    """Let the commits of one database wait for a standby that there is not."""
    database = sql.Identifier(str(conninfo_to_dict(place.conninfo)["dbname"]))
    with connected(place) as owner:
        owner.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = on").format(database))
        try:
            owner.execute("ALTER SYSTEM SET synchronous_standby_names = 'away'")
            _reload(owner, "away")
            yield
        finally:
            owner.execute("ALTER SYSTEM RESET synchronous_standby_names")
            _reload(owner, "")


def _reload(owner: psycopg.Connection[object], names: str) -> None:
    owner.execute("SELECT pg_reload_conf()")
    wait_until(lambda: owner.execute("SHOW synchronous_standby_names").fetchall() == [(names,)])


@pytest.fixture
def signer(ledger: Ledger, tmp_path: Path) -> FileSigner:
    """The signer of the ledger's log."""
    signer = FileSigner(tmp_path / "signer", lambda: 1_700_000_000.0)
    signer.create(default_origin(ledger.id))
    return signer


def test_a_commit_whose_wait_was_cut_off_is_not_acknowledged(server: Server, real: Place, ledger: Ledger) -> None:
    """The server calls it committed; only here, perhaps, so the caller is told to send it again."""
    request = one(uuid4(), 0, key=KEY)
    with ThreadPoolExecutor(1) as threads, connected(real) as owner:
        with away(server, real):
            waiting = threads.submit(ledger.append_now, request)
            wait_until(lambda: owner.execute(WAITING).fetchall())
            owner.execute("SELECT pg_cancel_backend(pid) FROM (" + WAITING + ") AS waiting")
            with pytest.raises(LedgerUnavailable):
                waiting.result()
            assert ledger.head().size == 2
        assert appended(ledger.append_now(request)).repeated
    assert ledger.head().size == 2


def test_tasks_are_told_in_time_that_it_is_not_known(
    server: Server, real: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They wait for a while, then nobody does, which is said to whoever asks for the service's health."""
    monkeypatch.setattr(appender, "ANSWER_SECONDS", 0.3)
    request, health = one(uuid4(), 0, key=KEY), HealthReader(ledger)

    async def wait_and_come_back() -> Answer:
        with away(server, real):
            tasks = [asyncio.create_task(ledger.appender.append(request))]
            tasks += [asyncio.create_task(ledger.appender.append(one(uuid4(), 0))) for _ in range(3)]
            await asyncio.sleep(0.05)
            tasks.append(asyncio.create_task(ledger.appender.append(one(uuid4(), 0, key=b"l" * 32))))
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(outcome, LedgerUnavailable)
            assert ledger.appender.stuck
            assert "recording" in health.read().wrong
            with pytest.raises(LedgerUnavailable):
                await ledger.appender.append(one(uuid4(), 0))
        while ledger.appender.stuck:
            await asyncio.sleep(0.01)
        return await ledger.appender.append(request)

    assert appended(asyncio.run(wait_and_come_back())).repeated
    assert "recording" not in health.read().wrong
    assert ledger.head().size == 5


def test_what_no_standby_has_is_not_signed(real: Place, ledger: Ledger, signer: FileSigner) -> None:
    """Where a standby is asked for, nothing is signed without one, and the reason names what is missing."""
    with closing(Publisher(real.conninfo, signer, synchronous_standby=True)) as publisher, connected(real) as owner:
        with pytest.raises(NotReplicated, match="grant it pg_read_all_stats"):
            publisher.publish()
        owner.execute("GRANT pg_read_all_stats TO caseledger_worker")
        try:
            with pytest.raises(NotReplicated, match="No synchronous standby has on disk"):
                publisher.publish()
        finally:
            owner.execute("REVOKE pg_read_all_stats FROM caseledger_worker")
    assert signer.last() is None
    assert ledger.head().size == 1


def test_signing_waits_as_commits_do(server: Server, real: Place, ledger: Ledger, signer: FileSigner) -> None:
    """What is seen is signed only after a commit that came later: the standby has it by then."""
    with closing(Publisher(real.conninfo, signer)) as before:
        before.publish()
    with ThreadPoolExecutor(1) as threads, connected(real) as owner:
        with away(server, real), careless(real) as other:
            appended(other.append_now(one(uuid4(), 0)))
            with psycopg.connect(conninfo_as(other.conninfo, WORKER_ROLE), autocommit=True) as growing:
                grow(growing, 2)
            published = threads.submit(published_by, real, signer)
            wait_until(lambda: owner.execute(WAITING).fetchall())
            last = signer.last()
            assert last is not None
            assert last.size == 1
        assert published.result() == 2


def published_by(place: Place, signer: FileSigner) -> int | None:
    """Publish with sessions that are opened now."""
    with closing(Publisher(place.conninfo, signer)) as publisher:
        return publisher.publish()


@contextmanager
def careless(place: Place) -> Generator[Ledger]:
    """Open the ledger with sessions whose commits wait for no standby."""
    ledger = Ledger(make_conninfo(place.conninfo, options="-c synchronous_commit=local"), place.keys)
    try:
        yield ledger
    finally:
        ledger.close()
