"""``make load``: caseworkers, reviewers and supervisors together for some minutes, against limits. Stops by itself.

The service, its worker and its database serve them on the cores there are, over loopback; the load comes from this
process. Tells requests a second and how long answers took by route, what did not succeed, and the memory of each
process in the middle and at the end.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles

import uvloop

from api.opening import Place
from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from benchmarks.filling import fill
from benchmarks.http import SERVE, serving
from benchmarks.measure import LATEST, Figure, compare, now, report
from benchmarks.processes import Memory, sampled
from benchmarks.users import ROLES, Record, until_ready
from domain.time import COPENHAGEN
from ledger.creation import create_database
from ledger.embedded import EmbeddedPostgres
from ledger.keys import file_keys

CASES = 3_000
"""Cases that are there before anybody comes."""

READY_SECONDS, GRACE_SECONDS = 120, 60
SAMPLE_SECONDS = 1.0
MOST_COMMIT_MS, MOST_PAGE_MS, MOST_BOARD_MS = 1_000.0, 1_000.0, 3_000.0
"""Limits of the 99th percentile: what people wait for without losing the thread, and what a board may take."""

LIMITS: Mapping[str, float] = {
    "POST /cases/{case}/commits": MOST_COMMIT_MS,
    "GET /sager/{case}": MOST_PAGE_MS,
    "GET /cases/{case}?known_at": MOST_PAGE_MS,
    "GET /deadlines": MOST_BOARD_MS,
}
LEAST_REQUESTS = 16.0
"""Appends a second of the largest municipality at its peak in the high year, by docs/scale.md: each answer is one."""

MOST_GROWTH = 1.1


def main() -> None:
    """Run the load for the minutes named."""
    parser = argparse.ArgumentParser(prog="make load", description="Mixed load on this machine.")
    parser.add_argument("minutes", nargs="?", type=float, default=2.0)
    minutes: float = parser.parse_args().minutes
    begun = now()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder)) as server:
            create_database(server.conninfo("postgres"), "load")
            conninfo = server.conninfo("load")
            place = Place(conninfo, conninfo, file_keys(Path(folder)), Path(folder))
            _prepare(place)
            with serving(place, Path(folder), SERVE) as port:
                record, memory = uvloop.run(_run(port, minutes * 60))
    _tell(record, minutes * 60)
    report(list(_figures(record, memory, minutes * 60)), now() - begun, LATEST.with_name("latest-load.json"))


def _prepare(place: Place) -> None:
    place.create("Loaded", datetime(2020, 1, 1, tzinfo=COPENHAGEN))
    with place.ledger() as ledger:
        adopt_shipped(ledger, command_line_principal("measure", internal=True), ledger.now())
        fill(ledger, CASES)


async def _run(port: int, seconds: float) -> tuple[Record, Memory]:
    """Let everybody use the service until the time is over; raises TimeoutError where somebody is never answered."""
    await until_ready(port, READY_SECONDS)
    record, until = Record(), now() + seconds
    users = [role(port, record, until) for role, number in ROLES.items() for _ in range(number)]
    async with asyncio.timeout(seconds + GRACE_SECONDS):
        taken = asyncio.create_task(sampled(until, SAMPLE_SECONDS))
        await asyncio.gather(*users)
        return record, await taken


def _tell(record: Record, seconds: float) -> None:
    """Print how long answers took by route, and what went wrong."""
    print(f"\n{'':30} {'requests':>9} {'/s':>8} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8}")
    for route, durations in sorted(record.durations.items()):
        p50, p95, p99 = (percentile(durations, share) for share in (50, 95, 99))
        print(f"{route:30} {len(durations):>9,} {len(durations) / seconds:>8.1f} {p50:>8.1f} {p95:>8.1f} {p99:>8.1f}")
    for error, times in record.errors.most_common():
        print(f"{times:>6} times: {error}")
    print()


def percentile(durations: list[float], share: int) -> float:
    """Return a percentile of durations in seconds, in milliseconds."""
    return (quantiles(durations, n=100)[share - 1] if len(durations) > 1 else durations[0]) * 1000


def _figures(record: Record, memory: Memory, seconds: float) -> Iterator[Figure]:
    """Yield what was measured against its limits."""
    total = sum(map(len, record.durations.values()))
    yield compare("mixed load, requests/s, limit", total / seconds, LEAST_REQUESTS, "requests/s", 1.0)
    failed = sum(record.errors.values())
    yield compare("mixed load, answers that fail, all", failed, total + failed, "requests", 0.0, "lower")
    for route, limit in LIMITS.items():
        if record.durations[route]:
            p99 = percentile(record.durations[route], 99)
            yield compare(f"mixed load, {route}, p99, limit", p99, limit, "ms", 1.0, "lower")
    for process, sizes in memory.items():
        middle, end = _around(sizes, 0.5), _around(sizes, 0.95)
        yield compare(f"mixed load, memory of {process}, end vs middle", end, middle, "MB", MOST_GROWTH, "lower")


def _around(sizes: list[float], share: float) -> float:
    """Return the median of the tenth of samples about a place between beginning (0) and end (1)."""
    begin, end = int(len(sizes) * (share - 0.05)), int(len(sizes) * (share + 0.05))
    return median(sizes[begin : max(end, begin + 1)])


if __name__ == "__main__":
    main()
