"""What the page of an access sample shows, and what it makes of the share, seed and month that people type."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID, uuid5

from api.look_sample import SampledLook, SampleLook
from api.pages.access_views import LookLine, look_line
from api.pages.desk import SAMPLE
from api.pages.desk_rows import CaseLine
from api.pages.language import _, ngettext
from api.pages.times import show_instant
from api.pages.verdict_words import GROUNDS, VERDICTS
from domain.events.access import LookVerdict
from domain.look_verdicts import GROUNDS as GROUNDS_OF
from domain.time import copenhagen_day, end_of, start_of
from projections.look_sample import WHOLE, Draw

SHARE, SEED, MONTH, UPTO, JUDGED = "procent", "froe", "maaned", "indtil", "vurderet"
VERDICT_CODES: tuple[LookVerdict, ...] = ("justified", "unjustified", "unclear")
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
class VerdictForm:
    """The form by which a look is judged; ``key`` makes a second click the same request."""

    key: str
    groups: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A look of the sample and the cases it showed, the first few by number; ``export`` says what left as a file.

    ``form`` is there where the reader may judge it, else ``note`` may say why not.
    """

    position: int
    line: LookLine | None
    cases: tuple[CaseLine, ...]
    more: int
    export: str | None
    form: VerdictForm | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class SamplePage:
    """A sample that was drawn."""

    sentence: str
    rows: tuple[SampleRow, ...]
    access: int
    tally: str
    paper: str
    hidden: tuple[tuple[str, str], ...]
    errors: tuple[tuple[str, str], ...]
    problem: str | None


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


@dataclass(frozen=True, slots=True)
class Judging:
    """Who reads a sample to judge it: their id, in which cases they may, and a key from which each form gets its own.

    ``wrong`` is the look for which a form was sent without a verdict, ``problem`` why one was not taken.
    """

    staff: str
    allowed: bool
    key: UUID
    wrong: int | None = None
    problem: str | None = None


def sample_page(
    look: SampleLook, cases: Mapping[UUID, CaseLine], form: SampleForm, judging: Judging, head: int
) -> SamplePage:
    """Return a sample in words; ``cases`` names each case it showed, ``head`` is where the ledger stands now."""
    rows = tuple(_row(one, look, cases, judging) for one in look.sampled)
    wrong = [(f"vurdering-{row.position}", row.form.error) for row in rows if row.form and row.form.error]
    asked = {SHARE: form.share, SEED: look.draw.seed, MONTH: form.month, UPTO: str(look.draw.upto)}
    return SamplePage(
        sentence=sample_sentence(look),
        rows=rows,
        access=look.access_position,
        tally=verdict_tally(look),
        paper=f"{SAMPLE.address}.pdf?{urlencode(asked | {JUDGED: head})}",
        hidden=tuple(asked.items()),
        errors=tuple((place, text) for place, text in wrong if text),
        problem=judging.problem,
    )


def verdict_tally(look: SampleLook) -> str:
    """Return how many looks of a sample were judged how."""
    given = [one.verdict for one in look.verdicts.values()]
    counts = [f"{given.count(code)} {_(text).lower()}" for code, text in VERDICTS.items()]
    open_ones = ngettext("%(number)s ikke vurderet", "%(number)s ikke vurderet", len(look.sampled) - len(given))
    return " · ".join([*counts, open_ones])


def read_choice(sent: str) -> tuple[LookVerdict, str] | None:
    """Return the verdict and grounds that a form names; None for none of ours."""
    verdict, _colon, grounds = sent.partition(":")
    for known in VERDICT_CODES:
        if known == verdict and grounds in GROUNDS_OF[known]:
            return known, grounds
    return None


def sample_sentence(look: SampleLook) -> str:
    """Return how a sample was drawn, and how many looks that gave."""
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
    return f"{drawn}{among}: {stretch}."


def _row(one: SampledLook, look: SampleLook, cases: Mapping[UUID, CaseLine], judging: Judging) -> SampleRow:
    given = look.verdicts.get(one.position)
    line = None if one.look is None else look_line(one.look, None, given)
    named = sorted((cases[case] for case in one.cases), key=lambda case: case.number)
    own = one.look is not None and one.look.viewer == judging.staff
    open_to_verdict = line is not None and judging.allowed and not own and (given is None or not given.stands)
    return SampleRow(
        position=one.position,
        line=line,
        cases=tuple(named[:CASES_SHOWN]),
        more=max(0, len(named) - CASES_SHOWN),
        export=one.export,
        form=_form_of(one.position, judging) if open_to_verdict else None,
        note=_("Dit eget opslag: en anden skal vurdere det.") if own and given is None else "",
    )


def _form_of(look: int, judging: Judging) -> VerdictForm:
    groups = tuple(
        (_(text), tuple((f"{code}:{grounds}", _(GROUNDS[grounds])) for grounds in GROUNDS_OF[code]))
        for code, text in VERDICTS.items()
    )
    error = _("Vælg en vurdering.") if judging.wrong == look else None
    return VerdictForm(str(uuid5(judging.key, str(look))), groups, error)


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
