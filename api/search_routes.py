"""The HTTP API of finding people. What is searched for travels in the body: addresses end up in logs."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from api import bodies, examples
from api.bodies import Body
from api.cases import Purpose, answer_json, problems
from api.examples import CASE_ID, COMMIT_ID
from api.principals import looking
from api.problems import ProblemError
from api.searching import MOST_HITS, Hit, Searcher, SearchLook
from domain.events.fields import Identifier
from domain.search_terms import name_parts

ASKING = ("malformed", "too-many-hits", "body-too-large", "wrong-media-type")
NAME_LIMIT = 200

EXAMPLE: dict[str, Any] = {"name": "Alma Marie Eksempel"}

FOUND = examples.answer(
    200,
    "The people found",
    {
        "as_of_position": 4711,
        "hits": [
            {
                "person": COMMIT_ID,
                "ref": "parent-A",
                "role": "mother",
                "full_name": "Alma Eksempel",
                "formerly": False,
                "case": CASE_ID,
                "number": "S-0F8B2C9E",
            }
        ],
        "access_event": 4712,
    },
    etag=False,
)


def _searchable(name: str) -> str:
    if not name_parts(name):
        raise ValueError("must hold a letter or a digit: give at least one part of the name")
    return name


class SearchBody(Body):
    """What to search for: a name or a number, not both."""

    name: Annotated[
        Annotated[str, StringConstraints(max_length=NAME_LIMIT), AfterValidator(_searchable)] | None,
        Field(description="Whole parts of a name, each of which must match; case and accents do not count"),
    ] = None
    identifier: Annotated[Identifier | None, Field(description="A whole CPR or replacement number")] = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        """Refuse a search for nothing, and for two things at once."""
        if (self.name is None) == (self.identifier is None):
            raise ValueError("must give either name or identifier")
        return self


def create_search_router(searcher: Searcher) -> APIRouter:
    """Return the routes over one ledger."""
    router = APIRouter(tags=["people"])

    @router.post(
        "/searches",
        summary="Find people by name or number",
        responses=FOUND | problems(*ASKING),
        openapi_extra=examples.request(SearchBody, EXAMPLE, keyed=False, place=None),
    )
    async def search(request: Request, purpose: Purpose = None) -> Response:
        """Find people by whole parts of a name or by a whole number; the search and whom it shows go on record."""
        del purpose
        if request.query_params:
            raise ProblemError("bad-request", "A search has no query: addresses end up in logs. Send it in the body.")
        body = bodies.parse(SearchBody, await bodies.read_body(request))
        look = await searcher.search(looking(request), body.name, body.identifier)
        return answer_json(_found(look))

    return router


def _found(look: SearchLook) -> dict[str, Any]:
    if look.hits is None:
        detail = f"More than {MOST_HITS} people match, so nobody is shown: give more of the name, or the number."
        raise ProblemError("too-many-hits", detail)
    return {
        "as_of_position": look.position,
        "hits": [_hit(hit) for hit in look.hits],
        "access_event": look.access_position,
    }


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "person": str(hit.person.person),
        "ref": hit.person.ref,
        "role": hit.person.role,
        "full_name": hit.full_name,
        "formerly": hit.formerly,
        "case": str(hit.case),
        "number": hit.number,
    }
