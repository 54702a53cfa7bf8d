"""How the ledger's own work stands: how far each view, the signed log and its witnesses are behind what is recorded.

Sizes, seconds and names of views alone: nothing here is about anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.proof.records import ProofRecords
from ledger.proof.witnessing import WitnessPolicyError, read_witness_policy
from ledger.queries import load_queries
from ledger.store import Ledger
from projections.view import VIEWS

SQL = load_queries("api", "sql/health.sql")
VIEW_SECONDS = 60.0
CHECKPOINT_SECONDS = 120.0
"""How long an event may wait to be taken into a view, and to be signed: the publisher's longest pause, twice."""

WITNESS_BEATS, WITNESS_SECONDS = 2, 60.0
"""For how many beats, and seconds beyond, a checkpoint may lack its cosignatures."""

OK, BEHIND, STOPPED, UNUSABLE = "ok", "behind", "stopped", "unusable"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one thing has come: size of the ledger it has taken in, and what waits, in events and seconds.

    ``seconds`` is None on a simulated clock, by which nothing can be late; ``age`` is that of the last checkpoint.
    """

    state: str
    reached: int
    events: int
    seconds: float | None
    age: float | None = None

    @property
    def told(self) -> dict[str, Any]:
        """As it stands in an answer."""
        told = {"state": self.state, "size": self.reached, "behind_events": self.events, "behind_seconds": self.seconds}
        return told if self.age is None else told | {"age_seconds": self.age}


@dataclass(frozen=True, slots=True)
class Health:
    """The ledger's size, and how views, log and witnesses stand; no witnesses without a policy.

    ``recording`` is false while a commit takes so long that callers are told that its outcome is not known.
    """

    size: int
    views: Mapping[str, Standing]
    checkpoint: Standing
    witnesses: Standing | None
    recording: bool = True

    @property
    def wrong(self) -> list[str]:
        """What must run and is stopped or behind its limit; witnesses are others' and never make a service unready."""
        names = [] if self.recording else ["recording"]
        names += [f"view {name}" for name, standing in self.views.items() if standing.state != OK]
        return names if self.checkpoint.state == OK else [*names, "checkpoint"]

    @property
    def told(self) -> dict[str, Any]:
        """Everything, as it stands in an answer."""
        return {
            "events": self.size,
            "views": {name: standing.told for name, standing in self.views.items()},
            "checkpoint": self.checkpoint.told,
            "witnesses": None if self.witnesses is None else self.witnesses.told,
            "limits": {"view_seconds": VIEW_SECONDS, "checkpoint_seconds": CHECKPOINT_SECONDS},
        }


class HealthReader:
    """Reads how one ledger stands."""

    def __init__(self, ledger: Ledger, policy: Path | None = None, beat: float = 0.0) -> None:
        self._ledger, self._records = ledger, ProofRecords(ledger)
        self._policy, self._witness_limit = policy, WITNESS_BEATS * beat + WITNESS_SECONDS

    def read(self) -> Health:
        """Return how the ledger stands; raises LedgerError when the database does not answer."""
        found = {row[0]: row[1:] for row in self._ledger.query(SQL["views"], [])}
        size = self._ledger.head().size  # read last: nothing is ever ahead of it
        views = {name: self._view(size, view.version, found.get(name)) for name, view in VIEWS.items()}
        checkpoint = self._checkpoint()
        recording = not self._ledger.appender.stuck
        return Health(size, views, checkpoint, self._witnesses(checkpoint.reached), recording)

    def _view(self, size: int, own: int, row: tuple[Any, ...] | None) -> Standing:
        """Return how a view stands; rows of another version of its code are none of this program's."""
        if row is None or row[0] != own:
            return Standing(BEHIND, 0, size, self._real(self._waiting("waiting_after", 1)))
        _, stopped_at, reached, seconds = row
        return self._standing(size, reached, seconds, VIEW_SECONDS, stopped=stopped_at is not None)

    def _checkpoint(self) -> Standing:
        rows = self._ledger.query(SQL["last_checkpoint"], [])
        reached, age = rows[0] if rows else (0, None)
        seconds = self._waiting("waiting_after", reached + 1)
        return self._standing(self._ledger.head().size, reached, seconds, CHECKPOINT_SECONDS, age=age)

    def _witnesses(self, signed: int) -> Standing | None:
        """Return how far the witnesses of the policy have come, by cosignatures that are enough for it."""
        if self._policy is None:
            return None
        try:
            witnessed = self._records.witnessed(read_witness_policy(self._policy))
        except WitnessPolicyError:
            return Standing(UNUSABLE, 0, signed, None)
        reached = witnessed.checkpoint.size if witnessed else 0
        seconds = self._waiting("checkpoint_waiting_after", reached)
        state = BEHIND if seconds > self._witness_limit else OK
        return Standing(state, reached, max(0, signed - reached), round(seconds, 1))

    def _standing(
        self, size: int, reached: int, seconds: float, limit: float, *, stopped: bool = False, age: float | None = None
    ) -> Standing:
        late = self._real(seconds)
        state = STOPPED if stopped else BEHIND if late is not None and late > limit else OK
        return Standing(state, reached, max(0, size - reached), late, None if age is None else round(age, 1))

    def _real(self, seconds: float) -> float | None:
        return None if self._ledger.simulated else round(max(0.0, seconds), 1)

    def _waiting(self, statement: str, position: int) -> float:
        return self._ledger.query(SQL[statement], [position])[0][0]
