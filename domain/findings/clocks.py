"""Broken duties as findings: one for each clock that ran out, as grave as its rule."""

from collections.abc import Iterator
from datetime import timedelta

from domain.clocks import deadlines
from domain.deadlines import status
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry
from domain.people import silenced
from domain.time import LATEST, copenhagen_day, later

TICK = timedelta(microseconds=1)
BROKEN = ("breached", "exceeded_with_preliminary")


def _broken(inquiry: Inquiry) -> Iterator[Finding]:
    clocks = deadlines(inquiry)
    quiet = silenced(inquiry.known, clocks, inquiry.at)
    for clock in clocks:
        if clock.due is None or quiet.get(clock.key, LATEST) <= clock.due:
            continue
        over = later(max(clock.due, clock.extended_to or clock.due), TICK)
        if status(clock, max(inquiry.at, over)) in BROKEN:
            detail = {"rule": clock.rule, "due": copenhagen_day(clock.due).isoformat()}
            rests_on = (clock.satisfied_by,) if clock.satisfied_by is not None else ()
            key = f"{clock.rule}/{clock.number}"
            yield Finding("DEADLINE_BROKEN", clock.trigger, rests_on, detail, key, clock.level, arises_at=over)


CHECKS: tuple[Check, ...] = (
    Check("DEADLINE_BROKEN", "statute", "the rule named", "V",
          "Fristen {rule}, der udløb {due}, er ikke overholdt.",
          "The deadline {rule}, which ended on {due}, was not kept.", _broken),
)  # fmt: skip
