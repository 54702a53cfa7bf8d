"""A random sample of looks and exports that anybody can draw again: the seed decides, and the order recorded."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.entries import Entry
from domain.events.access import RecordViewed
from domain.events.administration import Exported
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections.looks import LOOKS

TOPICS = (RecordViewed.TOPIC, Exported.TOPIC)
WHOLE = 10_000
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Draw:
    """What a sample is drawn from and how: a stretch of time, both ends counted in, a share of 10,000, a seed.

    ``upto`` is the last position that counts: later looks do not change a sample that was drawn.
    """

    since: datetime
    until: datetime
    share: int
    seed: str
    upto: int


def drawn(ledger: Ledger, draw: Draw) -> tuple[int, tuple[Entry, ...]]:
    """Return how many looks and exports the stretch holds, and those drawn, in the order recorded."""
    bounds = {
        "topics": list(TOPICS),
        "after": ledger.position_at(draw.since - TICK),
        "upto": min(draw.upto, ledger.position_at(draw.until)),
    }
    ((among,),) = ledger.query(LOOKS["drawn_from"], bounds)
    rows = ledger.query(LOOKS["sample"], bounds | {"seed": draw.seed, "share": draw.share})
    return among, tuple(read_clear(StoredRow(*row)) for row in rows)
