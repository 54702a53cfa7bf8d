"""Who may sign checkpoints of a log: the keys on record, by the events that announced them."""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson
import psycopg

from ledger.proof.checkpoints import Checkpoint
from ledger.proof.notes import Note, NoteError, VerifierKey, verified
from replay.verify_report import Report
from replay.verify_rows import SQL, RawRow

ANNOUNCES = b"key_rotated"


class LogKeys:
    """The keys of a log as the database has them: the first ones, and those that were announced later.

    A checkpoint counts as signed when every key of the last announcement it holds has signed it, and the first
    one that holds an announcement when those before have signed it as well.
    """

    def __init__(self, connection: psycopg.Connection[Any], report: Report, given: Collection[VerifierKey]) -> None:
        self._report, self._given = report, given
        self._by_announcement: dict[int, list[VerifierKey]] = {}
        for vkey, announced in connection.execute(SQL["keys"]).fetchall():
            try:
                self._by_announcement.setdefault(announced or 0, []).append(VerifierKey.read(vkey))
            except NoteError as error:
                report.blame(announced or 0, "key", f"a key of the log cannot be read: {error}")
        self._announced = sorted(self._by_announcement)

    @property
    def origins(self) -> list[str]:
        """The origins the log has had, the first one first; none where nothing was published yet."""
        return list(dict.fromkeys(key.name for key in self.all))

    @property
    def all(self) -> list[VerifierKey]:
        """Every key on record."""
        return [key for announced in self._announced for key in self._by_announcement[announced]]

    @property
    def announced_at(self) -> list[int]:
        """The positions of the events that announced keys."""
        return [position for position in self._announced if position]

    def check_given(self, newest: int) -> None:
        """Hold the first keys on record against those that the auditor gave, if any were."""
        self._report.keys_given = bool(self._given)
        if not self._given or not newest:
            return
        if not set(self._given) & set(self._by_announcement.get(0, [])):
            self._report.blame(newest, "log-key", "none of the given keys is among the first keys on record")
        for key in set(self._given) - set(self.all):
            self._report.blame(newest, "log-key", f"the given key {key.key_id.hex()} is not on record")

    def check_announcements(self, rows: Mapping[int, RawRow], since: int = 0) -> None:
        """Check that each key announced after a size stands in the event that is said to announce it."""
        for position in self.announced_at:
            if position > since:
                self.check_announcement(position, rows.get(position))

    def check_announcement(self, position: int, row: RawRow | None) -> None:
        """Check that an event announces the keys that are said to be announced there."""
        told = announced_keys(row)
        for key in self._by_announcement[position]:
            if str(key) not in told:
                problem = f"no event there announces the key {key.key_id.hex()} of the log"
                self._report.blame(position, "key", problem)

    def wrong_with(self, checkpoint: Checkpoint, note: Note, before: int) -> str | None:
        """Return what is wrong with the signatures below a checkpoint; ``before`` is the size of the one before it."""
        now, last = self._generation(checkpoint.size), self._generation(before)
        if now and checkpoint.origin not in {key.name for key in now}:
            return "is of another log"
        needed = [*now, *(key for key in last if before and key not in now)]
        try:
            signed = verified(note, needed)
        except NoteError as error:
            return f"has a signature that is forged: {error}"
        if not needed or any(key not in signed for key in needed):
            return "is not signed by the keys of the log on record at its size"
        return None

    def _generation(self, size: int) -> list[VerifierKey]:
        at = bisect_right(self._announced, size)
        return self._by_announcement[self._announced[at - 1]] if at else []


def announced_keys(row: RawRow | None) -> frozenset[str]:
    """Return the texts among which an event names keys: wherever in its data they stand.

    The field that holds the keys is not named here, so that every version of the event is read alike.
    """
    if row is None or row.topic != ANNOUNCES:
        return frozenset()
    try:
        clear = orjson.loads(row.state[: int.from_bytes(row.segments[18:22], "big")])
    except ValueError:
        return frozenset()
    return frozenset(_texts(clear.get("data")))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from value.split()
    elif isinstance(value, dict):
        for one in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _texts(one)
