"""Looks made over HTTP, as they are remembered by case."""

from pathlib import Path
from uuid import UUID

import pytest

from projections.looks import looks_at
from tests.api.filing import offices
from tests.conftest import Server, Template


@pytest.mark.slow
def test_a_look_is_remembered_by_its_case_at_once(server: Server, simulated_template: Template, tmp_path: Path) -> None:
    """Who looked, why, at what and as of where, in the words of the record; the list of cases counts for each on it."""
    for office in offices(server, simulated_template, tmp_path):
        with office.serving() as api, office.place.ledger() as ledger:
            case, other = api.open_case(), api.open_case()
            shown = api.http.get(f"/cases/{case}", headers={"Purpose": "quality"}).json()
            listed = api.get("/cases").json()
            (later, first) = looks_at(ledger, UUID(case), listed["access_event"])
            assert (first.position, first.as_of_position) == (shown["access_event"], shown["as_of_position"])
            assert (first.viewer, first.role, first.purpose, first.what) == ("u-90", "caseworker", "quality", "case")
            assert (later.position, later.what) == (listed["access_event"], "case_list")
            assert [look.what for look in looks_at(ledger, UUID(other), listed["access_event"])] == ["case_list"]
