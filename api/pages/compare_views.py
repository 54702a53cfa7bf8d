"""What the pages that compare two instants show: each difference in words, with what lies behind it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlencode

from api import dossier_words as words
from api.comparing import Compared, ViewDifference
from api.pages import views
from api.pages.audit_words import CAUSES, MOVES, VIEW_FIELDS, VIEWS
from api.pages.codes import STATUSES, word, word_of_field
from api.pages.finding_words import explained
from api.pages.language import _, language, ngettext
from api.pages.tables import BAD, NOTE, Cell, Table, table
from api.pages.texts import field_label
from api.pages.times import (
    Parts,
    Unreadable,
    address_form,
    note_on,
    parts_of,
    read_parts,
    show_due,
    show_instant,
    show_moment,
)
from api.pages.values import label_of
from api.pages.views import PARTS, InstantField
from domain.findings.handling import finding_of
from domain.rules import Rules
from domain.time import read_moment
from projections.view import CASE_STATE, CONSENTS, DEADLINES, FINDINGS
from replay.compare import RULE_CHANGE, TIME_PASSED, Cause, Difference

FROM, TO, VIEW, STILL, RULES = "from", "to", "view", "uret", "regler"
LEGENDS = {
    FROM: ("Fra: registreret senest", "Det første tidspunkt."),
    TO: ("Til: registreret senest", "Det andet tidspunkt. Tomt betyder nu."),
}
STANDS = "staar"
"""Says that the clock stands still at the first instant: what differs is knowledge alone."""

HIDDEN = frozenset({"sort", "steps", "key", "arises_at", "running", "moot"})
"""Fields that say for machines what others say for people."""

STATUS_WORDS: Mapping[str, Mapping[str, str]] = {
    DEADLINES.name: words.DEADLINES,
    CONSENTS.name: words.CONSENTS,
    FINDINGS.name: {**words.LIVES, "not_yet": "endnu ikke opstået"},
    CASE_STATE.name: STATUSES,
}


@dataclass(frozen=True, slots=True)
class CompareForm:
    """The form that asks what to compare, as typed."""

    action: str
    fields: tuple[InstantField, ...]
    view: str
    views: tuple[tuple[str, str], ...]
    still: bool
    rules: str = ""
    editions: tuple[str, ...] = ()
    presets: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked to be compared: two instants, None for now; or the rules in force and those of another book."""

    known_from: datetime | None = None
    known_to: datetime | None = None
    view: str = "all"
    still: bool = False
    rules: str = ""


@dataclass(frozen=True, slots=True)
class ComparePage:
    """What differs: the answer in a sentence, what is unexplained, what was recorded, what only time brought."""

    sentence: str
    details: tuple[str, ...]
    unexplained: str | None
    knowledge: Table
    time: Table
    following: str | None


def address(path: str, wish: Wish, **more: str) -> str:
    """Return the canonical address of a comparison."""
    query: dict[str, str] = {}
    for name, instant in ((FROM, wish.known_from), (TO, wish.known_to)):
        if instant is not None:
            query[name] = address_form(instant)
    query |= {VIEW: wish.view} | ({STILL: STANDS} if wish.still else {}) | ({RULES: wish.rules} if wish.rules else {})
    query |= more
    return f"{path}?{urlencode(query, safe=':')}"


def form_of(path: str, wish: Wish, editions: Iterable[str] = ()) -> CompareForm:
    """Return the form filled in with what is asked; ``editions`` are the rule books to try."""
    fields = tuple(_field(name, parts_of(one), note=note_on(one)) for name, one in _instants(wish))
    return CompareForm(path, fields, wish.view, _views(), wish.still, wish.rules, tuple(editions))


def _instants(wish: Wish) -> tuple[tuple[str, datetime | None], ...]:
    return (FROM, wish.known_from), (TO, wish.known_to)


def is_submitted(query: Mapping[str, str]) -> bool:
    """Whether an address carries the parts of the form rather than instants."""
    return any(f"{name}_{part}" in query for name in LEGENDS for part in PARTS)


def read_form(path: str, query: Mapping[str, str]) -> tuple[Wish | None, CompareForm]:
    """Return what a form asks, None with the form where something cannot be read."""
    read: dict[str, datetime | None] = {}
    fields: list[InstantField] = []
    for name in LEGENDS:
        parts = Parts(*(query.get(f"{name}_{part}", "") for part in PARTS))
        try:
            read[name] = read_parts(parts)
            needed = name == FROM and read[name] is None and not query.get(RULES)
            missing = _("Skriv, hvornår der skal sammenlignes fra.") if needed else None
            fields.append(_field(name, parts, missing))
        except Unreadable as error:
            fields.append(_field(name, parts, str(error)))
    view = query.get(VIEW, "all")
    wish = Wish(
        read.get(FROM), read.get(TO), view if view in VIEWS else "all", query.get(STILL) == STANDS, query.get(RULES, "")
    )
    form = CompareForm(path, tuple(fields), wish.view, _views(), wish.still, wish.rules)
    return (None if any(field.error for field in fields) else wish), form


def with_error(form: CompareForm, name: str, error: str) -> CompareForm:
    """Return the form with a message beside one of its instants."""
    fields = tuple(replace(field, error=error if field.name == name else field.error) for field in form.fields)
    return replace(form, fields=fields)


def _field(name: str, parts: Parts, error: str | None = None, note: str | None = None) -> InstantField:
    legend, hint = LEGENDS[name]
    return InstantField(name, _(legend), _(hint), parts, error, note)


def _views() -> tuple[tuple[str, str], ...]:
    return tuple((code, _(label)) for code, label in VIEWS.items())


def compare_page(
    found: Compared, numbers: Mapping[Any, str] | None = None, following: str | None = None
) -> ComparePage:
    """Return what differs; ``numbers`` name the cases where there is more than one."""
    told = _Told(found, numbers)
    time = [item for item in found.items if _is_time(item.found)]
    knowledge = [item for item in found.items if not _is_time(item.found)]
    total = found.tally.explained + found.tally.unexplained
    unexplained = found.tally.unexplained
    return ComparePage(
        sentence=_sentence(found, total),
        details=tuple(_details(found)) if following is None else (_part(found), *_details(found)),
        unexplained=ngettext(
            "%(number)s forskel kan ikke forklares. Sig det til revisionen.",
            "%(number)s forskelle kan ikke forklares. Sig det til revisionen.",
            unexplained,
        )
        if unexplained
        else None,
        knowledge=told.table(_("Nyt i registret"), knowledge, _("Intet nyt er registreret, der ændrer noget.")),
        time=told.table(_("Kun fordi tiden er gået"), time, _("Tiden alene har ikke ændret noget.")),
        following=following,
    )


def _is_time(found: Difference) -> bool:
    return found.explained and all(cause.kind == TIME_PASSED for cause in found.causes)


def _sentence(found: Compared, total: int) -> str:
    if total == 0:
        return _("Der er ingen anden forskel end det slettede.") if found.tally.erased else _("Der er ingen forskel.")
    count = ngettext("%(number)s forskel", "%(number)s forskelle", total)
    if found.tally.unexplained:
        return _("%(count)s, heraf %(unexplained)s uden forklaring.", count=count, unexplained=found.tally.unexplained)
    return _("%(count)s, alle forklaret.", count=count)


def _part(found: Compared) -> str:
    """Return that the numbers are those of some cases: what differs in others is told further on."""
    return _("Siden dækker %(number)s sager. De næste sager er ikke talt med.", number=found.tally.cases)


def _details(found: Compared) -> Iterable[str]:
    """Yield what lies behind the differences in sum, and how far each end reaches."""
    tally, span, draft = found.tally, found.ends.span, found.wanted.draft
    if draft is not None:
        yield _(
            "De regler, der er i kraft %(when)s, mod %(book)s version %(version)s.",
            when=show_instant(span.known_from), book=draft.book.id, version=draft.book.version,
        )  # fmt: skip
    else:
        yield _(
            "Fra %(begin)s (hændelse %(first)s) til %(end)s (hændelse %(last)s).",
            begin=show_instant(span.known_from), first=span.begins,
            end=show_instant(found.wanted.known_to), last=found.ends.ends,
        )  # fmt: skip
    if tally.renamed:
        yield ngettext(
            "%(number)s frist er den samme og nævner blot en anden version af reglerne.",
            "%(number)s frister er de samme og nævner blot en anden version af reglerne.",
            tally.renamed,
        )
    if found.wanted.valid_at is not None:
        yield _(
            "Uret står stille %(when)s: kun det, der er registreret, er forskelligt.", when=show_instant(span.clock_to)
        )
    kinds = [f"{_(label)}: {tally.kinds[kind]}" for kind, label in CAUSES.items() if tally.kinds[kind]]
    if kinds:
        yield _("Bag dem ligger %(kinds)s.", kinds=", ".join(kinds))
    moves = [f"{tally.moves[move]} {_(label)}" for move, label in MOVES.items() if tally.moves[move]]
    if moves:
        yield _("Af fristerne: %(moves)s.", moves=", ".join(moves))
    if tally.erased:
        yield ngettext(
            "%(number)s sag blev slettet helt imellem; intet af den vises.",
            "%(number)s sager blev slettet helt imellem; intet af dem vises.",
            tally.erased,
        )


class _Told:
    """Puts differences into words."""

    def __init__(self, found: Compared, numbers: Mapping[Any, str] | None) -> None:
        turns = found.ends.span.turns
        self._rules: Rules = turns[-1].rules if turns else found.ends.span.rules
        self._numbers = numbers

    def table(self, caption: str, items: Iterable[ViewDifference], nothing: str) -> Table:
        heads = [_("Hvad"), _("Forskel"), _("Fordi")]
        rows = [(self._what(item), self._change(item), self._because(item.found)) for item in items]
        if self._numbers is None:
            return table(caption, heads, rows, nothing)
        cases = [self._case(item) for item in items]
        return table(caption, [_("Sag"), *heads], [(one, *row) for one, row in zip(cases, rows, strict=True)], nothing)

    def _case(self, item: ViewDifference) -> Cell:
        case = item.found.case
        return Cell((self._numbers or {}).get(case, "?"), views.case_address(case))

    def _what(self, item: ViewDifference) -> list[Cell]:
        """Return what a row is about, under the name of the view it is of."""
        value = item.found.after or item.found.before or {}
        return [Cell(self._named(item, value)), Cell(_(VIEWS[item.view]))]

    def _named(self, item: ViewDifference, value: Mapping[str, Any]) -> str:
        if item.view == DEADLINES.name:
            names = value["book"], value["book_version"], value["rule"], value["rule_version"]
            rule = self._rules.as_adopted(*names)
            if rule is None:
                return str(value["rule"])
            return rule.danish if language() == "da" else rule.english
        if item.view == FINDINGS.name:
            return explained(finding_of(value))
        if item.view == CONSENTS.name:
            return _("Samtykke %(name)s", name=item.found.part)
        return _("Sagen")

    def _change(self, item: ViewDifference) -> list[Cell]:
        found = item.found
        if found.before is None:
            return [Cell(_("kom til"), mark=NOTE), *self._standing(item, found.after)]
        if found.after is None:
            return [Cell(_("faldt bort"), mark=NOTE), *self._standing(item, found.before)]
        changed = [name for name in found.changed if name not in HIDDEN] or list(found.changed)
        return [Cell(self._field(item.view, name, found.before.get(name), found.after.get(name))) for name in changed]

    def _standing(self, item: ViewDifference, value: Mapping[str, Any] | None) -> list[Cell]:
        """Return how a row that came or went stands: due date and status."""
        told = [name for name in ("due", "status") if value and value.get(name) is not None]
        return [Cell(f"{_(VIEW_FIELDS[name])}: {_value(item.view, name, (value or {})[name])}") for name in told]

    def _field(self, view: str, name: str, before: Any, after: Any) -> str:
        label = _(VIEW_FIELDS[name]) if name in VIEW_FIELDS else name
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            old, new = cast(Mapping[str, Any], before), cast(Mapping[str, Any], after)
            keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
            inner = [
                f"{field_label('', key)}: {_value(view, key, old.get(key))} → {_value(view, key, new.get(key))}"
                for key in keys
            ]
            return f"{label}: {'; '.join(inner)}"
        return f"{label}: {_value(view, name, before)} → {_value(view, name, after)}"

    def _because(self, found: Difference) -> list[Cell]:
        told = [self._cause(found, cause) for cause in found.causes]
        return told if found.explained else [*told, Cell(_("uden forklaring"), mark=BAD)]

    def _cause(self, found: Difference, cause: Cause) -> Cell:
        entry = cause.entry
        if entry is None:
            draft = cause.kind == RULE_CHANGE
            told = _(CAUSES[cause.kind])
            return Cell(_("%(kind)s: udkastet", kind=told) if draft else told)
        kind = _("%(kind)s (ville også)", kind=_(CAUSES[cause.kind])) if cause.stands_in else _(CAUSES[cause.kind])
        text = _(
            "%(kind)s: nr. %(version)s %(label)s, hændt %(happened)s, registreret %(recorded)s",
            kind=kind, version=entry.version, label=label_of(entry), happened=show_moment(entry.occurred_at),
            recorded=show_instant(entry.recorded_at),
        )  # fmt: skip
        link = views.entry_address(found.case, entry.version) if entry.stream == found.case else None
        return Cell(text, link)


def _value(view: str, name: str, value: Any) -> str:
    """Return a value of a view in words."""
    if value is None or value in ([], {}):
        return _("intet")
    if isinstance(value, bool):
        return _("Ja") if value else _("Nej")
    if isinstance(value, Mapping):
        pairs = cast(Mapping[str, Any], value).items()
        return ", ".join(f"{field_label('', key)}: {_value(view, key, one)}" for key, one in pairs)
    if isinstance(value, list):
        return ", ".join(_value(view, name, one) for one in cast(list[Any], value))
    if not isinstance(value, str):
        return str(value)
    if name in ("status", "state") and value in STATUS_WORDS[view]:
        return word(STATUS_WORDS[view], value)
    told = word_of_field(name, value)
    return _text(value) if told == value else told


def _text(value: str) -> str:
    """Return a moment as people write it, a code of a decision or a level in words, anything else as it is."""
    try:
        moment = read_moment(value)
        return show_due(moment) if isinstance(moment, datetime) else show_moment(moment)
    except ValueError:
        return word(words.STATUSES if value in words.STATUSES else words.LEVELS, value)
