"""Time travel by header (RFC 7089), and what every answer says of the instant it is about."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from api.mementos import http_date
from domain.time import read_instant
from ledger.format import published_entry
from ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash
from ledger.proof.merkle_proofs import check_consistency, consistency_proof
from ledger.proof.tiles import subtree_from, tiles_of
from tests.api.client import Api, Response, assessment, command, correction, note, problem
from tests.api.filing import file
from tests.api.service import until
from tests.api.test_openapi import DOSSIERS, WITHOUT_INSTANT, operations

BEFORE = "2019-06-01T00:00:00Z"


def asked(api: Api, path: str, at: str, **parameters: str) -> Response:
    """Ask with ``Accept-Datetime``."""
    return api.http.get(path, params=parameters, headers={"Accept-Datetime": at})


def recorded(api: Api, case: str) -> list[str]:
    """Return when each entry of a case was recorded."""
    return [entry["recorded_at"] for entry in api.events(case)]


def links(response: Response) -> dict[str, str]:
    """Return the addresses of a Link header by relation."""
    found: list[tuple[str, str]] = re.findall(r'<([^>]*)>;rel="([^"]*)"', response.headers["link"])
    return {relation: address for address, relation in found}


def root_of(api: Api, size: int) -> str:
    """Return the root over the first events, from their stored commitments."""
    tree = Frontier()
    for (commitment,) in api.query("SELECT commitment FROM ledger.event WHERE position <= %s ORDER BY position", size):
        tree.add(leaf_hash(published_entry(commitment)))
    return tree.root().hex()


@pytest.fixture(scope="module")
def filled(api: Api) -> dict[str, str]:
    """What fills the places of the addresses: a case with a decision, a document, and its person."""
    decision = {"decision": "dec-1", "outcome": "grant", "legal_basis": ["barnets lov § 32"]}
    case = api.open_case(note(), assessment(), command("DecisionMade", decision))
    person = api.get(f"/cases/{case}").json()["persons"][0]["person"]
    assert file(api, case, 4).status_code == 201
    return {
        "case_id": case,
        "person": person,
        "ref": "parent-A",
        "document": "letter-1",
        "version": "1",
        "staff": "u-24",
    }


@pytest.mark.slow
def test_every_question_takes_both_instants_and_repeats_them(api: Api, filled: dict[str, str]) -> None:
    """Each address of the description answers as of two instants and says so, with the position and root behind it."""
    description = api.get("/openapi.json").json()
    now = recorded(api, filled["case_id"])[-1]
    for method, path, _ in operations(description):
        if method != "get" or path in WITHOUT_INSTANT or path in DOSSIERS:  # a dossier is of its decision's own instant
            continue
        place = re.sub(r"\{(\w+)\}", lambda found: filled[found[1]], path.replace("s/{version}/d", "s/4/d"))
        parameters = {"known_at": now, "valid_at": now}
        parameters |= {"programme": "smaaboernsteam_001"} if path == "/caseload" else {}
        parameters |= {"case": filled["case_id"]} if path.startswith("/persons/") else {}
        client = {"/erasures": "u-95", "/staff/{staff}/grants": "u-97"}.get(path, "u-12")
        with api.acting_as(client) as asking:
            response = asking.get(place, **parameters)
        assert response.status_code == 200, (path, response.text)
        said = (
            response.json()
            if response.headers["content-type"] == "application/json"
            else {
                name: response.headers[header]
                for name, header in (
                    ("known_at", "known-at"), ("valid_at", "valid-at"), ("as_of_position", "as-of-position"),
                    ("root", "as-of-root"),
                )
            }
        )  # fmt: skip
        assert (said["known_at"], said["valid_at"]) == (now, now), path
        assert said["root"] == root_of(api, int(said["as_of_position"])), path
        assert response.headers["memento-datetime"] == http_date(read_instant(now)), path
        assert "Accept-Datetime" in response.headers["vary"], path
        with api.acting_as(client) as asking:
            for name in ("known_at", "valid_at"):
                for value in ("2999-01-01T00:00:00Z", "2026-03-04T09:00:00", "2026-03-04T09:00:00 01:00"):
                    found = problem(asking.get(place, **(parameters | {name: value})), 400, "bad-request")
                    assert name in found["detail"], (path, found)


@pytest.mark.parametrize("path", sorted(WITHOUT_INSTANT))
def test_what_takes_no_instant_refuses_one(api: Api, filled: dict[str, str], path: str) -> None:
    """An instant is never ignored."""
    place = re.sub(r"\{(\w+)\}", lambda found: filled.get(found[1], "0/000"), path)
    with api.acting_as("u-95") as audit:
        problem(audit.get(place, known_at=BEFORE), 400, "bad-request")


@pytest.mark.parametrize(
    "path", ["/cases", "/deadlines", "/findings", "/consents", "/disclosures", "/barometer", "/restrictions"]
)
def test_before_the_ledger_began_there_is_nothing(api: Api, path: str) -> None:
    """An empty answer, from no event, under the root of nothing."""
    with api.acting_as("u-12") as leader:
        answer = leader.get(path, known_at=BEFORE).json()
    assert answer["items"] == []
    assert (answer["as_of_position"], answer["root"]) == (0, EMPTY_ROOT.hex())


def test_the_root_is_the_same_before_and_after_it_is_in_tiles(api: Api) -> None:
    """Asked at once, and when the log has grown over it: the same position under the same root."""
    case = api.open_case()
    instant = recorded(api, case)[0]
    first = api.get(f"/cases/{case}", known_at=instant).json()
    grown = "SELECT number * 256 + length(hashes) / 32 FROM proof.tile WHERE level = 0 ORDER BY number DESC LIMIT 1"
    until(lambda: (api.query(grown) or [(0,)])[0][0] > first["as_of_position"], "the tiles to grow")
    later = api.get(f"/cases/{case}", known_at=instant).json()
    assert (first["as_of_position"], first["root"]) == (later["as_of_position"], later["root"])
    assert first["root"] == root_of(api, first["as_of_position"])


@pytest.mark.slow
def test_a_root_is_checked_against_a_checkpoint(api: Api) -> None:
    """What a reader does: the tree that was answered from is the beginning of the one that was signed."""
    case = api.open_case()
    answer = api.get(f"/cases/{case}", known_at=recorded(api, case)[0]).json()
    with api.acting_as("u-95") as audit:

        def signed() -> list[dict[str, Any]]:
            return audit.get("/checkpoints", after=answer["as_of_position"], limit=1).json()["items"]

        until(signed, "a checkpoint")
        checkpoint = signed()[0]
        tiles = {(tile.level, tile.index): tile for tile in tiles_of(checkpoint["size"])}
        subtree = subtree_from(lambda level, index: audit.get(f"/log/tile/{tiles[level, index].path}").content)
        proof = consistency_proof(subtree, answer["as_of_position"], checkpoint["size"])
    old, new = bytes.fromhex(answer["root"]), bytes.fromhex(checkpoint["root"])
    check_consistency(answer["as_of_position"], checkpoint["size"], old, new, proof)


def test_accept_datetime_asks_as_of_then(api: Api) -> None:
    """The header asks what known_at asks; the answer names its instant, its address and where to ask otherwise."""
    case = api.open_case(assessment(4))
    opened = recorded(api, case)[-1]
    header = http_date(read_instant(opened))
    until(lambda: datetime.now(UTC) > read_instant(opened) + timedelta(seconds=1.1), "the second to pass")
    assert api.commit(case, 2, correction(2, "score", 4, 3)).status_code == 201
    response = asked(api, f"/cases/{case}", header)
    shown = response.json()
    assert shown["state"]["assessments"]["a-1"]["score"] == 4
    assert read_instant(shown["known_at"]) == datetime.strptime(header, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    assert response.headers["memento-datetime"] == header
    found = links(response)
    assert found["original timegate"] == f"/cases/{case}"
    assert found["timemap"] == f"/cases/{case}/timemap"
    assert found["memento"] == response.headers["content-location"]
    again = api.http.get(found["memento"])
    assert again.json()["state"] == shown["state"]
    assert again.headers["memento-datetime"] == header
    assert "memento" not in links(api.get(f"/cases/{case}"))


def test_boards_keep_their_question_in_their_addresses(api: Api) -> None:
    """What else was asked stays; a board is about no single case and has no time map."""
    response = asked(api, "/deadlines", "Wed, 21 Aug 2024 07:00:00 GMT", status="breached")
    found = links(response)
    assert found["original timegate"] == "/deadlines?status=breached"
    assert found["memento"] == "/deadlines?status=breached&known_at=2024-08-21T07:00:00.000000Z"
    assert "timemap" not in found


@pytest.mark.parametrize(
    "header",
    [
        "2024-08-21T07:00:00Z",
        "Thu, 21 Aug 2024 07:00:00 GMT",
        "Wed, 21 Aug 2024 07:00:00 +0200",
        "Wed, 32 Aug 2024 07:00:00 GMT",
        "Wednesday, 21-Aug-24 07:00:00 GMT",
        "",
        "yesterday",
    ],
)
def test_a_header_that_is_no_such_date_is_refused(api: Api, case: str, header: str) -> None:
    """It is never taken for now, and what was sent is not repeated."""
    before = api.size()
    found = problem(asked(api, f"/cases/{case}", header), 400, "bad-request")
    assert "Accept-Datetime" in found["detail"]
    assert api.size() == before


def test_header_and_parameter_must_agree(api: Api, case: str) -> None:
    """Two instants are no question; the same one twice is."""
    opened = recorded(api, case)[0]
    until(lambda: datetime.now(UTC) > read_instant(opened) + timedelta(seconds=1.1), "the second to pass")
    same = asked(api, f"/cases/{case}", http_date(read_instant(opened)), known_at=opened)
    assert (same.status_code, same.json()["known_at"]) == (200, opened)
    other = format_datetime(datetime(2024, 8, 21, 7, tzinfo=UTC), usegmt=True)
    found = problem(asked(api, f"/cases/{case}", other, known_at=opened), 400, "bad-request")
    assert "different" in found["detail"]


@pytest.mark.parametrize("name", ["known_at", "valid_at"])
@pytest.mark.parametrize("first", ["", "nonsense", BEFORE])
def test_two_instants_are_no_question(api: Api, case: str, name: str, first: str) -> None:
    """Which of them is answered would depend on who reads the address; none is, and nothing is shown."""
    before, opened = api.size(), recorded(api, case)[0]
    for place in (f"/cases/{case}", f"/cases/{case}/events", "/deadlines", "/events"):
        found = problem(api.http.get(f"{place}?{name}={first}&{name}={opened}"), 400, "bad-request")
        assert found["detail"] == f"{name} stands in the query more than once: send one."
    assert api.size() == before + 1


def test_a_time_map_lists_a_commit_each(api: Api) -> None:
    """As many mementos as commits, oldest first; each leads to the case as it was known then; the look is on record."""
    case = api.open_case(assessment(4), note())
    assert api.commit(case, 3, correction(2, "score", 4, 3)).status_code == 201
    response = api.get(f"/cases/{case}/timemap")
    assert response.headers["content-type"] == "application/link-format"
    lines = re.findall(r'<([^>]*)>;rel="([a-z ]*memento)";datetime="([^"]*)"', response.text)
    assert [relation for _, relation, _ in lines] == ["first memento", "last memento"]
    scores = [api.http.get(address).json()["state"]["assessments"]["a-1"]["score"] for address, _, _ in lines]
    assert scores == [4, 3]
    assert f'</cases/{case}>;rel="original timegate"' in response.text
    looks: list[dict[str, Any]] = []
    with api.acting_as("u-12") as leader:
        looks = leader.get(f"/cases/{case}/access-events").json()["items"]
    assert "timemap" in {look["what"] for look in looks}
    first = api.get(f"/cases/{case}/timemap", known_at=recorded(api, case)[0])
    assert first.text.count("memento") == 1


def test_a_stranger_learns_no_instants(api: Api, case: str) -> None:
    """Who may not read a case is not told when something went on record in it."""
    with api.acting_as("u-21") as stranger:
        assert stranger.get(f"/cases/{case}/timemap").status_code == 403
