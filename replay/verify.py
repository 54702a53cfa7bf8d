"""Checking a ledger from its stored bytes: every payload hashed again, every chain followed, the tree built anew.

What was published is checked along the way. All is read in one snapshot, so that appends do not disturb.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from domain.erased import NOTHING_ERASED
from domain.events.administration import CaseOpened
from ledger.appender import SQL as QUERIES
from ledger.erasure import ErasureRegister
from ledger.errors import LedgerError
from ledger.format import StoredRow
from ledger.look_expiry import expired_upto, expiries
from ledger.proof.notes import VerifierKey
from ledger.proof.policies import Policy
from ledger.store import Head, Ledger
from replay.verify_case import verify_case_rows
from replay.verify_kept import KeptCheckpoint, proven_start
from replay.verify_keys import LogKeys
from replay.verify_published import Published
from replay.verify_report import Fault, Report
from replay.verify_rows import SQL, content_problems, raw_of, verify_stream
from replay.verify_walk import Sources, Walk

__all__ = ["Fault", "Report", "Trust", "verify_case", "verify_ledger", "verify_on", "verify_since", "verify_stream"]

Progress = Callable[[int, int], None]


class NoSuchCase(LedgerError):
    """There is no case with this id on record."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What whoever checks brings along: the first keys of the log, the witnesses and how many of them are enough."""

    log_keys: Sequence[VerifierKey] = ()
    policy: Policy | None = None


FROM_DATABASE = Trust()
"""Nothing was brought along: keys are taken from the database, and cosignatures are not checked."""


def verify_ledger(ledger: Ledger, progress: Progress | None = None, trust: Trust = FROM_DATABASE) -> Report:
    """Check everything on record; ``progress`` is told events done and in all."""
    with snapshot(ledger) as (connection, head):
        return verify_on(connection, head, progress, trust, _sources(ledger))


def verify_since(
    ledger: Ledger, kept: KeptCheckpoint, progress: Progress | None = None, trust: Trust = FROM_DATABASE
) -> Report:
    """Check that the ledger still holds a checkpoint that was kept, and everything recorded after it.

    Raises KeptRefused where the checkpoint cannot be one of this ledger.
    """
    with snapshot(ledger) as (connection, head):
        report = _report_of(head, since=kept.checkpoint.size)
        keys = LogKeys(connection, report, trust.log_keys)
        kept.require(head, keys, trust.log_keys)
        start = proven_start(connection, report, kept.checkpoint, keys)
        if start is None:
            return report
        published = Published(connection, report, keys, trust.policy, kept.checkpoint.size)
        walk = Walk(connection, report, published, _sources(ledger), start.tree, start.holds)
        walk.start_after(start.last)
        walk.follow(head, progress or _silent)
    return report


def verify_case(ledger: Ledger, case: UUID, trust: Trust = FROM_DATABASE) -> Report:
    """Check one stream, and that the newest checkpoint holds each of its events; raises NoSuchCase."""
    with snapshot(ledger) as (connection, head):
        report = _report_of(head)
        report.stream = case
        found = connection.cursor(binary=True).execute(QUERIES["read_stream"], [case, head.size]).fetchall()
        rows = [StoredRow(*row) for row in found]
        if not rows or rows[0].topic != CaseOpened.TOPIC:
            raise NoSuchCase
        keys = LogKeys(connection, report, trust.log_keys)
        verify_case_rows(connection, report, keys, rows, ErasureRegister(ledger).now())
    return report


def verify_on(
    connection: psycopg.Connection[Any],
    head: Head,
    progress: Progress | None = None,
    trust: Trust = FROM_DATABASE,
    sources: Sources = Sources(),  # noqa: B008
) -> Report:
    """Check everything that a connection sees against a head; it should see one state of it all throughout."""
    report = _report_of(head)
    published = Published(connection, report, LogKeys(connection, report, trust.log_keys), trust.policy)
    Walk(connection, report, published, sources).follow(head, progress or _silent)
    return report


@contextmanager
def snapshot(ledger: Ledger) -> Generator[tuple[psycopg.Connection[Any], Head]]:
    """Lend a connection that sees one state of the ledger, and its head in that state."""
    with ledger.connection() as connection, connection.transaction():
        connection.execute(SQL["snapshot"])
        yield connection, Head(*connection.cursor(binary=True).execute(QUERIES["read_head"]).fetchall()[0])


def _report_of(head: Head, since: int = 0) -> Report:
    return Report(ledger=head.ledger, simulated=head.simulated, since=since)


def _sources(ledger: Ledger) -> Sources:
    return Sources(ErasureRegister(ledger).now, lambda: _expired_upto(ledger))


def _expired_upto(ledger: Ledger) -> int:
    """Return up to where looks may have no content by the expiries on record that are as they were recorded."""
    return expired_upto(row for row in expiries(ledger) if not list(content_problems(row, raw_of(row), NOTHING_ERASED)))


def _silent(done: int, whole: int) -> None:
    """Tell nobody."""
