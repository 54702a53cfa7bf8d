"""Proof files: those others verified, what is written is read again, and what must be refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle import leaf_hash
from ledger.proof.merkle_proofs import ProofError
from ledger.proof.notes import NoteError, VerifierKey, verified
from ledger.proof.proof_files import ProofFile, read_proof
from tests.ledger.proof.vectors import OWN_LOG, own_entries


def own(index: int) -> str:
    return (OWN_LOG / f"{index}.tlog-proof").read_text("utf-8")


def own_leaf(index: int) -> bytes:
    return leaf_hash(own_entries()[index])


@pytest.mark.parametrize("index", [0, 699, 999])
def test_proofs_that_others_accepted_are_accepted(index: int) -> None:
    proof = read_proof(own(index))
    assert proof.index == index
    proof.check(own_leaf(index))
    key = VerifierKey.read((OWN_LOG / "log.vkey").read_text("utf-8").strip())
    assert key in verified(proof.note, [key])
    assert str(proof) == own(index)
    with pytest.raises(ProofError):
        proof.check(own_leaf((index + 1) % 1000))


def test_what_comes_along_is_read_again() -> None:
    proof = read_proof(own(699))
    with_extra = ProofFile(proof.index, proof.path, proof.checkpoint, proof.note, b"\0header")
    assert read_proof(str(with_extra)) == with_extra


GOOD = own(699)


@pytest.mark.parametrize(
    "content",
    [
        "",
        GOOD.replace("@v1", "@v2"),
        GOOD.replace("index 699", "index 0699"),
        GOOD.replace("index 699", "index -699"),
        GOOD.replace("index 699\n", ""),
        GOOD.replace("index 699", "index 699\nAAAA"),
        GOOD.replace("index 699", "index 699" + "\n" + "A" * 43 + "=" + ("\n" + "A" * 43 + "=") * 63),
        GOOD.replace("index 699", "extra \nindex 699"),
        GOOD.replace("index 699", "index 699\n"),
        GOOD.partition("\n\n")[0],
        GOOD.encode() + b"\xff",
    ],
)
def test_what_is_no_proof_is_refused(content: str | bytes) -> None:
    with pytest.raises(NoteError):
        read_proof(content)


@given(st.text() | st.binary())
def test_no_bytes_break_the_reader(content: str | bytes) -> None:
    for one in (content, GOOD[:60] + content if isinstance(content, str) else GOOD[:60].encode() + content):
        try:
            read_proof(one)
        except NoteError:
            continue
