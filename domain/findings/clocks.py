"""Broken duties as findings: one for each clock that ran out, as grave as its rule."""

from collections.abc import Iterator

from domain.clocks import deadlines
from domain.deadlines import status
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry
from domain.time import copenhagen_day

BROKEN = ("breached", "exceeded_with_preliminary")


def _broken(inquiry: Inquiry) -> Iterator[Finding]:
    for clock in deadlines(inquiry):
        if status(clock, inquiry.at) in BROKEN and clock.due is not None:
            detail = {"rule": clock.rule, "due": copenhagen_day(clock.due).isoformat()}
            key = f"{clock.rule}/{clock.number}"
            rests_on = (clock.satisfied_by,) if clock.satisfied_by is not None else ()
            yield Finding("DEADLINE_BROKEN", clock.trigger, rests_on, detail, key, clock.level)


CHECKS: tuple[Check, ...] = (
    Check("DEADLINE_BROKEN", "statute", "the rule named", "V",
          "Fristen {rule}, der udløb {due}, er ikke overholdt.",
          "The deadline {rule}, which ended on {due}, was not kept.", _broken),
)  # fmt: skip
