"""The page that finds people by name or number. What is searched for travels in the body: addresses end up in logs."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from api.pages import views
from api.pages.codes import ROLES, word
from api.pages.language import _
from api.pages.rendering import Pages
from api.pages.tables import NOTE, Cell, Table, table
from api.pages.values import NAME_ERASED
from api.principals import looking
from api.search_routes import SearchBody
from api.searching import MOST_HITS, Hit, Searcher
from api.sign_in.identity import SignIn
from domain.authority import Act

ADDRESS = "/soeg"
TYPED = 200


@dataclass(frozen=True, slots=True)
class PersonSearch:
    """The form as typed, and what was found; ``error`` where it cannot be searched for."""

    name: str = ""
    identifier: str = ""
    error: str | None = None
    table: Table | None = None
    access: int | None = None


class PersonPages:
    """Answers for the page that finds people in one ledger."""

    def __init__(self, pages: Pages, searcher: Searcher, sign_in: SignIn) -> None:
        self._pages, self._searcher, self._sign_in = pages, searcher, sign_in

    def routes(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        router.get(ADDRESS)(self.ask)
        router.post(ADDRESS)(self.find)
        return router

    async def ask(self, request: Request) -> Response:
        """Ask whom to search for."""

        async def look() -> Response:
            await self._pages.door.require(looking(request), Act.SEARCH, "search_by_name")
            return self._pages.render(request, "persons.html", page=PersonSearch())

        return await self._pages.told(request, look)

    async def find(self, request: Request) -> Response:
        """Show who was found, or what cannot be searched for and why."""
        form = await self._sign_in.require_form(request)
        name, identifier = form.get("navn", "").strip()[: TYPED + 1], form.get("nummer", "").strip()[: TYPED + 1]

        async def look() -> Response:
            principal = looking(request)
            try:
                wanted = SearchBody.model_validate({"name": name or None, "identifier": identifier or None})
            except ValidationError:
                page = PersonSearch(name, identifier, _unsearchable(name, identifier))
                return self._pages.render(request, "persons.html", 422, page=page)
            found = await self._searcher.search(principal, wanted.name, wanted.identifier)
            if found.hits is None:
                error = _("Mere end %(most)s personer passer. Skriv mere af navnet, eller nummeret.", most=MOST_HITS)
                page = PersonSearch(name, identifier, error, access=found.access_position)
                return self._pages.render(request, "persons.html", 422, page=page)
            page = PersonSearch(name, identifier, None, _found(found.hits), found.access_position)
            return self._pages.render(request, "persons.html", page=page)

        return await self._pages.told(request, look)


def _unsearchable(name: str, identifier: str) -> str:
    if name and identifier:
        return _("Søg på navn eller nummer, ikke på begge.")
    if identifier:
        return _("Skriv hele nummeret på ti cifre, for eksempel 610199-0001.")
    if len(name) > TYPED:
        return _("Navnet er for langt: skriv højst %(limit)s tegn.", limit=TYPED)
    return _("Skriv mindst én hel del af navnet, eller hele nummeret.")


def _found(hits: tuple[Hit, ...]) -> Table:
    rows = [
        (
            Cell(hit.full_name or _(NAME_ERASED)),
            word(ROLES, hit.person.role),
            Cell(hit.number, views.case_address(hit.case)),
            Cell(_("tidligere navn eller nummer"), mark=NOTE) if hit.formerly else "",
        )
        for hit in hits
    ]
    heads = (_("Navn"), _("Rolle"), _("Sag"), _("Bemærk"))
    return table(
        _("Personer i de sager, du har adgang til"), heads, rows, _("Ingen i de sager, du har adgang til, passer.")
    )
