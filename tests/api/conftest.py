"""Fixtures: a service over a ledger of its own, and its client; commands over a ledger of their own."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from psycopg.conninfo import conninfo_to_dict

from api.opening import Place
from tests.api.client import Api
from tests.api.service import STORY_FILES, Command, Inside, Service, environment, serving
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
    """The command line, as processes, over an empty ledger with a simulated clock."""
    return Command(environment(simulated.conninfo, tmp_path / "home"))


@pytest.fixture
def inside(command: Command) -> Inside:
    """The command line, inside this process, over the same ledger."""
    return Inside(command.variables)


@pytest.fixture
def real_command(real: Place, tmp_path: Path) -> Command:
    """The command line, inside this process, over an empty ledger on the database's clock."""
    return Inside(environment(real.conninfo, tmp_path / "home"))


@pytest.fixture(scope="session")
def loaded_template(
    server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Template]:
    """A ledger that holds the six stories, to be cloned."""
    home = tmp_path_factory.mktemp("loaded") / "home"
    for place in clone(server, simulated_template, home):
        variables = environment(place.conninfo, home)
        Inside(variables).done("story", "load", *STORY_FILES)
        yield Template(str(conninfo_to_dict(place.conninfo)["dbname"]), home)


@pytest.fixture
def loaded(server: Server, loaded_template: Template, tmp_path: Path) -> Generator[Place]:
    """The place of a ledger that holds the six stories."""
    yield from clone(server, loaded_template, tmp_path / "loaded")


@pytest.fixture
def stories(loaded: Place, tmp_path: Path) -> Inside:
    """The command line, inside this process, over a ledger that holds the six stories."""
    return Inside(environment(loaded.conninfo, tmp_path / "loaded"))
