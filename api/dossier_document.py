"""A dossier as a document: headings, facts and tables of plain Danish text, for whatever sets it on paper."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from api import dossier_words as words
from api.dossier_blocks import Cell, at, plain, several, table, text
from api.dossier_sections import (
    consents_part,
    deadlines_part,
    difference_part,
    documents_part,
    findings_part,
    hearings_part,
    looks_part,
    proof_part,
    support_part,
    withheld_part,
)
from api.dossier_values import Values
from api.pages.codes import PROGRAMMES, ROLES, word
from api.pages.texts import field_label
from api.pages.timeline import Item, items
from api.pages.values import Value
from api.reading import CaseLook
from domain.register import as_of, history
from domain.time import read_instant


def document(values: Values, look: CaseLook) -> Values:
    """Return what a dossier says on paper, as JSON values: nothing in it is more than text."""
    last = read_instant(values["recorded_until"])
    return {
        "title": f"{words.TITLE} for sag {values['case_number']}, afgørelse {values['decision']}",
        "running": f"Sag {values['case_number']} · afgørelse {values['decision']} · registreret pr. {at(last)}",
        "made": {"year": last.year, "month": last.month, "day": last.day},
        "warning": words.SIMULATED if values["simulated_clock"] else None,
        "facts": _facts(values, look),
        "sections": [
            _section("Afgørelsen", _lamps(values), _statuses(values)),
            _section("Hvad afgørelsen hviler på", _basis(values, look)),
            _section("A. Hvad der var registreret, da afgørelsen blev truffet", _chronology(values, look)),
            _section("B. Nået frem, men ikke registreret", _missing(values["not_yet_recorded"], look)),
            _section(
                "C. Registreret siden om tiden før",
                _missing(values["recorded_since"]["late"], look),
                _changes(values, look),
            ),
            _section("D. Samtykker på begge ure", consents_part(values, look), support_part(values, look)),
            _section("E. Frister", *deadlines_part(values, look)),
            _section("F. Partshøring", hearings_part(values, look), difference_part(values)),
            _section("G. Hvem der havde set sagen før", looks_part(values)),
            _section("H. Anmærkninger", findings_part(values)),
            _section("I. Dokumenter", documents_part(values)),
            _section("J. Bevis", *proof_part(values)),
            _section("Hvad der ikke vises", withheld_part(values)),
            _section("Hvad dossieret viser, og hvad det ikke viser", *map(text, words.LIMITS)),
        ],
    }


def _section(title: str, *blocks: Values) -> Values:
    return {"title": title, "blocks": list(blocks)}


def _facts(values: Values, look: CaseLook) -> list[list[str]]:
    reader, counts = values["reader"], values["counts"]
    return [
        ["Sag", str(values["case_number"])],
        ["Program", word(PROGRAMMES, str(values["programme"]))],
        ["Afgørelse", f"{values['decision']}, post nr. {values['entry']}"],
        ["Truffet", at(values["instant"])],
        ["Registreret", at(values["recorded_at"])],
        ["Truffet af", str(values["decided_by"])],
        *_approval(values["approval"]),
        ["Parter", several(look, values["parties"])],
        ["Registreret til og med", f"{at(values['recorded_until'])}, post nr. {values['as_of_version']}"],
        ["Nået frem, men ikke registreret", str(counts["reached_not_recorded"])],
        ["Registreret siden om tiden før", str(counts["known_of_later"])],
        ["Rettet eller annulleret siden", str(counts["changed_since"])],
        ["Dannet for", f"{reader['staff']} ({word(ROLES, reader['role'])})"],
    ]


def _approval(approval: Values | None) -> list[list[str]]:
    """Return who prepared and who approved the decision; nothing where it was not sent for approval."""
    if approval is None:
        return []
    by = str(approval["approved_by"] or "ikke oplyst")
    when = f" {at(approval['approved_at'])}, post nr. {approval['approval']}" if approval["approval"] else ""
    sent = f", sendt {at(approval['sent_at'])}, post nr. {approval['submission']}" if approval["submission"] else ""
    remarks = [["Bemærkning til godkendelsen", str(approval["remarks"])]] if approval["remarks"] else []
    return [
        ["Forberedt af", f"{approval['prepared_by'] or 'ikke oplyst'}{sent}"],
        ["Godkendt af", by + when],
        *remarks,
    ]


def _lamps(values: Values) -> Values:
    rows = [[words.LAMPS[name], words.ANSWERS[answer]] for name, answer in values["lamps"].items()]
    return table("Hvad en gennemgang ser efter først", [("Spørgsmål", 3), ("Svar efter registret da", 2)], rows)


def _statuses(values: Values) -> Values:
    rows = [[word(words.STATUSES, one["status"]), at(one["at"]), f"nr. {one['entry']}"] for one in values["statuses"]]
    return table("Afgørelsens gang", [("Status", 3), ("Hvornår", 3), ("Post", 2)], rows)


def _basis(values: Values, look: CaseLook) -> Values:
    labels = {row["version"]: row["label"] for row in values["known"]}
    topics = {entry.version: entry.topic for entry in look.entries}
    rows: list[Sequence[Cell]] = [
        [
            str(row["entry"]),
            labels.get(row["entry"], row["event"]),
            at(row["happened"]),
            at(row["recorded_at"]),
            row["recorded_by"],
            words.ANSWERS[row["in_hearing"]],
            "\n".join(_corrected(topics.get(row["entry"], ""), one) for one in row["corrected"]) or "nej",
            at(row["opened_by_decider"]),
        ]
        for row in values["basis"]
    ]
    columns = [
        ("Nr.", 2),
        ("Post", 5),
        ("Skete", 4),
        ("Registreret", 4),
        ("Af", 3),
        ("I høring", 3),
        ("Rettet siden", 5),
    ]
    return table("Oplysninger, afgørelsen hviler på", [*columns, ("Åbnet af den, der traf den", 4)], rows)


def _corrected(topic: str, change: Sequence[Any]) -> str:
    field, old, new = change
    return "annulleret" if field == "annulled" else f"{field_label(topic, field)}: {plain(old)} → {plain(new)}"


def _chronology(values: Values, look: CaseLook) -> Values:
    then = {row["version"] for row in values["known"]}
    known = tuple(entry for entry in look.entries if entry.version in then)
    as_then = replace(look, entries=known, effective=as_of(known, None), history=history(known))
    return _items("Sagens poster, i den rækkefølge det skete", items(as_then))


def _items(caption: str, found: Iterable[Item]) -> Values:
    rows: list[Sequence[Cell]] = [
        [str(one.version), one.label, struck(one.happened), one.recorded, one.actor, _content(one)] for one in found
    ]
    columns = [("Nr.", 2), ("Post", 4), ("Skete", 4), ("Registreret", 4), ("Af", 3), ("Indhold", 11)]
    return table(caption, columns, rows)


def struck(fact: Any) -> str:
    """Return the value of a fact below those that hold no more."""
    return "\n".join([*(f"før: {_value(value)}" for value in fact.struck), _value(fact.value)])


def _content(item: Item) -> list[dict[str, str]]:
    told = [{"label": fact.label, "text": struck(fact)} for fact in item.facts]
    marks = [{"label": "Bemærk", "text": ", ".join(item.marks)}] if item.marks else []
    late = [{"label": "Registreret senere", "text": item.late_by}] if item.late_by else []
    return [*marks, *late, *told]


def _value(value: Value) -> str:
    return ("\n" if value.listed else ", ").join(piece.text for piece in value.pieces)


def _missing(rows: Sequence[Values], look: CaseLook) -> Values:
    named = {row["version"]: row for row in rows}
    found = [one for one in items(look) if one.version in named] if named else []
    content = [
        [
            str(one.version),
            one.label,
            struck(one.happened),
            at(named[one.version]["reached"]),
            one.recorded,
            f"{one.actor}" + (": den, der traf afgørelsen" if named[one.version]["by_decider"] else ""),
            _content(one),
        ]
        for one in found
    ]
    columns = [("Nr.", 2), ("Post", 4), ("Skete", 4), ("Nåede frem", 4), ("Registreret", 4), ("Modtaget af", 4)]
    return table("Poster, der var sket og ikke stod i registret", [*columns, ("Indhold", 8)], content)


def _changes(values: Values, look: CaseLook) -> Values:
    topics = {entry.version: entry.topic for entry in look.entries}
    rows = [
        [
            str(one["version"]),
            words.KINDS_OF_CHANGE[one["kind"]] + ("" if one["in_force"] else ", selv taget tilbage"),
            f"nr. {one['about']}",
            "hele posten" if one["field"] is None else field_label(topics.get(one["about"], ""), one["field"]),
            "-" if one["field"] is None else f"{plain(one['old'])} → {plain(one['new'])}",
            plain(one["reason"]),
            f"{at(one['recorded_at'])}\n{one['recorded_by']}",
        ]
        for one in values["recorded_since"]["changes"]
    ]
    columns = [("Nr.", 2), ("Hvad", 4), ("Om", 2), ("Felt", 4), ("Før → nu", 5), ("Begrundelse", 5), ("Registreret", 4)]
    return table("Berigtigelser og annulleringer siden", columns, rows)
