"""A person's extract of who had looked at their data: dates, purposes and roles, and names only where so decided.

The right is to when and why; staff are named where that is needed for the person's rights, or where they looked outside
instruction. A look is left out only by a decision that names it. Source: general data protection regulation art. 15;
Court of Justice C-579/21; databeskyttelsesloven § 22.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.case_file import ROSTER_TOPICS
from domain.custody import one_person
from domain.entries import Entry
from domain.events.access import LookupsWithheld, StaffNamesReleased
from domain.known import Known, many
from domain.looks import Look

BOARDS = "_board"
CATEGORIES: Mapping[str, str] = {
    "case": "case_record",
    "case_page": "case_record",
    "events": "case_record",
    "timemap": "case_record",
    "barometer": "case_record",
    "documents": "documents",
    "people": "persons",
    "identity": "persons",
    "search_by_name": "search",
    "search_by_identifier": "search",
    "access_events": "who_has_looked",
    "look_extract": "who_has_looked",
    "evidence_bundle": "case_record",
    "production": "case_record",
    "comparison": "case_record",
    "deadlines": "deadlines",
    "consents": "consents",
    "disclosures": "consents",
    "disclosure_gate": "consents",
    "findings": "findings",
    "dossier": "decisions",
    "decision_gate": "decisions",
    "case_list": "case_list",
}
"""What a look showed, in plain categories; a list of all cases is one whatever it lists."""


@dataclass(frozen=True, slots=True)
class ExtractRow:
    """One look as the person is told of it; ``staff`` is who looked, None unless a decision releases it.

    Where ``refused`` is true nothing was shown.
    """

    position: int
    looked_at: datetime
    purpose: str
    role: str
    organisation: str | None
    category: str
    refused: bool
    staff: str | None


@dataclass(frozen=True, slots=True)
class Extract:
    """The looks a person is told of, newest first.

    ``withheld`` counts those left out and is not for the person; ``mentioned`` those of them the person is told of.
    """

    rows: tuple[ExtractRow, ...]
    withheld: int
    mentioned: int

    @property
    def with_names(self) -> bool:
        """Whether any row names who looked."""
        return any(row.staff is not None for row in self.rows)


def joined_at(known: Known, person: str) -> int | None:
    """Return the position at which a person joined a case; None where they are not in it."""
    refs = one_person(known, person)
    positions = (entry.position for entry in known.entries if entry.topic in ROSTER_TOPICS and refs & _roster(entry))
    return next(positions, None)


def _roster(entry: Entry) -> frozenset[str]:
    """Return whom an entry brings into the case."""
    return frozenset(str(one["ref"]) for one in (entry.data.get("persons") or (entry.data,)))


def decisions_about(known: Known, person: str, request: int | None = None) -> tuple[Entry, ...]:
    """Return a case's decisions to withhold looks from a person, or to name who looked, for an extract.

    A release for a request for access holds for the extract that answers that one, ``request``, and for no other.
    """
    refs = one_person(known, person)
    about = (entry for entry in known.of(LookupsWithheld, StaffNamesReleased) if entry.data["person"] in refs)
    return tuple(entry for entry in about if entry.data.get("request") in (None, request))


def extract(looks: Iterable[Look], decisions: Collection[Entry]) -> Extract:
    """Return what a person is told of looks at their data, by the decisions about them."""
    mentions = dict(_withheld(decisions))
    told, left_out = list[Look](), list[int]()
    for look in looks:
        if look.position in mentions:
            left_out.append(look.position)
        else:
            told.append(look)
    rows = tuple(_row(look, named=_is_released(look, decisions)) for look in told)
    return Extract(rows, len(left_out), sum(mentions[position] for position in left_out))


def _withheld(decisions: Collection[Entry]) -> Iterator[tuple[int, bool]]:
    """Yield each look that is withheld, and whether every decision about it lets it be counted."""
    withholding = [entry.data for entry in decisions if entry.topic == LookupsWithheld.TOPIC]
    for look in {look for data in withholding for look in many(data["looks"])}:
        yield look, all(data["mentioned"] for data in withholding if look in many(data["looks"]))


def _is_released(look: Look, decisions: Collection[Entry]) -> bool:
    released = (entry.data.get("looks") for entry in decisions if entry.topic == StaffNamesReleased.TOPIC)
    return any(looks is None or look.position in many(looks) for looks in released)


def _row(look: Look, *, named: bool) -> ExtractRow:
    return ExtractRow(
        position=look.position,
        looked_at=look.looked_at,
        purpose=look.purpose,
        role=look.role,
        organisation=look.organisation,
        category=_category(look.what),
        refused=look.refused,
        staff=look.viewer if named else None,
    )


def _category(what: str) -> str:
    return "case_list" if what.endswith(BOARDS) else CATEGORIES.get(what, "other")
