"""The erasure log: which keys were destroyed by decision, kept outside the database and apart from the keys.

It outlives every restore of the key store. A tombstone says nothing about a person.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import orjson

from domain.time import read_instant, write_instant
from ledger.errors import KeyMissing
from ledger.folders import make_folder, write_new
from ledger.key_encryption import SETTING

_SUFFIX = ".erased"


@dataclass(frozen=True, slots=True)
class Erasure:
    """The tombstone of a key.

    ``commitment`` is the digest logged when it was made, None where the key could not be read any more; ``epoch`` is
    the one it was wrapped under, None where its file was gone.
    """

    key: UUID
    commitment: bytes | None
    epoch: int | None
    erased_at: datetime


class ErasureLog:
    """Tombstones as files that are written once, each under the id of its key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self) -> None:
        """Make the log; quiet when it is there."""
        make_folder(self.folder)

    def add(self, erasure: Erasure) -> None:
        """Write and flush a tombstone; the first one of a key stays."""
        told = {
            "key": str(erasure.key),
            "key_commitment": erasure.commitment.hex() if erasure.commitment is not None else None,
            "epoch": erasure.epoch,
            "erased_at": write_instant(erasure.erased_at),
        }
        with suppress(FileExistsError):
            write_new(self._path(erasure.key), orjson.dumps(told, option=orjson.OPT_SORT_KEYS) + b"\n")

    def holds(self, key: UUID) -> bool:
        """Whether a key has a tombstone; raises KeyMissing when the log itself is not there, so nothing is known."""
        if self._path(key).exists():
            return True
        if not self.folder.is_dir():
            raise KeyMissing(
                f"The erasure log {self.folder} is not there, and no key is used without it: set {SETTING}."
            )
        return False

    def __iter__(self) -> Iterator[Erasure]:
        """Yield every tombstone, in the order of the keys' ids."""
        for path in sorted(self.folder.glob(f"*{_SUFFIX}")):
            told = orjson.loads(path.read_bytes())
            commitment = told["key_commitment"]
            yield Erasure(
                UUID(told["key"]),
                bytes.fromhex(commitment) if commitment is not None else None,
                told["epoch"],
                read_instant(told["erased_at"]),
            )

    def _path(self, key: UUID) -> Path:
        return self.folder / f"{key}{_SUFFIX}"
