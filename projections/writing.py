"""Between the folds and the tables: pages of the ledger read, states loaded, changes written, rows let go."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

import orjson
import psycopg

from domain.adoptions import TOPICS as RULE_TOPICS
from ledger.format import StoredRow
from ledger.mapper import read_clear
from projections.access import Expiry
from projections.folding import Change, Folder, expiry_of
from projections.view import FOLLOW, ROWS, AnyView, View

MOST_CHANGES = 10_000
"""How many changes are held in memory before they are written."""

MOST_ENTRIES = 20_000
"""How many entries a follower holds in memory at most, beside those of one page."""

KEYS_AT_ONCE = 200
"""Of how many keys the states are loaded together where adopted rules compute all of them anew."""


class HoleInLedger(Exception):
    """A position is missing: the ledger promises there is none, so this is an alarm and not a wait."""


def read_page(cursor: psycopg.Cursor[Any], after: int, limit: int) -> list[StoredRow]:
    """Return the next rows after a position; raises HoleInLedger when they do not follow it without a gap."""
    ask_page(cursor, after, limit)
    return asked_page(cursor, after)


def ask_page(cursor: psycopg.Cursor[Any], after: int, limit: int) -> None:
    """Ask for the next rows after a position without waiting for them, where the connection allows for that."""
    cursor.execute(FOLLOW["page"], [after, limit], binary=True)


def asked_page(cursor: psycopg.Cursor[Any], after: int) -> list[StoredRow]:
    """Return the rows asked for; raises HoleInLedger when they do not follow the position without a gap."""
    rows = [StoredRow(*row) for row in cursor.fetchall()]
    if rows and (rows[0].position, rows[-1].position) != (after + 1, after + len(rows)):
        raise HoleInLedger(f"positions after {after} are not dense: run `caseledger verify`")
    return rows


def take_in(
    cursor: psycopg.Cursor[Any], view: AnyView, generation: int, folder: Folder, rows: Sequence[StoredRow]
) -> None:
    """Fold the next rows of the ledger into a generation that has taken in everything before them.

    Raises ViewStopped where the fold cannot read a row, with what came before it written.
    """
    stretch: list[StoredRow] = []
    for row in rows:
        if not (view.by_rules and row.topic in RULE_TOPICS):
            stretch.append(row)
            continue
        _fold_stretch(cursor, view, generation, folder, stretch)
        stretch = []
        _turn(cursor, view, generation, folder, row)
    _fold_stretch(cursor, view, generation, folder, stretch)


def _fold_stretch(
    cursor: psycopg.Cursor[Any], view: AnyView, generation: int, folder: Folder, rows: Sequence[StoredRow]
) -> None:
    """Fold rows and write what changes, piece by piece: one look may be at every case there is."""
    if not rows:
        return
    _load(cursor, view, folder, generation, rows)
    changes: list[Change] = []
    try:
        for row in rows:
            changes += folder.add(row)
            expiry = expiry_of(view, row)
            if len(changes) >= MOST_CHANGES or expiry is not None:
                piece, changes = changes, []
                write_changes(cursor, view, generation, piece)
            if expiry is not None:
                expire_rows(cursor, view, generation, expiry)
    finally:
        write_changes(cursor, view, generation, changes)


def _turn(cursor: psycopg.Cursor[Any], view: AnyView, generation: int, folder: Folder, row: StoredRow) -> None:
    """Take in rules adopted, and compute every case opened so far anew, some at a time."""
    if folder.needs_rules:
        _load_rules(cursor, folder, row.position - 1)
    folder.adopt(row)
    for keys in _opened(cursor, row.position):
        folder.forget_states()
        _load_states(cursor, view, folder, generation, keys, row.position)
        write_changes(cursor, view, generation, [change for key in keys for change in folder.turned(key, row)])
    folder.forget_states()


def _opened(cursor: psycopg.Cursor[Any], upto: int) -> Iterator[list[UUID]]:
    """Yield the cases opened by a position, some at a time."""
    after = 0
    while found := cursor.execute(FOLLOW["opened_after"], [after, upto, KEYS_AT_ONCE]).fetchall():
        yield [case for case, _ in found]
        after = found[-1][1]


def _load(
    cursor: psycopg.Cursor[Any], view: AnyView, folder: Folder, generation: int, rows: Sequence[StoredRow]
) -> None:
    """Give the folder what it does not know of the keys in ``rows``, as of the position before them."""
    upto = rows[0].position - 1
    if folder.entries > MOST_ENTRIES:
        folder.forget_states()
    if folder.needs_rules:
        _load_rules(cursor, folder, upto)
    keys = folder.missing(rows)
    if keys:
        _load_states(cursor, view, folder, generation, keys, upto)


def _load_rules(cursor: psycopg.Cursor[Any], folder: Folder, upto: int) -> None:
    adoptions = cursor.execute(FOLLOW["entries_of_topics"], [sorted(RULE_TOPICS), upto], binary=True)
    folder.load_rules([read_clear(StoredRow(*row)) for row in adoptions.fetchall()])


def _load_states(
    cursor: psycopg.Cursor[Any], view: AnyView, folder: Folder, generation: int, keys: list[UUID], upto: int
) -> None:
    known: dict[UUID, list[StoredRow]] = {key: [] for key in keys}
    cursor.execute(FOLLOW["entries_of_keys"], [keys, sorted(view.reads), upto], binary=True)
    with cursor.connection.execute(ROWS["open_rows"], [view.name, generation, keys]) as standing:
        for row in cursor.fetchall():
            known[row[1]].append(StoredRow(*row))
        parts: dict[UUID, dict[str, Any]] = {key: {} for key in keys}
        for key, part, value in standing.fetchall():
            parts[key][part] = value
    for key, earlier in known.items():
        folder.load(key, map(read_clear, earlier), parts[key])


def expire_rows(cursor: psycopg.Cursor[Any], view: AnyView, generation: int, expiry: Expiry) -> None:
    """Let go of the rows that have expired."""
    values = {"view": view.name, "generation": generation, "upto": expiry.upto, "kept": list(expiry.kept)}
    cursor.execute(ROWS["expire_rows"], values)


def with_ends(changes: Iterable[Change]) -> list[tuple[Change, int | None]]:
    """Return changes in order of position, each with where the next one of its part ends it; None: it stands."""
    found: list[tuple[Change, int | None]] = []
    last: dict[tuple[UUID, str | None], int] = {}
    for change in changes:
        part = (change.key, change.part)
        if part in last:
            found[last[part]] = (found[last[part]][0], change.position)
        last[part] = len(found)
        found.append((change, None))
    return found


def write_changes(cursor: psycopg.Cursor[Any], view: AnyView, generation: int, changes: Sequence[Change]) -> None:
    """Write changes in order of position: each ends the row before it of its part; of erased keys all rows go.

    The rows of a view of single entries never end.
    """
    erased = {change.key for change in changes if change.part is None}
    if erased:
        cursor.execute(ROWS["forget_keys"], [view.name, list(erased)])
    _write_parts(cursor, view, generation, [change for change in changes if change.key not in erased])


def _write_parts(cursor: psycopg.Cursor[Any], view: AnyView, generation: int, changes: list[Change]) -> None:
    if not changes:
        return
    if isinstance(view, View):
        first: dict[tuple[UUID, str | None], Change] = {}
        for change in changes:
            first.setdefault((change.key, change.part), change)
        ended = [change for change in first.values() if change.replaces]
        if ended:
            columns = [[one.key for one in ended], [one.part for one in ended], [one.position for one in ended]]
            cursor.execute(ROWS["close_rows"], [*columns, view.name, generation])
    added = [
        {"key": change.key, "part": change.part, "known_from": change.position, "known_to": end, "value": change.value}
        for change, end in with_ends(changes)
        if change.value is not None
    ]
    if added:
        cursor.execute(ROWS["add_rows"], [view.name, generation, orjson.dumps(added).decode()])


_NULL = r"\N"
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def staged_lines(changes: Iterable[Change]) -> list[bytes]:
    """Return all changes of some keys as lines for ``stage_rows``."""
    lines: list[bytes] = []
    key, name = None, ""
    for change, end in with_ends(changes):
        if change.value is None:
            continue
        if change.key != key:
            key, name = change.key, str(change.key)
        place = f"{name}\t{(change.part or '').translate(_ESCAPED)}\t{change.position}\t{end or _NULL}\t"
        lines.append(place.encode() + orjson.dumps(change.value).replace(b"\\", b"\\\\") + b"\n")
    return lines
