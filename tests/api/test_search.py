"""Finding people over HTTP: who is found, who is not, and that each search is on record with exactly what it showed."""

import asyncio
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any, LiteralString, cast
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest

from api.reading import CaseReader
from api.searching import MOST_HITS, Searcher
from ledger.store import Ledger
from projections.board import Board
from tests.api.client import ALMA, ASTA, CANARY, MARCH, Api, command, errors, problem, talking_to
from tests.api.service import Command, environment, serving
from tests.api.test_access_records import looks
from tests.api.test_identities import identify, identity, person_of
from tests.api.test_injection import STRINGS
from tests.conftest import Server, Template, clone
from tests.ledger.test_search_index import STAFF, record


def search(api: Api, name: str | None = None, identifier: str | None = None) -> list[dict[str, Any]]:
    """Return the hits of a search."""
    wanted = {"name": name, "identifier": identifier}
    response = api.post("/searches", {key: value for key, value in wanted.items() if value is not None})
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    return response.json()["hits"]


def family() -> str:
    """Return a name nobody else has."""
    return f"Eksempel{uuid4().hex}"


def number() -> str:
    """Return a replacement number that nobody else has."""
    return f"610199-{uuid4().int % 10_000:04}"


def test_a_person_is_found_with_each_case(api: Api) -> None:
    """A hit says who, as what, in which case, under the name that holds now."""
    name = family()
    case = api.open_case(persons=[ALMA | {"full_name": f"Alma {name}"}, ASTA], number="S-2026-0815")
    assert search(api, f"alma {name}") == [
        {
            "person": person_of(api, case, "parent-A"),
            "ref": "parent-A",
            "role": "mother",
            "full_name": f"Alma {name}",
            "formerly": False,
            "case": case,
            "number": "S-2026-0815",
        }
    ]
    assert search(api, f"Asta {name}") == []


@pytest.mark.parametrize("spelling", ["Åse Sønderskov-", "aase SOENDERSKOV ", "ÅSE sønderskov\t"])
def test_spellings_find_the_same(api: Api, spelling: str) -> None:
    """Case, accents and the two ways to write Danish letters do not matter."""
    name = family()
    case = api.open_case(persons=[ALMA | {"full_name": f"Åse Sønderskov {name}"}])
    assert [hit["case"] for hit in search(api, spelling + name.upper())] == [case]


@pytest.mark.parametrize("spelling", ["{}-{}", "{}{}", "{} {}"])
def test_a_number_finds_however_it_is_spelt(api: Api, spelling: str) -> None:
    """A replacement number, with hyphen, with blank or with neither; another number finds nobody."""
    given = f"{61 + uuid4().int % 28}{uuid4().int % 12 + 1:02}{uuid4().int % 100:02}-{uuid4().int % 10_000:04}"
    case = api.open_case(persons=[ALMA | {"identifier": given}])
    hits = search(api, identifier=spelling.format(*given.split("-")))
    assert case in [hit["case"] for hit in hits]
    assert all(identity(api, hit["case"], hit["ref"])["identifier"] == given.replace("-", "") for hit in hits)


def test_an_earlier_name_finds_the_person_under_the_name_of_now(api: Api) -> None:
    """Whoever searches for the old name is told that it was the name before; parts of two names are no name."""
    old, new = family(), family()
    case = api.open_case(persons=[ALMA | {"full_name": f"Alma {old}"}])
    assert identify(api, case, 1, ref="parent-A", full_name=f"Alma {new}").status_code == 201
    assert [(hit["full_name"], hit["formerly"]) for hit in search(api, f"Alma {new}")] == [(f"Alma {new}", False)]
    assert [(hit["full_name"], hit["formerly"]) for hit in search(api, f"Alma {old}")] == [(f"Alma {new}", True)]
    assert search(api, f"{old} {new}") == []


def test_an_earlier_number_finds_the_person(api: Api) -> None:
    """The replacement number a child had at first finds it under its own as well."""
    first, second = number(), "010158-5018"
    case = api.open_case(persons=[ALMA | {"identifier": first}])
    assert identify(api, case, 1, ref="parent-A", identifier=second).status_code == 201
    assert [hit["formerly"] for hit in search(api, identifier=first) if hit["case"] == case] == [True]
    assert [hit["formerly"] for hit in search(api, identifier=second) if hit["case"] == case] == [False]


def test_each_search_is_on_record_with_exactly_what_it_showed(api: Api) -> None:
    """Cases and people of the hits, each once; a search that finds nobody is on record as well; no words are."""
    name = family()
    cases = [
        api.open_case(persons=[ALMA | {"full_name": f"Alma {name}"}, ASTA | {"full_name": f"Bo {name}"}]) for _ in "12"
    ]
    search(api, name)
    before = api.size()
    hits = search(api, name)
    nobody = family()
    assert search(api, nobody) == []
    given = number()
    by_number = search(api, identifier=given)
    recorded = looks(api, before)
    assert [look["what"] for look in recorded] == ["search_by_name", "search_by_name", "search_by_identifier"]
    assert sorted(recorded[0]["cases"]) == sorted(cases)
    assert sorted(recorded[0]["subjects"]) == sorted(hit["person"] for hit in hits)
    assert len(recorded[0]["subjects"]) == len(hits) == 4
    assert (recorded[1]["cases"], recorded[1]["subjects"]) == ([], [])
    assert set(recorded[2]["subjects"]) == {hit["person"] for hit in by_number}
    assert not any(look["refused"] for look in recorded)
    assert recorded[0]["as_of_position"] == before
    for text in (name, nobody, given, given.replace("-", "")):
        assert (
            api.query("SELECT position FROM ledger.event WHERE position(%s::bytea IN state) > 0", text.encode()) == []
        )


def test_the_answer_names_its_own_record(api: Api) -> None:
    """Purpose and place of the look are those of this search."""
    before = api.size()
    body = orjson.dumps({"name": family()})
    headers = {"Content-Type": "application/json", "Purpose": "complaint"}
    answer = api.http.post("/searches", content=body, headers=headers).json()
    (look,) = looks(api, before)
    assert (look["position"], look["purpose"]) == (answer["access_event"], "complaint")


def test_too_many_are_not_shown(api: Api) -> None:
    """Fifty hits are shown; of fifty-one nobody is, the search is on record with nobody, and more of a name helps."""
    name = family()
    people = [{"ref": f"p-{n}", "role": "person", "full_name": f"N{n} {name}"} for n in range(MOST_HITS)]
    api.open_case(persons=people)
    assert len(search(api, name)) == MOST_HITS
    api.open_case(persons=[ALMA | {"full_name": f"Alma {name}"}])
    before = api.size()
    found = problem(api.post("/searches", {"name": name}), 422, "too-many-hits")
    assert name not in str(found)
    (look,) = looks(api, before)
    assert (look["what"], look["cases"], look["subjects"], look["refused"]) == ("search_by_name", [], [], False)
    assert len(search(api, f"Alma {name}")) == 1


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, ""),
        ({"name": "Alma", "identifier": "610199-0001"}, ""),
        ({"name": "x" * 100_000}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": " -'👶\u200b "}, "/name"),
        ({"name": ["Alma"]}, "/name"),
        ({"name": "Al\x00ma"}, "/name"),
        ({"identifier": CANARY}, "/identifier"),
        ({"identifier": "610199"}, "/identifier"),
        ({"identifier": 6101990001}, "/identifier"),
        ({"identifier": "1" * 100_000}, "/identifier"),
        ({"name": "Alma", "fuzzy": True}, "/fuzzy"),
    ],
)
def test_what_is_no_search_is_refused(api: Api, body: dict[str, Any], place: str) -> None:
    """Field and remedy are told, what was sent is not, and nothing is on record."""
    before = api.size()
    response = api.post("/searches", body)
    assert [where for where, _ in errors(response)] == [place]
    assert len(response.content) < 1000
    assert api.size() == before


def test_nothing_is_searched_for_in_an_address(api: Api) -> None:
    """Addresses end up in logs: a query is refused, and there is nothing to GET."""
    before = api.size()
    problem(api.http.post("/searches?name=Alma", json={"name": "Alma"}), 400, "bad-request")
    problem(api.get("/searches", name="Alma"), 405, "method-not-allowed")
    assert api.size() == before


@pytest.mark.parametrize("text", [*STRINGS, "%", "_", "*", "Alma%", "\\"])
def test_texts_that_mean_something_elsewhere_are_only_names(api: Api, text: str) -> None:
    """Quoting, wildcards and markup find whoever is called so, and nobody else."""
    name = family()
    case = api.open_case(persons=[ALMA | {"full_name": f"{text} {name}"[:200]}])
    api.open_case(persons=[ALMA | {"full_name": f"Alma {name}"}])
    response = api.post("/searches", {"name": f"{text} {name}"[:200]})
    assert case in [hit["case"] for hit in response.json()["hits"]]
    assert api.query("SELECT count(*) > 0 FROM search.token") == [(True,)]


def test_who_was_never_of_the_case_is_not_found_there(api: Api) -> None:
    """A joining that was of the wrong person is withheld from searches as from the case."""
    name = family()
    case = api.open_case()
    person = {"ref": "child-B", "role": "child", "full_name": f"Bo {name}"}
    assert api.post(f"/cases/{case}/persons", {"person": person, "occurred_at": MARCH}, version=1).status_code == 201
    assert [hit["ref"] for hit in search(api, name)] == ["child-B"]
    annulled = command("EntryAnnulled", {"annuls": 2, "reason": "Not of this family.", "kind": "wrong_person"})
    assert api.commit(case, 2, annulled).status_code == 201
    assert search(api, name) == []


def searcher(ledger: Ledger) -> Searcher:
    """Return a searcher over a ledger."""
    return Searcher(ledger, CaseReader(ledger, Board(ledger)))


def test_hits_out_of_sight_do_not_even_count(ledger: Ledger) -> None:
    """What somebody may not see is neither shown nor on record nor makes the hits too many."""
    other = replace(STAFF, id="u-2")
    record(ledger, *[(f"N{n} Eksempel", None) for n in range(MOST_HITS)])
    seen, (person,) = record(ledger, ("Alma Eksempel", None), by=other)
    look = asyncio.run(searcher(ledger).search(other, "eksempel", None))
    assert look.hits is not None
    assert [(hit.case, hit.person.person) for hit in look.hits] == [(seen, person)]
    (row,) = ledger.read_range(look.access_position, look.access_position)
    data = ledger.mapper.to_domain_event(row).data
    assert (data["cases"], data["subjects"]) == ([str(seen)], [str(person)])
    leader = replace(STAFF, id="u-3", role="supervisor")
    assert asyncio.run(searcher(ledger).search(leader, "eksempel", None)).hits is None
    assert asyncio.run(searcher(ledger).search(STAFF, "alma eksempel", None)).hits == ()


def test_the_erased_are_not_found_before_they_are_forgotten(ledger: Ledger) -> None:
    """The record decides: where the key is gone the index alone finds nobody."""
    case, (alma, bo) = record(ledger, ("Alma Eksempel", "6101990001"), ("Bo Eksempel", None))
    found = asyncio.run(searcher(ledger).search(STAFF, "Eksempel", None))
    assert [hit.person.person for hit in found.hits or ()] == [alma, bo]
    ledger.keys.destroy(UUID(ledger.mapper.to_domain_event(ledger.read_stream(alma)[0]).data["key"]), ledger.now())
    for name, number_, people in (("Eksempel", None, [bo]), (None, "6101990001", [])):
        found = asyncio.run(searcher(ledger).search(STAFF, name, number_))
        assert [(hit.case, hit.person.person) for hit in found.hits or ()] == [(case, person) for person in people]


def test_the_command_gives_the_index_a_new_key(real_command: Command, ledger: Ledger) -> None:
    """It says how many can be found, the same are found after it, and the rotation is on the ledger's own record."""
    record(ledger, ("Alma Eksempel", None), ("Bo Eksempel", None))
    said = [real_command.done("search", "rebuild") for _ in range(2)]
    assert said == ["Indexed 2 people in 1 cases under a new key; the old key is destroyed.\n"] * 2
    hits = asyncio.run(searcher(ledger).search(STAFF, "Eksempel", None)).hits
    assert [hit.full_name for hit in hits or ()] == ["Alma Eksempel", "Bo Eksempel"]
    (rotation,) = ledger.read_topic("key_rotated")
    data = ledger.mapper.to_domain_event(rotation).data
    assert (rotation.stream, data["purpose"]) == (ledger.id, "search_index")
    assert data["old_key"] != data["new_key"]


@pytest.fixture
def guarded(
    server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[Api, Callable[[str], None]]]:
    """A service of its own, and a way to change its database as superuser."""
    folder = tmp_path_factory.mktemp("guarded")
    for place in clone(server, simulated_template, folder / "home"):

        def change(statement: str, owner: str = place.owner) -> None:
            with psycopg.connect(owner, autocommit=True) as connection:
                connection.execute(cast(LiteralString, statement))

        with (
            serving(environment(place.conninfo, folder / "home"), folder / "errors.log") as service,
            talking_to(service.url, place.conninfo) as api,
        ):
            yield api, change


def test_without_a_record_nobody_is_shown(guarded: tuple[Api, Callable[[str], None]]) -> None:
    """When the search cannot be put on record the answer is 503 and names nobody; afterwards all is as before."""
    api, change = guarded
    case = api.open_case(persons=[ALMA | {"full_name": CANARY, "identifier": "610199-0001"}])
    assert [hit["full_name"] for hit in search(api, CANARY)] == [CANARY]
    change("ALTER TABLE ledger.event ADD CONSTRAINT no_looks CHECK (topic <> 'record_viewed') NOT VALID")
    before = api.size()
    for body in ({"name": CANARY}, {"identifier": "610199-0001"}, {"name": "Nobody"}):
        response = api.post("/searches", body)
        problem(response, 503, "unavailable")
        assert case not in response.text
    problem(api.get(f"/cases/{case}/persons/parent-A/identity"), 503, "unavailable")
    assert api.size() == before
    change("ALTER TABLE ledger.event DROP CONSTRAINT no_looks")
    assert [hit["case"] for hit in search(api, CANARY)] == [case]


def test_a_service_whose_index_lost_its_key_says_what_to_do(guarded: tuple[Api, Callable[[str], None]]) -> None:
    """The problem names the command; nothing reads as nobody found."""
    api, change = guarded
    api.open_case(persons=[ALMA])
    search(api, "Alma")
    change("UPDATE search.progress SET key = gen_random_uuid()")
    found = problem(api.post("/searches", {"name": "Alma"}), 503, "unavailable")
    assert "caseledger search rebuild" in found["detail"]
