"""The witness without HTTP: cosigns what goes on from what it cosigned, refuses everything else, forgets nothing."""

import json
import os
import signal
import subprocess
import sys
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from stat import S_IMODE

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.proof.checkpoints import Checkpoint, read_checkpoint
from ledger.proof.notes import COSIGNATURE, Note, NoteError, SigningKey, VerifierKey, verified
from ledger.proof.witness import (
    MAX_REFUSED,
    NotALogKey,
    Reason,
    Refused,
    Witness,
    WitnessMissing,
    read_submission,
    write_submission,
)
from tests.ledger.proof.logs import TIME, MemoryLog

NAME = "witness.eksempel.dk/w1"
LOG, FORK = MemoryLog(), MemoryLog(fork=40)


def origin_hash(log: MemoryLog) -> str:
    return sha256(log.origin.encode()).hexdigest()


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    """A witness that trusts both keys of the log."""
    made = Witness(tmp_path / "witness", lambda: TIME)
    made.create(NAME)
    made.trust([key.vkey for key in LOG.keys])
    return made


def ask(log: MemoryLog, old: int, new: int, note: Note | None = None, proof: list[bytes] | None = None) -> bytes:
    return write_submission(old, log.proof(old, new) if proof is None else proof, note or log.note(new))


def cosign(witness: Witness, body: bytes) -> Note:
    """Return the checkpoint of a body with the cosignatures that it got, all of which verify."""
    note = read_submission(body).note.signed(*witness.add_checkpoint(body))
    assert set(verified(note, witness.vkeys())) == set(witness.vkeys())
    return note


def refusal(witness: Witness, body: bytes) -> tuple[Reason, int | None]:
    """Return why a body is refused; nothing may have changed by it."""
    before = str(witness.latest(origin_hash(LOG)))
    with pytest.raises(Refused) as refused:
        witness.add_checkpoint(body)
    assert str(witness.latest(origin_hash(LOG))) == before
    return refused.value.reason, refused.value.size


def evidence(folder: Path) -> list[dict[str, str]]:
    return [json.loads(path.read_text("utf-8")) for path in folder.glob("witness/logs/*/refused/*.json")]


def test_each_checkpoint_that_goes_on_is_cosigned_with_both_keys(witness: Witness) -> None:
    old = 0
    for new in (1, 2, 3, 3, 8, 64, 255, 256, 257, 1000):
        note = cosign(witness, ask(LOG, old, new))
        assert str(witness.latest(origin_hash(LOG))) == str(note)
        assert read_checkpoint(str(note))[0] == LOG.checkpoint(new)
        old = new


def test_an_empty_tree_may_come_first(witness: Witness) -> None:
    cosign(witness, ask(LOG, 0, 0))
    cosign(witness, ask(LOG, 0, 0))
    wrong = Checkpoint(LOG.origin, 0, bytes(32)).text
    note = Note(wrong).signed(LOG.keys[0].sign(wrong, TIME))
    assert refusal(witness, write_submission(0, [], note)) == (Reason.INCONSISTENT, None)
    cosign(witness, ask(LOG, 0, 5))
    assert refusal(witness, ask(LOG, 0, 0)) == (Reason.OTHER_SIZE, 5)


def test_the_same_checkpoint_again_gets_a_new_time(tmp_path: Path) -> None:
    now = [TIME]
    witness = Witness(tmp_path, lambda: now[0])
    witness.create(NAME)
    witness.trust([LOG.keys[0].vkey])
    # A clock that goes back a little makes no cosignature older than the one before; one that was wrong may be mended.
    for then, expected in ((0, 0), (900, 900), (895, 900), (100, 100)):
        now[0] = TIME + then
        note = cosign(witness, ask(LOG, 9 if then else 0, 9))
        assert set(verified(note, witness.vkeys()).values()) == {TIME + expected}


def test_what_does_not_go_on_is_refused(witness: Witness, tmp_path: Path) -> None:
    assert refusal(witness, ask(LOG, 10, 20)) == (Reason.OTHER_SIZE, 0)
    cosign(witness, ask(LOG, 0, 50))
    assert refusal(witness, ask(LOG, 0, 60)) == (Reason.OTHER_SIZE, 50)
    assert refusal(witness, ask(LOG, 60, 60)) == (Reason.OTHER_SIZE, 50)
    assert refusal(witness, ask(LOG, 20, 30)) == (Reason.OTHER_SIZE, 50)
    assert refusal(witness, ask(LOG, 50, 49, proof=[])) == (Reason.OLD_IS_LARGER, None)
    assert evidence(tmp_path) == []
    for proof in ([], LOG.proof(49, 60), LOG.proof(50, 60)[:-1], [*LOG.proof(50, 60), bytes(32)], FORK.proof(50, 60)):
        assert refusal(witness, ask(LOG, 50, 60, proof=proof)) == (Reason.INCONSISTENT, None)
    assert refusal(witness, ask(LOG, 50, 50, proof=[bytes(32)])) == (Reason.INCONSISTENT, None)
    cosign(witness, ask(LOG, 50, 60))


def test_two_views_of_one_log_are_never_both_cosigned_and_the_second_is_kept_as_evidence(
    witness: Witness, tmp_path: Path
) -> None:
    cosign(witness, ask(LOG, 0, 50))
    assert refusal(witness, ask(FORK, 50, 50, proof=[])) == (Reason.INCONSISTENT, None)
    assert refusal(witness, ask(FORK, 50, 60)) == (Reason.INCONSISTENT, None)
    assert refusal(witness, ask(FORK, 0, 50)) == (Reason.OTHER_SIZE, 50)  # the same fork: kept already
    kept = {read_checkpoint(one["refused"])[0] for one in evidence(tmp_path)}
    assert kept == {FORK.checkpoint(50), FORK.checkpoint(60)}
    for one in evidence(tmp_path):
        assert verified(read_checkpoint(one["refused"])[1], [LOG.keys[0].vkey])
        assert verified(read_checkpoint(one["cosigned"])[1], witness.vkeys())


def test_only_so_much_evidence_is_kept(witness: Witness, tmp_path: Path) -> None:
    cosign(witness, ask(LOG, 0, 50))
    for number in range(MAX_REFUSED + 5):
        text = Checkpoint(LOG.origin, 50, sha256(bytes([number])).digest()).text
        refusal(witness, write_submission(50, [], Note(text).signed(LOG.keys[0].sign(text, TIME))))
    assert len(evidence(tmp_path)) == MAX_REFUSED


def test_who_submits_public_checkpoints_with_false_proofs_crowds_out_no_evidence(
    witness: Witness, tmp_path: Path
) -> None:
    cosign(witness, ask(LOG, 0, 50))
    for size in range(51, 56 + MAX_REFUSED):
        refusal(witness, ask(LOG, 50, size, LOG.note(size, LOG.keys[0]), [bytes(32)]))
    refusal(witness, ask(FORK, 50, 50, proof=[]))
    kinds = [path.name.partition("-")[0] for path in tmp_path.glob("witness/logs/*/refused/*.json")]
    assert (kinds.count("unproven"), kinds.count("split")) == (MAX_REFUSED, 1)
    cosign(witness, ask(LOG, 50, 60))


def test_a_log_that_is_not_trusted_is_unknown(witness: Witness) -> None:
    other = MemoryLog("other.eksempel.dk/familie")
    assert refusal(witness, ask(other, 0, 5)) == (Reason.UNKNOWN_LOG, None)
    assert witness.latest(origin_hash(other)) is None


def test_only_the_trusted_keys_of_the_log_count(witness: Witness) -> None:
    stranger = MemoryLog(seed=99)
    assert refusal(witness, ask(LOG, 0, 5, stranger.note(5))) == (Reason.NOT_SIGNED, None)
    true, false = LOG.note(5).signatures[0], LOG.note(6).signatures[0]
    for signatures in ((false,), (true, false), (false, true)):
        note = Note(LOG.checkpoint(5).text, signatures)
        assert refusal(witness, ask(LOG, 0, 5, note)) == (Reason.NOT_SIGNED, None)
    assert refusal(witness, ask(LOG, 0, 5, Note(LOG.checkpoint(5).text, (true, true, false))))[0] is Reason.NOT_SIGNED
    witness.add_checkpoint(ask(LOG, 0, 5, Note(LOG.checkpoint(5).text, (true, true))))
    kept = witness.latest(origin_hash(LOG))
    assert kept is not None
    assert [one.name for one in kept.signatures] == [LOG.origin, NAME, NAME]


def test_signatures_of_others_are_passed_over_and_not_kept(witness: Witness) -> None:
    strangers = [SigningKey.ed25519(f"stranger-{number}", bytes([number] * 32)) for number in range(17)]
    witness.add_checkpoint(ask(LOG, 0, 5, LOG.note(5, *strangers, *LOG.keys)))
    kept = witness.latest(origin_hash(LOG))
    assert kept is not None
    assert [one.name for one in kept.signatures] == [LOG.origin, LOG.origin, NAME, NAME]


def test_after_a_rotation_both_keys_are_trusted(witness: Witness) -> None:
    rotated = MemoryLog(seed=50)
    cosign(witness, ask(LOG, 0, 5))
    assert refusal(witness, ask(rotated, 5, 6)) == (Reason.NOT_SIGNED, None)
    assert witness.trust([key.vkey for key in rotated.keys]) == [LOG.origin]
    cosign(witness, ask(rotated, 5, 6))
    cosign(witness, ask(LOG, 6, 7))
    assert witness.origins() == [LOG.origin]


def test_lines_below_the_root_are_cosigned_by_the_key_that_covers_them(witness: Witness) -> None:
    text = LOG.checkpoint(5).text + "an extension\n"
    note = Note(text).signed(LOG.keys[0].sign(text, TIME))
    cosigned = note.signed(*witness.add_checkpoint(write_submission(0, [], note)))
    assert set(verified(cosigned, witness.vkeys())) == set(witness.vkeys())


GOOD = ask(LOG, 0, 5).decode()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "\n",
        "old 0\n",
        "old 0\n\n",
        GOOD.removeprefix("old 0\n\n"),
        GOOD.replace("old 0", "old  0"),
        GOOD.replace("old 0", "OLD 0"),
        GOOD.replace("old 0", "old -1"),
        GOOD.replace("old 0", "old +0"),
        GOOD.replace("old 0", "old 00"),
        GOOD.replace("old 0", "old 01"),
        GOOD.replace("old 0", "old 0 "),
        GOOD.replace("old 0", "old 0\r"),
        GOOD.replace("old 0", "old 1e1"),
        GOOD.replace("old 0", "old \N{ARABIC-INDIC DIGIT ONE}"),
        GOOD.replace("old 0", "old 9223372036854775808"),
        GOOD.replace("old 0", "old " + "9" * 5000),
        GOOD.replace("old 0\n", "old 0\n" + f"{b64encode(bytes(31)).decode()}\n"),
        GOOD.replace("old 0\n", "old 0\n" + f"{b64encode(bytes(33)).decode()}\n"),
        GOOD.replace("old 0\n", "old 0\nno base64\n"),
        GOOD.replace("old 0\n", "old 0\n" + f"{b64encode(bytes(32)).decode()} \n"),
        GOOD.replace("old 0\n", "old 0\n" + f"{b64encode(bytes(32)).decode()}\n" * 64),
        GOOD.replace("\n5\n", "\n05\n"),
        GOOD.replace("\n5\n", "\n-5\n"),
        GOOD[:-1],
        GOOD + "x\n",
        GOOD.replace("\n", "\r\n"),
    ],
)
def test_what_is_no_submission_is_malformed(witness: Witness, body: str) -> None:
    assert refusal(witness, body.encode()) == (Reason.MALFORMED, None)


def test_63_lines_of_proof_are_read_and_do_not_prove_too_much(witness: Witness) -> None:
    cosign(witness, ask(LOG, 0, 5))
    assert refusal(witness, ask(LOG, 5, 9, proof=[bytes(32)] * 63)) == (Reason.INCONSISTENT, None)
    assert refusal(witness, ask(LOG, 5, 9, proof=[bytes(32)] * 64)) == (Reason.MALFORMED, None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(), st.integers(), st.binary())
def test_no_bytes_break_the_witness(witness: Witness, body: bytes, old: int, rest: bytes) -> None:
    for one in (body, f"old {old}\n".encode() + rest, f"old {old}\n\n".encode() + rest):
        assert refusal(witness, one) == (Reason.MALFORMED, None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, len(GOOD.encode()) - 1), st.integers(0, 255))
def test_one_byte_changed_is_never_cosigned_as_something_else(witness: Witness, at: int, value: int) -> None:
    body = bytearray(GOOD.encode())
    body[at] = value
    with suppress(Refused):
        witness.add_checkpoint(bytes(body))
    last = witness.latest(origin_hash(LOG))
    assert last is None or read_checkpoint(str(last))[0] == LOG.checkpoint(5)


def test_of_submissions_at_once_one_wins(witness: Witness) -> None:
    cosign(witness, ask(LOG, 0, 50))
    bodies = [ask(LOG, 50, size) for size in range(51, 67)]

    def submit(body: bytes) -> int | Reason:
        try:
            return len(witness.add_checkpoint(body))
        except Refused as refused:
            return refused.reason

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(submit, bodies))
    assert answers.count(2) == 1
    assert answers.count(Reason.OTHER_SIZE) == 15
    last = witness.latest(origin_hash(LOG))
    assert last is not None
    assert read_checkpoint(str(last))[0] == LOG.checkpoint(51 + answers.index(2))


def test_the_folder_is_its_owners_alone_and_another_process_goes_on_from_it(witness: Witness, tmp_path: Path) -> None:
    cosign(witness, ask(LOG, 0, 50))
    for path in (tmp_path / "witness").rglob("*"):
        assert S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    again = Witness(tmp_path / "witness", lambda: TIME)
    again.create(NAME)
    assert again.vkeys() == witness.vkeys()
    assert [key.kind for key in again.vkeys()] == [4, 6]
    assert refusal(again, ask(FORK, 50, 50, proof=[])) == (Reason.INCONSISTENT, None)


def test_a_witness_without_its_folder_or_with_a_damaged_one_says_so(witness: Witness, tmp_path: Path) -> None:
    with pytest.raises(WitnessMissing):
        Witness(tmp_path / "nowhere", lambda: TIME).trust([LOG.keys[0].vkey])
    with pytest.raises(WitnessMissing):
        witness.create("witness.eksempel.dk/w2")
    cosign(witness, ask(LOG, 0, 50))
    last = tmp_path / "witness" / "logs" / origin_hash(LOG) / "checkpoint"
    last.write_bytes(last.read_bytes()[:-40])
    with pytest.raises(WitnessMissing):
        witness.add_checkpoint(ask(LOG, 50, 60))
    key = next((tmp_path / "witness" / "keys").iterdir())
    key.write_bytes(b"short")
    with pytest.raises(WitnessMissing):
        Witness(tmp_path / "witness", lambda: TIME).vkeys()


def test_only_keys_that_a_log_signs_with_are_trusted(witness: Witness) -> None:
    for key in (
        SigningKey.ed25519("w", bytes(32), COSIGNATURE).vkey,
        SigningKey.ed25519("o" * 256, bytes(32)).vkey,
    ):
        with pytest.raises(NotALogKey):
            witness.trust([key])
    assert witness.origins() == [LOG.origin]


@pytest.mark.parametrize("name", ["", "a b", "a+b", "w" * 256])
def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NoteError):
        Witness(tmp_path, lambda: TIME).create(name)
    assert not list(tmp_path.rglob("*.key"))


WORKER = """
import os, signal, sys, time
from pathlib import Path
from ledger import folders
from ledger.proof import witness
point, folder = int(sys.argv[1]), Path(sys.argv[2])
passed = 0
def dies(act):
    def instead(*arguments, **named):
        global passed
        passed += 1
        if passed == point:
            os.kill(os.getpid(), signal.SIGKILL)
        return act(*arguments, **named)
    return instead
for name in ("open", "fsync", "replace", "unlink", "fdopen"):
    setattr(os, name, dies(getattr(os, name)))
done = witness.Witness(folder, lambda: 1790000000).add_checkpoint(sys.stdin.buffer.read())
sys.stdout.write("".join(map(str, done)))
"""
"""Dies before the n-th act on the disk; one that outlives all of them answers."""


@pytest.mark.slow
def test_killed_at_any_point_it_never_cosigns_two_trees(tmp_path: Path) -> None:
    survived, point = False, 0
    for point in range(1, 40):
        folder = tmp_path / str(point)
        witness = Witness(folder, lambda: TIME)
        witness.create(NAME)
        witness.trust([key.vkey for key in LOG.keys])
        cosign(witness, ask(LOG, 0, 50))
        command = [sys.executable, "-c", WORKER, str(point), str(folder)]
        result = subprocess.run(command, input=ask(LOG, 50, 60), capture_output=True, check=False, env=os.environ)
        assert result.returncode in (-signal.SIGKILL, 0), result.stderr
        last = witness.latest(origin_hash(LOG))
        assert last is not None
        checkpoint = read_checkpoint(str(last))[0]
        assert checkpoint in (LOG.checkpoint(50), LOG.checkpoint(60))
        survived = result.returncode == 0
        if result.stdout:
            assert checkpoint == LOG.checkpoint(60), "answered without remembering"
        with pytest.raises(Refused):
            witness.add_checkpoint(ask(FORK, checkpoint.size, 60, proof=FORK.proof(50, 60)))
        cosign(witness, ask(LOG, checkpoint.size, 70))
        if survived:
            break
    assert survived
    assert point > 5


def test_its_keys_are_read_by_others(witness: Witness) -> None:
    for key in witness.vkeys():
        assert VerifierKey.read(str(key)) == key
