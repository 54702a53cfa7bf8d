"""Disclosures over HTTP: what passes the gate and what is kept of it, what has gone out, and who was told."""

from collections.abc import Generator

import pytest

from tests.api.client import CANARY, Api, command, errors, problem
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
