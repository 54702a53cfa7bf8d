"""Reading the rows of a foreign system one at a time: CSV with a head, or JSON lines."""

import csv
import hashlib
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from api.bodies import MAX_BODY_BYTES, strict_json
from api.import_map import ImportMap, ImportMapError
from api.problems import ProblemError
from domain.errors import Malformed, Problem

FORMS = (".csv", ".jsonl")
NumberedRow = tuple[int, dict[str, Any] | Malformed]
"""The number of a row as an editor counts lines for JSON, records after the head for CSV from 1; what it holds."""


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits; raises ImportMapError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise ImportMapError(f"{path}: cannot be read") from None


def rows_of(path: Path, mapped: ImportMap) -> Iterator[NumberedRow]:
    """Yield the rows of a file; one that cannot be read comes as what is wrong with it. Raises ImportMapError."""
    if path.suffix not in FORMS:
        raise ImportMapError(f"{path}: must end in {' or '.join(FORMS)}")
    return _csv_rows(path, mapped) if path.suffix == ".csv" else _json_rows(path)


def _csv_rows(path: Path, mapped: ImportMap) -> Iterator[NumberedRow]:
    encoding = "utf-8-sig" if mapped.encoding == "utf-8" else mapped.encoding
    try:
        with path.open(encoding=encoding, newline="") as file:
            reader = csv.DictReader(file, delimiter=mapped.delimiter, strict=True)
            head = reader.fieldnames or []
            if len(set(head)) < len(head) or not {mapped.id, mapped.case, mapped.kind} <= set(head):
                raise ImportMapError(
                    f"{path}: the head must name id, case and kind as the map does, and no column twice"
                )
            for number, row in enumerate(reader, start=1):
                yield number, _whole(row)
    except UnicodeDecodeError:
        raise ImportMapError(f"{path}: is not written in {mapped.encoding}: name its encoding in the map") from None
    except csv.Error:
        raise ImportMapError(f"{path}: is no CSV: a quotation mark is not closed, or stands inside a value") from None


def _whole(row: dict[Any, Any]) -> dict[str, Any] | Malformed:
    if None in row or None in row.values():
        return Malformed([Problem("row", "has another number of columns than the head: mend the extract")])
    return cast(dict[str, Any], row)


def _json_rows(path: Path) -> Iterator[NumberedRow]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_BODY_BYTES + 1):
            number += 1
            if len(line) > MAX_BODY_BYTES:
                raise ImportMapError(f"{path}: line {number} has more than {MAX_BODY_BYTES} bytes")
            if number == 1:
                line = line.removeprefix(BOM_UTF8)
            if line.strip():
                yield number, _json_row(line)


def _json_row(line: bytes) -> dict[str, Any] | Malformed:
    try:
        value = strict_json(line)
    except (ProblemError, Malformed):
        value = None
    if not isinstance(value, dict):
        return Malformed(
            [Problem("row", "is no JSON object that can be kept exactly: one object a line, no key twice")]
        )
    return cast(dict[str, Any], value)
