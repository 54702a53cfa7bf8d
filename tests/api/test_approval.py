"""Four eyes over HTTP: sent for approval, approved or returned by somebody else, over the API and on pages."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from html import unescape
from typing import Any
from uuid import UUID

import pytest

from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from tests.api.client import Api, Response, errors, note, problem, talking_to
from tests.api.preparing import DECISION, submit
from tests.api.service import environment, serving
from tests.api.writing import hidden, page, receipt, send, words, written
from tests.conftest import BEGINS_AT, Server, Template, clone

SENDER, COLLEAGUE, LEADER, AUDITOR = "u-90", "u-25", "u-12", "u-95"
TYPED = DECISION | {"decision": "ny", "facts": ["2"]}


@pytest.fixture(scope="module")
def api(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Api]:
    """A client of a service whose ledger has adopted the shipped rules."""
    folder = tmp_path_factory.mktemp("approval")
    home = folder / "home"
    for place in clone(server, simulated_template, home):
        with place.ledger() as ledger:
            adopt_shipped(ledger, command_line_principal("test"), BEGINS_AT)
        with (
            serving(environment(place.conninfo, home), folder / "errors.log") as service,
            talking_to(service.url, place.conninfo, SENDER) as client,
        ):
            yield client


@pytest.fixture(scope="module")
def staff(api: Api) -> Generator[dict[str, Api]]:
    """A client for each of them."""
    with ExitStack() as stack:
        yield {who: stack.enter_context(api.acting_as(who)) for who in (SENDER, COLLEAGUE, LEADER, AUDITOR)}


@pytest.fixture
def case(api: Api) -> str:
    """A case with a note to decide on, entry 2."""
    return api.open_case(note("Kommer ofte for sent til sundhedsplejersken."))


def stops(answer: Response) -> list[str]:
    """Return what stopped an act."""
    return problem(answer, 409, "refused")["stops"]


def answer(api: Api, case: str, how: str, version: int, body: dict[str, Any] | None = None, of: int = 3) -> Response:
    """Answer a submission."""
    return api.post(f"/cases/{case}/submissions/{of}/{how}", body or {}, version=version)


def names(answer: Response) -> list[str]:
    """Return the names of what was recorded."""
    assert answer.status_code == 201, answer.text
    return [one["event"] for one in answer.json()["entries"]]


class TestApi:
    """What programs do."""

    def test_approval_and_decision_are_one_commit(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """The decision says what was sent, who prepared and who approved it; texts and reasons come along."""
        assert names(submit(api, case, approver=LEADER)) == ["DecisionSubmitted"]
        approved = answer(staff[LEADER], case, "approval", 3, {"remarks": "Følg op om en måned."})
        assert names(approved) == ["DecisionApproved", "DecisionMade"]
        (sent,), (made,) = written(api, case, "DecisionSubmitted"), written(api, case, "DecisionMade")
        assert (sent["prepared_on"], sent["approver"]) == (2, LEADER)
        assert made.items() >= DECISION.items()
        assert (made["submission"], made["prepared_by"], made["approved_by"]) == (3, SENDER, LEADER)
        assert made["overridden_gates"] == sent["overridden_gates"]
        assert made["override_reason"] == sent["override_reason"]
        assert made["log_position"] > sent["log_position"]
        events = api.events(case)
        assert not any(one["reported_without_gate"] for one in events)
        assert events[3]["commit"] == events[4]["commit"]

    @pytest.mark.parametrize("how", ["approval", "return"])
    def test_nobody_answers_their_own(self, api: Api, staff: dict[str, Api], case: str, how: str) -> None:
        """Neither who sent it nor who prepared it; somebody it was not sent to, and who leads nobody, neither."""
        submit(api, case)
        body = {"reason": "Nej."} if how == "return" else {}
        assert "themselves" in problem(answer(api, case, how, 3, body), 409, "refused")["detail"]
        other = api.open_case(note())
        submit(api, other, decision=DECISION | {"prepared_by": LEADER})
        refused = problem(answer(staff[LEADER], other, how, 3, body), 409, "refused")
        assert "themselves" in refused["detail"]
        assert len(api.events(case)) == 3

    def test_it_is_answered_once(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Of an approval and a return at the same time one is recorded, the other sees what came."""
        submit(api, case)
        with ThreadPoolExecutor(2) as pool, staff[LEADER].acting_as(LEADER) as other:
            approved = pool.submit(answer, staff[LEADER], case, "approval", 3)
            returned = pool.submit(answer, other, case, "return", 3, {"reason": "Faderen er ikke hørt."})
            codes = sorted((approved.result().status_code, returned.result().status_code))
        assert codes in ([201, 409], [201, 412])
        last = len(api.events(case))
        assert "already" in problem(answer(staff[LEADER], case, "approval", last), 409, "refused")["detail"]

    def test_a_return_needs_its_reason_and_leads_to_another_submission(
        self, api: Api, staff: dict[str, Api], case: str
    ) -> None:
        """The first one stays as it was; the second is approved by itself."""
        submit(api, case)
        assert ("/reason", "is missing: it is required") in errors(answer(staff[LEADER], case, "return", 3))
        returned = answer(staff[LEADER], case, "return", 3, {"reason": "Faderen er ikke hørt."})
        assert names(returned) == ["DecisionReturned"]
        again = submit(api, case, 4, decision=DECISION | {"outcome": "refused"})
        assert names(again) == ["DecisionSubmitted"]
        names(answer(staff[LEADER], case, "approval", 5, of=5))
        assert [one["outcome"] for one in written(api, case, "DecisionMade")] == ["refused"]

    def test_one_waits_at_a_time_until_it_is_withdrawn(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Only who sent it takes it back; then it cannot be approved."""
        submit(api, case)
        assert "waits" in problem(submit(api, case, 3), 409, "refused")["detail"]
        assert "withdraws" in problem(answer(staff[LEADER], case, "withdrawal", 3), 409, "refused")["detail"]
        assert names(answer(api, case, "withdrawal", 3)) == ["SubmissionWithdrawn"]
        assert "withdrawn" in problem(answer(staff[LEADER], case, "approval", 4), 409, "refused")["detail"]

    def test_the_gate_is_passed_at_both_ends(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """What is missing stops it and goes on record; what comes since stops the approval until it has a reason."""
        stopped = stops(api.post(f"/cases/{case}/submissions", {"decision": DECISION, "approver": LEADER}, version=2))
        assert "COMPETENCE_MISSING" in stopped
        assert [one["act"] for one in written(api, case, "GateStopped")] == ["DecisionSubmitted"]
        submit(api, case, 3)
        asked = {"kind": "party_access", "by": "parent-A", "received_at": "2026-03-04T15:00:00+01:00"}
        request = {"event": "AccessRequestReceived", "data": asked | {"about": ["child-A"]}}
        came = api.commit(case, 4, request | {"occurred_at": "2026-03-04T15:00:00+01:00"})
        assert came.status_code == 201, came.text
        assert stops(answer(staff[LEADER], case, "approval", 5, of=4)) == ["ACCESS_PENDING_AT_DECISION"]
        assert written(api, case, "DecisionMade") == []
        reasons = {"overrides": {"ACCESS_PENDING_AT_DECISION": "Hun får den i dag."}}
        names(answer(staff[LEADER], case, "approval", 6, reasons, of=4))
        (made,) = written(api, case, "DecisionMade")
        assert made["overridden_gates"][-1] == "ACCESS_PENDING_AT_DECISION"

    @pytest.mark.parametrize(
        ("changes", "place"),
        [
            ({"approver": None}, "/approver"),
            ({"approver": SENDER}, "/approver"),
            ({"approver": None, "approver_role": "analyst"}, "/approver_role"),
            ({"decision": DECISION | {"approved_by": LEADER}}, "/decision/approved_by"),
        ],
    )
    def test_what_cannot_be_sent(self, api: Api, case: str, changes: dict[str, Any], place: str) -> None:
        """To nobody, to oneself, to a role that decides nothing, or as approved already."""
        body = {"decision": DECISION, "approver": LEADER} | changes
        sent = api.post(f"/cases/{case}/submissions", body, version=2)
        assert place in [where for where, _ in errors(sent)]

    def test_what_was_decided_meanwhile_is_not_decided_again(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """A decision reported as a fact is one; nor is a submission that is none approved."""
        submit(api, case)
        made = {"event": "DecisionMade", "data": DECISION, "occurred_at": "2026-03-04T15:00:00+01:00"}
        assert api.commit(case, 3, made).status_code == 201
        assert "meanwhile" in problem(answer(staff[LEADER], case, "approval", 4), 409, "refused")["detail"]
        assert "/submission" in [where for where, _ in errors(answer(staff[LEADER], case, "approval", 4, of=2))]


def typed(client: Api, case: str, approver: str = LEADER, **more: Any) -> Response:
    """Fill in the form of a decision, see its gate, and send it for approval."""
    path = f"/sager/{case}/registrer/afgoerelse"
    seen = unescape(send(client, path, hidden(page(client, path)), TYPED | {"trin": "se"}).text)
    codes = [part.split('"')[0] for part in seen.split('name="grund_')[1:]]
    reasons = {f"grund_{code}": "Barnet kan ikke vente." for code in codes}
    return send(client, path, hidden(seen), TYPED | reasons | {"trin": "send", "godkender": approver} | more)


def respond(client: Api, case: str, how: str, of: int = 3, **typed: str) -> Response:
    """Open the page of a submission and send one of its forms."""
    path = f"/sager/{case}/godkendelse/{of}"
    return send(client, f"{path}/{how}", hidden(page(client, path)), typed)


class TestPages:
    """What people see."""

    def test_sent_seen_and_approved(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """The leader sees it frozen, what came since, and approves; the sender is told."""
        told = receipt(api, typed(api, case))
        assert "Afgørelse sendt til godkendelse" in words(told)
        assert f'href="/sager/{case}/godkendelse/3"' in told
        assert "venter på godkendelse hos u-12" in words(page(api, "/min-dag"))
        assert "beder om din godkendelse" in words(page(staff[LEADER], "/min-dag"))
        queue = page(staff[LEADER], "/ledelse/godkendelse")
        assert f'href="/sager/{case}/godkendelse/3"' in queue
        assert "»bevilling« (familiebehandling)" in words(queue)
        assert api.commit(case, 3, note("Ringede igen.")).status_code == 201
        text = words(page(staff[LEADER], f"/sager/{case}/godkendelse/3"))
        assert "Godkender du, træffes afgørelsen: »bevilling« (familiebehandling)" in text
        assert "Grund til tilsidesættelsen" not in text
        assert "Barnet kan ikke vente." in text
        assert "Kommer ofte for sent" in text.partition("Kommet til siden")[0]
        assert "Ringede igen." in text.partition("Kommet til siden")[2]
        assert "Ringede igen." not in text.partition("Kommet til siden")[0]
        receipt(staff[LEADER], respond(staff[LEADER], case, "godkend", bemaerkning="Følg op."))
        assert "godkendte »bevilling«" in words(page(api, "/min-dag"))
        listed = words(page(api, f"/sager/{case}/afgoerelser"))
        assert "Sendt til godkendelse" in listed
        assert "af u-12" in listed
        version = len(api.events(case))
        dossier = words(page(staff[LEADER], f"/sager/{case}/afgoerelser/{version}"))
        assert "Forberedt af u-90" in dossier
        assert "Godkendt af u-12" in dossier

    def test_returned_with_its_reason_and_sent_anew(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Without a reason nothing is recorded; the sender reads it, and the form begins with what was sent."""
        receipt(api, typed(api, case))
        empty = respond(staff[LEADER], case, "retur", begrundelse="  ")
        assert empty.status_code == 422
        assert "Skriv, hvorfor afgørelsen sendes tilbage" in unescape(empty.text)
        assert written(api, case, "DecisionReturned") == []
        assert respond(staff[LEADER], case, "retur", begrundelse="Faderen er ikke hørt.").status_code == 303
        assert "sendte »bevilling« (familiebehandling) tilbage" in words(page(api, "/min-dag"))
        mine = page(api, f"/sager/{case}/godkendelse/3")
        assert "Faderen er ikke hørt." in mine
        again = page(api, f"/sager/{case}/registrer/afgoerelse?indstilling=3")
        assert "Fordi barnet trives dårligt." in again
        assert '<option value="afgoerelse-1" selected>' in again

    def test_ones_own_has_no_button_and_is_refused(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Whoever sent it may take it back, nothing else; nor can it be sent to oneself."""
        own = typed(api, case, SENDER)
        assert own.status_code == 422
        assert "ingen godkender det, de selv har forberedt" in unescape(own.text)
        receipt(api, typed(api, case, ""))
        mine = page(api, f"/sager/{case}/godkendelse/3")
        assert "Godkend afgørelsen" not in mine
        assert "en anden skal godkende den" in mine
        assert respond(api, case, "godkend").status_code == 409
        path = f"/sager/{case}/godkendelse/3"
        given_out = hidden(page(staff[LEADER], path))
        assert respond(api, case, "tilbage").status_code == 303
        assert "trukket tilbage" in words(page(api, f"/sager/{case}/godkendelse/3"))
        assert send(staff[LEADER], f"{path}/godkend", given_out | {"udgave": "4"}, {}).status_code == 409

    def test_a_case_that_moved_on_is_read_again_first(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """What came is shown, and nothing recorded; a second click on what was recorded leads to the same receipt."""
        receipt(api, typed(api, case))
        path = f"/sager/{case}/godkendelse/3"
        given_out = hidden(page(staff[LEADER], path))
        assert api.commit(case, 3, note("Ringede igen.")).status_code == 201
        stale = send(staff[LEADER], f"{path}/godkend", given_out, {})
        assert stale.status_code == 409
        assert "Sagen er ændret, siden du åbnede siden" in unescape(stale.text)
        assert "Ringede igen." in stale.text
        assert written(api, case, "DecisionMade") == []
        fresh = hidden(unescape(stale.text))
        first, second = (send(staff[LEADER], f"{path}/godkend", fresh, {}) for _ in range(2))
        assert (first.status_code, second.status_code) == (303, 303)
        assert first.headers["location"] == second.headers["location"]

    @pytest.mark.parametrize("text", ["<script>alert(1)</script>", "{{7*7}}", "\u202eabc", "x" * 100_000])
    def test_texts_stay_as_typed_or_are_refused(self, api: Api, staff: dict[str, Api], case: str, text: str) -> None:
        """Nothing of them is markup; a text too long is asked for again, and still there."""
        receipt(api, typed(api, case))
        sent = respond(staff[LEADER], case, "retur", begrundelse=text)
        if len(text) > 10_000:
            assert sent.status_code == 422
            assert text in sent.text
            return
        assert sent.status_code == 303
        raw = staff[LEADER].http.get(f"/sager/{case}/godkendelse/3").text
        assert "<script>alert" not in raw
        assert text in unescape(raw)

    @pytest.mark.parametrize("path", ["2", "99", "x", "0"])
    def test_an_entry_that_sent_nothing_is_not_there(self, api: Api, case: str, path: str) -> None:
        """Nor is one of a case that is not there."""
        page(api, f"/sager/{case}/godkendelse/{path}", 404)
        page(api, f"/sager/{UUID(int=1)}/godkendelse/3", 404)

    def test_who_may_not_see_the_case(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Neither the page nor a line of the queue; an auditor reads, and answers nothing."""
        receipt(api, typed(api, case, COLLEAGUE))
        page(staff[COLLEAGUE], f"/sager/{case}/godkendelse/3", 403)
        assert case not in page(staff[COLLEAGUE], "/ledelse/godkendelse")
        assert "Godkend afgørelsen" not in page(staff[AUDITOR], f"/sager/{case}/godkendelse/3")
        page(staff[AUDITOR], "/ledelse/godkendelse", 403)
