"""Look-ups expire: their content goes by an event on record and by that alone, and everything still proves itself."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import LiteralString
from uuid import UUID, uuid4

import orjson
import pytest
from psycopg.errors import DatabaseError, InsufficientPrivilege

from api.look_expiry import expire_looks
from api.looks import LookBook, looks_of
from api.opening import Place
from api.principals import Principal, command_line_principal
from domain.events.access import LookupsExpired
from ledger import look_expiry
from ledger.look_expiry import RemovalRefused, any_left, expired_upto
from ledger.mapper import read_clear
from ledger.requests import NewEvent
from ledger.store import Ledger
from projections.follower import Follower
from projections.looks import looks_at
from projections.view import ACCESS
from replay.rebuild import rebuild_view, verify_view
from replay.verify import Report, verify_ledger
from tests.following import catch_up
from tests.ledger.samples import appended, connected, fact, one, opening, unhindered

CASE, HELD, ALMA = (uuid4() for _ in range(3))
OPERATOR = command_line_principal("expire looks")
VIEWER = Principal("u-90", "caseworker", "Eksempelkommune", "case-work")
LONG_AGO = datetime(2020, 3, 4, tzinfo=UTC)
MONTHS = 60


def look(*cases: UUID, subjects: tuple[UUID, ...] = ()) -> NewEvent:
    """Return a look at some cases."""
    told = {"viewer": "u-90", "role": "caseworker", "purpose": "case-work", "what": "case", "refused": False}
    return fact("record_viewed", cases=list(map(str, cases)), subjects=list(map(str, subjects)), **told)


def put(ledger: Ledger, stream: UUID, *events: NewEvent, at: datetime | None = LONG_AGO) -> int:
    """Put events on record at an instant (None: now) and return the position of the last."""
    return appended(ledger.append_now(one(stream, None, *events), at)).last_position


def follow(place: Place) -> None:
    """Bring the view of looks up to date."""
    follower = Follower(place.conninfo, ACCESS)
    try:
        catch_up(follower)
    finally:
        follower.close()


def expired(place: Place, ledger: Ledger) -> int:
    """Let looks expire and return how many were emptied."""
    return expire_looks(ledger, place.owner, OPERATOR, MONTHS).removed


def expiries(ledger: Ledger) -> list[LookupsExpired]:
    """Return the expiries on record."""
    found = map(read_clear, look_expiry.expiries(ledger))
    return [LookupsExpired.model_validate_json(orjson.dumps(dict(entry.data))) for entry in found]


def emptied(ledger: Ledger) -> list[int]:
    """Return the positions of looks without content."""
    return [row.position for row in ledger.read_topic("record_viewed") if not row.state]


def seen(ledger: Ledger, key: UUID) -> list[int]:
    """Return the positions of the looks at a case or person."""
    return [one.position for one in looks_at(ledger, key, ledger.head().size)]


@pytest.fixture
def watched(simulated: Place, simulated_ledger: Ledger) -> Ledger:
    """A ledger with looks of long ago at 2 to 5, the last two at the case HELD too, and one of now at 6; followed."""
    viewer = looks_of(simulated_ledger, VIEWER)
    looks = [look(CASE, subjects=(ALMA,)), look(CASE), look(CASE, HELD, subjects=(ALMA,)), look(HELD)]
    assert put(simulated_ledger, viewer, *looks) == 5
    assert put(simulated_ledger, viewer, look(CASE, subjects=(ALMA,)), at=None) == 6
    follow(simulated)
    return simulated_ledger


def test_the_content_goes_and_all_else_stays(simulated: Place, watched: Ledger) -> None:
    """What was kept long enough is emptied, is in no answer any more, and the ledger is intact as before."""
    before = watched.read_range(1, 6)
    assert expired(simulated, watched) == 4
    assert emptied(watched) == [2, 3, 4, 5]
    after = watched.read_range(1, 6)
    assert [row.commitment for row in after] == [row.commitment for row in before]
    assert after[5] == before[5]
    (event,) = expiries(watched)
    assert (event.upto, event.months_kept, event.kept) == (5, MONTHS, ())
    assert LONG_AGO < event.recorded_before < datetime.now(UTC) - timedelta(days=59 * 30)
    report = verify_ledger(watched)
    assert (report.intact, report.expired_looks, report.events) == (True, 4, 7)
    follow(simulated)
    assert (seen(watched, CASE), seen(watched, ALMA), seen(watched, HELD)) == ([6], [6], [])


def test_a_second_run_finds_nothing(simulated: Place, watched: Ledger) -> None:
    """Where nothing is left to expire, nothing goes on record."""
    assert expired(simulated, watched) == 4
    size = watched.head().size
    assert expired(simulated, watched) == 0
    assert watched.head().size == size


def test_looks_of_a_pending_matter_are_kept_until_it_is_over(simulated: Place, watched: Ledger) -> None:
    """A legal hold, or a request for access without an answer, keeps the looks at its case, also those at others."""
    hold = {"placed": True, "reason": "court"}
    held = put(watched, HELD, opening(), fact("legal_hold_changed", **hold), at=None)
    assert expired(simulated, watched) == 2
    assert emptied(watched) == [2, 3]
    follow(simulated)
    assert (seen(watched, CASE), seen(watched, ALMA), seen(watched, HELD)) == ([6, 4], [6, 4], [5, 4])
    assert verify_ledger(watched).intact
    request = {"kind": "gdpr_art15", "by": "p", "about": "p", "received_at": "2020-02-01T08:00:00.000000Z"}
    put(watched, HELD, fact("access_request_received", **request), at=None)
    put(watched, HELD, fact("legal_hold_changed", placed=False, reason="court"), at=None)
    assert expired(simulated, watched) == 0
    answer = {"request": 3, "outcome": "granted"}
    put(watched, HELD, fact("access_request_answered", **answer), at=None)
    assert expired(simulated, watched) == 2
    assert emptied(watched) == [2, 3, 4, 5]
    follow(simulated)
    assert (seen(watched, CASE), seen(watched, HELD)) == ([6], [])
    assert [event.kept for event in expiries(watched)] == [(HELD,), ()]
    assert verify_ledger(watched).expired_looks == 4
    assert held == 8


def test_a_hold_past_its_last_day_keeps_nothing(simulated: Place, watched: Ledger) -> None:
    """A hold ends by itself with its last day."""
    put(watched, HELD, opening(), fact("legal_hold_changed", placed=True, reason="court", until="2021-01-01"), at=None)
    assert expired(simulated, watched) == 4


@pytest.mark.parametrize("follows", [True, False])
def test_live_and_folded_anew_agree(simulated: Place, watched: Ledger, follows: bool) -> None:
    """Before, after, and while the view has not met the expiry yet: equal row for row, and a rebuild switches."""
    put(watched, HELD, opening(), fact("legal_hold_changed", placed=True, reason="court"), at=None)
    follow(simulated)
    assert verify_view(simulated.conninfo, ACCESS).equal
    expired(simulated, watched)
    if follows:
        follow(simulated)
    assert verify_view(simulated.conninfo, ACCESS).equal
    assert rebuild_view(simulated.conninfo, ACCESS).equal
    assert (seen(watched, CASE), seen(watched, HELD)) == ([6, 4], [5, 4])
    follow(simulated)
    assert verify_view(simulated.conninfo, ACCESS).equal


def test_rows_come_and_go_within_one_batch(simulated: Place, watched: Ledger) -> None:
    """A view that meets looks and their expiry together keeps what the expiry leaves, before and after it."""
    expired(simulated, watched)
    put(watched, looks_of(watched, VIEWER), look(CASE), at=None)
    with connected(simulated) as connection:
        connection.execute("DELETE FROM view.remembered_v1")
        connection.execute("DELETE FROM view.notification_tracking")
    follow(simulated)
    assert seen(watched, CASE) == [8, 6]


def test_an_expiry_that_was_cut_off_is_completed(
    simulated: Place, watched: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On record and not carried out: the view lets go, the ledger is intact, and the next run removes the rest."""
    monkeypatch.setattr(look_expiry, "STRETCH", 3)
    with connected(simulated) as connection:
        connection.execute("ALTER FUNCTION ledger.remove_looks(bigint, bigint) RENAME TO away")
        with pytest.raises(DatabaseError):
            expired(simulated, watched)
        connection.execute("ALTER FUNCTION ledger.away(bigint, bigint) RENAME TO remove_looks")
    assert (emptied(watched), len(expiries(watched))) == ([], 1)
    follow(simulated)
    assert verify_view(simulated.conninfo, ACCESS).equal
    assert verify_ledger(watched).intact
    assert expired(simulated, watched) == 4
    assert (emptied(watched), len(expiries(watched))) == ([2, 3, 4, 5], 1)


CHANGES: tuple[tuple[str, LiteralString, int], ...] = (
    ("a look beyond the expiry", "state = ''", 6),
    ("something else than a look", "state = ''", 1),
    ("part of the content", "state = substr(state, 1, 10)", 2),
    ("other content", "state = state || state", 2),
    ("another column as well", "state = '', blind = sha256(blind)", 2),
    ("another column alone", "actor = gen_random_uuid()", 2),
    ("a look at a case that is kept", "state = ''", 4),
)


@pytest.mark.parametrize(("change", "position"), [pytest.param(c, p, id=name) for name, c, p in CHANGES])
def test_the_owner_too_is_refused_all_else(
    simulated: Place, watched: Ledger, change: LiteralString, position: int
) -> None:
    """With an expiry on record nothing may change but the whole content of a look it reaches, at no case kept."""
    kept = {"upto": 5, "recorded_before": "2021-01-01T00:00:00.000000Z", "months_kept": 60, "kept": [str(HELD)]}
    put(watched, watched.id, fact(LookupsExpired.TOPIC, **kept), at=None)
    with connected(simulated) as connection:
        with pytest.raises(DatabaseError, match="what is recorded stays as it is") as caught:
            connection.execute(f"UPDATE ledger.event SET {change} WHERE position = {position}".encode())
        assert caught.value.sqlstate == "CL004"
        connection.execute("UPDATE ledger.event SET state = '' WHERE position = 3")
        with pytest.raises(DatabaseError, match="what is recorded stays as it is"):
            connection.execute("DELETE FROM ledger.event WHERE position = 3")
    assert emptied(watched) == [3]


def test_without_an_expiry_on_record_nothing_goes(simulated: Place, watched: Ledger) -> None:
    """Neither by the function nor by hand; an expiry in another stream than the ledger's own is none."""
    forged = {"upto": 5, "recorded_before": "2021-01-01T00:00:00.000000Z", "months_kept": 60}
    put(watched, uuid4(), fact(LookupsExpired.TOPIC, **forged), at=None)
    with connected(simulated) as connection:
        assert connection.execute("SELECT ledger.remove_looks(1000000)").fetchone() == (0,)
        with pytest.raises(DatabaseError, match="what is recorded stays as it is"):
            connection.execute("UPDATE ledger.event SET state = '' WHERE position = 2")
    assert emptied(watched) == []


@pytest.mark.parametrize("role", ["caseledger_app", "caseledger_worker", "caseledger_auditor", "caseledger_reader"])
def test_no_role_removes_anything(simulated: Place, watched: Ledger, role: str) -> None:
    """The functions are the owner's alone."""
    with connected(simulated, role) as connection:
        for call in ("remove_looks(5)", "guard_event()", "is_expired(NULL)"):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(f"SELECT ledger.{call}".encode())
        with pytest.raises(RemovalRefused, match="CASELEDGER_OWNER_URL"):
            any_left(connection, 5, ())
    assert emptied(watched) == []


def report_with(place: Place, ledger: Ledger, change: LiteralString, position: int) -> Report:
    """Verify the ledger with something changed in it around all triggers."""
    with connected(place) as connection:
        with unhindered(connection, keep=True):
            changed = connection.execute(f"UPDATE ledger.event SET {change} WHERE position = {position}".encode())
            assert changed.rowcount == 1
        return verify_ledger(ledger)


@pytest.mark.parametrize(
    "change",
    [
        "blind = sha256(blind)",
        "actor = gen_random_uuid()",
        "segments = overlay(segments PLACING sha256(segments) FROM 23)",
        "commitment = sha256(commitment)",
        "topic = 'note_recorded'",
        "state = '{}'",
        "recorded_at = recorded_at + interval '1 microsecond'",
    ],
)
def test_what_is_left_of_an_emptied_look_is_still_proven(
    simulated: Place, watched: Ledger, change: LiteralString
) -> None:
    """Whatever is changed in the row of an emptied look is found and named."""
    expired(simulated, watched)
    report = report_with(simulated, watched, change, 3)
    assert not report.intact
    assert report.faults[0].position == 3


@pytest.mark.parametrize("position", [1, 6])
def test_content_missing_without_an_expiry_is_a_fault(simulated: Place, watched: Ledger, position: int) -> None:
    """A look that no expiry reaches, and any other event, may not be without content."""
    expired(simulated, watched)
    report = report_with(simulated, watched, "state = ''", position)
    assert [fault.position for fault in report.faults] == [position]
    assert report.expired_looks == 4


@pytest.mark.parametrize(
    "change", ["state = ''", "state = convert_to(replace(convert_from(state, 'UTF8'), '5', '6'), 'UTF8')"]
)
def test_a_damaged_expiry_proves_nothing(simulated: Place, watched: Ledger, change: LiteralString) -> None:
    """An expiry whose own content is missing or changed covers no look: all are named, and so is the expiry."""
    expired(simulated, watched)
    report = report_with(simulated, watched, change, 7)
    assert [fault.position for fault in report.faults] == [2, 3, 4, 5, 7]
    assert report.expired_looks == 0


def test_somebodys_last_look(simulated: Place, watched: Ledger) -> None:
    """It is found where it has content, and not where it has none; the emptied row names nobody."""
    expired(simulated, watched)
    book = LookBook(watched)
    assert asyncio.run(book.last(VIEWER, CASE)) == 6
    assert asyncio.run(book.last(VIEWER, HELD)) is None
    entry = read_clear(watched.read_range(2, 2)[0])
    assert (entry.data, entry.actor.id, entry.recorded_at) == ({}, "", LONG_AGO)
    assert watched.mapper.to_domain_event(watched.read_range(2, 2)[0]) == entry
    assert expired_upto(look_expiry.expiries(watched)) == 5
