"""After an erasure, and after a withdrawal, those who had received the data must be told: found, and quiet once told."""

from typing import Any

import pytest

from domain.entries import Entry
from domain.findings.catalogue import CHECKS, findings
from domain.inquiry import Inquiry
from domain.time import read_instant
from tests.domain.rules import case, entry, rules

DAY, LATER, LAST = "2025-03-10T10:00+01:00", "2025-03-20T10:00+01:00", "2025-04-10T10:00+02:00"
END = "2025-06-01T12:00+02:00"


def sent(version: int = 2, to: str | list[str] = "daycare", happened: str = DAY, **data: Any) -> Entry:
    """Return a disclosure on a law."""
    said: dict[str, Any] = {"basis": "law", "consents": [], "data_categories": ["social"], "legal_basis": ["x"]}
    return entry(version, "DisclosureMade", happened, to=to, **(said | data))


def erased(version: int = 5, scope: str = "case", **data: Any) -> Entry:
    """Return an erasure."""
    return entry(version, "PersonalDataErased", LATER, basis="x", approved_by="u-3", scope=scope, **data)


def told(version: int, about: int, *recipients: str) -> Entry:
    """Return that recipients were told."""
    return entry(version, "RecipientTold", LAST, about=about, recipients=list(recipients))


def found(code: str, *entries: Entry) -> list[tuple[int, tuple[int, ...], str]]:
    """Return entry, what it rests on and recipients of each finding of a code."""
    inquiry = Inquiry(case(*entries), rules(), read_instant(END))
    hits = [one for one in findings(inquiry) if one.code == code]
    assert all(CHECKS[code].explain(one) and CHECKS[code].explain(one, "en") for one in hits)
    return [(one.entry, one.rests_on, str(one.detail.get("recipients", ""))) for one in hits]


MINUTES = entry(3, "MinutesDistributed", DAY, meeting=2, recipients=["school", "parent-A"], filed=True, basis="law")
PACKAGE = entry(4, "TransferPackageSent", DAY, to_municipality="Andenby")


@pytest.mark.parametrize(
    ("entries", "missing"),
    [
        ((sent(), erased()), "daycare"),
        ((sent(), MINUTES, PACKAGE, erased()), "Andenby, daycare, school"),
        ((sent(about=["parent-B"]), erased(scope="person", subject="parent-B")), "daycare"),
        ((sent(), erased(scope="person", subject="parent-B")), "daycare"),
        ((sent(to=["daycare", "school"]), erased(), told(6, 5, "daycare")), "school"),
        ((sent(), erased(), told(6, 2, "daycare")), "daycare"),
    ],
)
def test_recipients_of_erased_data_must_be_told(entries: tuple[Entry, ...], missing: str) -> None:
    """Whoever had the case, or may have had data about the person; persons of the case are no recipients."""
    ((version, rests_on, recipients),) = found("ERASURE_RECIPIENT_NOT_TOLD", *entries)
    assert (version, recipients) == (5, missing)
    assert rests_on


def test_persons_erased_together_are_told_of_apart() -> None:
    """As where erasures are put on record again after a restore: who had received data about either is found."""
    one, other = sent(2, "daycare", about=["parent-A"]), sent(3, "school", about=["parent-B"])
    gone = [erased(version, "person", subject=ref) for version, ref in ((5, "parent-A"), (6, "parent-B"))]
    assert found("ERASURE_RECIPIENT_NOT_TOLD", one, other, *gone) == [(5, (2,), "daycare"), (6, (3,), "school")]


@pytest.mark.parametrize(
    "entries",
    [
        (sent(),),
        (erased(),),
        (sent(about=["parent-A"]), erased(scope="person", subject="parent-B")),
        (sent(happened=LAST), erased()),
        (sent(), erased(), told(6, 5, "daycare")),
        (sent(), erased(), erased(6), told(7, 6, "daycare")),
    ],
)
def test_quiet_where_nobody_had_it_or_everybody_knows(entries: tuple[Entry, ...]) -> None:
    """One decision counts once, however many keys it destroyed, and may be named by any of its entries."""
    assert found("ERASURE_RECIPIENT_NOT_TOLD", *entries) == []


def test_a_recipient_told_of_the_withdrawal_is_told() -> None:
    """About the consent that the disclosure rested on, and each of its recipients."""
    given = entry(
        2, "ConsentGiven", DAY, consent="c-1", kind="disclosure", given_by="parent-A", scope=["daycare", "school"],
        valid_from="2025-03-01", capacity="self",
    )  # fmt: skip
    used = sent(3, ["daycare", "school"], "2025-03-11T10:00+01:00", basis="consent", consents=["c-1"])
    ended = entry(4, "ConsentWithdrawn", LATER, consent="c-1", withdrawn_by="parent-A", informed=[])
    assert found("RECIPIENT_NOT_TOLD", given, used, ended) == [(3, (4,), "daycare, school")]
    assert found("RECIPIENT_NOT_TOLD", given, used, ended, told(5, 4, "daycare")) == [(3, (4,), "school")]
    neither = [(3, (4,), "daycare, school")]
    assert found("RECIPIENT_NOT_TOLD", given, used, ended, told(5, 3, "daycare", "school")) == neither
    assert found("RECIPIENT_NOT_TOLD", given, used, ended, told(5, 4, "daycare", "school")) == []
