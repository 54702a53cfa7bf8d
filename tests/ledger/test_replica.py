"""Case files read from a replica: what it has is what the ledger's own server has, or it is not used."""

from collections.abc import Generator
from pathlib import Path
from time import monotonic
from uuid import UUID, uuid4

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api.opening import Place
from ledger.store import Ledger
from tests.conftest import Server
from tests.ledger.samples import appended, connected, fact, one, opening, unhindered

MARK = "UPDATE ledger.event SET actor = %s WHERE stream = %s"
"""What a replica can be told by: no commitment that is compared is changed by it."""

FROM_REPLICA, OWN = UUID(int=8), UUID(int=7)


@pytest.fixture
def case(ledger: Ledger) -> UUID:
    """A case of two entries."""
    case = uuid4()
    appended(ledger.append_now(one(case, 0, opening(), fact())))
    return case


@pytest.fixture
def replica(server: Server, real: Place, case: UUID, ledger: Ledger) -> Generator[Place]:
    """A copy of the ledger as it was when the test began, whose rows of the case can be told from the others."""
    ledger.close()
    database = server.create(str(conninfo_to_dict(real.conninfo)["dbname"]))
    copy = server.place(database, real.home)
    with connected(copy) as owner, unhindered(owner, keep=True):
        owner.execute(MARK, [FROM_REPLICA, case])
    yield copy
    server.drop(database)


@pytest.fixture
def reading(real: Place, replica: Place) -> Generator[Ledger]:
    """The ledger, read with the replica."""
    ledger = Ledger(real.conninfo, real.keys, replica.conninfo)
    yield ledger
    ledger.close()


def actors(ledger: Ledger, case: UUID, upto: int | None = None) -> list[UUID]:
    """Return the actors of the entries of a case."""
    rows = ledger.read_stream(case, upto)
    assert ledger.read_streams([case], upto) == rows
    return [row.actor for row in rows]


def test_what_the_replica_has_is_read_there(reading: Ledger, case: UUID) -> None:
    """Now, and as of a position; a stream that is nowhere is nowhere."""
    assert actors(reading, case) == [FROM_REPLICA] * 2
    assert actors(reading, case, 2) == [FROM_REPLICA]
    assert reading.read_stream(uuid4()) == []


def test_what_the_replica_lacks_is_not_read_there(reading: Ledger, case: UUID) -> None:
    """It lags: the case as it is now comes from the ledger's own server, as of an earlier position from the replica."""
    assert actors(reading, case) == [FROM_REPLICA] * 2
    appended(reading.append_now(one(case, 2)))
    other = uuid4()
    appended(reading.append_now(one(other, 0, opening("S-2"))))
    assert actors(reading, case) == [OWN] * 3
    assert actors(reading, case, 3) == [FROM_REPLICA] * 2
    assert {row.actor for row in reading.read_streams([case, other], 3)} == {FROM_REPLICA}
    assert {row.actor for row in reading.read_streams([case, other])} == {OWN}


def test_a_replica_with_a_history_of_its_own_is_not_used(reading: Ledger, replica: Place, case: UUID) -> None:
    """It followed a leader that was cut off: the same versions and positions, and other events."""
    with replica.ledger() as forked:
        appended(forked.append_now(one(case, 2, fact(hours_per_week=9))))
    assert actors(reading, case) == [OWN] * 2
    appended(reading.append_now(one(case, 2, fact(hours_per_week=8))))
    assert actors(reading, case) == [OWN] * 3
    assert actors(reading, case, 4) == [OWN] * 3
    assert actors(reading, case, 3) == [FROM_REPLICA] * 2


def test_a_replica_that_is_away_holds_up_one_reader_for_a_moment(real: Place, case: UUID, tmp_path: Path) -> None:
    """After that it is left alone for a while."""
    ledger = Ledger(real.conninfo, real.keys, make_conninfo(real.conninfo, host=str(tmp_path)))
    try:
        assert actors(ledger, case) == [OWN] * 2
        begun = monotonic()
        assert all(actors(ledger, case) == [OWN] * 2 for _ in range(20))
        assert monotonic() - begun < 2
    finally:
        ledger.close()
