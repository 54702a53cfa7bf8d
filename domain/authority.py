"""Who may do what: one function answers for every route, page, search, count and command.

It is asked about the present, also where a view of the past is wanted: what one may no longer see today is not seen in
yesterday's view either. Roles say what somebody may do at all; assignment, organisation, grants and emergency access
say in which cases. Restrictions and conflicts of interest take away again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from types import MappingProxyType
from uuid import UUID

from domain.reach import CaseReach, StaffReach


class Act(StrEnum):
    """What somebody wants to do."""

    CASE_OPEN = "case.open"
    CASE_READ = "case.read"
    CASE_WRITE = "case.write"
    DECIDE = "decision.make"
    BOARD_READ = "board.read"
    SEARCH = "search.read"
    ORIGINALS_READ = "audit.read"
    LOOKS_READ = "access-log.read"
    EXTRACT_MAKE = "access-log.subject-read"
    LOOK_JUDGE = "access-log.judge"
    EVIDENCE_MAKE = "evidence.make"
    REACH_WRITE = "reach.write"
    STAFF_GRANT = "staff.grant"
    BREAK_GLASS_OPEN = "break-glass.open"
    BREAK_GLASS_REVIEW = "break-glass.review"
    ERASURE_READ = "erasure.read"
    ERASURE_PROPOSE = "erasure.propose"
    ERASURE_DECIDE = "erasure.execute"
    LOG_READ = "log.read"
    EXPORT_MAKE = "export.make"


class Extent(Enum):
    """In which cases a role may do something: those held, those of its organisation, all of them."""

    HELD = 1
    ORGANISATION = 2
    ALL = 3


class Kind(StrEnum):
    """What a role amounts to."""

    CASEWORKER = "caseworker"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ANALYST = "analyst"
    DATA_PROTECTION = "data_protection"
    ADMINISTRATOR = "administrator"


KIND_OF_ROLE: Mapping[str, Kind] = MappingProxyType(
    {
        "coordinator": Kind.CASEWORKER,
        "family_consultant": Kind.CASEWORKER,
        "family_therapist": Kind.CASEWORKER,
        "health_visitor": Kind.CASEWORKER,
        "midwife": Kind.CASEWORKER,
        "psychologist": Kind.CASEWORKER,
        "reception_officer": Kind.CASEWORKER,
        "social_worker": Kind.CASEWORKER,
        "team_leader": Kind.SUPERVISOR,
        "legal_officer": Kind.AUDITOR,
        "dpo": Kind.DATA_PROTECTION,
        **{kind.value: kind for kind in Kind},
    }
)
"""The roles people sign in with, professions first. On record goes the role itself: rules ask who acted as what."""

_CASEWORK = MappingProxyType(
    {
        Act.CASE_OPEN: Extent.ALL,
        Act.CASE_READ: Extent.HELD,
        Act.CASE_WRITE: Extent.HELD,
        Act.DECIDE: Extent.HELD,
        Act.BOARD_READ: Extent.HELD,
        Act.SEARCH: Extent.HELD,
        Act.BREAK_GLASS_OPEN: Extent.ALL,
    }
)

POWERS: Mapping[Kind, Mapping[Act, Extent]] = MappingProxyType(
    {
        Kind.CASEWORKER: _CASEWORK,
        Kind.SUPERVISOR: MappingProxyType(
            {
                Act.CASE_OPEN: Extent.ALL,
                Act.CASE_READ: Extent.ORGANISATION,
                Act.CASE_WRITE: Extent.ORGANISATION,
                Act.DECIDE: Extent.ORGANISATION,
                Act.BOARD_READ: Extent.ORGANISATION,
                Act.SEARCH: Extent.ORGANISATION,
                Act.LOOKS_READ: Extent.ORGANISATION,
                Act.LOOK_JUDGE: Extent.ORGANISATION,
                Act.EVIDENCE_MAKE: Extent.ORGANISATION,
                Act.REACH_WRITE: Extent.ORGANISATION,
                Act.BREAK_GLASS_OPEN: Extent.ALL,
                Act.BREAK_GLASS_REVIEW: Extent.ORGANISATION,
                Act.ERASURE_READ: Extent.ORGANISATION,
                Act.ERASURE_PROPOSE: Extent.ORGANISATION,
            }
        ),
        Kind.AUDITOR: MappingProxyType(
            {
                Act.CASE_READ: Extent.ALL,
                Act.BOARD_READ: Extent.ALL,
                Act.SEARCH: Extent.ALL,
                Act.ORIGINALS_READ: Extent.ALL,
                Act.LOOKS_READ: Extent.ALL,
                Act.EVIDENCE_MAKE: Extent.ALL,
                Act.ERASURE_READ: Extent.ALL,
                Act.LOG_READ: Extent.ALL,
            }
        ),
        Kind.ANALYST: MappingProxyType({Act.BOARD_READ: Extent.ALL, Act.EXPORT_MAKE: Extent.ALL}),
        Kind.DATA_PROTECTION: MappingProxyType(
            {
                Act.LOOKS_READ: Extent.ALL,
                Act.LOOK_JUDGE: Extent.ALL,
                Act.EXTRACT_MAKE: Extent.ALL,
                Act.EVIDENCE_MAKE: Extent.ALL,
                Act.REACH_WRITE: Extent.ALL,
                Act.BREAK_GLASS_REVIEW: Extent.ALL,
                Act.ERASURE_READ: Extent.ALL,
                Act.ERASURE_PROPOSE: Extent.ALL,
                Act.ERASURE_DECIDE: Extent.ALL,
                Act.LOG_READ: Extent.ALL,
                Act.EXPORT_MAKE: Extent.ALL,
            }
        ),
        Kind.ADMINISTRATOR: MappingProxyType({Act.STAFF_GRANT: Extent.ALL}),
    }
)
"""What each kind of role may do, and in which cases."""

IN_EMERGENCY = frozenset({Act.CASE_READ, Act.CASE_WRITE})
"""What emergency access opens: to read, and to record what was done."""

OVERSIGHT = frozenset(
    {
        Act.LOOKS_READ,
        Act.LOOK_JUDGE,
        Act.EXTRACT_MAKE,
        Act.REACH_WRITE,
        Act.BREAK_GLASS_REVIEW,
        Act.ERASURE_READ,
        Act.ERASURE_PROPOSE,
        Act.ERASURE_DECIDE,
    }
)
"""What data protection may do with a restricted case without being among those named: the texts stay closed."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who wants to do something: opaque staff id, the role they act in, their organisation, and what was granted."""

    staff: str
    role: str
    organisation: str | None
    granted: StaffReach


@dataclass(frozen=True, slots=True)
class Permission:
    """The answer: whether, and through what, or why not, as a code."""

    granted: bool
    because: str

    def __bool__(self) -> bool:
        return self.granted


def _yes(because: str) -> Permission:
    return Permission(granted=True, because=because)


def _no(because: str) -> Permission:
    return Permission(granted=False, because=because)


def may(person: Person, act: Act) -> Permission:
    """Return whether somebody may do something at all, in whichever case."""
    kind = KIND_OF_ROLE.get(person.role)
    if kind is None:
        return _no("unknown_role")
    if person.granted.has_lost(person.role, person.organisation):
        return _no("role_ended")
    return _yes("role") if act in POWERS[kind] else _no("role")


def may_in_case(person: Person, act: Act, case: UUID, reach: CaseReach, at: datetime) -> Permission:
    """Return whether somebody may do something in a case at an instant, which is always the present one."""
    allowed = may(person, act)
    emergency = reach.emergency_of(person.staff, at) if act in IN_EMERGENCY else None
    if reach.conflict_of(person.staff) is not None:
        return _no("conflict_of_interest")
    if not allowed:
        return allowed
    if act is Act.BREAK_GLASS_OPEN:
        return allowed
    if _is_closed_to(person, act, reach):
        return _yes("break_glass") if emergency else _no("restricted")
    through = _reaches(person, act, case, reach, at)
    if through is not None:
        return _yes(through)
    return _yes("break_glass") if emergency else _no("not_assigned")


def _is_closed_to(person: Person, act: Act, reach: CaseReach) -> bool:
    """Whether a restriction keeps somebody out; data protection looks after restrictions without reading the case."""
    if reach.restriction is None or person.staff in reach.restriction.allowed:
        return False
    return not (KIND_OF_ROLE[person.role] is Kind.DATA_PROTECTION and act in OVERSIGHT)


def _reaches(person: Person, act: Act, case: UUID, reach: CaseReach, at: datetime) -> str | None:
    """Return through what a case is within somebody's extent; None where it is not."""
    extent = POWERS[KIND_OF_ROLE[person.role]][act]
    if extent is Extent.ALL:
        return "role"
    if extent is Extent.ORGANISATION and _same_organisation(person, reach, at):
        return "organisation"
    if reach.restriction is not None and person.staff in reach.restriction.allowed:
        return "restriction"
    if person.staff in reach.holders(at):
        return "assignment"
    return "grant" if person.granted.granted(person.role, case, at) else None


def _same_organisation(person: Person, reach: CaseReach, at: datetime) -> bool:
    """Whether a case is of somebody's organisation; one without an organisation is of the whole municipality's."""
    own = {person.organisation, *person.granted.organisations(person.role, at)}
    return reach.organisation is None or reach.organisation in own


def powers_table() -> str:
    """Return who may do what as a Markdown table, with the roles that amount to each kind."""
    names = {kind: ", ".join(role for role, one in KIND_OF_ROLE.items() if one is kind) for kind in Kind}
    head = "| act | " + " | ".join(names[kind] for kind in Kind) + " |\n"
    line = "|---" * (len(Kind) + 1) + "|\n"
    rows = [f"| `{act.value}` | " + " | ".join(_extent(POWERS[kind].get(act)) for kind in Kind) + " |\n" for act in Act]
    return head + line + "".join(rows)


def _extent(extent: Extent | None) -> str:
    return "" if extent is None else extent.name.lower()
