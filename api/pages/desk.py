"""What the pages of the supervisor's desk have in common: their menu, the form for instants and filters, paging."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from api.boards import BoardAsked, BoardPage, Boards
from api.conditions import question
from api.looks import Question
from api.pages import views
from api.pages.codes import PROGRAMMES, word
from api.pages.language import _
from api.pages.rendering import DESK, Pages
from api.pages.views import KNOWN_AT, VALID_AT
from api.principals import acting
from api.problems import ProblemError
from domain.authority import Act

ROWS_PER_PAGE = 50
FILTER_LIMIT = 80
"""Longest text of a filter in characters."""

PROGRAMME, RESPONSIBLE, LEVEL, STATE = "program", "ansvarlig", "niveau", "stand"
"""Names of filters in addresses."""

Show = Callable[[BoardAsked], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class DeskPlace:
    """A page of the desk: where, what it is called and told to be, open to whoever may do ``act``."""

    path: str
    label: str
    about: str
    act: Act = Act.BOARD_READ

    @property
    def address(self) -> str:
        """Where the page is."""
        return DESK + self.path


DEADLINES = DeskPlace("/frister", "Frister", "Hvad er overskredet, nu eller på en hvilken som helst dag.")
BREACHES = DeskPlace("/samtykkebrud", "Samtykkebrud", "Videregivelser, som intet samtykke eller anden hjemmel dækkede.")
FINDINGS = DeskPlace("/fund", "Fund", "Hvad protokollen selv peger på, og hvem der har taget stilling.")
CASELOAD = DeskPlace("/sager", "Forløb", "Familier på vej ind, i gang og på vej ud pr. program, og hvem der har dem.")
MOVE = DeskPlace(
    "/overdragelse",
    "Overdragelse",
    "En medarbejders sager flyttes samlet til en anden, med én begrundelse.",
    Act.CASE_WRITE,
)
BAROMETER = DeskPlace(
    "/barometer", "Årsgennemgang", "Ankestyrelsens spørgsmål i Børnesagsbarometeret, besvaret af det registrerede."
)
APPROVALS = DeskPlace(
    "/godkendelse", "Godkendelse", "Afgørelser, som en anden har forberedt, og som venter på dit svar.", Act.DECIDE
)
QUEUE = DeskPlace(
    "/noedadgang", "Nødadgang", "Åbninger i en nødsituation, som en anden skal vurdere.", Act.BREAK_GLASS_REVIEW
)
RESTRICTED = DeskPlace(
    "/begraensede", "Begrænsede sager", "Sager, som kun udpegede må se, og hvornår det skal gennemgås.", Act.REACH_WRITE
)
SAMPLE = DeskPlace("/stikproeve", "Stikprøve", "Et tilfældigt udvalg af opslag til kontrol.", Act.LOOKS_READ)
DESK_PLACES = (DEADLINES, BREACHES, FINDINGS, CASELOAD, MOVE, BAROMETER, APPROVALS, QUEUE, RESTRICTED, SAMPLE)
"""The menu of the desk, in its order."""


@dataclass(frozen=True, slots=True)
class MenuLine:
    """A link in the menu of the desk; ``current`` where the page itself is what it leads to."""

    address: str
    label: str
    about: str
    current: bool


@dataclass(frozen=True, slots=True)
class Option:
    """A value a filter may have."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of a board: a choice where it has options, else a short text."""

    name: str
    label: str
    value: str
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class DeskFrame:
    """What stands around a page of the desk.

    ``behind`` says how far the board has followed while it has not followed to the position asked about.
    """

    label: str
    menu: tuple[MenuLine, ...]
    form: views.Form | None
    filters: tuple[Filter, ...]
    banner: views.Banner | None
    access: int
    position: int
    behind: int | None
    erased_cases: int
    following: str | None


class Desk:
    """Puts the pages of the desk into their frame."""

    def __init__(self, pages: Pages, boards: Boards) -> None:
        self._pages, self._boards = pages, boards

    async def answer(self, request: Request, place: DeskPlace, show: Show, *filters: str) -> Response:
        """Return a board as of the instants in the address; a form sent leads to its canonical address."""
        query = request.query_params
        if views.is_submitted(query):
            kept = {name: query[name] for name in filters if query.get(name)}
            sent = views.read_form(place.address, query)
            if sent.question is None:
                form = replace(sent.form, kept=tuple(kept.items()))
                return self._pages.render(request, "as_of.html", 400, form=form)
            return RedirectResponse(views.address(place.address, sent.question, **kept), 303)

        async def look() -> Response:
            return await show(self._boards.asked(request, ROWS_PER_PAGE, *filters))

        return await self._pages.told(request, look, _form(place.address, request, filters))

    def frame(
        self, request: Request, place: DeskPlace, asked: BoardAsked, page: BoardPage, filters: Iterable[Filter]
    ) -> DeskFrame:
        """Return the frame of a board that was looked up."""
        address, cursor = place.address, self._boards.following(page, asked)
        kept = {name: text for name, text in request.query_params.items() if name not in _STEERING and text}
        return DeskFrame(
            label=_(place.label),
            menu=self.menu(request, place),
            form=views.form_of(address, asked.question),
            filters=tuple(filters),
            banner=views.banner(asked.question, "Du ser siden, som den var registreret %(when)s.", None, address),
            access=page.access_position,
            position=page.position,
            behind=page.computed_to if page.computed_to < page.position else None,
            erased_cases=page.erased_cases,
            following=views.address(address, asked.question, **kept, cursor=cursor) if cursor else None,
        )

    def menu(self, request: Request, current: DeskPlace | None) -> tuple[MenuLine, ...]:
        """Return the menu of the desk for who reads."""
        principal = acting(request)
        return tuple(
            MenuLine(place.address, _(place.label), _(place.about), place == current)
            for place in DESK_PLACES
            if self._pages.door.allows(principal, place.act)
        )


_STEERING = (KNOWN_AT, VALID_AT, "cursor", "limit")


def asked_for(request: Request, name: str) -> str | None:
    """Return what a filter holds, None for nothing; raises ProblemError for a text that is too long."""
    text = request.query_params.get(name) or None
    if text is not None and (len(text) > FILTER_LIMIT or "\0" in text):
        raise ProblemError("bad-request", f"{name} must be a short text.")
    return text


def choice(name: str, label: str, words: Mapping[str, str], chosen: str | None, every: str = "alle") -> Filter:
    """Return a filter that chooses among codes, or none of them; what is asked for is always among the options."""
    options = [Option("", _(every), chosen is None)]
    options += [Option(code, word(words, code), code == chosen) for code in words]
    if chosen is not None and chosen not in words:
        options.append(Option(chosen, chosen, chosen=True))
    return Filter(name, label, chosen or "", tuple(options))


def common_filters(request: Request) -> tuple[Filter, ...]:
    """Return the filters every board has: programme and who holds the case."""
    programmes = {code: text for code, text in PROGRAMMES.items() if code != "needs_based_visits"}
    return (
        choice(PROGRAMME, _("Program"), programmes, asked_for(request, PROGRAMME)),
        Filter(RESPONSIBLE, _("Ansvarlig (medarbejder)"), asked_for(request, RESPONSIBLE) or ""),
    )


def list_address(place: DeskPlace, asked: Question, filters: Sequence[tuple[str, str | None]]) -> str:
    """Return where a list is, as of the instants asked about."""
    return views.address(place.address, asked, **dict(filters))


def _form(path: str, request: Request, filters: Sequence[str]) -> views.Form | None:
    """Return the form for the instants of an address; None where they cannot be read."""
    query = request.query_params
    try:
        asked = question(query.get(KNOWN_AT), query.get(VALID_AT))
    except ProblemError:
        return None
    kept = tuple((name, query[name]) for name in filters if query.get(name))
    return replace(views.form_of(path, asked), kept=kept)
