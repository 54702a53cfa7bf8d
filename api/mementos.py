"""Time travel by header (RFC 7089): every address that takes ``known_at`` is its own time gate.

``Accept-Datetime`` asks as of an instant as ``known_at`` does, in whole seconds. An answer as of an instant says so in
``Memento-Datetime``; the instants of commits are rounded up there, so that asking for that second finds the commit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from re import Pattern
from urllib.parse import parse_qsl, quote, urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.cases import KnownAt, Purpose, ValidAt, case_id_of, problems
from api.conditions import etag, question, refuse_unknown_parameters
from api.log_examples import text_answer
from api.looks import as_of_headers
from api.principals import looking
from api.problems import ProblemError, render
from api.reading import CaseLook, CaseReader
from domain.time import read_instant, write_instant

KNOWN_AT = "known_at"
LINK_FORMAT = "application/link-format"
SECOND = timedelta(seconds=1)
EXAMPLE = "Wed, 21 Aug 2024 07:00:00 GMT"

TIMEMAP = text_answer(
    "One memento for each commit of the case",
    '</cases/8d6f>;rel="original timegate",\n'
    f'</cases/8d6f?known_at=2024-08-21T06:59:59.120004Z>;rel="first last memento";datetime="{EXAMPLE}"\n',
    LINK_FORMAT,
)
TIMEMAP[200]["headers"] = {"ETag": {"description": "Version of the case", "schema": {"type": "string"}}}


class LinkFormat(Response):
    """A list of links (RFC 6690)."""

    media_type = LINK_FORMAT


def http_date(instant: datetime) -> str:
    """Return an instant as headers write it, in whole seconds, rounded up."""
    whole = instant.astimezone(UTC).replace(microsecond=0)
    return format_datetime(whole + SECOND if instant.microsecond else whole, usegmt=True)


def read_http_date(text: str) -> datetime:
    """Return the instant of a header; raises ProblemError for any other form of date than that of RFC 7089."""
    try:
        instant = parsedate_to_datetime(text).astimezone(UTC)
        if http_date(instant) == text:
            return instant
    except (ValueError, OverflowError):
        pass
    raise ProblemError("bad-request", f"Accept-Datetime must be a date such as {EXAMPLE}, in GMT.") from None


def places_of(routers: Iterable[APIRouter]) -> tuple[Pattern[str], ...]:
    """Return the addresses of the routes that take ``known_at``."""
    return tuple(
        route.path_regex
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and _takes(route)
    )


def _takes(route: APIRoute) -> bool:
    return any(parameter.alias == KNOWN_AT for parameter in route.dependant.query_params)


@dataclass(frozen=True, slots=True)
class Place:
    """An address as asked: its path, its query without ``known_at``, and the instant asked about, if any."""

    path: str
    query: tuple[tuple[str, str], ...]
    known_at: str | None

    @property
    def original(self) -> str:
        """The address of what is asked about, whenever: also its time gate."""
        return _address(self.path, self.query)

    def memento(self, known_at: str) -> str:
        """Return the address of the same as of an instant."""
        return _address(self.path, (*self.query, (KNOWN_AT, known_at)))

    @property
    def timemap(self) -> str | None:
        """Where the instants of a case's commits are listed; None for what is about no single case."""
        parts = self.path.split("/")
        return f"/cases/{quote(parts[2])}/timemap" if len(parts) > 2 and parts[1] == "cases" else None


def _address(path: str, query: Sequence[tuple[str, str]]) -> str:
    return quote(path) + (f"?{urlencode(query, safe=':')}" if query else "")


def _place(scope: Scope) -> Place:
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    asked = dict(query).get(KNOWN_AT) or None
    return Place(scope["path"], tuple(pair for pair in query if pair[0] != KNOWN_AT), asked)


class TimeGate:
    """Asks as of the instant that ``Accept-Datetime`` names, and says on each answer as of when it is."""

    def __init__(self, app: ASGIApp, places: Sequence[Pattern[str]]) -> None:
        self._app, self._places = app, places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with the instant its header names, where the address takes one."""
        if scope["type"] != "http" or scope["method"] != "GET" or not self._is_gate(scope["path"]):
            await self._app(scope, receive, send)
            return
        place = _place(scope)
        try:
            known_at = _wanted(place, Headers(scope=scope).get("accept-datetime"))
        except ProblemError as problem:
            await render(problem)(scope, receive, _marking(send, []))
            return
        if known_at is not None and place.known_at is None:
            query = urlencode([*place.query, (KNOWN_AT, known_at)])
            scope = {**scope, "query_string": query.encode("latin-1")}
        await self._app(scope, receive, _marking(send, _headers(place, known_at)))

    def _is_gate(self, path: str) -> bool:
        return any(place.match(path) for place in self._places)


def _wanted(place: Place, header: str | None) -> str | None:
    """Return the instant to ask about; raises ProblemError where header and query name different ones."""
    if header is None:
        return place.known_at
    instant = read_http_date(header)
    if place.known_at is None:
        return write_instant(instant)
    try:
        same = http_date(read_instant(place.known_at)) == header
    except ValueError:
        return place.known_at  # refused further on, with the same words as ever
    if not same:
        raise ProblemError("bad-request", "known_at and Accept-Datetime name different instants: send one of them.")
    return place.known_at


def _headers(place: Place, known_at: str | None) -> list[tuple[str, str]]:
    """Return what an answer that succeeds says of its place in time."""
    links = [f'<{place.original}>;rel="original timegate"']
    if place.timemap is not None:
        links.append(f'<{place.timemap}>;rel="timemap";type="{LINK_FORMAT}"')
    try:
        instant = None if known_at is None else read_instant(known_at)
    except ValueError:
        instant = None
    if instant is None:
        return [("link", ", ".join(links))]
    memento = place.memento(write_instant(instant))
    links.append(f'<{memento}>;rel="memento";datetime="{http_date(instant)}"')
    return [("link", ", ".join(links)), ("memento-datetime", http_date(instant)), ("content-location", memento)]


def _marking(send: Send, headers: Sequence[tuple[str, str]]) -> Send:
    """Return what sends an answer with these headers where it succeeds; that it varies is said always."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            more = headers if 200 <= message["status"] < 300 else ()
            added = [(name.encode(), value.encode("latin-1")) for name, value in (("vary", "Accept-Datetime"), *more)]
            message["headers"] = [*message["headers"], *added]
        await send(message)

    return sending


def create_timemap_router(reader: CaseReader) -> APIRouter:
    """Return the route of a case's time map."""
    router = APIRouter(tags=["cases"])

    @router.get(
        "/cases/{case_id}/timemap",
        summary="List a case's commits as mementos",
        response_class=LinkFormat,
        responses=TIMEMAP | problems("not-found"),
    )
    async def read_timemap(
        request: Request, case_id: str, known_at: KnownAt = None, valid_at: ValidAt = None, purpose: Purpose = None
    ) -> Response:
        """List the instants at which something of a case went on record (RFC 7089), each with its address as of then.

        This is a look like any other. Headers say as of when the list is.
        """
        del purpose
        refuse_unknown_parameters(request, KNOWN_AT, "valid_at")
        look = await reader.case(looking(request), case_id_of(case_id), question(known_at, valid_at), "timemap")
        headers = {
            "ETag": etag(look.file.version),
            "Access-Event": str(look.access_position),
            "Cache-Control": "no-store",
            **as_of_headers(look.as_of),
        }
        return LinkFormat(_timemap(look), headers=headers)

    return router


def _timemap(look: CaseLook) -> str:
    """Return the instants of a case's commits, oldest first, in the form of RFC 7089, section 5."""
    place = Place(f"/cases/{look.file.case}", (), None)
    cut = look.question.valid_at
    recorded: dict[UUID, datetime] = {
        entry.commit: entry.recorded_at for entry in look.entries if cut is None or entry.happened <= cut
    }
    instants = sorted(set(recorded.values()))
    own = f'<{place.timemap}>;rel="self";type="{LINK_FORMAT}"'
    if instants:
        own += f';from="{http_date(instants[0])}";until="{http_date(instants[-1])}"'
    lines = [f'<{place.original}>;rel="original timegate"', own]
    for number, instant in enumerate(instants, start=1):
        ends = [name for name, is_it in (("first", number == 1), ("last", number == len(instants))) if is_it]
        rel = " ".join([*ends, "memento"])
        lines.append(f'<{place.memento(write_instant(instant))}>;rel="{rel}";datetime="{http_date(instant)}"')
    return ",\n".join(lines) + "\n"
