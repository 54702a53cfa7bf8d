"""A process of its own that writes: ``python -m tests.ledger.writer CONNINFO HOME NAME COUNT``.

It appends COUNT requests, twenty at a time, to fifty streams of its own. Each has a key made of NAME and its number, so
that a second run under the same name repeats what the first has written and adds what it has not.
"""

import asyncio
import sys
from hashlib import sha256
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from ledger.keys import file_keys
from ledger.requests import Appended
from ledger.store import Ledger
from tests.ledger.samples import fact, one, opening

STREAMS = 50
PAUSE_SECONDS = 0.05
"""Between twenty requests and the next: so long that a writer is still at work when it is killed."""


def stream_of(name: str, number: int) -> UUID:
    """Return the stream that takes request ``number`` of a writer."""
    return uuid5(NAMESPACE_URL, f"{name} {number % STREAMS}")


async def write(ledger: Ledger, name: str, count: int) -> None:
    """Append, and print the number of each request that the ledger has confirmed."""
    for first in range(0, count, 20):
        numbers = range(first, min(first + 20, count))
        answers = await asyncio.gather(*(append(ledger, name, number) for number in numbers))
        for number, answer in zip(numbers, answers, strict=True):
            assert isinstance(answer, Appended), answer
            sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        await asyncio.sleep(PAUSE_SECONDS)


async def append(ledger: Ledger, name: str, number: int) -> object:
    """Append one request; the first of each stream opens a case."""
    event = opening(f"{name} {number}") if number < STREAMS else fact(hours_per_week=number)
    key = sha256(f"{name} {number}".encode()).digest()
    return await ledger.appender.append(one(stream_of(name, number), None, event, key=key))


def main(conninfo: str, home: str, name: str, count: str) -> None:
    """Write into the ledger at an address."""
    ledger = Ledger(conninfo, file_keys(Path(home)))
    try:
        asyncio.run(write(ledger, name, int(count)))
    finally:
        ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
