"""Sealing: known answers, the derivation of RFC 5869, and nothing opens but the right bytes at the right place."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given, settings
from hypothesis import strategies as st

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


def multiply(one: int, other: int) -> int:
    """Multiply in the field of GCM (NIST SP 800-38D, 6.3); the leftmost bit is the lowest power."""
    product = 0
    for bit in range(127, -1, -1):
        if other >> bit & 1:
            product ^= one
        one = one >> 1 ^ (0xE1 << 120 if one & 1 else 0)
    return product


def inverse(value: int) -> int:
    """Return the inverse in the field of GCM: the value to the power of 2^128 - 2."""
    result, power = 1 << 127, value
    for _ in range(127):
        power = multiply(power, power)
        result = multiply(result, power)
    return result


def encrypted_block(key: bytes, block: bytes) -> int:
    """Return one block encrypted with plain AES."""
    encryptor = Cipher(AES(key), ECB()).encryptor()
    return int.from_bytes(encryptor.update(block) + encryptor.finalize())


def opens_under_both(keys: tuple[bytes, bytes], associated: bytes) -> bytes:
    """Return nonce, one block of ciphertext and a tag that AES-GCM accepts under either key.

    The tag is linear in the block under each key, so that the block for which both tags are equal can be solved for.
    """
    nonce = bytes(12)
    padded = associated + bytes(-len(associated) % 16)
    lengths = (len(associated) * 8 << 64) + 128
    hash_keys = [encrypted_block(key, bytes(16)) for key in keys]
    rests: list[int] = []  # each tag without the part of the ciphertext block
    for key, hash_key in zip(keys, hash_keys, strict=True):
        state = 0
        for at in range(0, len(padded), 16):
            state = multiply(state ^ int.from_bytes(padded[at : at + 16]), hash_key)
        state = multiply(multiply(state, hash_key) ^ lengths, hash_key)
        rests.append(state ^ encrypted_block(key, nonce + b"\x00\x00\x00\x01"))
    squares = [multiply(hash_key, hash_key) for hash_key in hash_keys]
    block = multiply(rests[0] ^ rests[1], inverse(squares[0] ^ squares[1]))
    tag = rests[0] ^ multiply(block, squares[0])
    return nonce + block.to_bytes(16) + tag.to_bytes(16)


def test_ciphertext_that_opens_under_two_keys_is_caught_by_the_commitment() -> None:
    """AES-GCM does not commit to its key: bytes made to open under both keys pass for the committed plaintext only."""
    topic = PLACE.topic.encode()
    associated = b"".join(
        [
            *(b"caseledger/v1 seg\x00", PLACE.packed(), len(topic).to_bytes(2), topic),
            *(KEY_ID.bytes, PLACE.schema.to_bytes(2)),
        ]
    )
    (aes_key, salt), (other_aes_key, _) = derive(KEY, PLACE), derive(OTHER_KEY, PLACE)
    stored = opens_under_both((aes_key, other_aes_key), associated)
    plaintext, other = (AESGCM(key).decrypt(stored[:12], stored[12:], associated) for key in (aes_key, other_aes_key))
    assert plaintext != other
    segment = Segment(KEY_ID, len(stored), sha256(stored).digest(), plaintext_commitment(salt, plaintext))
    assert unseal(KEY, segment, PLACE, stored) == plaintext
    with pytest.raises(SealBroken):
        unseal(OTHER_KEY, segment, PLACE, stored)


def test_commitment_hides_and_binds() -> None:
    """The same text at another place has another commitment; salt and text are all it takes to check one."""
    segment, _ = seal(KEY, KEY_ID, PLACE, PLAINTEXT)
    elsewhere, _ = seal(KEY, KEY_ID, replace(PLACE, version=4), PLAINTEXT)
    assert segment.plaintext_commitment != elsewhere.plaintext_commitment
    assert segment.plaintext_commitment == plaintext_commitment(derive(KEY, PLACE)[1], PLAINTEXT)
