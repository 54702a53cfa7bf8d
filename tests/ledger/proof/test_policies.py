"""Policies: quorums of witnesses and groups, and what must be refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.proof.checkpoints import Checkpoint
from ledger.proof.notes import COSIGNATURE, Note, NoteError, SigningKey
from ledger.proof.policies import PolicyError, read_policy

LOG = SigningKey.ed25519("ledger.eksempel.dk/familie", bytes(range(32)))
WITNESSES = {
    name: SigningKey.ed25519(f"{name}.eksempel.dk", bytes([n] * 32), COSIGNATURE) for n, name in enumerate("abcde")
}
CHECKPOINT = Checkpoint(LOG.vkey.name, 3, bytes(32))
POLICY = f"""# of a municipality
log {LOG.vkey} https://ledger.eksempel.dk/log
\twitness  a {WITNESSES["a"].vkey}   http://127.0.0.1:1/
witness b {WITNESSES["b"].vkey}
witness c {WITNESSES["c"].vkey}
group north 2 a b c

witness d {WITNESSES["d"].vkey}
witness e {WITNESSES["e"].vkey}
group south any d e
group both all north south
quorum both
"""


def note(*names: str) -> Note:
    keys = [LOG, *(WITNESSES[name] for name in names)]
    return Note(CHECKPOINT.text).signed(*(key.sign(CHECKPOINT.text, 1) for key in keys))


@pytest.mark.parametrize(
    ("names", "enough"), [("abd", True), ("ace", True), ("abcde", True), ("abc", False), ("ade", False), ("", False)]
)
def test_a_quorum_is_counted_group_by_group(names: str, *, enough: bool) -> None:
    policy = read_policy(POLICY.encode())
    if enough:
        assert len(policy.check(CHECKPOINT, note(*names))) == len(names)
    else:
        with pytest.raises(NoteError, match="too few"):
            policy.check(CHECKPOINT, note(*names))


def test_the_log_itself_must_have_signed() -> None:
    policy = read_policy(POLICY.encode())
    signed = note("a", "b", "d")
    with pytest.raises(NoteError, match="no known log"):
        policy.check(CHECKPOINT, Note(signed.text, signed.signatures[1:]))
    other = Checkpoint("another.eksempel.dk", 3, bytes(32))
    with pytest.raises(NoteError, match="no known log"):
        policy.check(other, Note(other.text).signed(LOG.sign(other.text, 1)))


def test_what_is_written_says_the_same() -> None:
    policy = read_policy(POLICY.encode())
    assert read_policy(str(policy).encode()) == policy
    assert policy.witnesses["a"].url == "http://127.0.0.1:1/"
    none = read_policy(b"quorum none")
    assert none.met_by([])


A, B = WITNESSES["a"].vkey, WITNESSES["b"].vkey


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", None),
        ("quorum a", 1),
        ("quorum none\nquorum none", 2),
        ("quorum", 1),
        ("nonsense", 1),
        (f"log {A}", 1),
        (f"log {LOG.vkey}\nlog {LOG.vkey}", 2),
        ("log x", 1),
        ("log", 1),
        (f"witness a {LOG.vkey}", 1),
        (f"witness none {A}", 1),
        (f"witness a {A}\nwitness a {B}", 2),
        (f"witness a {A}\nwitness b {A}", 2),
        (f"witness a {A}\ngroup g 2 a", 2),
        (f"witness a {A}\ngroup g 0 a", 2),
        (f"witness a {A}\ngroup g \u0661 a", 2),
        (f"witness a {A}\ngroup g any", 2),
        (f"witness a {A}\ngroup g any b", 2),
        (f"witness a {A}\ngroup g any a a", 2),
        (f"witness a {A}\ngroup g any a\ngroup h any a", 3),
        (f"group g any a\nwitness a {A}", 1),
        ("quorum none\r", None),
        ("quorum none\n" * 1001, 2),
    ],
)
def test_what_is_no_policy_is_refused_with_its_line(text: str, line: int | None) -> None:
    with pytest.raises(PolicyError, match=f"line {line}:" if line else None):
        read_policy(text.encode())


@given(st.binary() | st.text().map(lambda text: POLICY[:400].encode() + text.encode("utf-8", "surrogatepass")))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    try:
        read_policy(content)
    except PolicyError:
        return
