"""What a verification says: each fault by its place and the check that found it, and what was counted."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID

from domain.erased import Reason

MAX_FAULTS = 100

Check = Literal[
    "payload",
    "readable",
    "removed",
    "position",
    "version",
    "commitment",
    "time",
    "opening",
    "head",
    "request",
    "tile",
    "checkpoint-root",
    "checkpoint-signature",
    "log-key",
    "key",
    "cosignature",
    "quorum",
    "witness-time",
    "kept-checkpoint",
    "inclusion",
]

CHECKS: Mapping[Check, str] = MappingProxyType(
    {
        "payload": "The stored bytes of each segment are hashed again; lengths and digests fit the segment table.",
        "readable": "The clear part is JSON with the members of every event; topic and columns are possible.",
        "removed": "Sealed bytes are missing only where an erasure on record covers them, looks only after an expiry.",
        "position": "Positions count from 1 without a gap.",
        "version": "Each event follows the version before it in its stream, at a smaller position.",
        "commitment": "Place, topic, time, actor, blind, segments and the event before give the stored commitment.",
        "time": "No event is recorded before the one in front of it.",
        "opening": "The first event opens this ledger, with this kind of clock.",
        "head": "Size, root, frontier and time of the head are those of the tree built from the events.",
        "request": "Each idempotency key points at events of the ledger that no other key points at.",
        "tile": "Every stored row of tiles has the hashes of the tree built from the events.",
        "checkpoint-root": "Every stored checkpoint has the root that the tree had at its size.",
        "checkpoint-signature": "Every stored checkpoint is signed by all keys of the log on record at its size.",
        "log-key": "The first keys on record are those the auditor gave with --log-key.",
        "key": "Each later key of the log was announced by an event on record.",
        "cosignature": "Each cosignature by a witness of the policy is one of its key over its checkpoint.",
        "quorum": "The newest checkpoint, or one made within an hour before, is cosigned by the quorum of the policy.",
        "witness-time": "Events were recorded between the cosignatures around them, give or take five minutes.",
        "kept-checkpoint": "The ledger still holds the checkpoint the auditor kept: the tree had its root.",
        "inclusion": "The event stands in the newest checkpoint (--case), or in the kept one (--since).",
    }
)
"""What each check, named by a stable code, makes sure of."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was recorded: where, what is wrong, which check found it. Holds no content.

    ``position`` is a size where the fault is of the head, a checkpoint or a tile.
    """

    position: int
    stream: UUID | None
    version: int | None
    problem: str
    check: Check

    def __str__(self) -> str:
        place = f"position {self.position}"
        if self.stream is not None:
            place += f" (stream {self.stream}, version {self.version})"
        return f"{place}: {self.problem} [{self.check}]"


@dataclass(slots=True)
class Report:
    """What a verification saw: events and streams, payload bytes hashed, root, the clock's kind, faults.

    ``removed_segments`` counts the sealed segments that were removed, by what the erasure on record is of.
    ``expired_looks`` counts the looks whose content was removed by an expiry on record. ``since`` is the size of the
    checkpoint the check began at, ``size`` where it ended; ``checkpoints`` and ``cosignatures`` were checked,
    ``witnessed`` is the size of the largest checkpoint with the quorum of a policy, ``unpublished`` how many events no
    checkpoint holds. ``stream`` is the one that was checked alone.
    """

    ledger: UUID | None = None
    simulated: bool = False
    stream: UUID | None = None
    since: int = 0
    size: int = 0
    events: int = 0
    streams: int = 0
    sealed_segments: int = 0
    removed_segments: Counter[Reason] = field(default_factory=Counter[Reason])
    expired_looks: int = 0
    payload_bytes: int = 0
    root: bytes = b""
    checkpoints: int = 0
    unpublished: int = 0
    cosignatures: int = 0
    witnessed: int = 0
    keys_given: bool = False
    policy_given: bool = False
    faults: list[Fault] = field(default_factory=list[Fault])
    more_faults: int = 0

    @property
    def intact(self) -> bool:
        """True when there was something to check and all of it is as it was recorded."""
        return self.events + self.since > 0 and not self.faults

    @property
    def checks(self) -> frozenset[Check]:
        """The checks that found something."""
        return frozenset(fault.check for fault in self.faults)

    def add(self, fault: Fault) -> None:
        """Keep a fault; beyond a hundred only their number."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)
        else:
            self.more_faults += 1

    def blame(self, size: int, check: Check, problem: str) -> None:
        """Keep a fault of no single event."""
        self.add(Fault(size, None, None, problem, check))

    def as_json(self) -> dict[str, Any]:
        """Return the report as one JSON object; its members are described in docs/verify.md."""
        return {
            "intact": self.intact,
            "ledger": str(self.ledger),
            "clock": "simulated" if self.simulated else "database",
            "stream": None if self.stream is None else str(self.stream),
            "since": self.since,
            "size": self.size,
            "root": self.root.hex(),
            "events": self.events,
            "streams": self.streams,
            "payload_bytes": self.payload_bytes,
            "sealed_segments": self.sealed_segments,
            "removed_segments": {"entry": self.removed_segments["entry"], "key": self.removed_segments["key"]},
            "expired_looks": self.expired_looks,
            "checkpoints": self.checkpoints,
            "unpublished": self.unpublished,
            "cosignatures": self.cosignatures,
            "witnessed": self.witnessed,
            "log_key": "given" if self.keys_given else "from the database",
            "witness_times": witness_times(self),
            "faults": [_fault_json(fault) for fault in self.faults],
            "more_faults": self.more_faults,
        }


def witness_times(report: Report) -> str:
    """Return whether recorded times were held against those of witnesses, or why not."""
    if report.simulated:
        return "exempt"
    return "checked" if report.policy_given else "not checked"


def _fault_json(fault: Fault) -> dict[str, Any]:
    return {
        "check": fault.check,
        "position": fault.position,
        "stream": None if fault.stream is None else str(fault.stream),
        "version": fault.version,
        "problem": fault.problem,
    }
