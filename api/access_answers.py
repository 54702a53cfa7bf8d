"""What the API says about access, as JSON values."""

from typing import Any

from api.access_reading import EmergenciesLook, GrantsLook, NoticesLook, QueueLook, RestrictionsLook
from domain.emergencies import Review, review_of
from domain.time import write_instant
from ledger.requests import Appended

Values = dict[str, Any]


def granted(staff: str, appended: Appended) -> Values:
    """Return the answer to a grant, or to the end of one: the same for the first request and every repeat."""
    return {
        "staff": staff,
        "position": appended.first_position,
        "recorded_at": write_instant(appended.recorded_at),
    }


def grants(look: GrantsLook) -> Values:
    """Return what was granted to a member of staff."""
    reach = look.reach
    return {
        **look.as_of.values,
        "staff": look.staff,
        "grants": [
            {
                "role": one.role,
                "case": None if one.case is None else str(one.case),
                "organisation": one.organisation,
                "until": None if one.until is None else write_instant(one.until),
            }
            for one in reach.grants
        ],
        "ended_roles": [
            {"role": role, "organisation": organisation}
            for role, organisation in sorted(reach.ended, key=lambda pair: (pair[0], pair[1] or ""))
        ],
        "access_event": look.access_position,
    }


def queue(look: QueueLook) -> Values:
    """Return the review queue."""
    items = [{"case": str(one.case), **_review(one.review)} for one in look.reviews]
    return {**look.as_of.values, "items": items, "access_event": look.access_position}


def emergencies(found: EmergenciesLook) -> Values:
    """Return a case's emergency accesses with their reasons."""
    look = found.case
    entries = {entry.version: entry for entry in look.entries}
    return {
        "case": str(look.file.case),
        "version": look.file.version,
        **look.as_of.values,
        "items": [
            _review(review) | {"reason": entries[review.emergency.entry].data.get("reason")} for review in found.reviews
        ],
        "access_event": look.access_position,
    }


def restrictions(look: RestrictionsLook) -> Values:
    """Return the restricted cases."""
    return {
        **look.as_of.values,
        "items": [
            {
                "case": str(one.case),
                "entry": one.restriction.entry,
                "category": one.restriction.category,
                "allowed": list(one.restriction.allowed),
                "review_by": one.restriction.review_by.isoformat(),
                "overdue": one.overdue,
            }
            for one in look.restricted
        ],
        "access_event": look.access_position,
    }


def notices(look: NoticesLook) -> Values:
    """Return what somebody is told of the cases they hold."""
    return {
        **look.as_of.values,
        "items": [
            {
                "kind": "break_glass",
                "case": str(case),
                "running": look.at < one.until,
                **_review(review_of(one, look.at)),
            }
            for case, one in look.told
        ],
        "access_event": look.access_position,
    }


def _review(review: Review) -> Values:
    one = review.emergency
    return {
        "entry": one.entry,
        "staff": one.staff,
        "role": one.role,
        "opened_at": write_instant(one.opened_at),
        "until": write_instant(one.until),
        "level": review.level,
        "waiting_since": None if review.waiting_since is None else write_instant(review.waiting_since),
        "justified": one.justified,
        "reviewed_by": one.reviewed_by,
        "reviewed_at": None if one.reviewed_at is None else write_instant(one.reviewed_at),
    }
