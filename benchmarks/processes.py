"""The memory of the processes that this one has started, by what they are: their own share in MB, read from /proc."""

import asyncio
from collections import defaultdict
from contextlib import suppress
from os import getpid
from pathlib import Path

from benchmarks.measure import now

Memory = dict[str, list[float]]
"""Samples in MB by kind of process, in the order taken."""

KINDS = {"api serve": "the service", "api worker": "the worker", "postgres": "the database"}
PROC = Path("/proc")


async def sampled(until: float, seconds: float) -> Memory:
    """Take a sample every so many seconds until an instant."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    while now() < until:
        for kind, size in (await asyncio.to_thread(sizes)).items():
            found[kind].append(size)
        await asyncio.sleep(seconds)
    return dict(found)


def sizes() -> dict[str, float]:
    """Return the memory of every kind, of all its processes together; shared pages are shared out among them."""
    parents = {pid: parent for pid in _pids() if (parent := _parent(pid)) is not None}
    found: defaultdict[str, float] = defaultdict(float)
    for pid in parents:
        kind = _kind(pid) if _descends(pid, parents) else None
        if kind is not None:
            found[kind] += _megabytes(pid)
    return found


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal()]


def _parent(pid: int) -> int | None:
    """Return the parent of a process; None where it has ended."""
    with suppress(OSError):
        return int((PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return None


def _descends(pid: int, parents: dict[int, int]) -> bool:
    own, at = getpid(), parents.get(pid)
    while at is not None and at != own:
        at = parents.get(at)
    return at == own


def _kind(pid: int) -> str | None:
    command = ""
    with suppress(OSError):
        command = (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return next((kind for words, kind in KINDS.items() if words in command), None)


def _megabytes(pid: int) -> float:
    """Return a process's share of memory (Pss), or 0 where it has ended or may not be looked at."""
    with suppress(OSError):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
