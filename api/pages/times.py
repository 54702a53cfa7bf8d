"""Copenhagen time as people read and write it: 21-08-2024 kl. 09.00, and day, month, year and clock in a form."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from api.pages.language import _, ngettext
from domain.time import COPENHAGEN, Moment, copenhagen_day, end_of, utc, write_instant

SUMMER, WINTER = "sommertid", "vintertid"
EARLIEST_YEAR = 1900
_DAY = re.compile(r"(?<![0-9-])([0-9]{4})-([0-9]{2})-([0-9]{2})(?![0-9-])")
_CLOCK = re.compile(rf"([0-9]{{1,2}})[.:]([0-9]{{2}})(?:[.:]([0-9]{{2}}))?(?: ({SUMMER}|{WINTER}))?", re.IGNORECASE)


class Unreadable(Exception):
    """What was typed is no instant; the message tells the reader why and what to write."""


@dataclass(frozen=True, slots=True)
class Parts:
    """An instant as typed: day, month, year and clock. All blank asks for now."""

    day: str = ""
    month: str = ""
    year: str = ""
    clock: str = ""


def show_day(day: date) -> str:
    """Return a day as 21-08-2024."""
    return f"{day.day:02}-{day.month:02}-{day.year:04}"


def show_days_in(text: str) -> str:
    """Return a text in which every day of the form 2024-08-21 is written as 21-08-2024."""
    return _DAY.sub(lambda found: "-".join(reversed(found.groups())), text)


def show_instant(instant: datetime) -> str:
    """Return an instant in Copenhagen time, with seconds unless they are 00: 21-08-2024 kl. 09.00."""
    local = instant.astimezone(COPENHAGEN)
    season = _season(local)
    shown = _("%(day)s kl. %(clock)s", day=show_day(local), clock=_clock(local))
    return f"{shown} ({_(season)})" if season else shown


def show_clock(instant: datetime) -> str:
    """Return the time of day of an instant in Copenhagen to the minute, rounded down: 09.00."""
    return f"{instant.astimezone(COPENHAGEN):%H.%M}"


def show_moment(moment: Moment) -> str:
    """Return an instant as such, and a day as the day only."""
    return show_instant(moment) if isinstance(moment, datetime) else show_day(moment)


def show_length(length: timedelta) -> str:
    """Return a length of time in whole days and hours, rounded down."""
    days, hours = length.days, length.seconds // 3600
    parts = [
        ngettext("%(number)s dag", "%(number)s dage", days) if days else "",
        ngettext("%(number)s time", "%(number)s timer", hours) if hours else "",
    ]
    return joined(filter(None, parts)) or _("under en time")


def joined(parts: Iterable[str]) -> str:
    """Return parts joined by the word for and."""
    return f" {_('og')} ".join(parts)


def address_form(instant: datetime) -> str:
    """Return an instant as it stands in an address: UTC, without a fraction where there is none."""
    return write_instant(instant).replace(".000000Z", "Z")


def parts_of(instant: datetime | None) -> Parts:
    """Return what one would type for an instant; blank for now and for what no calendar of ours reaches."""
    local = _local(instant)
    if local is None:
        return Parts()
    clock = " ".join(filter(None, (_clock(local), _season(local))))
    return Parts(f"{local.day:02}", f"{local.month:02}", f"{local.year:04}", clock)


def read_parts(parts: Parts) -> datetime | None:
    """Return the instant typed, in UTC, or None for now; raises Unreadable.

    Of an hour that the clock shows twice the later one is meant unless ``sommertid`` is written behind it.
    """
    typed = [text.strip() for text in (parts.day, parts.month, parts.year, parts.clock)]
    if not any(typed):
        return None
    day = _read_day(*typed[:3])
    clock, season = _read_clock(typed[3])
    local = datetime.combine(day, clock, COPENHAGEN)
    instant = utc(local)
    if instant.astimezone(COPENHAGEN).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise Unreadable(
            _(
                "Klokken %(clock)s fandtes ikke den %(day)s: urene blev stillet en time frem til sommertid.",
                clock=_clock(local),
                day=show_day(day),
            )
        )
    if season and _season(local) is None:
        raise Unreadable(
            _(
                "Skriv kun %(summer)s eller %(winter)s i den time om efteråret, som uret viser to gange.",
                summer=SUMMER,
                winter=WINTER,
            )
        )
    return utc(local.replace(fold=0 if season == SUMMER else 1))


def read_moment_parts(parts: Parts) -> Moment | None:
    """Return the moment typed: a day where the clock is left out, None where all is; raises Unreadable."""
    if parts.clock.strip():
        return read_parts(parts)
    typed = [text.strip() for text in (parts.day, parts.month, parts.year)]
    return _read_day(*typed) if any(typed) else None


def moment_parts(moment: Moment) -> Parts:
    """Return what one would type for a moment; the clock is left out of a day."""
    if isinstance(moment, datetime):
        return parts_of(moment)
    return Parts(f"{moment.day:02}", f"{moment.month:02}", f"{moment.year:04}")


def note_on(instant: datetime | None) -> str | None:
    """Return what a reader must be told of an instant in an hour that the clock shows twice."""
    local = _local(instant)
    season = _season(local) if local is not None else None
    if local is None or season is None:
        return None
    which, other = (_("den første"), WINTER) if season == SUMMER else (_("den seneste"), SUMMER)
    return _(
        "Uret viste %(clock)s to gange den %(day)s. Her er regnet med %(which)s (%(season)s); "
        "skriv »%(other)s« efter klokkeslættet for at vælge den anden.",
        clock=_clock(local),
        day=show_day(local),
        which=which,
        season=season,
        other=other,
    )


def _local(instant: datetime | None) -> datetime | None:
    """Return an instant in Copenhagen time; None for none, and at the very end of the calendar."""
    try:
        return instant.astimezone(COPENHAGEN) if instant is not None else None
    except OverflowError:
        return None


def _clock(local: datetime) -> str:
    return f"{local:%H.%M.%S}" if local.second else f"{local:%H.%M}"


def _season(local: datetime) -> str | None:
    """Return which of two hours with the same name a local time lies in; None for every other time."""
    if utc(local.replace(fold=0)) >= utc(local.replace(fold=1)):
        return None
    return WINTER if local.fold else SUMMER


def _read_day(day: str, month: str, year: str) -> date:
    if not (re.fullmatch(r"[0-9]{1,2}", day) and re.fullmatch(r"[0-9]{1,2}", month)):
        raise Unreadable(_("Skriv dag og måned med tal, for eksempel 04 og 03."))
    if not re.fullmatch(r"[0-9]{4}", year) or int(year) < EARLIEST_YEAR:
        raise Unreadable(_("Skriv året med fire cifre, for eksempel 2025."))
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise Unreadable(_("Den %(day)s findes ikke i kalenderen.", day=f"{day}-{month}-{year}")) from None


def _read_clock(text: str) -> tuple[time, str | None]:
    if not text:
        raise Unreadable(_("Skriv også klokkeslættet, for eksempel 14.00."))
    match = _CLOCK.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        hour, minute, second, season = match.groups()
        return time(int(hour), int(minute), int(second or 0)), season.lower() if season else None
    except ValueError:
        raise Unreadable(_("Skriv klokkeslættet fra 00.00 til 23.59, for eksempel 14.00.")) from None


def show_due(due: datetime) -> str:
    """Return when a clock is due: the day where its whole day is left for it, else the instant."""
    day = copenhagen_day(due)
    return show_day(day) if due == end_of(day) else show_instant(due)
