"""Clocks, consents, findings and dossiers over HTTP, and the gates before a disclosure and a decision."""

from collections.abc import Generator
from typing import Any

import pytest

from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from tests.api.client import CANARY, Api, Response, command, errors, note, problem, talking_to
from tests.api.service import environment, serving, until
from tests.conftest import BEGINS_AT, Server, Template, clone

DISCLOSURE: dict[str, Any] = {
    "to": "daycare",
    "about": ["child-A"],
    "data_categories": ["social"],
    "purpose": CANARY,
    "recipient_confirmed": True,
}
DECISION: dict[str, Any] = {
    "decision": "dec-1",
    "outcome": "grant",
    "legal_basis": ["barnets lov § 32 stk. 1 nr. 5"],
    "competence_ref": "deleg-1",
    "purpose": CANARY,
    "expected_duration": "P6M",
    "child_view": 2,
    "complaint_guidance": True,
}


@pytest.fixture(scope="module")
def ruled(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Api]:
    """A client of a service whose ledger has adopted the shipped rules."""
    folder = tmp_path_factory.mktemp("ruled")
    home = folder / "home"
    for place in clone(server, simulated_template, home):
        with place.ledger() as ledger:
            adopt_shipped(ledger, command_line_principal("test"), BEGINS_AT)
        with (
            serving(environment(place.conninfo, home), folder / "errors.log") as service,
            talking_to(service.url, place.conninfo) as client,
        ):
            yield client


def given(**changes: Any) -> dict[str, Any]:
    """Return a consent to share social data of the child with daycare."""
    data: dict[str, Any] = {
        "consent": "c-1",
        "kind": "disclosure",
        "given_by": "parent-A",
        "capacity": "custody_holder",
        "on_behalf_of": "child-A",
        "scope": ["daycare"],
        "data_categories": ["social"],
        "form": "oral",
        "valid_from": "2026-03-01",
    }
    return command("ConsentGiven", data | changes)


def received() -> dict[str, Any]:
    """Return a notification about the child."""
    data = {"notifier_kind": "private", "identity_known": True, "channel": "phone", "about": ["child-A"]}
    return command("NotificationReceived", data | {"received_at": "2026-03-04T14:00:00+01:00"})


def latest(api: Api, case: str) -> dict[str, Any]:
    """Return the last entry of a case."""
    return api.events(case)[-1]


def ok(response: Response) -> dict[str, Any]:
    """Return the content of an answer that succeeded."""
    assert response.status_code in (200, 201), response.text
    return response.json()


def test_a_clock_tells_its_rule_and_how_it_stands(ruled: Api) -> None:
    """Duty, source with its mark, start, due date to the second, and that it is broken."""
    case = ruled.open_case(received())
    answer = ok(ruled.get(f"/cases/{case}/deadlines"))
    (clock,) = [item for item in answer["items"] if item["rule"] == "UND-24H"]
    assert (clock["due"], clock["status"], clock["trigger"]) == ("2026-03-05T13:00:00.000000Z", "breached", 2)
    assert clock["duty"]["da"].startswith("Vurdér")
    assert (clock["level"], clock["verification"]) == ("statute", "duration V, number M")
    assert clock["due_dates"] == [
        {"due": clock["due"], "known_from": 2, "recorded_at": clock["due_dates"][0]["recorded_at"]}
    ]
    assert {book["rule_book"] for book in answer["rule_books"]} >= {"statute", "smaaboernsteam_001"}
    assert latest(ruled, case)["event"] == "NotificationReceived"


def test_as_of_before_the_notification_nothing_runs(ruled: Api) -> None:
    """What had not happened by then starts no clock."""
    case = ruled.open_case(received())
    answer = ok(ruled.get(f"/cases/{case}/deadlines", valid_at="2026-03-04T12:00:00+01:00"))
    assert answer["items"] == []


def test_a_moved_due_date_keeps_the_former_one(ruled: Api) -> None:
    """A revised due date shows what it was and since when each was known."""
    registered = command("PregnancyRegistered", {"person": "parent-A", "due_date": "2026-06-24"})
    case = ruled.open_case(registered, programme="spaed_smaabarnsteam_002")
    ok(
        ruled.commit(
            case,
            2,
            command(
                "EntryCorrected",
                {"corrects": 2, "field": "due_date", "old": "2026-06-24", "new": "2026-06-30", "reason": "Scan"},
            ),
        )
    )
    items = ok(ruled.get(f"/cases/{case}/deadlines"))["items"]
    (window,) = [item for item in items if item["rule"] == "BL49-NOT-BEFORE"]
    assert window["not_before"] == "2026-03-29T22:00:00.000000Z"
    (package,) = [item for item in items if item["rule"] == "P002-GA20"]
    assert [change["due"][:10] for change in package["due_dates"]] == ["2026-06-24", "2026-06-30"]
    assert [change["known_from"] for change in package["due_dates"]] == [2, 3]


def test_the_board_shows_all_cases_and_the_past(ruled: Api) -> None:
    """A clock stands on the board with its case; before it was recorded it does not; a wrong level is nothing."""
    case = ruled.open_case(received())

    def mine(**parameters: str) -> list[dict[str, Any]]:
        return [item for item in ok(ruled.get("/deadlines", **parameters))["items"] if item["case"] == case]

    def followed() -> bool:
        return {"UND-24H", "UND-RECEIPT-6HV"} <= {item["rule"] for item in mine()}

    until(followed, "the view to follow")
    assert {item["level"] for item in mine(level="statute")} == {"statute"}
    assert mine(known_at="2026-01-01T00:00:00Z") == []
    assert {item["status"] for item in mine(status="breached")} == {"breached"}
    seen = {item["rule"]: item["status"] for item in mine(valid_at="2026-03-04T15:00:00Z")}
    assert seen["UND-24H"] == "open"


def test_boards_of_findings_and_disclosures(ruled: Api) -> None:
    """What was disclosed without cover stands on both."""
    made = {
        "to": "school",
        "basis": "consent",
        "consents": ["c-9"],
        "data_categories": ["social"],
        "documents": [CANARY],
        "purpose": CANARY,
    }
    case = ruled.open_case(command("DisclosureMade", made))

    def rows(path: str, **parameters: str) -> list[dict[str, Any]]:
        answer = ok(ruled.get(path, **parameters))
        assert CANARY not in repr(answer)
        return [item for item in answer["items"] if item["case"] == case]

    until(lambda: rows("/disclosures", uncovered="true"), "the view to follow")
    (disclosure,) = rows("/disclosures", uncovered="true")
    assert (disclosure["by_record_then"], disclosure["gaps"]) == ("not_covered", ["not_given"])
    until(lambda: rows("/findings"), "the view to follow")
    assert {"DISCLOSURE_NOT_COVERED", "REPORTED_WITHOUT_GATE"} <= {item["code"] for item in rows("/findings")}
    assert {item["level"] for item in rows("/findings", level="internal")} == {"internal"}


def test_disclosures_of_a_case(ruled: Api) -> None:
    """The same that stand with its consents, and none as of an instant before they were made."""
    made = {"to": "school", "basis": "consent", "consents": ["c-9"], "data_categories": ["social"], "purpose": "p"}
    case = ruled.open_case(command("DisclosureMade", made | {"documents": []}))
    answer = ok(ruled.get(f"/cases/{case}/disclosures"))
    assert answer["items"] == ok(ruled.get(f"/cases/{case}/consents"))["disclosures"]
    assert [(one["version"], one["by_all_facts"]["answer"]) for one in answer["items"]] == [(2, "not_covered")]
    assert ok(ruled.get(f"/cases/{case}/disclosures", valid_at="2026-03-04T12:00:00+01:00"))["items"] == []


def test_consents_with_their_uses(ruled: Api) -> None:
    """Status, scope, periods, and each disclosure on both clocks."""
    case = ruled.open_case(given())
    ok(ruled.post(f"/cases/{case}/disclosures", DISCLOSURE, version=2))
    answer = ok(ruled.get(f"/cases/{case}/consents"))
    (consent,) = answer["consents"]
    assert (consent["status"], consent["scope_left"], len(consent["periods"])) == ("in_force", ["daycare"], 1)
    (use,) = answer["disclosures"]
    assert (use["by_record_then"]["answer"], use["by_all_facts"]["answer"]) == ("covered", "covered")
    assert answer["support"] == {"holders": [], "missing": [], "satisfied": True}


def test_a_covered_disclosure_passes_its_gate(ruled: Api) -> None:
    """The gate finds the consent by itself; the entry is not marked as reported without gate."""
    case = ruled.open_case(given())
    ok(ruled.post(f"/cases/{case}/disclosures", DISCLOSURE, version=2))
    made = latest(ruled, case)
    assert (made["event"], made["data"]["consents"], made["reported_without_gate"]) == (
        "DisclosureMade",
        ["c-1"],
        False,
    )


def test_an_uncovered_disclosure_is_stopped_and_the_stop_is_on_record(ruled: Api) -> None:
    """The answer names what is missing; a repeat gets the same; nothing was disclosed."""
    case = ruled.open_case(given())
    body = DISCLOSURE | {"data_categories": ["social", "health"]}
    first = ruled.post(f"/cases/{case}/disclosures", body, version=2, Idempotency_Key="stop-1")
    stopped = problem(first, 409, "refused")
    assert stopped["stops"] == ["category:child-A:health"]
    assert ruled.post(f"/cases/{case}/disclosures", body, version=2, Idempotency_Key="stop-1").json() == first.json()
    assert [entry["event"] for entry in ruled.events(case)] == ["CaseOpened", "ConsentGiven", "GateStopped"]


def test_an_override_needs_a_reason_and_is_on_record(ruled: Api) -> None:
    """The gates passed stand in clear, the reason is sealed."""
    case = ruled.open_case()
    ok(ruled.post(f"/cases/{case}/disclosures", DISCLOSURE | {"override_reason": CANARY}, version=1))
    made = latest(ruled, case)
    assert made["data"]["overridden_gates"] == ["no_consent_named"]
    assert "override_reason" in made["sealed"]


def test_a_stated_law_needs_no_consent(ruled: Api) -> None:
    """Sharing on a statutory basis is lawful; without the law it is stopped."""
    case = ruled.open_case()
    stated = DISCLOSURE | {"basis": "law", "legal_basis": ["retssikkerhedsloven § 11 c"]}
    ok(ruled.post(f"/cases/{case}/disclosures", stated, version=1))
    silent = ruled.post(f"/cases/{case}/disclosures", DISCLOSURE | {"basis": "law"}, version=2)
    assert problem(silent, 409, "refused")["stops"] == ["basis_not_stated"]


def test_a_protected_person_is_kept_from_another_however_good_the_reason(ruled: Api) -> None:
    """What the other party must not learn no reason lets pass."""
    protected = command("ProtectionRecorded", {"person": "child-A", "kind": "address"})
    case = ruled.open_case(protected)
    body = DISCLOSURE | {"to": "parent-A", "basis": "emergency", "override_reason": CANARY}
    assert problem(ruled.post(f"/cases/{case}/disclosures", body, version=2), 409, "refused")["stops"] == [
        "protected:child-A"
    ]


def test_asking_the_gate_records_a_look_and_nothing_else(ruled: Api) -> None:
    """May I share this: the answer without the act."""
    case = ruled.open_case(given())
    written = ruled.written()
    answer = ok(ruled.post(f"/cases/{case}/disclosures/check", DISCLOSURE))
    assert (answer["open"], answer["consents"], answer["missing"]) == (True, ["c-1"], [])
    closed = ok(ruled.post(f"/cases/{case}/decisions/check", {"decision": DECISION}))
    assert not closed["open"]
    assert {"CHILD_VIEW_MISSING", "SUPPORT_WITHOUT_INVESTIGATION"} <= {stop["code"] for stop in closed["stops"]}
    assert ruled.written() == written


def test_a_decision_is_stopped_overridden_and_bound(ruled: Api) -> None:
    """Stopped with what stands against it; with a reason for each gate it is made, bound to position and root."""
    case = ruled.open_case(command("ChildViewObtained", {"method": "conversation", "reason": CANARY}))
    stopped = problem(ruled.post(f"/cases/{case}/decisions", {"decision": DECISION}, version=2), 409, "refused")
    assert set(stopped["stops"]) == {"SUPPORT_WITHOUT_CONSENT", "SUPPORT_WITHOUT_INVESTIGATION"}
    look = ok(ruled.get(f"/cases/{case}"))["access_event"]
    size = ruled.size()
    body = {"decision": DECISION, "overrides": dict.fromkeys(stopped["stops"], CANARY)}
    ok(ruled.post(f"/cases/{case}/decisions", body, version=3))
    made = latest(ruled, case)
    assert (made["event"], made["reported_without_gate"]) == ("DecisionMade", False)
    assert set(made["data"]["overridden_gates"]) == set(stopped["stops"])
    assert (made["data"]["log_position"], made["data"]["seen"]) == (size, look)
    assert len(made["data"]["log_root"]) == 64
    dossier = ok(ruled.get(f"/cases/{case}/decisions/4/dossier"))
    assert (dossier["decision"], dossier["lamps"]["child_view"], dossier["lamps"]["hearing"]) == (
        "dec-1",
        "yes",
        "not_stated",
    )
    assert (dossier["made"]["data"]["purpose"], dossier["read_by"]) == (CANARY, None)


def test_some_stops_no_reason_lets_pass(ruled: Api) -> None:
    """A placement at birth before its window opens is not made, whatever the reason."""
    due = command("PregnancyRegistered", {"person": "parent-A", "due_date": "2030-01-20"})
    case = ruled.open_case(command("ChildViewObtained", {"method": "not_applicable_unborn", "reason": CANARY}), due)
    body = {
        "decision": DECISION | {"kind": "placement_prebirth", "legal_basis": ["barnets lov § 49"], "grounds": CANARY},
        "overrides": dict.fromkeys(
            ("SECTION_49_TOO_EARLY", "HEARING_MISSING", "PLAN_BEFORE_PLACEMENT_MISSING"), CANARY
        ),
    }
    assert problem(ruled.post(f"/cases/{case}/decisions", body, version=3), 409, "refused")["stops"] == [
        "SECTION_49_TOO_EARLY"
    ]


MALFORMED: list[tuple[str, dict[str, Any], str]] = [
    ("disclosures", {"to": "daycare"}, "/data_categories"),
    ("disclosures", DISCLOSURE | {"data_categories": []}, "/data_categories"),
    ("disclosures", DISCLOSURE | {"colour": CANARY}, "/colour"),
    ("decisions", {"decision": {"decision": "d"}}, "/decision/outcome"),
    ("decisions", {"decision": DECISION | {"log_position": 4}}, "/decision/log_position"),
    ("decisions", {"decision": DECISION | {"child_view": 99}}, "/data/child_view"),
    ("decisions", {"decision": DECISION | {"expected_duration": 6}}, "/decision/expected_duration"),
    ("decisions", {"decision": DECISION, "overrides": {"X": ""}}, "/overrides/X"),
]


@pytest.mark.parametrize(("path", "body", "place"), MALFORMED)
def test_a_malformed_act_is_refused_by_field(ruled: Api, path: str, body: dict[str, Any], place: str) -> None:
    """Nothing is written, and the field is named."""
    case = ruled.open_case(command("ChildViewObtained", {"method": "conversation", "reason": CANARY}))
    written = ruled.written()
    found = [where for where, _ in errors(ruled.post(f"/cases/{case}/{path}", body, version=2))]
    assert place in found or any(where.startswith(place) for where in found), found
    assert ruled.written() == written


def test_what_is_no_decision_has_no_dossier(ruled: Api) -> None:
    """Another entry, one that is not there, and a case that is not there are not found."""
    case = ruled.open_case(note())
    for version in (1, 2, 99):
        problem(ruled.get(f"/cases/{case}/decisions/{version}/dossier"), 404, "not-found")
    problem(ruled.get(f"/cases/{case}/decisions/x/dossier"), 400, "bad-request")
    problem(ruled.get("/cases/00000000-0000-0000-0000-000000000000/deadlines"), 404, "not-found")
    problem(ruled.get("/deadlines", knownat="2026-01-01T00:00:00Z"), 400, "bad-request")


@pytest.mark.parametrize(
    ("facts", "place", "reason"),
    [
        (
            [command("ChildBorn", {"child": "child-A", "mother": "parent-A"})] * 2,
            "/commands/1/data/child",
            "is born already",
        ),
        (
            [
                command(
                    "AssessmentRecorded",
                    {
                        "instrument": "trivselslinealen",
                        "about": "child-A",
                        "result_kind": "score",
                        "score": 7,
                        "scale_min": 1,
                        "scale_max": 5,
                    },
                )
            ],
            "/commands/0/data/score",
            "outside its own scale",
        ),
        ([given(valid_to="2026-02-01")], "/commands/0/data/valid_to", "before valid_from"),
    ],
)
def test_what_cannot_have_happened_is_refused(ruled: Api, facts: list[dict[str, Any]], place: str, reason: str) -> None:
    """A second birth of a child, a score off its own scale, a consent that ends before it begins."""
    case = ruled.open_case()
    found = errors(ruled.commit(case, 1, *facts))
    assert any(where.startswith(place.rpartition("/")[0]) and reason in why for where, why in found), found
    assert len(ruled.events(case)) == 1


def test_a_correction_of_another_case_or_an_annulled_entry_is_refused(ruled: Api) -> None:
    """An entry of another case is not here; an annulled one has no values to correct."""
    case = ruled.open_case(note())
    away = command("EntryCorrected", {"corrects": 40, "field": "channel", "old": "phone", "new": "mail", "reason": "x"})
    assert "entry" in errors(ruled.commit(case, 2, away))[0][1]
    ok(ruled.commit(case, 2, command("EntryAnnulled", {"annuls": 2, "reason": "x"})))
    gone = command("EntryCorrected", {"corrects": 2, "field": "channel", "old": "phone", "new": "mail", "reason": "x"})
    assert "annulled" in errors(ruled.commit(case, 3, gone))[0][1]
