"""What the page of restricted cases shows: who may reach them, by when that is reviewed, and what may become of it."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID, uuid5

from api.access_acts import REVIEWED_WITHIN
from api.access_reading import RestrictedCase, RestrictionsLook
from api.pages.access_views import TEXT_LIMIT, Verdict, looks_address
from api.pages.access_words import RESTRICTIONS
from api.pages.codes import word
from api.pages.language import _
from api.pages.times import show_day
from api.pages.views import case_address

RENEW, LIFT = "yes", "no"


@dataclass(frozen=True, slots=True)
class RestrictedLine:
    """A restricted case, with the form that renews or lifts the restriction."""

    id: str
    number: str
    address: str | None
    category: str
    allowed: str
    review_by: str
    overdue: bool
    looks: str
    action: str
    key: str
    typed: Verdict


@dataclass(frozen=True, slots=True)
class RestrictedPage:
    """The restricted cases; one renewed now is reviewed again by ``until``."""

    lines: tuple[RestrictedLine, ...]
    overdue: int
    access: int
    until: str
    problem: str | None
    errors: tuple[tuple[str, str], ...]
    limit: int = TEXT_LIMIT


def action_address(case: UUID, entry: int) -> str:
    """Return the address that takes what becomes of a restriction."""
    return f"{case_address(case)}/begraensning/{entry}/gennemgang"


def review_day(today: date) -> date:
    """Return by when a restriction renewed on a day is reviewed again."""
    return today + REVIEWED_WITHIN


def restricted_page(
    look: RestrictionsLook, open_to: Collection[UUID], key: UUID, typed: Verdict | None
) -> RestrictedPage:
    """Return the restricted cases; ``open_to`` are those the reader may read, ``typed`` what could not be taken."""
    lines = tuple(_line(one, open_to, key, typed) for one in look.restricted)
    return RestrictedPage(
        lines=lines,
        overdue=sum(line.overdue for line in lines),
        access=look.access_position,
        until=show_day(review_day(look.today)),
        problem=None if typed is None else typed.problem,
        errors=tuple(error for line in lines for error in _errors(line)),
    )


def refused(verdict: Verdict) -> Verdict:
    """Return a verdict on a restriction that does not stand any more."""
    return replace(verdict, problem=_("Intet er registreret: begrænsningen er ophævet eller ændret imens."))


def _line(one: RestrictedCase, open_to: Collection[UUID], key: UUID, typed: Verdict | None) -> RestrictedLine:
    restriction = one.restriction
    place, ours = f"{one.case}-{restriction.entry}", (one.case, restriction.entry)
    mine = typed if typed is not None and (typed.case, typed.entry) == ours else None
    return RestrictedLine(
        id=place,
        number=one.number,
        address=case_address(one.case) if one.case in open_to else None,
        category=word(RESTRICTIONS, restriction.category),
        allowed=", ".join(restriction.allowed),
        review_by=show_day(restriction.review_by),
        overdue=one.overdue,
        looks=looks_address(one.case),
        action=action_address(*ours),
        key=str(uuid5(key, place)),
        typed=mine or Verdict(*ours),
    )


def _errors(line: RestrictedLine) -> list[tuple[str, str]]:
    found = ((f"gennemgang-{line.id}", line.typed.choice_error), (f"begrundelse-{line.id}", line.typed.grounds.error))
    return [(place, error) for place, error in found if error is not None]
