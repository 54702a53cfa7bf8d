"""Verdicts on looks of a sample: what may be found, on which grounds, and which verdict stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.entries import Entry

UNCLEAR = "unclear"
"""The verdict after which another may follow; any other stands."""

GROUNDS: Mapping[str, tuple[str, ...]] = {
    "justified": ("works_in_case", "stood_in", "leads_or_supervises", "request_or_complaint", "technical"),
    "unjustified": ("no_work_reason", "own_circle", "by_mistake"),
    UNCLEAR: ("viewer_asked", "passed_on"),
}
"""The grounds of each verdict. Codes alone: a text about why somebody looked may tell of the family as well."""


@dataclass(frozen=True, slots=True)
class LookVerdictGiven:
    """What was found of a look: by whom, when, on which grounds."""

    verdict: str
    grounds: str
    by: str
    role: str
    at: datetime

    @property
    def stands(self) -> bool:
        """Whether no other verdict may follow."""
        return self.verdict != UNCLEAR


def verdict_of(entries: Iterable[Entry]) -> LookVerdictGiven | None:
    """Return the last verdict on a look from the entries about it; None for none."""
    last = max(entries, key=lambda entry: entry.version, default=None)
    if last is None:
        return None
    actor = last.actor
    return LookVerdictGiven(
        str(last.data["verdict"]), str(last.data["grounds"]), actor.id, actor.role, last.recorded_at
    )
