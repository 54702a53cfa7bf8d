"""Every view makes of every released event version the rows it made when that was released.

``CASELEDGER_FREEZE=1`` adds a case to ``forms.jsonl`` for each event version that is not in it yet, and writes the rows
anew. Look at what changed: rows of a view whose version is the same may only be added.
"""

import pytest

from api.opening import Place
from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from projections.view import CASE_STATE, VIEWS
from replay.rebuild import rebuild_view, verify_view
from tests.histories import files
from tests.ledger.samples import connected


def test_every_event_version_has_a_history(request: pytest.FixtureRequest) -> None:
    """A form that was frozen is in a recorded history, so that nobody makes it unreadable without noticing."""
    if files.freezing():
        if not files.lines("stories"):
            stories: Place = request.getfixturevalue("stories")
            with stories.ledger() as ledger:
                adopt_shipped(ledger, command_line_principal("test"), ledger.head().recorded_at)
                files.write("stories", files.as_values(files.recorded(ledger)))
        files.write("forms", files.as_values(files.with_missing_forms(files.lines("forms"))))
    missing = files.missing_forms(files.lines("stories"), files.lines("forms"))
    assert not missing, (
        f"no history holds {missing}: run `CASELEDGER_FREEZE=1 python -m pytest tests/histories` and commit the lines"
    )


@pytest.fixture(params=files.NAMES)
def history(request: pytest.FixtureRequest) -> str:
    """The name of a recorded history."""
    return str(request.param)


@pytest.fixture
def loaded(simulated: Place, history: str) -> Place:
    """A ledger that holds the history, nobody has followed it yet."""
    with simulated.ledger() as ledger:
        files.load(ledger, files.lines(history))
    return simulated


def test_views_make_the_rows_that_are_frozen(loaded: Place, history: str) -> None:
    """A view that is to make other rows of the same events gets another version."""
    files.follow(loaded, *VIEWS.values())
    found = files.rows(loaded)
    if files.freezing():
        files.write(f"{history}.rows", found)
    frozen = files.frozen_rows(history)
    for view in VIEWS.values():
        mine = [row for row in found if row[0] == view.full_name]
        assert mine == [row for row in frozen if row[0] == view.full_name], (
            f"{view.full_name} makes other rows of {history}.jsonl than are frozen: mend it, or raise its version and "
            "run `CASELEDGER_FREEZE=1 python -m pytest tests/histories`"
        )


@pytest.mark.slow
def test_views_folded_anew_are_equal(loaded: Place) -> None:
    """Of histories, rules adopted on the way and erasures too, what followed is what the rebuild makes."""
    for view in VIEWS.values():
        files.follow(loaded, view)
        assert verify_view(loaded.conninfo, view).equal, view.name


def test_history_with_a_row_changed_must_fail(loaded: Place, history: str) -> None:
    """The check names the event at which the live view parts from the fold, and what both hold; a rebuild mends it."""
    files.follow(loaded, CASE_STATE)
    position: int
    with connected(loaded) as connection:
        key, position = connection.execute(
            'UPDATE view.remembered_v1 SET value = value || \'{"number": "H-0"}\' WHERE ctid = (SELECT ctid'
            " FROM view.remembered_v1 WHERE view = 'case_state' ORDER BY known_from DESC LIMIT 1)"
            " RETURNING key, known_from"
        ).fetchall()[0]
    comparison = verify_view(loaded.conninfo, CASE_STATE)
    assert (comparison.equal, comparison.differing) == (False, 1)
    first = comparison.first
    assert first is not None
    assert (first.key, first.position, first.stream) == (key, position, key)
    assert first.topic == files.lines(history)[position - 2].topic
    assert (first.found["number"], first.expected["number"]) == ("H-0", first.expected["number"])
    assert first.expected["number"] != "H-0"
    assert not rebuild_view(loaded.conninfo, CASE_STATE).equal
    frozen = [row for row in files.frozen_rows(history) if row[0] == CASE_STATE.full_name]
    assert [row for row in files.rows(loaded) if row[0] == CASE_STATE.full_name] == frozen
