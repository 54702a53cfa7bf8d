"""The commands ``caseledger replay``: fold views anew and compare, or let readers see the new rows."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from api.cli_verify import bar
from ledger.settings import Settings

if TYPE_CHECKING:
    from projections.view import AnyView
    from replay.rebuild import Comparison, Difference, Progressed

Handler = Callable[[argparse.Namespace, Settings], int]
LINE_SECONDS = 10.0
"""How far apart lines of progress are where there is no terminal."""


class NoSuchView(Exception):
    """A view was named that there is not."""


class _Act(Protocol):
    def __call__(
        self, conninfo: str, view: "AnyView", progress: Callable[["Progressed"], None], workers: int
    ) -> "Comparison":
        """Fold a view anew."""
        ...


def add_replay(add: Callable[[str, Handler, str], argparse.ArgumentParser]) -> None:
    """Add the commands; ``add`` takes name, handler and what a command does."""
    for name, handler, text in (
        ("verify", _verify, "fold views anew and compare row for row; exit code 1 on a difference"),
        ("rebuild", _rebuild, "fold views anew and let readers see the new rows; readers never wait"),
    ):
        command = add(name, handler, text)
        command.add_argument("views", nargs="*", metavar="VIEW", help="which views (all of them)")
        command.add_argument("--workers", type=_workers, default=_cores(), metavar="N", help="processes (one per core)")
        command.add_argument("--json", action="store_true", help="print the outcome as one JSON document")


def _workers(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 64:
        raise argparse.ArgumentTypeError("must be a number from 1 to 64")
    return int(text)


def _cores() -> int:
    return min(64, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _verify(options: argparse.Namespace, settings: Settings) -> int:
    from replay.rebuild import verify_view

    return _over_views(options, settings, verify_view, "verified")


def _rebuild(options: argparse.Namespace, settings: Settings) -> int:
    from replay.rebuild import rebuild_view

    return _over_views(options, settings, rebuild_view, "rebuilt")


def _over_views(options: argparse.Namespace, settings: Settings, act: _Act, done: str) -> int:
    import orjson

    from api.opening import opened

    views = _named(options.views)
    found: list[Comparison] = []
    with opened(settings) as place, place.ledger():
        for view in views:
            comparison = act(place.conninfo, view, _Telling(), options.workers)
            found.append(comparison)
            if not options.json:
                print("\n".join(comparison_lines(comparison, done)), flush=True)
    if options.json:
        print(orjson.dumps({"views": [comparison_values(one) for one in found]}, option=orjson.OPT_INDENT_2).decode())
    return 0 if all(comparison.sound for comparison in found) else 1


def _named(names: Sequence[str]) -> list["AnyView"]:
    from projections.view import VIEWS

    for name in names:
        if name not in VIEWS and name != "all":
            raise NoSuchView(f"there is no view {name}; choose among: {', '.join(VIEWS)}, or all")
    return [view for name, view in VIEWS.items() if not names or "all" in names or name in names]


class _Telling:
    """Tells how far a view is: a bar with rate and time left on a terminal, elsewhere a line now and then."""

    def __init__(self) -> None:
        self._begun = self._told = time.monotonic()
        self._before: int | None = None

    def __call__(self, progressed: "Progressed") -> None:
        """Tell it."""
        now = time.monotonic()
        if self._before is None:
            self._before = progressed.events
        line = partial(bar, progressed.events, progressed.of, now - self._begun, self._before)
        if progressed.note:
            sys.stderr.write(f"{progressed.view}: {progressed.note}\n")
        if sys.stderr.isatty():
            ended = progressed.events >= progressed.of > 0
            sys.stderr.write(f"\r{progressed.view:12} {line()}" + ("\n" if ended else ""))
        elif now - self._told >= LINE_SECONDS:
            self._told = now
            sys.stderr.write(f"{progressed.view}: {line().split(']', 1)[1].strip()}\n")
        sys.stderr.flush()


def comparison_lines(comparison: "Comparison", done: str) -> Iterator[str]:
    """Yield the lines about one view: how many rows differ, and the event at which the first does with both values."""
    counted = f"{comparison.rows} rows of {comparison.keys} keys up to position {comparison.position}"
    if comparison.version != comparison.replaced:
        done += f" as version {comparison.version} instead of {comparison.replaced}"
    same = ", equal row for row" if comparison.equal else ""
    yield f"{comparison.view}: {done}, {counted}: {comparison.differing} of {comparison.rows} rows differ{same}"
    first = comparison.first
    if first is not None:
        yield f"  first at  position {first.position}, {_event(first)}"
        yield f"  row       {first.part or '-'} of {first.key}"
        yield f"  folded    {_value(first.expected)}"
        yield f"  live view {_value(first.found)}"


def _event(first: "Difference") -> str:
    if first.topic is None:
        return "where the ledger has no event"
    return f"{first.topic} (version {first.schema} of its form), entry {first.version} of {first.stream}"


def _value(value: Any) -> str:
    import orjson

    return "nothing" if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def comparison_values(comparison: "Comparison") -> dict[str, Any]:
    """Return the outcome for one view as JSON values. Values of views hold codes, dates and references, no texts."""
    from dataclasses import asdict

    return asdict(comparison) | {"equal": comparison.equal}
