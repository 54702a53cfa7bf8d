"""Sealing: known answers, the derivation of RFC 5869, and nothing opens but the right bytes at the right place."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import sealing
from ledger.errors import SealBroken
from ledger.format import Segment, read_segment_table
from ledger.sealing import Place, derive, plaintext_commitment, seal, unseal

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "vectors" / "sealing.json").read_text("utf-8"))[
    "cases"
]
KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
KEY_ID = UUID(int=9)
PLACE = Place(UUID(int=1), 3, "note_recorded", 1, 1)
PLAINTEXT = b'{"text":"Barnet trives."}'

places = st.builds(
    Place,
    st.uuids(),
    st.integers(1, 2**63 - 1),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.integers(1, 2**16 - 1),
    st.integers(1, 2**16 - 1),
)


def place_of(case: dict[str, Any]) -> Place:
    """Return where the segment of a known answer stands."""
    return Place(UUID(case["stream"]), case["version"], case["topic"], case["schema"], case["segment"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_known_answers_open(case: dict[str, Any]) -> None:
    """Segments stored once and kept in a file still open; derivation, digest and commitment are as noted there."""
    key, place, stored = bytes.fromhex(case["key"]), place_of(case), bytes.fromhex(case["stored"])
    (segment,) = read_segment_table(b"\x00\x01" + bytes.fromhex(case["table_line"]))
    assert unseal(key, segment, place, stored).decode() == case["plaintext"]
    assert derive(key, place)[1].hex() == case["salt"]
    assert segment == Segment(
        UUID(case["key_id"]),
        len(stored),
        sha256(stored).digest(),
        sha256(b"caseledger/v1 pt\x00" + bytes.fromhex(case["salt"]) + case["plaintext"].encode()).digest(),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_known_answers_open_by_the_documented_steps_alone(case: dict[str, Any]) -> None:
    """Standard primitives and the written format suffice to open a segment: no code of ours is needed."""
    stored, topic = bytes.fromhex(case["stored"]), case["topic"].encode()
    place = UUID(case["stream"]).bytes + case["version"].to_bytes(8, "big") + case["segment"].to_bytes(2, "big")
    info = b"caseledger/v1 seg\x00" + place
    key = HKDFExpand(SHA256(), 64, info).derive(bytes.fromhex(case["key"]))[:32]
    schema = case["schema"].to_bytes(2, "big")
    associated = info + len(topic).to_bytes(2, "big") + topic + UUID(case["key_id"]).bytes + schema
    assert AESGCM(key).decrypt(stored[:12], stored[12:], associated).decode() == case["plaintext"]


@given(st.binary(min_size=32, max_size=32), places)
@settings(max_examples=50)
def test_derivation_is_hkdf_expand(key: bytes, place: Place) -> None:
    """Key and salt are the 64 bytes that HKDF-Expand of RFC 5869 gives for the place."""
    assert b"".join(derive(key, place)) == HKDFExpand(SHA256(), 64, b"caseledger/v1 seg\x00" + place.packed()).derive(
        key
    )


@given(places, st.binary(max_size=200))
@settings(max_examples=50)
def test_what_is_sealed_opens_again(place: Place, plaintext: bytes) -> None:
    """Any plaintext at any place comes back, and two sealings of it share no nonce and no bytes."""
    segment, stored = seal(KEY, KEY_ID, place, plaintext)
    assert unseal(KEY, segment, place, stored) == plaintext
    assert (segment.key, segment.length, segment.digest) == (KEY_ID, len(stored), sha256(stored).digest())
    again = seal(KEY, KEY_ID, place, plaintext)[1]
    assert again[:12] != stored[:12]
    assert again[12:] != stored[12:]


@pytest.mark.parametrize(
    "change",
    [{"stream": UUID(int=2)}, {"version": 4}, {"topic": "note_recordee"}, {"number": 2}, {"schema": 2}],
    ids=["stream", "version", "topic", "segment", "schema"],
)
def test_moved_ciphertext_does_not_open(change: dict[str, Any]) -> None:
    """A segment taken to another stream, version, topic, segment number or schema stays closed."""
    segment, stored = seal(KEY, KEY_ID, PLACE, PLAINTEXT)
    with pytest.raises(SealBroken):
        unseal(KEY, segment, replace(PLACE, **change), stored)


def test_topic_and_what_follows_cannot_run_into_each_other() -> None:
    """The topic is bound with its length, so that no longer or shorter topic gives the same associated data."""
    segment, stored = seal(KEY, KEY_ID, PLACE, PLAINTEXT)
    for topic in ("note_recorde", "note_recorded\x00", ""):
        with pytest.raises(SealBroken):
            unseal(KEY, segment, replace(PLACE, topic=topic), stored)


def test_other_key_and_other_key_id_do_not_open() -> None:
    """Neither another subject's key nor the same key under another subject's id opens a segment."""
    segment, stored = seal(KEY, KEY_ID, PLACE, PLAINTEXT)
    with pytest.raises(SealBroken):
        unseal(OTHER_KEY, segment, PLACE, stored)
    with pytest.raises(SealBroken):
        unseal(KEY, replace(segment, key=UUID(int=10)), PLACE, stored)


def test_changed_or_cut_bytes_do_not_open() -> None:
    """Every single flipped bit, every truncation and a byte too many are noticed."""
    segment, stored = seal(KEY, KEY_ID, PLACE, b"abc")
    damaged = [stored[:n] + bytes([stored[n] ^ 1]) + stored[n + 1 :] for n in range(len(stored))]
    damaged += [stored[:length] for length in range(len(stored))] + [stored + b"\x00"]
    for content in damaged:
        with pytest.raises(SealBroken):
            unseal(KEY, segment, PLACE, content)


def test_ciphertext_that_opens_under_two_keys_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """AES-GCM does not commit to its key; where both keys open the bytes, only the committed plaintext is accepted.

    Such bytes are made here by letting both places share one AES key: the second plaintext then opens, and only the
    commitment tells that it is not the one that was sealed.
    """
    forged_segment, stored = seal(KEY, KEY_ID, PLACE, b"forged")
    honest_segment, _ = seal(KEY, KEY_ID, PLACE, b"honest")
    assert unseal(KEY, forged_segment, PLACE, stored) == b"forged"
    with pytest.raises(SealBroken):
        unseal(KEY, replace(forged_segment, plaintext_commitment=honest_segment.plaintext_commitment), PLACE, stored)
    aes_key = derive(KEY, PLACE)[0]
    monkeypatch.setattr(sealing, "derive", lambda *_: (aes_key, b"another salt" + bytes(20)))
    with pytest.raises(SealBroken):
        unseal(OTHER_KEY, forged_segment, PLACE, stored)


def test_commitment_hides_and_binds() -> None:
    """The same text at another place has another commitment; salt and text are all it takes to check one."""
    segment, _ = seal(KEY, KEY_ID, PLACE, PLAINTEXT)
    elsewhere, _ = seal(KEY, KEY_ID, replace(PLACE, version=4), PLAINTEXT)
    assert segment.plaintext_commitment != elsewhere.plaintext_commitment
    assert segment.plaintext_commitment == plaintext_commitment(derive(KEY, PLACE)[1], PLAINTEXT)
