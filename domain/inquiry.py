"""A question about one case: what is known, under which rules, with the clock showing which instant."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from domain.entries import Entry
from domain.events.administration import CaseOpened
from domain.known import Known
from domain.rules import Rules


@dataclass(frozen=True)
class Inquiry:
    """What an answer may rest on. ``at`` is the instant the clock shows, in UTC: only what had happened counts.

    ``known`` says what was recorded; it may reach beyond ``at`` (hindsight) or not.
    """

    known: Known
    rules: Rules
    at: datetime

    @cached_property
    def facts(self) -> tuple[Entry, ...]:
        """The facts in force that had happened, in the order in which they happened."""
        return self.known.happened_by(self.at)

    @cached_property
    def programme(self) -> str | None:
        """The programme this case is about; None before it is opened."""
        opening = next(iter(self.known.of(CaseOpened)), None)
        return None if opening is None else str(opening.data["programme"])
