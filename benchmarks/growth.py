"""``make growth``: what a write, a page, a board and a search cost over HTTP as the ledger grows, against the smallest.

At each size the service is started anew and one caller asks one thing after the other; how long the service takes to
start, and its memory, are told beside. No figure should move: everything is found by an index or kept in memory.
"""

import argparse
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from random import Random
from statistics import median
from uuid import UUID

import uvloop

from api.opening import Place
from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from benchmarks.grown import ENTRIES, Grown, name_of
from benchmarks.http import SERVE, serving
from benchmarks.measure import LATEST, Figure, compare, now, report
from benchmarks.processes import sizes
from benchmarks.users import CASEWORKER, SUPERVISOR, User, browser, caller, note, until_ready
from domain.time import COPENHAGEN
from ledger.creation import create_database
from ledger.embedded import EmbeddedPostgres
from ledger.keys import file_keys

SIZES = (10_000, 100_000, 1_000_000)
TIMES = 40
READY_SECONDS = 60
FLAT = 1.3
"""How much more a thing may cost in a large ledger than in the smallest: measures of one minute differ by as much."""

Step = Callable[[int], Awaitable[object]]
Costs = dict[str, float]


def main() -> None:
    """Measure at each of the sizes named."""
    parser = argparse.ArgumentParser(prog="make growth", description="Cost by the size of the ledger, in events.")
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES, metavar="EVENTS")
    wanted: list[int] = sorted(parser.parse_args().sizes)
    begun, costs = now(), dict[int, Costs]()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder)) as server:
            create_database(server.conninfo("postgres"), "growth")
            conninfo = server.conninfo("growth")
            place = Place(conninfo, conninfo, file_keys(Path(folder)), Path(folder))
            place.create("Grown", datetime(2020, 1, 1, tzinfo=COPENHAGEN))
            with place.ledger() as ledger:
                adopt_shipped(ledger, command_line_principal("measure", internal=True), ledger.now())
                grown = Grown(ledger, conninfo)
                for size in wanted:
                    costs[size] = _at(size, grown, place, Path(folder))
    report(_figures(costs), now() - begun, LATEST.with_name("latest-growth.json"))


def _at(size: int, grown: Grown, place: Place, home: Path) -> Costs:
    """Grow to a size and return what everything costs there; milliseconds, but for the start (s) and memory (MB)."""
    begun, before = now(), len(grown.cases)
    grown.to(size)
    print(f"{size:>10,} events, {len(grown.cases):,} cases, filled in {now() - begun:.0f} s", flush=True)
    begun = now()
    with serving(place, home, SERVE) as port:
        started = now() - begun
        found = uvloop.run(_measured(port, grown.cases[before:]))
        return {"start": started, "memory of the service": sizes()["the service"]} | found


async def _measured(port: int, cases: list[UUID]) -> Costs:
    """Return the median of each thing asked for, one after the other, of cases in which nobody recorded yet."""
    await until_ready(port, READY_SECONDS)
    leader, pages = await caller(port, SUPERVISOR), await browser(port, SUPERVISOR)
    holder = await browser(port, CASEWORKER)
    steps = _steps(leader, pages, holder, Random(0).sample(cases, min(TIMES + 1, len(cases))))
    found: dict[str, float] = {}
    for name, step in steps.items():
        await step(0)
        found[name] = await _median(step)
    failed = leader.record.errors + pages.record.errors + holder.record.errors
    if failed:
        raise RuntimeError(f"not answered: {dict(failed)}")
    return found


def _steps(leader: User, pages: User, holder: User, cases: list[UUID]) -> Mapping[str, Step]:
    async def commit(number: int) -> None:
        case = cases[number % len(cases)]
        await leader.post("commit", f"/cases/{case}/commits", note(), If_Match=f'"{ENTRIES}"')

    def reading(user: User, path: str) -> Step:
        return lambda number: user.read(path, path.format(case=cases[number % len(cases)]))

    def searching(name: Callable[[int], str]) -> Step:
        return lambda number: leader.post("search", "/searches", {"name": name(number)}, status=200)

    return {
        "POST commit": commit,
        "page of a case": reading(pages, "/sager/{case}"),
        "GET case": reading(leader, "/cases/{case}"),
        "my day": reading(holder, "/min-dag"),
        "list of cases": reading(leader, "/cases"),
        "board of deadlines": reading(leader, "/deadlines"),
        "board of findings": reading(leader, "/findings"),
        "search": searching(name_of),
    }


async def _median(step: Step) -> float:
    durations: list[float] = []
    for number in range(1, TIMES + 1):
        begun = now()
        await step(number)
        durations.append(now() - begun)
    return median(durations) * 1000


def _figures(costs: Mapping[int, Costs]) -> list[Figure]:
    """Return every cost at every size but the smallest, against the smallest."""
    first, *larger = costs
    units = {"start": "s", "memory of the service": "MB"}
    return [
        compare(
            f"{name}, {size:,} vs {first:,} events", value, costs[first][name], units.get(name, "ms"), FLAT, "lower"
        )
        for size in larger
        for name, value in costs[size].items()
    ]


if __name__ == "__main__":
    main()
