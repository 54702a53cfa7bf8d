"""What a remembered view is, and which there are: a question, the events it reads, and a pure fold."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from domain.entries import Entry
from domain.erased import erases_case
from domain.events.administration import CaseOpened
from domain.events.retention import PersonalDataErased
from domain.rules import Rules
from ledger.queries import load_queries
from projections import access, barometer, case_state, case_views, caseload, milestones, withholding
from projections.access import Expiry

FOLLOW = load_queries("projections", "sql/follow.sql")
ROWS = load_queries("projections", "sql/rows.sql")

State = tuple[Entry, ...]
Parts = Mapping[str, dict[str, Any]]
"""What is remembered of one key: any number of rows, each under a name of its own."""


def is_forgotten(state: State) -> bool:
    """Whether a state is that of a case erased whole."""
    return len(state) == 1 and erases_case(state[0])


@dataclass(frozen=True, slots=True)
class Followed:
    """What every view has: a name, the events it reads, and the version of its code.

    Raise ``version`` whenever the same events shall give other rows: those of the version before stay what an older
    program's readers see until the worker has folded the new ones beside them; this one's are told to wait.
    """

    name: str
    topics: frozenset[str]
    version: int = field(default=1, kw_only=True)

    @property
    def full_name(self) -> str:
        """The name with the version of the code, for example ``case_state_v1``: rows of two versions never mix."""
        return f"{self.name}_v{self.version}"

    def follower(self, generation: int) -> str:
        """Return the name under which a generation's progress is tracked."""
        return f"{self.full_name}/{generation}"


@dataclass(frozen=True, slots=True)
class View(Followed):
    """A question answered per key: how its events fold, and what of the state is remembered.

    ``parts`` returns the rows of a key from its state and the rules adopted so far, as of an instant in the world
    (None: of all that is on record); a row is added only when it differs from the one before. ``by_rules`` says that
    the rules count: then adopting some computes every key anew.
    """

    fold: Callable[[State, Entry], State]
    parts: Callable[[State, Rules, datetime | None], Parts]
    by_rules: bool = False

    @property
    def reads(self) -> frozenset[str]:
        """The topics of all entries that bear on the answer: the question's own, and erasure."""
        return self.topics | {PersonalDataErased.TOPIC}

    def step(self, state: State, entry: Entry) -> State:
        """Return the state with one more entry; of a case erased whole nothing is kept but the erasure itself."""
        if is_forgotten(state):
            return state
        if erases_case(entry):
            return (entry,)
        return self.fold(state, entry) if entry.topic in self.topics else state

    def state(self, entries: Iterable[Entry]) -> State:
        """Return what is kept of a key's entries, in order."""
        state: State = ()
        for entry in entries:
            state = self.step(state, entry)
        return state

    def turns(self, state: State) -> bool:
        """Whether adopting rules computes a state anew: that of a case that was opened, and not erased since."""
        return not is_forgotten(state) and any(entry.topic == CaseOpened.TOPIC for entry in state)

    def rows(self, state: State, rules: Rules, at: datetime | None) -> Parts:
        """Return what is remembered of a state; nothing of a case erased whole."""
        return {} if is_forgotten(state) else self.parts(state, rules, at)


@dataclass(frozen=True, slots=True)
class EntryView(Followed):
    """A question whose rows each come straight from one entry, whichever stream it stands in; no row ever ends.

    ``each`` returns the rows of an entry: for which key, under which name, with which value. A name is used once
    per key. ``expires`` returns which rows an entry lets go for good, as if they had never been.
    """

    each: Callable[[Entry], Iterable[tuple[UUID, str, dict[str, Any]]]]
    expires: Callable[[Entry], Expiry | None]
    by_rules: ClassVar[bool] = False

    @property
    def reads(self) -> frozenset[str]:
        """The topics of all entries that bear on the answer."""
        return self.topics


AnyView = View | EntryView

CASE_STATE = View("case_state", case_state.TOPICS, case_state.fold, case_state.parts)
DEADLINES = View("deadlines", case_views.TOPICS, case_views.fold, case_views.deadline_parts, by_rules=True, version=2)
CONSENTS = View("consents", case_views.TOPICS, case_views.fold, case_views.consent_parts, version=2)
FINDINGS = View("findings", case_views.TOPICS, case_views.fold, case_views.finding_parts, by_rules=True, version=2)
CASELOAD = View("caseload", caseload.TOPICS, caseload.fold, caseload.parts)
BAROMETER = View("barometer", case_views.TOPICS, case_views.fold, barometer.parts, by_rules=True)
MILESTONES = View("milestones", milestones.TOPICS, milestones.fold, milestones.parts)
WITHHELD = View("withheld", withholding.TOPICS, withholding.fold, withholding.parts)
ACCESS = EntryView("access", access.TOPICS, access.rows, access.expiry)
VIEWS: Mapping[str, AnyView] = {
    view.name: view
    for view in (CASE_STATE, DEADLINES, CONSENTS, FINDINGS, CASELOAD, BAROMETER, MILESTONES, WITHHELD, ACCESS)
}
