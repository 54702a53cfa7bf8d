"""What the pages about access say, without a server: texts as typed, words for codes, lines and banners."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from api.access_reading import CaseReview, QueueLook, RestrictedCase, RestrictionsLook
from api.look_log import LogLook, Page
from api.looks import AsOf, Question
from api.pages import access_views
from api.pages.access_views import TEXT_LIMIT, read_text, read_verdict
from api.pages.access_words import ADVICE, CLOSED, REFUSALS, WHAT, word_of_look
from api.pages.restricted_views import restricted_page
from api.problems import REFUSALS as REASONS
from domain.authority import Act
from domain.emergencies import review_of
from domain.look_extract import CATEGORIES
from domain.looks import Look
from domain.reach import CaseReach, Emergency, Restriction
from projections.looks import Sums

CASEWORKER, OTHER, LEADER = "u-90", "u-25", "u-12"
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
CASE = UUID(int=5)
AS_OF = AsOf(Question(), 40, None)
OPENED = Emergency(7, OTHER, "social_worker", NOON, NOON + timedelta(hours=3))


def test_every_reason_has_words() -> None:
    assert set(CLOSED) == set(ADVICE) == set(REFUSALS) == set(REASONS)


def test_every_look_and_every_act_has_words() -> None:
    assert set(WHAT) >= {*CATEGORIES, *Act, *(f"{view}_board" for view in ("deadlines", "consents", "findings"))}


@pytest.mark.parametrize(
    ("what", "words"),
    [("case_page", "sagens side"), ("document:12", "et dokument (nr. 12)"), ("something_new", "something_new")],
)
def test_what_a_look_showed_is_put_into_words(what: str, words: str) -> None:
    assert word_of_look(what) == words


@pytest.mark.parametrize(
    ("sent", "typed", "error"),
    [
        (None, "", "Skriv"),
        (" \r\n ", "", "Skriv"),
        ("a\r\nb ", "a\nb", None),
        ("æ" * TEXT_LIMIT, "æ" * TEXT_LIMIT, None),
        ("æ" * (TEXT_LIMIT + 1), "æ" * (TEXT_LIMIT + 1), "2.001 tegn"),
        ("a\0b", "ab", "fjernet"),
    ],
)
def test_a_text_is_kept_beside_what_is_wrong_with_it(sent: str | None, typed: str, error: str | None) -> None:
    field = read_text(sent, "Skriv noget.")
    assert field.typed == typed
    assert field.error is None if error is None else error in str(field.error)


def test_a_verdict_needs_a_choice_and_grounds() -> None:
    assert access_views.is_complete(read_verdict(CASE, 7, "no", "ingen akut fare", "Vælg."))
    assert not access_views.is_complete(read_verdict(CASE, 7, "maybe", "g", "Vælg."))
    assert not access_views.is_complete(read_verdict(CASE, 7, "yes", " ", "Vælg."))


def test_emergency_access_says_until_when_and_stops() -> None:
    reach = CaseReach(CASEWORKER, None, emergencies=(OPENED,))
    running = access_views.running(reach, OTHER, NOON)
    assert running == access_views.RunningEmergency("kl. 16.00", "2026-11-28T15:00:00.000000Z", 7)
    assert access_views.running(reach, OTHER, OPENED.until) is None
    assert access_views.running(reach, CASEWORKER, NOON) is None


def test_emergency_access_past_midnight_names_the_day() -> None:
    night = Emergency(7, OTHER, "social_worker", NOON + timedelta(hours=10), NOON + timedelta(hours=13))
    running = access_views.running(CaseReach(CASEWORKER, None, emergencies=(night,)), OTHER, night.opened_at)
    assert running is not None
    assert running.until == "29-11-2026 kl. 02.00"


def test_the_queue_tells_own_from_others_and_gives_each_form_a_key() -> None:
    reviews = tuple(
        CaseReview(CASE, "S6", review_of(one, NOON)) for one in (OPENED, Emergency(9, LEADER, "supervisor", NOON, NOON))
    )
    shown = access_views.queue_page(QueueLook(AS_OF, 99, reviews), LEADER, (), uuid4(), None)
    assert [line.own for line in shown.waiting] == [False, True]
    assert len({line.key for line in shown.waiting}) == 2
    assert {line.address for line in shown.waiting} == {None}


def test_a_restriction_past_its_day_is_marked() -> None:
    restriction = Restriction(3, "adoption", ("u-22", "u-80"), date(2026, 11, 27))
    look = RestrictionsLook(AS_OF, 99, (RestrictedCase(CASE, "S6", restriction, overdue=True),), date(2026, 11, 28))
    (line,) = restricted_page(look, {CASE}, uuid4(), None).lines
    assert (line.category, line.allowed, line.review_by, line.overdue) == (
        "adoption",
        "u-22, u-80",
        "27-11-2026",
        True,
    )
    assert line.address == f"/sager/{CASE}"


def test_a_look_is_told_in_words() -> None:
    look = Look(
        CASE, 12, NOON, OTHER, "social_worker", "case-work", "case", refused=True, refusal="not_assigned",
        organisation="Syd", matter="S-1", known_at=NOON, valid_at=NOON,
    )  # fmt: skip
    shown = access_views.looks_page(
        LogLook(AS_OF, 99, CASE, None, Page(None, None, 50), ((look, "grant"),), 12, Sums(1, 1, 1, 0, 0), NOON),
        "S6",
        "abc",
    )
    (line,) = shown.lines
    assert shown.summary == "1 opslag · 1 medarbejder · 1 afvist · 0 med nødadgang · 0 efter lukning"
    assert shown.following == f"/sager/{CASE}/opslag?cursor=abc"
    assert (line.role, line.purpose, line.refusal) == ("socialrådgiver", "sagsbehandling (S-1)", "ikke tildelt")
    assert (line.relation, shown.expired_before) == ("særlig adgang", "28-11-2026 kl. 13.00")
    assert line.as_of == "registreret senest 28-11-2026 kl. 13.00, hændt senest 28-11-2026 kl. 13.00"
