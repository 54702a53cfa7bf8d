"""What the pages show: pure functions from a look at the ledger to words, numbers and addresses."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from api.conditions import question
from api.looks import Question
from api.pages import course
from api.pages.codes import ERASED_SCOPES, ERASURE_GROUNDS, PACKAGES, PROGRAMMES, ROLES, STATUSES, word
from api.pages.language import _, ngettext
from api.pages.timeline import Item
from api.pages.times import Parts, Unreadable, address_form, note_on, parts_of, read_parts, show_instant
from api.pages.values import NOT_GIVEN
from api.reading import BoardLook, BoardRow, CaseLook
from domain.entries import Entry
from domain.erased import decisions
from domain.known import many
from replay.verify_report import Fault

CASES = "/sager"
_NOW = Question()
_OFFSET = re.compile(r" (?=[0-9]{2}:[0-9]{2}$)")
NEWEST, OLDEST = "newest", "oldest"
ENTRY = "nr"
"""Names in an address the entry that a page is to show."""

PARTS = ("day", "month", "year", "clock")
KNOWN_AT, VALID_AT = "known_at", "valid_at"
LEGENDS = {
    KNOWN_AT: ("Registreret senest", "Vis kun det, der var registreret på dette tidspunkt."),
    VALID_AT: ("Hændt senest", "Vis kun det, der var hændt på dette tidspunkt."),
}

JUDGED_NOW = (
    "Hvad du må se, afgøres af dine rettigheder i dag. Det samme gælder beskyttede oplysninger og det, der er undtaget."
)
"""Stands on every view of the past."""


@dataclass(frozen=True, slots=True)
class InstantField:
    """One instant of the form as typed, with what is wrong with it or worth knowing about it."""

    name: str
    legend: str
    hint: str
    parts: Parts
    error: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """The form that asks as of when; ``order`` is kept unless it is the usual one, and so is what ``kept`` names."""

    action: str
    fields: tuple[InstantField, ...]
    order: str | None = None
    kept: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Submitted:
    """A form that was sent: the question it asks, or None and the form with what is wrong."""

    question: Question | None
    form: Form


@dataclass(frozen=True, slots=True)
class Banner:
    """What stands above a page that does not show the present."""

    title: str
    details: tuple[str, ...]
    now: str


@dataclass(frozen=True, slots=True)
class FaultLine:
    """Where an entry is not as it was recorded; ``problem`` is in English as the verification words it."""

    place: str
    problem: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What the check of the case's entries has seen, and where the ledger stands."""

    intact: bool
    sentence: str
    faults: tuple[FaultLine, ...]
    ledger: str
    size: int
    root: tuple[str, ...]
    simulated: bool


@dataclass(frozen=True, slots=True)
class CasePage:
    """Everything the page of a case shows; an event has a page at ``event_place``, its version and ``query``.

    ``items`` are those of one part of the course, ``older`` and ``newer`` lead to the parts beside it.
    """

    number: str
    event_place: str
    query: str
    summary: tuple[tuple[str, str], ...]
    form: Form
    banner: Banner | None
    items: tuple[Item, ...]
    part: course.Part
    older: str | None
    newer: str | None
    total: int
    newest_first: bool
    other_order: str
    proof: Proof
    access: int
    erased: tuple[str, ...]

    @property
    def here(self) -> frozenset[int]:
        """The entries that stand on the page."""
        return frozenset(item.version for item in self.items)


@dataclass(frozen=True, slots=True)
class BoardLine:
    """One case in the list, with its page where the reader may open it.

    ``since`` is the position from which it was known so, None for a state of the past.
    """

    number: str
    address: str | None
    programme: str
    status: str
    stage: str
    responsible: str
    since: int | None


@dataclass(frozen=True, slots=True)
class BoardPage:
    """Everything the list of cases shows; ``behind`` is true while the list has not followed to the position asked."""

    lines: tuple[BoardLine, ...]
    form: Form
    banner: Banner | None
    position: int
    computed_to: int
    behind: bool
    following: str | None
    access: int
    erased_cases: int


def case_address(case: UUID | str) -> str:
    """Return the address of a case's page."""
    return f"{CASES}/{case}"


def event_place(case: UUID | str) -> str:
    """Return what stands before the version in the address of an event's page."""
    return f"{case_address(case)}/haendelser/"


def address(path: str, question: Question, **more: str | None) -> str:
    """Return the canonical address of a page as of the instants of a question."""
    instants = {KNOWN_AT: question.known_at, VALID_AT: question.valid_at}
    query = {name: address_form(instant) for name, instant in instants.items() if instant is not None}
    query |= {name: value for name, value in more.items() if value is not None}
    return f"{path}?{urlencode(query, safe=':')}" if query else path


def entry_address(case: UUID | str, version: int, question: Question = _NOW, order: str | None = None) -> str:
    """Return where an entry stands on the page of its case, as of the instants asked about."""
    return f"{_part_address(case, version, question, order)}#v{version}"


def _part_address(case: UUID | str, version: int, question: Question, order: str | None) -> str:
    return address(case_address(case), question, **{ENTRY: str(version)}, order=order)


def form_of(action: str, question: Question, order: str | None = None) -> Form:
    """Return the form filled in with a question."""
    return Form(action, tuple(_filled(name, getattr(question, name)) for name in LEGENDS), order)


def with_error(form: Form, name: str, error: str) -> Form:
    """Return the form with a message beside one of its instants."""
    fields = tuple(_field(f.name, f.parts, error if f.name == name else f.error, f.note) for f in form.fields)
    return replace(form, fields=fields)


def asked(query: Mapping[str, str]) -> Question:
    """Return the instants an address asks about; raises ProblemError for what is none with an offset.

    A plus typed as such in an address arrives as a blank.
    """
    return question(*(_OFFSET.sub("+", query.get(name, "")) for name in LEGENDS))


def is_submitted(query: Mapping[str, str]) -> bool:
    """Whether an address carries the parts of a form rather than instants."""
    return any(f"{name}_{part}" in query for name in LEGENDS for part in PARTS)


def read_form(action: str, query: Mapping[str, str], order: str | None = None) -> Submitted:
    """Return what a form asks; every instant that cannot be read has its message and keeps what was typed."""
    instants: dict[str, datetime | None] = {}
    fields: list[InstantField] = []
    for name in LEGENDS:
        parts = Parts(*(query.get(f"{name}_{part}", "") for part in PARTS))
        try:
            instants[name] = read_parts(parts)
            fields.append(_field(name, parts))
        except Unreadable as error:
            fields.append(_field(name, parts, str(error)))
    form = Form(action, tuple(fields), order)
    if any(field.error for field in fields):
        return Submitted(None, form)
    return Submitted(Question(instants[KNOWN_AT], instants[VALID_AT]), form)


def case_page(look: CaseLook, *, newest_first: bool = False, entry: int | None = None) -> CasePage:
    """Return what the page of a case shows: the part of its course that holds an entry, else the first."""
    case, path, order = look.file.case, case_address(look.file.case), NEWEST if newest_first else None
    entries = course.course(look, newest_first=newest_first)
    part = course.part_of(entries, entry)
    beside = [
        f"{_part_address(case, version, look.question, order)}#forloeb" if version else None
        for version in (part.before, part.after)
    ]
    older, newer = reversed(beside) if newest_first else beside
    return CasePage(
        number=str(look.state["number"]),
        event_place=event_place(look.file.case),
        query=address("", look.question),
        summary=tuple(_summary(look.state)),
        form=form_of(path, look.question, order),
        banner=banner(
            look.question,
            "Du ser sagen, som den var registreret %(when)s.",
            _later(look),
            address(path, Question(), order=order),
        ),
        items=course.items_of_part(look, entries, part, lambda one: entry_address(case, one, look.question, order)),
        part=part,
        older=older,
        newer=newer,
        total=len(look.entries),
        newest_first=newest_first,
        other_order=address(path, look.question, order=None if newest_first else NEWEST),
        proof=proof(look),
        access=look.access_position,
        erased=erased_lines(look.erasures),
    )


def board_page(
    look: BoardLook,
    readable: Collection[UUID],
    following: str | None,
    filters: Mapping[str, str] = MappingProxyType({}),
) -> BoardPage:
    """Return what the list of cases shows; it leads to those that are ``readable`` to whoever looks.

    ``following`` is the cursor of the next page, ``filters`` stay in it.
    """
    lines = sorted(
        (_line(row, look.question, readable=row.case in readable) for row in look.rows), key=lambda line: line.number
    )
    return BoardPage(
        lines=tuple(lines),
        form=replace(form_of(CASES, look.question), kept=tuple(filters.items())),
        banner=banner(
            look.question,
            "Du ser listen, som den var registreret %(when)s.",
            None,
            address(CASES, Question(), **filters),
        ),
        position=look.position,
        computed_to=min(look.computed_to, look.position),
        behind=look.computed_to < look.position,
        following=address(CASES, look.question, **filters, cursor=following) if following else None,
        access=look.access_position,
        erased_cases=look.erased_cases,
    )


def proof(look: CaseLook) -> Proof:
    """Return the box that says whether the case's entries are as they were recorded."""
    total, broken = len(look.entries), len({fault.version for fault in look.faults})
    root = look.head.root.hex()
    return Proof(
        intact=not look.faults,
        sentence=(
            _("%(broken)s af %(total)s hændelser er ikke, som de blev registreret", broken=broken, total=total)
            if look.faults
            else _("%(total)s af %(total)s hændelser kontrolleret uændret", total=total)
        ),
        faults=tuple(_fault(fault) for fault in look.faults),
        ledger=str(look.head.ledger),
        size=look.head.size,
        root=tuple(root[start : start + 8] for start in range(0, len(root), 8)),
        simulated=look.head.simulated,
    )


def _fault(fault: Fault) -> FaultLine:
    place = _("Nr. %(version)s, hændelse %(position)s", version=fault.version, position=fault.position)
    return FaultLine(place, fault.problem)


def erased_lines(erasures: Iterable[Entry]) -> tuple[str, ...]:
    """Return what was erased in a case, each decision in a sentence: what, when, by whom, on which ground."""
    return tuple(_erased_line(decided[0]) for decided in decisions(erasures))


def _erased_line(entry: Entry) -> str:
    data = entry.data
    what = _(ERASED_SCOPES.get(str(data.get("scope")), "Oplysninger"))
    basis = ", ".join(map(str, many(data["basis"])))
    ground = word(ERASURE_GROUNDS, data["ground"]) if data.get("ground") else basis
    what += f" ({data['subject']})" if data.get("subject") and data.get("scope") == "person" else ""
    when = show_instant(entry.recorded_at)
    if data.get("reapplied"):
        return _(
            "%(what)s er slettet %(erased)s. "
            "Afgørelsen gik tabt; sletningen er registreret igen %(when)s, nr. %(version)s.",
            what=what,
            erased=show_instant(entry.happened),
            when=when,
            version=entry.version,
        )
    return _(
        "%(what)s er slettet %(when)s ved afgørelse nr. %(version)s, truffet af %(who)s: %(ground)s (%(basis)s).",
        what=what,
        when=when,
        version=entry.version,
        who=data["approved_by"],
        ground=ground,
        basis=basis,
    )


def _filled(name: str, instant: datetime | None) -> InstantField:
    return _field(name, parts_of(instant), note=note_on(instant))


def _field(name: str, parts: Parts, error: str | None = None, note: str | None = None) -> InstantField:
    legend, hint = LEGENDS[name]
    return InstantField(name, _(legend), _(hint), parts, error, note)


def banner(asked: Question, known: str, later: str | None, now: str) -> Banner | None:
    """Return what to say above what is not shown as it stands now.

    ``known`` says as of when it was recorded, ``later`` what was recorded afterwards.
    """
    sentences: list[str] = []
    if asked.known_at is not None:
        sentences += [_(known, when=show_instant(asked.known_at)), *([later] if later else [])]
    if asked.valid_at is not None:
        sentences.append(_("Du ser kun det, der var hændt senest %(when)s.", when=show_instant(asked.valid_at)))
    return Banner(sentences[0], (*sentences[1:], _(JUDGED_NOW)), now) if sentences else None


def _later(look: CaseLook) -> str:
    """Return how much of what is on record now was so at the instant asked about, and how much came after."""
    later, before, known = look.recorded_later, look.happened_before, len(look.entries)
    if later == 0:
        return _("Intet er registreret senere.")
    total = ngettext("%(number)s hændelse", "%(number)s hændelser", known + later)
    count = ngettext("%(number)s hændelse", "%(number)s hændelser", later)
    return " ".join(
        (
            _("%(known)s af %(total)s var registreret.", known=known, total=total),
            _(
                "%(count)s er registreret senere; %(before)s af dem var hændt inden da.",
                count=count,
                before=before or _("ingen"),
            ),
        )
    )


def _summary(state: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the first things one wants to know of a case."""
    phase = state["enrolment"]["phase"]
    package = state["package"]["current"]
    rows = [
        (_("Program"), word(PROGRAMMES, state["programme"])),
        (_("Status"), word(STATUSES, state["enrolment"]["status"])),
        (_("Fase"), str(phase) if phase else None),
        (_("Pakkeforløb"), word(PACKAGES, package) if package else None),
    ]
    return [(label, text) for label, text in rows if text is not None]


def _responsible(state: Mapping[str, Any]) -> str:
    named = [f"{staff} ({word(ROLES, role)})" for role, staff in state["responsible"].items()]
    return ", ".join(named) or _(NOT_GIVEN)


def _line(row: BoardRow, question: Question, *, readable: bool) -> BoardLine:
    state = row.state
    phase = state["enrolment"]["phase"]
    stages = [_("fase %(phase)s", phase=phase) if phase else None]
    stages.append(word(PACKAGES, state["package"]["current"]) if state["package"]["current"] else None)
    return BoardLine(
        number=str(state["number"]),
        address=address(case_address(row.case), question) if readable else None,
        programme=word(PROGRAMMES, state["programme"]),
        status=word(STATUSES, state["enrolment"]["status"]),
        stage=", ".join(filter(None, stages)) or "–",
        responsible=_responsible(state),
        since=row.known_from if question.valid_at is None else None,
    )
