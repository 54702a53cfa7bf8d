"""What the page of the log search shows: hits, what they are counted by, and what can be asked."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from api.log_searching import LogPage
from api.pages import views
from api.pages.codes import DATA_CATEGORIES, ROLES, word
from api.pages.language import _, ngettext
from api.pages.log_query import NotUnderstood, Term, terms
from api.pages.log_words import FACETS, FAMILIES, KEYS, PRESETS
from api.pages.tables import NOTE, Cell, Table, table
from api.pages.timeline import LATE, WITHHELD
from api.pages.times import show_instant, show_moment
from api.pages.values import label_of
from domain.events import BY_TOPIC
from domain.kept_searches import KeptSearch
from projections.log_search import YES, Hit

ADDRESS = "/protokol"
UPTO = "op_til"
MOST_OPTIONS = 8
NAME_LIMIT = 80

_KEY_OF_FACET = {"topic": "handling", "role": "rolle", "recipient": "modtager", "late": "sen", "unit": "enhed"}


@dataclass(frozen=True, slots=True)
class Option:
    """A value that hits have, how many, and where one is led who wants those alone, or all others."""

    label: str
    count: int
    link: str
    without: str


@dataclass(frozen=True, slots=True)
class Facet:
    """What hits are counted by."""

    label: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class LogSearchPage:
    """Everything the page of the log search shows; ``error`` where the search could not be read."""

    query: str
    error: str | None
    sentence: str
    table: Table | None
    facets: tuple[Facet, ...]
    dropped: tuple[tuple[str, str], ...]
    presets: tuple[tuple[str, str], ...]
    families: tuple[tuple[str, str], ...]
    keys: tuple[tuple[str, str], ...]
    exports: tuple[tuple[str, str], ...]
    following: str | None
    access: int | None


@dataclass(frozen=True, slots=True)
class KeptView:
    """A search somebody keeps, and where it leads."""

    name: str
    query: str
    link: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The searches a reader keeps, and the form to keep this one: offered or not, what was typed, what is wrong."""

    kept: tuple[KeptView, ...]
    key: str
    offered: bool = False
    typed: str = ""
    error: str | None = None


def kept_views(kept: Iterable[KeptSearch]) -> tuple[KeptView, ...]:
    """Return the searches somebody keeps as links."""
    return tuple(KeptView(one.name, one.query, address(one.query)) for one in kept)


def read_name(typed: str) -> tuple[str, str | None]:
    """Return a name to keep a search under, blanks made one, and what is wrong with it."""
    name = " ".join(typed.split())
    if not name:
        return name, _("Skriv et navn.")
    if len(name) > NAME_LIMIT:
        return name[:NAME_LIMIT], _("Navnet må højst have %(number)s tegn.", number=NAME_LIMIT)
    if not name.isprintable():
        return "", _("Navnet må kun have synlige tegn.")
    return name, None


def address(query: str, path: str = ADDRESS, **more: str | int) -> str:
    """Return the address of a search."""
    asked = ({"q": query} if query else {}) | {name: str(value) for name, value in more.items()}
    return f"{path}?{urlencode(asked)}" if asked else path


def refused_page(query: str, error: str) -> LogSearchPage:
    """Return the page of a search that cannot be read, with what was typed."""
    return _page(query, error, "", None, (), (), None, None)


def search_page(
    query: str, found: LogPage, number: Callable[[UUID], str], readable: Collection[UUID], following: str | None
) -> LogSearchPage:
    """Return a page of hits, leading into the cases ``readable``; ``following`` is the cursor of the next page."""
    upto = found.wanted.upto
    exports = tuple(
        (label, address(query, f"{ADDRESS}/udtraek.{suffix}", **{UPTO: upto}))
        for suffix, label in (("csv", _("Hent som CSV")), ("jsonl", _("Hent som JSON-linjer")))
    )
    leads = address(query, cursor=following) if following else None
    return _page(
        query, None, _sentence(found), _hits(found.hits, number, readable), tuple(_facets(query, found.matching)),
        exports, leads, found.access_position,
    )  # fmt: skip


def _page(
    query: str, error: str | None, sentence: str, hits: Table | None, facets: tuple[Facet, ...],
    exports: tuple[tuple[str, str], ...], following: str | None, access: int | None,
) -> LogSearchPage:  # fmt: skip
    return LogSearchPage(
        query=query,
        error=error,
        sentence=sentence,
        table=hits,
        facets=facets,
        dropped=tuple(_dropped(query)),
        presets=tuple((_(label), address(asked)) for asked, label in PRESETS.items()),
        families=tuple((_(label), address(f"handling:{name}")) for name, label in FAMILIES.items()),
        keys=tuple((key, _(meaning)) for key, meaning in KEYS.items()),
        exports=exports,
        following=following,
        access=access,
    )


def _sentence(found: LogPage) -> str:
    """Return how much was found, and how far it was looked for."""
    count = ngettext("%(number)s træf", "%(number)s træf", len(found.hits))
    if not found.reached:
        return _(
            "%(count)s på siden. Der er søgt til bunds, til og med hændelse %(upto)s.",
            count=count,
            upto=found.wanted.upto,
        )
    return _(
        "%(count)s på siden. Der er søgt fra hændelse %(upto)s og ned til %(reached)s; fortsæt for ældre.",
        count=count, upto=found.wanted.upto, reached=found.reached,
    )  # fmt: skip


def _hits(hits: Sequence[Hit], number: Callable[[UUID], str], readable: Collection[UUID]) -> Table:
    heads = (_("Registreret"), _("Hændt"), _("Sag"), _("Hændelse"), _("Af"), _("Til eller fra"), _("Bemærk"))
    rows = [_row(hit, number, readable=hit.entry.stream in readable) for hit in hits]
    return table(
        _("Træf, de seneste først"), heads, rows, _("Intet i de sager, du har adgang til, passer til søgningen.")
    )


def _row(hit: Hit, number: Callable[[UUID], str], *, readable: bool) -> tuple[Cell | str | list[Cell], ...]:
    entry = hit.entry
    case, there = views.case_address(entry.stream), views.entry_address(entry.stream, entry.version)
    return (
        show_instant(entry.recorded_at.replace(microsecond=0)),
        show_moment(entry.occurred_at),
        Cell(number(entry.stream), case if readable else None),
        Cell(_("nr. %(version)s %(label)s", version=entry.version, label=label_of(entry)), there if readable else None),
        f"{entry.actor.id} ({word(ROLES, entry.actor.role)})",
        ", ".join(word(ROLES, one) for one in hit.facets["recipient"]),
        _marks(hit),
    )


def _marks(hit: Hit) -> list[Cell]:
    marks = [Cell(_(LATE), mark=NOTE)] if YES in hit.facets["late"] else []
    if hit.entry.withheld:
        marks.append(Cell(_(WITHHELD), mark=NOTE))
    if hit.facets["category"]:
        marks.append(Cell(", ".join(word(DATA_CATEGORIES, one) for one in hit.facets["category"])))
    return marks


def _facets(query: str, hits: Sequence[Hit]) -> Iterable[Facet]:
    """Yield what the hits gone through are counted by, the commonest value first."""
    for name, label in FACETS.items():
        counts = Counter(value for hit in hits for value in hit.facets[name])
        options = [_option(query, name, value, count) for value, count in counts.most_common(MOST_OPTIONS)]
        if options:
            yield Facet(_(label), tuple(options))


def _option(query: str, name: str, value: str, count: int) -> Option:
    key, (label, written) = _KEY_OF_FACET[name], _written(name, value)
    narrowed = f"{query} {Term(True, key, (written,))}".strip()
    others = f"{query} {Term(False, key, (written,))}".strip()
    return Option(label, count, address(narrowed), address(others))


def _written(name: str, value: str) -> tuple[str, str]:
    """Return how a value is shown, and how it is written in a search: that stays the same in every language."""
    if name == "topic":
        return _(BY_TOPIC[value].LABEL_DA), BY_TOPIC[value].LABEL_DA.casefold()
    if name == "late":
        return (_("Ja"), "ja") if value == YES else (_("Nej"), "nej")
    return (word(ROLES, value), value) if name in ("role", "recipient") else (value, value)


def _dropped(query: str) -> Iterable[tuple[str, str]]:
    """Yield each term with where one is led without it."""
    try:
        known = terms(query)
    except NotUnderstood:
        return
    for place, term in enumerate(known):
        yield str(term), address(" ".join(str(one) for at, one in enumerate(known) if at != place))
