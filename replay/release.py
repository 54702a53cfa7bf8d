"""A release for analysts: every past of the ledger as Parquet and DuckDB, pseudonymised, the same bytes each time.

What leaves is told in ``domain.release``; what the folder holds and how it is asked in ``docs/analysts.md``.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg

from domain.release_fields import EVENT_FIELDS, IN_MONTHS
from domain.release_views import VIEW_FIELDS
from domain.rules import Rules
from domain.time import copenhagen_day
from ledger.store import APPLICATION_ROLE, Ledger, conninfo_as
from projections.boards import adopted_upto
from projections.following import wait_for
from projections.view import VIEWS, AnyView, View
from replay.extras import extra
from replay.pseudonyms import Pseudonyms
from replay.release_aggregates import write_aggregates
from replay.release_columns import Columns, RememberedRow
from replay.release_events import Reading, stretches
from replay.release_files import TableFile, write_database
from replay.release_judging import Judged, judge, rows_anew
from replay.release_lookups import write_lookups
from replay.release_rows import SQL, remembered

PAGE = 20_000
"""Rows of a view turned into columns at a time."""

NOT_WRITTEN = "The files cannot be written: make room on the disk, then run the same command again."

Progress = Callable[[int, int], None]


class ReleaseRefused(Exception):
    """A release cannot be made now; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A release as wanted: its name, the position whose past it shows, some tables only, how many processes."""

    release: str
    position: int
    tables: Collection[str] | None = None
    workers: int = 1

    @property
    def topics(self) -> tuple[str, ...]:
        """The event types wanted."""
        return tuple(topic for topic in EVENT_FIELDS if self.tables is None or topic in self.tables)

    @property
    def views(self) -> tuple[AnyView, ...]:
        """The views wanted."""
        wanted = (view for view in VIEWS.values() if view.name in VIEW_FIELDS)
        return tuple(view for view in wanted if self.tables is None or view.name in self.tables)


TABLES = (*EVENT_FIELDS, *(name for name in VIEWS if name in VIEW_FIELDS))
"""The tables a release may hold."""


@dataclass(slots=True)
class Content:
    """What a release holds: by which rules, the rows of each file, and which events are missing from it, why."""

    rules: Rules
    judged: Judged
    rows: dict[Path, int] = field(default_factory=dict[Path, int])
    withheld: int = 0
    unreadable: list[int] = field(default_factory=list[int])


def write_release(ledger: Ledger, wish: Wish, key: bytes, folder: Path, notify: Progress) -> Content:
    """Write the tables of a release into an empty folder; raises ReleaseRefused.

    What is left out is judged by all that is on record now, and once more in the end: an erasure meanwhile counts.
    """
    duckdb = extra("duckdb", "replay")  # missed now rather than when all else is written
    _require_followed(ledger, wish)
    content = Content(adopted_upto(ledger, wish.position), judge(ledger))
    _write_events(ledger, wish, key, folder, content, notify)
    columns = Columns(Pseudonyms(key), _life_rules(content.rules))
    for view in wish.views:
        _write_view(ledger, wish, view, columns, folder, content)
    content.rows |= write_lookups(folder, content.rules)
    content.rows |= write_aggregates(folder, copenhagen_day(recorded_at(ledger, wish.position)))
    try:
        database = write_database(folder, content.rows)
    except (duckdb.IOException, duckdb.TransactionException) as error:
        raise ReleaseRefused(NOT_WRITTEN) from error
    content.rows[database] = sum(content.rows.values())
    if judge(ledger) != content.judged:
        raise ReleaseRefused("Something was erased, restricted or withheld meanwhile: run the same command again.")
    return content


def recorded_at(ledger: Ledger, position: int) -> Any:
    """Return when a position was recorded."""
    return ledger.query(SQL["recorded_at"], {"upto": position})[0][0]


def _require_followed(ledger: Ledger, wish: Wish) -> None:
    for view in wish.views:
        reached = wait_for(ledger, view, wish.position)
        if reached < wish.position:
            raise ReleaseRefused(
                f"View {view.name} has followed to position {reached}, not to {wish.position}: let `caseledger worker`"
                " catch up, then run the same command again."
            )


def _write_events(ledger: Ledger, wish: Wish, key: bytes, folder: Path, content: Content, notify: Progress) -> None:
    judged, columns = content.judged, Columns(Pseudonyms(key))
    files = {topic: TableFile(folder / "events", columns.of_event(topic)) for topic in wish.topics}
    reading = Reading(
        ledger.conninfo,
        key,
        wish.topics,
        tuple(sorted(judged.erased)),
        tuple(sorted(judged.restricted)),
        judged.replaced(wish.position),
    )
    for stretch in stretches(reading, wish.position, wish.workers, notify):
        for topic, batch in stretch.batches:
            files[topic].add(batch)
        content.withheld += stretch.withheld
        content.unreadable += stretch.unreadable
    for file in files.values():
        _close(file, content)


def _write_view(ledger: Ledger, wish: Wish, view: AnyView, columns: Columns, folder: Path, content: Content) -> None:
    table = columns.of_view(view.name)
    file = TableFile(folder / "views", table)
    judged = content.judged
    with psycopg.connect(conninfo_as(ledger.conninfo, APPLICATION_ROLE), autocommit=True) as connection:
        rows = remembered(connection, view.name, wish.position, judged.gone)
        for page in _pages(rows):
            file.add(table.batch(page))
    if isinstance(view, View):
        for page in _pages(rows_anew(ledger, view, judged, wish.position)):
            file.add(table.batch(page))
    _close(file, content)


def _close(file: TableFile, content: Content) -> None:
    file.close()
    content.rows[file.path] = file.rows


def _pages(rows: Iterable[RememberedRow]) -> Iterator[list[RememberedRow]]:
    remaining = iter(rows)
    while page := list(islice(remaining, PAGE)):
        yield page


def _life_rules(rules: Rules) -> frozenset[str]:
    """Return the rules that may count from a birth or a death."""
    return frozenset(rule for rule, topics in rules.starting.items() if topics & IN_MONTHS)
