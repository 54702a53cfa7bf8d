"""The evidence bundle of a case: what proves its entries to somebody who has nothing of ours but the log's public key.

Told are the entries that the access decision covers, byte for byte as they were hashed; of the others the bundle holds
the commitment alone, from which nothing can be guessed. See docs/bundle.md.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from importlib.resources import files as resources
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from domain.case_file import CaseFile
from domain.entries import Entry
from domain.erased import NOTHING_ERASED, Erased, erasures_among
from domain.errors import Malformed, Problem, Refused
from domain.events import UnknownEvent
from domain.events.administration import CaseOpened
from domain.evidence import KEY_MISSING, Grant, Teller, Telling, grant_of
from domain.known import Known
from domain.production import redactions_of, selection_of
from domain.time import write_instant
from ledger.errors import KeyErased, KeyMissing, LedgerError, RecordDamaged
from ledger.format import (
    NO_COMMITMENT,
    StoredRow,
    commitment,
    leaf_index,
    microseconds,
    published_entry,
    read_segment_table,
    split_state,
)
from ledger.mapper import read_clear
from ledger.merkle import leaf_hash
from ledger.proof.growing import TreeBroken
from ledger.proof.merkle_proofs import ProofError, Subtree, consistency_proof, inclusion_proof
from ledger.proof.notes import ED25519, Note, VerifierKey, encode
from ledger.proof.policies import NO_QUORUM, Party, Policy
from ledger.proof.proof_files import ProofFile
from ledger.proof.records import ProofRecords, Published
from ledger.queries import load_queries
from ledger.sealing import Place, derive, unseal
from ledger.store import Ledger
from replay.bundle_readme import readme
from replay.bundle_zip import write_bundle
from replay.verify import verify_stream

SQL = load_queries("replay", "sql/bundle.sql")
VERIFIER = "caseledger_verify.py"
MOST_ENTRIES = 30_000
"""How many entries a bundle holds: with their proofs fewer files than a plain zip can list."""

NAME_ENTRIES = Refused(
    "The answer gives access in part, and what it leaves out stands in a text: name the entries it grants (entries)."
)


NAME_HANDED_OUT = Refused(
    "The answer hands out a selection: name the entries of it of which nothing is left out, by version (entries)."
)


class NotProvenYet(LedgerError):
    """No checkpoint of the log holds this case yet: see that a worker runs, then try again in a moment."""


class NoSuchCase(LedgerError):
    """There is no such case, or there was none on record at the instant asked about."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a bundle is wanted of: a case as recorded by an instant (None: now), by which answer it tells anything.

    ``entries`` names those to put in by version and leaves all others out; None: every one of them. ``kept`` is the
    size of a checkpoint that the recipient has from before, to be proven the beginning of the bundle's.
    """

    case: UUID
    known_at: datetime | None = None
    answer: int | None = None
    entries: frozenset[int] | None = None
    kept: int | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle, by what right it was made, and whose texts are open in it."""

    content: bytes
    grant: Grant | None
    position: int
    size: int
    version: int
    subjects: tuple[UUID, ...]

    @property
    def sha256(self) -> str:
        """The hash of its bytes in hexadecimal."""
        return sha256(self.content).hexdigest()


@dataclass(slots=True)
class Counts:
    """What a bundle holds: entries told or not, segments opened, closed or erased."""

    told: int = 0
    not_told: Counter[str] = field(default_factory=Counter[str])
    opened: int = 0
    closed: Counter[str] = field(default_factory=Counter[str])
    erased: int = 0

    def said(self) -> dict[str, Any]:
        """Return the counts as the manifest tells them."""
        segments = {"opened": self.opened, "withheld": dict(self.closed), "erased": self.erased}
        events = self.told + self.not_told.total()
        return {"events": events, "told": self.told, "not_told": dict(self.not_told), "segments": segments}


class Prepared:
    """A case read for a bundle: rows chosen, and how much of each is told. Its position must be in a checkpoint."""

    def __init__(self, ledger: Ledger, wish: Wish, upto: int, now: datetime) -> None:
        """Read and check; raises NoSuchCase, Malformed, Refused, RecordDamaged."""
        everything = ledger.read_stream(wish.case)
        rows = [row for row in everything if row.position <= upto]
        if not rows or rows[0].topic != CaseOpened.TOPIC:
            raise NoSuchCase
        self.ledger, self.wish = ledger, wish
        entries = _entries(everything)
        self.file = CaseFile(wish.case, entries)
        self.erased = NOTHING_ERASED.and_by(erasures_among(entries))
        _refuse_faults(everything, self.erased)
        self.grant = None if wish.answer is None else grant_of(Known(entries), wish.answer)
        if self.grant is not None and self.grant.partly and wish.entries is None:
            raise NAME_ENTRIES
        if self.grant is not None:
            _refuse_left_out(ledger, everything[self.grant.answer - 1], self.erased, wish.entries)
        self.rows = _chosen(rows, wish.entries)
        if len(self.rows) > MOST_ENTRIES:
            raise Refused(f"A bundle holds at most {MOST_ENTRIES} entries: name some (entries), and make several.")
        self.previous = {row.version: before.commitment for before, row in pairwise(rows)}
        teller = Teller(self.file, self.grant, now)
        self.tellings = {row.version: teller.telling(row.version, _sealing_keys(row)) for row in self.rows}

    @property
    def position(self) -> int:
        """The position of the last entry in the bundle."""
        return self.rows[-1].position


def make_bundle(prepared: Prepared, policy: str | None = None) -> Bundle:
    """Return the bundle of a case, the same bytes for the same entries, decision and checkpoint.

    ``policy`` is the text of the log's policy for witnesses. Raises NotProvenYet, RecordDamaged, TreeBroken.
    """
    records = ProofRecords(prepared.ledger)
    published = records.covering(prepared.position)
    if published is None:
        raise NotProvenYet
    counts, opened = Counts(), set[UUID]()
    files = {
        f"events/{row.version:04}.json": orjson.dumps(_event(prepared, row, counts, opened)) for row in prepared.rows
    }
    on_record = records.keys()
    keys = [key for key, _ in on_record]
    files |= dict(_proofs(prepared, records, published, keys))
    files |= dict(_checkpoints(prepared, records, published, keys))
    files["policy.txt"] = (policy or _plain_policy(keys)).encode()
    files["verify.py"] = verifier_source()
    said = _said(prepared, published, counts)
    files["README.txt"] = readme(said).encode()
    subjects = tuple(one.person for one in prepared.file.persons.values() if one.key in opened)
    size, version = published.checkpoint.size, prepared.rows[-1].version
    return Bundle(write_bundle(files, said), prepared.grant, prepared.position, size, version, subjects)


def verifier_source() -> bytes:
    """Return the stand-alone verifier, byte for byte: beside this file where installed, else in its own folder."""
    installed = Path(str(resources("replay").joinpath(VERIFIER)))
    source = installed if installed.exists() else Path(__file__).parents[1] / "verifier" / VERIFIER
    return source.read_bytes()


def _said(prepared: Prepared, published: Published, counts: Counts) -> dict[str, Any]:
    """Return what the manifest tells beside the files."""
    wish, grant, checkpoint = prepared.wish, prepared.grant, published.checkpoint
    decision = None
    if grant is not None:
        decision = {"answer": grant.answer, "request": grant.request, "recipient": grant.recipient}
        decision |= {"about": list(grant.about)}
    return {
        "ledger": str(prepared.ledger.id),
        "simulated": prepared.ledger.simulated,
        "origin": checkpoint.origin,
        "case": str(wish.case),
        "known_at": None if wish.known_at is None else write_instant(wish.known_at),
        "position": prepared.position,
        "complete": wish.entries is None,
        "checkpoint": {"size": checkpoint.size, "root": encode(checkpoint.root)},
        "decision": decision,
        "counts": counts.said(),
    }


def _chosen(rows: Sequence[StoredRow], entries: Collection[int] | None) -> list[StoredRow]:
    if entries is None:
        return list(rows)
    if not entries or max(entries) > rows[-1].version or min(entries) < 1:
        raise Malformed([Problem("/entries", "must name entries of the case as it was then, by version")])
    return [row for row in rows if row.version in entries]


def _refuse_left_out(ledger: Ledger, row: StoredRow, erased: Erased, entries: Collection[int] | None) -> None:
    """Raise Refused where an answer that hands out a selection does not hand out whole each of some entries."""
    answer = ledger.mapper.to_domain_event(row, erased)
    if "documents" in (*answer.erased, *answer.unreadable):
        raise NAME_HANDED_OUT
    try:
        selection = selection_of(answer)
    except Refused:
        return
    whole = frozenset(selection.entries) - {one.entry for one in redactions_of(answer)}
    if entries is None or not whole.issuperset(entries):
        raise NAME_HANDED_OUT


def _entries(rows: Sequence[StoredRow]) -> tuple[Entry, ...]:
    """Return the entries of a case in clear; raises RecordDamaged where changed bytes cannot be read."""
    try:
        return tuple(map(read_clear, rows))
    except (UnknownEvent, ValueError, KeyError):
        _refuse_faults(rows, NOTHING_ERASED)
        raise


def _refuse_faults(rows: Sequence[StoredRow], erased: Erased) -> None:
    """Raise RecordDamaged where rows are not as they were recorded."""
    faults = verify_stream(rows, erased)
    if faults:
        raise RecordDamaged([str(fault) for fault in faults])


def _sealing_keys(row: StoredRow) -> tuple[UUID, ...]:
    return tuple(segment.key for segment in read_segment_table(row.segments)[1:])


def _event(prepared: Prepared, row: StoredRow, counts: Counts, opened: set[UUID]) -> dict[str, Any]:
    """Return what a bundle holds of one entry: everything the hashes are over, or the commitment alone."""
    telling = prepared.tellings[row.version]
    if telling.code is not None:
        counts.not_told[telling.code] += 1
        told = {"position": row.position, "version": row.version, "commitment": encode(row.commitment)}
        return told | {"withheld": telling.code}
    counts.told += 1
    clear = split_state(read_segment_table(row.segments), row.state)[0]
    return {
        "position": row.position,
        "stream": str(row.stream),
        "version": row.version,
        "topic": row.topic,
        "recorded_at": microseconds(row.recorded_at),
        "actor": str(row.actor),
        "blind": encode(row.blind),
        "previous": encode(prepared.previous.get(row.version, NO_COMMITMENT)),
        "segments": encode(row.segments),
        "clear": encode(clear),
        "sealed": list(_sealed(prepared, row, telling, counts, opened)),
    }


def _sealed(
    prepared: Prepared, row: StoredRow, telling: Telling, counts: Counts, opened: set[UUID]
) -> Iterator[dict[str, Any]]:
    """Yield for each sealed segment its plaintext with the salt, or why there is none."""
    table = read_segment_table(row.segments)
    stored, schema = split_state(table, row.state), read_clear(row).schema
    for number, code in enumerate(telling.segments, start=1):
        key_id = table[number].key
        key, reason = _key(prepared.ledger, prepared.erased, row, key_id)
        if reason is not None and reason != KEY_MISSING:
            counts.erased += 1
            yield {"erased": reason}
        elif code is not None or key is None:
            counts.closed[code or KEY_MISSING] += 1
            yield {"withheld": code or KEY_MISSING}
        else:
            place = Place(row.stream, row.version, row.topic, schema, number)
            counts.opened += 1
            opened.add(key_id)
            plaintext = unseal(key, table[number], place, stored[number])
            yield {"plaintext": encode(plaintext), "salt": encode(derive(key, place)[1])}


def _key(ledger: Ledger, erased: Erased, row: StoredRow, key_id: UUID) -> tuple[bytes | None, str | None]:
    """Return the key of a segment, or why there is none: what was erased, or that it is missing."""
    why = erased.why(row.stream, row.version, key_id)
    if why is not None:
        return None, why
    try:
        return ledger.keys.get(key_id), None
    except KeyErased:
        return None, "key"
    except KeyMissing:
        return None, KEY_MISSING


def _proofs(
    prepared: Prepared, records: ProofRecords, published: Published, keys: Collection[VerifierKey]
) -> Iterator[tuple[str, bytes]]:
    """Yield a proof for each entry, all of one checkpoint, each with the log's Ed25519 signature alone."""
    subtree, note = records.subtree(), _signed_by(published.note, keys, ED25519)
    for row in prepared.rows:
        index = leaf_index(row.position)
        path = inclusion_proof(subtree, index, published.checkpoint.size)
        proof = ProofFile(index, tuple(path), published.checkpoint, note)
        made = commitment(row, prepared.previous.get(row.version, NO_COMMITMENT))
        try:
            proof.check(leaf_hash(published_entry(made)))
        except ProofError:
            raise TreeBroken(f"The tiles do not prove the event at position {row.position}.") from None
        yield f"proofs/{row.version:04}.tlog-proof", str(proof).encode()


def _checkpoints(
    prepared: Prepared, records: ProofRecords, published: Published, keys: Collection[VerifierKey]
) -> Iterator[tuple[str, bytes]]:
    """Yield the checkpoint, its time stamps, and what ties it to others: stamped ones, and one kept from before."""
    size, subtree = published.checkpoint.size, records.subtree()
    yield "checkpoint", str(records.cosigned(published)).encode()
    yield from _stamps(records, size)
    kept = prepared.wish.kept
    if kept is not None and not 0 < kept <= size:
        raise Malformed([Problem("/kept", f"must be the size of a checkpoint from before, at most {size}")])
    if kept is not None and kept < size:
        yield _consistency(subtree, kept, size)
    for other in _stamped(prepared, size):
        found = records.latest(other)
        if found is not None and found.checkpoint.size == other != size:
            yield f"checkpoints/{other}", str(_signed_by(records.cosigned(found), keys, None)).encode()
            yield from _stamps(records, other)
            if other != kept:
                yield _consistency(subtree, min(other, size), max(other, size))


def _stamped(prepared: Prepared, size: int) -> list[int]:
    """Return the sizes of the last stamped checkpoint before one that holds an entry, and of the first one after."""
    query, first = prepared.ledger.query, prepared.rows[0].position
    found = (query(SQL["stamped_by"], [size, first])[0][0], query(SQL["stamped_after"], [size])[0][0])
    return [one for one in found if one is not None]


def _stamps(records: ProofRecords, size: int) -> Iterator[tuple[str, bytes]]:
    for number, stamp in enumerate(records.stamps(size), start=1):
        yield f"stamps/{size}-{number}.tsr", stamp.token


def _consistency(subtree: Subtree, old: int, new: int) -> tuple[str, bytes]:
    lines = [encode(one) + "\n" for one in consistency_proof(subtree, old, new)]
    return f"consistency/{old}-{new}", "".join(lines).encode()


def _signed_by(note: Note, keys: Collection[VerifierKey], kind: int | None) -> Note:
    """Return a note with the signatures of one kind by the log; None: all but the log's large ones."""
    named = {(key.name, key.key_id): key.kind for key in keys}
    if kind is None:
        kept = [one for one in note.signatures if named.get((one.name, one.key_id), ED25519) == ED25519]
    else:
        kept = [one for one in note.signatures if named.get((one.name, one.key_id)) == kind]
    return Note(note.text, tuple(kept))


def _plain_policy(keys: Sequence[VerifierKey]) -> str:
    """Return a policy that knows the log and asks for no witness."""
    return str(Policy(tuple(map(Party, keys)), {}, {}, NO_QUORUM))
