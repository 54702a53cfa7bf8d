"""Making a view anew from the ledger, beside the live one: compared row for row, then switched or thrown away."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ledger.format import StoredRow
from ledger.store import WORKER_ROLE, conninfo_as
from projections.access import Expiry
from projections.folding import Folder, ViewStopped, expiry_of
from projections.follower import tracking_recorder
from projections.view import FOLLOW, AnyView, EntryView
from projections.writing import expire_rows, read_page, take_in
from replay.comparison import Comparison, Difference, compare
from replay.helpers import Helpers
from replay.shares import FIRST, LAST, SHARES, DiskFull, RebuildFailed, RebuildInProgress, Share, fold_share

__all__ = [
    "Comparison",
    "Difference",
    "DiskFull",
    "Progressed",
    "RebuildFailed",
    "RebuildInProgress",
    "RebuildInterrupted",
    "rebuild_view",
    "verify_view",
]

BATCH = 2000
ROUNDS = 2
"""How often a rebuild runs after the ledger before it switches: the second time little is left, so that the follower
waits for little. Each round has an end, however fast others append."""

MOST_SHARES = 32
"""Into how many shares the streams are cut: enough that processes end at about the same time, few enough to plan."""

SHARE_EVENTS = 20_000
"""How many events a share is worth at least."""

RULED_SHARE_EVENTS = 500
"""How many it is worth at least where rules are worked out for each: that takes fifty times as long or more."""

WORTH_HELP_SECONDS = 2.0
"""How long what is left must take one process for others to be worth starting: each needs most of a second for that."""

SCRATCH = 0
"""The generation in which a check folds; readers never see it, and nothing goes on with it."""


class RebuildInterrupted(Exception):
    """Folding anew ended before its end; what is folded is kept."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """How many events of how many are folded; ``note`` says, once, that a rebuild goes on or why it begins anew."""

    view: str
    events: int
    of: int
    note: str | None = None


Progress = Callable[[Progressed], None]


@dataclass(frozen=True, slots=True)
class _Plan:
    """A generation to be folded up to a position, that many events."""

    generation: int
    upto: int
    events: int


def _quiet(_: Progressed) -> None:
    """Tell nobody."""


def verify_view(conninfo: str, view: AnyView, progress: Progress = _quiet, workers: int = 1) -> Comparison:
    """Fold the view anew up to where the live one stands and compare row for row; the live view stays as it is.

    Raises RebuildFailed as ``rebuild_view`` does, and where readers see rows of another version of the view's code.
    """
    with _worker(conninfo, view) as connection:
        live, version, position = _live(connection, view)
        if version != view.version:
            raise RebuildFailed(
                f"view {view.name} is of version {version}, this program has {view.version}: rebuild it"
            )
        _drop(connection, view, SCRATCH)
        try:
            plan = _begin(connection, view, SCRATCH, position)
            _fold(conninfo, connection, view, plan, progress, workers)
            _expire(connection, view, SCRATCH, position)
            return compare(connection, view, live, SCRATCH, position)
        finally:
            with suppress(psycopg.OperationalError):
                _drop(connection, view, SCRATCH)


def rebuild_view(conninfo: str, view: AnyView, progress: Progress = _quiet, workers: int = 1) -> Comparison:
    """Fold the view anew, compare it with the live one and let readers see the new one; readers never wait.

    With several ``workers`` the shares are folded in processes. What is folded when this is cut off is kept, and the
    next call goes on with it; when the view cannot read an event or the disk is full, it is removed. Raises
    RebuildFailed then, and where another rebuild or check of the view is running; readers keep the view they have.
    """
    with _worker(conninfo, view) as connection:
        live, version, _ = _live(connection, view)
        plan = _plan(connection, view, live, progress)
        tracking = _Tracking(conninfo, view, plan.generation)
        try:
            _fold(conninfo, connection, view, plan, progress, workers)
            comparison = _take_over(connection, view, live, version, plan, tracking, progress)
        except RebuildInProgress:
            raise
        except (ViewStopped, psycopg.errors.DiskFull, RebuildFailed) as error:
            _drop(connection, view, plan.generation)
            if isinstance(error, RebuildFailed):
                raise
            raise (RebuildFailed(str(error)) if isinstance(error, ViewStopped) else DiskFull(view.name)) from error
        finally:
            tracking.close()
        _drop_others(connection, view, plan.generation)
        return comparison


class _Tracking:
    """How far a generation has come, through the library's recorder."""

    def __init__(self, conninfo: str, view: AnyView, generation: int) -> None:
        self._recorder = tracking_recorder(conninfo)
        self._name = view.follower(generation)

    def reached(self, connection: psycopg.Connection[Any]) -> int:
        """Return the last position taken in; 0 before any."""
        row = connection.execute(FOLLOW["tracked"], [self._name]).fetchone()
        return row[0] if row else 0

    def move(self, connection: psycopg.Connection[Any], position: int) -> None:
        """Note within the connection's transaction that a position is taken in."""
        with connection.cursor(row_factory=dict_row) as cursor:
            self._recorder.move(cursor, self._name, position)

    def close(self) -> None:
        """Let go of what the library holds."""
        self._recorder.datastore.close()


@contextmanager
def _worker(conninfo: str, view: AnyView) -> Generator[psycopg.Connection[Any]]:
    """Open a connection with worker rights that is alone in folding this view anew."""
    with psycopg.connect(conninfo_as(conninfo, WORKER_ROLE), autocommit=True) as connection:
        row = connection.execute(FOLLOW["try_follow"], [f"rebuild {view.name}"]).fetchone()
        if not row or not row[0]:
            raise RebuildInProgress(view.name)
        try:
            yield connection
        finally:
            with suppress(psycopg.Error):
                connection.execute(FOLLOW["let_go"], [f"rebuild {view.name}"])


def _live(connection: psycopg.Connection[Any], view: AnyView) -> tuple[int, int, int]:
    """Return the generation that readers see, the version that folded it, and the position it has reached."""
    connection.execute(FOLLOW["first_generation"], [view.name, view.version])
    generation, version = connection.execute(FOLLOW["peek_generation"], [view.name]).fetchall()[0]
    reached = connection.execute(FOLLOW["reached"], [view.name]).fetchone()
    return generation, version, reached[0] if reached else 0


def _plan(connection: psycopg.Connection[Any], view: AnyView, live: int, progress: Progress) -> _Plan:
    """Return the generation to go on with, or begin one and say why, where another was begun that cannot serve."""
    found = connection.execute(SHARES["unfinished"], [view.name]).fetchone()
    note = None
    if found is not None:
        generation, version, upto, events = found
        if (generation, version) == (live + 1, view.version):
            done = _folded(connection, view, generation)
            progress(Progressed(view.name, done, events, f"goes on where it was cut off, up to position {upto}"))
            return _Plan(generation, upto, events)
        note = f"begins anew: what was cut off was version {version} of the view, this program has {view.version}"
        _drop(connection, view, generation)
    _drop(connection, view, live + 1)
    plan = _begin(connection, view, live + 1, _head(connection))
    progress(Progressed(view.name, 0, plan.events, note))
    return plan


def _begin(connection: psycopg.Connection[Any], view: AnyView, generation: int, upto: int) -> _Plan:
    """Note a generation to be folded and cut its streams into shares."""
    topics = sorted(view.reads)
    events = connection.execute(SHARES["count_events"], [upto, topics]).fetchall()[0][0]
    worth = min(SHARE_EVENTS, RULED_SHARE_EVENTS) if view.by_rules else SHARE_EVENTS
    shares = min(MOST_SHARES, events // worth + 1)
    cuts = [number / shares for number in range(1, shares)]
    found = connection.execute(SHARES["boundaries"], [cuts, upto]).fetchall()[0][0] if cuts else ()
    edges = [FIRST, *sorted(set(found)), LAST]
    with connection.transaction():
        connection.execute(SHARES["begin"], [view.name, generation, view.version, upto, events])
        for number, (after, last) in enumerate(pairwise(edges)):
            connection.execute(SHARES["add_share"], [view.name, generation, number, after, last, after])
    return _Plan(generation, upto, events)


def _fold(
    conninfo: str, connection: psycopg.Connection[Any], view: AnyView, plan: _Plan, progress: Progress, workers: int
) -> None:
    """Fold the shares that are not folded to their end: in this process, and in others beside it where that pays."""
    shares = _open_shares(connection, view, plan)
    done, begun = _folded(connection, view, plan.generation), time.monotonic()

    def tell() -> None:
        folded = _folded(connection, view, plan.generation)
        progress(Progressed(view.name, folded, plan.events))
        if (plan.events - folded) * (time.monotonic() - begun) > WORTH_HELP_SECONDS * (folded - done):
            helpers.start()

    with Helpers(conninfo, shares, min(workers, len(shares)) - 1) as helpers:
        for share in reversed(shares):
            fold_share(conninfo, share, tell, wait=False)
        helpers.wait(tell)
    for share in _open_shares(connection, view, plan):
        fold_share(conninfo, share, tell)
    if _open_shares(connection, view, plan):
        raise RebuildInterrupted(f"view {view.name}: folding anew was cut off; start it again to go on")


def _open_shares(connection: psycopg.Connection[Any], view: AnyView, plan: _Plan) -> list[Share]:
    found = connection.execute(SHARES["open_shares"], [view.name, plan.generation]).fetchall()
    return [Share(view, plan.generation, number) for (number,) in found]


def _folded(connection: psycopg.Connection[Any], view: AnyView, generation: int) -> int:
    return connection.execute(SHARES["folded"], [view.name, generation]).fetchall()[0][0]


def _take_over(
    connection: psycopg.Connection[Any],
    view: AnyView,
    live: int,
    version: int,
    plan: _Plan,
    tracking: _Tracking,
    progress: Progress,
) -> Comparison:
    """Take in what has come since, compare, and let readers see the new generation."""
    reached, folder = tracking.reached(connection), Folder(view)
    if reached == 0:
        with connection.transaction():
            _expire(connection, view, plan.generation, plan.upto)
            tracking.move(connection, plan.upto)
        reached = plan.upto
    for _ in range(ROUNDS):
        upto = _head(connection)
        while reached < upto:
            reached = _follow(connection, view, plan.generation, folder, tracking, reached, upto)
            progress(Progressed(view.name, plan.events, plan.events))
    comparison = compare(connection, view, live, plan.generation, reached, replaced=version)
    with connection.transaction():
        connection.execute(FOLLOW["switch_generation"], [plan.generation, view.version, view.name])
        upto = _head(connection)
        while reached < upto:
            reached = _follow(connection, view, plan.generation, folder, tracking, reached, upto)
        connection.execute(SHARES["end"], [view.name, plan.generation])
    return comparison


def _follow(
    connection: psycopg.Connection[Any],
    view: AnyView,
    generation: int,
    folder: Folder,
    tracking: _Tracking,
    after: int,
    upto: int,
) -> int:
    """Take in one page the way the follower does, and return its last position."""
    with connection.transaction(), connection.cursor() as cursor:
        rows = read_page(cursor, after, min(BATCH, upto - after))
        take_in(cursor, view, generation, folder, rows)
        tracking.move(connection, rows[-1].position)
        return rows[-1].position


def _expire(connection: psycopg.Connection[Any], view: AnyView, generation: int, upto: int) -> None:
    """Let go of the rows that expiries on record by a position let go, as the follower did when it met each."""
    if not isinstance(view, EntryView):
        return
    with connection.transaction(), connection.cursor() as cursor:
        later = cursor.execute(FOLLOW["later_in_own_stream"], [0, sorted(view.topics)], binary=True).fetchall()
        for row in (StoredRow(*one) for one in later):
            expiry = expiry_of(view, row) if row.position <= upto else None
            if expiry is not None:
                expire_rows(cursor, view, generation, Expiry(min(expiry.upto, row.position), expiry.kept))


def _head(connection: psycopg.Connection[Any]) -> int:
    """Return where the ledger stands now."""
    return connection.execute(FOLLOW["head"]).fetchall()[0][0]


def _drop(connection: psycopg.Connection[Any], view: AnyView, generation: int) -> None:
    """Remove a generation; who still folds a share of it ends its piece first, and finds it gone."""
    with connection.transaction():
        connection.execute(SHARES["end"], [view.name, generation])
        connection.execute(SHARES["drop_generation"], [view.name, generation])
        connection.execute(FOLLOW["forget_tracking"], [view.follower(generation)])


def _drop_others(connection: psycopg.Connection[Any], view: AnyView, generation: int) -> None:
    """Remove every generation but one, also what a rebuild that was cut off has left."""
    with connection.transaction():
        connection.execute(SHARES["end_others"], [view.name, generation])
        connection.execute(SHARES["drop_other_generations"], [view.name, generation])
        connection.execute(FOLLOW["forget_other_tracking"], [view.follower(generation), view.name])
