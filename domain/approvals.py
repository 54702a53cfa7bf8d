"""Decisions sent for approval: how each submission stands, who may answer it, and what is approved with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.entries import Entry
from domain.events.approval import DecisionApproved, DecisionReturned, DecisionSubmitted, SubmissionWithdrawn
from domain.events.decision import DecisionTerms
from domain.register import effective

STATES: Mapping[str, str] = {
    DecisionApproved.TOPIC: "approved",
    DecisionReturned.TOPIC: "returned",
    SubmissionWithdrawn.TOPIC: "withdrawn",
}
"""How a submission stands after an answer of each kind."""

TOPICS = frozenset({DecisionSubmitted.TOPIC, *STATES})
"""Topics of submissions and of their answers."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A decision sent for approval, and the entry that answered it; None while it waits."""

    entry: Entry
    answer: Entry | None = None

    @property
    def state(self) -> str:
        """How it stands: waiting, approved, returned or withdrawn."""
        return "waiting" if self.answer is None else STATES[self.answer.topic]

    @property
    def decision(self) -> str:
        """The id of the decision it holds."""
        return str(self.entry.data["decision"])

    @property
    def prepared_by(self) -> str:
        """Who prepared the decision: whom it names, else who sent it."""
        return str(self.entry.data.get("prepared_by") or self.entry.actor.id)

    @property
    def prepared_on(self) -> int:
        """The version of the case it was prepared on: the last entry before whoever prepared it."""
        return int(self.entry.data.get("prepared_on") or self.entry.version - 1)

    @property
    def own(self) -> frozenset[str]:
        """Who prepared or sent it, and so does not answer it."""
        return frozenset({self.prepared_by, self.entry.actor.id})

    def asks(self, staff: str, role: str, *, leads: bool) -> bool:
        """Whether somebody is to answer it: who was named, or acts in the role named, or ``leads`` them."""
        data = self.entry.data
        named = data.get("approver") == staff or data.get("approver_role") == role
        return staff not in self.own and (named or leads)


def submissions(entries: Iterable[Entry]) -> tuple[Submission, ...]:
    """Return the submissions in force of a case, in the order in which they were recorded; the first answer counts."""
    facts = sorted(effective(entries), key=lambda one: one.version)
    answers: dict[int, Entry] = {}
    for one in facts:
        if one.topic in STATES:
            answers.setdefault(int(one.data["submission"]), one)
    sent = [one for one in facts if one.topic == DecisionSubmitted.TOPIC]
    return tuple(Submission(one, answers.get(one.version)) for one in sent)


def submission(entries: Iterable[Entry], version: int) -> Submission | None:
    """Return the submission in force that an entry made; None where it made none."""
    return next((one for one in submissions(entries) if one.entry.version == version), None)


def terms_of(submitted: Entry) -> dict[str, Any]:
    """Return what the decision of a submission says, as it was sent; without what bound it to the ledger then."""
    names = DecisionTerms.model_fields.keys() - {"log_position", "log_root", "seen"}
    return {name: value for name, value in submitted.data.items() if name in names}
