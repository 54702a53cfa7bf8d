"""Making a view anew from the ledger, beside the live one: compared row for row, then switched or thrown away."""

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from domain.entries import Entry
from domain.erased import erases_case
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.store import WORKER_ROLE, conninfo_as
from projections.follower import read_page, tracking_recorder
from projections.view import FOLLOW, ROWS, AnyView, EntryView, Folder, ViewStopped, fold_page

BATCH = 2000
ROUNDS = 2
"""How often a rebuild runs after the ledger before it switches: the second time little is left, so that the follower
waits for little. Each round has an end, however fast others append."""

Progress = Callable[[int], None]


class RebuildFailed(Exception):
    """A view could not be made anew."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The live view against the same view folded anew, up to a position."""

    view: str
    position: int
    rows: int
    keys: int
    missing: int
    surplus: int
    example: tuple[UUID, int] | None

    @property
    def equal(self) -> bool:
        """True when both have the same rows."""
        return not self.missing and not self.surplus


def verify_view(conninfo: str, view: AnyView, progress: Progress = lambda _: None) -> Comparison:
    """Fold the view anew up to where the live one stands and compare row for row; the live view stays as it is."""
    with _worker(conninfo, view) as connection:
        live, new, position = _prepare(connection, view)
        try:
            _fold(connection, view, new, _folder(connection, view), position, progress)
            return _compare(connection, view, live, new, position)
        finally:
            _drop(connection, view, new)


def rebuild_view(conninfo: str, view: AnyView, progress: Progress = lambda _: None) -> Comparison:
    """Fold the view anew, compare it with the live one and let readers see the new one; readers never wait.

    Raises RebuildFailed when the view cannot read an event; readers then keep the view they have.
    """
    with _worker(conninfo, view) as connection:
        live, new, position = _prepare(connection, view)
        try:
            folder = _folder(connection, view)
            folded = 0
            for _ in range(ROUNDS):
                folded = _fold(connection, view, new, folder, _head(connection), progress, after=folded)
            comparison = _compare(connection, view, live, new, position)
            _switch(conninfo, connection, view, new, folder, folded)
        except BaseException:
            _drop(connection, view, new)
            raise
        _drop_others(connection, view, new)
        return comparison


@contextmanager
def _worker(conninfo: str, view: AnyView) -> Generator[psycopg.Connection[Any]]:
    """Open a connection with worker rights that is alone in folding this view anew."""
    with psycopg.connect(conninfo_as(conninfo, WORKER_ROLE), autocommit=True) as connection:
        row = connection.execute(FOLLOW["try_follow"], [f"rebuild {view.name}"]).fetchone()
        if not row or not row[0]:
            raise RebuildFailed(f"view {view.name} is being folded anew already: wait for that to end")
        try:
            yield connection
        finally:
            with suppress(psycopg.Error):
                connection.execute(FOLLOW["let_go"], [f"rebuild {view.name}"])


def _prepare(connection: psycopg.Connection[Any], view: AnyView) -> tuple[int, int, int]:
    """Return live generation, the next one (emptied), and the position the live one has reached."""
    connection.execute(FOLLOW["first_generation"], [view.name])
    live = connection.execute(FOLLOW["peek_generation"], [view.name]).fetchall()[0][0]
    _drop(connection, view, live + 1)
    tracked = connection.execute(FOLLOW["tracked"], [view.follower(live)]).fetchone()
    return live, live + 1, tracked[0] if tracked else 0


def _folder(connection: psycopg.Connection[Any], view: AnyView) -> Folder:
    """Return a folder that knows which cases were erased whole, so that nothing of them is written anew."""
    folder = Folder(view)
    for erasure in _erasures(connection):
        folder.load(erasure.stream, [erasure], {})
    return folder


def _erasures(connection: psycopg.Connection[Any]) -> list[Entry]:
    """Return the erasures of whole cases on record."""
    rows = connection.cursor(binary=True).execute(FOLLOW["erasures"]).fetchall()
    return [entry for entry in (read_clear(StoredRow(*row)) for row in rows) if erases_case(entry)]


def _fold(
    connection: psycopg.Connection[Any],
    view: AnyView,
    generation: int,
    folder: Folder,
    upto: int,
    progress: Progress,
    after: int = 0,
) -> int:
    """Fold the ledger up to a position into a generation, page by page, and return the last position taken in."""
    while after < upto:
        with connection.transaction(), connection.cursor() as cursor:
            rows = read_page(cursor, after, min(BATCH, upto - after))
            if not rows:
                break
            try:
                fold_page(cursor, view, generation, folder, rows)
            except ViewStopped as error:
                raise RebuildFailed(str(error)) from error
        after = rows[-1].position
        progress(after)
    return after


def _switch(
    conninfo: str, connection: psycopg.Connection[Any], view: AnyView, generation: int, folder: Folder, folded: int
) -> None:
    """Lock the live follower out, take in what has come since, and let readers see the new generation."""
    tracking = tracking_recorder(conninfo)
    try:
        with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
            connection.execute(FOLLOW["switch_generation"], [generation, view.name])
            upto = _head(connection)
            last = _fold(connection, view, generation, folder, upto, lambda _: None, after=folded)
            if last:
                tracking.move(cursor, view.follower(generation), last)
    finally:
        tracking.datastore.close()


def _head(connection: psycopg.Connection[Any]) -> int:
    """Return where the ledger stands now."""
    return connection.execute(FOLLOW["head"]).fetchall()[0][0]


def _compare(connection: psycopg.Connection[Any], view: AnyView, live: int, new: int, position: int) -> Comparison:
    """Compare two generations in one snapshot, so that a follower that meets an erasure meanwhile changes nothing."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return _compared(connection, view, live, new, position)


def _compared(connection: psycopg.Connection[Any], view: AnyView, live: int, new: int, position: int) -> Comparison:
    leaving = list({erasure.stream for erasure in _erasures(connection) if erasure.position > position})
    expired = _leaving(connection, view, position)

    def ask(name: str, one: int, other: int) -> tuple[Any, ...] | None:
        values = {
            "view": view.name,
            "one": one,
            "other": other,
            "position": position,
            "leaving": leaving,
            "expired": expired,
        }
        return connection.execute(ROWS[name], values).fetchone()

    missing, surplus = ask("differences", new, live), ask("differences", live, new)
    example = ask("first_difference", new, live) or ask("first_difference", live, new)
    rows, keys = connection.execute(ROWS["count_rows"], [view.name, new, position]).fetchall()[0]
    return Comparison(
        view.name, position, rows, keys, missing[0] if missing else 0, surplus[0] if surplus else 0, example
    )


def _leaving(connection: psycopg.Connection[Any], view: AnyView, position: int) -> int:
    """Return up to where rows of a view go by entries beyond a position: one of the two may have met those already."""
    if not isinstance(view, EntryView):
        return 0
    later = connection.cursor(binary=True).execute(FOLLOW["later_in_own_stream"], [position, sorted(view.topics)])
    expiries = (view.expires(read_clear(StoredRow(*row))) for row in later.fetchall())
    return max((expiry.upto for expiry in expiries if expiry is not None), default=0)


def _drop(connection: psycopg.Connection[Any], view: AnyView, generation: int) -> None:
    with connection.transaction():
        connection.execute(ROWS["drop_generation"], [view.name, generation])
        connection.execute(FOLLOW["forget_tracking"], [view.follower(generation)])


def _drop_others(connection: psycopg.Connection[Any], view: AnyView, generation: int) -> None:
    """Remove every generation but one, also what a rebuild that was cut off has left."""
    with connection.transaction():
        connection.execute(ROWS["drop_other_generations"], [view.name, generation])
        connection.execute(FOLLOW["forget_other_tracking"], [view.follower(generation), f"{view.name}/"])
