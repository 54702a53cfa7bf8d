"""Verdicts on looks of a sample: given by somebody else, on record in a stream of their own for each look."""

import asyncio
from uuid import uuid4

from api.drafting import Commit
from api.look_sample import LookSampler, SampledLook
from api.principals import Principal
from api.recording import KeyReused, RecordingError, request_digests
from domain.authority import Act
from domain.entries import Draft
from domain.errors import Malformed, Problem, Refused
from domain.events.access import LookJudged, LookVerdict
from domain.events.base import Envelope
from domain.look_verdicts import GROUNDS, verdict_of
from ledger.mapper import read_clear
from ledger.requests import Appended, Conflict, Mismatched, Part, Request
from ledger.store import Ledger
from projections.look_sample import Draw
from projections.look_verdicts import stream_of

JUDGED_BEFORE = "This look was judged before: a second verdict changes nothing."


class LookJudge:
    """Puts verdicts on the looks of one ledger on record."""

    def __init__(self, ledger: Ledger, sampler: LookSampler) -> None:
        self._ledger, self._sampler = ledger, sampler

    async def judge(
        self, principal: Principal, draw: Draw, look: int, verdict: LookVerdict, grounds: str, commit: Commit
    ) -> None:
        """Put a verdict on a look of a sample on record.

        Raises Forbidden; Malformed for a look that is not of the sample, or grounds of another verdict; Refused for
        one's own look, one whose content is gone, or one that was judged before; KeyReused.
        """
        if grounds not in GROUNDS[verdict]:
            raise Malformed([Problem("/grounds", f"must be of: {', '.join(GROUNDS[verdict])}")])
        told = await self._sampler.told(principal, draw, Act.LOOK_JUDGE)
        _check(next((one for one in told if one.position == look), None), principal)
        stream = stream_of(self._ledger.id, look)
        before, now = await asyncio.to_thread(lambda: (self._ledger.read_stream(stream), self._ledger.now()))
        given = verdict_of(map(read_clear, before))
        request_key, fingerprint = request_digests(self._ledger.keys, principal, commit)
        if given is not None and given.stands and not await self._is_repeat(request_key):
            raise Refused(JUDGED_BEFORE)
        event = LookJudged(
            look=look, verdict=verdict, grounds=grounds, since=draw.since, until=draw.until, share=draw.share,
            seed=draw.seed, upto=draw.upto,
        )  # fmt: skip
        envelope = Envelope(occurred_at=now, actor=principal.actor, commit=uuid4())
        new_event = self._ledger.mapper.to_new_event(Draft(stream, len(before) + 1, event, envelope))
        part = Part(stream, len(before), (new_event,))
        answer = await self._ledger.appender.append(Request((part,), request_key, fingerprint, now))
        match answer:
            case Appended():
                return
            case Conflict():
                raise Refused(JUDGED_BEFORE)
            case Mismatched():
                raise KeyReused
            case _:
                raise RecordingError("the ledger refused the stored form of an event")

    async def _is_repeat(self, request_key: bytes) -> bool:
        return await asyncio.to_thread(self._ledger.find_request, request_key) is not None


def _check(look: SampledLook | None, principal: Principal) -> None:
    if look is None:
        raise Malformed([Problem("/look", "names no look of this sample that you may judge: use one of the list")])
    if look.look is None:
        raise Refused("The content of this look is removed: nothing is left to judge.")
    if look.look.viewer == principal.id:
        raise Refused("Nobody judges their own look: leave it to somebody else.")
