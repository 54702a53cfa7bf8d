"""What the API says of looks, and of a person's extract of them, as JSON values."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import Any

from api.look_extracts import Made
from api.look_log import LogLook
from domain.look_extract import Extract
from domain.look_verdicts import LookVerdictGiven
from domain.looks import Look
from domain.time import write_instant

NOT_ALL = {
    "da": "Udskriften er ikke nødvendigvis fuldstændig: opslag kan være undtaget efter databeskyttelseslovens § 22, "
    "også uden at det må oplyses.",
    "en": "The extract may not be complete: look-ups may be withheld under section 22 of the Data Protection Act, also "
    "where that may not be said.",
}
"""Stands on every extract, so that its absence or presence tells nothing."""

GUIDANCE = {
    "da": (
        "Udskriften viser, hvornår oplysninger om dig er set i kommunens sagssystem, til hvilket formål og i hvilken "
        "rolle. Også afviste forsøg er med; da blev intet vist. Sager på papir, e-mail og andre systemer er ikke med.",
        "Medarbejderes navne oplyses kun efter en konkret vurdering: når det er nødvendigt for, at du kan bruge dine "
        "rettigheder, eller når nogen har set oplysningerne uden for kommunens instruks. Skriv til kommunen, hvis du "
        "mener, at du har brug for et navn, eller at nogen ikke burde have set oplysningerne.",
        "Opslag gemmes i en begrænset tid og fjernes derefter.",
        "Du kan klage til Datatilsynet over kommunens svar (databeskyttelsesforordningens artikel 77).",
    ),
    "en": (
        "The extract shows when data about you were seen in the municipality's case system, for which purpose and in "
        "which role. Attempts that were refused are on it, too; nothing was shown then. Paper files, e-mail and other "
        "systems are not covered.",
        "Names of staff are given only after a concrete assessment: where that is necessary for you to exercise your "
        "rights, or where somebody looked outside the municipality's instructions. Write to the municipality if you "
        "think that you need a name, or that somebody should not have seen the data.",
        "Look-ups are kept for a limited time and removed after it.",
        "You may complain to the Danish Data Protection Agency, Datatilsynet, about the municipality's answer (article "
        "77 of the General Data Protection Regulation).",
    ),
}
"""What a person is told with every extract: what is left out, when names are given, and where to complain.

Source: general data protection regulation art. 12, 15 and 77; Court of Justice C-579/21.
"""


def log(found: LogLook, following: str | None) -> dict[str, Any]:
    """Return a page of who has looked."""
    return {
        "case": str(found.case),
        "person": None if found.person is None else str(found.person),
        **found.as_of.values,
        "since": _instant(found.page.since),
        "until": _instant(found.page.until),
        "expired_before": _instant(found.expired_before),
        "summary": asdict(found.sums),
        "items": looks(found.looks, found.verdicts),
        "next": following,
        "access_event": found.access_position,
    }


def looks(
    found: Iterable[tuple[Look, str | None]], verdicts: Mapping[int, LookVerdictGiven] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """Return looks, each with the relation of whoever looked to the case, for a reader who may know who looked."""
    return [_look(look, relation, verdicts.get(look.position)) for look, relation in found]


def verdict(given: LookVerdictGiven | None) -> dict[str, Any] | None:
    """Return the verdict on a look of a sample; None where nobody gave one."""
    if given is None:
        return None
    who = {"by": given.by, "role": given.role, "judged_at": write_instant(given.at)}
    return {"verdict": given.verdict, "grounds": given.grounds, **who}


def _look(look: Look, relation: str | None, given: LookVerdictGiven | None) -> dict[str, Any]:
    return {
        "position": look.position,
        "looked_at": write_instant(look.looked_at),
        "staff": look.viewer,
        "role": look.role,
        "organisation": look.organisation,
        "relation": relation,
        "purpose": look.purpose,
        "matter": look.matter,
        "what": look.what,
        "as_of_position": look.as_of_position,
        "known_at": _instant(look.known_at),
        "valid_at": _instant(look.valid_at),
        "refused": look.refused,
        "refusal": look.refusal,
        "break_glass": look.break_glass,
        "verdict": verdict(given),
    }


def made(found: Made) -> dict[str, Any]:
    """Return an extract with where it stands on record: the same for the first request and every repeat."""
    event, entry = found.event, found.entry
    return {
        "case": str(entry.stream),
        "person": event.person,
        "version": entry.version,
        "position": entry.position,
        "recorded_at": write_instant(entry.recorded_at),
        "as_of_position": event.as_of_position,
        "since": _instant(event.since),
        "until": _instant(event.until),
        "request": event.request,
        "expired_before": _instant(found.expired_before),
        **extract(found.extract),
    }


def extract(found: Extract) -> dict[str, Any]:
    """Return an extract as the person may see it: how many looks are left out only as far as they are mentioned."""
    return {
        "items": [asdict(row) | {"looked_at": write_instant(row.looked_at)} for row in found.rows],
        "withheld_and_mentioned": found.mentioned,
        "note": dict(NOT_ALL),
        "guidance": {language: list(texts) for language, texts in GUIDANCE.items()},
    }


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else write_instant(instant)
