"""What can go wrong with the ledger, as one tree. The docstring is the default message; no message holds content.

LedgerError
├── LedgerUnavailable        the database does not answer; nothing is half written
├── ClocksApart              caller and database disagree about the time
├── ClockGoesBack            a simulated ledger was given an earlier instant
├── NotSimulated             only a simulated ledger takes an instant
├── NoLedger                 the database holds no ledger
├── LedgerExists             the database holds one already
├── MigrationError           the schema and this code do not fit
├── RecordDamaged            stored bytes are not those that were recorded
├── KeyMissing               a sealing key is not in the key store, or does not open there
│   └── KeyErased            it was destroyed by decision: its tombstone is in the erasure log
├── EpochInUse               a key-encryption key that is needed is not destroyed
└── SealBroken               sealed bytes do not open under their key
"""

from collections.abc import Sequence


class LedgerError(Exception):
    """The ledger refused."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class LedgerUnavailable(LedgerError):
    """The database does not answer. Nothing is half written: send the same request again with the same key."""


class ClocksApart(LedgerError):
    """This machine's clock and the database's differ by more than five minutes: set them right, then try again."""


class ClockGoesBack(LedgerError):
    """The ledger's clock has passed this instant and does not go back."""


class NotSimulated(LedgerError):
    """Only a ledger created with a simulated clock takes an instant."""


class NoLedger(LedgerError):
    """This database holds no ledger: create one with `caseledger ledger create NAME`."""


class LedgerExists(LedgerError):
    """This database holds a ledger already: one database, one ledger."""


class MigrationError(LedgerError):
    """The database schema does not fit this version of the program."""


class RecordDamaged(LedgerError):
    """What lies in the ledger is not what was recorded; `faults` name the places."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__()
        self.faults = faults


class KeyMissing(LedgerError):
    """The key of a sealed segment is not in the key store: the store is not whole, or not the ledger's."""


class KeyErased(KeyMissing):
    """The key of a sealed segment was erased by decision."""


class EpochInUse(LedgerError):
    """The key-encryption key of this epoch is needed, or is not here: nothing was destroyed."""


class SealBroken(LedgerError):
    """A sealed segment does not open under its key: the bytes, their place or the key are not the original ones."""
