"""What tests of rebuilds have in common: following, the board, generations and how far they have come."""

from uuid import UUID, uuid4

from api.opening import Place
from ledger.store import Ledger
from projections.board import Board, BoardRow
from projections.follower import Follower
from projections.view import CASE_STATE, AnyView, View
from tests.following import catch_up
from tests.ledger.samples import HOURS, appended, connected, fact, one, opening

NOBODY = UUID(int=0)


def followed(place: Place, view: AnyView = CASE_STATE) -> None:
    """Let a follower bring the view up to date."""
    follower = Follower(place.conninfo, view)
    try:
        catch_up(follower)
    finally:
        follower.close()


def board(ledger: Ledger, position: int | None = None) -> list[BoardRow]:
    """Return every case as the board shows it."""
    return Board(ledger).page(ledger.head().size if position is None else position, NOBODY, 1000)[1]


def current(place: Place, view: View = CASE_STATE) -> tuple[int, int | None, str | None]:
    """Return the generation readers see, and where and why the view has stopped."""
    with connected(place) as connection:
        query = "SELECT generation, stopped_at, problem FROM view.current WHERE view = %s"
        return connection.execute(query, [view.name]).fetchall()[0]


def tracked(place: Place, view: View = CASE_STATE) -> int:
    """Return how far the generation that readers see has come."""
    name = view.follower(current(place, view)[0])
    with connected(place) as connection:
        query = "SELECT notification_id FROM view.notification_tracking WHERE application_name = %s"
        return connection.execute(query, [name]).fetchall()[0][0]


def generations(place: Place) -> set[int]:
    """Return the generations that have rows."""
    with connected(place) as connection:
        return {row[0] for row in connection.execute("SELECT DISTINCT generation FROM view.remembered_v1")}


def unfinished(place: Place) -> int:
    """Return how many generations are noted as being folded."""
    with connected(place) as connection:
        return connection.execute("SELECT count(*) FROM view.rebuild").fetchall()[0][0]


def open_case(ledger: Ledger) -> UUID:
    """Open a case without persons and return its id."""
    case = uuid4()
    appended(ledger.append_now(one(case, 0, opening())))
    return case


def set_hours(ledger: Ledger, case: UUID, hours: int) -> int:
    """Record another level of support and return its position."""
    return appended(ledger.append_now(one(case, None, fact(HOURS, hours_per_week=hours)))).last_position
