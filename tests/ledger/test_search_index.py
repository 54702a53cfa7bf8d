"""The blind index: it holds no names, misses nothing on record, and is worth nothing once its key is destroyed."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from api.drafting import Commit
from api.identities import IdentityRecorder
from api.opening import Place
from api.principals import Principal
from api.recording import CaseRecorder, NewPerson
from domain.events.administration import PersonIdentified
from domain.search_terms import Term, terms
from ledger import search_index
from ledger.errors import KeyMissing, LedgerUnavailable
from ledger.search_index import IndexBusy, IndexKeyMissing, SearchIndex, token_of
from ledger.store import Ledger
from tests.api.service import environment
from tests.ledger.samples import appended, connected, one, unhindered

STAFF = Principal("u-1", "caseworker", None, "case-work")
ROOT = Path(__file__).parents[2]
CATCH_UP = """
import sys
from api.opening import opened
from ledger import search_index
from ledger.settings import Settings
search_index.PAGE = 7
with opened(Settings()) as place, place.ledger() as ledger:
    sys.stdin.readline()
    search_index.SearchIndex(ledger).catch_up()
"""
NUMBER = "6101990001"


def record(ledger: Ledger, *people: tuple[str, str | None], by: Principal = STAFF) -> tuple[UUID, list[UUID]]:
    """Open a case with people of these names and numbers; returns its id and theirs."""
    persons = [NewPerson(f"p-{n}", "person", name, number) for n, (name, number) in enumerate(people)]
    commit = Commit((), str(uuid4()), b"")
    opened = asyncio.run(CaseRecorder(ledger).open_case(by, None, "p", persons, ledger.now(), commit))
    rows = ledger.read_range(opened.first_position, opened.last_position)
    return opened.case, [row.stream for row in rows if row.topic == "person_registered"]


def rename(ledger: Ledger, person: UUID, **said: str) -> None:
    """Record another name or number of a person at their first version."""
    event, commit = PersonIdentified(person=person, **said), Commit((), str(uuid4()), b"")
    asyncio.run(IdentityRecorder(ledger).record(STAFF, 1, event, ledger.now(), commit))


def named(name: str) -> frozenset[Term]:
    """Return what a name is searched by."""
    return terms([name], [])


def numbered(number: str) -> frozenset[Term]:
    """Return what a number is searched by."""
    return terms([], [number])


@pytest.fixture
def index(ledger: Ledger) -> SearchIndex:
    """The index of an empty ledger."""
    return SearchIndex(ledger)


@pytest.fixture
def side(real: Place) -> Generator[psycopg.Connection[Any]]:
    """A look at the same database from the side, as its superuser."""
    with connected(real) as connection:
        yield connection


def rows(side: psycopg.Connection[Any], table: LiteralString = "search.token") -> set[tuple[Any, ...]]:
    """Return everything in a table of the index."""
    return set(side.execute(b"SELECT * FROM " + table.encode()).fetchall())


def key_of(side: psycopg.Connection[Any]) -> UUID:
    """Return which key the index has."""
    return side.execute("SELECT key FROM search.progress").fetchall()[0][0]


def erase(ledger: Ledger, person: UUID) -> None:
    """Destroy a person's key."""
    ledger.keys.destroy(UUID(ledger.mapper.to_domain_event(ledger.read_stream(person)[0]).data["key"]), ledger.now())


def test_people_are_found_by_whole_parts_and_whole_numbers(ledger: Ledger, index: SearchIndex) -> None:
    """All parts given must match, in any order and spelling; beginnings and other people's parts find nobody."""
    case, (alma, asa) = record(ledger, ("Alma Marie Eksempel", NUMBER), ("Åsa Eksempel", None))
    assert index.find(named("Eksempel ALMA")) == [(alma, case)]
    assert index.find(named("aasa")) == [(asa, case)]
    assert index.find(named("Eksempel")) == sorted([(alma, case), (asa, case)])
    assert index.find(numbered(NUMBER)) == [(alma, case)]
    for wanted in (named("Alm"), named("Alma Åsa"), named("Alma Marie Eksempel Ekstra"), numbered("6101990002")):
        assert index.find(wanted) == []
    assert index.find(frozenset()) == []


def test_the_index_holds_no_name_and_no_number(ledger: Ledger, index: SearchIndex, real: Place) -> None:
    """Every row of every table of the index, as text: digests, kinds, ids and a position."""
    record(ledger, ("Klartekst Eksempel", NUMBER))
    index.catch_up()
    with connected(real) as side:
        tables = side.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'search'::regnamespace AND relkind = 'r'"
        )
        assert {name for (name,) in tables.fetchall()} == {"progress", "token", "membership"}
        kept = side.execute(
            "SELECT (t.*)::text FROM search.token t UNION ALL SELECT (m.*)::text FROM search.membership m"
            " UNION ALL SELECT (p.*)::text FROM search.progress p"
        ).fetchall()
    whole = " ".join(row for (row,) in kept).casefold()
    assert len(kept) == 5
    for text in ("klartekst", "eksempel", NUMBER):
        assert text not in whole
        assert text.encode().hex() not in whole


def test_the_same_name_under_another_key_is_another_digest() -> None:
    """A digest depends on the key and on the kind of what it stands for."""
    term = Term("name", NUMBER)
    assert token_of(bytes(32), term) == token_of(bytes(32), term)
    assert (
        len({token_of(bytes(32), term), token_of(b"\1" * 32, term), token_of(bytes(32), Term("identifier", NUMBER))})
        == 3
    )


def test_what_is_on_record_is_found_at_once_and_after_a_restart(real: Place) -> None:
    """A search brings the index up to date first, whoever wrote, and another process finds the same."""
    with real.ledger() as writer, real.ledger() as reader:
        for number in range(3):
            case, (person,) = record(writer, (f"Person{number} Eksempel", None))
            assert SearchIndex(reader).find(named(f"person{number}")) == [(person, case)]
    with real.ledger() as again:
        assert len(SearchIndex(again).find(named("Eksempel"))) == 3


def test_another_name_finds_and_the_old_one_still_does(ledger: Ledger, index: SearchIndex) -> None:
    """The index holds every name and number a person ever had on record."""
    case, (person,) = record(ledger, ("Alma Eksempel", None))
    assert index.find(numbered(NUMBER)) == []
    rename(ledger, person, full_name="Alma Prøve", identifier=NUMBER)
    for wanted in (named("Alma Eksempel"), named("alma proeve"), numbered(NUMBER)):
        assert index.find(wanted) == [(person, case)]


def test_a_new_key_makes_the_old_digests_worthless(
    ledger: Ledger, index: SearchIndex, side: psycopg.Connection[Any]
) -> None:
    """After a rebuild no digest is as before, the old key is gone for good, and the same people are found."""
    case, (person,) = record(ledger, ("Alma Eksempel", NUMBER))
    index.catch_up()
    before, old = rows(side), key_of(side)
    stolen = {token for token, _, _ in before}
    assert token_of(ledger.keys.get(old), Term("identifier", NUMBER)) in stolen
    assert index.rebuild() == (old, key_of(side))
    with pytest.raises(KeyMissing):
        ledger.keys.get(old)
    after = rows(side)
    assert len(after) == len(before) == 3
    assert not stolen & {token for token, _, _ in after}
    assert token_of(ledger.keys.get(key_of(side)), Term("identifier", NUMBER)) not in stolen
    assert index.find(numbered(NUMBER)) == index.find(named("alma")) == [(person, case)]


def test_the_first_rebuild_has_no_old_key(index: SearchIndex, side: psycopg.Connection[Any]) -> None:
    """An index nobody has made yet is made."""
    assert index.rebuild() == (None, key_of(side))
    assert index.count() == (0, 0)


def test_a_rebuild_cut_off_is_finished_by_the_next_search(
    ledger: Ledger, index: SearchIndex, side: psycopg.Connection[Any]
) -> None:
    """The database refuses the new rows; once it takes them, everybody is found and the old key is destroyed."""
    case, (person,) = record(ledger, ("Alma Eksempel", NUMBER))
    index.catch_up()
    old = key_of(side)
    side.execute("REVOKE INSERT ON search.token FROM caseledger_app")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        index.rebuild()
    assert rows(side) == set()
    side.execute("GRANT INSERT ON search.token TO caseledger_app")
    assert index.find(named("Alma")) == [(person, case)]
    with pytest.raises(KeyMissing):
        ledger.keys.get(old)
    assert rows(side, "search.progress") == {(True, key_of(side), None, ledger.head().size)}


def test_an_index_without_its_key_says_so(ledger: Ledger, index: SearchIndex, side: psycopg.Connection[Any]) -> None:
    """Nobody reads as not there because a key was lost; made anew, the index finds."""
    case, (person,) = record(ledger, ("Alma Eksempel", None))
    index.catch_up()
    ledger.keys.destroy(key_of(side), ledger.now())
    with pytest.raises(IndexKeyMissing, match="caseledger search rebuild"):
        index.find(named("Alma"))
    record(ledger, ("Bo Eksempel", None))
    with pytest.raises(IndexKeyMissing):
        index.find(named("Alma"))
    index.rebuild()
    assert index.find(named("Alma")) == [(person, case)]


def test_the_erased_are_forgotten_and_stay_so(
    ledger: Ledger, index: SearchIndex, side: psycopg.Connection[Any]
) -> None:
    """Rows of a person whose key was destroyed go, and neither a search nor a rebuild brings them back."""
    case, (alma, bo) = record(ledger, ("Alma Eksempel", NUMBER), ("Bo Eksempel", None))
    assert index.find(named("Alma")) == [(alma, case)]
    erase(ledger, alma)
    index.forget([alma])
    for _ in range(2):
        assert index.find(named("Alma")) == index.find(numbered(NUMBER)) == []
        assert index.find(named("Eksempel")) == [(bo, case)]
        for table in ("search.token", "search.membership"):
            assert alma not in {value for row in rows(side, table) for value in row}
        index.rebuild()


def test_the_erased_never_enter(ledger: Ledger, index: SearchIndex, side: psycopg.Connection[Any]) -> None:
    """Who is erased before the index has heard of them leaves no row."""
    _, (alma,) = record(ledger, ("Alma Eksempel", NUMBER))
    erase(ledger, alma)
    assert index.find(named("Alma")) == []
    assert rows(side) == rows(side, "search.membership") == set()


@pytest.mark.parametrize("page", [1, 2, 3, 7])
def test_pages_of_any_size_come_to_the_same(
    ledger: Ledger, index: SearchIndex, side: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """However few positions are taken in at a time, the rows are those of one go."""
    for number in range(4):
        record(ledger, (f"Person{number} Eksempel", f"610199000{number}"), ("Bo Eksempel", None))
    index.catch_up()
    whole = len(rows(side)), len(rows(side, "search.membership"))
    found = index.find(named("Eksempel"))
    monkeypatch.setattr(search_index, "PAGE", page)
    index.rebuild()
    assert (len(rows(side)), len(rows(side, "search.membership"))) == whole == (20, 8)
    assert index.find(named("Eksempel")) == found


def test_looks_do_not_keep_the_index_busy(ledger: Ledger, index: SearchIndex, side: psycopg.Connection[Any]) -> None:
    """What does not concern the index does not make a search write."""
    record(ledger, ("Alma Eksempel", None))
    index.catch_up()
    before = rows(side, "search.progress")
    appended(ledger.append_now(one(uuid4(), 0)))
    assert len(index.find(named("Alma"))) == 1
    assert rows(side, "search.progress") == before


@pytest.mark.slow
def test_two_processes_catch_up_at_once(real: Place, tmp_path: Path, side: psycopg.Connection[Any]) -> None:
    """Let go together, both come to the end, and nobody is in the index twice or not at all."""
    with real.ledger() as ledger:
        for number in range(20):
            record(ledger, (f"Person{number} Eksempel", None), ("Bo Eksempel", None))
        variables = environment(real.conninfo, tmp_path / "home")
        both = [
            subprocess.Popen([sys.executable, "-c", CATCH_UP], env=variables, cwd=ROOT, stdin=subprocess.PIPE)
            for _ in range(2)
        ]
        for process in both:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.close()
        assert [process.wait(60) for process in both] == [0, 0]
        assert rows(side, "search.progress") == {(True, key_of(side), None, ledger.head().size)}
        assert (len(rows(side)), len(rows(side, "search.membership"))) == (80, 40)
        assert len(SearchIndex(ledger).find(named("Eksempel"))) == 40


@pytest.mark.slow
def test_nobody_is_missed_while_others_write_and_rebuild(real: Place) -> None:
    """Whoever is on record when a search begins is found, whatever happens to the index meanwhile."""
    done = threading.Event()
    failures: list[BaseException] = []

    def rebuild_on() -> None:
        with real.ledger() as ledger:
            while not done.is_set():
                try:
                    SearchIndex(ledger).rebuild()
                except BaseException as error:
                    failures.append(error)
                    return

    with real.ledger() as writer, real.ledger() as reader:
        rebuilder = threading.Thread(target=rebuild_on)
        rebuilder.start()
        try:
            for number in range(30):
                case, (person,) = record(writer, (f"Person{number} Eksempel", None))
                assert SearchIndex(reader).find(named(f"Person{number}")) == [(person, case)]
                assert len(SearchIndex(reader).find(named("Eksempel"))) == number + 1
        finally:
            done.set()
            rebuilder.join()
    assert failures == []


def test_whoever_waits_for_the_index_is_told_in_time(
    ledger: Ledger, index: SearchIndex, side: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another holds the index: a search that must add to it gives up, and meanwhile the ledger is read as ever."""
    monkeypatch.setattr(search_index, "LOCK_WAIT_SECONDS", 0.3)
    record(ledger, ("Alma Eksempel", None))
    outcomes: list[type[BaseException]] = []

    def search() -> None:
        try:
            index.find(named("Alma"))
        except LedgerUnavailable as error:
            outcomes.append(type(error))

    with side.transaction():
        side.execute("SELECT pg_advisory_xact_lock(hashtextextended('caseledger search', 0))")
        waiting = [threading.Thread(target=search) for _ in range(12)]
        for thread in waiting:
            thread.start()
        assert ledger.head().size > 0
        for thread in waiting:
            thread.join()
    assert outcomes == [IndexBusy] * 12
    assert len(index.find(named("Alma"))) == 1


def test_only_the_application_reads_the_index(real: Place) -> None:
    """Neither the worker, which has no keys, nor whoever audits sees a digest."""
    for role in ("caseledger_worker", "caseledger_reader"):
        with connected(real, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM search.token")


def test_damaged_bytes_are_not_passed_over(ledger: Ledger, index: SearchIndex, side: psycopg.Connection[Any]) -> None:
    """A person whose bytes were changed does not silently drop out of the index."""
    _, (person,) = record(ledger, ("Alma Eksempel", None))
    with unhindered(side, keep=True):
        side.execute(
            "UPDATE ledger.event SET state = set_byte(state, length(state) - 1, get_byte(state, length(state) - 1) # 1)"
            " WHERE stream = %s",
            [person],
        )
    with pytest.raises(Exception, match="does not open"):
        index.find(named("Alma"))


def _kinds(found: Iterable[tuple[Any, ...]]) -> set[str]:
    return {kind for _, _, kind in found}


def test_rows_say_of_which_kind_they_are(ledger: Ledger, index: SearchIndex, side: psycopg.Connection[Any]) -> None:
    """Names and numbers are told apart, and one digest of each part and number is kept."""
    record(ledger, ("Alma Alma Eksempel", NUMBER))
    index.catch_up()
    assert _kinds(rows(side)) == {"name", "identifier"}
    assert len(rows(side)) == 3
