"""From a form to the ledger: the same recorder and the same gates as for everybody else."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from api.acts import CheckedDisclosure, DecisionAct, DisclosureAct, Gatekeeper, check_disclosure, decision_answer
from api.approving import Approver, SubmissionAct
from api.document_filing import Filer
from api.drafting import Commit, Fact
from api.pages.language import _
from api.pages.times import Unreadable
from api.pages.write_acts import DECLINE, REFUSED_SCOPE
from api.pages.write_fields import Material, Typed, first_of
from api.pages.write_forms import Pick, WriteAct
from api.pages.write_options import made_ids, next_id
from api.pages.write_reading import Answered, answered, build, denial, read_when
from api.pages.write_views import APPROVER, HAPPENED, OVERRIDE, REACHED, is_received
from api.principals import Principal
from api.recording import CaseRecorder, Recorded
from domain.consents import consent_ids
from domain.decision_gate import Stop
from domain.disclosure_gate import Proposal
from domain.entries import Entry
from domain.errors import Malformed
from domain.events.base import Event
from domain.events.consent import ConsentGiven, ConsentRefused
from domain.events.correction import EntryAnnulled
from domain.events.decision import DecisionMade
from domain.events.referral import CaseAllocated, NoteRecorded
from domain.handovers import DECLINED, open_handovers
from domain.known import many
from domain.people import responsible
from domain.register import effective
from domain.time import Moment, start_of, write_moment
from ledger.store import Ledger

CONTROLS = frozenset({"csrf", "udgave", "valg", "mod"})
"""What a form sends along that is no part of what it says."""

LEADER = "team_leader"
"""The role that is asked to approve where nobody is named."""

KEEP, REPLACE, BOTH = "behold", "erstat", "begge"

LATELY = timedelta(hours=1)
"""How long it is asked whether the same, recorded once more by the same person, has happened twice."""


@dataclass(frozen=True, slots=True)
class When:
    """When something happened and became known, None for at once."""

    happened: Moment
    reached: Moment | None


@dataclass(frozen=True, slots=True)
class Filled:
    """A form that can be recorded as it stands: its facts, the events they make, and when they happened."""

    data: dict[str, Any]
    events: tuple[Event, ...]
    when: When

    def facts(self) -> tuple[Fact, ...]:
        """Return the facts to record."""
        return tuple(Fact(event, self.when.happened, self.when.reached) for event in self.events)


def read_times(event: type[Event], typed: Typed, now: datetime, errors: dict[str, str]) -> When:
    """Return when, with what is wrong put among the errors."""
    found: dict[str, Moment | None] = {HAPPENED: None, REACHED: None}
    for name in (HAPPENED,) if is_received(event) else (HAPPENED, REACHED):
        try:
            found[name] = read_when(typed, name, now)
        except Unreadable as error:
            errors[name] = str(error)
    happened, reached = found[HAPPENED] or now, found[REACHED]
    if reached is not None and start_of(reached) < start_of(happened) and HAPPENED not in errors:
        errors.setdefault(REACHED, _("Det kan ikke være kommet til kommunens kendskab, før det skete."))
    return When(happened, reached)


def filled(act: WriteAct, material: Material, typed: Typed, principal: Principal) -> Filled | Answered:
    """Return a form as it can be recorded, or what it says with what is wrong."""
    said = answered(act, material, typed)
    errors = dict(said.errors)
    when = read_times(act.event, typed, material.now, errors)
    data = _completed(act, made_ids(act, said.data, material), material, when, principal)
    errors |= _not_theirs(act, data, material, principal)
    refused = data.pop(REFUSED_SCOPE, None)
    event, wrong = build(act.event, {name: value for name, value in data.items() if name not in errors})
    for name, text in wrong.items():
        place = next((field.name for field in act.fields if field.name == name), act.fields[0].name)
        errors.setdefault(place, text)
    if errors or event is None:
        return Answered(data, errors)
    events = [event]
    if refused and isinstance(event, ConsentGiven):
        used = [*consent_ids(material.known), event.consent]
        events.append(_refusal(event, many(refused), next_id("samtykke", used)))
    return Filled(data, tuple(events), when)


def told_before(act: WriteAct, material: Material, found: Filled, typed: Typed, staff: str) -> Entry | None:
    """Return the entry in force by which somebody recorded the same within an hour; None where there is none.

    A browser that goes back fills in a form that was sent, and it looks as if it had not been.
    """
    event, made = found.events[0], made_ids(act, {}, material).keys() | ({"received_at"} & found.data.keys())
    own = {name: value for name, value in found.data.items() if name in made}
    lately = [one for one in effective(material.look.entries) if one.recorded_at >= material.now - LATELY]
    for entry in lately:
        same_time = not first_of(typed, f"{HAPPENED}_day").strip() or entry.occurred_at == found.when.happened
        if (entry.topic, entry.actor.id) == (event.TOPIC, staff) and same_time:
            before, _wrong = build(act.event, {**entry.data, **own})
            if before == event:
                return entry
    return None


def _completed(
    act: WriteAct, data: dict[str, Any], material: Material, when: When, principal: Principal
) -> dict[str, Any]:
    """Return the facts with what follows by itself."""
    if is_received(act.event):
        data = data | {"received_at": write_moment(when.happened)}
    if act.event is ConsentGiven:
        data = {"valid_from": write_moment(when.happened)[:10]} | data
    if act.event.TOPIC == "disclosure_made":
        data = {"consents": list[str]()} | data
    if act.event is CaseAllocated:
        data = data | {"from_staff": _hands_over(str(data.get("for_role")), material, principal)}
    if act.path == DECLINE:
        data = data | {"kind": DECLINED}
    return data


def _not_theirs(act: WriteAct, data: Mapping[str, Any], material: Material, principal: Principal) -> dict[str, str]:
    """Return what is wrong with an answer to a hand-over that somebody else is asked about."""
    field = next((field.name for field in act.fields if field.pick is Pick.HANDOVERS), None)
    waiting = [one for one in open_handovers(material.look.entries) if field and one.entry.version == data.get(field)]
    if field is None or not waiting or principal.id in waiting[0].to:
        return {}
    return {field: _("Kun den, sagen er overdraget til, kan svare: %(who)s.", who=", ".join(waiting[0].to))}


def _hands_over(role: str, material: Material, principal: Principal) -> str:
    held = {one.role: one.staff for one in responsible(material.known, material.now)}
    staff = held.get(role, principal.id)
    return principal.id if "," in staff else staff


def _refusal(given: ConsentGiven, scope: Sequence[str], consent: str) -> ConsentRefused:
    """Return the no that was said beside a yes."""
    return ConsentRefused(
        consent=consent,
        kind=given.kind,
        refused_by=given.given_by,
        capacity=given.capacity,
        scope=tuple(scope),
        data_categories=given.data_categories,
        on_behalf_of=given.on_behalf_of,
        purpose=given.purpose,
        purpose_code=given.purpose_code,
    )


def commit_of(path: str, key: str, typed: Typed, facts: tuple[Fact, ...] = (), reason: str | None = None) -> Commit:
    """Return the commit of a form, recognised again by its address, its key and what was typed."""
    sent = [(name, value) for name in sorted(typed) if name not in CONTROLS for value in typed[name]]
    return Commit(facts, key, f"{path}\n{urlencode(sent)}".encode(), reason)


def domain_errors(act: WriteAct, error: Malformed) -> dict[str, str]:
    """Return what the domain refuses, by field of the form."""
    names = {field.name for field in act.fields}
    found: dict[str, str] = {}
    for problem in error.problems:
        name = next((part for part in reversed(problem.pointer.split("/")) if part in names), act.fields[0].name)
        found.setdefault(name, denial("", problem.detail))
    return found


class Doing:
    """Records what forms say in one ledger."""

    def __init__(self, ledger: Ledger, recorder: CaseRecorder, filer: Filer | None = None) -> None:
        """``filer`` takes the papers that forms bring along; None: none does."""
        self.ledger, self.recorder, self.filer = ledger, recorder, filer
        self._gatekeeper, self.approver = Gatekeeper(ledger, recorder), Approver(ledger, recorder)

    async def now(self) -> datetime:
        """Return the ledger's time."""
        return await asyncio.to_thread(self.ledger.now)

    async def facts(self, principal: Principal, case: UUID, version: int, commit: Commit) -> Recorded:
        """Record plain facts; raises as recording does."""
        return await self.recorder.record(principal, case, version, commit)

    async def stops(self, principal: Principal, material: Material, act: DecisionAct) -> tuple[Stop, ...]:
        """Return what would stand against a decision."""
        return await asyncio.to_thread(decision_answer, material.look.file, act, self.ledger, principal)

    def checked(self, material: Material, act: DisclosureAct) -> CheckedDisclosure:
        """Return what the gate says to a disclosure; raises Malformed for a document that cannot go out."""
        return check_disclosure(material.look.file, act, material.now)

    async def decide(
        self, principal: Principal, case: UUID, version: int, act: DecisionAct, commit: Commit
    ) -> Recorded:
        """Make a decision through its gate, or put on record that it was stopped."""
        return await self._gatekeeper.decide(principal, case, version, act, commit)

    async def submit(
        self, principal: Principal, case: UUID, version: int, act: DecisionAct, typed: Typed, commit: Commit
    ) -> Recorded:
        """Send a decision through its gate for approval, or put on record that it was stopped; raises Refused."""
        staff = first_of(typed, APPROVER).strip()
        sent = SubmissionAct(act, staff or None, None if staff else LEADER)
        return await self.approver.submit(principal, case, version, sent, commit)

    async def disclose(
        self, principal: Principal, case: UUID, version: int, act: DisclosureAct, commit: Commit
    ) -> Recorded:
        """Make a disclosure through its gate, or put on record that it was stopped."""
        return await self._gatekeeper.disclose(principal, case, version, act, commit)


def decision_act(event: Event, typed: Typed) -> DecisionAct:
    """Return a decision with the reasons given for passing what stands against it."""
    assert isinstance(event, DecisionMade)
    prefix = f"{OVERRIDE}_"
    reasons = {
        name.removeprefix(prefix): values[0].strip() for name, values in typed.items() if name.startswith(prefix)
    }
    return DecisionAct(event, {code: reason for code, reason in reasons.items() if reason})


def disclosure_act(material: Material, data: Mapping[str, Any], typed: Typed) -> DisclosureAct:
    """Return a disclosure as its gate is asked about it."""
    filed = [material.look.file.entry(int(version)) for version in many(data.get("documents_filed"))]
    proposal = Proposal(
        to=str(data["to"]),
        about=tuple(map(str, many(data.get("about")))),
        data_categories=tuple(data["data_categories"]),
        basis=str(data["basis"]),
        legal_basis=tuple(map(str, many(data.get("legal_basis")))),
        consents=tuple(data["consents"]) if data.get("consents") else None,
        recipient_person=data.get("recipient_person"),
        recipient_confirmed=data.get("recipient_confirmed") is True,
    )
    reason = (typed.get(OVERRIDE) or ("",))[0].strip() or None
    documents = tuple((str(one.data["document"]), int(one.data["version"])) for one in filed if one is not None)
    texts = tuple(map(str, data["documents"]))
    return DisclosureAct(proposal, str(data["purpose"]), texts, documents, data.get("channel"), reason)


def choice_facts(choice: str, filled_form: Filled, against: int | None, text: str, note: str, staff: str) -> list[Fact]:
    """Return what goes on record of a choice between what somebody else recorded and what was typed."""
    mine = list(filled_form.facts())
    if choice == KEEP:
        content = f"{text}\n\n{note}"
        kept = NoteRecorded(informant=staff, channel="digital", content=content, relates_to=against)
        return [Fact(kept, filled_form.when.happened)]
    if choice == REPLACE and against is not None:
        annulled = EntryAnnulled(annuls=against, reason=text, kind="replaced")
        return [Fact(annulled, filled_form.when.happened), *mine]
    return mine
