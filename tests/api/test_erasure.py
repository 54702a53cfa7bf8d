"""Erasure over HTTP: proposed, stopped, rejected, decided by somebody else, carried out, and what is left to read."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest

from api.ciphertext_removal import NotTheOwner, remove_ciphertext
from api.principals import command_line_principal
from domain.stops import TEXTS
from ledger.errors import KeyErased
from tests.api.client import CANARY, Api, Response, command, errors, note, problem, talking_to
from tests.api.erasing import (
    OFFICER,
    RETENTION,
    SUPERVISOR,
    UNLAWFUL,
    Colleagues,
    answered,
    erase,
    erasures,
    kept_long_enough,
    open_case,
    propose,
    reject,
    said_by,
)
from tests.api.filing import Office, bytes_of, file, filed, offices
from tests.api.service import serving, until
from tests.conftest import Server, Template
from tests.ledger.samples import connected

HELD = command("LegalHoldChanged", {"placed": True, "reason": "court_case"})
SENT: dict[str, Any] = {
    "to": "daycare",
    "basis": "law",
    "consents": [],
    "data_categories": ["social"],
    "documents": [],
    "purpose": "To plan",
    "legal_basis": "x",
    "about": "parent-B",
}


@pytest.fixture(scope="module")
def office(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Office]:
    """A ledger of its own."""
    yield from offices(server, simulated_template, tmp_path_factory.mktemp("erasing"))


@pytest.fixture(scope="module")
def served(office: Office) -> Generator[Api]:
    """A client of the service over it."""
    with office.serving() as api:
        yield api


@pytest.fixture
def colleagues(office: Office, served: Api) -> Generator[Colleagues]:
    """Others who work on it."""
    with office.place.ledger() as ledger:
        yield Colleagues(ledger, office, served)


def ok(response: Response) -> dict[str, Any]:
    """Return the answer to something that was recorded."""
    assert response.status_code == 201, response.text
    return response.json()


def stopped(response: Response) -> list[str]:
    """Return the codes of what stopped an erasure, each of them explained."""
    found = problem(response, 409, "refused")
    assert found["explained"] == {code: TEXTS[code] for code in found["stops"]}
    return found["stops"]


def test_a_proposal_shows_what_stands_against_it(served: Api, colleagues: Colleagues) -> None:
    """As it stands now, and, asked about the past, as it stood."""
    case = open_case(served, HELD)
    proposal = colleagues.propose(case, **RETENTION)
    found = erasures(served, case)
    (shown,) = found["proposals"]
    assert (shown["entry"], shown["state"], shown["proposed_by"], shown["reason"]) == (
        proposal, "open", SUPERVISOR, "No law allowed it.",
    )  # fmt: skip
    assert [stop["code"] for stop in shown["stops"]] == ["LEGAL_HOLD", "NO_RETENTION_CLASS"]
    assert shown["stops"][0] == {
        "code": "LEGAL_HOLD", "text": TEXTS["LEGAL_HOLD"], "entries": [2], "detail": "court_case",
    }  # fmt: skip
    assert (found["erasures"], found["recipients"], found["version"]) == ([], [], 3)
    assert erasures(served, case, known_at=shown["proposed_at"])["proposals"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"ground": "retention", "scope": "person", "subject": "parent-B"}, "/scope"),
        ({"ground": "unlawful", "scope": "person", "subject": CANARY}, "/subject"),
        ({"ground": "unlawful", "scope": "entries"}, "/entries"),
        ({"ground": "unlawful", "scope": "entries", "entries": [99]}, "/entries/0"),
        ({"ground": "unlawful", "scope": "entries", "entries": [1]}, "/entries/0"),
        ({"ground": "because", "scope": "case"}, "/ground"),
        ({"ground": "retention", "scope": "case", "legal_basis": []}, "/legal_basis"),
        ({"ground": "retention", "scope": "case", "key": CANARY}, "/key"),
    ],
)
def test_a_malformed_proposal_is_named_by_field(served: Api, body: dict[str, Any], pointer: str) -> None:
    """And nothing is written."""
    case = open_case(served)
    found = errors(propose(served, case, 1, SUPERVISOR, **{"reason": CANARY} | body))
    assert pointer in [place for place, _ in found], found
    assert len(served.events(case)) == 1


def test_the_one_who_proposed_does_not_decide(served: Api) -> None:
    """Four eyes: the stop goes on record, and a repeat of the request gets the same answer."""
    case = open_case(served)
    assert ok(propose(served, case, 1, OFFICER, **UNLAWFUL))["version"] == 2
    key = str(uuid4())
    first = erase(served, case, 2, 2, Idempotency_Key=key)
    assert stopped(first) == ["SAME_PERSON_PROPOSED"]
    assert erase(served, case, 2, 2, Idempotency_Key=key).json() == first.json()
    (stop,) = served.events(case)[2:]
    assert (stop["event"], stop["data"]["gate"], stop["data"]["findings"]) == (
        "GateStopped", "erasure", ["SAME_PERSON_PROPOSED"],
    )  # fmt: skip


def test_a_hold_stops_an_erasure_and_no_reason_lets_it_pass(
    served: Api, colleagues: Colleagues, office: Office
) -> None:
    """The refusal is on record, the key is there, and the texts are read as before."""
    case = open_case(served, HELD)
    proposal = colleagues.propose(case, **UNLAWFUL)
    assert stopped(erase(served, case, 3, proposal)) == ["LEGAL_HOLD"]
    (key,) = colleagues.key_files(case, "parent-B")
    assert key.exists()
    assert served.events(case)[-1]["event"] == "GateStopped"
    with served.acting_as(OFFICER) as officer:
        forced = officer.post(f"/cases/{case}/erasures", {"proposal": proposal, "override_reason": "x"}, version=4)
    assert errors(forced)[0][0].startswith("/")
    assert key.exists()


def test_a_rejected_proposal_is_not_decided(served: Api, colleagues: Colleagues) -> None:
    """It is rejected once, with a reason, and a later decision is stopped."""
    case = open_case(served)
    proposal = colleagues.propose(case, **UNLAWFUL)
    assert ok(reject(served, case, 2, proposal, "We need it."))["version"] == 3
    problem(reject(served, case, 3, proposal, "Again."), 409, "refused")
    assert stopped(erase(served, case, 3, proposal)) == ["PROPOSAL_CLOSED"]
    (shown,) = erasures(served, case)["proposals"]
    assert (shown["state"], shown["settled_by"], shown["stops"]) == ("rejected", [3], [])
    other = reject(served, case, 4, 1, "x")
    assert errors(other) == [("/proposal", "names no proposal of this case: use the version of one")]
    assert errors(erase(served, case, 4, 99))[0][0] == "/proposal"


def test_one_person_is_erased_and_nobody_else(served: Api, colleagues: Colleagues, office: Office) -> None:
    """Name and texts of one read as erased at once, everywhere; the other person and another case as before."""
    requests = said_by("parent-A", "Alma asks"), said_by("parent-B", f"Bent asks {CANARY}")
    case = open_case(served, *requests, answered(2), answered(3), note("About both."))
    sibling = open_case(served, said_by("parent-B", "In the other case"))
    proposal = colleagues.propose(case, **UNLAWFUL)
    receipt = ok(erase(served, case, proposal, proposal))
    assert [entry["event"] for entry in receipt["entries"]] == ["PersonalDataErased"]
    assert not any(path.exists() for path in colleagues.key_files(case, "parent-B"))
    assert all(path.exists() for path in colleagues.key_files(case, "parent-A") + colleagues.key_files(case))
    names = {person["ref"]: person["full_name"] for person in served.get(f"/cases/{case}").json()["persons"]}
    assert names == {"parent-A": "Alma Eksempel", "parent-B": None}
    entries = served.events(case)
    assert (entries[1]["data"]["text"], entries[1]["erased"]) == ("Alma asks", [])
    assert ("text" in entries[2]["data"], entries[2]["erased"]) == (False, ["text"])
    assert entries[5]["data"]["content"] == "About both."
    assert served.events(sibling)[1]["data"]["text"] == "In the other case"
    page = served.get(f"/sager/{case}").text
    assert "En persons oplysninger (parent-B) er slettet" in page
    assert ">slettet<" in page.replace("\n", "")
    assert "navn slettet" in page
    assert "Bent" not in page
    assert CANARY not in page
    shown = office.command.done("case", "show", case, "--purpose", "test")
    assert "parent-B (erased)" in shown
    assert "ERASED text" in shown
    assert CANARY not in shown
    (erased,) = erasures(served, case)["erasures"]
    assert (erased["subject"], erased["approved_by"], erased["proposal"]) == ("parent-B", OFFICER, proposal)
    assert stopped(erase(served, case, receipt["version"], proposal)) == ["PROPOSAL_CLOSED"]


def test_views_of_the_past_show_no_more(served: Api, colleagues: Colleagues) -> None:
    """Erasure is judged now, whatever instant is asked about."""
    case = open_case(served, said_by("parent-B", CANARY), answered(2))
    before = served.events(case)[-1]["recorded_at"]
    assert served.events(case, known_at=before)[1]["data"]["text"] == CANARY
    ok(erase(served, case, 4, colleagues.propose(case, **UNLAWFUL)))
    entry = served.events(case, known_at=before)[1]
    assert (entry["erased"], "text" in entry["data"]) == (["text"], False)
    page = served.get(f"/sager/{case}", known_at=before).text
    assert CANARY not in page
    assert "En persons oplysninger (parent-B) er slettet" in page


def test_the_texts_of_some_entries_are_erased_with_their_documents(
    served: Api, colleagues: Colleagues, office: Office
) -> None:
    """The bytes go at once, from database and content store; the key goes on sealing, other entries stay."""
    case = open_case(served, note(CANARY), note("Kept."))
    filed(file(served, case, 3))
    filed(file(served, case, 4, document="letter-2"))
    assert len(office.files(case)) == 2
    proposal = colleagues.propose(case, ground="unlawful", scope="entries", entries=(2, 4))
    ok(erase(served, case, proposal, proposal))
    entries = served.events(case)
    assert [entry["erased"] for entry in entries[1:5]] == [["content"], [], ["salt"], []]
    assert entries[2]["data"]["content"] == "Kept."
    assert len(office.files(case)) == 1
    problem(bytes_of(served, case, "letter-1"), 410, "document-erased")
    assert bytes_of(served, case, "letter-2").status_code == 200
    assert all(path.exists() for path in colleagues.key_files(case))
    stored = served.query("SELECT length(state) FROM ledger.event WHERE stream = %s AND version = 2", case)[0][0]
    clear = served.query(
        "SELECT substr(segments, 19, 4)::int FROM ledger.event WHERE stream = %s AND version = 2", case
    )
    assert [(stored,)] == clear
    assert "Teksterne i nogle hændelser er slettet" in served.get(f"/sager/{case}").text
    report = office.command.done("verify")
    assert report.startswith("INTACT")
    assert "after erasure of their entry" in report
    assert "1 erased by decision" in office.command("documents", "check").stdout
    again = colleagues.propose(case, ground="unlawful", scope="entries", entries=(2, 4))
    assert stopped(erase(served, case, again, again)) == ["ALREADY_ERASED"]


def test_two_who_decide_at_once_erase_once(served: Api, colleagues: Colleagues) -> None:
    """One wins; the other is told that the case has moved on, and on deciding again that it is decided."""
    case = open_case(served)
    proposal = colleagues.propose(case, **UNLAWFUL)
    start = Barrier(4)

    def decide(_: int) -> Response:
        start.wait()
        return erase(served, case, proposal, proposal)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(decide, range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 412, 412, 412]
    entries = served.events(case)
    assert [entry["event"] for entry in entries].count("PersonalDataErased") == 1
    assert stopped(erase(served, case, len(entries), proposal)) == ["PROPOSAL_CLOSED"]


def test_a_repeat_of_the_decision_gets_the_first_answer(served: Api, colleagues: Colleagues) -> None:
    """Also after the case has moved on; another body under its key is refused."""
    case = open_case(served)
    proposal = colleagues.propose(case, **UNLAWFUL)
    key = str(uuid4())
    first = ok(erase(served, case, proposal, proposal, Idempotency_Key=key))
    ok(served.commit(case, first["version"], note()))
    assert ok(erase(served, case, proposal, proposal, Idempotency_Key=key)) == first
    problem(erase(served, case, proposal, 1, Idempotency_Key=key), 422, "key-reused")


def test_a_process_that_remembers_a_key_seals_nothing_with_it_any_more(served: Api, colleagues: Colleagues) -> None:
    """Another process has erased the case: what is said now would be lost, so it is refused; codes are recorded."""
    case = open_case(served, *kept_long_enough())
    key = colleagues.file(case).key
    assert colleagues.ledger.keys.get(key), "remembered from here on"
    proposal = colleagues.propose(case, **RETENTION)
    version = ok(erase(served, case, proposal, proposal))["version"]
    with pytest.raises(KeyErased):
        colleagues.ledger.keys.get(key)
    problem(propose(served, case, version, SUPERVISOR, **RETENTION), 409, "refused")
    assert colleagues.version(case) == version


def test_what_was_erased_does_not_move_to_another_case(served: Api, colleagues: Colleagues) -> None:
    """The move is refused with the place, and nothing is recorded in either case."""
    case, other = open_case(served, note(CANARY)), open_case(served)
    proposal = colleagues.propose(case, ground="unlawful", scope="entries", entries=(2,))
    version = ok(erase(served, case, proposal, proposal))["version"]
    move = {"entries": [2], "to": other, "to_version": 1, "kind": "wrong_case", "reason": "Not theirs."}
    found = errors(served.post(f"/cases/{case}/moves", move, version=version))
    assert found == [("/entries/0", "names an entry whose texts were erased: they cannot move")]
    assert len(served.events(other)) == 1


def test_what_was_erased_before_is_not_erased_again(served: Api, colleagues: Colleagues) -> None:
    """A second proposal about the same person has nothing left to erase."""
    case = open_case(served)
    one, other = colleagues.propose(case, **UNLAWFUL), colleagues.propose(case, **UNLAWFUL)
    version = ok(erase(served, case, other, one))["version"]
    shown = {proposal["entry"]: proposal for proposal in erasures(served, case)["proposals"]}
    assert (shown[one]["state"], shown[one]["settled_by"], shown[one]["stops"]) == ("decided", [version], [])
    assert [stop["code"] for stop in shown[other]["stops"]] == ["ALREADY_ERASED"]
    assert stopped(erase(served, case, version, other)) == ["ALREADY_ERASED"]


def test_recipients_are_to_be_told(served: Api, colleagues: Colleagues) -> None:
    """Listed with the erasure, a finding until they have been told."""
    case = open_case(served, command("DisclosureMade", SENT))
    ok(erase(served, case, 3, colleagues.propose(case, **UNLAWFUL)))
    assert erasures(served, case)["recipients"] == [
        {"erasure": 4, "recipient": "daycare", "sent": [2], "told_by": None}
    ]
    codes = [item["code"] for item in served.get(f"/cases/{case}/findings").json()["items"]]
    assert "ERASURE_RECIPIENT_NOT_TOLD" in codes
    ok(served.commit(case, 4, command("RecipientTold", {"about": 4, "recipients": ["daycare"]})))
    assert erasures(served, case)["recipients"][0]["told_by"] == 5
    codes = [item["code"] for item in served.get(f"/cases/{case}/findings").json()["items"]]
    assert "ERASURE_RECIPIENT_NOT_TOLD" not in codes


def boards(api: Api, case: str, **asked: str) -> list[tuple[bool, int]]:
    """Return of each board whether it shows the case, and how many erased cases it counts."""
    found: list[tuple[bool, int]] = []
    for path in ("/cases", "/deadlines", "/findings", "/disclosures"):
        response = api.get(path, **asked, **({"limit": "500"} if path == "/cases" else {}))
        assert response.status_code == 200, response.text
        content = response.json()
        found.append((any(row["case"] == case for row in content["items"]), content["erased_cases"]))
    return found


def untold(api: Api, case: str, staff: str = OFFICER, **asked: str) -> list[list[str]]:
    """Return who has still to be told, of each erasure of a case in the list of all cases."""
    with api.acting_as(staff) as other:
        response = other.get("/erasures", **asked)
    assert response.status_code == 200, response.text
    mine = [item for item in response.json()["items"] if item["case"] == case]
    return [[one["recipient"] for one in item["recipients"]] for item in mine]


def test_only_those_whose_work_it_is_propose_read_and_decide(served: Api, colleagues: Colleagues) -> None:
    """A caseworker does none of it, a supervisor proposes, audit looks on; data protection decides."""
    case = open_case(served, command("DisclosureMade", SENT))
    problem(propose(served, case, 2, "u-90", **UNLAWFUL), 403, "forbidden")
    problem(propose(served, case, 2, "u-95", **UNLAWFUL), 403, "forbidden")
    proposal = ok(propose(served, case, 2, SUPERVISOR, **UNLAWFUL))["version"]
    for staff in ("u-90", "u-95", SUPERVISOR):
        with served.acting_as(staff) as other:
            refused = other.post(f"/cases/{case}/erasures", {"proposal": proposal}, version=proposal)
            problem(refused, 403, "forbidden")
    assert colleagues.version(case) == proposal
    ok(erase(served, case, proposal, proposal))
    for staff in ("u-95", SUPERVISOR, OFFICER):
        assert untold(served, case, staff) == [["daycare"]]
    for path in ("/erasures", f"/cases/{case}/erasures"):
        problem(served.get(path), 403, "forbidden")


def test_a_case_is_erased_whole_after_it_was_kept_and_delivered(
    served: Api, colleagues: Colleagues, office: Office
) -> None:
    """Every key of it goes, its rows go from every board, now and in the past; its page says what became of it."""
    facts = command("DisclosureMade", SENT), note(CANARY)
    case = open_case(served, *facts, *kept_long_enough())
    filed_at = 5
    recorded = served.events(case)[-1]["recorded_at"]
    proposal = colleagues.propose(case, **RETENTION)
    assert proposal == filed_at + 1
    until(lambda: boards(served, case)[0][0], "the case is on the board")
    counted = boards(served, case)[0][1]
    receipt = ok(erase(served, case, proposal, proposal))
    assert [entry["event"] for entry in receipt["entries"]] == ["PersonalDataErased"] * 3
    paths = [*colleagues.key_files(case), *colleagues.key_files(case, "parent-A", "parent-B")]
    assert len(paths) == 3
    assert not any(path.exists() for path in paths)
    past = {"known_at": recorded}
    for asked in ({}, past, {"valid_at": recorded}, past | {"valid_at": recorded}):
        assert boards(served, case, **asked) == [(False, counted + 1)] * 4, asked
    left = "SELECT count(*) FROM view.remembered_v1 WHERE key = %s AND view <> 'access'"
    until(lambda: served.query(left, case) == [(0,)], "every remembered row about the case is gone")
    looks = "SELECT count(*) FROM view.remembered_v1 WHERE key = %s AND view = 'access'"
    assert served.query(looks, case) > [(0,)], "who has looked stays"
    page = served.get(f"/sager/{case}")
    assert page.status_code == 200
    assert "Hele sagen er slettet" in page.text
    assert f"afgørelse nr. {proposal + 1}, truffet af {OFFICER}" in page.text
    assert "opbevaringsperioden er udløbet" in page.text
    assert "Eksempel<" not in page.text
    assert CANARY not in page.text
    assert "er slettet siden og vises ikke" in served.get("/sager").text
    assert {entry["erased"][0] for entry in served.events(case) if entry["sealed"]} >= {"content", "documents"}
    assert problem(served.commit(case, receipt["version"], note()), 409, "refused")
    told = {"about": proposal + 1, "recipients": "daycare"}
    said = served.commit(case, receipt["version"], command("RecipientTold", told | {"impossible": CANARY}))
    assert "`channel` instead of `impossible`" in problem(said, 409, "refused")["detail"]
    assert untold(served, case) == [["daycare"]]
    ok(served.commit(case, receipt["version"], command("RecipientTold", told | {"channel": "impossible"})))
    assert untold(served, case) == []
    assert [one["told_by"] for one in erasures(served, case)["recipients"]] == [receipt["version"] + 1]
    assert untold(served, case, known_at=erasures(served, case)["erasures"][0]["recorded_at"]) == [["daycare"]]
    assert served.query(left, case) == [(0,)]


def test_proofs_and_views_survive_erasure_and_removal(served: Api, colleagues: Colleagues, office: Office) -> None:
    """INTACT and equal row for row, before the bytes are removed and after; removing again removes nothing."""
    command_line = office.command
    case = open_case(served, said_by("parent-B", "Bent asks"), answered(2))
    ok(erase(served, case, 4, colleagues.propose(case, **UNLAWFUL)))

    def well() -> str:
        report = command_line.done("verify")
        assert report.startswith("INTACT")
        views = command_line.done("replay", "verify").splitlines()
        assert all(line.endswith("equal row for row") for line in views), views
        return report

    well()
    with connected(office.place, "caseledger_app") as application, pytest.raises(NotTheOwner, match="OWNER_URL"):
        remove_ciphertext(colleagues.ledger, application, command_line_principal("test", internal=True))
    answer, board = served.events(case), served.get("/cases", limit=500).json()["items"]
    removed = command_line.done("erasure", "remove-ciphertext").splitlines()
    assert f"case {case}: sealed bytes of 2 entries removed" in removed
    report = well()
    assert "sealed segments: " in report
    assert "after erasure of their key" in report
    assert served.events(case)[:5] == answer
    assert served.events(case)[5]["event"] == "CiphertextRemoved"
    shown = erasures(served, case)["erasures"][0]
    assert shown["ciphertext_removed_from"] == 2, "the request and the registration of the person"
    assert [row["case"] for row in served.get("/cases", limit=500).json()["items"]] == [row["case"] for row in board]
    size = served.written()
    assert command_line.done("erasure", "remove-ciphertext") == "Removed the sealed bytes of 0 entries.\n"
    assert served.written() == size
    well()
    rebuilt = command_line.done("replay", "rebuild").splitlines()
    assert all(line.endswith("equal row for row") for line in rebuilt), rebuilt
    assert command_line.done("erasure", "apply") == (
        "Destroyed 0 keys, removed 0 files and the sealed bytes of 0 entries.\n"
    )


def test_a_restored_key_is_destroyed_again(served: Api, colleagues: Colleagues, office: Office) -> None:
    """At once nobody reads by it; `apply` and the next start of the service destroy it again."""
    case = open_case(served, said_by("parent-B", CANARY), answered(2))
    (path,) = colleagues.key_files(case, "parent-B")
    older = path.read_bytes()
    ok(erase(served, case, 4, colleagues.propose(case, **UNLAWFUL)))
    for destroy in ("apply", "start"):
        path.write_bytes(older)
        assert CANARY not in served.get(f"/cases/{case}/events").text
        assert "(erased)" in office.command.done("case", "show", case, "--purpose", "test")
        if destroy == "apply":
            assert office.command.done("erasure", "apply").startswith("Destroyed 1 keys")
        else:
            with serving(office.variables, office.log) as again, talking_to(again.url, office.place.conninfo) as api:
                until(lambda: not path.exists(), "the key is destroyed at the start")
                assert CANARY not in api.get(f"/cases/{case}/events").text
        assert not path.exists()
