"""Trying a view of one's own: a file with one view, folded from working files by the fold every view goes through.

Nothing is asked of a ledger, and nothing is written to one: the file and the folder are all there is.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import orjson

from domain.events import BY_TOPIC
from projections.view import EntryView, View
from replay.population import Row, folded, share_events, shares_in
from replay.release_rows import ClearRow


class NoViewToTry(Exception):
    """The file is no module with one view in it; the message says what is wrong."""


@dataclass(slots=True)
class Tried:
    """What came of a view: its rows, of how many keys, how those of the end stand, and by which upcasters it read.

    ``upcast`` counts the events that were read from an older form, by topic, that form and the newest.
    """

    view: str
    rows: list[Row] = field(default_factory=list[Row])
    events: int = 0
    upcast: Counter[tuple[str, int, int]] = field(default_factory=Counter[tuple[str, int, int]])

    @property
    def keys(self) -> int:
        """Of how many keys there are rows."""
        return len({row.key for row in self.rows})

    @property
    def standing(self) -> Counter[str]:
        """How many of the rows known in the end stand how."""
        return Counter(str(row.value.get("status", "-")) for row in self.rows if row.known_to is None)

    @property
    def sha256(self) -> str:
        """The hash of all rows: the same view over the same files has the same."""
        return sha256(b"".join(map(row_line, self.rows))).hexdigest()


def try_view(folder: Path, path: Path, notify: Callable[[int, int], None]) -> Tried:
    """Fold the view of a file from working files; raises NoViewToTry, NotWorkingFiles and ViewStopped."""
    view, shares = view_in(path), shares_in(folder)
    tried = Tried(view.name)
    for number in range(shares):
        tried.rows += folded(view, _read(share_events(folder, number), view, tried))
        notify(number + 1, shares)
    tried.rows.sort(key=lambda row: (row.key, row.part, row.known_from))
    return tried


def view_in(path: Path) -> View | EntryView:
    """Return the one view that a Python file makes; raises NoViewToTry."""
    found = [one for one in vars(_module(path)).values() if isinstance(one, View | EntryView)]
    if len(found) != 1:
        raise NoViewToTry(f"{path.name} makes {len(found)} views: let one name in it be a view, as in docs/views.md")
    return found[0]


def row_line(row: Row) -> bytes:
    """Return a row as one line of JSON."""
    said = {"key": str(row.key), "part": row.part, "known_from": row.known_from, "known_to": row.known_to}
    return orjson.dumps(said | {"value": row.value}, option=orjson.OPT_SORT_KEYS) + b"\n"


def _module(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path) if path.is_file() and path.suffix == ".py" else None
    if spec is None or spec.loader is None:
        raise NoViewToTry(f"{path.name}: there is no such file of Python: name one that ends in .py")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise NoViewToTry(
            f"{path.name} cannot be run ({type(error).__name__}): run it with python to see why"
        ) from error
    return module


def _read(events: Iterable[ClearRow], view: View | EntryView, tried: Tried) -> Iterator[ClearRow]:
    """Yield events, counting those the view reads and of them those in an older form."""
    for event in events:
        if event.topic in view.reads:
            tried.events += 1
            form, newest = orjson.loads(event.clear)["schema"], BY_TOPIC[event.topic].VERSION
            if form < newest:
                tried.upcast[event.topic, form, newest] += 1
        yield event
