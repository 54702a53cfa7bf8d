"""What the list of cases can be narrowed to: by number, programme, status and who is responsible, in its address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from api.looks import Question
from api.pages import views
from api.pages.codes import PROGRAMMES, STATUSES
from api.pages.language import _
from api.pages.times import address_form
from api.reading import Narrowed
from projections.board import Chosen

NUMBER, PROGRAMME, STATUS, RESPONSIBLE = FILTERS = ("nummer", "program", "status", "ansvarlig")
LONGEST = 80
_CIVIL = re.compile(r"\s*[0-9]{6}[- ]?[0-9]{4}\s*")


@dataclass(frozen=True, slots=True)
class ListForm:
    """The form that narrows the list, as typed; ``kept`` are the instants it is as of."""

    number: str
    programme: str
    status: str
    responsible: str
    programmes: tuple[tuple[str, str], ...]
    statuses: tuple[tuple[str, str], ...]
    kept: tuple[tuple[str, str], ...]
    error: str | None
    narrowed: bool
    whole: str


def read(query: Mapping[str, str]) -> Mapping[str, str]:
    """Return the filters of an address that are not blank."""
    typed = {name: query.get(name, "").strip() for name in FILTERS}
    return {name: text for name, text in typed.items() if text}


def problem(filters: Mapping[str, str]) -> str | None:
    """Return what is wrong with filters; None where nothing is."""
    if any(len(text) > LONGEST for text in filters.values()):
        return _("Et felt er for langt: skriv højst %(limit)s tegn.", limit=LONGEST)
    if _CIVIL.fullmatch(filters.get(NUMBER, "")):
        return _("Personnumre hører ikke til i en adresse: brug siden Søg person.")
    if filters.get(PROGRAMME, "") not in ("", *PROGRAMMES) or filters.get(STATUS, "") not in ("", *STATUSES):
        return _("Vælg program og status fra listerne.")
    return None


def narrowed(filters: Mapping[str, str]) -> Narrowed:
    """Return what the list is narrowed to."""
    chosen = Chosen(filters.get(PROGRAMME), filters.get(STATUS), filters.get(RESPONSIBLE))
    return Narrowed(filters.get(NUMBER, ""), chosen)


def form(filters: Mapping[str, str], asked: Question, error: str | None = None) -> ListForm:
    """Return the form as typed."""
    instants = ((views.KNOWN_AT, asked.known_at), (views.VALID_AT, asked.valid_at))
    return ListForm(
        number=filters.get(NUMBER, "")[:LONGEST],
        programme=filters.get(PROGRAMME, ""),
        status=filters.get(STATUS, ""),
        responsible=filters.get(RESPONSIBLE, "")[:LONGEST],
        programmes=tuple((code, _(label)) for code, label in PROGRAMMES.items()),
        statuses=tuple((code, _(label)) for code, label in STATUSES.items()),
        kept=tuple((name, address_form(one)) for name, one in instants if one is not None),
        error=error,
        narrowed=bool(filters),
        whole=views.address(views.CASES, asked),
    )
