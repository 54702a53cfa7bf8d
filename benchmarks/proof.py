"""What it costs that the log is signed: appending beside the publisher, publishing, proofs, receipts with their proof.

The peer of a figure that has no other is the aim itself.
"""

import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from statistics import median, quantiles

from api.opening import Place
from benchmarks.append import clear_event, ours
from benchmarks.erasure import fill
from benchmarks.http import SERVE, loaded, serving
from benchmarks.measure import Figure, Load, compare, interleaved, now
from ledger.proof.publisher import Publisher
from ledger.proof.records import ProofRecords
from ledger.store import Ledger

CALLERS, ROUNDS, SECONDS = 64, 3, 11.0
"""Long enough for two rounds of the publisher."""

FEW, MANY = 10_000, 1_000_000
PROOFS = 200
WAITING = (1, 8)
AIM_FEW, AIM_GROWING, AIM_PROOF, AIM_RECEIPT = 250.0, 50_000.0, 10.0, 250.0
"""Milliseconds; events a second; milliseconds; milliseconds."""


def figures(place: Place, home: Path) -> list[Figure]:
    """Return what it costs in a ledger that ends with a million events."""
    found = [*_receipts(place, home), _appending(place, home)]
    with place.ledger() as ledger, closing(Publisher(place.conninfo, place.signer(ledger.id))) as publisher:
        publisher.prepare(place.origin(ledger.id))
        publisher.publish()
        found += [_publishing_few(ledger, publisher), _publishing_many(ledger, publisher), _proving(ledger)]
    return found


def _receipts(place: Place, home: Path) -> list[Figure]:
    """Measure decisions over HTTP, each answered with its proof by a checkpoint of its own."""
    with serving(place, home, SERVE) as port:
        loads = {waiting: loaded(port, waiting, "decisions") for waiting in WAITING}
    title = "POST a decision, answer with proof, p95, {} connections, aim"
    return [compare(title.format(n), one.p95, AIM_RECEIPT, "ms", 1.0, "lower") for n, one in loads.items()]


def _appending(place: Place, home: Path) -> Figure:
    found = interleaved(
        {
            "with": partial(_beside, place, home),
            "without": partial(ours, place.conninfo, CALLERS, clear_event, SECONDS),
        },
        ROUNDS,
    )
    title = f"append, {CALLERS} callers, with publisher beside vs without"
    return compare(title, found["with"].rate, found["without"].rate, "events/s", 0.9)


def _beside(place: Place, home: Path) -> Load:
    with _publisher(place, home):
        return ours(place.conninfo, CALLERS, seconds=SECONDS)


@contextmanager
def _publisher(place: Place, home: Path) -> Generator[None]:
    """Publish in a process of its own, as the worker does, from the first checkpoint on."""
    command = [sys.executable, "-m", "benchmarks.publishing", place.conninfo, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        try:
            if child.stdout is None or not child.stdout.readline():
                raise RuntimeError("the publisher did not start")
            yield
        finally:
            child.terminate()


def _publishing_few(ledger: Ledger, publisher: Publisher) -> Figure:
    taken: list[float] = []
    for _ in range(5):
        fill(ledger, FEW)
        begun = now()
        publisher.publish()
        taken.append((now() - begun) * 1000)
    return compare(f"publish, {FEW:,} events behind, aim", median(taken), AIM_FEW, "ms", 1.0, "lower")


def _publishing_many(ledger: Ledger, publisher: Publisher) -> Figure:
    begun, before = now(), ledger.head().size
    fill(ledger, MANY)
    print(f"appended {MANY:,} events in {now() - begun:.0f} s")
    begun = now()
    size = publisher.publish() or 0
    elapsed = now() - begun
    print(f"published {size - before:,} events in {elapsed:.1f} s")
    return compare(f"publish, {MANY:,} events behind, aim", (size - before) / elapsed, AIM_GROWING, "events/s", 1.0)


def _proving(ledger: Ledger) -> Figure:
    """Measure proofs of entries anywhere in the ledger, each made from the tiles as they are stored."""
    records, random = ProofRecords(ledger), Random(1)
    published = records.latest()
    if published is None:
        raise RuntimeError("nothing is published")
    taken: list[float] = []
    for _ in range(PROOFS):
        position = random.randint(1, published.checkpoint.size)
        begun = now()
        records.proof(position, published)
        taken.append((now() - begun) * 1000)
    title = f"inclusion proof, {published.checkpoint.size:,} events, p95, aim"
    return compare(title, quantiles(taken, n=20)[-1], AIM_PROOF, "ms", 1.0, "lower")
