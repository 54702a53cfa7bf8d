"""Reading, loading and adding to recorded histories."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import orjson

from api.opening import Place
from domain.adoptions import HOLIDAYS
from domain.time import read_instant, write_instant
from ledger.format import Segment, segment_table
from ledger.requests import NewEvent
from ledger.shipped import shipped_texts
from ledger.store import Ledger
from projections.follower import Follower
from projections.view import VIEWS, AnyView
from tests.domain.test_wire_forms import FROZEN, Forms
from tests.following import catch_up
from tests.ledger.samples import appended, connected, one

FOLDER = Path(__file__).parent
NAMES = ("stories", "forms")
OWN_STREAM = UUID(int=0)
"""Stands in a file for the stream of the ledger's own administration."""

BEGAN = datetime(2020, 1, 1, 12, tzinfo=UTC)
OWN = frozenset({"rule_book_adopted", "rule_settings_chosen", "lookups_expired"})
VIEWERS = frozenset({"record_viewed"})
FIRST_STREAM = UUID(int=1)
SENSIBLE: Mapping[str, Mapping[str, Any]] = {
    "rule_book_adopted": {"rule_book": HOLIDAYS, "text": shipped_texts()[HOLIDAYS], "settings": {}},
    "rule_settings_chosen": {"settings": {}},
    "lookups_expired": {"upto": 3, "kept": []},
    "personal_data_erased": {"scope": "case"},
    "entry_corrected": {"corrects": 1, "field": "number", "old": "H-1", "new": "H-2"},
    "entry_annulled": {"annuls": 1},
    "record_viewed": {"cases": [str(uuid5(FIRST_STREAM, "case_opened/1"))]},
}
"""Fields of which any value of the right form would not do, or would say little."""

Row = tuple[str, str, str, int, int | None, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One event as stored."""

    stream: str
    topic: str
    recorded_at: str
    clear: str

    @property
    def form(self) -> tuple[str, str]:
        """Topic and version of its form."""
        return self.topic, str(json.loads(self.clear)["schema"])


def lines(name: str) -> list[Line]:
    """Return the events of a history in order."""
    path = FOLDER / f"{name}.jsonl"
    return [Line(**json.loads(line)) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def frozen_rows(name: str) -> list[Row]:
    """Return the rows that the views are to make of a history, with the full name of the view first."""
    path = FOLDER / f"{name}.rows.jsonl"
    return [tuple(json.loads(line)) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def write(name: str, values: Iterable[Any]) -> None:
    """Write a file, one value a line."""
    content = b"".join(orjson.dumps(value, option=orjson.OPT_SORT_KEYS) + b"\n" for value in values)
    (FOLDER / f"{name}.jsonl").write_bytes(content)


def load(ledger: Ledger, history: Iterable[Line]) -> None:
    """Record a history in a ledger with a simulated clock that holds its opening only."""
    for line in history:
        clear = line.clear.encode()
        event = NewEvent(line.topic, bytes(32), segment_table([Segment.clear(clear)]), clear)
        stream = ledger.id if line.stream == str(OWN_STREAM) else UUID(line.stream)
        appended(ledger.append_now(one(stream, None, event), read_instant(line.recorded_at)))


def follow(place: Place, *views: AnyView) -> None:
    """Let followers bring views up to date."""
    for view in views:
        follower = Follower(place.conninfo, view)
        try:
            catch_up(follower)
        finally:
            follower.close()


def rows(place: Place) -> list[Row]:
    """Return every row of every view."""
    with connected(place) as connection:
        found = connection.execute(
            "SELECT view, key, part, known_from, known_to, value FROM view.remembered_v1"
            ' ORDER BY view, known_from, key, part COLLATE "C"'
        ).fetchall()
    return [(VIEWS[view].full_name, str(key), *rest) for view, key, *rest in found]


def recorded(ledger: Ledger) -> Iterator[Line]:
    """Yield the events of a ledger but for its opening, as lines."""
    for row in ledger.read_range(2, ledger.head().size):
        clear = row.state[: int.from_bytes(row.segments[18:22], "big")].decode()
        stream = OWN_STREAM if row.stream == ledger.id else row.stream
        yield Line(str(stream), row.topic, write_instant(row.recorded_at), clear)


def missing_forms(*histories: Iterable[Line]) -> list[tuple[str, str]]:
    """Return topic and version of the frozen forms that no history holds."""
    held = {line.form for history in histories for line in history}
    forms: Forms = json.loads(FROZEN.read_text("utf-8"))
    return sorted((topic, version) for topic in forms for version in forms[topic] if (topic, version) not in held)


def with_missing_forms(history: list[Line]) -> list[Line]:
    """Return the history of the forms with a case at its end for each form that it does not hold."""
    forms: Forms = json.loads(FROZEN.read_text("utf-8"))
    found = list(history)
    for topic, version in missing_forms(history):
        for line_topic, line_version in dict.fromkeys([("case_opened", "1"), (topic, version)]):
            if line_topic == "case_opened" and topic in OWN | VIEWERS:
                continue
            found.append(_sample(line_topic, line_version, forms[line_topic][line_version], topic, version, len(found)))
    return found


def _sample(topic: str, version: str, form: Mapping[str, Any], of: str, of_version: str, number: int) -> Line:
    at = BEGAN + number * timedelta(hours=1)
    sensible = SENSIBLE.get(topic, {})
    wanted = {*form["required"], *sensible} if topic != "case_opened" else form["fields"].keys()
    sealed = sorted(name for name in form["sealed"] if name in form["fields"])
    data = {
        name: sensible[name] if name in sensible else 1 if name in form["references"] else value(schema, form)
        for name, schema in form["fields"].items()
        if name in wanted and name not in sealed
    }
    clear: dict[str, Any] = {
        "schema": int(version),
        "occurred_at": write_instant(at),
        "commit": str(uuid5(FIRST_STREAM, f"commit {number}")),
        "actor": {"id": "u-1", "role": "social_worker"},
        "data": data,
    }
    if sealed:
        clear["sealed"] = [sealed]
    stream = OWN_STREAM if topic in OWN else uuid5(FIRST_STREAM, f"{of}/{of_version}")
    return Line(str(stream), topic, write_instant(at), orjson.dumps(clear, option=orjson.OPT_SORT_KEYS).decode())


def value(schema: Mapping[str, Any], form: Mapping[str, Any]) -> Any:
    """Return the plainest value that a schema of a form allows."""
    if "$ref" in schema:
        return value(form["definitions"][schema["$ref"].rpartition("/")[2]], form)
    if "anyOf" in schema:
        return value(next(one for one in schema["anyOf"] if one.get("type") != "null"), form)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "array":
        return [value(schema["items"], form)] if "items" in schema else []
    if kind == "object":
        return {name: value(one, form) for name, one in schema.get("properties", {}).items()}
    if kind == "integer":
        return max(1, schema.get("minimum", 1))
    return {"boolean": True, "number": 1}.get(str(kind)) or _text(schema)


def _text(schema: Mapping[str, Any]) -> str:
    pattern = str(schema.get("pattern", ""))
    if schema.get("format") == "uuid":
        return str(uuid5(FIRST_STREAM, "case_opened/1"))
    if schema.get("format") == "date":
        return "2020-01-01"
    if schema.get("format") == "date-time":
        return "2020-01-01T08:00:00.000000Z"
    if "{64}" in pattern:
        return "ab" * 32
    if pattern.startswith("^P("):
        return "P6W"
    if pattern.startswith("^[0-9]{1,2}"):
        return "39+5"
    return "4" if set(schema) == {"type"} else "eksempel"


def freezing() -> bool:
    """Whether new lines and rows are to be written."""
    return os.environ.get("CASELEDGER_FREEZE") == "1"


def as_values(history: Iterable[Line]) -> list[dict[str, str]]:
    """Return lines as they are written."""
    return [asdict(line) for line in history]
