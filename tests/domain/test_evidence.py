"""What an evidence bundle tells its recipient: by the decision, by whose the texts are, by what stands against it now."""

from typing import Any
from uuid import UUID

import pytest

from domain.case_file import CaseFile
from domain.entries import Entry
from domain.errors import Malformed, Refused
from domain.evidence import Grant, Teller, Telling, grant_of
from domain.known import Known
from domain.time import read_instant
from tests.domain.rules import CASE, entry

AT = "2025-05-01T00:00Z"
DAY = "2025-03-11T10:00+01:00"
CASE_KEY, KEYS = UUID(int=9), {ref: UUID(int=20 + n) for n, ref in enumerate(("parent-A", "parent-B", "child-A"))}
OWN, CHILD = {"by": "parent-A", "about": "parent-A"}, {"by": "parent-A", "about": ["child-A"]}


def opening() -> Entry:
    """Return the opening of a case of two parents and a child."""
    persons = [{"ref": ref, "person": str(key), "key": str(key), "role": "r"} for ref, key in KEYS.items()]
    return entry(1, "CaseOpened", DAY, number="S-1", programme="p", key=str(CASE_KEY), persons=persons)


def file(*entries: Entry, outcome: str = "granted", kind: str = "own", asked: dict[str, Any] | None = None) -> CaseFile:
    """Return a case in which access was asked for and answered after some entries."""
    n = len(entries) + 1
    request = entry(n + 1, "AccessRequestReceived", DAY, kind=kind, **{"received_at": DAY, **(asked or OWN)})
    answer = entry(n + 2, "AccessRequestAnswered", DAY, request=n + 1, outcome=outcome)
    return CaseFile(CASE, (opening(), *entries, request, answer))


def telling(case: CaseFile, version: int, *keys: UUID, grant: bool = True) -> Telling:
    """Return how much of one entry is told by the last answer of the case."""
    decision = grant_of(Known(case.entries), case.version) if grant else None
    return Teller(case, decision, read_instant(AT)).telling(version, keys)


def said(version: int, informant: str = "parent-A", **more: Any) -> Entry:
    """Return a note of what somebody said."""
    return entry(version, "NoteRecorded", DAY, sealed=("content",), informant=informant, channel="phone", **more)


def scored(version: int, about: str) -> Entry:
    """Return an assessment of somebody."""
    return entry(version, "AssessmentRecorded", DAY, assessment="a", instrument="i", about=about, score=3)


def test_without_a_decision_nothing_is_told() -> None:
    """Neither text nor clear part."""
    assert telling(file(said(2)), 2, KEYS["parent-A"], grant=False) == Telling("no_access_decision")


@pytest.mark.parametrize("outcome", ["refused", "no_such_data", "Granted"])
def test_a_refusal_makes_no_bundle(outcome: str) -> None:
    """Only what is known to give access does."""
    case = file(outcome=outcome)
    with pytest.raises(Refused, match="gives no access"):
        grant_of(Known(case.entries), case.version)


@pytest.mark.parametrize("version", [0, 1, 2, 99])
def test_what_is_no_answer_makes_none(version: int) -> None:
    """The opening, the request itself, and entries that are not there."""
    with pytest.raises(Malformed, match="/answer"):
        grant_of(Known(file().entries), version)


def test_an_answer_taken_back_makes_none() -> None:
    """An annulled decision gives nothing."""
    case = file()
    annulled = (*case.entries, entry(case.version + 1, "EntryAnnulled", DAY, annuls=case.version))
    with pytest.raises(Malformed):
        grant_of(Known(annulled), case.version)


def test_a_decision_says_who_gets_what() -> None:
    """Recipient and whose data are those of the request, as corrected."""
    case = file(asked=CHILD, outcome="partly_granted", kind="party_access")
    assert grant_of(Known(case.entries), 3) == Grant(3, 2, "parent-A", ("child-A",), "party_access", partly=True)


def test_own_texts_are_open_and_those_of_others_are_not() -> None:
    """A text sealed for the person asked about is open; one sealed for another in the same entry stays closed."""
    case = file(said(2, subjects=["parent-A", "parent-B"]))
    found = telling(case, 2, KEYS["parent-A"], KEYS["parent-B"], CASE_KEY, UUID(int=99))
    assert found == Telling(None, (None, "other_person", "not_decided", "not_decided"))


def test_entries_about_others_alone_are_not_told() -> None:
    """A score of the father is nothing that the mother asked for; one of hers is."""
    case = file(scored(2, "parent-B"), scored(3, "parent-A"))
    assert telling(case, 2) == Telling("other_person")
    assert telling(case, 3) == Telling()


def test_what_names_nobody_is_for_parties() -> None:
    """Somebody who asks for their own data is told of those; a party is told of the case."""
    hours = entry(2, "SupportLevelSet", DAY, hours_per_week=3)
    assert telling(file(hours), 2) == Telling("not_decided")
    assert telling(file(hours, kind="party_access"), 2, CASE_KEY) == Telling(None, (None,))
    party = entry(3, "PartyRecorded", DAY, person="parent-A", status="party")
    assert telling(file(hours, party), 2, CASE_KEY) == Telling(None, (None,))


def test_a_text_of_nobody_is_open_where_all_it_names_may_be_told() -> None:
    """The case's own key seals what is of several people, and of informants outside the case."""
    several, outside = said(2, "parent-B", subjects=["parent-A"]), said(3, "neighbour-1", subjects=["parent-A"])
    case = file(several, outside, said(4, subjects=["parent-A"]), kind="party_access")
    assert [telling(case, version, CASE_KEY).segments for version in (2, 3, 4)] == [
        ("other_person",), ("other_person",), (None,),
    ]  # fmt: skip


def test_a_custody_holder_is_a_party_for_the_child() -> None:
    """Unless the register says otherwise of that child; another's custody opens nothing."""
    born = entry(2, "ChildBorn", DAY, child="child-A", mother="parent-B")
    custody = entry(3, "CustodyRecorded", DAY, child="child-A", holders=["parent-A"])
    not_party = entry(5, "PartyRecorded", DAY, person="parent-A", status="not_party", child="child-A")
    note = said(4, "child-A")
    assert telling(file(born, custody, note), 4, KEYS["child-A"]) == Telling(None, (None,))
    assert telling(file(born, custody, note, not_party), 4, KEYS["child-A"]) == Telling("other_person")
    others = entry(3, "CustodyRecorded", DAY, child="child-A", holders=["parent-B"])
    assert telling(file(born, others, note), 4, KEYS["child-A"]) == Telling("other_person")


def test_a_representative_is_told_what_the_represented_may_be() -> None:
    """Whoever speaks for somebody gets what is theirs, while they do."""
    speaks = entry(2, "RepresentativeAppointed", DAY, representative="parent-A", represents="parent-B", capacity="c")
    ended = entry(4, "RepresentativeEnded", DAY, representative="parent-A", represents="parent-B")
    assert telling(file(speaks, said(3, "parent-B")), 3, KEYS["parent-B"]) == Telling(None, (None,))
    assert telling(file(speaks, said(3, "parent-B"), ended), 3, KEYS["parent-B"]) == Telling("other_person")


def test_who_is_protected_from_the_recipient_is_not_told() -> None:
    """A protected address may stand in any text that names the person; where existence is protected, nothing is told."""
    note = said(3, "child-A", subjects=["child-A"])
    for kind, expected in (("address", Telling(None, ("protected",))), ("existence", Telling("protected"))):
        shield = entry(2, "ProtectionRecorded", DAY, person="child-A", kind=kind, against="parent-A")
        assert telling(file(shield, note, asked=CHILD), 3, KEYS["child-A"]) == expected
        against = entry(2, "ProtectionRecorded", DAY, person="child-A", kind=kind, against="parent-B")
        assert telling(file(against, note, asked=CHILD), 3, KEYS["child-A"]) == Telling(None, (None,))


def test_what_was_recorded_on_the_wrong_person_is_not_told() -> None:
    """Neither the entry, nor what says so; a value withheld in an entry closes the whole, for it is one text."""
    wrong = entry(3, "EntryAnnulled", DAY, sealed=("reason",), annuls=2, kind="wrong_person")
    assert telling(file(said(2), wrong), 2, KEYS["parent-A"]) == Telling("withheld_entry")
    assert telling(file(said(2), wrong), 3, CASE_KEY) == Telling("withheld_entry")
    corrected = entry(3, "EntryCorrected", DAY, corrects=2, field="score", old=3, new=4, restricted=True)
    assert telling(file(scored(2, "parent-A"), corrected), 2) == Telling("withheld_entry")
    assert telling(file(scored(2, "parent-A"), corrected), 3) == Telling("withheld_entry")


def test_a_correction_is_told_where_its_entry_is() -> None:
    """It holds the values of the entry it corrects."""
    of_other = entry(3, "EntryCorrected", DAY, corrects=2, field="score", old=3, new=4)
    assert telling(file(scored(2, "parent-B"), of_other), 3) == Telling("other_person")
    assert telling(file(scored(2, "parent-A"), of_other), 3) == Telling()


def test_who_may_not_be_told_of_looks_is_not_told_that_it_was_decided() -> None:
    """Entries about access itself stay closed, also to the party they name."""
    secret = entry(2, "LookupsWithheld", DAY, person="parent-A", looks=[7], legal_basis="l", mentioned=False)
    assert telling(file(secret, kind="party_access"), 2, CASE_KEY) == Telling("not_decided")


def test_request_and_answer_are_told_to_whoever_gets_the_answer() -> None:
    """The decision that the bundle rests on can be read in it."""
    case = file(asked={"by": "parent-B", "about": "parent-A"})
    assert telling(case, 2) == telling(case, 3) == Telling()
