"""A decision that is prepared in a case of its own and sent for approval."""

from typing import Any

from tests.api.client import Api, Response, note

DECISION: dict[str, Any] = {
    "decision": "d-1", "outcome": "grant", "legal_basis": "barnets lov § 32 stk. 1 nr. 5", "facts": [2],
    "grounds": "Fordi barnet trives dårligt.", "about": "child-A", "measure": "familiebehandling",
}  # fmt: skip


def submit(api: Api, case: str, version: int = 2, **changes: Any) -> Response:
    """Send a decision for approval, with a reason for each stop that a reason passes."""
    body = {"decision": DECISION, "approver_role": "team_leader"} | changes
    stops = api.post(f"/cases/{case}/decisions/check", {"decision": body["decision"]}).json()["stops"]
    reasons = {one["code"]: "Barnet kan ikke vente." for one in stops}
    return api.post(f"/cases/{case}/submissions", {"overrides": reasons} | body, version=version)


def prepared(api: Api, **changes: Any) -> str:
    """Open a case and send a decision in it for the leader's approval, entry 3; return the id of the case."""
    case = api.open_case(note("Kommer ofte for sent til sundhedsplejersken."), **changes)
    sent = submit(api, case)
    assert sent.status_code == 201, sent.text
    return case
