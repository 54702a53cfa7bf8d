"""What a finding is, and what a check that looks for findings says about itself."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.inquiry import Inquiry
from domain.levels import Level


@dataclass(frozen=True, slots=True)
class Finding:
    """Something on record that calls for a look.

    ``entry`` is the version of the entry it is about; ``rests_on`` those of the further entries it follows from.
    ``detail`` holds codes, numbers and dates that the explanation names, never a text from the file. ``key`` tells
    apart several findings of one code on one entry. ``level`` is None where the check's own holds. One that follows
    from time passing stands from ``arises_at`` on, one that time takes back until ``ends_at``, both in UTC.
    """

    code: str
    entry: int
    rests_on: tuple[int, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)
    key: str = ""
    level: Level | None = None
    arises_at: datetime | None = None
    ends_at: datetime | None = None

    def stands(self, at: datetime) -> bool:
        """Whether the finding stands at an instant, as long as nothing more goes on record."""
        return (self.arises_at is None or self.arises_at <= at) and (self.ends_at is None or at <= self.ends_at)


YES_AND_NO: Mapping[str, str] = {"yes": "ja", "no": "nej"}
"""What a detail that answers a question is called in Danish."""


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of finding: how grave, by which source, in which words, and the function that looks for it.

    ``danish`` and ``english`` are templates over the finding's ``detail`` (``{days_early}``). ``verification`` is V
    (read in a published copy), M (from memory), seed (programme text) or internal.
    """

    code: str
    level: Level
    citation: str
    verification: str
    danish: str
    english: str
    find: Callable[[Inquiry], Iterable[Finding]]

    def explain(self, finding: Finding, language: str = "da") -> str:
        """Return what a finding says, in Danish (``da``) or English (``en``)."""
        template = self.danish if language == "da" else self.english
        words: Mapping[str, str] = YES_AND_NO if language == "da" else {}
        return template.format_map({name: words.get(str(value), value) for name, value in finding.detail.items()})
