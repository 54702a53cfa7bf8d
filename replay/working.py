"""Working files: the clear part of every entry in shares by case, for a replay that does not ask the database.

They are the controller's own: without pseudonyms, restricted cases among them, cases erased whole not. Whoever runs the
ledger may have them, and nobody else; they are removed when the replay is done.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import orjson
import psycopg

from domain.adoptions import TOPICS as RULE_TOPICS
from domain.events import BY_TOPIC
from domain.events.access import LookupsExpired
from ledger.store import APPLICATION_ROLE, Ledger, conninfo_as
from replay.extras import extra
from replay.release_columns import Table, plain_table
from replay.release_files import TableFile
from replay.release_judging import judge
from replay.release_rows import ClearRow, clear_row, sent_events

COMMON = "common"
FOR_ALL = RULE_TOPICS | {LookupsExpired.TOPIC}
"""Topics of the entries that every share needs, whatever stream they stand in."""

ABOUT = "working.json"
FORMAT = "caseledger-working/1"
PAGE = 5_000
WARNING = (
    "The clear part of every entry without pseudonyms: personal data of a special category. For the controller's own"
    " operators on the controller's own machines; remove them when the replay is done."
)


def share_name(number: int) -> str:
    """Return the name of a share."""
    return f"share-{number:04}"


def write_working(ledger: Ledger, position: int, shares: int, folder: Path, notify: Callable[[int, int], None]) -> int:
    """Write the working files of everything up to a position into an empty folder; returns the number of events."""
    files = [TableFile(folder, _table(share_name(number))) for number in range(shares)]
    common = TableFile(folder, _table(COMMON))
    values = {"after": 0, "upto": position, "topics": sorted(BY_TOPIC), "restricted": list[UUID]()}
    values["without"] = sorted(judge(ledger).erased)
    waiting: dict[str, list[ClearRow]] = {file.path.stem: [] for file in (*files, common)}
    with psycopg.connect(conninfo_as(ledger.conninfo, APPLICATION_ROLE), autocommit=True) as connection:
        for row in map(clear_row, sent_events(connection, values)):
            file = common if row.topic in FOR_ALL else files[_share_of(row.stream, shares)]
            rows = waiting[file.path.stem]
            rows.append(row)
            if len(rows) == PAGE:
                _add(file, rows)
                notify(row.position, position)
    for file in (*files, common):
        _add(file, waiting[file.path.stem])
        file.close()
    notify(position, position)
    about = {"format": FORMAT, "ledger": str(ledger.id), "position": position, "shares": shares, "warning": WARNING}
    (folder / ABOUT).write_bytes(orjson.dumps(about, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2) + b"\n")
    return sum(file.rows for file in (*files, common))


def _share_of(stream: bytes, shares: int) -> int:
    """Return in which share a stream lies, by the random end of its id."""
    return int.from_bytes(stream[-4:], "big") % shares


def _add(file: TableFile, rows: list[ClearRow]) -> None:
    if rows:
        file.add(_table(file.path.stem).batch(rows))
        rows.clear()


def _table(name: str) -> Table:
    """Return the table of a share: the columns of its rows as they are."""
    arrow = extra("pyarrow", "replay")
    kinds = (arrow.int64(), arrow.binary(16), arrow.int64(), arrow.string(), arrow.int64(), arrow.binary())
    return plain_table(name, dict(zip(ClearRow._fields, kinds, strict=True)))


def read_share(path: Path) -> Iterator[ClearRow]:
    """Yield the events of a share in order."""
    parquet = extra("pyarrow.parquet", "replay")
    with parquet.ParquetFile(str(path)) as file:
        for batch in file.iter_batches(batch_size=PAGE):
            columns = (batch.column(name).to_pylist() for name in ClearRow._fields)
            yield from map(ClearRow._make, zip(*columns, strict=True))
