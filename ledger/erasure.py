"""Carrying out erasures that are on record: keys destroyed, sealed files removed, bytes of erased entries removed.

Driven by the ledger alone and quiet where everything is done, so it heals a crash between decision and destruction, and
a key store that was restored from before it.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.entries import Entry
from domain.erased import NOTHING_ERASED, Erased, erasures_among
from domain.events.control import DocumentFiled
from domain.events.retention import PersonalDataErased
from ledger.content_store import ContentStore
from ledger.documents import CONTENT
from ledger.errors import KeyErased, KeyMissing
from ledger.keys import KeyStore
from ledger.mapper import read_clear
from ledger.store import Ledger

Forget = Callable[[Erased], object]
"""Removes what was derived from erased data, told of everything that is being carried out; idempotent."""


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """What one run did: keys destroyed, sealed files removed, entries whose bytes were removed."""

    keys: int = 0
    files: int = 0
    entries: int = 0


class ErasureRegister:
    """Everything erased in one ledger, kept up to date by reading what has come since it was last asked."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._erased = NOTHING_ERASED
        self._read_to = 0

    def now(self) -> Erased:
        """Return what is erased by all that is on record."""
        with self._lock:
            rows = self._ledger.read_topic_after(PersonalDataErased.TOPIC, self._read_to)
            if rows:
                self._erased = self._erased.and_by(map(read_clear, rows))
                self._read_to = rows[-1].position
            return self._erased


def apply_erasures(ledger: Ledger, content: ContentStore | None, forget: Sequence[Forget] = ()) -> CarriedOut:
    """Carry out every erasure on record, as far as it is not; raises LedgerError."""
    return carry_out(ledger, content, map(read_clear, ledger.read_topic(PersonalDataErased.TOPIC)), forget)


def carry_out(
    ledger: Ledger, content: ContentStore | None, entries: Iterable[Entry], forget: Sequence[Forget] = ()
) -> CarriedOut:
    """Carry out the erasures among some entries, as far as they are not; without ``content`` no files are kept."""
    erasures = erasures_among(entries)
    erased = NOTHING_ERASED.and_by(erasures)
    now = ledger.now()
    keys = sum(_destroyed(ledger.keys, key, now) for key in sorted(erased.keys))
    removed = sum(ledger.remove_entries(erasure.position) for erasure in erasures if erasure.data.get("entries"))
    files = 0 if content is None else _files_removed(ledger, content, erasures)
    for one in forget:
        one(erased)
    return CarriedOut(keys, files, removed)


def _destroyed(keys: KeyStore, key: UUID, now: datetime) -> bool:
    """Destroy a key, and one that is missing for good; a destroyed one costs a look, not a flush."""
    try:
        keys.get(key)
    except KeyErased:
        return False
    except KeyMissing:
        pass
    keys.destroy(key, now)
    return True


def _files_removed(ledger: Ledger, content: ContentStore, erasures: Iterable[Entry]) -> int:
    """Remove the sealed files of erased keys, and those of erased entries, from the folders of their cases."""
    by_case: dict[UUID, list[Entry]] = {}
    for erasure in erasures:
        by_case.setdefault(erasure.stream, []).append(erasure)
    removed = 0
    for case, decided in by_case.items():
        erased = NOTHING_ERASED.and_by(decided)
        removed += content.remove_sealed_under(case, erased.keys)
        for name in _files_of(ledger, case, erased) & content.names(case).keys():
            content.discard(case, name)
            removed += 1
    return removed


def _files_of(ledger: Ledger, case: UUID, erased: Erased) -> set[str]:
    """Return the names of the files that erased entries of a case have filed."""
    if not erased.entries:
        return set()
    filed = [row for row in ledger.read_stream(case) if row.topic == DocumentFiled.TOPIC]
    named = [read_clear(row).data for row in filed if (case, row.version) in erased.entries]
    return {str(data["reference"]) for data in named if data["store"] == CONTENT}
