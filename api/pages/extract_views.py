"""What the pages of a person's extract of who has looked show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from api.look_extracts import Choices, Made
from api.look_letter import CATEGORIES
from api.pages.codes import KINDS, ROLES, word
from api.pages.language import _, ngettext
from api.pages.production_views import MadeLine, Option, read_day_parts
from api.pages.times import Parts, show_instant, show_moment
from api.pages.views import case_address
from domain.entries import Entry
from domain.events.access import AccessRequestReceived, LookupExtractMade
from domain.known import Known
from domain.look_extract import ExtractRow
from domain.purposes import PURPOSES
from domain.time import read_moment


@dataclass(frozen=True, slots=True)
class ExtractForm:
    """The form by which a person's extract of who has looked is made."""

    action: str
    persons: tuple[Option, ...]
    requests: tuple[Option, ...]
    since: Parts
    until: Parts
    errors: tuple[tuple[str, str], ...]
    made: tuple[MadeLine, ...]
    key: str


@dataclass(frozen=True, slots=True)
class ExtractLine:
    """A look as the person is told of it."""

    when: str
    purpose: str
    role: str
    unit: str
    what: str
    who: str | None


@dataclass(frozen=True, slots=True)
class ExtractPage:
    """Everything the page of one extract shows."""

    sentence: str
    lines: tuple[ExtractLine, ...]
    mentioned: str | None
    named: bool
    paper: str
    access: int


def extract_address(case: UUID | str, version: int | None = None) -> str:
    """Return where an extract is made, or where one is."""
    return f"{case_address(case)}/opslag/udtraek" + ("" if version is None else f"/{version}")


def extract_form(found: Choices, typed: Mapping[str, str], key: str, errors: Sequence[tuple[str, str]]) -> ExtractForm:
    """Return the form by which an extract is made, with what was typed."""
    file, known = found.file, Known(found.file.entries)
    persons = [
        Option(ref, f"{word(ROLES, one.role)} ({ref})", typed.get("person") == ref) for ref, one in file.persons.items()
    ]
    requests = [
        Option(str(one.version), _request(one), typed.get("anmodning") == str(one.version))
        for one in known.of(AccessRequestReceived)
    ]
    return ExtractForm(
        action=extract_address(file.case),
        persons=tuple(persons),
        requests=tuple(requests),
        since=read_day_parts(typed, "fra"),
        until=read_day_parts(typed, "til"),
        errors=tuple(errors),
        made=tuple(
            MadeLine(
                extract_address(file.case, one.version),
                _("Nr. %(version)s, %(when)s til %(who)s", version=one.version, when=show_instant(one.recorded_at),
                  who=one.data["person"]),
            )
            for one in reversed(known.of(LookupExtractMade))
        ),
        key=key,
    )  # fmt: skip


def _request(one: Entry) -> str:
    kind, day = word(KINDS, str(one.data["kind"])), show_moment(read_moment(one.data["received_at"]))
    return _("nr. %(version)s, %(day)s: %(kind)s", version=one.version, day=day, kind=kind)


def extract_page(made: Made) -> ExtractPage:
    """Return what the page of an extract shows: what the person is told."""
    rows, mentioned = made.extract.rows, made.extract.mentioned
    who = f"{word(ROLES, made.role)} ({made.event.person})" if made.role else made.event.person
    return ExtractPage(
        sentence=ngettext(
            "Udskriften til %(who)s viser %(number)s opslag.",
            "Udskriften til %(who)s viser %(number)s opslag.",
            len(rows),
            who=who,
        ),
        lines=tuple(map(_extract_line, rows)),
        mentioned=_("Undtaget ved afgørelse, og talt med på brevet: %(number)s.", number=mentioned)
        if mentioned
        else None,
        named=made.extract.with_names,
        paper=f"{extract_address(made.entry.stream, made.entry.version)}.pdf",
        access=made.access_position,
    )


def _extract_line(row: ExtractRow) -> ExtractLine:
    purpose = PURPOSES.get(row.purpose)
    shown = _("intet: forsøget blev afvist") if row.refused else _(CATEGORIES.get(row.category, row.category))
    return ExtractLine(
        show_instant(row.looked_at),
        _(purpose.label_da) if purpose else row.purpose,
        word(ROLES, row.role),
        row.organisation or "–",
        shown,
        row.staff,
    )
