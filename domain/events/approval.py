"""A decision before it is made: sent for approval, approved or returned by somebody else, or taken back."""

from typing import Annotated, ClassVar

from domain.events.base import Code, EntryRef, Event, Refers, Sealed, StaffRef, Text
from domain.events.decision import DecisionTerms

SUBMITTED = Refers(to=("DecisionSubmitted",))


class DecisionSubmitted(DecisionTerms):
    """A prepared decision was sent for approval, whole: what is approved is what stands here.

    ``approver`` or whoever acts as ``approver_role`` is asked. ``prepared_on`` is the last entry that whoever prepared
    it had before them; without it, the one before this. It never changes: another text is another submission.
    """

    TOPIC: ClassVar[str] = "decision_submitted"
    LABEL_DA: ClassVar[str] = "Afgørelse sendt til godkendelse"
    LABEL_EN: ClassVar[str] = "Decision sent for approval"

    approver: StaffRef | None = None
    approver_role: Code | None = None
    prepared_on: Annotated[EntryRef | None, Refers()] = None


class DecisionApproved(Event):
    """Somebody else approved exactly one submission; the decision is made in the same commit.

    That somebody approved what they prepared themselves is recorded like any fact, and found.
    """

    TOPIC: ClassVar[str] = "decision_approved"
    LABEL_DA: ClassVar[str] = "Afgørelse godkendt"
    LABEL_EN: ClassVar[str] = "Decision approved"

    submission: Annotated[EntryRef, SUBMITTED]
    remarks: Annotated[Text | None, Sealed()] = None


class DecisionReturned(Event):
    """A submission was sent back to whoever prepared it, with the reason; nothing is decided."""

    TOPIC: ClassVar[str] = "decision_returned"
    LABEL_DA: ClassVar[str] = "Afgørelse sendt tilbage"
    LABEL_EN: ClassVar[str] = "Decision returned"

    submission: Annotated[EntryRef, SUBMITTED]
    reason: Annotated[Text, Sealed()]


class SubmissionWithdrawn(Event):
    """Whoever sent a decision for approval took it back before it was answered."""

    TOPIC: ClassVar[str] = "submission_withdrawn"
    LABEL_DA: ClassVar[str] = "Indstilling trukket tilbage"
    LABEL_EN: ClassVar[str] = "Submission withdrawn"

    submission: Annotated[EntryRef, SUBMITTED]
    reason: Annotated[Text | None, Sealed()] = None


EVENTS: tuple[type[Event], ...] = (DecisionSubmitted, DecisionApproved, DecisionReturned, SubmissionWithdrawn)
