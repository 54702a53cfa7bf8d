"""Texts that mean something elsewhere are only texts here: stored and given back byte for byte, in every field."""

from collections.abc import Iterator
from typing import Any

import pytest

from domain.events import EVENTS
from domain.events.base import sealed_marks
from tests.api.client import MARCH, Api, command, errors
from tests.story_entries import NAMES, read_story, story_entries

STRINGS = (
    "<script>alert('Eksempel')</script>",
    '"><img src=x onerror=alert(1)>&lt;&amp;',
    "'; DROP TABLE ledger.event; --",
    "1' OR '1'='1",
    "$$; SELECT pg_sleep(9); $$",
    "%s %n %d %(name)s {0} {commit} {{7*7}} ${7*7} #{7*7}",
    "{% for x in ().__class__.__base__.__subclasses__() %}",
    "=cmd|' /C calc'!A0",
    "../../../../etc/passwd",
    "line one\nline two\r\n\tline three\n4. marts",
    "\\u0041 \\x41 \\ \\\\ / \\/",
    "\ufeff\u200b\u202eesrever\u202c\u2028\u2029\u0001\u007f\u0085",
    "æøå ÆØÅ e\u0301 \u00e9 ﬁ ﷺ 𝕊 👩\u200d👧\u200d👦 ‮",
    " leading and trailing blanks \n",
    "null",
    "[]{}:,\"'`",
)
CODES = tuple(text for text in STRINGS if text.strip() == text and "\n" not in text and "\r" not in text)


def _facts(name: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the events of a story as the ledger would be sent them, with strings that stand in its sealed texts."""
    number = 0
    for entry, step in zip(story_entries(name)[1:], read_story(name)["steps"], strict=True):
        data = dict(entry.data)
        for field in sealed_marks(EVENTS[step["event"]]):
            if field in data and step["event"] != "EntryCorrected":
                text = STRINGS[number % len(STRINGS)]
                data[field] = [text] * len(data[field]) if isinstance(data[field], list) else text
                number += 1
        yield step["event"], data, step["occurred_at"]


@pytest.mark.parametrize("name", NAMES)
def test_every_text_of_every_event_comes_back_as_it_was_sent(api: Api, name: str) -> None:
    """Each event of the stories keeps foreign markup, quoting and formatting in its texts exactly."""
    persons = [
        {"ref": p["ref"], "role": "person", "full_name": STRINGS[n]} for n, p in enumerate(read_story(name)["persons"])
    ]
    case = api.open_case(persons=persons)
    with api.acting_as("u-12") as leader:
        _records_and_reads(leader, case, name, [person["full_name"] for person in persons])


def _records_and_reads(api: Api, case: str, name: str, names: list[str]) -> None:
    for version, (event, data, moment) in enumerate(_facts(name), start=1):
        response = api.commit(case, version, command(event, data) | {"occurred_at": moment})
        assert response.status_code == 201, (event, response.text)
    kept = {e["version"]: (e["event"], e["data"]) for e in api.events(case)[1:]}
    texts = 0
    for version, (event, data, _) in enumerate(_facts(name), start=2):
        assert kept[version][0] == event
        for field in sealed_marks(EVENTS[event]):
            if field in data:
                assert kept[version][1][field] == data[field], (event, field)
                texts += 1
    assert texts >= 5
    assert [p["full_name"] for p in api.get(f"/cases/{case}").json()["persons"]] == names


@pytest.mark.parametrize("text", STRINGS)
def test_texts_beside_the_events_come_back_as_they_were_sent(api: Api, text: str) -> None:
    """Names and reasons are free text too."""
    person = {"ref": "parent-A", "role": "mother", "full_name": text}
    case = api.open_case(persons=[person], reason=text)
    assert api.events(case)[0]["reason"] == text
    assert api.get(f"/cases/{case}").json()["persons"][0]["full_name"] == text


@pytest.mark.parametrize("code", CODES)
def test_codes_come_back_as_they_were_sent(api: Api, code: str) -> None:
    """Numbers, programmes, roles, references, sources and law references are kept as written."""
    ref = code[:80]
    case = api.open_case(
        {
            "event": "AssessmentRecorded",
            "data": {"instrument": code, "about": ref, "result_kind": "score", "assessment": code, "score": 1},
            "source": code,
        },
        programme=code,
        number=code,
        persons=[{"ref": ref, "role": code, "full_name": "Alma Eksempel"}],
        occurred_at=MARCH,
        legal_basis=[code],
    )
    entry = api.events(case)[1]
    assert (entry["data"]["instrument"], entry["source"], entry["legal_basis"]) == (code, code, [code])
    shown = api.get(f"/cases/{case}").json()
    assert (shown["persons"][0]["ref"], shown["persons"][0]["role"]) == (ref, code)
    assert (shown["state"]["number"], shown["state"]["programme"]) == (code, code)
    assert shown["state"]["assessments"] == {code: {"instrument": code, "score": 1}}


@pytest.mark.parametrize("text", [t for t in STRINGS if t.isascii() and t.isprintable()])
def test_headers_and_parameters_are_only_texts(api: Api, case: str, text: str) -> None:
    """What is asked with strange values is refused or recorded, and never breaks the service."""
    strange = [{"Purpose": text.strip()}, {"Acting-Role": text.strip()}, {"Authorization": f"Bearer {text.strip()}"}]
    looked = [api.http.get(f"/cases/{case}", headers=headers) for headers in strange]
    assert [response.status_code for response in looked] == [400, 400, 401]
    asked = [
        *looked,
        api.get(f"/cases/{case}", known_at=text),
        api.get("/cases", cursor=text),
        api.get(f"/cases/{text}"),
    ]
    assert {response.status_code for response in asked} <= {400, 401, 404}
    assert not any(text in response.text for response in asked if len(text) > 6)
    unknown = api.commit(case, 1, command(text, {}))
    assert [place for place, _ in errors(unknown)] == ["/commands/0/event"]
