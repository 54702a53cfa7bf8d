"""What a reviewer would point out about access to a case: emergency access nobody judged, restrictions nobody renewed."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from domain.emergencies import CLIMBS_AFTER
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry
from domain.reach import CaseReach, bearing, case_reach
from domain.time import end_of, later


def _reach(inquiry: Inquiry) -> CaseReach | None:
    return inquiry.answer("reach", partial(_reach_by, inquiry))


def _reach_by(inquiry: Inquiry) -> CaseReach | None:
    kept = ()
    for entry in inquiry.known.entries:
        kept = bearing(kept, entry)
    return case_reach(kept)


def _not_reviewed(inquiry: Inquiry) -> Iterator[Finding]:
    reach = _reach(inquiry)
    for emergency in reach.emergencies if reach else ():
        if emergency.justified is None:
            climbs = later(emergency.opened_at, CLIMBS_AFTER)
            yield Finding("BREAK_GLASS_NOT_REVIEWED", emergency.entry, arises_at=climbs)


def _unjustified(inquiry: Inquiry) -> Iterator[Finding]:
    reach = _reach(inquiry)
    for emergency in reach.emergencies if reach else ():
        if emergency.justified is False:
            yield Finding("BREAK_GLASS_UNJUSTIFIED", emergency.entry)


def _restriction_overdue(inquiry: Inquiry) -> Iterator[Finding]:
    reach = _reach(inquiry)
    if reach is not None and reach.restriction is not None:
        overdue = later(end_of(reach.restriction.review_by), timedelta(microseconds=1))
        detail = {"review_by": reach.restriction.review_by.isoformat()}
        yield Finding("RESTRICTION_NOT_REVIEWED", reach.restriction.entry, (), detail, arises_at=overdue)


CHECKS: tuple[Check, ...] = (
    Check("BREAK_GLASS_NOT_REVIEWED", "internal", "internal standard; databeskyttelsesforordningen art. 32", "internal",
          "Nødadgangen er ikke gennemgået efter tre dage.",
          "Nobody has reviewed the emergency access after three days.", _not_reviewed),
    Check("BREAK_GLASS_UNJUSTIFIED", "must", "databeskyttelsesforordningen art. 32 og 33", "M",
          "Nødadgangen var ikke berettiget: vurder, om der er sket et brud på persondatasikkerheden.",
          "The emergency access was not justified: consider whether data protection was breached.", _unjustified),
    Check("RESTRICTION_NOT_REVIEWED", "internal", "internal standard", "internal",
          "Begrænsningen af sagen skulle være gennemgået senest {review_by}. Den gælder stadig.",
          "The restriction of the case was to be reviewed by {review_by}. It still holds.", _restriction_overdue),
)  # fmt: skip
