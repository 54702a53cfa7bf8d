"""The yearly review's questions to a case, answered from what is on record: yes, no or not stated, with the entries.

The appeal body reads a sample of files each year and counts. A yes never stands without an entry behind it, and what
cannot be told from the entries is not stated. Clocks and findings are those of the rules; nothing is judged twice.
Source: Ankestyrelsen, Børnesagsbarometret 2020-2022.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

from domain.calendar import plus_months
from domain.clocks import clocks_of
from domain.consents import SUPPORT, consent_ids, consent_status
from domain.deadlines import Deadline, status
from domain.decision_kinds import grants_support, without_consent
from domain.decisions import hearings_of
from domain.entries import Entry
from domain.events.assessment import InvestigationCompleted, InvestigationOpened
from domain.events.decision import DecisionMade
from domain.events.enrolment import EnrolmentClosed
from domain.events.plan import FollowUpHeld, PlanAdopted
from domain.events.referral import ScreeningRecorded
from domain.findings.base import Finding
from domain.findings.catalogue import pending
from domain.inquiry import Inquiry
from domain.standing import Standing, standing
from domain.time import copenhagen_day, end_of

Said = Literal["yes", "no", "not_stated"]
ANSWERS: tuple[Said, ...] = ("yes", "no", "not_stated")

MONTHS_BETWEEN = 6
"""How many months the review lets pass between two follow-ups. Source: the barometer's own question."""

MET, BROKEN = ("met", "met_disputed"), ("breached", "exceeded_with_preliminary")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, with the versions of the entries behind it, in order."""

    answer: Said
    entries: tuple[int, ...] = ()


NOT_STATED = Answer("not_stated")


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the review: its code, its words, the rule behind it, and what answers it at an instant.

    ``rules`` are those whose clocks answer it, ``findings`` the kinds of findings that answer it with no.
    """

    code: str
    danish: str
    english: str
    citation: str
    ask: Callable[["Evidence", datetime], Answer]
    rules: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What the answer to a question about one case rests on."""

    inquiry: Inquiry
    question: Question

    @cached_property
    def clocks(self) -> tuple[Deadline, ...]:
        """The clocks of the question's rules."""
        return clocks_of(self.inquiry, self.question.rules)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What the question's checks find."""
        return pending(self.inquiry, self.question.findings) if self.question.findings else ()

    @cached_property
    def decisions(self) -> tuple[Entry, ...]:
        """The decisions made."""
        return self.inquiry.of(DecisionMade)

    @cached_property
    def gaps(self) -> tuple[tuple[Entry, datetime, Entry | None], ...]:
        """Each follow-up, until when the next was due, and what came next: a follow-up or the closing."""
        steps = self.inquiry.of(FollowUpHeld, EnrolmentClosed)
        following = [*pairwise(steps), *([(steps[-1], None)] if steps else [])]
        return tuple(
            (one, end_of(plus_months(copenhagen_day(one.occurred_at), MONTHS_BETWEEN)), after)
            for one, after in following
            if one.topic == FollowUpHeld.TOPIC
        )

    @property
    def turns(self) -> Iterator[datetime | None]:
        """The instants at which time alone may change an answer."""
        for clock in self.clocks:
            yield from (clock.due, clock.extended_to)
        for finding in self.findings:
            yield from (finding.arises_at, finding.ends_at)
        yield from (due for _, due, after in self.gaps if after is None)

    def found(self, at: datetime) -> Answer:
        """Return no, with what the findings that stand rest on; not stated where none does."""
        found = [one for one in self.findings if one.stands(at)]
        return _answer("no", *(version for one in found for version in (one.entry, *one.rests_on)))

    def kept(self, at: datetime) -> Answer:
        """Return whether the clocks were kept: no where one was broken, yes where one was met."""
        running = [(clock, status(clock, at)) for clock in self.clocks]
        broken = [clock for clock, how in running if how in BROKEN]
        met = [clock for clock, how in running if how in MET]
        return _answer("no", *_of_clocks(broken)) if broken else _answer("yes", *_of_clocks(met))


def _answer(said: Said, *entries: int | None) -> Answer:
    """Return an answer with its entries; without any nothing is stated."""
    behind = tuple(sorted({entry for entry in entries if entry is not None}))
    return Answer(said, behind) if behind else NOT_STATED


def _of_clocks(clocks: Iterable[Deadline]) -> Iterator[int | None]:
    for clock in clocks:
        yield from (clock.trigger, clock.satisfied_by)


def _investigated(evidence: Evidence, at: datetime) -> Answer:
    missing = evidence.found(at)
    looked = evidence.inquiry.of(InvestigationOpened, InvestigationCompleted)
    if missing.entries or looked:
        return missing if missing.entries else _answer("yes", *(entry.version for entry in looked))
    wanted = [one for one in evidence.inquiry.of(ScreeningRecorded) if one.data["outcome"] == "investigation"]
    return _answer("no", *(entry.version for entry in wanted))


def _child_involved(evidence: Evidence, at: datetime) -> Answer:
    missing = evidence.found(at)
    made = evidence.decisions
    return missing if missing.entries else _answer("yes", *(one.data.get("child_view") for one in made), *_of(made))


def _planned(evidence: Evidence, at: datetime) -> Answer:
    missing = evidence.found(at)
    in_time = evidence.kept(at)
    if missing.entries or in_time.entries:
        return missing if missing.entries else in_time
    return _answer("yes", *_of(evidence.inquiry.of(PlanAdopted)))


def _followed_up(evidence: Evidence, at: datetime) -> Answer:
    late = [(one, after) for one, due, after in evidence.gaps if (after.happened if after else at) > due]
    if late:
        return _answer("no", *(entry.version for pair in late for entry in pair if entry is not None))
    return _answer("yes", *(one.version for gap in evidence.gaps if gap[2] is not None for one in (gap[0], gap[2])))


def _heard(evidence: Evidence, at: datetime) -> Answer:
    missing = evidence.found(at)
    if missing.entries:
        return missing
    heard = [(one, hearings_of(evidence.inquiry.known, one)) for one in evidence.decisions]
    return _answer("yes", *(entry.version for one, sent in heard if sent for entry in (one, *sent)))


def _consented(evidence: Evidence, at: datetime) -> Answer:
    missing = evidence.found(at)
    granting = [one for one in evidence.decisions if grants_support(one) or without_consent(one)]
    behind = [entry for one in granting for entry in (one.version, *_consents(evidence, one))]
    return missing if missing.entries else _answer("yes", *behind)


def _consents(evidence: Evidence, decision: Entry) -> Iterator[int]:
    """Yield the entries by which consents to support were in force when a decision was made."""
    known = evidence.inquiry.known
    for consent in consent_ids(known):
        found = consent_status(known, consent, decision.happened)
        if found.in_force and found.given is not None and found.given.data.get("kind") == SUPPORT:
            yield found.given.version


def _of(entries: Iterable[Entry]) -> Iterator[int]:
    return (entry.version for entry in entries)


QUESTIONS: Mapping[str, Question] = MappingProxyType(
    {
        one.code: one
        for one in (
            Question("notifications_assessed", "Er underretninger vurderet inden for 24 timer?",
                     "Were notifications assessed within 24 hours?", "barnets lov § 136(2)",
                     Evidence.kept, rules=("UND-24H",)),
            Question("receipts_sent", "Er der sendt kvittering inden for seks hverdage?",
                     "Were receipts sent within six weekdays?", "barnets lov § 138(1)",
                     Evidence.kept, rules=("UND-RECEIPT-6HV",)),
            Question("investigation_made", "Er der lavet en børnefaglig undersøgelse, når der skulle?",
                     "Was there an investigation where one was required?",
                     "barnets lov §§ 20 and 32(4)", _investigated, findings=("SUPPORT_WITHOUT_INVESTIGATION",)),
            Question("investigation_in_time", "Er undersøgelsen afsluttet inden for fire måneder?",
                     "Was the investigation completed within four months?", "barnets lov § 20(3)",
                     Evidence.kept, rules=("BFU-4M",)),
            Question("child_involved", "Er barnet inddraget før afgørelsen?",
                     "Was the child involved before the decision?", "barnets lov § 5(3)-(4)", _child_involved,
                     findings=("CHILD_VIEW_MISSING",)),
            Question("hearing_before_decision", "Er parterne hørt før afgørelsen?",
                     "Were the parties heard before the decision?", "forvaltningsloven § 19", _heard,
                     findings=("HEARING_MISSING", "DECISION_BEFORE_HEARING_EXPIRED")),
            Question("consent_or_basis", "Er der samtykke eller hjemmel til støtten?",
                     "Is there consent or another basis for the support?", "barnets lov § 32(2), §§ 37-39", _consented,
                     findings=("SUPPORT_WITHOUT_CONSENT",)),
            Question("plan", "Er der en plan for barnet?",
                     "Is there a plan for the child?", "barnets lov § 91", _planned, ("PLAN-3M",),
                     ("PLAN_BEFORE_PLACEMENT_MISSING", "PLAN_NOT_REVISED")),
            Question("follow_up_three_months", "Er der fulgt op senest efter tre måneder?",
                     "Was there a follow-up within three months?", "barnets lov § 95(2)",
                     Evidence.kept, rules=("FOLLOWUP-FIRST-95", "OLD-70")),
            Question("follow_up_six_months", "Er der derefter fulgt op mindst hver sjette måned?",
                     "Was there a follow-up at least every six months after that?",
                     "Børnesagsbarometret", _followed_up),
        )
    }
)  # fmt: skip
"""The questions, in the order in which a case runs."""

RULES = frozenset(rule for question in QUESTIONS.values() for rule in question.rules)
"""The rules whose clocks answer a question."""

FINDINGS = frozenset(code for question in QUESTIONS.values() for code in question.findings)
"""The kinds of findings that answer a question with no."""


def answers(inquiry: Inquiry, at: datetime) -> dict[str, Answer]:
    """Return the answer to each question at an instant."""
    return {code: question.ask(Evidence(inquiry, question), at) for code, question in QUESTIONS.items()}


def standing_answers(inquiry: Inquiry) -> dict[str, Standing[Answer]]:
    """Return the answers at every instant, as long as nothing more goes on record."""
    return {
        code: inquiry.answer(("review", code), partial(_course, inquiry, question))
        for code, question in QUESTIONS.items()
    }


def _course(inquiry: Inquiry, question: Question) -> Standing[Answer]:
    evidence = Evidence(inquiry, question)
    return standing(lambda at: question.ask(evidence, at), evidence.turns)
