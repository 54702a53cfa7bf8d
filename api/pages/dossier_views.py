"""What the pages of decisions show: the list, and of one decision what a reviewer asks, the answer first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api import dossier_words as words
from api.dossier import MadeDossier
from api.dossier_values import Values
from api.looks import Question
from api.pages import compare_views, views
from api.pages.approval_views import submission_address
from api.pages.audit_words import LAMP_LAWS
from api.pages.bundle_views import BundleForm, bundle_form
from api.pages.case_frame import COMPARE
from api.pages.codes import OUTCOMES, ROLES, word, word_of_field
from api.pages.dossier_sheet import Sheet, at, marked_answer
from api.pages.dossier_tables import (
    basis_table,
    child_rows,
    consent_table,
    deadline_tables,
    document_table,
    finding_table,
    hearing_difference,
    hearing_table,
    late_table,
    looks_table,
    missing_table,
    proof_rows,
    remedy_table,
    since_table,
    support_table,
    withheld_table,
)
from api.pages.finding_words import explained_values
from api.pages.language import _, ngettext
from api.pages.tables import BAD, NOTE, Cell, Table, table
from api.reading import CaseLook
from domain.dossier import Dossier
from domain.entries import Entry

FIRST = 3
"""How many things a reviewer is told to read first."""

GRAVEST = (
    "SUPPORT_WITHOUT_CONSENT",
    "STATEMENT_REQUEST_IGNORED",
    "DECISION_BEFORE_HEARING_EXPIRED",
    "HEARING_MISSING",
    "BASIS_CHANGED_AFTER_HEARING",
    "RELIED_ON_CORRECTED_VALUE",
    "CHILD_VIEW_MISSING",
    "DECISION_WITHOUT_REASONS",
)
"""Which findings are read before others of their level."""

Rows = Sequence[tuple[str, Sequence[Cell]]]


@dataclass(frozen=True, slots=True)
class Lamp:
    """What a reviewer checks first: the question, the answer in a word and as a mark, which law asks, and where."""

    name: str
    answer: str
    mark: str | None
    law: str
    link: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a dossier under its heading: facts, tables, and what is said beside them."""

    id: str
    title: str
    facts: Rows = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DossierPage:
    """Everything the dossier of a decision shows, top to bottom."""

    sentence: str
    statuses: tuple[str, ...]
    lamps: tuple[Lamp, ...]
    first: tuple[Cell, ...]
    counts: tuple[tuple[int, str, str], ...]
    sections: tuple[Section, ...]
    paper: str | None
    bundle: BundleForm | None
    made_of: str
    since: str


@dataclass(frozen=True, slots=True)
class DecisionsPage:
    """The decisions of a case, the latest first."""

    table: Table
    total: int


def decision_address(case: UUID | str, version: int) -> str:
    """Return where the dossier of a decision is."""
    return f"{views.case_address(case)}/afgoerelser/{version}"


def decisions_page(look: CaseLook, found: Sequence[Dossier]) -> DecisionsPage:
    """Return the list of the decisions of a case, from what each dossier begins with."""
    case, asked = look.file.case, Question(look.question.known_at)
    rows = [
        (
            Cell(_("nr. %(version)s", version=one.decision.version), _dossier(case, one.decision, asked)),
            _what(one.decision.data),
            at(one.instant),
            str(one.decision.data.get("decided_by") or one.decision.actor.id),
            word(words.STATUSES, one.statuses[-1].status) if one.statuses else "",
            _counted(one.lamps),
        )
        for one in sorted(found, key=lambda one: one.instant, reverse=True)
    ]
    heads = (_("Afgørelse"), _("Hvad"), _("Truffet"), _("Af"), _("Status"), _("Gennemgangens otte spørgsmål"))
    caption = _("Afgørelser, den seneste først")
    return DecisionsPage(table(caption, heads, rows, _("Der er ingen afgørelser på sagen.")), len(rows))


def _dossier(case: UUID, decision: Entry, asked: Question) -> str:
    return views.address(decision_address(case, decision.version), asked)


def _counted(lamps: Mapping[str, str]) -> list[Cell]:
    missing = [_(words.LAMPS[name]) for name, answer in lamps.items() if answer == "no"]
    unknown = [_(words.LAMPS[name]) for name, answer in lamps.items() if answer == "not_stated"]
    found: list[Cell] = []
    if missing:
        found.append(Cell(_("nej: %(names)s", names=", ".join(missing)), mark=BAD))
    if unknown:
        found.append(Cell(_("ikke oplyst: %(names)s", names=", ".join(unknown)), mark=NOTE))
    return found or [Cell(_("alle ja"))]


def _what(data: Mapping[str, Any]) -> str:
    outcome = word(OUTCOMES, str(data.get("outcome")))
    measure = data.get("measure")
    return f"{outcome}: {word_of_field('measure', str(measure))}" if measure else outcome


def dossier_page(made: MadeDossier, key: str, *, may_hand_out: bool) -> DossierPage:
    """Return the dossier of a decision; ``key`` makes a second click on the form for a bundle the same request."""
    values, look = made.values, made.look
    sheet = Sheet(look, values)
    place = decision_address(look.file.case, values["entry"])
    return DossierPage(
        sentence=_sentence(sheet),
        statuses=tuple(f"{word(words.STATUSES, one['status'])} {at(one['at'])}" for one in values["statuses"]),
        lamps=tuple(_lamps(values["lamps"])),
        first=tuple(_first(sheet))[:FIRST],
        counts=_counts(values["counts"]),
        sections=tuple(_sections(sheet)),
        paper=views.address(f"{place}/dossier.pdf", Question(look.question.known_at)) if may_hand_out else None,
        bundle=bundle_form(look, key) if may_hand_out else None,
        made_of=_made_of(values),
        since=_since(sheet),
    )


def _since(sheet: Sheet) -> str:
    """Return where one sees what has come since the decision."""
    wish = compare_views.Wish(sheet.instant, sheet.look.question.known_at)
    return compare_views.address(views.case_address(sheet.look.file.case) + COMPARE.path, wish)


def _sentence(sheet: Sheet) -> str:
    values = sheet.values
    return _(
        "%(what)s. For %(parties)s. Truffet %(made)s af %(decider)s.",
        what=_what(values["made"]["data"]).capitalize(),
        parties=sheet.several(values["parties"]) or _("ingen oplyste parter"),
        made=at(values["instant"]),
        decider=values["decided_by"],
    )


def _lamps(lamps: Mapping[str, str]) -> Iterable[Lamp]:
    places = {
        "legal_basis": "hjemmel", "competence": "hvem", "information": "grundlag", "hearing": "hoering",
        "child_view": "barnet", "consent_or_basis": "samtykke", "reasons": "hjemmel", "complaint_guidance": "meddelt",
    }  # fmt: skip
    for name, answer in lamps.items():
        told, mark = marked_answer(answer)
        yield Lamp(_(words.LAMPS[name]), told, mark, _(LAMP_LAWS[name]), f"#{places[name]}")


def _first(sheet: Sheet) -> Iterable[Cell]:
    """Yield what to read first: what the decider knew and did not record, then the gravest findings."""
    missing = sheet.values["not_yet_recorded"]
    for one in sorted(missing, key=lambda one: not one["by_decider"]):
        whom = _("til den, der traf afgørelsen,") if one["by_decider"] else _("til %(who)s", who=one["received_by"])
        text = _(
            "%(label)s nåede frem %(whom)s %(reached)s og stod ikke i registret, da afgørelsen blev truffet.",
            label=_(one["label"]), whom=whom, reached=at(one["reached"]),
        )  # fmt: skip
        yield Cell(text, sheet.link(one["version"]))
    for one in sorted(sheet.values["findings"], key=_gravity):
        yield Cell(explained_values(one), sheet.link(one["entry"]))


def _gravity(finding: Values) -> tuple[bool, int]:
    code = finding["code"]
    return finding["level"] != "statute", GRAVEST.index(code) if code in GRAVEST else len(GRAVEST)


def _counts(counts: Mapping[str, int]) -> tuple[tuple[int, str, str], ...]:
    return (
        (counts["reached_not_recorded"], _("nået frem, men ikke registreret"), "#ikke-registreret"),
        (counts["known_of_later"], _("registreret senere om tiden før"), "#ikke-registreret"),
        (counts["changed_since"], _("rettet eller annulleret siden"), "#ikke-registreret"),
    )


def _sections(sheet: Sheet) -> Iterable[Section]:
    values = sheet.values
    yield Section("hvem", _("Hvem"), _who(sheet))
    yield Section("hjemmel", _("Hjemmel, formål og begrundelse"), _law(sheet))
    yield Section("grundlag", _("Hvad afgørelsen hviler på"), tables=(basis_table(sheet),))
    yield Section("hoering", _("Partshøring"), hearing_difference(sheet), (hearing_table(sheet),))
    yield Section("barnet", _("Barnets perspektiv"), child_rows(sheet))
    yield Section("samtykke", _("Samtykke den dag"), tables=(consent_table(sheet), support_table(sheet)))
    unseen = (missing_table(sheet), late_table(sheet), since_table(sheet))
    note = _("Registret viser, hvad der var registreret, ikke alt, hvad kommunen vidste.")
    yield Section("ikke-registreret", _("Nået frem, men ikke registreret"), tables=unseen, notes=(note,))
    yield Section("frister", _("Frister den dag"), tables=tuple(deadline_tables(sheet)))
    yield Section("meddelt", _("Meddelelse og klage"), tables=(remedy_table(sheet),))
    yield Section("set", _("Hvem havde åbnet sagen før"), tables=looks_table(sheet), notes=_looks_note(values))
    yield Section("anmaerkninger", _("Anmærkninger og behandlingen af dem"), tables=(finding_table(sheet),))
    yield Section("dokumenter", _("Dokumenter"), tables=(document_table(sheet),))
    yield Section("bevis", _("Bevis"), proof_rows(sheet), notes=_proof_notes(values))
    yield Section("undtaget", _("Hvad der ikke vises"), tables=(withheld_table(sheet),))


def _looks_note(values: Values) -> tuple[str, ...]:
    return (
        ()
        if values["read_by"] is not None
        else (_("Din rolle giver ikke adgang til at se, hvem der havde set sagen."),)
    )


def _proof_notes(values: Values) -> tuple[str, ...]:
    if values["verification"]["checkpoint"] is None:
        return (_("Protokollen er endnu ikke underskrevet med sagens seneste hændelse; bevis kan ikke hentes endnu."),)
    return (
        _("Det beviser, at hændelserne ikke er ændret siden, ikke at det, de siger, er sandt."),
        _("Hent bevispakken for at kontrollere det uden adgang til kommunens systemer."),
    )


def _who(sheet: Sheet) -> Rows:
    values, data = sheet.values, sheet.values["made"]["data"]
    actor = sheet.entries[values["entry"]].actor
    recorded = _("%(when)s af %(who)s", when=at(values["recorded_at"]), who=f"{actor.id} ({word(ROLES, actor.role)})")
    conflicts = [one for one in sheet.of("conflict_of_interest_recorded") if one.data["staff"] == values["decided_by"]]
    return [
        (_("Truffet af"), [Cell(values["decided_by"])]),
        (_("Registreret"), [Cell(recorded)]),
        (_("Kompetence"), sheet.field(data, "competence_ref")),
        (_("Kompetencen gælder til"), sheet.field(data, "competence_until")),
        *_approval(sheet),
        (_("Møde"), sheet.refers(data.get("meeting"))),
        (_("Parter"), [Cell(sheet.person(ref)) for ref in values["parties"]] or [Cell(_("ikke oplyst"))]),
        (_("Inhabilitet registreret om den, der traf den"), sheet.refers([one.version for one in conflicts], _("nej"))),
        (_("Kontrol, der blev tilsidesat"), sheet.field(data, "overridden_gates", _("ingen"))),
    ]


def _approval(sheet: Sheet) -> Rows:
    """Return who prepared and who approved the decision; nothing where it was not sent for approval."""
    approval = sheet.values["approval"]
    if approval is None:
        return []
    sent, answered = approval["submission"], approval["approval"]
    by = approval["approved_by"] or _("ikke oplyst")
    told = [Cell(f"{by} {at(approval['approved_at'])}".strip()), *([sheet.entry(answered)] if answered else [])]
    rows: list[tuple[str, Sequence[Cell]]] = [
        (_("Forberedt af"), [Cell(approval["prepared_by"] or _("ikke oplyst"))]),
        (_("Godkendt af"), [*told, *([Cell(approval["remarks"])] if approval["remarks"] else [])]),
    ]
    if sent is not None:
        there = submission_address(sheet.look.file.case, sent)
        rows.append((_("Indstilling"), [Cell(_("nr. %(version)s", version=sent), there)]))
    return rows


def _law(sheet: Sheet) -> Rows:
    data = sheet.values["made"]["data"]
    names = (
        "legal_basis", "measure", "purpose", "expected_duration", "plan_needed", "plan_grounds", "alternatives",
        "grounds", "parallel_investigation", "replaces",
    )  # fmt: skip
    needed = sheet.values["support"]["by_record_then"]["holders"]
    asked = _("ja, fra %(holders)s", holders=sheet.several(needed)) if needed else _("ikke oplyst")
    rows = [(sheet.label(name), sheet.field(data, name)) for name in names]
    return [rows[0], (_("Kræver samtykke"), [Cell(asked)]), *rows[1:]]


def _made_of(values: Values) -> str:
    known = values["counts"]["known"]
    count = ngettext("%(number)s hændelse", "%(number)s hændelser", known)
    return _(
        "%(count)s var registreret, da afgørelsen blev truffet. "
        "Dossieret rækker til nr. %(last)s, registreret %(until)s.",
        count=count, last=values["as_of_version"], until=at(values["recorded_until"]),
    )  # fmt: skip
