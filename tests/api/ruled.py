"""A service over a ledger that has adopted the shipped rules."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from tests.api.client import Api, talking_to
from tests.api.service import Service, environment, serving
from tests.conftest import Server, Template, clone


@contextmanager
def ruled(
    server: Server, template: Template, folder: Path, staff: str, adopted_at: datetime | None = None
) -> Generator[tuple[Service, Api]]:
    """Yield a service over a clone of a ledger, and a client of it; the rules are adopted with its last entry."""
    for place in clone(server, template, folder / "home"):
        with place.ledger() as ledger:
            adopt_shipped(ledger, command_line_principal("test"), adopted_at or ledger.head().recorded_at)
        with (
            serving(environment(place.conninfo, folder / "home"), folder / "errors.log") as service,
            talking_to(service.url, place.conninfo, staff) as api,
        ):
            yield service, api
