"""Filling in the forms on which caseworkers record: opening one, sending it with what it hides and what was typed."""

import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any

from tests.api.client import Api, Response
from tests.api.signing_in import OWN_PAGE

Typed = Mapping[str, str | Sequence[str]]


def page(client: Api, path: str, status: int = 200) -> str:
    """Return a page with its status checked, as text with its markup."""
    answer = client.http.get(path, headers=OWN_PAGE, follow_redirects=False)
    assert answer.status_code == status, answer.text
    return unescape(answer.text)


def hidden(html: str) -> dict[str, str]:
    """Return what the form of a page hides."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html))


def send(client: Api, path: str, given_out: Mapping[str, str], typed: Typed) -> Response:
    """Send a form that was given out, with what was typed."""
    fields: dict[str, Any] = {**given_out, **typed}
    return client.http.post(path.partition("?")[0], data=fields, headers=OWN_PAGE, follow_redirects=False)


def fill(client: Api, path: str, **typed: str | Sequence[str]) -> Response:
    """Open a form and send it."""
    return send(client, path, hidden(page(client, path)), typed)


def receipt(client: Api, answer: Response) -> str:
    """Return the receipt a form leads to."""
    assert answer.status_code == 303, unescape(answer.text)
    assert "/kvittering/" in answer.headers["location"], answer.headers["location"]
    return page(client, answer.headers["location"])


def words(html: str) -> str:
    """Return the text of a page without its markup, one blank between words."""
    return " ".join(re.sub(r"<[^>]+>", " ", html.partition("<main")[2]).split())


def errors(answer: Response) -> dict[str, str]:
    """Return what the summary of a form says is wrong, by the place it leads to."""
    html = unescape(answer.text)
    assert answer.status_code == 422, (answer.status_code, html)
    summary = html.split('id="fejl"')[1].split("</ul>")[0]
    return dict(re.findall(r'<a href="#([^"]+)">([^<]*)</a>', summary))


def written(api: Api, case: str, event: str) -> list[dict[str, Any]]:
    """Return what the entries of a case hold that record one event."""
    return [entry["data"] for entry in api.events(case) if entry["event"] == event]


def parts(name: str, day: str, month: str, year: str, clock: str = "") -> dict[str, str]:
    """Return a time as typed."""
    return {f"{name}_day": day, f"{name}_month": month, f"{name}_year": year, f"{name}_clock": clock}
