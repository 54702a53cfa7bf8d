"""Some of a ledger's cases, in a form that stays small where somebody may see nearly all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CaseSet:
    """The cases named; with ``all_but`` all there are, now and later, but those named."""

    named: frozenset[UUID] = frozenset()
    all_but: bool = False

    def __contains__(self, case: UUID) -> bool:
        return (case in self.named) is not self.all_but

    def of(self, cases: Iterable[UUID]) -> list[UUID]:
        """Return those of some cases that are in the set, in their order."""
        return [case for case in cases if case in self]

    def without(self, cases: Iterable[UUID]) -> "CaseSet":
        """Return the set without some cases."""
        left_out = frozenset(cases)
        if not left_out:
            return self
        return CaseSet(self.named | left_out if self.all_but else self.named - left_out, self.all_but)

    def among(self, cases: Iterable[UUID]) -> "CaseSet":
        """Return those of some cases that are in the set."""
        return CaseSet(frozenset(self.of(cases)))

    @property
    def only(self) -> list[UUID] | None:
        """The cases named as a statement takes them; None for all but those of ``but``."""
        return None if self.all_but else list(self.named)

    @property
    def but(self) -> list[UUID]:
        """The cases left out as a statement takes them."""
        return list(self.named) if self.all_but else []


EVERY_CASE = CaseSet(all_but=True)
