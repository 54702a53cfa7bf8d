"""The forms on which caseworkers record: what they ask, what they refuse, and what they put on record."""

import re
from collections.abc import Generator
from contextlib import ExitStack
from html import unescape
from typing import Any, ClassVar

import pytest

from api.pages.write_acts import BY_PATH
from api.pages.write_fields import is_needed
from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from tests.api.client import MARCH, Api, Response, command, note, talking_to
from tests.api.service import environment, serving
from tests.api.signing_in import OWN_PAGE, session
from tests.api.writing import errors, fill, hidden, page, parts, receipt, send, words, written
from tests.conftest import BEGINS_AT, Server, Template, clone

CASEWORKER, OTHER, LEADER, AUDITOR = "u-90", "u-25", "u-12", "u-95"
CONSENT = {
    "kind": "disclosure", "given_by": "parent-A", "capacity": "self", "scope": ["daycare", "gp"],
    "data_categories": ["social"], "purpose": "Overgang til dagtilbud", "form": "oral",
}  # fmt: skip
VISIT = {"kind": "home_visit", "about": "child-A", "duration_min": "60", "observations": "Rolig kontakt."}


@pytest.fixture(scope="module")
def api(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Api]:
    """A client of a service whose ledger has adopted the shipped rules."""
    folder = tmp_path_factory.mktemp("writing")
    home = folder / "home"
    for place in clone(server, simulated_template, home):
        with place.ledger() as ledger:
            adopt_shipped(ledger, command_line_principal("test"), BEGINS_AT)
        with (
            serving(environment(place.conninfo, home), folder / "errors.log") as service,
            talking_to(service.url, place.conninfo) as client,
        ):
            yield client


@pytest.fixture(scope="module")
def staff(api: Api) -> Generator[dict[str, Api]]:
    """A client for each of them."""
    with ExitStack() as stack:
        yield {who: stack.enter_context(api.acting_as(who)) for who in (CASEWORKER, OTHER, LEADER, AUDITOR)}


def form(case: str, act: str) -> str:
    """Return the address of a form."""
    return f"/sager/{case}/registrer/{act}"


def open_typed(**changes: str) -> dict[str, str]:
    """Return a new case as typed."""
    return {
        "notifier_kind": "professional", "notifier_role": "midwife", "identity_known": "ja", "channel": "phone",
        "concern": "Mor udebliver fra konsultationer.", "programme": "smaaboernsteam_001", "person1_rolle": "mother",
        "person1_navn": "Alma Eksempel", "person1_om": "ja", **parts("happened", "04", "03", "2026", "09.40"),
    } | changes  # fmt: skip


class TestOpening:
    """A case opened with the referral it begins with."""

    def test_the_receipt_says_the_deadline_to_the_hour(self, api: Api, staff: dict[str, Api]) -> None:
        """Received 09.40: assessed within 24 hours, with the clock; and a second click makes no second case."""
        client = staff[CASEWORKER]
        given_out = hidden(page(client, "/sager/ny"))
        before = api.query("SELECT count(*) FROM ledger.event WHERE topic = 'case_opened'")[0][0]
        first = send(client, "/sager/ny", given_out, open_typed())
        again = send(client, "/sager/ny", given_out, open_typed())
        text = words(receipt(client, first))
        assert "05-03-2026 kl. 09.40" in text
        assert again.headers["location"] == first.headers["location"]
        assert api.query("SELECT count(*) FROM ledger.event WHERE topic = 'case_opened'")[0][0] == before + 1

    def test_an_empty_form_names_everything_and_writes_nothing(self, api: Api, staff: dict[str, Api]) -> None:
        """Each message leads to its field."""
        before = api.size()
        found = errors(fill(staff[CASEWORKER], "/sager/ny"))
        assert {"notifier_kind", "identity_known-0", "channel", "concern", "programme", "person1_navn"} <= found.keys()
        assert api.size() == before

    @pytest.mark.parametrize(
        ("typed", "place"),
        [
            ({"person1_cpr": "1234"}, "person1_cpr"),
            ({"person2_rolle": "father"}, "person2_navn"),
            ({"happened_year": "2999"}, "happened_day"),
            ({"programme": "andet"}, "programme"),
            ({"number": "a\nb"}, "number"),
        ],
    )
    def test_half_filled(self, staff: dict[str, Api], typed: dict[str, str], place: str) -> None:
        """What was typed stays, and the field says what to do."""
        answer = fill(staff[CASEWORKER], "/sager/ny", **open_typed(**typed))
        assert place in errors(answer)
        assert "Mor udebliver fra konsultationer." in answer.text


class TestFacts:
    """Acts without a gate."""

    def test_a_visit_typed_late_is_called_so(self, staff: dict[str, Api], case: str) -> None:
        """Happened on 4 March, typed now: the receipt says by how many days; what happened keeps its own time."""
        typed = VISIT | parts("happened", "04", "03", "2026", "13.00")
        text = words(receipt(staff[CASEWORKER], fill(staff[CASEWORKER], form(case, "besoeg"), **typed)))
        assert "efterregistreret (" in text
        assert "04-03-2026 kl. 13.00" in text

    def test_a_double_click_is_one_event(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """The second answer leads to the same receipt; another text under the same form is told apart."""
        client, path = staff[CASEWORKER], form(case, "besoeg")
        given_out = hidden(page(client, path))
        answers = [send(client, path, given_out, VISIT) for _ in range(2)]
        assert len({answer.headers["location"] for answer in answers}) == 1
        other = send(client, path, given_out, VISIT | {"observations": "Noget andet."})
        assert (other.status_code, "Noget andet." in other.text) == (409, True)
        assert len(written(api, case, "VisitHeld")) == 1

    @pytest.mark.parametrize(
        ("act", "typed", "event"),
        [
            ("besoeg", VISIT, "VisitHeld"),
            ("besoeg", VISIT | parts("happened", "04", "03", "2026", "13.00"), "VisitHeld"),
            ("samtykke", CONSENT, "ConsentGiven"),
        ],
        ids=["now", "then", "with an id of its own"],
    )
    def test_the_same_typed_again_is_asked_about(
        self, api: Api, staff: dict[str, Api], case: str, act: str, typed: dict[str, Any], event: str
    ) -> None:
        """As after the browser's way back: nothing is recorded until it is said that it happened twice."""
        client, path = staff[CASEWORKER], form(case, act)
        receipt(client, fill(client, path, **typed))
        asked = fill(client, path, **typed)
        assert asked.status_code == 409
        assert "Det samme har du lige registreret." in words(unescape(asked.text))
        assert len(written(api, case, event)) == 1
        given_out = hidden(unescape(asked.text))
        receipt(client, send(client, path, given_out, typed | {"trin": "igen"}))
        assert len(written(api, case, event)) == 2

    def test_what_differs_is_not_asked_about(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Another text, another time; and what was taken back meanwhile."""
        client, path = staff[CASEWORKER], form(case, "besoeg")
        receipt(client, fill(client, path, **VISIT))
        receipt(client, fill(client, path, **VISIT | {"observations": "Uroligt."}))
        receipt(client, fill(client, path, **VISIT | {"about": "parent-A"}))
        receipt(client, fill(client, path, **VISIT | parts("happened", "04", "03", "2026", "13.00")))
        last = api.events(case)[-1]["version"]
        taken_back = command("EntryAnnulled", {"annuls": last, "reason": "Skrevet i den forkerte sag."})
        assert client.commit(case, last, taken_back).is_success
        receipt(client, fill(client, path, **VISIT | parts("happened", "04", "03", "2026", "13.00")))
        assert len(written(api, case, "VisitHeld")) == 5

    @pytest.mark.parametrize(
        ("typed", "place"),
        [
            (parts("happened", "04", "03", "2999", "13.00"), "happened_day"),
            (parts("happened", "31", "02", "2026", "13.00"), "happened_day"),
            (parts("happened", "04", "03", "2026", "13.00") | parts("reached", "03", "03", "2026"), "reached_day"),
            ({"about": "child-Z"}, "about-0"),
            ({"kind": ""}, "kind"),
            ({"duration_min": "en time"}, "duration_min"),
            ({"observations": "x" * 100_001}, "observations"),
            ({"observations": "👶" * 100_001}, "observations"),
            ({"kind_andet": "to\nlinjer", "kind": ""}, "kind"),
        ],
    )
    def test_what_cannot_be_recorded_is_said_at_the_field(
        self, api: Api, staff: dict[str, Api], case: str, typed: dict[str, str], place: str
    ) -> None:
        """And nothing is written."""
        answer = fill(staff[CASEWORKER], form(case, "besoeg"), **(VISIT | typed))
        assert place in errors(answer)
        assert written(api, case, "VisitHeld") == []

    @pytest.mark.parametrize(
        "text", ["<script>alert(1)</script>", "{{7*7}}", "#strong[x]", "\u202eمرحبا 👶", "4. marts"]
    )
    def test_texts_stay_as_typed(self, staff: dict[str, Api], case: str, text: str) -> None:
        """They are shown as text, in the form that is asked again and in the case."""
        client = staff[CASEWORKER]
        again = fill(client, form(case, "besoeg"), **(VISIT | {"observations": text, "kind": ""}))
        assert "<script>alert" not in again.text
        receipt(client, fill(client, form(case, "besoeg"), **(VISIT | {"observations": text})))
        raw = client.http.get(f"/sager/{case}").text
        assert "<script>alert" not in raw
        assert text in page(client, f"/sager/{case}")

    @pytest.mark.parametrize("act", ["findes-ikke", "EntryCorrected"])
    def test_an_unknown_act(self, staff: dict[str, Api], case: str, act: str) -> None:
        """There is no such page."""
        page(staff[CASEWORKER], form(case, act), 404)

    def test_nobody_else_is_let_in(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Not somebody without the case, not an auditor, not a form without its mark."""
        for who in (OTHER, AUDITOR):
            page(staff[who], form(case, "notat"), 403)
            page(staff[who], f"/sager/{case}/registrer", 403)
        given_out = hidden(page(staff[CASEWORKER], form(case, "besoeg"))) | {"csrf": "x"}
        assert send(staff[CASEWORKER], form(case, "besoeg"), given_out, VISIT).status_code == 403
        assert written(api, case, "VisitHeld") == []


@pytest.fixture(scope="module")
def full(api: Api) -> str:
    """A case with everything that some form asks one to choose."""
    received = {"notifier_kind": "private", "identity_known": True, "channel": "phone", "about": "child-A",
                "received_at": MARCH}  # fmt: skip
    consent = {"consent": "c-1", "kind": "disclosure", "given_by": "parent-A", "capacity": "self",
               "scope": ["daycare"], "form": "oral", "valid_from": "2026-03-04"}  # fmt: skip
    hearing = {"decision_ref": "d-1", "party": "parent-A", "documents": ["Udkast"], "deadline": "2026-04-01"}
    return api.open_case(
        note(),
        command("NotificationReceived", received),
        command("ConsentGiven", consent),
        command("ConsentWithdrawn", {"consent": "c-1", "withdrawn_by": "parent-A", "channel": "phone"}),
        command("HearingSent", hearing),
        command("DecisionMade", {"decision": "d-0", "outcome": "grant", "legal_basis": "x"}),
        command("CaseAllocated", {"to": CASEWORKER, "for_role": "social_worker", "from_staff": "u-21"}),
        command("CaseAllocated", {"to": CASEWORKER, "for_role": "coordinator", "from_staff": "u-61"}),
        command("InvestigationOpened", {"investigation": "i-1", "aware_since": "2026-03-04", "legal_basis": "x",
                                        "subject": "child-A"}),
    )  # fmt: skip


class TestEveryForm:
    """Each act of the chooser."""

    @pytest.mark.parametrize("path", BY_PATH)
    def test_empty_it_says_what_is_missing(self, api: Api, staff: dict[str, Api], full: str, path: str) -> None:
        """And puts nothing on record."""
        before = len(api.events(full))
        assert errors(fill(staff[CASEWORKER], form(full, path)))
        assert len(api.events(full)) == before

    @pytest.mark.parametrize("path", sorted(BY_PATH, key=lambda path: path == "overdragelse"))
    def test_filled_in_it_records_its_event(self, staff: dict[str, Api], api: Api, full: str, path: str) -> None:
        """With the first choice of every field that needs an answer; what has a gate as done already."""
        act, client = BY_PATH[path], staff[CASEWORKER]
        html = page(client, form(full, path))
        typed = {"allerede": "ja"} | {
            name: text
            for field in act.fields
            if is_needed(act, field)
            for name, text in first(html, field.name).items()
        }
        event = act.event.name()
        before = len(written(staff[LEADER], full, event))
        answer = send(client, form(full, path), hidden(html), typed)
        assert answer.status_code == 303, errors(answer)
        assert len(written(staff[LEADER], full, event)) == before + 1


def first(html: str, name: str) -> dict[str, str]:
    """Return the first answer a form offers for a field, or one that fits where it is typed."""
    if f'id="{name}_day"' in html:
        return parts(name, "05", "03", "2026")
    if f'<select class="form-select" id="{name}"' in html:
        offered = html.split(f'id="{name}" name="{name}"')[1].split("</select>")[0]
        return {name: re.findall(r'<option value="([^"]+)"', offered)[0]}
    boxes = re.findall(rf'id="{name}-0" name="{name}" value="([^"]*)"', html)
    return {name: boxes[0] if boxes else "60"}


class TestConsent:
    """Given, refused, in part, taken back."""

    def test_a_consent_in_part_is_a_yes_and_a_no(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Each with an id of its own, so that neither is taken for the other."""
        answer = fill(staff[CASEWORKER], form(case, "samtykke"), **CONSENT, refused_scope=["health_visitor"])
        assert "2 hændelser er registreret" in words(receipt(staff[CASEWORKER], answer))
        (given,), (refused,) = written(api, case, "ConsentGiven"), written(api, case, "ConsentRefused")
        assert (given["scope"], refused["scope"]) == (["daycare", "gp"], ["health_visitor"])
        assert given["consent"] != refused["consent"]

    def test_a_withdrawal_lists_who_was_served_and_when(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """Said 11.30, typed now: what went out at 11.38 stands in red, and the duty to tell is there to be met."""
        client = staff[CASEWORKER]
        early = parts("happened", "05", "03", "2026", "10.00")
        receipt(client, fill(client, form(case, "samtykke"), **CONSENT, **early))
        (given,) = written(api, case, "ConsentGiven")
        for clock in ("11.10", "11.38"):
            shared = {
                "to": "daycare", "recipient_confirmed": "ja", "about": "parent-A", "data_categories": ["social"],
                "documents": "Statusnotat", "purpose": "Overgang", "basis": "consent", "consents": given["consent"],
                "allerede": "ja", **parts("happened", "06", "03", "2026", clock),
            }  # fmt: skip
            text = words(receipt(client, fill(client, form(case, "videregivelse"), **shared)))
            assert "Registreret uden forudgående kontrol" in text
        taken = {"consent": given["consent"], "withdrawn_by": "parent-A", "channel": "phone"}
        answer = fill(
            client, form(case, "samtykke-tilbagekaldt"), **taken, **parts("happened", "06", "03", "2026", "11.30")
        )
        html = receipt(client, answer)
        red = html.split('<tr class="red">')[1:]
        assert len(red) == 1
        assert "11.38" in red[0].split("</tr>")[0]
        assert "Underret modtageren" in words(html)
        told = html.split('href="')[1:]
        tell = next(link.split('"')[0] for link in told if "modtager-underrettet" in link)
        receipt(client, fill(client, tell, recipients="daycare", about=tell.rpartition("=")[2]))
        again = page(client, answer.headers["location"])
        assert "Underret modtageren" not in words(again)


class TestGates:
    """What is told before a decision or a disclosure."""

    DECISION: ClassVar[dict[str, Any]] = {
        "decision": "ny", "outcome": "grant", "measure": "familiebehandling", "about": "child-A",
        "legal_basis": "barnets lov § 32 stk. 1 nr. 5", "grounds": "Fordi barnet trives dårligt.", "facts": ["2"],
    }  # fmt: skip

    @pytest.fixture
    def noted(self, api: Api) -> str:
        """A case with a note to decide on, entry 2."""
        return api.open_case(note("Kommer ofte for sent til sundhedsplejersken."))

    @pytest.mark.parametrize("missing", ["grounds", "legal_basis", "facts", "outcome"])
    def test_no_decision_without_reason_basis_and_facts(
        self, api: Api, staff: dict[str, Api], noted: str, missing: str
    ) -> None:
        """Not even a look at the gate."""
        typed = {name: value for name, value in self.DECISION.items() if name != missing}
        found = errors(fill(staff[CASEWORKER], form(noted, "afgoerelse"), **typed, trin="gem"))
        assert missing in {place.removesuffix("-0") for place in found}
        assert written(api, noted, "DecisionMade") == []

    def test_the_gate_is_seen_first_and_passed_with_reasons(self, api: Api, staff: dict[str, Api], noted: str) -> None:
        """A sentence and what is missing; then a stop on record; then the decision, with the reasons."""
        client, path = staff[CASEWORKER], form(noted, "afgoerelse")
        given_out = hidden(page(client, path))
        looked = send(client, path, given_out, self.DECISION | {"trin": "se"})
        assert looked.status_code == 200
        seen = page_of(looked)
        assert "Du er ved at træffe afgørelsen »bevilling« (familiebehandling)" in words(seen)
        assert "Det, der står i vejen" in words(seen)
        codes = [part.split('"')[0] for part in seen.split('name="grund_')[1:]]
        assert codes
        assert written(api, noted, "GateStopped") == []
        stopped = send(client, path, hidden(seen), self.DECISION | {"trin": "gem"})
        assert stopped.status_code == 409
        assert "registreret som nr. 3" in words(page_of(stopped))
        reasons = {f"grund_{code}": "Barnet kan ikke vente." for code in codes}
        made = send(client, path, hidden(page_of(stopped)), self.DECISION | reasons | {"trin": "gem"})
        receipt(client, made)
        (decision,) = written(api, noted, "DecisionMade")
        assert set(decision["overridden_gates"]) == set(codes)
        assert decision["facts"] == [2]
        assert len(written(api, noted, "GateStopped")) == 1

    def test_a_disclosure_needs_consent_and_a_confirmed_recipient(
        self, api: Api, staff: dict[str, Api], case: str
    ) -> None:
        """Without them nothing leaves; with them it does, on the consent that covers it."""
        client, path = staff[CASEWORKER], form(case, "videregivelse")
        share = {
            "to": "daycare", "about": "parent-A", "data_categories": ["social"], "documents": "Statusnotat",
            "purpose": "Overgang", "basis": "consent",
        }  # fmt: skip
        seen = page_of(send(client, path, hidden(page(client, path)), share | {"trin": "se"}))
        assert "Modtagerens navn og arbejdssted er ikke bekræftet." in words(seen)
        assert "Der er intet samtykke i kraft" in words(seen)
        assert "barnets lov §§ 133 og 135" in words(seen)
        receipt(client, fill(client, form(case, "samtykke"), **CONSENT))
        confirmed = share | {"recipient_confirmed": "ja"}
        seen = page_of(send(client, path, hidden(page(client, path)), confirmed | {"trin": "se"}))
        assert "Kontrollen finder intet, der mangler." in words(seen)
        receipt(client, send(client, path, hidden(seen), confirmed | {"trin": "gem"}))
        (made,) = written(api, case, "DisclosureMade")
        assert made["consents"] == [written(api, case, "ConsentGiven")[0]["consent"]]


def page_of(answer: Response) -> str:
    """Return a page that was answered with."""
    return unescape(answer.text)


class TestLostUpdate:
    """Two people record the same at the same time."""

    @pytest.mark.parametrize(
        ("choice", "visits", "annulled", "notes"), [("begge", 2, 0, 0), ("erstat", 2, 1, 0), ("behold", 1, 0, 1)]
    )
    def test_both_are_shown_and_the_choice_is_kept(
        self, api: Api, staff: dict[str, Api], case: str, choice: str, visits: int, annulled: int, notes: int
    ) -> None:
        """The second sees who wrote what and when, chooses, and the choice goes on record."""
        mine, path = staff[CASEWORKER], form(case, "besoeg")
        given_out = hidden(page(mine, path))
        receipt(staff[LEADER], fill(staff[LEADER], path, **(VISIT | {"observations": "Lederens udgave."})))
        conflict = send(mine, path, given_out, VISIT)
        assert conflict.status_code == 409
        html = page_of(conflict)
        assert "Ændret af u-12 (leder)" in words(html)
        assert "Lederens udgave." in html
        assert "Rolig kontakt." in html
        assert len(written(api, case, "VisitHeld")) == 1
        receipt(mine, send(mine, path, hidden(html), {"valg": choice} | VISIT))
        found = [len(written(api, case, topic)) for topic in ("VisitHeld", "EntryAnnulled", "NoteRecorded")]
        assert found == [visits, annulled, notes]
        assert "Registreret samtidig med nr. 2 af u-12" in page(mine, f"/sager/{case}")

    def test_another_matter_recorded_meanwhile_is_shown(self, api: Api, staff: dict[str, Api], case: str) -> None:
        """There is nothing to replace, but one is told before one's own goes on record."""
        given_out = hidden(page(staff[CASEWORKER], form(case, "besoeg")))
        assert api.commit(case, 1, note("Imens")).status_code == 201
        html = page_of(send(staff[CASEWORKER], form(case, "besoeg"), given_out, VISIT))
        assert 'value="erstat"' not in html
        receipt(
            staff[CASEWORKER], send(staff[CASEWORKER], form(case, "besoeg"), hidden(html), {"valg": "begge"} | VISIT)
        )


class TestCorrecting:
    """Putting an entry right from the timeline."""

    @pytest.fixture
    def scored(self, api: Api) -> str:
        """A case with a score, entry 2, and a decision that rests on it, entry 3."""
        score = {"instrument": "trivselslinealen", "about": "child-A", "result_kind": "score", "score": 7}
        decision = {"decision": "d-1", "outcome": "grant", "legal_basis": "x", "facts": [2]}
        return api.open_case(command("AssessmentRecorded", score), command("DecisionMade", decision))

    def test_the_old_value_is_struck_and_the_decider_named(self, api: Api, staff: dict[str, Api], scored: str) -> None:
        """From the timeline to the field, the new value with a reason, and who decided on the old one."""
        client = staff[CASEWORKER]
        path = form(scored, "berigtigelse")
        assert f"{path}?nr=2" in page(client, f"/sager/{scored}")
        chooser = page(client, f"{path}?nr=2")
        assert f"{path}?nr=2&felt=score" in chooser
        asked = page(client, f"{path}?nr=2&felt=score")
        assert 'value="7"' in asked
        assert set(errors(send(client, path, hidden(asked), {"score": "4"}))) == {"begrundelse"}
        assert set(errors(send(client, path, hidden(asked), {"score": "7", "begrundelse": "x"}))) == {"score"}
        answer = send(client, path, hidden(asked), {"score": "4", "begrundelse": "Forkert barn"})
        assert "nr. 3 Afgørelse" in words(receipt(client, answer))
        (corrected,) = written(api, scored, "EntryCorrected")
        assert (corrected["old"], corrected["new"], corrected["field"]) == (7, 4, "score")
        assert "<del>" in page(client, f"/sager/{scored}")

    @pytest.mark.parametrize(("choice", "corrections", "notes"), [("erstat", 2, 0), ("behold", 1, 1)])
    def test_two_corrections_of_one_field(
        self, api: Api, staff: dict[str, Api], scored: str, choice: str, corrections: int, notes: int
    ) -> None:
        """The second is shown the first beside it; what holds in the end is what was chosen."""
        client, path = staff[CASEWORKER], form(scored, "berigtigelse")
        mine = {"score": "4", "begrundelse": "Forkert barn"}
        given_out = hidden(page(client, f"{path}?nr=2&felt=score"))
        theirs = {"score": "5", "begrundelse": "Tastefejl"}
        receipt(staff[LEADER], fill(staff[LEADER], f"{path}?nr=2&felt=score", **theirs))
        html = page_of(send(client, path, given_out, mine))
        assert "De to udgaver" in words(html)
        assert "Tastefejl" in html
        assert 'value="begge"' not in html
        receipt(client, send(client, path, hidden(html), {"valg": choice}))
        found = [len(written(api, scored, event)) for event in ("EntryCorrected", "NoteRecorded")]
        assert found == [corrections, notes]

    def test_annulling_asks_why(self, api: Api, staff: dict[str, Api], scored: str) -> None:
        """And leaves the entry struck through."""
        path = f"{form(scored, 'annullering')}?nr=2"
        assert set(errors(fill(staff[CASEWORKER], path))) == {"begrundelse"}
        receipt(staff[CASEWORKER], fill(staff[CASEWORKER], path, begrundelse="Forkert sag"))
        assert [one["annuls"] for one in written(api, scored, "EntryAnnulled")] == [2]

    @pytest.mark.parametrize("query", ["nr=1", "nr=99", "nr=x", "", "nr=2&felt=findes_ikke", "nr=2&felt=media_hash"])
    def test_what_cannot_be_put_right(self, staff: dict[str, Api], scored: str, query: str) -> None:
        """The opening, an entry or field that is not there, a checksum."""
        page(staff[CASEWORKER], f"{form(scored, 'berigtigelse')}?{query}", 404)


class TestSession:
    """A form sent after the session had ended."""

    def test_what_was_typed_is_there_after_signing_in(self, api: Api, case: str) -> None:
        """Nothing was written; the same person finds their text at the same form, once."""
        path = form(case, "besoeg")
        with api.acting_as(CASEWORKER) as client:
            given_out = hidden(page(client, path))
            client.http.cookies.clear()
            answer = send(client, path, given_out, VISIT | {"observations": "En lang tekst."})
            assert answer.status_code == 303
            assert answer.headers["location"] == f"/log-ind?videre={path}&venter=ja"
            assert "venter en halv time" in page(client, answer.headers["location"])
            assert "venter en halv time" not in page(client, f"/log-ind?videre={path}")
            assert "En lang tekst." not in str(answer.headers)
            key = client.http.cookies["kladde"]
            assert written(api, case, "VisitHeld") == []
            leader = session(str(client.http.base_url), LEADER)["caseledger"]
            cookies = OWN_PAGE | {"Cookie": f"caseledger={leader}; kladde={key}"}
            other = client.http.get(path, headers=cookies)
            assert other.status_code == 200
            assert "En lang tekst." not in other.text
        with api.acting_as(CASEWORKER) as client:
            given_out = hidden(page(client, path))
            mine = client.http.cookies["caseledger"]
            client.http.cookies.clear()
            send(client, path, given_out, VISIT | {"observations": "En lang tekst."})
            client.http.cookies.set("caseledger", mine)
            html = page(client, path)
            assert "En lang tekst." in html
            assert "Du var logget ud" in html
            receipt(client, send(client, path, hidden(html), VISIT | {"observations": "En lang tekst."}))
            assert "En lang tekst." not in page(client, path)


class TestSize:
    """A form of more text than a form takes."""

    def test_it_is_told_apart_from_a_form_of_elsewhere(self, api: Api, case: str) -> None:
        """It says what is too large and what to do, and nothing is written."""
        path = form(case, "besoeg")
        with api.acting_as(CASEWORKER) as client:
            given_out = hidden(page(client, path))
            answer = send(client, path, given_out, VISIT | {"observations": "x" * 2_000_001})
            assert answer.status_code == 413
            assert "tilsammen for lange" in answer.text
            assert send(client, path, given_out | {"csrf": "x"}, VISIT).status_code == 403
            assert written(api, case, "VisitHeld") == []


class TestDay:
    """Deadlines of one's own cases."""

    def test_a_deadline_goes_when_what_meets_it_is_recorded(self, staff: dict[str, Api]) -> None:
        """It stands with its hour and a link to the form that meets it, and is gone after that."""
        client = staff[CASEWORKER]
        html = receipt(client, fill(client, "/sager/ny", **open_typed(number="S-MIN-DAG")))
        case = re.findall(r'href="/sager/([0-9a-f-]{36})', html)[0]
        day = page(client, "/min-dag")
        assert f"/sager/{case}/registrer/akutvurdering?notification=2" in day
        assert "05-03-2026 kl. 09.40" in day
        assessed = {"notification": "2", "danger": "nej", "participants": "u-12\nu-90", "grounds": "Ingen akut fare."}
        receipt(client, fill(client, form(case, "akutvurdering"), **assessed))
        assert f"/sager/{case}/registrer/akutvurdering?notification=2" not in page(client, "/min-dag")


class TestHandOver:
    """Handing a case over, and the answer."""

    def test_only_who_is_asked_can_say_no(self, api: Api, staff: dict[str, Api]) -> None:
        """The no needs a reason, closes the case to who said it, and leaves it with who had it."""
        given = command("CaseAllocated", {"to": CASEWORKER, "for_role": "social_worker"})
        asked = command("CaseAllocated", {"to": OTHER, "for_role": "social_worker", "from_staff": CASEWORKER})
        case = api.open_case(given, asked)
        path, no = form(case, "overdragelse-afvist"), {"annuls": "3", "reason": "Jeg er i familie med faren."}
        assert set(errors(fill(staff[CASEWORKER], path, **no))) == {"annuls"}
        assert set(errors(fill(staff[OTHER], path, annuls="3"))) == {"reason"}
        assert f"{path}?annuls=3" in page(staff[OTHER], "/min-dag")
        answer = fill(staff[OTHER], path, **no)
        assert answer.headers["location"] == "/min-dag?afvist=ja"
        page(staff[OTHER], f"/sager/{case}", 403)
        assert "Du har den stadig." in page(staff[CASEWORKER], "/min-dag")
        assert case not in page(staff[OTHER], "/min-dag")
        (annulled,) = written(api, case, "EntryAnnulled")
        assert (annulled["annuls"], annulled["kind"]) == (3, "declined")

    def test_my_day_is_one_look_at_every_case_it_names(self, api: Api, staff: dict[str, Api]) -> None:
        """Also those of which only a hand-over is told; a leader's day holds the leader's own cases alone."""
        asked = command("CaseAllocated", {"to": OTHER, "for_role": "social_worker", "from_staff": CASEWORKER})
        case = api.open_case(asked)
        before = api.size()
        page(staff[OTHER], "/min-dag")
        assert api.size() == before + 1
        rows = api.query("SELECT convert_from(state, 'UTF8') FROM ledger.event WHERE position = %s", before + 1)
        assert '"what":"my_day"' in rows[0][0]
        assert case in rows[0][0]
        assert case not in page(staff[LEADER], "/min-dag")
