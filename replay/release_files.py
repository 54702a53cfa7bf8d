"""Writing the files of a release: Parquet in row groups of fixed size, one DuckDB file of them all, their hashes.

The same rows give the same bytes, however they arrive and however many processes made them. DuckDB writes a random
identifier into files of its newer formats and packs texts by a random sample (FSST): a file of format 1.0 that one
thread has written without that packing has neither.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ledger.queries import load_queries
from replay.extras import extra
from replay.release_columns import Table

SQL = load_queries("replay", "sql/database.sql")

BOUNDS = {"threads": 1, "memory_limit": "128MB"}
"""One thread, so that rows keep their order, and memory for DuckDB whatever the size of a release."""

ROW_GROUP = 20_000
"""Rows of a row group, and of each table held in memory at most."""

DATABASE = "release.duckdb"
SUMS = "SHA256SUMS"


class TableFile:
    """One Parquet file that is being written."""

    def __init__(self, folder: Path, table: Table) -> None:
        self.path = folder / f"{table.name}.parquet"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._arrow = extra("pyarrow", "replay")
        parquet = extra("pyarrow.parquet", "replay")
        self._writer = parquet.ParquetWriter(str(self.path), table.schema, compression="zstd", version="2.6")
        self._waiting: list[Any] = []
        self._held = 0
        self.rows = 0

    def add(self, batch: Any) -> None:
        """Take in a batch; writes whenever a row group is full."""
        self._waiting.append(batch)
        self._held += batch.num_rows
        self.rows += batch.num_rows
        while self._held >= ROW_GROUP:
            self._write(ROW_GROUP)

    def close(self) -> None:
        """Write what waits and end the file."""
        if self._held:
            self._write(self._held)
        self._writer.close()

    def _write(self, rows: int) -> None:
        waiting = self._arrow.Table.from_batches(self._waiting)
        self._writer.write_table(waiting.slice(0, rows), row_group_size=ROW_GROUP)
        rest = waiting.slice(rows)
        self._waiting, self._held = rest.to_batches(), rest.num_rows


def write_rows(path: Path, schema: dict[str, str], rows: list[dict[str, Any]]) -> None:
    """Write a small table at once; ``schema`` gives the type of each column: string, int64 or bool."""
    arrow, parquet = extra("pyarrow", "replay"), extra("pyarrow.parquet", "replay")
    fields = arrow.schema([arrow.field(name, arrow.type_for_alias(kind)) for name, kind in schema.items()])
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(arrow.Table.from_pylist(rows, fields), str(path), compression="zstd", version="2.6")


def write_database(folder: Path, tables: Iterable[Path]) -> Path:
    """Write one DuckDB file with a table of each Parquet file, in a schema named after its folder."""
    path = folder / DATABASE
    with extra("duckdb", "replay").connect(":memory:", config=BOUNDS) as connection:
        connection.execute(SQL["settled"])
        connection.execute(SQL["attach"].format(path=_quoted(path)))
        for table in sorted(tables):
            names = {"schema": table.parent.name, "table": table.stem, "path": _quoted(table)}
            connection.execute(SQL["schema"].format(**names))
            connection.execute(SQL["table"].format(**names))
        connection.execute(SQL["write"])
        connection.execute(SQL["detach"])
    return path


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def sha256_of(path: Path) -> str:
    """Return the hash of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(folder: Path) -> None:
    """Write the hashes of all files the way ``sha256sum -c`` reads them."""
    lines = [f"{sha256_of(path)}  {path.relative_to(folder)}\n" for path in files_in(folder)]
    (folder / SUMS).write_text("".join(lines), "utf-8")


def files_in(folder: Path) -> list[Path]:
    """Return the files of a release in order of their names, but for the list of their hashes."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)


def check_sums(folder: Path) -> list[str]:
    """Return what is wrong with the files of a release, a line each: changed, missing or not of the release."""
    try:
        lines = (folder / SUMS).read_text("utf-8").splitlines()
    except OSError:
        return [f"{SUMS} cannot be read: this is no release, or not a whole one"]
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    here = {str(path.relative_to(folder)): path for path in files_in(folder)}
    missing = [f"{name}: missing" for name in sorted(listed.keys() - here.keys())]
    surplus = [f"{name}: not of the release" for name in sorted(here.keys() - listed.keys())]
    changed = [
        f"{name}: changed" for name in sorted(listed.keys() & here.keys()) if sha256_of(here[name]) != listed[name]
    ]
    return [*missing, *surplus, *changed]
