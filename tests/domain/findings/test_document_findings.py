"""Findings about documents: a hash without its document, bytes missing or changed; each found and each quiet."""

from typing import Any

import pytest

from domain.entries import Entry
from domain.findings.catalogue import CHECKS
from domain.findings.documents import CHECKS as OURS
from domain.findings.documents import STATED
from domain.inquiry import Inquiry
from domain.time import read_instant
from tests.domain.rules import case, entry, rules

DAY = "2025-03-10T10:00+01:00"
LATER = "2025-03-20T10:00+01:00"
END = "2025-12-01T00:00+01:00"
HASH, OTHER, COMMITMENT = "ab" * 32, "cd" * 32, "ef" * 32
CODE = "HASH_WITHOUT_DOCUMENT"


def found(*entries: Entry, at: str = END) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the findings about documents, by code and entry."""
    inquiry = Inquiry(case(*entries), rules(), read_instant(at))
    return {(one.code, one.entry): dict(one.detail) for check in OURS for one in check.find(inquiry)}


def notified(version: int = 2, letter_hash: str = HASH) -> Entry:
    """Return a decision sent as a letter."""
    return entry(version, "DecisionNotified", DAY, decision="d", to="parent-A", letter_hash=letter_hash)


def filed(number: int, happened: str = LATER, /, **data: Any) -> Entry:
    """Return a document filed."""
    said: dict[str, Any] = {"document": "letter-1", "version": 1, "commitment": COMMITMENT, "direction": "out"} | data
    return entry(number, "DocumentFiled", happened, **said)


@pytest.mark.parametrize("field", STATED)
def test_a_hash_calls_for_its_document(field: str) -> None:
    """Whatever field states it; with a document filed for the entry it is quiet."""
    said: dict[str, Any] = {field: [HASH] if field.endswith("hashes") else HASH}
    stating = entry(2, "ConsentGiven", DAY, **said)
    assert found(stating) == {(CODE, 2): {"hashes": 1}}
    assert found(stating, filed(3, for_entry=2)) == {}


def test_a_document_for_another_entry_does_not_count() -> None:
    """Nor one for none."""
    assert (CODE, 2) in found(notified(), filed(3, for_entry=1))
    assert (CODE, 2) in found(notified(), filed(3))


def test_a_hash_that_is_the_commitment_of_a_document_names_it() -> None:
    """So that a letter can be filed before the entry that states it."""
    assert found(filed(2, DAY), notified(3, letter_hash=COMMITMENT)) == {}


def test_each_hash_calls_for_a_document_of_its_own() -> None:
    """Two documents stated are two filed; two versions of one are one."""
    stating = entry(2, "HearingSent", DAY, document_hashes=[HASH, OTHER])
    assert found(stating, filed(3, for_entry=2)) == {(CODE, 2): {"hashes": 1}}
    assert found(stating, filed(3, for_entry=2), filed(4, version=2, for_entry=2)) == {(CODE, 2): {"hashes": 1}}
    assert found(stating, filed(3, for_entry=2), filed(4, document="letter-2", for_entry=2)) == {}
    both = entry(2, "HearingSent", DAY, document_hashes=[HASH, COMMITMENT])
    assert found(both, filed(3)) == {(CODE, 2): {"hashes": 1}}
    assert found(both, filed(3, for_entry=2)) == {(CODE, 2): {"hashes": 1}}, "it stands for one of them only"
    assert found(both, filed(3), filed(4, document="letter-2", commitment=OTHER, for_entry=2)) == {}


def test_only_what_is_in_force_at_the_instant_counts() -> None:
    """Before it was filed, and once the filing is annulled, the document is not there; a correction can link it."""
    stating, filing = notified(), filed(3, for_entry=2)
    assert (CODE, 2) in found(stating, filing, at="2025-03-15T10:00+01:00")
    assert found(stating, filing, at=END) == {}
    assert (CODE, 2) in found(stating, filing, entry(4, "EntryAnnulled", LATER, annuls=3, kind="mistake"))
    linked = entry(4, "EntryCorrected", LATER, corrects=3, field="for_entry", old=None, new=2)
    assert found(stating, filed(3), linked) == {}


def test_an_entry_without_a_hash_calls_for_nothing() -> None:
    """Also where it states the hash of something that is no document."""
    assert found(entry(2, "DecisionMade", DAY, decision="d", outcome="grant", log_root=HASH)) == {}
    assert found(filed(2, for_entry=1)) == {}


@pytest.mark.parametrize(
    ("checks", "code"),
    [
        ([], None),
        ([(True, True)], None),
        ([(False, False)], "DOCUMENT_BYTES_MISSING"),
        ([(True, False)], "DOCUMENT_BYTES_CHANGED"),
        ([(False, False), (True, True)], None),
        ([(True, True), (True, False)], "DOCUMENT_BYTES_CHANGED"),
    ],
)
def test_the_last_check_tells(checks: list[tuple[bool, bool]], code: str | None) -> None:
    """A document that was put right again is without finding."""
    entries = [
        entry(n, "DocumentChecked", f"2025-04-{n:02}", document="letter-1", version=1, present=present, matches=matches)
        for n, (present, matches) in enumerate(checks, start=3)
    ]
    assert [key[0] for key in found(filed(2, DAY), *entries)] == ([code] if code else [])


def test_they_stand_in_the_catalogue() -> None:
    """With level, source and both languages."""
    assert {check.code for check in OURS} <= CHECKS.keys()
    check = CHECKS[CODE]
    assert (check.level, check.verification) == ("must", "V")
    assert "§ 15" in check.citation
    (one,) = check.find(Inquiry(case(notified()), rules(), read_instant(END)))
    assert "1 missing" in check.explain(one, "en")
    assert "mangler 1" in check.explain(one)
