"""What had gone out on a consent that ended: to whom, when seen from the withdrawal, and who was told."""

from typing import Any

import pytest

from domain.entries import Entry
from domain.time import read_instant
from domain.withdrawals import GoneOut, gone_out
from tests.domain.findings.given import TEAM, codes
from tests.domain.rules import case, entry
from tests.domain.test_consents import consent, disclosure, withdrawn

SAID, TYPED = "2025-06-05T11:30+02:00", "2025-06-05T11:41+02:00"
LATER = "2025-06-06T09:00+02:00"
END = "2025-07-01T00:00Z"


def told(version: int, about: int, recipients: Any = "daycare", happened: str = LATER) -> Entry:
    """Return that recipients were told."""
    return entry(version, "RecipientTold", happened, about=about, recipients=recipients)


def found(*entries: Entry, at: str = END) -> tuple[GoneOut, ...]:
    """Return what had gone out on the consent by an instant."""
    return gone_out(case(*entries), "c-1", read_instant(at))


@pytest.mark.parametrize(
    ("happened", "made"),
    [
        ("2025-06-05T11:29+02:00", "before"),
        (SAID, "between"),
        ("2025-06-05T11:38+02:00", "between"),
        (TYPED, "after"),
        (LATER, "after"),
    ],
)
def test_a_disclosure_is_placed_by_when_the_withdrawal_was_said_and_typed(happened: str, made: str) -> None:
    """Given a phone call at 11:30 typed at 11:41, then what was shared in between is marked."""
    (row,) = found(consent(), disclosure(3, happened), withdrawn(4, SAID, TYPED))
    assert (row.made, row.disclosure.version, row.given.version) == (made, 3, 2)
    assert [one.version for one in row.withdrawals] == [4]
    assert row.untold == ("daycare",)


def test_nothing_is_listed_while_the_consent_stands() -> None:
    """Given a consent in force, or a withdrawal not yet said, or another consent, then the list is empty."""
    made = disclosure(3, "2025-05-05T10:00+02:00")
    assert found(consent(), made) == ()
    assert found(consent(), made, withdrawn(4, SAID, TYPED), at="2025-06-05T11:29+02:00") == ()
    assert found(consent(), disclosure(3, LATER, consents=["c-2"]), withdrawn(4, SAID, TYPED)) == ()
    assert found(made) == ()


def test_what_has_not_happened_yet_is_not_listed() -> None:
    """Given a disclosure after the instant asked about, then it is not there."""
    told_of = [consent(), withdrawn(3, SAID, TYPED), disclosure(4, LATER)]
    assert found(*told_of, at=TYPED) == ()
    assert len(found(*told_of)) == 1


def test_part_taken_back_concerns_its_recipients_alone() -> None:
    """Given a withdrawal for daycare, then what the health visitor received stands, and daycare has to be told."""
    part = withdrawn(5, SAID, TYPED, partial_scope=["daycare"])
    to_both = disclosure(4, "2025-05-06T10:00+02:00", to=["daycare", "health_visitor"])
    rows = found(consent(), disclosure(3, "2025-05-05T10:00+02:00", to="health_visitor"), to_both, part)
    assert [(row.disclosure.version, row.told) for row in rows] == [(4, (("daycare", None),))]
    whole = withdrawn(6, LATER)
    rows = found(consent(), to_both, part, whole)
    assert [recipient for recipient, _ in rows[0].told] == ["daycare", "health_visitor"]


def test_an_expired_consent_lists_what_had_gone_out_and_nobody_to_tell() -> None:
    """Given a last day that is over, then the list is there; nothing was withdrawn."""
    made = disclosure(3, "2025-05-05T10:00+02:00")
    (row,) = found(consent(valid_to="2025-05-31"), made, at="2025-06-01T00:00+02:00")
    assert (row.made, row.withdrawals, row.told) == (None, (), ())
    assert found(consent(valid_to="2025-05-31"), made, at="2025-05-31T23:59+02:00") == ()


def test_a_new_consent_does_not_reopen_what_went_out_on_the_old() -> None:
    """Given the same consent anew, then old disclosures still show the withdrawal, and new ones do not."""
    told_of = [
        consent(),
        disclosure(3, "2025-05-05T10:00+02:00"),
        withdrawn(4, SAID, TYPED),
        consent(5, LATER, valid_from="2025-06-06"),
        disclosure(6, "2025-06-07T10:00+02:00"),
    ]
    assert [row.disclosure.version for row in found(*told_of)] == [3]
    again = withdrawn(7, "2025-06-08T10:00+02:00")
    assert [(row.disclosure.version, row.withdrawals[0].version) for row in found(*told_of, again)] == [(3, 4), (6, 7)]


def test_the_entries_a_disclosure_names_decide_on_which_giving_it_rested() -> None:
    """Given a disclosure typed late that names the first giving, then it stands with the first withdrawal."""
    told_of = [
        consent(),
        withdrawn(3, SAID, TYPED),
        consent(4, LATER, valid_from="2025-06-06"),
        withdrawn(5, "2025-06-10T10:00+02:00"),
    ]
    named = disclosure(6, "2025-06-07T10:00+02:00", consent_entries=[2])
    assert [row.withdrawals[0].version for row in found(*told_of, named)] == [3]
    assert [row.withdrawals[0].version for row in found(*told_of, disclosure(6, "2025-06-07T10:00+02:00"))] == [5]


def test_a_disclosure_before_any_giving_stands_with_the_first() -> None:
    """Given a consent that was claimed before it was there, then its withdrawal is the recipient's business too."""
    (row,) = found(consent(), disclosure(3, "2025-03-01T10:00+01:00"), withdrawn(4, SAID, TYPED))
    assert (row.made, row.untold) == ("before", ("daycare",))


MADE, BACK = disclosure(3, "2025-05-05T10:00+02:00", to=["daycare", "health_visitor"]), withdrawn(4, SAID, TYPED)


@pytest.mark.parametrize(
    ("more", "untold"),
    [
        ([], ("daycare", "health_visitor")),
        ([told(5, 4)], ("health_visitor",)),
        ([told(5, 4), told(6, 4, ["x", "health_visitor"])], ()),
        ([told(5, 4, ["daycare", "health_visitor"])], ()),
        ([told(5, 4, ["daycare", "health_visitor"], "2025-07-02T00:00Z")], ("daycare", "health_visitor")),
        ([entry(5, "EntryCorrected", LATER, corrects=2, field="form"), told(6, 5)], ("daycare", "health_visitor")),
        ([told(5, 4), entry(6, "EntryAnnulled", LATER, annuls=5)], ("daycare", "health_visitor")),
        ([disclosure(5, LATER, consents=[], basis="law", legal_basis="x")], ("health_visitor",)),
        ([disclosure(5, "2025-06-05T11:38+02:00")], ("daycare", "health_visitor")),
    ],
    ids=["nobody", "one", "both", "together", "later", "of_another", "annulled", "by_disclosure", "in_ignorance"],
)
def test_who_was_told(more: list[Entry], untold: tuple[str, ...]) -> None:
    """Given what was recorded since, then the finding stands for as long as one recipient has not been told."""
    row = found(consent(), MADE, BACK, *more)[0]
    assert row.untold == untold
    assert ("RECIPIENT_NOT_TOLD" in codes([consent(), MADE, BACK, *more], TEAM, END)) is bool(untold)
