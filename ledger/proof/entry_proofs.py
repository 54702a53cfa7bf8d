"""What a proof file says of an entry beside the proof: place and header, from which anybody makes the leaf again.

``extra`` is i64 position, stream (16 bytes), i64 version, u16 length and topic in UTF-8, header (see docs/format.md).
"""

from hashlib import sha256
from struct import Struct

from ledger.format import LEAF_DOMAIN, StoredRow, header, published_entry
from ledger.merkle import leaf_hash
from ledger.proof.notes import NoteError

_PLACE = Struct(">q16sqH")


def entry_extra(row: StoredRow, previous: bytes) -> bytes:
    """Return the extra data of an entry; ``previous`` is the commitment of its stream's entry before, or zeros."""
    topic = row.topic.encode()
    return _PLACE.pack(row.position, row.stream.bytes, row.version, len(topic)) + topic + header(row, previous)


def leaf_of(extra: bytes) -> bytes:
    """Return the leaf hash that extra data lead to; raises NoteError where they are cut off."""
    if len(extra) < _PLACE.size:
        raise NoteError("the extra data of a proof do not hold an entry's place")
    position, stream, version, length = _PLACE.unpack_from(extra)
    topic, head = extra[_PLACE.size : _PLACE.size + length], extra[_PLACE.size + length :]
    if len(topic) < length or not head:
        raise NoteError("the extra data of a proof do not hold an entry's topic and header")
    place = position.to_bytes(8, "big", signed=True) + stream + version.to_bytes(8, "big", signed=True)
    commitment = sha256(LEAF_DOMAIN + place + sha256(topic).digest() + sha256(head).digest()).digest()
    return leaf_hash(published_entry(commitment))
