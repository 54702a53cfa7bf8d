"""The steering group's overview of a programme: how many families are on the way in, ongoing and on the way out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from uuid import UUID

from domain.case_set import EVERY_CASE, CaseSet
from domain.steering import ON_THE_WAY_IN, ON_THE_WAY_OUT, ONGOING, headings
from ledger.store import Ledger
from projections.board_pages import BEGINNING, BoardRows, Moment, Selection, place_of
from projections.boards import PartRow
from projections.caseload import CASE, ENROLMENT, PUBLISHED, SIBLING
from projections.following import wait_for
from projections.view import CASE_STATE, CASELOAD, ROWS

COUNTED = (ON_THE_WAY_IN, ONGOING, ON_THE_WAY_OUT)
"""The headings under which families are counted."""


def counted(reading: str | None) -> Mapping[str, str]:
    """Return the heading of each status that is counted, under a reading of A17: what counts as on the way in."""
    return {status: heading for status, heading in headings(reading).items() if heading in COUNTED}


def open_cases(ledger: Ledger, position: int, among: CaseSet, programme: str | None) -> Mapping[UUID, str]:
    """Return the cases whose latest enrolment was not closed as known at a position, with its status; waits a moment.

    They are of a programme, or (None) of any.
    """
    wait_for(ledger, CASE_STATE, position)
    values = {"position": position, "only": among.only, "but": among.but, "programme": programme}
    return dict(ledger.query(ROWS["open_cases"], values))


def enrolments_of(programme: str | None, reading: str | None) -> Selection:
    """Return which enrolments of a programme, or (None) of any, are counted."""
    return Selection(f"{ENROLMENT}/", tuple(counted(reading)), programme=programme)


def families(rows: BoardRows, programme: str | None, reading: str | None) -> Mapping[tuple[str, str], int]:
    """Return how many families stand under each heading of a programme, or (None) of each that has any.

    A family with several cases, or several enrolments under a heading, counts once there.
    """
    chosen, under = enrolments_of(programme, reading), counted(reading)
    linked = _linked(rows.rare(SIBLING))
    found = Counter(rows.cases(chosen, under, linked))
    together = {
        (str(row.value["programme"]), under[row.value["status"]], linked[row.case])
        for row in rows.of(chosen, linked.keys())
    }
    found.update((name, heading) for name, heading, _ in together)
    return found


def published(rows: BoardRows, programme: str | None) -> list[PartRow]:
    """Return the overviews of a programme, or (None) of any, that were published, in the order in which they were."""
    return sorted(rows.rare(PUBLISHED, programme), key=lambda row: (row.value["happened"], place_of(row)))


def is_programme(ledger: Ledger, programme: str) -> bool:
    """Whether any case on record now is of a programme; waits a moment for the view to follow."""
    head = ledger.head()
    wait_for(ledger, CASELOAD, head.size)
    rows = BoardRows(ledger, CASELOAD, Moment(head.size, head.recorded_at), EVERY_CASE, ())
    return bool(rows.page(Selection(CASE, programme=programme), BEGINNING, 1))


def _linked(links: Iterable[PartRow]) -> Mapping[UUID, UUID]:
    """Return for each case linked to a sibling's the case that stands for the family."""
    family: dict[UUID, UUID] = {}
    for link in links:
        one, other = (_head(family, case) for case in (link.case, UUID(link.value["case"])))
        family[max(one, other)] = family[min(one, other)] = min(one, other)
    return {case: _head(family, case) for case in family}


def _head(family: Mapping[UUID, UUID], case: UUID) -> UUID:
    while family.get(case, case) != case:
        case = family[case]
    return case
