"""What was published, held against the tree of the events: tiles, checkpoints, cosignatures and their times."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import psycopg

from ledger.proof.checkpoints import Checkpoint, read_checkpoint
from ledger.proof.notes import Note, NoteError, VerifierKey, read_signature
from ledger.proof.policies import Policy
from ledger.proof.tiles import HASH_BYTES, HEIGHT, WIDTH
from replay.verify_keys import LogKeys
from replay.verify_report import Report
from replay.verify_rows import SQL, RawRow
from replay.verify_tree import GrowingTree

AT_ONCE, COSIGNED_AT_ONCE = 500, 20
"""Checkpoints fetched at a time; with their cosignatures fewer, for a quiet night has one cosigned a hundred times."""

SKEW = 300_000_000
"""How far clocks of database and witness may be apart, in microseconds."""
FOREVER = 2**63 - 1


class Published:
    """Walks along the stored checkpoints and cosignatures while the tree grows beside it."""

    def __init__(
        self, connection: psycopg.Connection[Any], report: Report, keys: LogKeys, policy: Policy | None, since: int = 0
    ) -> None:
        self._connection, self._report, self._keys, self._policy = connection, report, keys, policy
        self._witnesses = {(p.vkey.name, p.vkey.key_id): p.vkey for p in policy.witnesses.values()} if policy else {}
        self._since = since
        self._newest: int = connection.execute(SQL["newest_size"]).fetchall()[0][0]
        self._checkpoints = self._stored_checkpoints(since)
        self._next = next(self._checkpoints, None)
        self._windows = self._witnessed_times(self._first_window(since))
        self._window, self._low = next(self._windows, None), -FOREVER
        report.policy_given = policy is not None
        keys.check_given(self._newest)

    @property
    def next_size(self) -> int:
        """The size of the next stored checkpoint."""
        return FOREVER if self._next is None else self._next[0]

    def reached(self, tree: GrowingTree) -> None:
        """Check the checkpoint of the tree's size."""
        if self._next is None:
            return
        size, stored, text = self._next
        before = self._since
        self._since, self._next = size, next(self._checkpoints, None)
        self._report.checkpoints += 1
        checked = self._read(size, stored, text)
        if checked is None:
            return
        if stored != tree.root():
            self._blame(size, "the checkpoint has another root than the tree of the events")
        wrong = self._keys.wrong_with(*checked, before)
        if wrong is not None:
            self._report.blame(size, "checkpoint-signature", f"the checkpoint {wrong}")

    def _read(self, size: int, stored: bytes, text: str) -> tuple[Checkpoint, Note] | None:
        try:
            checkpoint, note = read_checkpoint(text)
        except NoteError as error:
            self._report.blame(size, "checkpoint-signature", f"the checkpoint cannot be read: {error}")
            return None
        if (checkpoint.size, checkpoint.root) != (size, stored):
            self._blame(size, "what was signed is another size or root than what is stored beside it")
        return checkpoint, note

    def _blame(self, size: int, problem: str) -> None:
        self._report.blame(size, "checkpoint-root", problem)

    def _stored_checkpoints(self, after: int) -> Iterator[tuple[int, bytes, str]]:
        while rows := self._connection.execute(SQL["checkpoints"], [after, AT_ONCE]).fetchall():
            yield from rows
            after = rows[-1][0]

    def check_time(self, row: RawRow) -> None:
        """Hold the time of an event against the witnessed checkpoints before it and from it on."""
        if self._report.simulated:
            return
        while self._window is not None and row.position > self._window[0]:
            self._low, self._window = self._window[2], next(self._windows, None)
        if row.recorded_at < self._low - SKEW:
            problem = "recorded before a witness saw the ledger without it"
            self._report.add(row.fault("witness-time", problem))
        elif self._window is not None and row.recorded_at > self._window[1] + SKEW:
            self._report.add(row.fault("witness-time", "recorded after a witness saw the ledger with it"))

    def _first_window(self, since: int) -> int:
        """Return the size after which cosignatures are read: the last ones before bound the first events."""
        return self._connection.execute(SQL["cosigned_before"], [since]).fetchall()[0][0] - 1 if since else 0

    def _witnessed_times(self, after: int) -> Iterator[tuple[int, int, int]]:
        """Check the cosignatures; yield when each checkpoint was first and last cosigned, in microseconds since 1970.

        A witness signs the newest checkpoint again on every beat, so later events were not there at the last time.
        """
        while rows := self._connection.execute(SQL["cosignatures"], [after, COSIGNED_AT_ONCE]).fetchall():
            for size, lines in groupby(rows, key=lambda row: row[0]):
                cosigners: dict[VerifierKey, list[int]] = {}
                for _, witness, key_id, time, line, note in lines:
                    self._cosigned(size, (witness, bytes(key_id), time), line, note, cosigners)
                if self._policy is not None and cosigners and self._policy.met_by(cosigners):
                    self._report.witnessed = size
                times = [time * 1_000_000 for found in cosigners.values() for time in found]
                if times:
                    yield size, min(times), max(times)
            after = rows[-1][0]

    def _cosigned(
        self,
        size: int,
        said: tuple[str, bytes, int],
        line: str,
        note: str | None,
        cosigners: dict[VerifierKey, list[int]],
    ) -> None:
        if note is None:
            self._report.blame(size, "cosignature", "there is a cosignature of a checkpoint that is not there")
            return
        known = self._witnesses.get(said[:2])
        if known is None:
            return
        try:
            signature = read_signature(line.rstrip("\n"))
            time = known.check(read_checkpoint(note)[0].text, signature)
            if time is None or (signature.name, signature.key_id, time) != said:
                raise NoteError(f"the cosignature of {known.name} is filed under another witness or time")
            cosigners.setdefault(known, []).append(time)
            self._report.cosignatures += 1
        except NoteError as error:
            self._report.blame(size, "cosignature", str(error))

    def check_tiles(self, rows: list[tuple[int, int, bytes]]) -> None:
        """Hold rows of the tree against the stored ones, which must reach as far as the newest checkpoint."""
        if not rows or not self._newest:
            return
        asked = [[level for level, _, _ in rows], [number for _, number, _ in rows]]
        stored: Mapping[tuple[int, int], bytes] = {
            (level, number): hashes
            for level, number, hashes in self._connection.execute(SQL["tiles"], asked).fetchall()
        }
        for level, number, hashes in rows:
            needed = min(WIDTH, (self._newest >> HEIGHT * level) - number * WIDTH)
            found = bytes(stored.get((level, number), b""))
            if found != hashes[: len(found)] or len(found) > len(hashes):
                self._report.blame(self._newest, "tile", f"the row of tiles {level}/{number} has other hashes")
            elif len(found) < needed * HASH_BYTES:
                self._report.blame(self._newest, "tile", f"the row of tiles {level}/{number} is missing or too short")

    def finish(self, tree: GrowingTree, rows: Mapping[int, RawRow], since: int) -> None:
        """Check what is left when every event was seen; ``rows`` are the events that may announce keys."""
        self.check_tiles(tree.edge())
        for level, number in self._connection.execute(SQL["edge"]).fetchall():
            if number * WIDTH >= tree.size >> HEIGHT * level:
                self._report.blame(tree.size, "tile", f"the row of tiles {level}/{number} is past the last event")
        while self._next is not None:
            self._report.checkpoints += 1
            self._blame(self._next[0], f"the checkpoint holds more than the {tree.size} events there are")
            self._next = next(self._checkpoints, None)
        for _ in self._windows:
            pass
        self._keys.check_announcements(rows, since)
        self._report.unpublished = max(0, tree.size - self._newest)
        self._check_quorum(since)

    def _check_quorum(self, since: int) -> None:
        if self._policy is None or not self._newest:
            return
        if not self._report.witnessed and self._policy.met_by(()):
            self._report.witnessed = self._newest
        seen = max(since, self._report.witnessed)
        waiting = self._connection.execute(SQL["unwitnessed"], [seen]).fetchall()[0][0]
        if not seen:
            self._report.blame(self._newest, "quorum", "no checkpoint is cosigned by the witnesses the policy asks for")
        elif waiting is not None:
            problem = "neither it nor a later checkpoint is cosigned by the witnesses the policy asks for"
            self._report.blame(waiting, "quorum", problem)
