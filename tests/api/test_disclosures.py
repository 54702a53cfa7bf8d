"""Disclosures over HTTP: what passes the gate and what is kept of it, what has gone out, and who was told."""

from collections.abc import Generator
from typing import Any

import pytest

from tests.api.client import CANARY, MARCH, Api, command, errors, problem
from tests.api.filing import annulled, file, filed, offices
from tests.api.test_rules import DISCLOSURE, given, latest, ok
from tests.conftest import Server, Template


@pytest.fixture(scope="module")
def api(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Api]:
    """A client of a service with documents."""
    for office in offices(server, simulated_template, tmp_path_factory.mktemp("disclosures")):
        with office.serving() as client:
            yield client


def test_what_it_rests_on_and_what_went_out_is_kept_as_entries(api: Api) -> None:
    """The entry that gave the consent, the filed document, the person there, and that the recipient was confirmed."""
    case = api.open_case(given(), given(consent="c-2", scope=["school"]))
    filed(file(api, case, 3, subjects=["child-A"]))
    more = {"documents_filed": [{"document": "letter-1", "version": 1}], "documents": [CANARY]}
    ok(api.post(f"/cases/{case}/disclosures", DISCLOSURE | more | {"recipient_person": "manager"}, version=4))
    data = latest(api, case)["data"]
    assert (data["consents"], data["consent_entries"], data["documents_filed"]) == (["c-1"], [2], [4])
    assert (data["recipient_person"], data["recipient_confirmed"], data["documents"]) == ("manager", True, [CANARY])
    assert "document_hashes" not in data


def test_what_it_rested_on_does_not_follow_the_register_of_today(api: Api) -> None:
    """Withdrawn, given anew: the disclosure still names the entry that allowed it."""
    case = api.open_case(given())
    ok(api.post(f"/cases/{case}/disclosures", DISCLOSURE, version=2))
    taken_back = command("ConsentWithdrawn", {"consent": "c-1", "withdrawn_by": "parent-A", "channel": "phone"})
    ok(api.commit(case, 3, taken_back, given()))
    ok(api.post(f"/cases/{case}/disclosures", DISCLOSURE, version=5))
    made = [entry["data"]["consent_entries"] for entry in api.events(case) if entry["event"] == "DisclosureMade"]
    assert made == [[2], [5]]


def test_an_unconfirmed_recipient_stops_it_whatever_the_reason(api: Api) -> None:
    """Absent or false: stopped, on record, and told beforehand by the check."""
    case = api.open_case(given())
    for version, said in ((2, {}), (3, {"recipient_confirmed": False, "override_reason": CANARY})):
        body = {name: value for name, value in DISCLOSURE.items() if name != "recipient_confirmed"} | said
        stopped = problem(api.post(f"/cases/{case}/disclosures", body, version=version), 409, "refused")
        assert stopped["stops"] == ["RECIPIENT_NOT_CONFIRMED"]
        assert latest(api, case)["data"]["findings"] == ["RECIPIENT_NOT_CONFIRMED"]
        checked = ok(api.post(f"/cases/{case}/disclosures/check", body))
        assert (checked["open"], checked["missing"], checked["not_overridable"]) == (False, [], stopped["stops"])


def test_a_document_that_cannot_go_out_is_refused_by_place(api: Api) -> None:
    """Unknown, of another case, annulled, and withheld; nothing is written, and the check says the same."""
    other, case = api.open_case(), api.open_case(given())
    filed(file(api, other, 1, document="theirs"))
    for version, document in ((2, "mistaken"), (3, "strange"), (4, "right")):
        filed(file(api, case, version, document=document))
    annulled(api, case, 5, 3, "mistake")
    annulled(api, case, 6, 4, "wrong_person")
    named = [{"document": name, "version": 1} for name in ("right", "theirs", "mistaken", "strange")]
    body = DISCLOSURE | {"documents_filed": [*named, {"document": "right", "version": 2}], "override_reason": CANARY}
    written = api.written()
    refused = errors(api.post(f"/cases/{case}/disclosures", body, version=7))
    assert [place for place, _ in refused] == [f"/documents_filed/{index}" for index in (1, 2, 3, 4)]
    assert errors(api.post(f"/cases/{case}/disclosures/check", body)) == refused
    for wrong in ("right", {"document": "right"}, {"document": "right", "version": 0}):
        found = errors(api.post(f"/cases/{case}/disclosures", DISCLOSURE | {"documents_filed": [wrong]}, version=7))
        assert found[0][0].startswith("/documents_filed/0")
    assert api.written() == written


def test_a_protected_person_is_not_sent_in_a_document_either(api: Api) -> None:
    """The letter is about the child; the request names the mother alone; no reason lets it pass."""
    case = api.open_case(given(), command("ProtectionRecorded", {"person": "child-A", "kind": "existence"}))
    filed(file(api, case, 3, subjects=["child-A"]))
    body = DISCLOSURE | {
        "to": "parent-A",
        "about": ["parent-A"],
        "basis": "law",
        "legal_basis": ["forvaltningsloven § 9"],
        "documents_filed": [{"document": "letter-1", "version": 1}],
        "override_reason": CANARY,
    }
    stopped = problem(api.post(f"/cases/{case}/disclosures", body, version=4), 409, "refused")
    assert stopped["stops"] == ["protected:child-A"]
    nobody = body | {"about": [], "documents_filed": []}
    assert problem(api.post(f"/cases/{case}/disclosures", nobody, version=5), 409, "refused")["stops"] == [
        "protected:child-A"
    ]
    assert {entry["event"] for entry in api.events(case)[4:]} == {"GateStopped"}


def test_the_check_offers_law_before_consent(api: Api) -> None:
    """What could carry it without consent, each marked for confirmation; none is chosen."""
    case = api.open_case()
    answer = ok(api.post(f"/cases/{case}/disclosures/check", DISCLOSURE | {"data_categories": ["health"]}))
    assert answer["missing"] == ["no_consent_named"]
    bases = {basis["citation"]: basis for basis in answer["statutory_bases"]}
    assert "sundhedsloven §§ 41 og 43(2)" in bases
    assert {basis["to_be_confirmed"] for basis in bases.values()} == {True}
    assert list(answer).index("statutory_bases") < list(answer).index("consents")


def taken_back(**changes: Any) -> dict[str, Any]:
    """Return the withdrawal of the consent, by phone."""
    data = {"consent": "c-1", "withdrawn_by": "parent-A", "channel": "phone"}
    return command("ConsentWithdrawn", data | changes, occurred_at="2026-03-04T11:30:00+01:00")


def made(happened: str, **changes: Any) -> dict[str, Any]:
    """Return a disclosure that was made without the gate, on the consent."""
    data: dict[str, Any] = {
        "to": "daycare",
        "basis": "consent",
        "consents": ["c-1"],
        "data_categories": ["social"],
        "documents": [CANARY],
        "purpose": CANARY,
        "recipient_person": "manager",
    }
    return command("DisclosureMade", data | changes, occurred_at=f"2026-03-04T{happened}:00+01:00")


def consent_of(api: Api, case: str, **parameters: str) -> dict[str, Any]:
    """Return the consent as the case's consents show it."""
    (found,) = ok(api.get(f"/cases/{case}/consents", **parameters))["consents"]
    return found


@pytest.fixture
def shared(api: Api) -> str:
    """A case whose consent was given in the morning and used at 10:00 and 11:38; four entries."""
    return api.open_case(given() | {"occurred_at": "2026-03-04T09:00:00+01:00"}, made("10:00"), made("11:38"))


def test_the_receipt_of_a_withdrawal_lists_what_had_gone_out(api: Api, shared: str) -> None:
    """Said at 11:30 and typed later: what went out in between is marked, and nobody has been told."""
    rows = ok(api.commit(shared, 4, taken_back()))["gone_out"]
    assert [(row["entry"], row["made"], row["withdrawn_by_entries"]) for row in rows] == [
        (3, "before", [5]),
        (4, "between", [5]),
    ]
    first, second = rows
    assert (first["to"], first["recipient_person"], first["given_by_entry"]) == (["daycare"], "manager", 2)
    assert first["told"] == [{"recipient": "daycare", "entry": None}]
    assert (first["by_record_then"]["answer"], first["by_all_facts"]["answer"]) == ("covered", "covered")
    assert (second["by_record_then"]["answer"], second["by_all_facts"]["answer"]) == ("covered", "not_covered")
    assert CANARY not in repr(rows)
    assert consent_of(api, shared)["gone_out"] == rows


def test_a_repeat_gets_the_same_list_whatever_was_recorded_since(api: Api, shared: str) -> None:
    """The receipt is that of its commit; the consent's own list goes on."""
    first = api.commit(shared, 4, taken_back(), Idempotency_Key="withdrawal-1")
    told = command("RecipientTold", {"about": 5, "recipients": "daycare", "channel": "phone"})
    ok(api.commit(shared, 5, told, made("13:00", to="school", consents=["c-9"])))
    again = api.commit(shared, 4, taken_back(), Idempotency_Key="withdrawal-1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert [row["told"][0]["entry"] for row in consent_of(api, shared)["gone_out"]] == [6, 6]


def test_other_commits_have_no_such_list(api: Api, shared: str) -> None:
    """Null where no consent was taken back; empty where one was and nothing had gone out on it."""
    assert ok(api.commit(shared, 4, given(consent="c-2")))["gone_out"] is None
    assert ok(api.commit(shared, 5, taken_back(consent="c-2")))["gone_out"] == []


def test_what_was_moved_away_since_is_in_no_list(api: Api, shared: str) -> None:
    """A disclosure of another family, also in the answer to a repeat."""
    ok(api.commit(shared, 4, taken_back(), Idempotency_Key="withdrawal-2"))
    annulled(api, shared, 5, 4, "wrong_case")
    again = ok(api.commit(shared, 4, taken_back(), Idempotency_Key="withdrawal-2"))
    assert [row["entry"] for row in again["gone_out"]] == [3]
    assert [row["entry"] for row in consent_of(api, shared)["gone_out"]] == [3]


def test_a_new_consent_reopens_nothing(api: Api, shared: str) -> None:
    """Old disclosures still show the withdrawal; asked as of before it, nothing is listed."""
    ok(api.commit(shared, 4, taken_back()))
    ok(api.commit(shared, 5, given() | {"occurred_at": "2026-03-04T12:00:00+01:00"}))
    ok(api.post(f"/cases/{shared}/disclosures", DISCLOSURE, version=6))
    found = consent_of(api, shared)
    assert (found["status"], [row["entry"] for row in found["gone_out"]]) == ("in_force", [3, 4])
    assert consent_of(api, shared, valid_at="2026-03-04T11:00:00+01:00")["gone_out"] == []


def test_sharing_is_stopped_from_the_withdrawal_on(api: Api, shared: str) -> None:
    """The consent named is withdrawn; with a reason it is made, and stands with those to be told of."""
    ok(api.commit(shared, 4, taken_back()))
    body = DISCLOSURE | {"consents": ["c-1"], "about": []}
    stopped = problem(api.post(f"/cases/{shared}/disclosures", body, version=5), 409, "refused")
    assert stopped["stops"] == ["withdrawn:c-1"]
    ok(api.post(f"/cases/{shared}/disclosures", body | {"override_reason": CANARY}, version=6))
    row = consent_of(api, shared)["gone_out"][-1]
    assert (row["entry"], row["made"], row["given_by_entry"]) == (7, "after", 2)
    codes = {item["code"] for item in ok(api.get(f"/cases/{shared}/findings"))["items"] if item["entry"] == 7}
    assert {"DISCLOSURE_GATE_OVERRIDDEN", "DISCLOSURE_NOT_COVERED", "RECIPIENT_NOT_TOLD"} <= codes


def test_documents_in_the_list_carry_their_commitment(api: Api) -> None:
    """Which version of which document, and what proves its content."""
    case = api.open_case(given())
    receipt = filed(file(api, case, 2))
    body = DISCLOSURE | {"documents_filed": [{"document": "letter-1", "version": 1}]}
    ok(api.post(f"/cases/{case}/disclosures", body, version=3))
    (row,) = ok(api.commit(case, 4, taken_back() | {"occurred_at": MARCH}))["gone_out"]
    commitment = receipt["filed"]["commitment"]
    assert row["documents"] == [{"entry": 3, "document": "letter-1", "version": 1, "commitment": commitment}]
