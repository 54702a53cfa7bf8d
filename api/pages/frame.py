"""What every page stands in: the templates, the stylesheets, and how a page goes over the wire."""

import re
from gzip import GzipFile
from io import BytesIO
from secrets import randbelow, token_hex
from typing import Any, cast

from fastapi import Request
from fastapi.responses import Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from api.pages import design
from api.pages.language import _, choices, language, ngettext

DESIGN = f"/static/dkfds/{design.VERSION}"
OUR_STYLES, PLAIN_STYLES = "/static/caseledger.css", "/static/plain.css"
HTML = "text/html"
COMPRESSION_LEVEL = 6
PADDING = 64
"""Most bytes of random length added before compression, twice over: written as hexadecimal digits."""

_HEADING = re.compile(r'<th scope="col"[^>]*>(.*?)</th>', re.DOTALL)
_CELL = re.compile(r'<(?P<kind>t[dhr])\b(?:[^>]*colspan="(?P<span>\d+)")?')
_LABEL = Markup(' data-label="{}"')

ENVIRONMENT = Environment(
    loader=PackageLoader("api.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def stylesheets() -> list[str]:
    """Return the addresses of the stylesheets: the design system's if it is installed, else a plain one, then ours."""
    return [PLAIN_STYLES if design.stylesheet() is None else f"{DESIGN}/{design.STYLESHEET}", OUR_STYLES]


def icon(name: str, meaning: str = "") -> Markup:
    """Return an icon of the design system, with what it means unless it only adorns; empty without the system."""
    if design.stylesheet() is None:
        return Markup("")
    source = f"{DESIGN}/img/svg-icons/{name}.svg"
    return Markup('<img class="icon-svg" width="24" height="24" src="{}" alt="{}">').format(source, meaning)


def labelled(table: Markup) -> Markup:
    """Return a table whose cells each carry the heading of their column, for windows too narrow for columns."""
    begins = max(0, table.find("<tbody>"))
    heads = [table[one.start(1) : one.end(1)].striptags() for one in _HEADING.finditer(table, 0, begins)]
    pieces, at, column = list[Markup](), 0, 0
    for tag in _CELL.finditer(table, begins):
        kind, span = tag["kind"], tag["span"]
        if kind == "td" and column < len(heads):
            pieces += [table[at : tag.end("kind")], _LABEL.format(heads[column])]
            at = tag.end("kind")
        column = 0 if kind == "tr" else column + int(span or 1)
    return Markup("").join([*pieces, table[at:]])


def page(request: Request, html: str, status: int, *secrets: str) -> Response:
    """Return a page that no cache keeps, compressed unless one of the secrets stands in it.

    What is compressed tells by its length whether an attacker's guess stands in it twice (BREACH). So what lets forms
    through goes uncompressed, and everything else gets a file name of random length in its gzip header.
    """
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding, Cookie"}
    if any(secret in html for secret in secrets) or not _takes_gzip(request):
        return Response(html, status, headers, HTML)
    return Response(_compressed(html.encode()), status, headers | {"Content-Encoding": "gzip"}, HTML)


def _takes_gzip(request: Request) -> bool:
    taken = [part.strip().lower() for part in request.headers.get("accept-encoding", "").split(",")]
    return "gzip" in taken


def _compressed(content: bytes) -> bytes:
    packed = BytesIO()
    with GzipFile(token_hex(1 + randbelow(PADDING)), "wb", COMPRESSION_LEVEL, packed, mtime=0) as file:
        file.write(content)
    return packed.getvalue()


cast(dict[str, Any], ENVIRONMENT.globals).update(
    _=_, ngettext=ngettext, language=language, languages=choices, stylesheets=stylesheets, icon=icon
)
cast(dict[str, Any], ENVIRONMENT.filters).update(labelled=labelled)
