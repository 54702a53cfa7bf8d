"""Samples of looks for those who may know who has looked; the sample itself goes on record as a look, with its seed."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api.looks import Shown
from api.principals import Principal
from api.reading import CaseReader
from domain.authority import Act
from domain.case_set import CaseSet
from domain.entries import Entry
from domain.events.access import RecordViewed
from domain.known import many
from domain.looks import Look, look_of
from ledger.store import Ledger
from projections.access import REMEMBERED
from projections.look_sample import WHOLE, Draw, drawn

WHAT = "look_sample"


@dataclass(frozen=True, slots=True)
class SampledLook:
    """A look of a sample with the cases it showed; ``export`` says what left as a file instead.

    ``look`` is None where its content was removed after the time it is kept.
    """

    position: int
    look: Look | None
    cases: tuple[UUID, ...]
    export: str | None = None


@dataclass(frozen=True, slots=True)
class SampleLook:
    """A sample as one reader sees it; ``among`` counts what it was drawn from, None where that is not all theirs."""

    draw: Draw
    among: int | None
    sampled: tuple[SampledLook, ...]
    access_position: int


class LookSampler:
    """Draws samples from the looks of one ledger."""

    def __init__(self, ledger: Ledger, reader: CaseReader) -> None:
        self._ledger, self._door = ledger, reader.door

    async def draw(self, principal: Principal, draw: Draw) -> SampleLook:
        """Return a sample of the looks somebody may know of; raises Forbidden, LookNotRecorded.

        Those are the ones at cases they look after, and of nobody's case those of their own organisation.
        """
        visible = await self._door.visible(principal, Act.LOOKS_READ, WHAT)
        among, entries = await asyncio.to_thread(drawn, self._ledger, draw)
        told = [sampled(entry) for entry in entries if _is_told(entry, visible, principal)]
        cases = tuple(dict.fromkeys(case for one in told for case in one.cases))
        what = f"{WHAT}:{draw.share * 100 // WHOLE}-{draw.seed}"
        access = await self._door.looks.record(principal, Shown(what, cases, position=draw.upto))
        return SampleLook(draw, among if visible.all_but else None, tuple(told), access)


def _is_told(entry: Entry, visible: CaseSet, principal: Principal) -> bool:
    cases = [UUID(case) for case in many(entry.data.get("cases"))]
    if cases:
        return all(case in visible for case in cases)
    return visible.all_but or entry.actor.organisation == principal.organisation


def sampled(entry: Entry) -> SampledLook:
    """Return a look or an export as a sample tells it."""
    cases = tuple(UUID(case) for case in many(entry.data.get("cases")))
    if entry.topic != RecordViewed.TOPIC:
        export = f"{entry.data['what']} ({entry.data['format']})"
        return SampledLook(entry.position, _exported(entry), cases, export)
    if not entry.data:
        return SampledLook(entry.position, None, cases)
    values: dict[str, Any] = {name: entry.data[name] for name in REMEMBERED if entry.data.get(name) is not None}
    return SampledLook(entry.position, look_of(entry.stream, entry.position, entry.recorded_at, values), cases)


def _exported(entry: Entry) -> Look:
    actor = entry.actor
    return Look(
        key=entry.stream,
        position=entry.position,
        looked_at=entry.recorded_at,
        viewer=actor.id,
        role=actor.role,
        purpose=str(entry.data["purpose"]),
        what="export",
        organisation=actor.organisation,
    )
