"""What stands at the top of a case: what to beware of, who, where it stands, what is due next, what may be shared."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from api.pages.case_frame import CONSENTS, DEADLINES
from api.pages.codes import ROLES, word, word_of_field
from api.pages.consent_words import STATUSES_THEN
from api.pages.deadline_views import ClockLine, EntryLine, NextDuties, entry_line, next_duties
from api.pages.finding_words import explained
from api.pages.language import _, ngettext
from api.pages.times import show_day, show_instant, show_moment
from api.pages.values import HERE, Words, name_of, words_of
from api.pages.views import address, case_address
from api.reading import CaseLook, NamedPerson
from domain.consents import ConsentStatus, consent_ids, consent_status
from domain.custody import custody_record
from domain.entries import Entry
from domain.events.assessment import ChildViewObtained
from domain.events.base import Event
from domain.events.decision import DecisionMade
from domain.events.people import DeathRecorded, PregnancyEnded
from domain.events.referral import NotificationAcuteAssessed, NotificationReceived
from domain.events.retention import LegalHoldChanged
from domain.findings.catalogue import findings, level_of
from domain.findings.handling import lives
from domain.known import Known, many
from domain.levels import LEVELS
from domain.people import access_right, languages, protections, representatives, responsible
from domain.reach import Restriction
from domain.time import read_day, read_moment
from replay.questions import CaseQuestions

LATEST = 5
"""How many of the latest entries, and of the gravest findings, the top of a case shows."""

MOST_FINDINGS = 50
"""How many findings it names at all; it counts the others."""

DISCLOSURE = "disclosure"
"""The kind of consent by which information may be passed on."""

STANDINGS = {
    "party": "part",
    "orientation_only": "orienteres kun",
    "not_party": "ikke part",
}
"""How a person stands to the case, by the code of the record."""

PROTECTED = {
    "address": "adressen",
    "name": "navnet",
    "existence": "at personen er i sagen",
    "silence": "alt, efter politiets ønske",
}
"""What of a person is protected, by the code of the record."""

OPEN_FINDINGS = frozenset({"new", "confirmed"})


@dataclass(frozen=True, slots=True)
class Telling:
    """A text, and the entry or page that says more."""

    text: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A person of the case with what one has to know before one writes or calls."""

    name: str
    role: str
    ref: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FactLine:
    """Something that holds now, under its label; ``address`` leads to the entry it follows from."""

    label: str
    text: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class ShareLine:
    """Whether information may go to a recipient by a consent, with the entry that says so."""

    recipient: str
    allowed: bool
    answer: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The top of a case's page; ``further`` are the next findings after the gravest, ``unnamed`` counts the others."""

    alarms: tuple[Telling, ...]
    persons: tuple[PersonLine, ...]
    facts: tuple[FactLine, ...]
    duties: tuple[ClockLine, ...]
    broken: Telling | None
    deadlines: str
    sharing: tuple[ShareLine, ...]
    consents: str
    notifications: tuple[Telling, ...]
    latest: tuple[EntryLine, ...]
    findings: tuple[Telling, ...]
    further: tuple[Telling, ...]
    unnamed: int


def overview(
    look: CaseLook,
    questions: CaseQuestions,
    at: datetime,
    restriction: Restriction | None,
    here: frozenset[int] = frozenset(),
    *,
    records: bool,
) -> Overview:
    """Return the top of a case as it stands at an instant.

    ``restriction`` is the one in force now, ``records`` whether the reader may record in the case now,
    ``here`` the entries that stand on the same page.
    Source: the fields of a case overview in the legal review of the pages, in their order.
    """
    found = _Overview(look, questions.record, at, words_of(look, ()), here)
    duties: NextDuties = next_duties(look, questions, at, records=records)
    named = case_address(look.file.case)
    deadlines = address(f"{named}{DEADLINES.path}", look.question)
    broken = ngettext("%(number)s frist er overskredet", "%(number)s frister er overskredet", duties.broken)
    gravest, unnamed = found.findings(questions)
    return Overview(
        alarms=tuple(found.alarms(restriction)),
        persons=tuple(found.person(one) for one in look.persons),
        facts=tuple(found.facts()),
        duties=duties.lines,
        broken=Telling(broken, f"{deadlines}#overskredet") if duties.broken else None,
        deadlines=deadlines,
        sharing=tuple(found.sharing()),
        consents=address(f"{named}{CONSENTS.path}", look.question),
        notifications=tuple(found.notifications()),
        latest=tuple(found.line(entry) for entry in reversed(look.entries[-LATEST:])),
        findings=gravest[:LATEST],
        further=gravest[LATEST:],
        unnamed=unnamed,
    )


@dataclass(frozen=True, slots=True)
class _Overview:
    look: CaseLook
    record: Known
    at: datetime
    words: Words
    here: frozenset[int]

    def line(self, entry: Entry) -> EntryLine:
        """Return an entry as the page names it."""
        line = entry_line(entry, self.look.file.case, self.look.question)
        return replace(line, address=f"{HERE}{entry.version}") if entry.version in self.here else line

    def of(self, *kinds: type[Event]) -> list[Entry]:
        """Return the facts of some kinds that had happened, in that order."""
        return [entry for entry in self.record.of(*kinds) if entry.happened <= self.at]

    def name(self, ref: str) -> str:
        """Return a person by name and role, else the reference."""
        return self.words.person(ref) or ref

    def telling(self, text: str, entry: Entry) -> Telling:
        """Return a text that leads to an entry."""
        return Telling(text, self.line(entry).address)

    def alarms(self, restriction: Restriction | None) -> Iterator[Telling]:
        """Yield what nobody may overlook: danger, protection, restriction, lives that ended, a stop of erasure."""
        judged = self.of(NotificationAcuteAssessed)
        if judged and judged[-1].data["danger"]:
            yield self.telling(_("Barnet er vurderet at være i fare."), judged[-1])
        for one in protections(self.record, self.at):
            against = ", ".join(map(self.name, one.against)) or _("alle")
            text = _(
                "Beskyttet: %(kind)s for %(person)s over for %(against)s.",
                kind=word(PROTECTED, one.kind), person=self.name(one.person), against=against,
            )  # fmt: skip
            yield Telling(text, self._address(one.entry))
        if restriction is not None:
            yield Telling(_("Sagen er begrænset til udpegede medarbejdere."), self._address(restriction.entry))
        for entry in self.of(DeathRecorded):
            yield self.telling(_("Dødsfald: %(person)s.", person=self.name(str(entry.data["person"]))), entry)
        for entry in self.of(PregnancyEnded):
            yield self.telling(_("Graviditeten er ophørt: %(person)s.", person=self.name(entry.data["person"])), entry)
        holds = self.of(LegalHoldChanged)
        if holds and holds[-1].data["placed"]:
            yield self.telling(_("Intet i sagen må slettes: der er slettestop."), holds[-1])

    def _address(self, version: int) -> str | None:
        entry = self.words.entries.get(version)
        return None if entry is None else self.line(entry).address

    def person(self, named: NamedPerson) -> PersonLine:
        """Return a person with age, custody, standing, language and who speaks for them."""
        ref = named.person.ref
        return PersonLine(name_of(named), word(ROLES, named.person.role), ref, tuple(self._notes(ref)))

    def _notes(self, ref: str) -> Iterator[str]:
        child = self.look.state["children"].get(ref)
        if child is not None:
            yield _("født %(day)s", day=show_moment(read_moment(child["born"])))
            custody = custody_record(self.record, self.at, ref)
            if custody is None:
                yield _("forældremyndighed: ikke oplyst")
            else:
                holders = ", ".join(map(self.name, many(custody.data["holders"])))
                yield _("forældremyndighed: %(holders)s", holders=holders)
        standing = access_right(self.record, ref, self.at)
        if standing is not None:
            yield _("partsstatus: %(standing)s", standing=word(STANDINGS, standing))
        language = languages(self.record, self.at).get(ref)
        if language is not None:
            yield _("tolk: %(language)s", language=language)
        for one in representatives(self.record, self.at):
            if ref in one.represents:
                yield _("repræsenteres af %(who)s", who=self.name(one.representative))

    def facts(self) -> Iterator[FactLine]:
        """Yield what holds now: the due date, the decision in force, who is responsible, the child's view."""
        due = self.look.state["pregnancy"]["due_date"]
        if due is not None and not self.look.state["children"]:
            yield FactLine(_("Termin"), show_day(read_day(due)))
        yield self._decision()
        staff = responsible(self.record, self.at)
        if not staff:
            yield FactLine(_("Ansvarlig"), _("ikke oplyst"))
        for one in staff:
            taken = "" if one.accepted else f" ({_('venter på at overtage')})"
            text = _("%(staff)s siden %(when)s", staff=one.staff, when=show_instant(one.since)) + taken
            yield FactLine(_("Ansvarlig, %(role)s", role=word(ROLES, one.role)), text, self._address(one.entry))
        views = self.of(ChildViewObtained)
        if views:
            how = word_of_field("method", str(views[-1].data["method"]))
            text = f"{show_moment(views[-1].occurred_at)}, {how}"
            yield FactLine(_("Barnets perspektiv"), text, self.line(views[-1]).address)
        else:
            yield FactLine(_("Barnets perspektiv"), _("ikke oplyst"))

    def _decision(self) -> FactLine:
        replaced = {entry.data.get("replaces") for entry in self.of(DecisionMade)}
        standing = [entry for entry in self.of(DecisionMade) if entry.data["decision"] not in replaced]
        if not standing:
            return FactLine(_("Gældende afgørelse"), _("ingen"))
        last = standing[-1]
        text = _(
            "%(outcome)s den %(day)s efter %(law)s",
            outcome=word_of_field("outcome", str(last.data["outcome"])),
            day=show_moment(last.occurred_at),
            law=", ".join(map(str, many(last.data["legal_basis"]))),
        )
        return FactLine(_("Seneste afgørelse"), text, self.line(last).address)

    def sharing(self) -> Iterator[ShareLine]:
        """Yield for each recipient that a consent names whether information may go there by it."""
        found: dict[str, tuple[ConsentStatus, bool]] = {}
        for consent in consent_ids(self.record):
            status = consent_status(self.record, consent, self.at)
            terms = status.given or status.entry
            if terms is None or terms.data.get("kind") != DISCLOSURE:
                continue
            for recipient in many(terms.data.get("scope")):
                allowed = status.in_force and recipient in status.scope
                if allowed or recipient not in found:
                    found[str(recipient)] = status, allowed
        for recipient, (status, allowed) in sorted(found.items()):
            yield self._share(recipient, status, allowed=allowed)

    def _share(self, recipient: str, status: ConsentStatus, *, allowed: bool) -> ShareLine:
        entry = status.given if allowed else status.entry
        said = entry.data.get("given_by") or entry.data.get("refused_by") if entry else None
        if not allowed:
            how = status.status if status.status != "in_force" else "withdrawn"
            answer = _("Nej: samtykket %(how)s", how=word(STATUSES_THEN, how))
        elif status.valid_to is None:
            answer = _("Ja, med samtykke fra %(who)s", who=self.name(str(said)))
        else:
            day = show_day(status.valid_to)
            answer = _("Ja, med samtykke fra %(who)s til og med %(day)s", who=self.name(str(said)), day=day)
        return ShareLine(word(ROLES, recipient), allowed, answer, self.line(entry).address if entry else None)

    def notifications(self) -> Iterator[Telling]:
        """Yield each notification with when it came and when it was judged, the latest first."""
        judged = {entry.data["notification"]: entry for entry in reversed(self.of(NotificationAcuteAssessed))}
        for entry in reversed(self.of(NotificationReceived)):
            answer = judged.get(entry.version)
            came = show_moment(entry.occurred_at)
            if answer is None:
                yield self.telling(_("Modtaget %(came)s, ikke vurderet akut", came=came), entry)
            else:
                when = show_moment(answer.occurred_at)
                yield self.telling(_("Modtaget %(came)s, vurderet akut %(when)s", came=came, when=when), entry)

    def findings(self, questions: CaseQuestions) -> tuple[tuple[Telling, ...], int]:
        """Return the findings that nobody has dealt with, the gravest first, and how many there are besides."""
        inquiry = questions.inquiry(self.at)
        known = [one.finding for one in lives(findings(inquiry), inquiry.known, self.at) if one.state in OPEN_FINDINGS]
        known.sort(key=lambda one: LEVELS.index(level_of(one)))
        named = tuple(Telling(explained(one), self._address(one.entry)) for one in known[:MOST_FINDINGS])
        return named, len(known) - len(named)
