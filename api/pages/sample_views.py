"""What the page of an access sample shows, and what it makes of the share, seed and month that people type."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from api.look_sample import SampledLook, SampleLook
from api.pages.access_views import LookLine, look_line
from api.pages.desk import SAMPLE
from api.pages.desk_rows import CaseLine
from api.pages.language import _, ngettext
from api.pages.times import show_instant
from domain.time import copenhagen_day, end_of, start_of
from projections.look_sample import WHOLE, Draw

SHARE, SEED, MONTH, UPTO = "procent", "froe", "maaned", "indtil"
USUAL_SHARE = "2"
_SEED = re.compile(r"[0-9]{1,9}")
_UPTO = re.compile(r"[0-9]{1,18}")
_MONTH = re.compile(r"([0-9]{1,2})-([0-9]{4})")


@dataclass(frozen=True, slots=True)
class SampleForm:
    """What was typed, with what is wrong with it by field."""

    share: str
    seed: str
    month: str
    errors: tuple[tuple[str, str], ...] = ()

    def error(self, name: str) -> str | None:
        """Return what is wrong with a field."""
        return dict(self.errors).get(name)


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A look of the sample and the cases it showed, the first few by number; ``export`` says what left as a file."""

    position: int
    line: LookLine | None
    cases: tuple[CaseLine, ...]
    more: int
    export: str | None


@dataclass(frozen=True, slots=True)
class SamplePage:
    """A sample that was drawn."""

    sentence: str
    rows: tuple[SampleRow, ...]
    access: int


CASES_SHOWN = 5


def read_sample(query: Mapping[str, str], now: datetime, upto: int) -> tuple[SampleForm, Draw | None]:
    """Return what was typed and the draw it asks for; None where something is missing or wrong."""
    share, seed = query.get(SHARE, USUAL_SHARE).strip(), query.get(SEED, "").strip()
    month = query.get(MONTH, "").strip() or show_month(last_month(copenhagen_day(now)))
    found = _read_month(month)
    errors: list[tuple[str, str]] = []
    if not share.isascii() or not share.isdigit() or len(share) > 3 or not 1 <= int(share) <= 100:
        errors.append((SHARE, _("Skriv et helt tal fra 1 til 100.")))
    if seed and not _SEED.fullmatch(seed):
        errors.append((SEED, _("Skriv et helt tal på højst ni cifre.")))
    if found is None:
        errors.append((MONTH, _("Skriv måned og år, for eksempel 03-2025.")))
    form = SampleForm(share[:80], seed[:80], month[:80], tuple(errors))
    if errors or not seed or found is None:
        return form, None
    asked = query.get(UPTO, "")
    last = min(int(asked), upto) if _UPTO.fullmatch(asked) else upto
    begin, end = start_of(found), end_of(_next_month(found) - timedelta(days=1))
    return form, Draw(begin, end, int(share) * WHOLE // 100, seed, last)


def sample_address(form: SampleForm, seed: str, upto: int) -> str:
    """Return where a sample stands, drawn the same whenever it is opened."""
    return f"{SAMPLE.address}?{urlencode({SHARE: form.share, SEED: seed, MONTH: form.month, UPTO: upto})}"


def show_month(day: date) -> str:
    """Return the month of a day as 03-2025."""
    return f"{day.month:02}-{day.year:04}"


def last_month(today: date) -> date:
    """Return the first day of the month before a day's."""
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1)


def sample_page(look: SampleLook, cases: Mapping[UUID, CaseLine]) -> SamplePage:
    """Return a sample in words; ``cases`` names each case it showed."""
    draw, number = look.draw, len(look.sampled)
    drawn = ngettext("%(number)s opslag udtrukket", "%(number)s opslag udtrukket", number)
    among = "" if look.among is None else " " + _("af %(among)s", among=look.among)
    stretch = _(
        "%(since)s til %(until)s, %(share)s %%, frø %(seed)s, til og med hændelse %(upto)s",
        since=show_instant(draw.since),
        until=show_instant(draw.until.replace(microsecond=0)),
        share=draw.share * 100 // WHOLE,
        seed=draw.seed,
        upto=draw.upto,
    )
    rows = tuple(_row(one, cases) for one in look.sampled)
    return SamplePage(f"{drawn}{among}: {stretch}.", rows, look.access_position)


def _row(one: SampledLook, cases: Mapping[UUID, CaseLine]) -> SampleRow:
    line = None if one.look is None else look_line(one.look, None)
    named = sorted((cases[case] for case in one.cases), key=lambda case: case.number)
    return SampleRow(one.position, line, tuple(named[:CASES_SHOWN]), max(0, len(named) - CASES_SHOWN), one.export)


def _read_month(text: str) -> date | None:
    match = _MONTH.fullmatch(text)
    try:
        return None if match is None else _possible(date(int(match[2]), int(match[1]), 1))
    except ValueError:
        return None


def _possible(month: date) -> date | None:
    """Return a month that lies well within the calendar."""
    return month if 1900 <= month.year <= 9000 else None


def _next_month(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)
