"""What stands at the top of a case: what to beware of, who, what is due next, what may be shared, as of any instant."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from uuid import NAMESPACE_OID, uuid5

import pytest

from api.looks import Question
from api.pages.case_overview import Overview, overview
from domain.entries import Entry
from domain.reach import Restriction
from domain.time import read_instant
from tests.api.looks import look_at, look_at_story, questions_of
from tests.domain.rules import entry, opened
from tests.story_entries import NAMES

NOW = "2025-06-01T10:00+02:00"
DAY = "2025-03-04T10:00+01:00"


PERSONS = {"parent-A": "mother", "parent-B": "father", "child-A": "child"}


def opening() -> Entry:
    """Return the opening of a case with persons as the ledger names them."""
    named = [
        {"ref": ref, "role": role, "person": str(uuid5(NAMESPACE_OID, ref)), "key": str(uuid5(NAMESPACE_OID, role))}
        for ref, role in PERSONS.items()
    ]
    bare = opened()
    return replace(bare, data=dict(bare.data) | {"persons": named})


def top(entries: Iterable[Entry], at: str = NOW, *, restriction: Restriction | None = None) -> Overview:
    """Return the top of a case made of an opening and some entries."""
    look = look_at((opening(), *entries))
    return overview(look, questions_of(look), read_instant(at), restriction, records=True)


def alarms(*entries: Entry, at: str = NOW) -> list[str]:
    """Return what a case warns of."""
    return [one.text for one in top(entries, at).alarms]


def received(version: int, when: str = DAY) -> Entry:
    """Return a notification."""
    return entry(
        version, "NotificationReceived", when, identity_known=True, about="child-A", notifier_kind="professional"
    )


def assessed(version: int, *, danger: bool) -> Entry:
    """Return the judgement of the notification before."""
    return entry(version, "NotificationAcuteAssessed", DAY, notification=2, danger=danger, participants=["u-1"])


class TestAlarms:
    """The red strip is there only if there is something."""

    def test_a_quiet_case_has_none(self) -> None:
        assert alarms() == []

    def test_a_child_in_danger_until_judged_otherwise(self) -> None:
        assert alarms(received(2), assessed(3, danger=True)) == ["Barnet er vurderet at være i fare."]
        assert alarms(received(2), assessed(3, danger=True), assessed(4, danger=False)) == []

    def test_a_protected_address_until_it_ends(self) -> None:
        protected = entry(2, "ProtectionRecorded", DAY, person="parent-A", kind="address", against=["parent-B"])
        (text,) = alarms(protected)
        assert text.startswith("Beskyttet: adressen for ")
        assert alarms(protected, entry(3, "ProtectionEnded", DAY, person="parent-A", kind="address")) == []

    def test_lives_that_ended_and_a_stop_of_erasure(self) -> None:
        died = entry(2, "DeathRecorded", DAY, person="child-A", died_on="2025-03-03")
        assert alarms(died)[0].startswith("Dødsfald: ")
        lost = entry(2, "PregnancyEnded", DAY, person="parent-A", kind="miscarriage")
        assert alarms(lost)[0].startswith("Graviditeten er ophørt: ")
        held = entry(2, "LegalHoldChanged", DAY, placed=True, reason="complaint")
        assert "slettestop" in alarms(held)[0]
        assert alarms(held, entry(3, "LegalHoldChanged", DAY, placed=False, reason="complaint")) == []

    def test_a_restricted_case_says_so(self) -> None:
        restricted = Restriction(1, "staff_conflict", ("u-1",), date(2025, 9, 1))
        (one,) = top((), restriction=restricted).alarms
        assert "begrænset" in one.text

    def test_what_had_not_happened_is_no_alarm_yet(self) -> None:
        died = entry(2, "DeathRecorded", DAY, person="child-A", died_on="2025-03-03")
        assert alarms(died, at="2025-03-01T10:00+01:00") == []


class TestDuties:
    """The next three, the soonest first, with the form by which each is done; the broken ones are counted."""

    def test_the_soonest_come_first_and_lead_to_their_form(self) -> None:
        found = top([received(2)], "2025-03-04T12:00+01:00")
        assert 0 < len(found.duties) <= 3
        due = [clock.due_at for clock in found.duties]
        assert due == sorted(due, key=str)
        (step,) = found.duties[0].steps
        assert step.address.endswith("/registrer/akutvurdering?notification=2")
        assert found.broken is None

    def test_a_day_later_it_is_broken(self) -> None:
        found = top([received(2)], "2025-03-06T12:00+01:00")
        assert found.broken is not None
        assert found.broken.text == "1 frist er overskredet"

    def test_a_duty_without_a_number_comes_last_and_is_not_kept_silent(self) -> None:
        look = look_at_story("s6_goes_wrong")
        found = overview(look, questions_of(look), read_instant("2026-06-01T10:00+02:00"), None, records=False)
        assert [clock.due_at for clock in found.duties] == [None, None]
        assert [clock.due for clock in found.duties] == ["intet tal i kilden"] * 2


class TestFindings:
    """The gravest in sight, the next behind a fold, the rest counted."""

    def test_many_findings_are_counted_not_listed(self) -> None:
        broken = [received(version) for version in range(2, 62)]
        found = top(broken, "2025-12-01T10:00+01:00")
        assert (len(found.findings), len(found.further)) == (5, 45)
        assert found.unnamed > 0
        assert top(broken[:2], "2025-12-01T10:00+01:00").unnamed == 0


class TestSharing:
    """The answer per recipient, with the consent it rests on."""

    @pytest.mark.parametrize(
        ("further", "answer"),
        [
            ((), "Ja, med samtykke fra"),
            ((entry(3, "ConsentWithdrawn", "2025-04-01T10:00+02:00", consent="c-1", withdrawn_by="parent-A"),), "Nej"),
        ],
    )
    def test_a_consent_opens_and_its_withdrawal_closes(self, further: tuple[Entry, ...], answer: str) -> None:
        given = entry(
            2, "ConsentGiven", DAY, consent="c-1", kind="disclosure", given_by="parent-A", capacity="self",
            scope=["daycare"], valid_from="2025-03-04",
        )  # fmt: skip
        (line,) = top((given, *further)).sharing
        assert line.recipient == "dagtilbud"
        assert line.answer.startswith(answer)
        assert line.allowed is answer.startswith("Ja")
        (before,) = top((given, *further), "2025-03-10T10:00+01:00").sharing
        assert before.allowed

    def test_a_refusal_is_no(self) -> None:
        refused = entry(2, "ConsentRefused", DAY, consent="c-1", kind="disclosure", refused_by="parent-A", scope=["gp"])
        (line,) = top([refused]).sharing
        assert (line.allowed, line.answer) == (False, "Nej: samtykket var nægtet")


class TestPeopleAndFacts:
    """Who they are, who may decide for the child, what was decided, what the child says."""

    def test_custody_standing_language_and_representative_stand_by_the_person(self) -> None:
        found = top([
            entry(2, "ChildBorn", DAY, child="child-A", mother="parent-A"),
            entry(3, "CustodyRecorded", DAY, child="child-A", holders=["parent-A"], kind="sole"),
            entry(4, "PartyRecorded", DAY, person="parent-A", status="party"),
            entry(5, "InterpreterNeeded", DAY, person="parent-A", language="ar"),
        ])  # fmt: skip
        notes = {one.ref: " ".join(one.notes) for one in found.persons}
        assert "født 04-03-2025" in notes["child-A"]
        assert "forældremyndighed: " in notes["child-A"]
        assert "ikke oplyst" not in notes["child-A"]
        assert "partsstatus: part" in notes["parent-A"]
        assert "tolk: ar" in notes["parent-A"]

    def test_what_nobody_recorded_is_said_to_be_missing(self) -> None:
        facts = {one.label: one.text for one in top(()).facts}
        assert facts == {"Gældende afgørelse": "ingen", "Ansvarlig": "ikke oplyst", "Barnets perspektiv": "ikke oplyst"}

    def test_notifications_tell_whether_they_were_judged(self) -> None:
        first = top([received(2)]).notifications
        assert [one.text for one in first] == ["Modtaget 04-03-2025 kl. 10.00, ikke vurderet akut"]
        second = top([received(2), assessed(3, danger=False)]).notifications
        assert second[0].text == "Modtaget 04-03-2025 kl. 10.00, vurderet akut 04-03-2025 kl. 10.00"


@pytest.mark.parametrize("name", NAMES)
def test_every_story_has_a_top_at_every_instant(name: str) -> None:
    """Never a later entry among the latest, whatever is asked about."""
    whole = look_at_story(name)
    for instant in [one.recorded_at for one in whole.entries][:: max(1, len(whole.entries) // 6)]:
        look = look_at_story(name, Question(instant))
        found = overview(look, questions_of(look), instant, None, records=False)
        assert len(found.latest) == min(5, len(look.entries))
        assert all(step is None for clock in found.duties for step in clock.steps)
        assert f"nr. {look.entries[-1].version} " in found.latest[0].text
