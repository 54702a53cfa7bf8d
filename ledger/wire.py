"""PostgreSQL's binary wire form of the few types the append takes and gives, for calls that bypass the cursor layer.

The driver's own cursors spend more on adapting fourteen arrays than the database on a small append.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg.types.array import ListDumper

INT4, INT8, TEXT, BYTEA, TIMESTAMPTZ, UUID_TYPE = 23, 20, 25, 17, 1184, 2950
ARRAY_OF = {INT4: 1007, INT8: 1016, TEXT: 1009, BYTEA: 1001, TIMESTAMPTZ: 1185, UUID_TYPE: 2951}

_HEADER = Struct(">iiiii")
_LENGTH = Struct(">i")
_INT4 = Struct(">i")
_INT8 = Struct(">q")
_NULL = _LENGTH.pack(-1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def array(element: int, items: Sequence[bytes | None]) -> bytes:
    """Return a one-dimensional array of elements of one type, given in their wire form; None is NULL."""
    parts = [_HEADER.pack(1, None in items, element, len(items), 1)]
    for item in items:
        if item is None:
            parts.append(_NULL)
        else:
            parts.append(_LENGTH.pack(len(item)))
            parts.append(item)
    return b"".join(parts)


class _Lists(ListDumper):
    """Lists as the driver writes them, but for ids, of which a leader's question about all their cases holds thousands.

    The driver looks at each for characters to escape, which takes three times as long.
    """

    def dump(self, obj: list[Any]) -> bytes | None:
        """Return an array as text."""
        if obj and all(type(one) is UUID for one in obj):
            return f"{{{','.join(one.hex for one in obj)}}}".encode()
        return cast(bytes | None, super().dump(obj))


def take_many_ids(connection: psycopg.Connection[Any]) -> None:
    """Let a connection write lists of ids quickly."""
    connection.adapters.register_dumper(list, _Lists)


def int4(value: int) -> bytes:
    """Return the wire form of an integer."""
    return _INT4.pack(value)


def int8(value: int) -> bytes:
    """Return the wire form of a bigint."""
    return _INT8.pack(value)


def instant(value: datetime) -> bytes:
    """Return the wire form of a timestamptz: microseconds since 2000-01-01T00:00Z."""
    return _INT8.pack((value - _EPOCH) // _MICROSECOND)


def read_int8(value: bytes) -> int:
    """Read a bigint."""
    return _INT8.unpack(value)[0]


def read_instant(value: bytes) -> datetime:
    """Read a timestamptz as an instant in UTC."""
    return _EPOCH + timedelta(microseconds=_INT8.unpack(value)[0])


def read_uuid(value: bytes) -> UUID:
    """Read a uuid."""
    return UUID(bytes=value)
