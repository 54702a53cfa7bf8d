"""The review of emergency access: who is to do it, when it climbs, and who is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.emergencies import CLIMBS_AFTER, review_of, told
from domain.reach import Allocation, CaseReach, Emergency

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
OPENED = Emergency(5, "u-33", "caseworker", NOON, NOON + timedelta(hours=3))


@pytest.mark.parametrize(
    ("age", "level", "waited"),
    [
        (timedelta(0), "supervisor", timedelta(0)),
        (CLIMBS_AFTER - timedelta(microseconds=1), "supervisor", timedelta(0)),
        (CLIMBS_AFTER, "data_protection", CLIMBS_AFTER),
        (timedelta(days=900), "data_protection", CLIMBS_AFTER),
        (timedelta(days=-1), "supervisor", timedelta(0)),
    ],
)
def test_a_review_climbs_while_nobody_does_it(age: timedelta, level: str, waited: timedelta) -> None:
    """Given an emergency access, the supervisor is to review it, after three days data protection."""
    review = review_of(OPENED, NOON + age)
    assert (review.level, review.waiting_since) == (level, NOON + waited)
    assert not review.done


def test_a_review_done_waits_nowhere() -> None:
    """Given a verdict, nothing waits."""
    assert review_of(replace(OPENED, justified=True), NOON + timedelta(days=9)).done


def test_whoever_holds_the_case_is_told() -> None:
    """Given somebody else's emergency access, the holder is told until it is over and judged, and nobody else is."""
    reach = CaseReach("u-11", None, (Allocation("social_worker", ("u-22",), NOON, 2),), emergencies=(OPENED,))
    assert told(reach, "u-22", NOON) == (OPENED,)
    assert told(reach, "u-22", NOON + timedelta(days=9)) == (OPENED,)
    assert told(reach, "u-11", NOON) == ()
    judged = replace(reach, emergencies=(replace(OPENED, justified=True),))
    assert len(told(judged, "u-22", NOON + timedelta(hours=1))) == 1
    assert told(judged, "u-22", NOON + timedelta(hours=4)) == ()
    own = replace(reach, emergencies=(replace(OPENED, staff="u-22"),))
    assert told(own, "u-22", NOON) == ()
