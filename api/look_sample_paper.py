"""An access sample with its verdicts on paper, for data protection: PDF/A-3a and PDF/UA-1, the same bytes each time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from api import look_answers
from api.dossier_blocks import at, table, text
from api.look_sample import SampledLook, SampleLook
from api.pages.access_views import look_line, verdict_text
from api.pages.language import danish
from api.pages.sample_views import sample_sentence, verdict_tally
from api.paper import Attachment, set_paper
from domain.look_verdicts import LookVerdictGiven
from domain.time import write_instant
from projections.look_sample import WHOLE

PAPER = "look_sample_paper"
DATA_NAME = "stikproeve.json"
TITLE = "Stikprøve af opslag"
NOTE = (
    "Opslag og udtræk i perioden, også administratorers og afviste, er udtrukket ved et frø. Samme frø giver samme "
    "udtræk. Det er kun de opslag, som den, der har dannet papiret, må kende."
)


def sample_pdf(found: SampleLook, numbers: Mapping[UUID, str]) -> bytes:
    """Return a sample as PDF with its data attached; ``numbers`` says what each case is called. Raises NoTypst.

    It is dated by the last verdict, else by the end of the stretch it was drawn from.
    """
    day = max((one.at for one in found.verdicts.values()), default=found.draw.until)
    content = orjson.dumps(_values(found), option=orjson.OPT_SORT_KEYS)
    with danish():
        said = _said(found, numbers, day)
    return set_paper(said, day, [Attachment(DATA_NAME, content, "source", "application/json", "Stikprøven som data")])


def _values(found: SampleLook) -> dict[str, Any]:
    draw = found.draw
    return {
        "since": write_instant(draw.since),
        "until": write_instant(draw.until),
        "share_of_10000": draw.share,
        "seed": draw.seed,
        "upto": draw.upto,
        "looks": [_look_values(one, found.verdicts.get(one.position)) for one in found.sampled],
    }


def _look_values(one: SampledLook, given: LookVerdictGiven | None) -> dict[str, Any]:
    look = one.look
    said = (
        None if look is None else {"staff": look.viewer, "role": look.role, "purpose": look.purpose, "what": look.what}
    )
    looked_at = None if look is None else write_instant(look.looked_at)
    about = {"position": one.position, "looked_at": looked_at, "cases": sorted(map(str, one.cases))}
    return about | {"look": said, "verdict": look_answers.verdict(given)}


def _said(found: SampleLook, numbers: Mapping[UUID, str], day: datetime) -> dict[str, Any]:
    draw = found.draw
    columns = [("Opslag", 2), ("Hvornår", 4), ("Hvem", 4), ("Formål", 4), ("Vist", 5), ("Sager", 3), ("Vurdering", 6)]
    rows = [_row(one, found.verdicts.get(one.position), numbers) for one in found.sampled]
    return {
        "title": TITLE,
        "running": f"{TITLE} · frø {draw.seed} · vurderet til {at(day)}",
        "made": {"year": day.year, "month": day.month, "day": day.day},
        "warning": None,
        "flipped": True,
        "contents": False,
        "facts": [
            ["Fra", at(draw.since)],
            ["Til", at(draw.until)],
            ["Andel", f"{draw.share * 100 // WHOLE} %"],
            ["Frø", draw.seed],
            ["Til og med hændelse", str(draw.upto)],
            ["Vurderinger", verdict_tally(found)],
        ],
        "sections": [
            {"title": "Udtrækket", "blocks": [text(sample_sentence(found)), text(NOTE)]},
            {"title": "Opslagene", "blocks": [table("Opslagene i den rækkefølge, de blev registreret", columns, rows)]},
        ],
    }


def _row(one: SampledLook, given: LookVerdictGiven | None, numbers: Mapping[UUID, str]) -> list[str]:
    verdict = "ikke vurderet" if given is None else verdict_text(given)
    if one.look is None:
        return [str(one.position), "-", "-", "-", "indholdet er fjernet efter fristen for loggen", "-", verdict]
    line = look_line(one.look, None)
    shown = f"afvist: {line.refusal}" if line.refusal else line.what
    return [
        str(one.position),
        line.when,
        f"{line.who} ({line.role})",
        line.purpose,
        f"{shown}: {one.export}" if one.export else shown,
        ", ".join(sorted(numbers[case] for case in one.cases)) or "-",
        verdict,
    ]
