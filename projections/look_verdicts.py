"""The verdicts on looks, as they were on record at any position: each look has a stream of its own for them."""

from collections.abc import Iterable, Mapping
from uuid import UUID, uuid5

from domain.entries import Entry
from domain.events.access import LookJudged
from domain.look_verdicts import LookVerdictGiven, verdict_of
from ledger.mapper import read_clear
from ledger.store import Ledger


def stream_of(ledger: UUID, look: int) -> UUID:
    """Return the stream that holds the verdicts on a look, by its position."""
    return uuid5(ledger, f"verdict on look {look}")


def verdicts_on(ledger: Ledger, looks: Iterable[int], upto: int | None = None) -> Mapping[int, LookVerdictGiven]:
    """Return the verdicts on some looks, as they were on record at a position (None: now)."""
    streams = {stream_of(ledger.id, look): look for look in looks}
    found: dict[int, list[Entry]] = {}
    for row in ledger.read_kinds(list(streams), [LookJudged.TOPIC]) if streams else ():
        if upto is None or row.position <= upto:
            found.setdefault(streams[row.stream], []).append(read_clear(row))
    given = {look: verdict_of(entries) for look, entries in found.items()}
    return {look: one for look, one in given.items() if one is not None}
