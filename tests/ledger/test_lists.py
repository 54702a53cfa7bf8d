"""Lists in statements: ids are written quickly, and every list arrives as it was."""

from typing import Any, LiteralString
from uuid import UUID, uuid4

from ledger.store import Ledger

IDS = [uuid4() for _ in range(2_000)]
LISTS: list[tuple[LiteralString, list[Any]]] = [
    ("uuid[]", IDS),
    ("uuid[]", [UUID(int=0), UUID(int=2**128 - 1)]),
    ("uuid[]", [None, IDS[0], None]),
    ("uuid[]", []),
    ("text[]", ["", "a,b", '"', "{}", "\\", "NULL", "æ"]),
    ("bigint[]", [1, -(2**62)]),
    ("bytea[]", [b"\x00\\", b""]),
]


def test_lists_arrive_as_they_were(ledger: Ledger) -> None:
    """Of ids, of ids with NULL among them, empty, and of other types."""
    for kind, items in LISTS:
        statement: LiteralString = "SELECT %s::" + kind
        assert ledger.query(statement, [items]) == [(items,)]


def test_ids_are_found_among_many(ledger: Ledger) -> None:
    """A list of ids selects as single ids do."""
    found = ledger.query("SELECT count(*) FROM unnest(%s) AS one WHERE one = ANY(%s)", [IDS, IDS[:700]])
    assert found == [(700,)]
