"""Fixtures: a service over a ledger of its own, and its client; commands over a ledger of their own."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from api.opening import Place
from tests.api.client import Api
from tests.api.service import Command, Service, environment, serving
from tests.conftest import Server, Template, clone


@dataclass(frozen=True, slots=True)
class Served:
    """A ledger with a simulated clock and the service over it."""

    place: Place
    home: Path
    service: Service


@pytest.fixture(scope="session")
def served(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    """A service for the run."""
    folder = tmp_path_factory.mktemp("service")
    home = folder / "home"
    for place in clone(server, simulated_template, home):
        with serving(environment(place.conninfo, home), folder / "errors.log") as service:
            yield Served(place, home, service)


@pytest.fixture(scope="session")
def api(served: Served) -> Generator[Api]:
    """A client of the service of the run."""
    with httpx2.Client(base_url=served.service.url, timeout=30) as http:
        yield Api(http, served.place.conninfo)


@pytest.fixture
def case(api: Api) -> str:
    """The id of a new case with a mother and a child, at version 1."""
    return api.open_case()


@pytest.fixture
def command(simulated: Place, tmp_path: Path) -> Command:
    """The command line over an empty ledger with a simulated clock."""
    return Command(environment(simulated.conninfo, tmp_path / "home"))


@pytest.fixture
def real_command(real: Place, tmp_path: Path) -> Command:
    """The command line over an empty ledger on the database's clock."""
    return Command(environment(real.conninfo, tmp_path / "home"))
