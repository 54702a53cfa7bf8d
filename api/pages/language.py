"""The language of a page: Danish is how texts stand in the code, English comes from the catalogue beside this file.

A browser keeps its choice in a cookie. What people wrote, and names, stay as they are.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import ProblemError
from api.sign_in.site import START, local_path

DANISH, ENGLISH = "da", "en"
LANGUAGES = {DANISH: "Dansk", ENGLISH: "English"}
COOKIE, ADDRESS = "sprog", "/sprog"
YEAR = 365 * 24 * 60 * 60
CATALOGUES = Path(__file__).parent / "locale" / "en" / "LC_MESSAGES"


@dataclass(frozen=True, slots=True)
class Reading:
    """In which language a page is read, and where one comes back to it."""

    language: str
    here: str


_AT_FIRST = Reading(DANISH, START)
_READING: ContextVar[Reading] = ContextVar("reading", default=_AT_FIRST)


@dataclass(frozen=True, slots=True)
class Choice:
    """A language to choose, by its own name."""

    code: str
    name: str
    address: str
    current: bool


class InLanguage:
    """Notes for each request which language its pages are in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on in its language."""
        if scope["type"] == "http":
            _READING.set(_reading(Request(scope)))
        await self._app(scope, receive, send)


def routes() -> APIRouter:
    """Return the route by which somebody chooses a language; it asks for no session, since nothing is shown."""
    router = APIRouter(include_in_schema=False)

    @router.get(f"{ADDRESS}/{{code}}")
    async def choose(request: Request, code: str) -> Response:
        """Keep the language and go back."""
        if code not in LANGUAGES:
            raise ProblemError("not-found", "There are no pages in this language.")
        response = RedirectResponse(local_path(request.query_params.get("videre")), 303)
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, code, YEAR, path="/", secure=secure, httponly=True, samesite="lax")
        return response

    return router


def language() -> str:
    """Return the code of the language of this page, as the attribute ``lang`` has it."""
    return _READING.get().language


@contextmanager
def danish() -> Generator[None]:
    """Let texts be Danish for a while: papers are, whoever makes them."""
    token = _READING.set(_AT_FIRST)
    try:
        yield
    finally:
        _READING.reset(token)


def choices() -> list[Choice]:
    """Return the languages to choose from; each leads back to this page."""
    reading = _READING.get()
    back = quote(reading.here, safe="/")
    return [
        Choice(code, name, f"{ADDRESS}/{code}?videre={back}", code == reading.language)
        for code, name in LANGUAGES.items()
    ]


def _(message: str, **values: object) -> str:
    """Return a Danish text in the language of this page, with values put in its places ``%(name)s``."""
    text = _english().gettext(message) if language() == ENGLISH else message
    return text % values if values else text


def ngettext(one: str, many: str, number: int, **values: object) -> str:
    """Return one of two Danish texts by a number, ``%(number)s`` in them, in the language of this page."""
    danish = one if number == 1 else many
    text = _english().ngettext(one, many, number) if language() == ENGLISH else danish
    return text % ({"number": number} | values)


def english_catalogue() -> Catalog:
    """Return the English texts of all files of the catalogue; raises ValueError where two say the same thing."""
    whole = Catalog("en")
    for path in sorted(CATALOGUES.glob("*.po")):
        with path.open("rb") as source:
            for message in read_po(source, "en"):
                if message.id and message.id in whole:
                    raise ValueError(f"{path.name} translates again: {message.id}")
                if message.id:
                    whole[message.id] = message
    return whole


@cache
def _english() -> GNUTranslations:
    """Return the English catalogue, compiled."""
    compiled = BytesIO()
    write_mo(compiled, english_catalogue())
    compiled.seek(0)
    return GNUTranslations(compiled)


def _reading(request: Request) -> Reading:
    chosen = request.cookies.get(COOKIE, DANISH)
    here = START
    if request.method == "GET":
        here = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    return Reading(chosen if chosen in LANGUAGES else DANISH, here)
