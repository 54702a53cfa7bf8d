"""What the page shows on which somebody's cases are handed over at once, and what it makes of what was typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from api.caseload_moving import MOST_CASES, CaseloadLook, HeldCase, PendingCase
from api.looks import NOW
from api.pages.access_views import TEXT_LIMIT, TextField, read_text
from api.pages.codes import ROLES, STATUSES, word
from api.pages.desk import MOVE, MenuLine
from api.pages.language import _, ngettext
from api.pages.times import show_instant
from api.pages.views import address, case_address
from domain.events.base import StaffRef

FROM, TO, CASES, REASON = "fra", "til", "sag", "begrundelse"
NOTHING = TextField()
_STAFF = TypeAdapter[str](StaffRef)


@dataclass(frozen=True, slots=True)
class MoveTyped:
    """What was typed: the cases chosen (None: all), the receiver and the reason, with what is wrong with each."""

    cases: frozenset[UUID] | None = None
    cases_error: str | None = None
    to: TextField = NOTHING
    reason: TextField = NOTHING

    @property
    def errors(self) -> tuple[tuple[str, str], ...]:
        """What is wrong, each with the place of the field."""
        found = (("sager", self.cases_error), (TO, self.to.error), (REASON, self.reason.error))
        return tuple((place, error) for place, error in found if error is not None)


@dataclass(frozen=True, slots=True)
class HeldLine:
    """A case that can be handed over."""

    id: UUID
    number: str
    address: str
    roles: str
    since: str
    status: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class PendingLine:
    """A case that waits to be taken over."""

    number: str
    address: str
    role: str
    to: str
    since: str
    entry: str


@dataclass(frozen=True, slots=True)
class MovePage:
    """The cases of one member of staff, and those that wait to be taken over from them."""

    staff: str
    menu: tuple[MenuLine, ...]
    heading: str
    held: tuple[HeldLine, ...]
    pending: tuple[PendingLine, ...]
    pending_heading: str
    typed: MoveTyped
    problem: str | None
    key: str
    access: int
    limit: int = TEXT_LIMIT


def move_address(staff: str) -> str:
    """Return where the cases of somebody are handed over."""
    return address(MOVE.address, NOW, **{FROM: staff})


def read_move(cases: Sequence[UUID], to: str | None, reason: str | None, staff: str) -> MoveTyped:
    """Return what was typed, with what is wrong with it."""
    wrong = None
    if not cases:
        wrong = _("Vælg mindst én sag.")
    elif len(cases) > MOST_CASES:
        wrong = _("Vælg højst %(most)s sager ad gangen.", most=MOST_CASES)
    return MoveTyped(
        frozenset(cases), wrong, _receiver(to, staff), read_text(reason, _("Skriv, hvorfor sagerne skifter hænder."))
    )


def _receiver(to: str | None, staff: str) -> TextField:
    typed = (to or "").strip()
    if not typed:
        return TextField(typed, _("Skriv, hvem der skal overtage sagerne."))
    try:
        _STAFF.validate_python(typed)
    except ValidationError:
        return TextField(typed[:80], _("Skriv medarbejderens nummer, for eksempel u-24."))
    if typed == staff:
        return TextField(typed, _("Vælg en anden end den, der har sagerne."))
    return TextField(typed)


def move_page(
    look: CaseloadLook, staff: str, menu: tuple[MenuLine, ...], typed: MoveTyped, problem: str | None, key: str
) -> MovePage:
    """Return the page about what somebody holds."""
    held, pending = len(look.held), len(look.pending)
    return MovePage(
        staff=staff,
        menu=menu,
        heading=ngettext("%(who)s har %(number)s sag", "%(who)s har %(number)s sager", held, who=staff),
        held=tuple(_held_line(one, typed) for one in look.held),
        pending=tuple(map(_pending_line, look.pending)),
        pending_heading=ngettext(
            "%(number)s sag venter på at blive overtaget", "%(number)s sager venter på at blive overtaget", pending
        ),
        typed=typed,
        problem=problem,
        key=key,
        access=look.access_position,
    )


def _held_line(one: HeldCase, typed: MoveTyped) -> HeldLine:
    return HeldLine(
        id=one.case,
        number=one.number,
        address=case_address(one.case),
        roles=", ".join(word(ROLES, role) for role in one.roles) or _("oprettede sagen"),
        since="–" if one.since is None else show_instant(one.since),
        status=word(STATUSES, one.status),
        chosen=typed.cases is None or one.case in typed.cases,
    )


def _pending_line(one: PendingCase) -> PendingLine:
    allocation = one.allocation
    return PendingLine(
        number=one.number,
        address=case_address(one.case),
        role=word(ROLES, allocation.role),
        to=", ".join(allocation.staff),
        since=show_instant(allocation.since),
        entry=f"{case_address(one.case)}/haendelser/{allocation.entry}",
    )
