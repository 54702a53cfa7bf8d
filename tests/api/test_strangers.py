"""Programs that nobody here wrote accept what we publish, and refuse it when a byte of it is another."""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from api.opening import Place
from ledger.proof.notes import Note, Signature, SigningKey, VerifierKey, verified
from ledger.proof.proof_files import ProofFile
from ledger.proof.witness import Witness, write_submission
from ledger.proof.witnessing import WitnessAddress, Witnessing
from tests.api.sign_in.provider import NODE
from tests.api.strangers import SCRIPTS, Case, aics, aics_witness, answers, b64, node, python, spki
from tests.api.witnesses import witnessing
from tests.ledger.proof.logs import MemoryLog
from tests.ledger.proof.published import PublishedLedger, published
from tests.ledger.samples import unhindered

pytestmark = pytest.mark.slow

LOG, FORK = MemoryLog(), MemoryLog(fork=100)
SIZES = (1, 2, 3, 7, 8, 64, 255, 256, 257, 300)
NAME = "witness.eksempel.dk/w1"


@dataclass(frozen=True, slots=True)
class Proven:
    """An entry, its proof in a cosigned checkpoint, and whose keys signed that."""

    entry: bytes
    proof: ProofFile
    log: VerifierKey
    witnesses: tuple[VerifierKey, ...]


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> list[Proven]:
    """Entries of trees of many sizes, cosigned by a witness of ours."""
    witness = Witness(tmp_path_factory.mktemp("witness"), time.time)
    witness.create(NAME)
    witness.trust([key.vkey for key in LOG.keys])
    found: list[Proven] = []
    old = 0
    for size in SIZES:
        note = LOG.note(size)
        note = note.signed(*witness.add_checkpoint(write_submission(old, LOG.proof(old, size), note)))
        old = size
        for index in {0, size // 3, size - 1}:
            proof = LOG.proof_file(index, note, size)
            found.append(Proven(LOG.entry(index), proof, LOG.keys[0].vkey, witness.vkeys()))
    return found


def flipped(content: bytes) -> str:
    return b64(bytes([content[0] ^ 1]) + content[1:])


def inclusion_case(one: Proven) -> Case:
    """Return an entry, its proof, and the checkpoint it is proven by, as every script takes it."""
    return {
        "entry": b64(one.entry),
        "index": one.proof.index,
        "size": one.proof.checkpoint.size,
        "root": b64(one.proof.checkpoint.root),
        "proof": [b64(hash_) for hash_ in one.proof.path],
        "note": str(one.proof.note),
        "origin": one.log.name,
        "spki": spki(one.log),
        "key_id": b64(one.log.key_id),
    }


def false_inclusions(one: Proven) -> Iterator[Case]:
    """Yield the same with one thing changed, each of which must not hold."""
    case, path = inclusion_case(one), one.proof.path
    yield case | {"entry": flipped(one.entry)}
    yield case | {"proof": [*case["proof"], b64(bytes(32))]}
    if path:
        yield case | {"proof": [flipped(path[0]), *case["proof"][1:]]}
        yield case | {"proof": case["proof"][:-1]}
        yield case | {"index": one.proof.index ^ 1}


def false_notes(one: Proven) -> Iterator[str]:
    """Yield checkpoints that the log did not sign."""
    checkpoint, signatures = one.proof.checkpoint, one.proof.note.signatures
    yield str(Note(FORK.checkpoint(300).text if checkpoint.size < 300 else LOG.checkpoint(299).text, signatures))
    stranger = SigningKey.ed25519(one.log.name, bytes(32))
    yield str(Note(checkpoint.text).signed(stranger.sign(checkpoint.text, 1)))
    blob = signatures[0].blob
    spoilt = type(signatures[0])(one.log.name, one.log.key_id, bytes([blob[0] ^ 1]) + blob[1:])
    yield str(Note(checkpoint.text, (spoilt, *signatures[1:])))


def test_sigstore_in_python_accepts_checkpoints_and_inclusion(proven: list[Proven]) -> None:
    judged([python(), SCRIPTS / "python_check.py"], proven, "sigstore")


def test_sigstore_in_javascript_accepts_checkpoints_and_inclusion(proven: list[Proven]) -> None:
    judged([NODE, SCRIPTS / "node_check.js", node()], proven, "sigstore")


def judged(command: list[str | Path], proven: list[Proven], kind: str) -> None:
    """Ask about true and false cases and compare."""
    true = [inclusion_case(one) | {"kind": kind} for one in proven]
    false = [case | {"kind": kind} for one in proven for case in false_inclusions(one)]
    false += [inclusion_case(one) | {"kind": kind, "note": note} for one in proven for note in false_notes(one)]
    assert answers(command, true) == [True] * len(true)
    assert answers(command, false) == [False] * len(false)


def test_aics_tlog_accepts_checkpoints_cosignatures_and_both_proofs(proven: list[Proven]) -> None:
    command = [aics(), SCRIPTS / "aics_check.py"]
    true = [inclusion_case(one) | {"kind": "inclusion"} for one in proven]
    false = [case | {"kind": "inclusion"} for one in proven for case in false_inclusions(one)]
    for one in proven:
        keys = {"log": str(one.log), "witnesses": [str(one.witnesses[0])], "quorum": 1}
        case = inclusion_case(one) | keys | {"kind": "checkpoint"}
        true.append(case)
        false += [case | {"note": note} for note in false_notes(one)]
        false += [case | {"origin": "other.eksempel.dk"}, case | {"note": str(Note(one.proof.note.text, ours(one)))}]
    for old in SIZES:
        for new in (size for size in SIZES if size >= old):
            case = consistency_case(old, new)
            true.append(case)
            false += [
                case | {"old_root": flipped(LOG.checkpoint(old).root)},
                case | {"proof": [*case["proof"], "AA=="]},
            ]
            if old < new:
                false.append(case | {"proof": case["proof"][:-1]})
    assert answers(command, true) == [True] * len(true)
    assert answers(command, false) == [False] * len(false)


def ours(one: Proven) -> tuple[Signature, ...]:
    """Return the signatures of the log alone."""
    return tuple(signature for signature in one.proof.note.signatures if signature.name == one.log.name)


def consistency_case(old: int, new: int) -> Case:
    return {
        "kind": "consistency",
        "old": old,
        "size": new,
        "old_root": b64(LOG.checkpoint(old).root),
        "root": b64(LOG.checkpoint(new).root),
        "proof": [b64(hash_) for hash_ in LOG.proof(old, new)],
    }


def test_proofbundle_accepts_proof_files_and_both_kinds_of_cosignature(proven: list[Proven]) -> None:
    true: list[Case] = []
    false: list[Case] = []
    for one in proven:
        keys = {"log": str(one.log), "origin": one.log.name, "kind": "proofbundle", "entry": b64(one.entry)}
        for witnesses in ([str(one.witnesses[0])], [str(one.witnesses[1])], list(map(str, one.witnesses))):
            case = keys | {"witnesses": witnesses, "quorum": len(witnesses), "file": str(one.proof)}
            true.append(case)
            false += [case | {"entry": flipped(one.entry)}, case | {"quorum": len(witnesses) + 1}]
            false.append(case | {"origin": "other.eksempel.dk"})
            false += [case | {"file": str(one.proof).replace(str(one.proof.note), note)} for note in false_notes(one)]
        with_extra = ProofFile(one.proof.index, one.proof.path, one.proof.checkpoint, one.proof.note, b"a header")
        true.append(keys | {"witnesses": [], "quorum": 0, "file": str(with_extra)})
        if one.proof.path:
            without = ProofFile(one.proof.index, one.proof.path[1:], one.proof.checkpoint, one.proof.note)
            false.append(keys | {"witnesses": [], "quorum": 0, "file": str(without)})
    command = [python(), SCRIPTS / "python_check.py"]
    assert answers(command, true) == [True] * len(true)
    assert answers(command, false) == [False] * len(false)


def test_the_client_of_aics_is_served_by_our_witness(tmp_path: Path) -> None:
    with witnessing(tmp_path, [key.vkey for key in LOG.keys]) as witness:
        submissions = [submission(LOG, size) for size in (1, 5, 5, 300, 64)]
        submissions += [submission(FORK, 300), submission(FORK, 301), submission(MemoryLog("unknown"), 1)]
        submissions.append(submission(LOG, 301, SigningKey.ed25519(LOG.origin, bytes(32))))
        job = {"url": witness.url, "vkey": str(witness.vkeys[0]), "submissions": submissions}
        said: list[str] = answers([aics(), SCRIPTS / "aics_feed.py"], job)
    assert [one.startswith("\N{EM DASH} ") for one in said[:4]] == [True] * 4
    assert said[4:] == ["WitnessAhead", "WitnessRejected 422", "WitnessRejected 422", *said[7:]]
    assert said[7:] == ["WitnessRejected 404", "WitnessRejected 403"]


def submission(log: MemoryLog, size: int, *keys: SigningKey) -> Case:
    """Return a checkpoint with the proofs from whatever size may be asked for."""
    olds = [old for old in (0, 1, 5, 64, 300) if old <= size]
    proofs = {str(old): [b64(hash_) for hash_ in log.proof(old, size)] for old in olds}
    return {"note": str(log.note(size, *keys)), "proofs": proofs}


@pytest.fixture
def log(real: Place, tmp_path: Path) -> Generator[PublishedLedger]:
    """A ledger of which a first checkpoint is published."""
    with published(real, tmp_path / "signer") as opened:
        opened.grow(3)
        yield opened


def real_case(log: PublishedLedger) -> Case:
    """Return an entry of a real ledger with the proof that was made from its tiles."""
    latest = log.grow(300)
    proof = log.records.proof(5, latest)
    commitment = log.ledger.read_range(5, 5)[0].commitment
    case = inclusion_case(Proven(b"\1" + commitment, proof, log.log_keys[0], ()))
    return case | {"log": str(log.log_keys[0]), "witnesses": [], "quorum": 0, "file": str(proof)}


def test_a_real_ledger_is_accepted_by_sigstore_and_proofbundle(log: PublishedLedger) -> None:
    case = real_case(log)
    kinds = ("sigstore", "proofbundle")
    command = [python(), SCRIPTS / "python_check.py"]
    assert answers(command, [case | {"kind": kind} for kind in kinds]) == [True, True]
    assert answers([NODE, SCRIPTS / "node_check.js", node()], [case]) == [True]


def test_a_real_ledger_is_accepted_by_aics_tlog(log: PublishedLedger) -> None:
    case, kinds = real_case(log), ("checkpoint", "inclusion")
    command = [aics(), SCRIPTS / "aics_check.py"]
    assert answers(command, [case | {"kind": kind} for kind in kinds]) == [True, True]


def test_our_client_is_served_by_aics_witness(log: PublishedLedger, tmp_path: Path) -> None:
    asking = Witnessing(log.records, log.place.conninfo, time.time)
    with aics_witness(tmp_path / "stranger", log.log_keys[0]) as (url, key):
        address = WitnessAddress(url, (key,))
        size = 4
        for events in (0, 1, 300, 0):
            size += events
            if events:
                log.grow(events)
            assert asking.ask(address) == (size, None)
        latest = log.records.latest()
        assert latest is not None
        assert set(verified(log.records.cosigned(latest), [key])) == {key}
        # A client that remembers nothing asks from 0, is told the size, and goes on from there.
        size = log.grow(5).checkpoint.size
        other = WitnessAddress(url, (key,))
        with psycopg.connect(log.place.owner, autocommit=True) as connection, unhindered(connection, keep=True):
            connection.execute("DELETE FROM proof.cosignature")
        assert asking.ask(other) == (size, None)
