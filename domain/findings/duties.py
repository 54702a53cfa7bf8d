"""Duties without a number: they have no due date, so it is the closing that shows whether they were met."""

from collections.abc import Iterator

from domain.events.enrolment import EnrolmentClosed
from domain.findings.base import Check, Finding
from domain.findings.facts import open_clocks
from domain.inquiry import Inquiry


def duties(inquiry: Inquiry) -> tuple[str, ...]:
    """Return the duties without a number that the statute or the case's programme holds."""
    named = {
        rule.id
        for adoption in inquiry.rules.adoptions
        if adoption.book.book.programme in (None, inquiry.programme)
        for rule in adoption.book.rule
        if rule.kind == "duty" and rule.anchor and rule.due is None
    }
    return tuple(sorted(named))


def _open_at_closing(inquiry: Inquiry) -> Iterator[Finding]:
    closings = inquiry.of(EnrolmentClosed)
    if not closings:
        return
    for clock in open_clocks(inquiry, *duties(inquiry)):
        closing = next((entry for entry in closings if entry.happened >= clock.started), None)
        if closing is not None:
            key = f"{clock.rule}/{clock.trigger}"
            detail = {"rule": clock.rule}
            yield Finding("DUTY_OPEN_AT_CLOSING", closing.version, (clock.trigger,), detail, key, clock.level)


CHECKS: tuple[Check, ...] = (
    Check("DUTY_OPEN_AT_CLOSING", "must", "the rule named", "seed",
          "Indsatsen er afsluttet, og det fremgår ikke, at pligten {rule} er opfyldt.",
          "The effort was closed; nothing shows that the duty {rule} was met.", _open_at_closing),
)  # fmt: skip
