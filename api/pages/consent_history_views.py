"""The history of a consent on both clocks: for each time something was recorded, how the consent stood in the world.

The figure is drawn here, as SVG that holds no script; the table beside it says the same.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from xml.etree import ElementTree

from markupsafe import Markup

from api.pages.consent_words import EXPIRED, GIVEN, MARKS, NOT_ASKED, NOT_YET, REFUSED, WITHDRAWN
from api.pages.language import _
from api.pages.times import show_day, show_instant
from api.pages.values import Piece, Words
from domain.consents import consent_status, entries_of
from domain.entries import Entry
from domain.events.administration import CaseOpened
from domain.events.child import ChildBorn, CustodyRecorded
from domain.events.consent import (
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    DisclosureDenied,
    DisclosureMade,
    InformationObtained,
)
from domain.events.control import DocumentFiled
from domain.events.people import PersonsMerged, PersonsUnmerged
from domain.events.retention import RecipientTold
from domain.known import Known, many
from domain.register import ABOUT_ENTRIES, target
from domain.time import COPENHAGEN, end_of, later, read_day, start_of

TOPICS = frozenset({ConsentGiven.TOPIC, ConsentRefused.TOPIC, ConsentWithdrawn.TOPIC})
BEARING = TOPICS | {
    event.TOPIC
    for event in (
        CaseOpened, ChildBorn, CustodyRecorded, DisclosureDenied, DisclosureMade, DocumentFiled, InformationObtained,
        PersonsMerged, PersonsUnmerged, RecipientTold,
    )
}  # fmt: skip
"""What an answer about consents and disclosures may rest on, beside corrections and annulments of it."""

MARK_OF_STATUS = {
    "in_force": GIVEN,
    "refused": REFUSED,
    "not_given": NOT_ASKED,
    "withdrawn": WITHDRAWN,
    "expired": EXPIRED,
    "not_yet_valid": NOT_YET,
}

TICK = timedelta(microseconds=1)
WIDTH, SIDE, HEAD, FOOT, ROW, BAR, LETTER = 760, 10, 34, 30, 54, 26, 7.4
"""Measures of the figure in its own units; ``LETTER`` is about how wide a letter is."""

TICKS = 4
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time during which a consent stood one way; no end: it goes on. ``changed``: the line above had it otherwise."""

    begins: datetime
    ends: datetime | None
    mark: str
    text: str
    changed: bool = False

    @property
    def since(self) -> str:
        """When it began, as shown; of what has expired the last day on which it held."""
        return show_day(self.begins.astimezone(COPENHAGEN)) if self.mark == EXPIRED else show_instant(self.begins)

    @property
    def until(self) -> str:
        """When it ended, as shown."""
        return _("fortsat") if self.ends is None else show_instant(self.ends)


@dataclass(frozen=True, slots=True)
class Line:
    """How the consent stood by everything recorded at an instant, and the entries that were recorded then."""

    recorded: str
    entries: tuple[Piece, ...]
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class History:
    """The history of a consent as lines, and drawn."""

    lines: tuple[Line, ...]
    drawing: Markup


def entries_about(known: Known, consent: str) -> tuple[Entry, ...]:
    """Return every entry about a consent, annulled ones and their annulments too, in the order recorded."""
    in_force = {entry.version for entry in entries_of(known, consent)}
    found: dict[int, Entry] = {}
    for entry in known.entries:
        said = entry.topic in TOPICS and not entry.withheld and entry.data.get("consent") == consent
        if said or entry.version in in_force or target(entry) in found:
            found[entry.version] = entry
    return tuple(found.values())


def anchor_of(known: Known, consent: str) -> str:
    """Return the place of a consent on the page of consents, with its mark; empty for one that is not on record."""
    about = entries_about(known, consent)
    return f"#c{about[0].version}" if about else ""


def bearing(known: Known) -> Known:
    """Return what is known without the entries that no answer about consents and disclosures rests on.

    Each disclosure is judged by the register of its own time: of a long case most entries need not be read for it.
    """
    kept: set[int] = set()
    for entry in known.entries:
        about = target(entry)
        if about in kept if entry.topic in ABOUT_ENTRIES else entry.topic in BEARING:
            kept.add(entry.version)
    return Known(tuple(entry for entry in known.entries if entry.version in kept))


def happened_by(known: Known, at: datetime) -> Known:
    """Return what is known without what was said of consents after an instant; corrections of the rest still count."""
    said = [entry for entry in known.entries if entry.topic in TOPICS]
    later_on = {entry.version for entry in said if (known.fact(entry.version) or entry).happened > at}
    return Known(tuple(entry for entry in known.entries if entry.version not in later_on)) if later_on else known


def history_of(words: Words, known: Known, consent: str, at: datetime, title: str, name: str) -> History:
    """Return the history of a consent by everything ``known``, with the instant asked about marked.

    ``title`` says whose it is, ``name`` tells the parts of this figure from those of others on a page.
    """
    lines = tuple(_lines(words, known, consent))
    return History(lines, _drawn(lines, at, title, name))


def _lines(words: Words, known: Known, consent: str) -> Iterator[Line]:
    recorded: dict[datetime, list[int]] = {}
    for entry in entries_about(known, consent):
        recorded.setdefault(entry.recorded_at, []).append(entry.version)
    before: tuple[Stretch, ...] | None = None
    for instant in sorted(recorded):
        found = tuple(_stretches(known.recorded_by(instant), consent))
        marked = found if before is None else tuple(replace(one, changed=not _stood(before, one)) for one in found)
        yield Line(show_instant(instant), tuple(words.reference(one) for one in recorded[instant]), marked)
        before = found


def _stretches(known: Known, consent: str) -> Iterator[Stretch]:
    """Yield how a consent stood from its first entry on, one stretch for each way it stood."""
    turns = sorted({turn for entry in entries_of(known, consent) for turn in _turns(entry)})
    found: list[Stretch] = []
    for turn in turns:
        status = consent_status(known, consent, turn)
        mark, text = MARK_OF_STATUS[status.status], _(MARKS[MARK_OF_STATUS[status.status]])
        if mark == GIVEN and status.given is not None and set(many(status.given.data["scope"])) - set(status.scope):
            text = _("Delvist trukket tilbage")
        if not found or (found[-1].mark, found[-1].text) != (mark, text):
            found[-1:] = [replace(one, ends=turn) for one in found[-1:]]
            found.append(Stretch(turn, None, mark, text))
    yield from (one for one in found if one.mark != NOT_ASKED)


def _turns(entry: Entry) -> Iterable[datetime]:
    """Return when a consent may stand otherwise because of an entry."""
    yield entry.happened
    if entry.topic == ConsentGiven.TOPIC:
        yield max(entry.happened, start_of(read_day(entry.data["valid_from"])))
        last = entry.data.get("valid_to")
        if last is not None and end_of(read_day(last)) >= entry.happened:
            yield later(end_of(read_day(last)), TICK)


def _stood(before: Sequence[Stretch], one: Stretch) -> bool:
    """Whether the consent stood the same way throughout a stretch by an earlier line."""
    return any(
        (other.mark, other.text) == (one.mark, one.text)
        and other.begins <= one.begins
        and (other.ends is None or (one.ends is not None and one.ends <= other.ends))
        for other in before
    )


@dataclass(frozen=True, slots=True)
class _Axis:
    """Time across the figure."""

    begins: datetime
    ends: datetime

    def place(self, instant: datetime) -> float:
        share = (instant - self.begins) / (self.ends - self.begins)
        return round(SIDE + min(1.0, max(0.0, share)) * (WIDTH - 2 * SIDE), 1)


def _axis(lines: Sequence[Line], at: datetime) -> _Axis:
    turns = [at]
    for line in lines:
        for one in line.stretches:
            turns += [one.begins, one.ends or one.begins]
    first, last = min(turns), max(turns)
    margin = max((last - first) / 12, timedelta(days=1))
    return _Axis(later(first, -margin / 3), later(last, margin))


def _drawn(lines: Sequence[Line], at: datetime, title: str, name: str) -> Markup:
    height = HEAD + ROW * len(lines) + FOOT
    axis = _axis(lines, at)
    drawing = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "consent-history",
            "viewBox": f"0 0 {WIDTH} {height}",
            "role": "img",
            "aria-labelledby": f"{name}-titel {name}-tekst",
        },
    )
    _add(drawing, "title", title, id=f"{name}-titel")
    described = _(
        "Vandret: hvornår det gjaldt. Lodret: hvornår det blev registreret. Det samme står i tabellen nedenfor."
    )
    _add(drawing, "desc", described, id=f"{name}-tekst")
    _add_ticks(drawing, axis, height)
    _add_instant(drawing, axis, at, height)
    for index, line in enumerate(lines):
        _add_line(drawing, axis, line, HEAD + ROW * index)
    return Markup(ElementTree.tostring(drawing, encoding="unicode"))  # noqa: S704 - the writer has escaped every text


def _add_ticks(drawing: ElementTree.Element, axis: _Axis, height: int) -> None:
    step = (axis.ends - axis.begins) / TICKS
    for number in range(TICKS + 1):
        instant = axis.begins + step * number
        x = axis.place(instant)
        _add(drawing, "line", x1=x, x2=x, y1=HEAD, y2=height - FOOT + 6, **{"class": "tick"})
        side = "start" if number == 0 else "end" if number == TICKS else "middle"
        day = show_day(instant.astimezone(COPENHAGEN))
        _add(drawing, "text", day, x=x, y=height - 8, **{"class": "day", "text-anchor": side})


def _add_line(drawing: ElementTree.Element, axis: _Axis, line: Line, top: int) -> None:
    label = _("Registreret %(when)s", when=line.recorded)
    _add(drawing, "text", label, x=SIDE, y=top + 16, **{"class": "recorded"})
    y = top + 22
    _add(drawing, "line", x1=SIDE, x2=WIDTH - SIDE, y1=y + BAR, y2=y + BAR, **{"class": "base"})
    for one in line.stretches:
        x, end = axis.place(one.begins), WIDTH - SIDE if one.ends is None else axis.place(one.ends)
        kind = f"stretch {one.mark}" + (" changed" if one.changed else "")
        _add(drawing, "rect", x=x, y=y, width=round(max(2.0, end - x), 1), height=BAR, **{"class": kind})
        long = _("%(text)s fra %(since)s", text=one.text, since=one.since)
        fitting = next((text for text in (long, one.text) if len(text) * LETTER < end - x - 12), None)
        if fitting is not None:
            _add(drawing, "text", fitting, x=x + 6, y=y + 18, **{"class": "state"})


def _add_instant(drawing: ElementTree.Element, axis: _Axis, at: datetime, height: int) -> None:
    x = axis.place(at)
    side = "end" if x > WIDTH / 2 else "start"
    _add(drawing, "line", x1=x, x2=x, y1=HEAD - 8, y2=height - FOOT + 6, **{"class": "asked"})
    label = _("Spurgt om: %(when)s", when=show_instant(at))
    _add(drawing, "text", label, x=x, y=18, **{"class": "asked-label", "text-anchor": side})


def _add(parent: ElementTree.Element, kind: str, text: str | None = None, **attributes: object) -> None:
    element = ElementTree.SubElement(parent, kind, {name: str(value) for name, value in attributes.items()})
    element.text = None if text is None else _NOT_XML.sub("", text)
