"""Broken duties as findings, one for each clock that ran out, and cases for which no clock can run."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

from domain.clocks import clocks_of
from domain.deadlines import Deadline, status
from domain.events.administration import CaseOpened
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry
from domain.people import silenced
from domain.time import LATEST, copenhagen_day, later

TICK = timedelta(microseconds=1)
BROKEN = ("breached", "exceeded_with_preliminary")


def _broken(inquiry: Inquiry) -> Iterator[Finding]:
    for rule in inquiry.rules.ids(inquiry.programme):
        yield from inquiry.answer(("broken", rule), partial(_broken_of, inquiry, rule))


def _broken_of(inquiry: Inquiry, rule: str) -> tuple[Finding, ...]:
    clocks = clocks_of(inquiry, (rule,))
    return tuple(_found(inquiry, clocks)) if clocks else ()


def _found(inquiry: Inquiry, clocks: Sequence[Deadline]) -> Iterator[Finding]:
    quiet = silenced(inquiry.known, clocks, inquiry.clock)
    for clock in clocks:
        if clock.due is None or quiet.get(clock.key, LATEST) <= clock.due:
            continue
        over = later(max(clock.due, clock.extended_to or clock.due), TICK)
        if status(clock, over) in BROKEN:
            detail = {"rule": clock.rule, "due": copenhagen_day(clock.due).isoformat()}
            rests_on = (clock.satisfied_by,) if clock.satisfied_by is not None else ()
            key = f"{clock.rule}/{clock.number}"
            yield Finding("DEADLINE_BROKEN", clock.trigger, rests_on, detail, key, clock.level, arises_at=over)


def _without_rules(inquiry: Inquiry) -> Iterator[Finding]:
    """Without rules nothing is ever due, and an empty list must not read as all being well."""
    adopted = {adoption.book.book.programme for adoption in inquiry.rules.adoptions}
    for opening in inquiry.of(CaseOpened):
        for programme in (None, opening.data["programme"]):
            if programme not in adopted:
                book = programme or "statute"
                yield Finding("CASE_WITHOUT_RULE_BOOK", opening.version, (), {"book": book}, book)


CHECKS: tuple[Check, ...] = (
    Check("DEADLINE_BROKEN", "statute", "the rule named", "V",
          "Fristen {rule}, der udløb {due}, er ikke overholdt.",
          "The deadline {rule}, which ended on {due}, was not kept.", _broken),
    Check("CASE_WITHOUT_RULE_BOOK", "must", "internal standard", "internal",
          "Ingen regelbog ({book}) er taget i brug: dens frister beregnes ikke i sagen.",
          "No rule book ({book}) is adopted: its deadlines are not computed in the case.", _without_rules),
)  # fmt: skip
