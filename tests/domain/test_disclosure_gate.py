"""The gate before a disclosure: what it rests on, what is missing, and what no reason lets pass."""

from dataclasses import replace
from typing import Any

import pytest

from domain.disclosure_gate import GateAnswer, Proposal, may_disclose, possible_bases
from domain.documents import filing_of, to_send
from domain.entries import Entry
from domain.errors import Malformed
from domain.time import read_instant
from tests.domain.rules import case, entry
from tests.domain.test_consents import consent, withdrawn

AT = "2025-05-01T00:00Z"
PERSONS = ("parent-A", "parent-B", "child-A")
DAY = "2025-03-11T10:00+01:00"


def proposal(to: str = "daycare", about: tuple[str, ...] = ("child-A",), **changes: Any) -> Proposal:
    """Return a disclosure of social data to a confirmed recipient."""
    return replace(Proposal(to, about, ("social",), recipient_confirmed=True), **changes)


def answered(asked: Proposal, *entries: Entry, at: str = AT) -> GateAnswer:
    """Return what the gate says."""
    return may_disclose(case(*entries), asked, read_instant(at), PERSONS)


def protected(version: int = 3, **data: Any) -> Entry:
    """Return that the child's address is protected."""
    return entry(version, "ProtectionRecorded", DAY, **{"person": "child-A", "kind": "address", **data})


def filed(version: int, document: str, **data: Any) -> Entry:
    """Return a document that was filed."""
    return entry(version, "DocumentFiled", DAY, document=document, version=1, direction="out", **data)


@pytest.mark.parametrize(
    ("asked", "opens", "missing"),
    [
        (proposal(), True, []),
        (proposal(data_categories=("health",)), False, ["category"]),
        (proposal("school"), False, ["no_consent_named"]),
        (proposal(about=("parent-B",)), False, ["no_consent_named"]),
        (proposal(about=(), basis="law"), False, ["basis_not_stated"]),
        (proposal(about=(), basis="law", legal_basis=("retssikkerhedsloven § 11 c",)), True, []),
        (proposal(about=(), basis="emergency"), True, []),
    ],
)
def test_the_gate_answers_with_what_is_missing(asked: Proposal, opens: bool, missing: list[str]) -> None:
    """It looks for the consents that cover by itself, and takes a stated law."""
    answer = answered(asked, consent())
    assert answer.open is opens
    assert [gap.reason for gap in answer.gaps] == missing


def test_an_unconfirmed_recipient_is_no_gap_a_reason_could_fill() -> None:
    """Name and organisation are confirmed, whatever the disclosure rests on."""
    for basis in ("consent", "law", "emergency"):
        asked = proposal(basis=basis, legal_basis=("x",), recipient_confirmed=False)
        answer = answered(asked, consent())
        assert (answer.open, answer.gaps) == (False, ())
        assert [gap.reason for gap in answer.protected] == ["RECIPIENT_NOT_CONFIRMED"]


@pytest.mark.parametrize(
    ("asked", "against"),
    [
        (proposal("parent-B"), []),
        (proposal("parent-B"), ["parent-B"]),
        (proposal("lawyer", recipient_person="parent-B"), []),
        (proposal("daycare"), ["daycare"]),
        (proposal("parent-B", about=()), []),
        (proposal("parent-B", about=("parent-A", "child-A")), []),
    ],
)
def test_protection_is_no_gap_a_reason_could_fill(asked: Proposal, against: list[str]) -> None:
    """A recipient who must not learn it is kept from it by name, as a person behind an office, and by default."""
    told: dict[str, Any] = {"against": against} if against else {}
    answer = answered(asked, consent(), protected(**told))
    assert [(gap.reason, gap.person) for gap in answer.protected] == [("protected", "child-A")]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (proposal("daycare"), {}),
        (proposal("parent-B", about=("parent-A",)), {}),
        (proposal("parent-A"), {"against": ["parent-B"]}),
        (proposal("child-A"), {}),
        (proposal("parent-B"), {"until": "2025-04-01"}),
    ],
)
def test_protection_keeps_nothing_from_others(asked: Proposal, told: dict[str, Any]) -> None:
    """An office, another person's data, one not meant, the person, and after its end."""
    assert answered(asked, consent(), protected(**told)).protected == ()


def test_protection_before_birth_holds_for_the_child() -> None:
    """It was recorded of the unborn; the disclosure names the child."""
    born = entry(4, "ChildBorn", DAY, child="child-A", mother="parent-A")
    answer = answered(proposal("parent-B"), consent(), protected(person="unborn of parent-A"), born)
    assert [gap.person for gap in answer.protected] == ["unborn of parent-A"]


def test_the_entries_it_rests_on_are_those_in_force_then() -> None:
    """Of a consent given twice the one that counts at the instant; of one withdrawn none."""
    again = consent(4, "2025-06-01T10:00+02:00", valid_from="2025-06-01")
    told = [consent(), withdrawn(3, "2025-05-15T10:00+02:00"), again]
    named = proposal(consents=("c-1",))
    instants = ("2025-05-01T00:00Z", "2025-05-20T00:00Z", "2025-06-02T00:00Z")
    assert [answered(named, *told, at=at).consent_entries for at in instants] == [(2,), (), (4,)]
    assert answered(named, *told, at=instants[1]).consents == ("c-1",)
    assert answered(proposal(basis="law", legal_basis=("x",)), *told).consent_entries == ()


def test_a_document_speaks_of_those_it_is_about() -> None:
    """What goes out about the father needs cover for the father, named in the request or not."""
    known = case(consent(), filed(3, "letter", subjects=["child-A", "parent-B"]), filed(4, "plan"))
    documents = to_send(known, [("letter", 1), ("plan", 1), ("letter", 1)], "/documents_filed")
    assert [one.entry.version for one in documents] == [3, 4]
    asked = proposal().with_documents(documents)
    assert asked.about == ("child-A", "parent-B")
    gaps = may_disclose(known, asked, read_instant(AT), PERSONS).gaps
    assert [(gap.reason, gap.person) for gap in gaps] == [("no_consent_of_person", "parent-B")]


def test_documents_that_cannot_go_out_are_all_named() -> None:
    """Unknown, of another version, and annulled."""
    known = case(filed(2, "letter"), filed(3, "plan"), entry(4, "EntryAnnulled", DAY, annuls=3, kind="mistake"))
    with pytest.raises(Malformed) as refused:
        to_send(known, [("letter", 1), ("letter", 2), ("plan", 1), ("note", 1)], "/documents_filed")
    assert [(problem.pointer, problem.detail.split(":")[0]) for problem in refused.value.problems] == [
        ("/documents_filed/1", "names no document filed in this case"),
        ("/documents_filed/2", "names a document whose filing was annulled"),
        ("/documents_filed/3", "names no document filed in this case"),
    ]
    assert filing_of(known, "letter", 1) is not None


def test_laws_are_offered_before_consent_and_health_law_for_health_data() -> None:
    """Each with when it applies, in both languages, and how far it is verified."""
    social = {basis.citation for basis in possible_bases(proposal())}
    assert {"retssikkerhedsloven § 11 c", "forvaltningsloven § 28(2)", "barnets lov §§ 133 og 135"} <= social
    health = possible_bases(proposal(data_categories=("health",)))
    assert {basis.citation for basis in health} - social == {"sundhedsloven §§ 41 og 43(2)"}
    assert all(basis.danish and basis.english and basis.verification in ("V", "M", "open") for basis in health)
