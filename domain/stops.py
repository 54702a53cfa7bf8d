"""What stands against an erasure: a code, the entries it follows from, and one line that says it."""

from collections.abc import Mapping
from dataclasses import dataclass

TEXTS: Mapping[str, str] = {
    "PROPOSAL_CLOSED": "The proposal was decided, rejected or annulled already: make a new one.",
    "SAME_PERSON_PROPOSED": "Whoever proposed an erasure does not decide it: let somebody else decide.",
    "NO_RETENTION_CLASS": "No retention class is on record, so the case is kept.",
    "NO_KLE_CLASS": "The retention class names no KLE subject group and action facet.",
    "NO_COUNCIL_DECISION": "The retention class names no council decision that such documents may be discarded.",
    "ERASURE_NOT_DUE": "The day from which the case may be erased has not come, or is not on record.",
    "NO_ARCHIVE_RECEIPT": "The archive has not confirmed that it took the case over.",
    "NOT_ALL_DELIVERED": "Facts were recorded after the delivery to the archive: deliver again.",
    "LEGAL_HOLD": "A legal hold stands: erasure waits until it is lifted or has run out.",
    "PENDING_REQUEST": "A request for access has not been answered.",
    "PENDING_COMPLAINT": "A complaint has no outcome yet.",
    "PENDING_STATEMENT": "A party asked that a decision wait for a statement.",
    "PENDING_BREACH": "A breach of data protection has not been reported to anybody.",
    "ENROLMENT_RUNNING": "An enrolment runs: close it first.",
    "PERSON_IN_CASE": "The person is a party, custody holder or child of the case, so not misregistered.",
    "STILL_IN_USE": "Entries in force name the person: annul or move them first.",
    "CORRECTION_LEFT_OUT": "A correction repeats a text that is to be erased: propose to erase it with its entry.",
    "ALREADY_ERASED": "Everything the proposal is about was erased before.",
}
"""Every code with what it says."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One thing that stands against an erasure; ``entries`` are versions, ``detail`` a code where one says more."""

    code: str
    entries: tuple[int, ...] = ()
    detail: str | None = None

    @property
    def text(self) -> str:
        """What the stop says, in English."""
        return TEXTS[self.code]
