"""A published and witnessed ledger to attack, and what each party that has a part in it then notices."""

import asyncio
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from time import time
from typing import Any
from uuid import UUID, uuid5

import psycopg
from psycopg.conninfo import conninfo_to_dict

from api.drafting import Commit
from api.erasure_log import record_from_log
from api.opening import Place
from api.principals import command_line_principal
from api.recording import CaseRecorder, NewPerson
from ledger.format import NIL, NO_COMMITMENT, StoredRow, commitment, published_entry
from ledger.merkle import Frontier, leaf_hash, root_of
from ledger.proof.checkpoints import Checkpoint
from ledger.proof.growing import SQL, TreeBroken, grow
from ledger.proof.merkle_proofs import ProofError, check_consistency
from ledger.proof.notes import COSIGNATURE, Note, NoteError, SigningKey
from ledger.proof.policies import Group, Party, Policy
from ledger.proof.proof_files import ProofFile
from ledger.proof.publisher import Publisher, default_origin
from ledger.proof.records import ProofRecords
from ledger.proof.signer import FileSigner, SignerRefused
from ledger.requests import Appended
from ledger.store import Ledger
from replay.verify import Trust, verify_ledger, verify_since
from replay.verify_kept import KeptCheckpoint, KeptRefused
from tests.conftest import Server, Template
from tests.ledger.samples import connected, fact, one, rows_of, sealed_fact, unhindered

STREAMS = 15
DAYS_AGO = (60, 40, 30, 25)
"""When each of the four checkpoints was made; the last was cosigned again a quarter of an hour ago."""

WITNESSES = tuple(
    SigningKey.ed25519(f"witness.{name}.example", sha256(name.encode()).digest(), COSIGNATURE)
    for name in ("nabokommune", "tredjekommune")
)
RECORDER = command_line_principal("attack", internal=True)
Notices = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Outside:
    """What lies with others: the auditor's keys, policy and checkpoint, the witnesses' memory, a time stamp."""

    trust: Trust
    kept: KeptCheckpoint
    remembered: Checkpoint
    stamped: Checkpoint


@dataclass(frozen=True, slots=True)
class Prepared:
    """A ledger to be cloned for each attack, its backup after the third checkpoint, and what lies outside.

    A backup is of the database alone: the signer's folder is not set back with it.
    """

    now: Template
    backup: Template
    outside: Outside


@dataclass(slots=True)
class Scene:
    """One ledger under attack: the attacker's connection as superuser, a copy of the signer's keys, what is outside."""

    place: Place
    ledger: Ledger
    connection: psycopg.Connection[Any]
    outside: Outside
    shown: tuple[Checkpoint, Note] | None = None
    receipt: ProofFile | None = None
    removed_key: UUID | None = None
    noticed: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    @property
    def rows(self) -> list[StoredRow]:
        """What the ledger holds now."""
        return rows_of(self.connection)

    def sealed(self, number: int = 0) -> StoredRow:
        """Return one of the events with a sealed segment that the auditor's checkpoint holds."""
        return [row for row in self.rows[60:] if int.from_bytes(row.segments[:2]) == 2][number]

    def execute(self, statement: str, *values: Any) -> None:
        """Run a statement that passes every trigger."""
        with unhindered(self.connection, keep=True):
            self.connection.execute(statement.encode(), values)

    def thief(self) -> FileSigner:
        """Return a signer with the log's keys and without any memory."""
        folder = self.place.home / "thief"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.place.home / "signer", folder)
        (folder / "last-checkpoint").unlink()
        return FileSigner(folder, time)

    def repair(self, *, tiles: bool = True) -> None:
        """Make commitments, chain, head and tiles anew from the rows, as the append and the worker would have."""
        with unhindered(self.connection, keep=True):
            repair(self.connection, tiles=tiles)

    def resign(self, *, stolen: bool, cosign: int = 0) -> None:
        """Give each checkpoint the root that the tree has now, signed with the stolen key, or with the old lines.

        Cosignatures of those that changed are removed, and made anew with so many stolen keys of witnesses.
        """
        leaves = [leaf_hash(published_entry(row.commitment)) for row in self.rows]
        for published in ProofRecords(self.ledger).after(0):
            size, root = published.checkpoint.size, root_of(leaves[: published.checkpoint.size])
            if root == published.checkpoint.root:
                continue
            text = Checkpoint(published.checkpoint.origin, size, root).text
            note = self.thief().sign(size, root, []) if stolen else Note(text, published.note.signatures)
            self.execute("UPDATE proof.checkpoint SET root = %s, note = %s WHERE size = %s", root, str(note), size)
            times = self.connection.execute(
                "SELECT DISTINCT extract(epoch FROM cosigned_at)::bigint FROM proof.cosignature WHERE size = %s", [size]
            ).fetchall()
            self.execute("DELETE FROM proof.cosignature WHERE size = %s", size)
            for (signed_at,) in times:
                cosign_checkpoint(self.connection, size, text, signed_at, WITNESSES[:cosign])

    def publish(self, signer: FileSigner | None = None) -> int | None:
        """Publish what there is, with the signer of the log or another one."""
        publisher = Publisher(self.place.conninfo, signer or FileSigner(self.place.home / "signer", time))
        try:
            return publisher.publish()
        finally:
            publisher.close()

    def notices(self) -> Notices:
        """Return which parties notice, each with the checks by which they do; those that do not are left out."""
        checks = verify_ledger(self.ledger).checks
        self._notice("anyone", checks)
        self._notice("auditor", verify_ledger(self.ledger, trust=self.outside.trust).checks - checks)
        self._notice("kept", self._since(self.outside.kept))
        self._notice("stamp", ["stamp"] if self._differs(self.outside.stamped) else [])
        if self.receipt is not None:
            self._notice("receipt", self._since(KeptCheckpoint(self.receipt.checkpoint, self.receipt.note)))
        if self.removed_key is not None:
            recorded = record_from_log(self.ledger, self.place.keys(self.ledger.id), RECORDER)
            self._notice("operator", ["erasure-log"] if recorded else [])
        if self.shown is not None:
            self._look_at_what_was_shown(*self.shown)
        self._go_on()
        return {party: found for party, found in self.noticed.items() if found}

    def _notice(self, party: str, checks: Any) -> None:
        self.noticed[party] = self.noticed.get(party, frozenset()) | frozenset(checks)

    def _since(self, kept: KeptCheckpoint) -> frozenset[str]:
        try:
            return frozenset(verify_since(self.ledger, kept, trust=self.outside.trust).checks)
        except KeptRefused:
            return frozenset({"kept-checkpoint"})

    def _differs(self, stamped: Checkpoint) -> bool:
        """Whether the tree of the events had another root at the size of what was stamped."""
        rows = self.rows[: stamped.size]
        return root_of(leaf_hash(published_entry(row.commitment)) for row in rows) != stamped.root

    def _look_at_what_was_shown(self, checkpoint: Checkpoint, note: Note) -> None:
        assert self.outside.trust.policy is not None
        try:
            self.outside.trust.policy.check(checkpoint, note)
        except NoteError:
            self._notice("reader", ["quorum"])
        if self._witness_refuses(checkpoint):
            self._notice("witness", ["witness"])

    def _go_on(self) -> None:
        """Record something and publish it: with the log's own signer, then with its keys only, for the witness."""
        latest = ProofRecords(self.ledger).latest()
        if latest is not None and self._witness_refuses(latest.checkpoint):
            self._notice("witness", ["witness"])
        try:
            self.ledger.append_now(one(NIL, None, *(fact() for _ in range(50))))
        except Exception:
            self._notice("append", ["append"])
            return
        try:
            self.publish()
        except SignerRefused:
            self._notice("signer", ["signer"])
            self._ask_witness()
        except TreeBroken:
            self._notice("worker", ["worker"])

    def _ask_witness(self) -> None:
        self.publish(self.thief())
        latest = ProofRecords(self.ledger).latest()
        if latest is not None and self._witness_refuses(latest.checkpoint):
            self._notice("witness", ["witness"])

    def _witness_refuses(self, new: Checkpoint) -> bool:
        """Whether a witness that remembers what it cosigned last refuses a checkpoint (409 or 422)."""
        old = self.outside.remembered
        if new.size < old.size:
            return True
        try:
            proof = ProofRecords(self.ledger).consistency(old.size, new.size)
            check_consistency(old.size, new.size, old.root, new.root, proof)
        except (ProofError, TreeBroken, ValueError):
            return True
        return False


def repair(connection: psycopg.Connection[Any], *, tiles: bool = True) -> None:
    """Make commitments, head and tiles fit the rows, whatever they say."""
    last: dict[UUID, bytes] = {}
    tree, rows = Frontier(), rows_of(connection)
    for row in rows:
        made = last[row.stream] = commitment(row, last.get(row.stream, NO_COMMITMENT))
        tree.add(leaf_hash(published_entry(made)))
        if made != row.commitment:
            connection.execute("UPDATE ledger.event SET commitment = %s WHERE position = %s", [made, row.position])
    connection.execute(
        "UPDATE ledger.head SET size = %s, root = %s, frontier = %s, recorded_at = %s",
        [tree.size, tree.root(), b"".join(tree.hashes), rows[-1].recorded_at],
    )
    if tiles:
        connection.execute("DELETE FROM proof.tile")
        grow(connection, tree.size)


def cosign_checkpoint(
    connection: psycopg.Connection[Any], size: int, text: str, at: int, keys: tuple[SigningKey, ...] = WITNESSES
) -> None:
    """Store cosignatures of a checkpoint by witnesses, at a time in seconds since 1970."""
    for key in keys:
        line = str(key.sign(text, at)).rstrip("\n")
        connection.execute(SQL["write_cosignature"], [size, key.vkey.name, key.vkey.key_id, at, line])


def prepare(server: Server, place: Place) -> Prepared:
    """Build a ledger with four witnessed checkpoints over two months, as a template; ``place`` is empty."""
    signer = FileSigner(place.home / "signer", time)
    with place.ledger() as ledger:
        keys = signer.create(default_origin(ledger.id))
    published = [_stage(place, signer, stage, days) for stage, days in enumerate(DAYS_AGO[:3])]
    backup = Template(server.create(_database(place)), place.home)
    published.append(_stage(place, signer, 3, DAYS_AGO[3]))
    checkpoint = published[-1][0]
    with connected(place) as connection:
        cosign_checkpoint(connection, checkpoint.size, checkpoint.text, int(time()) - 900)
    parties = {key.vkey.name: Party(key.vkey) for key in WITNESSES}
    policy = Policy(tuple(map(Party, keys)), parties, {"both": Group(2, tuple(parties))}, "both")
    outside = Outside(Trust(keys, policy), KeptCheckpoint(*published[1]), checkpoint, checkpoint)
    return Prepared(Template(_database(place), place.home), backup, outside)


def _database(place: Place) -> str:
    return str(conninfo_to_dict(place.conninfo)["dbname"])


def _stage(place: Place, signer: FileSigner, stage: int, days: int) -> tuple[Checkpoint, Note]:
    """Record a batch of events so many days ago, publish it and have it cosigned a minute later."""
    at = datetime.now(UTC) - timedelta(days=days)
    with place.ledger() as ledger:
        before = 0 if stage == 0 else ledger.head().size
        if stage == 0:
            person = NewPerson("parent-A", "mother", "Alma Eksempel")
            recorder = CaseRecorder(ledger)
            opening = recorder.open_case(
                RECORDER, None, "smaaboernsteam_001", [person], ledger.now(), Commit((), "open", b"open")
            )
            asyncio.run(opening)
        for number in range(STREAMS):
            key = sha256(f"{stage} {number}".encode()).digest()
            events = (fact(), sealed_fact(), fact(hours_per_week=stage), fact(), fact())
            answer = ledger.append_now(one(uuid5(NIL, str(number)), 5 * stage, *events, key=key))
            assert isinstance(answer, Appended)
    with connected(place) as connection, unhindered(connection, keep=True):
        connection.execute(
            "UPDATE ledger.event SET recorded_at = %s + position * interval '1 millisecond' WHERE position > %s",
            [at, before],
        )
        repair(connection, tiles=False)
    publisher = Publisher(place.conninfo, signer)
    publisher.publish()
    publisher.close()
    with place.ledger() as ledger:
        latest = ProofRecords(ledger).latest()
    assert latest is not None
    with connected(place) as connection, unhindered(connection, keep=True):
        size = latest.checkpoint.size
        connection.execute("UPDATE proof.checkpoint SET stored_at = %s WHERE size = %s", [at, size])
        cosign_checkpoint(connection, size, latest.checkpoint.text, int(at.timestamp()) + 60)
    return latest.checkpoint, latest.note


@contextmanager
def opened(place: Place, outside: Outside) -> Generator[Scene]:
    """Open a place to attack."""
    with place.ledger() as ledger, connected(place) as connection:
        yield Scene(place, ledger, connection, outside)
