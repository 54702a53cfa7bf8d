"""Samples of looks for those who may know who has looked; the sample itself goes on record as a look, with its seed."""

import asyncio
from collections.abc import Mapping
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
from domain.look_verdicts import LookVerdictGiven
from domain.looks import Look, look_of
from ledger.store import Ledger
from projections.access import REMEMBERED
from projections.look_sample import WHOLE, Draw, drawn
from projections.look_verdicts import verdicts_on

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
    verdicts: Mapping[int, LookVerdictGiven]
    access_position: int


class LookSampler:
    """Draws samples from the looks of one ledger."""

    def __init__(self, ledger: Ledger, reader: CaseReader) -> None:
        self._ledger, self._door = ledger, reader.door

    async def draw(
        self, principal: Principal, draw: Draw, judged_upto: int | None = None, what: str = WHAT
    ) -> SampleLook:
        """Return a sample of the looks somebody may know of; raises Forbidden, LookNotRecorded.

        Those are the ones at cases they look after, and of nobody's case those of their own organisation; each with
        its verdict as on record at a position (None: now). ``what`` is the name of the look this is itself.
        """
        visible = await self._door.visible(principal, Act.LOOKS_READ, WHAT)
        among, told = await asyncio.to_thread(self._told, principal, draw, visible)
        verdicts = await asyncio.to_thread(verdicts_on, self._ledger, [one.position for one in told], judged_upto)
        cases = tuple(dict.fromkeys(case for one in told for case in one.cases))
        drawn_so = f"{what}:{draw.share * 100 // WHOLE}-{draw.seed}"
        access = await self._door.looks.record(principal, Shown(drawn_so, cases, position=draw.upto))
        return SampleLook(draw, among if visible.all_but else None, told, verdicts, access)

    async def told(self, principal: Principal, draw: Draw, act: Act) -> tuple[SampledLook, ...]:
        """Return the looks of a sample about which somebody may do something; raises Forbidden."""
        visible = await self._door.visible(principal, act, act.value)
        return (await asyncio.to_thread(self._told, principal, draw, visible))[1]

    def _told(self, principal: Principal, draw: Draw, visible: CaseSet) -> tuple[int, tuple[SampledLook, ...]]:
        among, entries = drawn(self._ledger, draw)
        return among, tuple(sampled(entry) for entry in entries if _is_told(entry, visible, principal))


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
