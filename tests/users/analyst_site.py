"""Where the analyst works: a service over fictional cases, and the command line of the same ledger."""

import asyncio
import csv
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import orjson

from api.opening import Place
from api.principals import command_line_principal
from api.recording import CaseRecorder
from api.rule_adoption import adopt_shipped
from api.stories import load_stories, read_story, shipped_stories
from tests.api.client import ALMA, MARCH, Api, command, talking_to
from tests.api.service import ROOT, Command, Service, environment, serving, until
from tests.conftest import BEGINS_AT, Server, Template, clone

ANALYST, AUDITOR, CASEWORKER = "u-96", "u-95", "u-90"
MANY = 20
WAITING = sorted((ROOT / "docs" / "examples" / "waiting").glob("*.json"))
"""Six cases in which an assessment came late, was written down late, corrected, recorded twice, or never came."""


@dataclass(frozen=True, slots=True)
class Site:
    """The service, its ledger, a client for the analyst, and the command line beside it."""

    place: Place
    home: Path
    service: Service
    api: Api
    command: Command

    def replay(self, *words: str | Path) -> str:
        """Run a ``replay`` command that must succeed and return what it printed."""
        done = self.command("replay", *words, timeout=120)
        assert done.returncode == 0, done
        return done.stdout


@contextmanager
def site(server: Server, template: Template, folder: Path) -> Generator[Site]:
    """Serve the six stories and the six cases that wait, all under the shipped rules from the beginning on."""
    home = folder / "home"
    for place in clone(server, template, home):
        with place.ledger() as ledger:
            adopt_shipped(ledger, command_line_principal("test"), BEGINS_AT)
            stories = [read_story(path) for path in (*shipped_stories(), *WAITING)]
            asyncio.run(load_stories(CaseRecorder(ledger), stories))
        variables = environment(place.conninfo, home)
        with (
            serving(variables, folder / "errors.log") as service,
            talking_to(service.url, place.conninfo, ANALYST) as api,
        ):
            many_cases(api)
            follows(api)
            yield Site(place, home, service, api, Command(variables))


def follows(api: Api) -> None:
    """Wait until the boards show all that is on record."""

    def followed() -> bool:
        answer = api.get("/deadlines", limit=1).json()
        return "computed_to" in answer and answer["computed_to"] >= answer["as_of_position"]

    until(followed, "the views have followed")


def many_cases(api: Api) -> None:
    """Let a caseworker open many cases; of every other one a talk with the daycare was written down months later."""
    with api.acting_as(CASEWORKER) as caseworker:
        now = datetime.now(UTC).isoformat()
        for number in range(2 * MANY):
            when = MARCH if number % 2 else now
            talk = command("ConsultationGiven", {"recipient": "daycare", "anonymous": True}, occurred_at=when)
            caseworker.open_case(talk, persons=[ALMA])


def files(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def manifest(folder: Path) -> dict[str, Any]:
    """Return what a release says about itself."""
    return orjson.loads((folder / "manifest.json").read_bytes())


def objects(said: str) -> list[dict[str, Any]]:
    """Return what a command printed as JSON, one object a line."""
    return [orjson.loads(line) for line in said.splitlines()]


def table(said: str) -> list[dict[str, str]]:
    """Return what a command printed as comma-separated values, by column."""
    return list(csv.DictReader(StringIO(said)))
