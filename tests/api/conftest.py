"""Fixtures: a service over a ledger of its own, and its client; commands over a ledger of their own."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.opening import Place
from tests.api.client import Api, talking_to
from tests.api.service import Command, Inside, Service, environment, serving
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
    with talking_to(served.service.url, served.place.conninfo) as client:
        yield client


@pytest.fixture
def case(api: Api) -> str:
    """The id of a new case with a mother and a child, at version 1."""
    return api.open_case()


@pytest.fixture
def command(simulated: Place, tmp_path: Path) -> Command:
    """The command line, as processes, over an empty ledger with a simulated clock."""
    return Command(environment(simulated.conninfo, tmp_path / "home"))


@pytest.fixture
def inside(command: Command) -> Inside:
    """The command line, inside this process, over the same ledger."""
    return Inside(command.variables)


@pytest.fixture
def real_command(real: Place, tmp_path: Path) -> Inside:
    """The command line, inside this process, over an empty ledger on the database's clock."""
    return Inside(environment(real.conninfo, tmp_path / "home"))


@pytest.fixture
def filled(stories: Place, tmp_path: Path) -> Inside:
    """The command line, inside this process, over a ledger that holds the six stories."""
    return Inside(environment(stories.conninfo, tmp_path / "home"))
