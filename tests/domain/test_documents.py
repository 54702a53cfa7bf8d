"""Documents of a case: versions, checks, keys, and accounts of them that contradict the file."""

from typing import Any
from uuid import UUID

import pytest

from domain.case_file import CaseFile
from domain.documents import Filing, filing_of, filings, is_erased, key_for, next_version
from domain.entries import Entry
from domain.errors import Malformed
from domain.events.control import DocumentFiled
from domain.events.correction import EntryCorrected
from domain.recording import record_facts
from tests.domain.rules import CASE, case, entry

DAY, LATER = "2025-03-10T10:00+01:00", "2025-03-20T10:00+01:00"
CASE_KEY, KEY_A, KEY_B = UUID(int=1), UUID(int=2), UUID(int=3)


def filed(version: int, document: str = "letter-1", number: int = 1, **data: Any) -> Entry:
    """Return a document filed."""
    return entry(version, "DocumentFiled", DAY, document=document, version=number, direction="out", **data)


def checked(version: int, happened: str = LATER, **data: Any) -> Entry:
    """Return a check of the first version."""
    said: dict[str, Any] = {"document": "letter-1", "version": 1, "present": True, "matches": True} | data
    return entry(version, "DocumentChecked", happened, **said)


def fact(**changes: Any) -> DocumentFiled:
    """Return a document to file."""
    said: dict[str, Any] = {
        "document": "letter-1",
        "version": 1,
        "direction": "out",
        "theme": "decision",
        "store": "content",
        "reference": "r",
        "commitment": "ab" * 32,
        "media_type": "a/b",
        "size": 1,
    }
    return DocumentFiled.model_validate(said | changes)


def only(*entries: Entry) -> Filing:
    """Return the one filing of a case."""
    (filing,) = filings(case(*entries))
    return filing


def test_a_filing_knows_its_last_check() -> None:
    """By when it happened; before the first there is none."""
    assert only(filed(2)).state == "not_checked"
    assert only(filed(2), checked(3)).state == "present"
    assert only(filed(2), checked(3), checked(4, present=False, matches=False)).state == "missing"
    assert only(filed(2), checked(3, matches=False), checked(4)).state == "present"
    assert only(filed(2), checked(3, matches=False)).state == "changed"
    assert only(filed(2), checked(3, document="other")).state == "not_checked"


def test_a_filing_is_shown_as_it_was_written() -> None:
    """Annulled it is out of force, and where its bytes lie no correction changes."""
    annulled = only(filed(2), entry(3, "EntryAnnulled", LATER, annuls=2, kind="mistake"))
    assert not annulled.in_force
    moved = entry(3, "EntryCorrected", LATER, corrects=2, field="reference", new="other")
    assert only(filed(2, reference="r"), moved).entry.data["reference"] == "r"


def test_versions_are_found_and_counted() -> None:
    """A number is used once, also by a filing that was annulled."""
    record = case(filed(2), filed(3, number=4), entry(4, "EntryAnnulled", LATER, annuls=3, kind="mistake"))
    assert filing_of(record, "letter-1", 4) == filings(record)[1]
    assert filing_of(record, "letter-1", 2) is None
    assert (next_version(record.entries, "letter-1"), next_version(record.entries, "other")) == (5, 1)


def _file(*entries: Entry) -> CaseFile:
    persons = [
        {"ref": ref, "person": str(UUID(int=9)), "key": str(key), "role": "r"}
        for ref, key in (("parent-A", KEY_A), ("child-A", KEY_B))
    ]
    opening = case().entries[0]
    opened = Entry(
        **{
            name: getattr(opening, name) for name in ("stream", "version", "position", "recorded_at", "topic", "schema")
        },
        occurred_at=opening.occurred_at,
        actor=opening.actor,
        commit=opening.commit,
        data={"key": str(CASE_KEY), "persons": persons},
    )
    return CaseFile(CASE, (opened, *entries))


def test_the_key_is_that_of_one_person_or_of_the_case() -> None:
    """Several people, none, or one not yet born: the case's own key."""
    file = _file()
    assert key_for(file, ["parent-A"]) == KEY_A
    assert key_for(file, ["parent-A", "child-A"]) == key_for(file, []) == CASE_KEY
    assert key_for(file, ["unborn of parent-A"]) == CASE_KEY


def test_an_erasure_on_record_explains_a_document_that_is_gone() -> None:
    """Of its own key only."""
    erased = entry(3, "PersonalDataErased", LATER, key=str(KEY_A), subject="parent-A")
    hers, theirs = filed(2, subjects="parent-A"), filed(2, subjects=["parent-A", "child-A"])
    assert is_erased(_file(hers, erased), hers)
    assert not is_erased(_file(theirs, erased), theirs)
    assert not is_erased(_file(hers), hers)


def refused(file: CaseFile, *facts: Any) -> list[str]:
    """Return the places of what is wrong with facts."""
    with pytest.raises(Malformed) as problems:
        record_facts(file, facts, moved=True)
    return [problem.pointer for problem in problems.value.problems]


def test_the_same_version_is_not_filed_twice() -> None:
    """Neither after one on record, in force or not, nor twice in one commit."""
    annulled = entry(3, "EntryAnnulled", LATER, annuls=2, kind="mistake")
    assert refused(_file(filed(2)), fact()) == ["/commands/0/data/version"]
    assert refused(_file(filed(2), annulled), fact()) == ["/commands/0/data/version"]
    assert refused(_file(), fact(), fact()) == ["/commands/1/data/version"]
    assert record_facts(_file(filed(2)), [fact(version=2), fact(document="letter-2")], moved=True)


def test_a_document_came_went_or_stayed() -> None:
    """And one that stayed was neither received nor sent."""
    assert refused(_file(), fact(direction="sideways")) == ["/commands/0/data/direction"]
    internal = fact(direction="internal", received_or_sent_at="2025-03-01")
    assert refused(_file(), internal) == ["/commands/0/data/received_or_sent_at"]
    assert record_facts(_file(), [fact(direction="in", received_or_sent_at="2025-03-01")], moved=True)


def test_what_was_filed_is_not_corrected() -> None:
    """The theme is; where the bytes lie, what they were and whose key seals them is not."""
    file = _file(filed(2, reference="r", theme="t", subjects="parent-A"))
    for name, new in (("reference", "other"), ("commitment", "cd" * 32), ("version", 7), ("subjects", "child-A")):
        correction = EntryCorrected(corrects=2, field=name, new=new, reason="Wrong.")
        assert refused(file, correction) == ["/commands/0/data/field"]
    assert record_facts(file, [EntryCorrected(corrects=2, field="theme", old="t", new="u", reason="Wrong.")])
