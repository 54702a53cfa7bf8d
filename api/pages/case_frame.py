"""What the pages of one case have in common: their places in the case's menu, the instants asked about, the banner."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from api.looks import Question
from api.pages import views
from api.pages.access_views import RunningEmergency, running
from api.pages.compare_views import FROM
from api.pages.language import _
from api.pages.rendering import CASE_CLOSED, Pages, case_of
from api.principals import acting
from api.problems import ProblemError
from domain.authority import Act
from domain.time import write_instant

Show = Callable[[UUID, Question], Awaitable[Response]]
"""Makes a page of a case as of the instants of a question, through the reader."""


@dataclass(frozen=True, slots=True)
class CasePlace:
    """A page of a case: ``path`` stands after the case's address; open to whoever may do ``act`` in the case."""

    path: str
    label: str
    act: Act = Act.CASE_READ


OVERVIEW, COURSE, PROOF = (
    CasePlace("#overblik", "Overblik"),
    CasePlace("#forloeb", "Forløb"),
    CasePlace("#bevis", "Bevis"),
)
CONSENTS, DISCLOSURES = CasePlace("/samtykker", "Samtykker"), CasePlace("/delinger", "Delinger")
DEADLINES, DECISIONS = CasePlace("/frister", "Frister"), CasePlace("/afgoerelser", "Afgørelser")
COMPARE, BAROMETER = CasePlace("/sammenlign", "Sammenlign"), CasePlace("/barometer", "Årsgennemgang")
LOOKS = CasePlace("/opslag", "Hvem har set sagen", Act.LOOKS_READ)
BUNDLE = CasePlace("/bevispakke", "Bevispakke", Act.EVIDENCE_MAKE)
EXTRACT = CasePlace("/opslag/udtraek", "Udskrift til borgeren", Act.EXTRACT_MAKE)
PRODUCTION = CasePlace("/udlevering", "Udlevering", Act.EVIDENCE_MAKE)
WRITE = CasePlace("/registrer", "Registrér", Act.CASE_WRITE)
CASE_PLACES = (
    OVERVIEW, COURSE, DEADLINES, CONSENTS, DISCLOSURES, DECISIONS, BAROMETER, COMPARE, PROOF, LOOKS, EXTRACT,
    PRODUCTION, WRITE,
)  # fmt: skip
"""The menu of a case, in its order."""


@dataclass(frozen=True, slots=True)
class MenuLine:
    """A link in a case's menu; ``current`` where the page itself is what it leads to."""

    address: str
    label: str
    current: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a page of a case: which case and page, the menu, and as of when it is shown."""

    number: str
    address: str
    label: str
    menu: tuple[MenuLine, ...]
    form: views.Form | None
    banner: views.Banner | None
    access: int
    emergency: RunningEmergency | None = None


class CaseFrames:
    """Puts the pages of cases into their frame."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def answer(self, request: Request, case_id: str, place: CasePlace, show: Show, *keep: str) -> Response:
        """Return a page of a case as of the instants in the address; a form sent leads to its canonical address.

        ``keep`` names what else of an address belongs to it, such as filters.
        """
        case = case_of(case_id)
        if case is None:
            return self._pages.sorry(request, "not-found")
        path, query = views.case_address(case) + place.path, request.query_params
        kept = {name: query[name] for name in keep if name in query}
        if views.is_submitted(query):
            sent = views.read_form(path, query)
            if sent.question is None:
                return self._pages.render(request, "as_of.html", 400, form=_keeping(sent.form, kept))
            return RedirectResponse(views.address(path, sent.question, **kept), 303)

        async def look() -> Response:
            return await show(case, views.asked(query))

        return await self._pages.told(request, look, _form(path, request), CASE_CLOSED, case)

    def frame(
        self,
        request: Request,
        case: UUID,
        place: CasePlace,
        asked: Question,
        access: int,
        label: str | None = None,
        **kept: str,
    ) -> Frame:
        """Return the frame of a page that was looked up; ``label`` says more exactly which page of its place it is.

        ``kept`` are the filters that the form for the instants keeps.
        """
        address = views.case_address(case)
        return Frame(
            number=self._called(request, case),
            address=address,
            label=label or _(place.label),
            menu=self.menu(request, case, asked, place),
            form=_keeping(views.form_of(address + place.path, asked), kept),
            banner=views.banner(asked, "Du ser siden, som den var registreret %(when)s.", None, address + place.path),
            access=access,
            emergency=self.emergency(request, case),
        )

    def records(self, request: Request, case: UUID, asked: Question) -> bool:
        """Whether a page of a case leads its reader to what they may record: as it is now, and for who may."""
        return asked == Question() and bool(self._pages.door.among(acting(request), Act.CASE_WRITE, [case]))

    def emergency(self, request: Request, case: UUID) -> RunningEmergency | None:
        """Return the emergency access by which the reader is in a case now."""
        index = self._pages.door.index
        reach = index.case(case)
        return running(reach, acting(request).id, index.now) if reach else None

    def _called(self, request: Request, case: UUID) -> str:
        """Return what people call a case; the beginning of its id to whoever may not read it."""
        door = self._pages.door
        return door.number(case) if door.among(acting(request), Act.CASE_READ, [case]) else str(case)[:8]

    def menu(self, request: Request, case: UUID, asked: Question, current: CasePlace) -> tuple[MenuLine, ...]:
        """Return the menu of a case for who reads; its links keep the instants asked about."""
        return tuple(
            MenuLine(_address(case, place, asked), _(place.label), place == current)
            for place in CASE_PLACES
            if self._pages.door.among(acting(request), place.act, [case])
        )


def _address(case: UUID, place: CasePlace, asked: Question) -> str:
    """Return where a page of a case is; what was recorded is compared with now, and one writes in the present."""
    path, mark, anchor = place.path.partition("#")
    address = views.case_address(case) + path
    if place == COMPARE:
        since = {FROM: write_instant(asked.known_at)} if asked.known_at else {}
        return views.address(address, Question(), **since)
    instants = Question() if place in (LOOKS, EXTRACT, WRITE) else asked
    return views.address(address, instants) + mark + anchor


def _keeping(form: views.Form, kept: Mapping[str, str]) -> views.Form:
    return replace(form, kept=tuple(kept.items()))


def _form(path: str, request: Request) -> views.Form | None:
    """Return the form for the instants of an address; None where they cannot be read."""
    try:
        asked = views.asked(request.query_params)
    except ProblemError:
        return None
    return views.form_of(path, asked)
