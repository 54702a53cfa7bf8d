"""The blind index: people found by keyed digests of their names and numbers, outside the ledger and made anew at will.

A digest is HMAC-SHA-256 under the key of the index over kind and common form (domain/search_terms.py). The key is one
of the key store's; which, and how far in the ledger the index goes, stands beside the digests. Whoever searches brings
the index up to date first, so that nothing on record is missed. A person whose key is gone is not in it.
"""

import hmac
import time
from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from domain import identities
from domain.case_file import ROSTER_TOPICS
from domain.entries import Entry
from domain.search_terms import Term, terms
from ledger.errors import KeyMissing, LedgerUnavailable
from ledger.format import StoredRow
from ledger.keys import KeyStore
from ledger.mapper import read_clear
from ledger.queries import load_queries
from ledger.store import Ledger

SQL = load_queries("ledger", "sql/search.sql")
PAGE = 10_000
"""How many positions are taken in at a time, in one transaction."""

LOCK_WAIT_SECONDS = 5.0
LOCK_POLL_SECONDS = 0.02
_TOKEN_DOMAIN = b"caseledger/v1 search\x00"
_TOPICS = sorted(identities.TOPICS | ROSTER_TOPICS)

Connection = psycopg.Connection[Any]


class IndexBusy(LedgerUnavailable):
    """The search index is being brought up to date by others: try again in a moment."""


class IndexKeyMissing(LedgerUnavailable):
    """The key of the search index is not in the key store: make the index anew with `caseledger search rebuild`."""


@dataclass(frozen=True, slots=True)
class _Progress:
    """The key of the index, the one before it while that is to be destroyed, and the position the index goes to."""

    key: UUID
    retired: UUID | None
    position: int


class SearchIndex:
    """The index of one ledger, in the same database, with application rights."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def find(self, wanted: Collection[Term]) -> list[tuple[UUID, UUID]]:
        """Return person and case of everybody who has every one of some terms, now or formerly; none for no terms.

        Nothing on record when called is missed. Raises IndexBusy, IndexKeyMissing or LedgerUnavailable.
        """
        if not wanted:
            return []
        while True:
            key = self.catch_up()
            found = self._found(key, wanted)
            progress = self._progress()
            if progress is None or progress.key != key:  # begun anew meanwhile
                continue
            if found is None:
                raise IndexKeyMissing
            return found

    def catch_up(self) -> UUID:
        """Take in what is on record by now, and return the key of the index; raises as ``find`` does."""
        head = self._ledger.head().size
        while (key := self.step(head)) is None:
            pass
        return key

    def step(self, head: int) -> UUID | None:
        """Return the key where the index goes to position ``head``; else take in one page and return None."""
        progress = self._progress()
        if progress is not None and self._is_caught_up(progress, head):
            return progress.key
        self._take_in(head)
        return None

    def rebuild(self) -> tuple[UUID | None, UUID]:
        """Make the index anew under a new key and destroy the old one; returns both ids, None for no old one.

        Cut off at any point, the next search or rebuild goes on from there.
        """
        with self._changing() as connection:
            old = _read_progress(connection)
            key = self._ledger.keys.create()
            connection.execute(SQL["empty"])
            connection.execute(SQL["begin_anew" if old else "begin"], [key])
        self.catch_up()
        return (old.key if old else None), key

    def forget(self, persons: Iterable[UUID]) -> None:
        """Remove people from the index; called after their keys are destroyed, or they are taken in again."""
        with self._changing() as connection:
            everyone = list(persons)
            connection.execute(SQL["forget_tokens"], [everyone])
            connection.execute(SQL["forget_memberships"], [everyone])

    def count(self) -> tuple[int, int]:
        """Return how many people can be found and how many cases they are in."""
        ((persons, cases),) = self._ledger.query(SQL["count"], [])
        return persons, cases

    def _found(self, key_id: UUID, wanted: Collection[Term]) -> list[tuple[UUID, UUID]] | None:
        """Return what is found by digests under a key; None where that key is gone."""
        try:
            key = self._ledger.keys.get(key_id)
        except KeyMissing:
            return None
        tokens = [token_of(key, term) for term in wanted]
        return [(person, case) for person, case in self._ledger.query(SQL["find"], [tokens, len(tokens)])]

    def _progress(self) -> _Progress | None:
        rows = self._ledger.query(SQL["read_progress"], [])
        return _Progress(*rows[0]) if rows else None

    def _is_caught_up(self, progress: _Progress, head: int) -> bool:
        """Whether nothing up to ``head`` concerns the index; most of what follows a position are looks."""
        if progress.retired is not None or head - progress.position >= PAGE:
            return False
        return not self._ledger.query(SQL["new_rows"], [progress.position, head, _TOPICS])

    def _take_in(self, head: int) -> None:
        """Take in one page of the ledger, in a transaction of its own."""
        with self._changing() as connection:
            progress = _read_progress(connection)
            if progress is None:
                progress = _Progress(self._ledger.keys.create(), None, 0)
                connection.execute(SQL["begin"], [progress.key])
            if progress.retired is not None:
                self._ledger.keys.destroy(progress.retired, self._ledger.now())
                connection.execute(SQL["forget_retired"], [progress.retired])
            last = min(head, progress.position + PAGE)
            if last > progress.position:
                between = [progress.position, last, _TOPICS]
                rows = connection.cursor(binary=True).execute(SQL["new_rows"], between).fetchall()
                self._add(connection, self._key(progress.key), [StoredRow(*row) for row in rows])
                connection.execute(SQL["note_position"], [last])

    def _add(self, connection: Connection, key: bytes, rows: Sequence[StoredRow]) -> None:
        tokens: set[tuple[bytes, UUID, str]] = set()
        memberships: set[tuple[UUID, UUID]] = set()
        for row in rows:
            if row.topic in ROSTER_TOPICS:
                memberships |= {(person, row.stream) for person in self._living(read_clear(row))}
            else:
                said = self._ledger.mapper.to_domain_event(row)
                tokens |= {(token_of(key, term), row.stream, term.kind) for term in _terms_of(said)}
        connection.execute(SQL["add_tokens"], _columns(tokens, 3))
        connection.execute(SQL["add_memberships"], _columns(memberships, 2))

    def _living(self, entry: Entry) -> list[UUID]:
        """Return the people an entry brings into a case, but for those whose key is gone."""
        brought = entry.data.get("persons", [entry.data])
        keys = self._ledger.keys
        return [UUID(one["person"]) for one in brought if _holds(keys, UUID(one["key"]))]

    def _key(self, key_id: UUID) -> bytes:
        try:
            return self._ledger.keys.get(key_id)
        except KeyMissing:
            raise IndexKeyMissing from None

    @contextmanager
    def _changing(self) -> Generator[Connection]:
        """Lend a connection in a transaction that alone may change the index; raises IndexBusy."""
        deadline = time.monotonic() + LOCK_WAIT_SECONDS
        while True:
            with self._ledger.connection() as connection, connection.transaction():
                if connection.execute(SQL["try_lock"]).fetchall()[0][0]:
                    yield connection
                    return
            if time.monotonic() > deadline:
                raise IndexBusy
            time.sleep(LOCK_POLL_SECONDS)


def token_of(key: bytes, term: Term) -> bytes:
    """Return the digest by which a term is found: 32 bytes."""
    return hmac.digest(key, _TOKEN_DOMAIN + term.kind.encode() + b"\x00" + term.value.encode(), "sha256")


def _terms_of(said: Entry) -> frozenset[Term]:
    """Return what an entry lets its person be found by; nothing of what was erased."""
    names = [said.data["full_name"]] if "full_name" in said.data else []
    identifiers = [said.data["identifier"]] if "identifier" in said.data else []
    return terms(names, identifiers)


def _read_progress(connection: Connection) -> _Progress | None:
    row = connection.execute(SQL["read_progress"]).fetchone()
    return _Progress(*row) if row else None


def _holds(keys: KeyStore, key_id: UUID) -> bool:
    try:
        keys.get(key_id)
    except KeyMissing:
        return False
    return True


def _columns(rows: Collection[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Return rows as columns, as ``unnest`` takes them."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
