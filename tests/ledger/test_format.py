"""The stored format byte for byte: segment tables, header, commitment, published entry, canonical JSON."""

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.format import (
    NIL,
    FormatError,
    Segment,
    StoredRow,
    commitment,
    header,
    leaf_index,
    microseconds,
    published_entry,
    read_segment_table,
    segment_table,
    split_state,
)
from ledger.mapper import canonical

STREAM = UUID("00112233-4455-6677-8899-aabbccddeeff")
ACTOR = UUID("ffeeddcc-bbaa-9988-7766-554433221100")
RECORDED_AT = datetime(2024, 5, 14, 7, 30, 0, 123456, tzinfo=UTC)
ROW = StoredRow(
    position=5,
    stream=STREAM,
    version=2,
    topic="note_recorded",
    recorded_at=RECORDED_AT,
    actor=ACTOR,
    blind=b"b" * 32,
    segments=segment_table([Segment.clear(b"clear"), Segment(ACTOR, 6, sha256(b"sealed").digest(), b"p" * 32)]),
    state=b"clearsealed",
    commitment=b"",
)

digests = st.binary(min_size=32, max_size=32)
segments = st.builds(Segment, st.uuids(), st.integers(0, 2**32 - 1), digests, digests)
texts = st.text(st.characters(codec="utf-8", max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=12)
names = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x24F), max_size=6)
numbers = st.integers(-(10**12) + 1, 10**12 - 1)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


def test_segment_table_has_the_documented_layout() -> None:
    """Count as u16, then per segment key id, u32 length, digest of the stored bytes and commitment to the plaintext."""
    assert ROW.segments == bytes.fromhex("0002") + b"".join(
        [
            *(bytes(16), bytes.fromhex("00000005"), sha256(b"clear").digest(), bytes(32)),
            *(ACTOR.bytes, bytes.fromhex("00000006"), sha256(b"sealed").digest(), b"p" * 32),
        ]
    )


def test_commitment_binds_place_topic_and_header() -> None:
    """The commitment is the documented hash over position, stream, version, topic and header, all big-endian."""
    previous = b"q" * 32
    expected_header = b"b" * 32 + (1715671800123456).to_bytes(8, "big") + ACTOR.bytes + previous + ROW.segments
    assert header(ROW, previous) == expected_header
    assert (
        commitment(ROW, previous)
        == sha256(
            b"caseledger/v1 leaf\x00"
            + (5).to_bytes(8, "big")
            + STREAM.bytes
            + (2).to_bytes(8, "big")
            + sha256(b"note_recorded").digest()
            + sha256(expected_header).digest()
        ).digest()
    )
    assert published_entry(b"c" * 32) == b"\x01" + b"c" * 32
    assert leaf_index(5) == 4


def test_commitment_known_answer() -> None:
    """One commitment, computed once and never to change."""
    assert commitment(ROW, bytes(32)).hex() == "88318d65813ba0511a2be8c2109468b8eb4c0b4c63fde4b746f5d832fe3d423d"


@given(st.lists(segments, max_size=5))
@settings(max_examples=50)
def test_segment_table_reads_back(table: list[Segment]) -> None:
    """What is written is read again; a byte more or less is refused."""
    stored = segment_table(table)
    assert read_segment_table(stored) == table
    for damaged in (stored + b"\x00", stored[:-1]):
        with pytest.raises(FormatError):
            read_segment_table(damaged)


def test_state_is_cut_where_the_table_says() -> None:
    """Segments follow each other without a gap, and lengths that do not add up are refused."""
    lines = read_segment_table(ROW.segments)
    assert split_state(lines, ROW.state) == [b"clear", b"sealed"]
    for damaged in (b"clearseale", b"clearsealed.", b""):
        with pytest.raises(FormatError):
            split_state(lines, damaged)
    assert Segment.clear(b"clear") == Segment(NIL, 5, sha256(b"clear").digest(), bytes(32))


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-11))])))
@settings(max_examples=50)
def test_microseconds_are_whole_and_exact(instant: datetime) -> None:
    """An instant in any zone becomes a whole number of microseconds, without the rounding of floats."""
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds(instant)) == instant


@given(values)
@settings(max_examples=150, deadline=None)
def test_canonical_json_is_that_of_the_standard(value: Any) -> None:
    """Without floats, with numbers every reader keeps and names of usual letters, the bytes are those of RFC 8785."""
    assert canonical(value) == rfc8785.dumps(value)
    assert json.loads(canonical(value)) == value
