"""Keeping searches of the log under names: in a stream of whoever keeps them, sealed under a key of that stream."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4, uuid5

from api.door import Door
from api.drafting import Commit
from api.log_searching import WHAT
from api.principals import Principal
from api.recording import KeyReused, RecordingError, request_digests
from domain.authority import Act
from domain.entries import Draft, Entry
from domain.errors import Refused
from domain.events.access import SearchDropped, SearchKept
from domain.events.base import Envelope
from domain.kept_searches import MOST_KEPT, KeptSearch, kept_searches, same_name
from ledger.keys import key_commitment
from ledger.requests import Appended, Conflict, Mismatched, Part, Request
from ledger.store import Ledger

MOST_ATTEMPTS = 5

Decide = Callable[[tuple[KeptSearch, ...], UUID], SearchKept | SearchDropped | None]
"""What goes on record of the searches kept so far and the key of their stream; None for nothing."""


class TooManyKept(Refused):
    """Somebody keeps as many searches as one may."""

    def __init__(self) -> None:
        super().__init__(f"{MOST_KEPT} searches are kept already: let one go first.")


class SearchShelf:
    """The searches that staff of one ledger keep; nobody sees those of others."""

    def __init__(self, ledger: Ledger, door: Door) -> None:
        self._ledger, self._door = ledger, door

    async def of(self, principal: Principal) -> tuple[KeptSearch, ...]:
        """Return the searches somebody keeps, by name."""
        return kept_searches(await asyncio.to_thread(self._entries, self._stream(principal)))

    async def keep(self, principal: Principal, kept: KeptSearch, commit: Commit) -> None:
        """Keep a search; one of the same name gives way. Raises Forbidden, TooManyKept, KeyReused.

        Nothing is written where it is kept so already.
        """

        def decide(known: tuple[KeptSearch, ...], key: UUID) -> SearchKept | None:
            names = {same_name(one.name) for one in known}
            if kept in known:
                return None
            if same_name(kept.name) not in names and len(names) >= MOST_KEPT:
                raise TooManyKept
            digest = key_commitment(self._ledger.keys.get(key)).hex()
            return SearchKept(key=key, key_commitment=digest, label=kept.name, query=kept.query)

        await self._change(principal, commit, decide)

    async def drop(self, principal: Principal, name: str, commit: Commit) -> None:
        """Let the search of a name go; nothing is written where none is kept. Raises Forbidden, KeyReused."""

        def decide(known: tuple[KeptSearch, ...], _: UUID) -> SearchDropped | None:
            found = next((one for one in known if same_name(one.name) == same_name(name)), None)
            return None if found is None else SearchDropped(label=found.name)

        await self._change(principal, commit, decide)

    async def _change(self, principal: Principal, commit: Commit, decide: Decide) -> None:
        await self._door.require(principal, Act.BOARD_READ, WHAT)
        for _ in range(MOST_ATTEMPTS):
            if await self._try(principal, commit, decide):
                return
        raise RecordingError("others changed the same searches at the same time")

    async def _try(self, principal: Principal, commit: Commit, decide: Decide) -> bool:
        """Return whether the change is on record, or was needless; False where another was faster."""
        request_key, fingerprint = request_digests(self._ledger.keys, principal, commit)
        known = await asyncio.to_thread(self._ledger.find_request, request_key)
        if known is not None:
            if known[0] != fingerprint:
                raise KeyReused
            return True
        stream = self._stream(principal)
        entries = await asyncio.to_thread(self._entries, stream)
        key = UUID(entries[0].data["key"]) if entries else await asyncio.to_thread(self._ledger.keys.create)
        event = decide(kept_searches(entries), key)
        if event is None:
            return True
        now = await asyncio.to_thread(self._ledger.now)
        envelope = Envelope(occurred_at=now, actor=principal.actor, commit=uuid4())
        draft = Draft(stream, len(entries) + 1, event, envelope, case_key=key)
        part = Part(stream, len(entries), (self._ledger.mapper.to_new_event(draft),))
        answer = await self._ledger.appender.append(Request((part,), request_key, fingerprint, now))
        if isinstance(answer, Mismatched):
            raise KeyReused
        if not isinstance(answer, Appended | Conflict):
            raise RecordingError("the ledger refused the stored form of an event")
        return isinstance(answer, Appended)

    def _entries(self, stream: UUID) -> list[Entry]:
        return [self._ledger.mapper.to_domain_event(row) for row in self._ledger.read_stream(stream)]

    def _stream(self, principal: Principal) -> UUID:
        return uuid5(self._ledger.id, f"searches of {principal.id}")
