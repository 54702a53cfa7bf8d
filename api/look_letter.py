"""A person's extract of who has looked as a letter: PDF/A-3a and PDF/UA-1, the same bytes each time.

It says when, why and in which role; who looked only where a decision on record says so. Source: general data protection
regulation art. 12 and 15; Court of Justice C-579/21.
"""

from collections.abc import Mapping

import orjson

from api import look_answers
from api.dossier_blocks import at, table, text
from api.dossier_values import Values
from api.look_extracts import Made
from api.pages.codes import ROLES, word
from api.pages.language import danish
from api.paper import Attachment, set_paper
from domain.look_extract import ExtractRow
from domain.purposes import PURPOSES

DATA_NAME = "opslag.json"
TITLE = "Hvem har set oplysninger om dig"
CATEGORIES: Mapping[str, str] = {
    "case_list": "liste over sager",
    "case_record": "sagen",
    "consents": "samtykker og videregivelser",
    "deadlines": "frister",
    "decisions": "en afgørelse og dens grundlag",
    "documents": "dokumenter",
    "findings": "anmærkninger til sagen",
    "other": "andet",
    "persons": "navn og personnummer",
    "search": "søgning",
    "who_has_looked": "hvem der har set sagen",
}
"""What was shown, by its category."""


def letter_pdf(made: Made) -> bytes:
    """Return an extract as PDF with its data attached; raises NoTypst where typst is missing."""
    values = look_answers.made(made)
    content = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
    with danish():
        said = letter(made, values)
    attached = [Attachment(DATA_NAME, content, "source", "application/json", "Udskriften som data")]
    return set_paper(said, made.entry.recorded_at, attached)


def letter(made: Made, values: Values) -> Values:
    """Return an extract as a document of plain Danish text."""
    day = made.entry.recorded_at
    note, *guidance = values["note"]["da"], *values["guidance"]["da"]
    return {
        "title": TITLE,
        "running": f"Sag {made.number} · {TITLE.lower()} · dannet {at(day)}",
        "made": {"year": day.year, "month": day.month, "day": day.day},
        "warning": None,
        "flipped": False,
        "contents": False,
        "facts": list(_facts(made)),
        "sections": [
            _section("Hvad udskriften viser", *map(text, guidance)),
            _section("Opslagene, de nyeste først", _rows(made)),
            _section("Hvad der kan være undtaget", *_withheld(made, note)),
        ],
    }


def _section(title: str, *blocks: Values) -> Values:
    return {"title": title, "blocks": list(blocks)}


def _facts(made: Made) -> list[list[str]]:
    event, entry = made.event, made.entry
    return [
        ["Sag", str(made.number)],
        ["Om", f"{word(ROLES, made.role)} ({event.person} i sagen)" if made.role else event.person],
        ["Fra", at(event.since) if event.since else "det første, der er gemt"],
        ["Til", at(event.until or entry.recorded_at)],
        ["Svar på anmodning", "-" if event.request is None else f"nr. {event.request}"],
        ["Antal opslag", str(len(made.extract.rows))],
        ["Dannet", f"{at(entry.recorded_at)}, post nr. {entry.version}, hændelse {entry.position}"],
        ["Dannet af", ", ".join(filter(None, (word(ROLES, entry.actor.role), entry.actor.organisation)))],
    ]


def _rows(made: Made) -> Values:
    named = made.extract.with_names
    columns = [("Hvornår", 4), ("Formål", 5), ("Rolle", 4), ("Enhed", 4), ("Hvad der blev vist", 5)]
    rows = [[*_row(one), *([one.staff or "oplyses ikke"] if named else [])] for one in made.extract.rows]
    return table("Opslag i oplysninger om dig", [*columns, *([("Hvem", 3)] if named else [])], rows)


def _row(one: ExtractRow) -> list[str]:
    purpose = PURPOSES.get(one.purpose)
    shown = "intet: forsøget blev afvist" if one.refused else CATEGORIES.get(one.category, one.category)
    return [
        at(one.looked_at),
        one.purpose if purpose is None else purpose.label_da,
        word(ROLES, one.role),
        one.organisation or "-",
        shown,
    ]


def _withheld(made: Made, note: str) -> list[Values]:
    told = [text(note)]
    if made.extract.mentioned:
        told.append(text(f"Undtaget ved afgørelse, og talt med her: {made.extract.mentioned} opslag."))
    if made.expired_before is not None:
        told.append(text(f"Indholdet af opslag fra før {at(made.expired_before)} er slettet efter fristen for loggen."))
    return told
