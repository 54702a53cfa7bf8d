"""Between events and stored rows: the one place that seals and unseals, so that no path can forget it.

Segment 0 of ``state`` is the clear part: canonical JSON (sorted keys, UTF-8, no floats, fixed-width UTC): ``schema``,
``occurred_at``, ``commit``, ``actor``, ``data`` and, where they apply, ``reached_at``, ``legal_basis``, ``source``,
``reported_without_gate``. Its ``sealed`` lists, segment by segment, the names of the fields sealed there: a name alone
is a field of the data, ``@reason`` the reason of the commit. A sealed segment is the same kind of JSON, name to value.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any
from uuid import UUID

import orjson
from eventsourcing.persistence import JSONTranscoder, StoredEvent
from eventsourcing.persistence import Mapper as LibraryMapper
from eventsourcing.utils import get_topic, register_topic

from domain.entries import Draft, Entry
from domain.erased import NOTHING_ERASED, Erased
from domain.events import BY_TOPIC, upcast
from domain.events.access import RecordViewed
from domain.events.base import Actor, Envelope
from domain.time import read_moment, write_moment
from ledger.errors import KeyErased, KeyMissing
from ledger.format import NIL, Segment, StoredRow, read_segment_table, segment_table, split_state
from ledger.keys import KeyStore
from ledger.requests import NewEvent
from ledger.sealing import Place, seal, unseal

REASON = "@reason"

_actor = lru_cache(1024)(Actor)

for _topic, _event in BY_TOPIC.items():
    register_topic(_topic, _event)


@dataclass(frozen=True)
class SealedEvent(StoredEvent):
    """A stored event with the columns that the library's own kind does not have."""

    actor: UUID = NIL
    blind: bytes = b""
    segments: bytes = b""


def canonical(value: Any) -> bytes:
    """Return the canonical JSON bytes of a value without floats."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


class EventMapper(LibraryMapper[UUID]):
    """Turns drafts into stored events and stored rows into entries, under the keys of one ledger."""

    def __init__(self, keys: KeyStore) -> None:
        super().__init__(JSONTranscoder())
        self._keys = keys
        self._references: dict[str, UUID] = {}

    def to_stored_event(self, domain_event: Any) -> SealedEvent:
        """Seal a draft; raises KeyMissing when a key it needs is gone, ValueError when it has texts but no case key."""
        draft: Draft = domain_event
        topic = get_topic(type(draft.event))
        data = draft.event.model_dump(mode="json", exclude_none=True)
        groups = _sealed_groups(draft, data)
        clear = canonical(_clear_part(draft, data, [sorted(texts) for texts in groups.values()]))
        segments, stored = [Segment.clear(clear)], [clear]
        for number, (key_id, texts) in enumerate(groups.items(), start=1):
            place = Place(draft.stream, draft.version, topic, draft.event.VERSION, number)
            segment, content = seal(self._keys.get(key_id), key_id, place, canonical(texts))
            segments.append(segment)
            stored.append(content)
        return SealedEvent(
            originator_id=draft.stream,
            originator_version=draft.version,
            topic=topic,
            state=b"".join(stored),
            actor=self.actor_reference(draft.envelope.actor.id),
            blind=os.urandom(32),
            segments=segment_table(segments),
        )

    def to_new_event(self, draft: Draft) -> NewEvent:
        """Seal a draft into what the append takes."""
        stored = self.to_stored_event(draft)
        return NewEvent(stored.topic, stored.blind, stored.segments, stored.state, stored.actor)

    def to_domain_event(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, stored_event: Any, gone: Erased = NOTHING_ERASED
    ) -> Entry:
        """Return the entry of a stored row with every text whose key and bytes are here.

        Names the others: as erased, or as unreadable where the key is missing though nobody erased it. What is ``gone``
        by a decision is not opened even where its key is still here, as after a crash or a restore.
        """
        row: StoredRow = stored_event
        if is_emptied(row):
            return read_clear(row)
        segments = read_segment_table(row.segments)
        stored = split_state(segments, row.state)
        clear = orjson.loads(stored[0])
        texts: dict[str, Any] = {}
        erased: list[str] = []
        unreadable: list[str] = []
        for number, names in enumerate(clear.get("sealed", ()), start=1):
            place = Place(row.stream, row.version, row.topic, clear["schema"], number)
            try:
                key = self._opening_key(row, segments[number].key, gone) if number < len(stored) else None
            except KeyErased:
                key = None
            except KeyMissing:
                unreadable.extend(names)
                continue
            if key is None:
                erased.extend(names)
                continue
            texts |= orjson.loads(unseal(key, segments[number], place, stored[number]))
        return _entry(row, clear, texts, tuple(erased), tuple(unreadable))

    def _opening_key(self, row: StoredRow, key_id: UUID, gone: Erased) -> bytes | None:
        """Return the key that opens a segment; None where a decision on record erased it. Raises KeyMissing."""
        if gone.why(row.stream, row.version, key_id) is not None:
            return None
        return self._keys.get(key_id)

    def actor_reference(self, staff_id: str) -> UUID:
        """Return the opaque reference that the actor column holds for a member of staff.

        It is made with the ledger's own key: whoever knows the staff ids cannot tell who it is.
        """
        known = self._references.get(staff_id)
        if known is None:
            known = self._references[staff_id] = UUID(bytes=self._keys.digest("actor", staff_id.encode())[:16])
        return known


def is_emptied(row: StoredRow) -> bool:
    """Whether a row is a look whose content was removed, or is missing."""
    return row.topic == RecordViewed.TOPIC and not row.state


def read_clear(row: StoredRow) -> Entry:
    """Return the entry of a stored row from its clear part alone: folds and the projector run without keys.

    An emptied look says nothing but where and when it stands: its data are empty, and it names nobody.
    """
    return _emptied(row) if is_emptied(row) else entry_of(row, clear_part(row))


def clear_part(row: StoredRow) -> dict[str, Any]:
    """Return the clear part of a row that was not emptied, as it was written; a row cut off after it will do."""
    length = int.from_bytes(row.segments[18:22], "big")
    return orjson.loads(row.state[:length])


def entry_of(row: StoredRow, clear: Mapping[str, Any]) -> Entry:
    """Return the entry of a row whose clear part was read."""
    return _entry(row, clear, {})


def sealed_fields(row: StoredRow) -> tuple[tuple[UUID, tuple[str, ...]], ...]:
    """Return for each sealed segment of a row its key and the names of the fields in it; ``@reason`` is one of them."""
    if is_emptied(row):
        return ()
    segments = read_segment_table(row.segments)
    names = orjson.loads(split_state(segments, row.state)[0]).get("sealed", ())
    return tuple((segment.key, tuple(some)) for segment, some in zip(segments[1:], names, strict=True))


def _sealed_groups(draft: Draft, data: dict[str, Any]) -> dict[UUID, dict[str, Any]]:
    """Move the sealed fields out of ``data`` and group them by the key that seals them."""
    groups: dict[UUID, dict[str, Any]] = {}
    for name, subject_field in draft.event.sealed_fields().items():
        if name in data:
            subject = data.get(subject_field) if subject_field else None
            groups.setdefault(_key_of(draft, subject), {})[name] = data[name]
    for texts in groups.values():
        for name in texts:
            del data[name]
    if draft.envelope.reason is not None:
        groups.setdefault(_key_of(draft, None), {})[REASON] = draft.envelope.reason
    return groups


def _key_of(draft: Draft, subject: Any) -> UUID:
    """Return the key for a text: that of the one person it is about, else the case's own."""
    if isinstance(subject, list) and len(subject) == 1:  # pyright: ignore[reportUnknownArgumentType]
        subject = subject[0]  # pyright: ignore[reportUnknownVariableType]
    key = draft.subjects.get(subject) if isinstance(subject, str) else None
    key = key or draft.case_key
    if key is None:
        raise ValueError(f"{draft.event.TOPIC} holds a text, but its stream has no key")
    return key


def _clear_part(draft: Draft, data: dict[str, Any], sealed: list[list[str]]) -> dict[str, Any]:
    envelope = draft.envelope
    optional = {
        "reached_at": write_moment(envelope.reached_at) if envelope.reached_at else None,
        "legal_basis": list(envelope.legal_basis) or None,
        "source": envelope.source,
        "reported_without_gate": envelope.reported_without_gate or None,
        "sealed": sealed or None,
    }
    return {
        "schema": draft.event.VERSION,
        "occurred_at": write_moment(envelope.occurred_at),
        "commit": str(envelope.commit),
        "actor": _actor_part(envelope),
        "data": data,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _actor_part(envelope: Envelope) -> dict[str, str]:
    actor = envelope.actor
    part = {"id": actor.id, "role": actor.role}
    return part | {"organisation": actor.organisation} if actor.organisation else part


def _emptied(row: StoredRow) -> Entry:
    return Entry(
        stream=row.stream,
        version=row.version,
        position=row.position,
        recorded_at=row.recorded_at,
        topic=row.topic,
        schema=RecordViewed.VERSION,
        occurred_at=row.recorded_at,
        actor=Actor("", ""),
        commit=NIL,
        data={},
    )


def _entry(
    row: StoredRow,
    clear: Mapping[str, Any],
    texts: dict[str, Any],
    erased: tuple[str, ...] = (),
    unreadable: tuple[str, ...] = (),
) -> Entry:
    actor = clear["actor"]
    reason = texts.pop(REASON, None)
    return Entry(
        stream=row.stream,
        version=row.version,
        position=row.position,
        recorded_at=row.recorded_at,
        topic=row.topic,
        schema=clear["schema"],
        occurred_at=read_moment(clear["occurred_at"]),
        actor=_actor(actor["id"], actor["role"], actor.get("organisation")),
        commit=UUID(clear["commit"]),
        data=upcast(row.topic, clear["schema"], clear["data"] | texts if texts else clear["data"]),
        sealed=tuple(chain.from_iterable(clear.get("sealed", ()))),
        erased=erased,
        reached_at=read_moment(clear["reached_at"]) if "reached_at" in clear else None,
        legal_basis=tuple(clear.get("legal_basis", ())),
        reason=reason,
        source=clear.get("source"),
        reported_without_gate=clear.get("reported_without_gate", False),
        unreadable=unreadable,
    )
