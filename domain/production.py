"""What is handed out of a case, to whom and without what: chosen by a person, kept in the answer to a request.

It stands there as texts that a person reads and this module reads back, so that the same papers can be made again:
``poster 2-26, 30; registreret senest 2024-08-21T07:00:00Z; ...`` among the documents of the answer, and
``nr. 12, content, afsnit 2: TREDJE: ...`` among its redactions. Source: forvaltningsloven §§ 9-15; general data
protection regulation art. 15.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.entries import Entry
from domain.errors import Malformed, Problem, Refused
from domain.events.base import TEXT_LIMIT
from domain.exemptions import CHOSEN
from domain.known import many
from domain.register import CORRECTED, target
from domain.time import read_instant, write_instant

REASON = "@reason"
"""Names the reason of a commit where a field is named."""

MOST_ENTRIES = 30_000
MOST_REDACTIONS = 1_000
REASON_LIMIT = 2_000
NO_SELECTION = Refused("The answer does not say what is handed out: make one with a selection (productions).")

_STRETCH = re.compile(r"([1-9][0-9]{0,8})(?:\s*[-–]\s*([1-9][0-9]{0,8}))?")
_SELECTION = re.compile(
    r"poster (?P<entries>[0-9, -]+); registreret senest (?P<known>\S+)(?:; hændt senest (?P<valid>\S+))?"
    r"; formål (?P<purpose>[a-z-]+); opslag (?P<look>[0-9]{1,16})"
)
_REDACTION = re.compile(
    r"nr\. (?P<entry>[0-9]{1,9})(?:, (?P<field>@?[a-z0-9_]+))?(?:, afsnit (?P<paragraph>[0-9]{1,5}))?"
    r": (?P<code>[A-ZÆØÅ]+): (?P<reason>.+)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries are handed out: by version, as recorded and happened by two instants.

    ``purpose`` is that of whoever selected, ``look`` where it is on record that they had it in front of them.
    """

    entries: tuple[int, ...]
    known_at: datetime
    valid_at: datetime | None
    purpose: str
    look: int


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is left out of it: an entry, a field of one, or a paragraph of a text, counted from 1; and why.

    The code is one of the list of exemptions. The recipient reads the reason.
    """

    entry: int
    field: str | None
    paragraph: int | None
    code: str
    reason: str

    @property
    def place(self) -> tuple[int, str | None, int | None]:
        """Where it is: no place is left out twice."""
        return self.entry, self.field, self.paragraph


def read_stretches(text: str) -> tuple[int, ...]:
    """Return the numbers that ``2-26, 30`` names, in order; raises ValueError."""
    found: set[int] = set()
    for part in text.split(","):
        match = _STRETCH.fullmatch(part.strip())
        if match is None:
            raise ValueError("must name entries such as 2-26, 30")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 0 <= last - first < MOST_ENTRIES:
            raise ValueError(f"must name stretches from the lower to the higher number, of at most {MOST_ENTRIES}")
        found.update(range(first, last + 1))
    return tuple(sorted(found))


def write_stretches(numbers: Iterable[int]) -> str:
    """Return numbers as stretches: ``2-26, 30``."""
    stretches: list[list[int]] = []
    for number in sorted(set(numbers)):
        if stretches and stretches[-1][1] == number - 1:
            stretches[-1][1] = number
        else:
            stretches.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in stretches)


def write_selection(selection: Selection) -> str:
    """Return a selection as it is kept."""
    parts = [f"poster {write_stretches(selection.entries)}", f"registreret senest {write_instant(selection.known_at)}"]
    if selection.valid_at is not None:
        parts.append(f"hændt senest {write_instant(selection.valid_at)}")
    return "; ".join([*parts, f"formål {selection.purpose}", f"opslag {selection.look}"])


def write_redaction(one: Redaction) -> str:
    """Return a redaction as it is kept."""
    field = "" if one.field is None else f", {one.field}"
    paragraph = "" if one.paragraph is None else f", afsnit {one.paragraph}"
    return f"nr. {one.entry}{field}{paragraph}: {one.code}: {one.reason}"


def read_redaction(text: str) -> Redaction | None:
    """Return a redaction that was kept; None for a text of another kind."""
    match = _REDACTION.fullmatch(text)
    if match is None or match["code"] not in CHOSEN:
        return None
    paragraph = None if match["paragraph"] is None else int(match["paragraph"])
    return Redaction(int(match["entry"]), match["field"], paragraph, match["code"], match["reason"])


def selection_of(answer: Entry) -> Selection:
    """Return the selection of an answer to a request for access; raises Refused where it names none."""
    for text in many(answer.data.get("documents")):
        match = _SELECTION.fullmatch(str(text))
        if match is not None:
            valid = None if match["valid"] is None else read_instant(match["valid"])
            entries = read_stretches(match["entries"])
            return Selection(entries, read_instant(match["known"]), valid, match["purpose"], int(match["look"]))
    raise NO_SELECTION


def redactions_of(answer: Entry) -> tuple[Redaction, ...]:
    """Return what an answer to a request for access leaves out, as far as it says so in this form."""
    found = (read_redaction(str(text)) for text in many(answer.data.get("redactions")))
    return tuple(one for one in found if one is not None)


def check_redactions(redactions: Sequence[Redaction], entries: Collection[Entry]) -> None:
    """Raise Malformed for redactions that name no place of these entries, one twice, or no code of the list."""
    known = {entry.version: entry for entry in entries}
    problems = [
        Problem(f"/redactions/{index}{pointer}", detail)
        for index, one in enumerate(redactions)
        for pointer, detail in _problems(one, known.get(one.entry))
    ]
    places = [one.place for one in redactions]
    doubled = [index for index, place in enumerate(places) if place in places[:index]]
    problems += [Problem(f"/redactions/{index}", "leaves out what another one does") for index in doubled]
    if problems:
        raise Malformed(problems)


def _problems(one: Redaction, entry: Entry | None) -> Iterable[tuple[str, str]]:
    if one.code not in CHOSEN:
        yield "/code", f"must be one of {', '.join(CHOSEN)}"
    if not one.reason.strip() or len(one.reason) > min(REASON_LIMIT, TEXT_LIMIT):
        yield "/reason", f"must say why in 1 to {REASON_LIMIT} characters: the recipient reads it"
    if entry is None:
        yield "/entry", "names no entry of the selection"
    elif one.field is not None and not _has(entry, one.field):
        yield "/field", "names no field of that entry"
    elif one.paragraph is not None and not 0 < one.paragraph <= len(paragraphs(text_of(entry, one.field))):
        yield "/paragraph", "names no paragraph of that field: they are counted from 1"


def _has(entry: Entry, field: str) -> bool:
    if field == REASON:
        return entry.reason is not None
    return field in entry.data and field not in ("corrects", "annuls", "field")


def text_of(entry: Entry, field: str | None) -> str:
    """Return the text of a field; empty for anything else."""
    value = entry.reason if field == REASON else None if field is None else entry.data.get(field)
    return value if isinstance(value, str) else ""


def paragraphs(text: str) -> tuple[str, ...]:
    """Return the paragraphs of a text: its lines that hold anything."""
    return tuple(line for line in text.splitlines() if line.strip())


def without_paragraphs(text: str, left_out: dict[int, str]) -> str:
    """Return a text with each paragraph named by number replaced by what stands for it."""
    number, lines = 0, list[str]()
    for line in text.splitlines():
        number += bool(line.strip())
        lines.append(left_out.get(number, line) if line.strip() else line)
    return "\n".join(lines)


def about(entry: Entry) -> tuple[int, str | None] | None:
    """Return which entry a correction or annulment is about, and which field; None for a fact."""
    concerned = target(entry)
    if concerned is None:
        return None
    return concerned, str(entry.data["field"]) if entry.topic == CORRECTED else None


def spread(redactions: Iterable[Redaction], entries: Iterable[Entry]) -> dict[tuple[int, str | None], Any]:
    """Return what is left out by entry and field: corrections of what is left out are left out with it.

    Each value is a redaction, or for a text of which paragraphs alone are left out, those by number. Of a text that was
    corrected, a paragraph takes the whole text along.
    """
    record = sorted(entries, key=lambda entry: entry.version)
    corrected = {found for entry in record if (found := about(entry)) is not None and found[1] is not None}
    places: dict[tuple[int, str | None], Any] = {}
    for one in redactions:
        if one.paragraph is None or (one.entry, one.field) in corrected:
            places[one.entry, one.field] = one
        elif not isinstance(places.get((one.entry, one.field)), Redaction):
            places.setdefault((one.entry, one.field), {})[one.paragraph] = one
    for entry in record:
        found = about(entry)
        if found is None:
            continue
        whole, field = places.get((found[0], None)), places.get(found)
        if isinstance(whole, Redaction):
            places.setdefault((entry.version, None), whole)
        elif found[1] is not None and field is not None:
            one = field if isinstance(field, Redaction) else next(iter(field.values()))
            places.update({(entry.version, name): one for name in ("old", "new")})
    return places
