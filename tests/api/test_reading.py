"""Reading over HTTP: as of any instant on both axes, page by page, strictly."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api.client import CANARY, Api, assessment, command, correction, note, problem


def scores(api: Api, case: str, **parameters: str) -> Any:
    """Return the score that a case shows."""
    response = api.get(f"/cases/{case}", **parameters)
    assert response.status_code == 200, response.text
    return response.json()["state"]["assessments"].get("a-1", {}).get("score")


def recorded_at(api: Api, case: str) -> list[str]:
    """Return when each entry of a case was recorded."""
    return [entry["recorded_at"] for entry in api.events(case)]


def test_a_case_is_shown_as_it_was_known(api: Api) -> None:
    """Before the correction was recorded the old value is shown, afterwards the new one, and both answers say when."""
    case = api.open_case(assessment(4))
    assert api.commit(case, 2, correction(2, "score", 4, 3)).status_code == 201
    opened, _, corrected = recorded_at(api, case)
    assert scores(api, case, known_at=opened) == 4
    assert scores(api, case, known_at=corrected) == 3
    assert scores(api, case) == 3
    answer = api.get(f"/cases/{case}", known_at=opened)
    shown = answer.json()
    assert (shown["known_at"], shown["valid_at"]) == (opened, None)
    assert (shown["version"], answer.headers["etag"]) == (2, '"2"')
    assert shown["recorded_later"] == 1
    assert shown["as_of_position"] < shown["access_event"]


def test_entries_are_shown_as_they_were_known(api: Api) -> None:
    """Neither an entry nor a correction is there before it was recorded."""
    case = api.open_case(assessment(4))
    assert api.commit(case, 2, correction(2, "score", 4, 3)).status_code == 201
    opened = recorded_at(api, case)[0]
    before = api.events(case, known_at=opened)
    assert [e["version"] for e in before] == [1, 2]
    assert before[1]["corrections"] == []


def test_the_same_question_has_the_same_answer_later(api: Api) -> None:
    """A question about the past is answered alike whatever is recorded afterwards, but for what came later."""
    case = api.open_case(assessment(4))
    asked = {"known_at": recorded_at(api, case)[1]}
    keys = ("version", "known_at", "valid_at", "as_of_position", "state", "persons")
    before = api.get(f"/cases/{case}", **asked).json()
    assert api.commit(case, 2, note(), correction(2, "score", 4, 3)).status_code == 201
    after = api.get(f"/cases/{case}", **asked).json()
    assert {k: before[k] for k in keys} == {k: after[k] for k in keys}
    assert (before["recorded_later"], after["recorded_later"]) == (0, 2)
    assert after["recorded_later_but_happened_before"] == 2


def test_a_case_is_shown_by_what_had_happened(api: Api) -> None:
    """What happened after the instant asked about is left out, also where it was recorded first."""
    late = assessment(9, occurred_at="2026-06-01T08:00:00Z")
    case = api.open_case(late, assessment(4, occurred_at="2026-05-01T08:00:00Z"))
    assert scores(api, case) == 9
    assert scores(api, case, valid_at="2026-05-31T23:59:59Z") == 4
    assert scores(api, case, valid_at="2026-04-01T00:00:00Z") is None
    shown = api.events(case, valid_at="2026-05-31T23:59:59Z")
    assert [e["version"] for e in shown] == [1, 3]


def test_both_axes_are_asked_at_once(api: Api) -> None:
    """What was known then of what had happened by then, with a correction that was recorded later."""
    case = api.open_case(assessment(4, occurred_at="2026-05-01T08:00:00Z"))
    moved = correction(2, "occurred_at", None, "2026-07-01T08:00:00Z")
    assert api.commit(case, 2, moved).status_code == 201
    opened, _, corrected = recorded_at(api, case)
    june = "2026-06-01T00:00:00Z"
    assert scores(api, case, known_at=opened, valid_at=june) == 4
    assert scores(api, case, known_at=corrected, valid_at=june) is None
    assert scores(api, case, known_at=corrected, valid_at="2026-07-01T08:00:00Z") == 4


def test_an_offset_names_the_same_instant(api: Api) -> None:
    """An instant may be written with any offset, and is answered in UTC."""
    case = api.open_case()
    instant = datetime.fromisoformat(recorded_at(api, case)[0])
    written = (instant + timedelta(hours=2)).replace(tzinfo=None).isoformat() + "+02:00"
    shown = api.get(f"/cases/{case}", known_at=written).json()
    assert datetime.fromisoformat(shown["known_at"]) == instant


def test_before_it_was_opened_there_is_no_case(api: Api, case: str) -> None:
    """A case that was not on record at the instant asked about is not found, and says nothing of itself."""
    for path in (f"/cases/{case}", f"/cases/{case}/events"):
        problem(api.get(path, known_at="2020-06-01T00:00:00Z"), 404, "not-found")


@pytest.mark.parametrize("parameter", ["known_at", "valid_at"])
@pytest.mark.parametrize("path", ["/cases", "/cases/{case}", "/cases/{case}/events"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param("2026-03-04T09:00:00", id="no offset"),
        pytest.param("2026-03-04", id="a day"),
        pytest.param("2026-03-04T09:00:00 01:00", id="a plus lost on the way"),
        pytest.param("2999-01-01T00:00:00Z", id="the future"),
        pytest.param("0001-01-01T00:00:00+14:00", id="before all time"),
        pytest.param("2026-02-30T09:00:00Z", id="no day of the calendar"),
        pytest.param(CANARY, id="no instant"),
        pytest.param("1772620200", id="seconds"),
    ],
)
def test_an_instant_is_complete_and_past(api: Api, case: str, path: str, parameter: str, value: str) -> None:
    """A question about an instant that is ambiguous or to come is refused and not put on record as a look."""
    before = api.size()
    found = problem(api.get(path.format(case=case), **{parameter: value}), 400, "bad-request")
    assert parameter in found["detail"]
    if "lost" in value or " " in value:
        assert "%2B" in found["detail"]
    assert api.size() == before


@pytest.mark.parametrize("suffix", ["", "/events", "/commits", "/persons"])
@pytest.mark.parametrize("name", ["{uuid}", "{person}", "{ledger}", "no-uuid-" + CANARY, "0", "%00", "%ff", "' OR 1=1"])
def test_what_is_no_case_is_not_found(api: Api, case: str, name: str, suffix: str) -> None:
    """An id of nothing, of a person, of the ledger itself or no id at all is answered alike: there is no such case."""
    shown = api.get(f"/cases/{case}").json()
    names = {"uuid": str(uuid4()), "person": shown["persons"][0]["person"], "ledger": shown["proof"]["ledger"]}
    path = f"/cases/{name.format(**names)}{suffix}"
    before = api.size()
    if suffix in ("", "/events"):
        response = api.get(path)
    elif suffix == "/commits":
        response = api.post(path, {"commands": [note()]}, version=1)
    else:
        person = {"ref": "child-B", "role": "child", "full_name": "Bo Eksempel"}
        response = api.post(path, {"person": person, "occurred_at": "2026-08-12"}, version=1)
    problem(response, 404, "not-found")
    assert api.size() == before


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/cases", "/cases/{case}", "/cases/{case}/events", "/cases/{case}/commits"])
def test_nothing_is_changed_or_removed(api: Api, case: str, method: str, path: str) -> None:
    """Methods that change or remove are not allowed anywhere, and the answer says which ones are."""
    before = api.size()
    response = api.http.request(method, path.format(case=case), headers={"If-Match": '"1"', "Idempotency-Key": "k"})
    problem(response, 405, "method-not-allowed")
    assert set(response.headers["allow"].split(", ")) <= {"GET", "HEAD", "POST"}
    assert api.size() == before


@pytest.mark.parametrize("path", ["/" + CANARY, "/cases/x/y/z", "/admin", "/docs", "/redoc", "/problems/" + CANARY])
def test_an_unknown_address_is_not_found(api: Api, path: str) -> None:
    """What there is nothing at is a problem like any other."""
    problem(api.get(path), 404, "not-found")


@pytest.mark.parametrize("limit", ["0", "-1", "501", "1.5", CANARY, ""])
@pytest.mark.parametrize("path", ["/cases", "/cases/{case}/events"])
def test_a_page_has_one_to_five_hundred_items(api: Api, case: str, path: str, limit: str) -> None:
    """A limit outside the bounds is refused by place."""
    before = api.size()
    found = problem(api.get(path.format(case=case), limit=limit), 400, "bad-request")
    assert [e["pointer"] for e in found["errors"]] == ["/query/limit"]
    assert api.size() == before


def test_entries_are_read_page_by_page(api: Api) -> None:
    """Following the cursors yields every entry once, in order; the last page has none."""
    case = api.open_case(*[note(f"Note {n}") for n in range(2, 8)])
    seen: list[int] = []
    cursor: dict[str, str] = {}
    pages = 0
    while pages < 10:
        page = api.get(f"/cases/{case}/events", limit=3, **cursor).json()
        seen += [entry["version"] for entry in page["items"]]
        pages += 1
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert (seen, pages) == ([1, 2, 3, 4, 5, 6, 7], 3)


def test_a_full_last_page_has_no_next(api: Api) -> None:
    """Where the entries end with the page there is nothing to go on to."""
    case = api.open_case(note(), note())
    page = api.get(f"/cases/{case}/events", limit=3).json()
    assert ([e["version"] for e in page["items"]], page["next"]) == ([1, 2, 3], None)


def _flipped(cursor: str, index: int) -> str:
    other = "B" if cursor[index] == "A" else "A"
    return cursor[:index] + other + cursor[index + 1 :]


TAMPERED: dict[str, Callable[[str], str]] = {
    "first character": lambda cursor: _flipped(cursor, 0),
    "within the seal": lambda cursor: _flipped(cursor, 9),
    "within the place": lambda cursor: _flipped(cursor, 16),
    "cut short": lambda cursor: cursor[:-2],
    "made longer": lambda cursor: cursor + "QQ",
    "made up": lambda _: CANARY,
    "a number": lambda _: "3",
    "no base64": lambda _: "æ",
    "broken base64": lambda _: "A",
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED.keys())
@pytest.mark.parametrize("path", ["/cases", "/cases/{case}/events"])
def test_a_cursor_is_not_tampered_with(api: Api, change: Callable[[str], str], path: str) -> None:
    """A cursor that we did not give out is refused, and nobody is shown anything."""
    case = api.open_case(note(), note())
    place = path.format(case=case)
    cursor = api.get(place, limit=1).json()["next"]
    assert api.get(place, limit=1, cursor=cursor).status_code == 200
    before = api.size()
    assert "cursor" in problem(api.get(place, limit=1, cursor=change(cursor)), 400, "bad-request")["detail"]
    assert api.size() == before


def test_a_cursor_belongs_to_one_question(api: Api) -> None:
    """A cursor for one case, list or instant does not open another."""
    case, other = api.open_case(note(), note()), api.open_case(note(), note())
    known_at = recorded_at(api, case)[-1]
    cursor = api.get(f"/cases/{case}/events", limit=1).json()["next"]
    listed = api.get("/cases", limit=1).json()["next"]
    for path, parameters in (
        (f"/cases/{other}/events", {"cursor": cursor}),
        (f"/cases/{case}/events", {"cursor": cursor, "known_at": known_at}),
        (f"/cases/{case}/events", {"cursor": cursor, "valid_at": known_at}),
        (f"/cases/{case}/events", {"cursor": listed}),
        ("/cases", {"cursor": cursor}),
        ("/cases", {"cursor": listed, "known_at": known_at}),
    ):
        problem(api.get(path, limit=1, **parameters), 400, "bad-request")


def _all_cases(api: Api, limit: int, **parameters: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    for _ in range(1000):
        page = api.get("/cases", limit=limit, **parameters, **cursor).json()
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}
    pytest.fail("the pages of the list do not end")


def test_the_list_holds_what_was_just_written(api: Api) -> None:
    """Whoever opens a case finds it in the list at once, and a change of it at once too."""
    for _ in range(3):
        case = api.open_case()
        assert case in [item["case"] for item in _all_cases(api, 500)]
        assert api.commit(case, 1, assessment(4)).status_code == 201
        (item,) = [item for item in _all_cases(api, 500) if item["case"] == case]
        assert item["state"]["assessments"]["a-1"]["score"] == 4


def test_the_list_is_shown_as_it_was_known(api: Api) -> None:
    """The list of an earlier instant holds the cases of then, in the state of then."""
    case = api.open_case(assessment(4))
    then = recorded_at(api, case)[0]
    assert api.commit(case, 2, correction(2, "score", 4, 3)).status_code == 201
    later = api.open_case()
    listed = {item["case"]: item["state"] for item in _all_cases(api, 500, known_at=then)}
    assert listed[case]["assessments"]["a-1"]["score"] == 4
    assert later not in listed
    now = {item["case"]: item["state"] for item in _all_cases(api, 500)}
    assert now[case]["assessments"]["a-1"]["score"] == 3


def test_the_list_is_read_page_by_page(api: Api) -> None:
    """Small pages hold the same cases as a large one, each once, and tell how far the list was computed."""
    for _ in range(3):
        api.open_case()
    known_at = api.get(f"/cases/{api.open_case()}").json()
    large = [item["case"] for item in _all_cases(api, 500)]
    small = [item["case"] for item in _all_cases(api, max(2, len(large) // 4))]
    assert small == large == sorted(set(large))
    page = api.get("/cases").json()
    assert page["computed_to"] >= page["as_of_position"] >= known_at["as_of_position"]


def test_a_repeated_correction_counts_once_more(api: Api) -> None:
    """A correction of a correction is shown beside it, and the last value counts."""
    case = api.open_case(assessment(4))
    assert api.commit(case, 2, correction(2, "score", 4, 3)).status_code == 201
    assert api.commit(case, 3, correction(3, "new", 3, 5)).status_code == 201
    assert scores(api, case) == 5
    assert api.commit(case, 4, command("EntryAnnulled", {"annuls": 3, "reason": "It was right."})).status_code == 201
    assert scores(api, case) == 4


@pytest.mark.parametrize("path", ["/cases", "/cases/{case}", "/cases/{case}/events"])
def test_misspelt_parameter_is_refused(api: Api, path: str) -> None:
    """A parameter nobody knows is not passed over: a misspelt instant would show the present as if it were the past."""
    answer = api.get(path.format(case=api.open_case()), knwon_at="2026-03-04T14:00:00Z")
    assert "known_at" in problem(answer, 400, "bad-request")["detail"]
