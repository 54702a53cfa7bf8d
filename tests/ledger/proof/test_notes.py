"""Signed notes and checkpoints: the examples of the specification, logs of others, and what must be refused."""

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle import root_of
from ledger.proof.checkpoints import Checkpoint, read_checkpoint
from ledger.proof.notes import (
    COSIGNATURE,
    ED25519,
    MAX_SIGNATURES,
    Note,
    NoteError,
    SigningKey,
    VerifierKey,
    read_note,
    verified,
)
from tests.ledger.proof.vectors import OWN_LOG, SHARED, needs_shared

LOG = SigningKey.ed25519("ledger.eksempel.dk/familie", bytes(range(32)))
WITNESS = SigningKey.ed25519("witness.eksempel.dk/w1", bytes(range(1, 33)), COSIGNATURE)
POST_QUANTUM = SigningKey.ml_dsa("ledger.eksempel.dk/familie", bytes(range(2, 34)))
CHECKPOINT = Checkpoint(LOG.vkey.name, 7, sha256(b"root").digest())
TIME = 1_790_000_000


def own_key(name: str) -> VerifierKey:
    return VerifierKey.read((OWN_LOG / name).read_text("utf-8").strip())


@needs_shared
def test_the_example_of_the_specification_verifies() -> None:
    example: dict[str, Any] = json.loads((SHARED / "c2sp-examples.json").read_text("utf-8"))["signed_note"]
    key = VerifierKey.read(example["vkey"])
    assert str(key) == example["vkey"]
    note = read_note(example["note"])
    assert str(note) == example["note"]
    assert verified(note, [key]) == {key: None}


@needs_shared
@pytest.mark.parametrize("size", range(16))
def test_the_checkpoints_of_another_log_verify(size: int) -> None:
    key = VerifierKey.read(json.loads((SHARED / "c2sp-examples.json").read_text("utf-8"))["tessera_testdata_vkey"])
    path = SHARED / "tessera-log/testdata/log" / f"checkpoint.{size}"
    checkpoint, note = read_checkpoint(path.read_bytes())
    assert checkpoint.size == size
    assert key in verified(note, [key])


def test_a_log_that_others_verified_verifies_here_with_all_its_cosignatures() -> None:
    keys = [own_key(name) for name in ("log.vkey", "w1.vkey", "pq.vkey")]
    checkpoint, note = read_checkpoint((OWN_LOG / "checkpoint.pq").read_bytes())
    assert checkpoint.size == 1000
    found = verified(note, keys)
    assert list(found) == keys
    assert found[keys[0]] is None
    assert found[keys[1]] == found[keys[2]]


@pytest.mark.parametrize("key", [LOG, WITNESS, POST_QUANTUM], ids=["ed25519", "cosignature", "ml-dsa"])
def test_what_one_signs_one_verifies_and_nobody_else(key: SigningKey) -> None:
    signature = key.sign(CHECKPOINT.text, TIME)
    note = Note(CHECKPOINT.text).signed(signature)
    time = None if key is LOG else TIME
    assert verified(read_note(str(note)), [key.vkey]) == {key.vkey: time}
    others = [one.vkey for one in (LOG, WITNESS, POST_QUANTUM) if one is not key]
    assert verified(note, others) == {}
    for text in (CHECKPOINT.text.replace("\n7\n", "\n8\n"), CHECKPOINT.text.replace("familie", "familia")):
        with pytest.raises(NoteError):
            verified(Note(text, note.signatures), [key.vkey])


def test_a_cosignature_is_bound_to_its_time() -> None:
    for key in (WITNESS, POST_QUANTUM):
        signature = key.sign(CHECKPOINT.text, TIME)
        later = type(signature)(signature.name, signature.key_id, (TIME + 1).to_bytes(8, "big") + signature.blob[8:])
        with pytest.raises(NoteError):
            verified(Note(CHECKPOINT.text, (later,)), [key.vkey])
        timeless = type(signature)(signature.name, signature.key_id, bytes(8) + signature.blob[8:])
        with pytest.raises(NoteError, match="no time"):
            verified(Note(CHECKPOINT.text, (timeless,)), [key.vkey])


def test_signatures_of_unknown_keys_are_passed_over_however_many() -> None:
    strangers = [SigningKey.ed25519(f"stranger-{number}", bytes([number] * 32)) for number in range(17)]
    note = Note(CHECKPOINT.text).signed(*(one.sign(CHECKPOINT.text, TIME) for one in (*strangers, LOG)))
    assert len(note.signatures) == 18
    assert verified(read_note(str(note)), [LOG.vkey]) == {LOG.vkey: None}


def test_a_false_signature_of_a_known_key_refuses_the_note_even_beside_a_true_one() -> None:
    true = LOG.sign(CHECKPOINT.text, TIME)
    false = type(true)(true.name, true.key_id, bytes(64))
    for signatures in ((true, false), (false, true)):
        with pytest.raises(NoteError):
            verified(Note(CHECKPOINT.text, signatures), [LOG.vkey])


def test_a_second_signature_of_a_key_takes_the_place_of_its_first() -> None:
    note = Note(CHECKPOINT.text).signed(WITNESS.sign(CHECKPOINT.text, TIME), LOG.sign(CHECKPOINT.text, TIME))
    note = note.signed(WITNESS.sign(CHECKPOINT.text, TIME + 5))
    assert [one.name for one in note.signatures] == [LOG.vkey.name, WITNESS.vkey.name]
    assert verified(note, [WITNESS.vkey]) == {WITNESS.vkey: TIME + 5}


GOOD = str(Note(CHECKPOINT.text).signed(LOG.sign(CHECKPOINT.text, TIME)))
DASH, LINE = "\N{EM DASH}", GOOD.split("\n")[-2]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        "\n\n",
        CHECKPOINT.text,
        GOOD[:-1],
        GOOD.replace("\n\n", "\n"),
        GOOD + "\n",
        GOOD + "x\n",
        GOOD.replace(DASH, "-"),
        GOOD.replace(f"{DASH} ", f"{DASH}  "),
        GOOD.replace(LINE, LINE + " "),
        GOOD.replace(LINE, LINE + "="),
        GOOD.replace(LINE, f"{DASH} ledger.eksempel.dk/familie AAAA"),
        GOOD.replace(LINE, f"{DASH} ledger+eksempel AAAAAAAA"),
        GOOD.replace("familie\n", "familie\r\n"),
        GOOD.replace("familie\n", "fami\0lie\n"),
        GOOD.encode().replace(b"familie\n", b"famili\xff\n"),
        GOOD.replace("familie\n", "fam\ud800\n"),
        GOOD + LINE * MAX_SIGNATURES,
        GOOD + f"{LINE}\n" * MAX_SIGNATURES,
        "x" * 1_000_001,
    ],
)
def test_what_is_no_note_is_refused(content: str | bytes) -> None:
    with pytest.raises(NoteError):
        read_note(content)


@pytest.mark.parametrize(
    "text",
    [
        "o\n07\n{root}\n",
        "o\n-1\n{root}\n",
        "o\n+1\n{root}\n",
        "o\n1.0\n{root}\n",
        "o\n\N{ARABIC-INDIC DIGIT ONE}\n{root}\n",
        "o\n9223372036854775808\n{root}\n",
        "o\n" + "9" * 400 + "\n{root}\n",
        "o\n7\n{short}\n",
        "o\n7\n{root}=\n",
        "o\n7\n{root} \n",
        "\n7\n{root}\n",
        "o\n7\n",
        "o\n7\n{root}\nextension\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    text = text.format(root=b64encode(bytes(32)).decode(), short=b64encode(bytes(31)).decode())
    with pytest.raises(NoteError):
        read_checkpoint(str(Note(text).signed(LOG.sign(text, TIME))))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        str(LOG.vkey) + " ",
        str(LOG.vkey) + "\n",
        str(LOG.vkey).replace("+", " ", 1),
        str(LOG.vkey)[:-4],
        str(LOG.vkey).replace(LOG.vkey.key_id.hex(), "00000000"),
        f"name+00000000+{b64encode(bytes([9]) + bytes(32)).decode()}",
        "é" * 10 + "+00000000+AAAA",
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.read(text)


@given(st.text() | st.binary())
def test_no_bytes_break_the_reader(content: str | bytes) -> None:
    try:
        read_checkpoint(content)
    except NoteError:
        return


@given(st.integers(0, len(GOOD.encode()) - 1), st.integers(0, 255))
def test_one_byte_changed_never_verifies_as_another_checkpoint(at: int, value: int) -> None:
    content = bytearray(GOOD.encode())
    content[at] = value
    try:
        checkpoint, note = read_checkpoint(bytes(content))
        if verified(note, [LOG.vkey]):
            assert checkpoint == CHECKPOINT
    except NoteError:
        return


def test_a_key_keeps_its_secret_when_printed() -> None:
    assert "private" not in repr(LOG).lower()
    assert LOG.vkey.kind == ED25519


def test_the_own_log_has_the_roots_of_its_entries() -> None:
    hashes = b"".join((OWN_LOG / "tile" / "0" / name).read_bytes() for name in ("000", "001", "002", "003.p/232"))
    leaves = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
    for name in ("checkpoint", "checkpoint.700"):
        checkpoint, _ = read_checkpoint(Path(OWN_LOG / name).read_bytes())
        assert checkpoint.root == root_of(leaves[: checkpoint.size])
