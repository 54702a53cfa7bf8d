"""A person's extract over HTTP: on record first, the same at each repeat, by decisions on record alone."""

from collections.abc import Generator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import orjson
import pytest
from pypdf import PdfReader

from tests.api.client import CANARY, Api, Response, command, errors, problem

LEADER, CASEWORKER, OTHER, AUDITOR, OFFICER = "u-12", "u-90", "u-25", "u-95", "u-81"
LAW = "databeskyttelsesloven § 22"


@pytest.fixture(scope="module")
def staff(api: Api) -> Generator[dict[str, Api]]:
    """A client for each of them."""
    with ExitStack() as stack:
        everybody = (LEADER, CASEWORKER, OTHER, AUDITOR, OFFICER)
        yield {who: stack.enter_context(api.acting_as(who)) for who in everybody}


@pytest.fixture
def officer(staff: dict[str, Api]) -> Api:
    """A client for the data protection officer."""
    return staff[OFFICER]


def done(response: Response) -> dict[str, Any]:
    """Return the content of an answer that succeeded."""
    assert response.status_code in (200, 201), response.text
    return response.json()


def made(officer: Api, case: str, person: str = "parent-A", key: str | None = None, **wish: Any) -> Response:
    """Make an extract for a person of a case."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return officer.post(f"/cases/{case}/look-extracts", {"person": person, **wish}, **headers)


def withhold(officer: Api, case: str, *looks: int, person: str = "parent-A", mentioned: bool = False) -> Response:
    """Withhold looks from a person."""
    body = {"person": person, "looks": list(looks), "legal_basis": LAW, "mentioned": mentioned, "reason": CANARY}
    return officer.post(f"/cases/{case}/look-withholdings", body)


def release(officer: Api, case: str, *looks: int, person: str = "parent-A", **more: Any) -> Response:
    """Release who looked to a person."""
    body = {"person": person, "ground": "needed_for_rights", "legal_basis": ["C-579/21"], "reason": CANARY}
    return officer.post(f"/cases/{case}/staff-name-releases", body | ({"looks": list(looks)} if looks else {}) | more)


def look(api: Api, case: str, path: str = "") -> int:
    """Look at a case and return where that stands."""
    return done(api.get(f"/cases/{case}{path}"))["access_event"]


def rows(answer: dict[str, Any]) -> list[tuple[int, str | None]]:
    """Return position and name of each row of an extract."""
    return [(row["position"], row["staff"]) for row in answer["items"]]


def entry(api: Api, position: int) -> tuple[str, dict[str, Any]]:
    """Return topic and facts of an entry of the ledger."""
    ((topic, state, length),) = api.query(
        "SELECT topic, state, substr(segments, 19, 4)::int FROM ledger.event WHERE position = %s", position
    )
    return topic, orjson.loads(state[:length])["data"]


def test_what_a_person_is_told(api: Api, officer: Api, staff: dict[str, Api], case: str) -> None:
    """When, why and in which role, refusals too, and nobody's name; what may be left out, and where to complain."""
    first = look(api, case, "/events")
    child = look(api, case, "/persons/child-A/identity")
    problem(staff[OTHER].get(f"/cases/{case}"), 403, "forbidden")
    response = made(officer, case)
    told = done(response)
    refusal, row = told["items"]
    assert row == {
        "position": first,
        "looked_at": row["looked_at"],
        "purpose": "case-work",
        "role": "caseworker",
        "organisation": "Eksempelkommune",
        "category": "case_record",
        "refused": False,
        "staff": None,
    }
    assert (refusal["refused"], refusal["role"]) == (True, "social_worker")
    assert child not in [position for position, _ in rows(told)]
    assert (CASEWORKER not in response.text, OTHER not in response.text) == (True, True)
    for language, section, agency in (("da", "§ 22", "Datatilsynet"), ("en", "section 22", "Datatilsynet")):
        assert section in told["note"][language]
        assert any(agency in text for text in told["guidance"][language])
    assert (told["case"], told["person"], told["withheld_and_mentioned"]) == (case, "parent-A", 0)


def test_it_is_on_record_before_it_is_handed_out(api: Api, officer: Api, case: str) -> None:
    """As an entry of the case that says what it tells, and as a look that the next extract tells of."""
    look(api, case)
    response = made(officer, case, since="2026-01-01T00:00:00+01:00")
    told = done(response)
    topic, facts = entry(api, told["position"])
    assert (topic, facts["person"], facts["rows"], facts["withheld"], facts["with_names"]) == (
        "lookup_extract_made",
        "parent-A",
        1,
        0,
        False,
    )
    assert facts["since"] == told["since"] == "2025-12-31T23:00:00.000000Z"
    assert facts["as_of_position"] == told["as_of_position"] < told["position"]
    assert response.headers["etag"] == f'"{told["version"]}"' == '"2"'
    handed = int(response.headers["access-event"])
    assert handed == told["position"] + 1
    assert entry(api, handed)[1]["what"] == "look_extract"
    again = done(made(officer, case))
    assert (again["items"][0]["position"], again["items"][0]["category"]) == (handed, "who_has_looked")


def test_nothing_is_handed_out_without_a_record(api: Api, officer: Api, case: str) -> None:
    """What cannot be recorded, here for a key that was used before, is answered with a problem and no row."""
    look(api, case)
    key = str(uuid4())
    done(made(officer, case, key=key))
    refused = made(officer, case, "child-A", key=key)
    problem(refused, 422, "key-reused")
    assert "items" not in refused.json()


def test_a_repeat_gets_the_same_extract(api: Api, officer: Api, case: str) -> None:
    """Whatever was looked at, withheld or released meanwhile; each handing out is on record, the extract once."""
    position = look(api, case)
    key = str(uuid4())
    first = made(officer, case, key=key)
    look(api, case)
    done(withhold(officer, case, position))
    done(release(officer, case))
    second = made(officer, case, key=key)
    assert second.content == first.content
    assert int(second.headers["access-event"]) > int(first.headers["access-event"])
    assert api.query("SELECT count(*) FROM ledger.event WHERE stream = %s", case) == [(4,)]
    later = [row for row in rows(done(made(officer, case))) if row[1] == CASEWORKER]
    assert len(later) == 1, "one look was withheld, the other is named"


def test_what_is_withheld_is_counted_only_where_it_may_be(api: Api, officer: Api, case: str) -> None:
    """By a decision about these looks with a reason that is sealed; the entry of the extract counts all of them."""
    looks = [look(api, case) for _ in range(4)]
    receipt = done(withhold(officer, case, looks[0], mentioned=True))
    assert [one["event"] for one in receipt["entries"]] == ["LookupsWithheld"]
    done(withhold(officer, case, looks[1], looks[2]))
    told = done(made(officer, case))
    assert rows(told) == [(looks[3], None)]
    assert told["withheld_and_mentioned"] == 1
    assert entry(api, told["position"])[1]["withheld"] == 3
    child = done(made(officer, case, "child-A"))
    assert [position for position, _ in rows(child)] == looks[::-1], "it was decided about another person"
    ((state,),) = api.query("SELECT state FROM ledger.event WHERE stream = %s AND version = 2", case)
    assert CANARY.encode() not in state


def test_who_looked_is_named_where_it_was_released(api: Api, officer: Api, staff: dict[str, Api]) -> None:
    """For some looks, for the answer to a request, or for all; the extract says that it holds names."""
    request = command(
        "AccessRequestReceived",
        {"kind": "gdpr_art15", "by": "parent-A", "about": "parent-A", "received_at": "2026-03-04"},
    )
    case = api.open_case(request)
    looks = [look(api, case) for _ in range(2)]
    done(release(officer, case, looks[0], ground="outside_instruction"))
    told = done(made(officer, case))
    assert rows(told) == [(looks[1], None), (looks[0], CASEWORKER)]
    assert entry(api, told["position"])[1]["with_names"] is True
    done(release(officer, case, request=2))
    assert [name for _, name in rows(done(made(officer, case)))][1:] == [None, CASEWORKER]
    answered = done(made(officer, case, request=2))
    assert [name for _, name in rows(answered)][2:] == [CASEWORKER, CASEWORKER]
    assert answered["request"] == 2


def test_a_period(api: Api, officer: Api, case: str) -> None:
    """Only looks between two instants, both counted in."""
    looks = [look(api, case) for _ in range(3)]
    at = {row["position"]: row["looked_at"] for row in done(made(officer, case))["items"]}
    told = done(made(officer, case, since=at[looks[1]], until=at[looks[1]]))
    assert rows(told) == [(looks[1], None)]
    assert (told["since"], told["until"]) == (at[looks[1]], at[looks[1]])


def test_who_may(api: Api, staff: dict[str, Api], case: str) -> None:
    """Data protection alone makes extracts and decides about them; others are refused, on record, and write nothing."""
    position = look(api, case)
    written = api.written()
    for who in (CASEWORKER, LEADER, AUDITOR):
        for response in (
            made(staff[who], case),
            withhold(staff[who], case, position),
            release(staff[who], case, position),
        ):
            assert problem(response, 403, "forbidden")["reason"] == "role"
    assert api.written() == written
    stranger = str(uuid4())
    problem(made(staff[OFFICER], stranger), 404, "not-found")


def test_of_a_restricted_case_too(api: Api, officer: Api, case: str) -> None:
    """A restriction closes the texts to data protection, not the log and the extract of who has looked."""
    position = look(api, case)
    day = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
    restriction = {"category": "high_profile", "allowed": [CASEWORKER], "review_by": day, "reason": "r"}
    done(officer.post(f"/cases/{case}/restrictions", restriction))
    problem(officer.get(f"/cases/{case}"), 403, "forbidden")
    assert (position, None) in rows(done(made(officer, case)))
    assert done(officer.get(f"/cases/{case}/access-events"))["items"][-1]["position"] == position


@pytest.mark.parametrize("act", [withhold, release])
def test_only_looks_at_the_person_can_be_decided_about(api: Api, officer: Api, case: str, act: Any) -> None:
    """A look at somebody else, at another case, any other entry, and one that is not there are named: 422."""
    own = look(api, case)
    child = look(api, case, "/persons/child-A/identity")
    elsewhere = look(api, api.open_case())
    written = api.written()
    found = errors(act(officer, case, own, child, elsewhere, 1, 10**9))
    assert [pointer for pointer, _ in found] == [f"/looks/{n}" for n in (1, 2, 3, 4)]
    assert all("is no look-up at this person's data" in detail for _, detail in found)
    assert errors(act(officer, case, own, person="parent-B"))[0][0] == "/person"
    assert errors(act(officer, case, 0))[0][0] == "/looks/0"
    assert api.written() == written
    done(act(officer, case, own))


def test_bodies_that_say_too_little(api: Api, officer: Api, case: str) -> None:
    """Each is refused with the place and the reason, and nothing is written."""
    look(api, case)
    written = api.written()
    assert errors(made(officer, case, "parent-B"))[0][0] == "/person"
    assert errors(made(officer, case, request=1))[0][0] == "/request"
    assert errors(made(officer, case, request=99))[0][0] == "/request"
    assert errors(made(officer, case, since="2026-03-04T10:00:00"))[0][0] == "/since"
    assert errors(made(officer, case, reason=CANARY))[0][0] == "/reason"
    assert errors(officer.post(f"/cases/{case}/look-extracts", {}))[0][0] == "/person"
    assert {pointer for pointer, _ in errors(officer.post(f"/cases/{case}/look-withholdings", {}))} == {
        "/person", "/looks", "/legal_basis", "/mentioned", "/reason",
    }  # fmt: skip
    assert errors(release(officer, case, ground="curiosity"))[0][0] == "/ground"
    assert errors(release(officer, case, request=1))[0][0] == "/request"
    problem(made(officer, case, key=""), 400, "bad-request")
    assert api.written() == written


def test_a_request_of_somebody_else_is_not_answered(api: Api, officer: Api) -> None:
    """An extract belongs to a request about the person it is for."""
    data = {"kind": "gdpr_art15", "by": "parent-A", "about": "child-A", "received_at": "2026-03-04"}
    case = api.open_case(command("AccessRequestReceived", data))
    look(api, case)
    assert errors(made(officer, case, request=2)) == [("/request", "names a request for access about somebody else")]
    done(made(officer, case, "child-A", request=2))


def letter(officer: Api, case: str, version: int) -> bytes:
    """Return an extract as a letter."""
    response = officer.get(f"/cases/{case}/look-extracts/{version}.pdf")
    assert response.status_code == 200, response.text
    return response.content


def words_of(content: bytes) -> str:
    """Return the words of a PDF without blanks."""
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    return "".join(text.replace("\u200b", "").split())


def test_the_letter_says_what_the_extract_says(api: Api, officer: Api, case: str) -> None:
    """When, why, in which role and nobody's name; itself as data; the same each time, and each time a look."""
    look(api, case, "/events")
    secret = look(api, case, "/people")
    done(withhold(officer, case, secret, mentioned=True))
    told = done(made(officer, case))
    first = letter(officer, case, told["version"])
    look(api, case)
    before = api.size()
    assert letter(officer, case, told["version"]) == first
    topic, facts = entry(api, before + 1)
    assert (topic, facts["what"], facts["viewer"]) == ("record_viewed", "look_extract", OFFICER)
    found = words_of(first)
    for said in ("Hvemharsetoplysningeromdig", "sagsbehandling", "sagsbehandler", "taltmedher:1opslag", "side1af"):
        assert said in found, said
    assert CASEWORKER not in found
    (attached,) = PdfReader(BytesIO(first)).attachments["opslag.json"]
    assert orjson.loads(attached) == told
    assert done(officer.get(f"/cases/{case}/look-extracts/{told['version']}")) == told
    metadata = PdfReader(BytesIO(first)).trailer["/Root"]["/Metadata"].get_data().decode()  # pyright: ignore
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in metadata
    assert "<pdfuaid:part>1<" in metadata


def test_a_letter_names_staff_where_that_was_decided(api: Api, officer: Api, case: str) -> None:
    """Only those looks that the decision names."""
    shown = look(api, case, "/events")
    done(release(officer, case, shown))
    assert CASEWORKER in words_of(letter(officer, case, done(made(officer, case))["version"]))


def test_no_other_entry_is_an_extract(api: Api, officer: Api, case: str) -> None:
    """It is not found; and who may make none reads none."""
    version = done(made(officer, case))["version"]
    for other in (1, version + 1, 10**6):
        problem(officer.get(f"/cases/{case}/look-extracts/{other}"), 404, "not-found")
    problem(api.get(f"/cases/{case}/look-extracts/{version}.pdf"), 403, "forbidden")
