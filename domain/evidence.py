"""What an evidence bundle may tell its recipient: by the decision about access, and by all that is on record now.

The decision says whose data and to whom. Within it a text is opened where it is sealed for somebody the request is
about or the recipient is party for; everything else stays closed, each with its reason as a code. What is withheld,
protected or erased is judged now, also in a bundle of the past. Source: forvaltningsloven §§ 9-15; general data
protection regulation art. 15; databeskyttelsesloven § 22.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, cast
from uuid import UUID

from domain.case_file import CaseFile
from domain.custody import UNBORN, children, custody_holders, one_person
from domain.entries import Entry
from domain.errors import Malformed, Problem, Refused
from domain.events import BY_TOPIC
from domain.events.access import AccessRequestAnswered, AccessRequestReceived
from domain.events.base import sealed_marks
from domain.events.retention import CiphertextRemoved, PersonalDataErased
from domain.known import Known, many
from domain.people import parties_by_age, protections, representatives, standings
from domain.recording import CASE, OF_ITS_OWN
from domain.register import ANNULLED, CORRECTED
from domain.withheld import withheld

GRANTED, PARTLY_GRANTED = "granted", "partly_granted"
PARTY = "party"
PARTY_ACCESS = "party_access"
COURT = "court"
"""Kind of request: a court that tries the case has it put before it, as far as the municipality decides."""

EXISTENCE = "existence"

NO_ACCESS_DECISION = "no_access_decision"
NOT_DECIDED = "not_decided"
OTHER_PERSON = "other_person"
PROTECTED = "protected"
WITHHELD_ENTRY = "withheld_entry"
ERASED = "erased"
KEY_MISSING = "key_missing"

ABOUT_ACCESS = OF_ITS_OWN - {PersonalDataErased.TOPIC, CiphertextRemoved.TOPIC}
"""Topics of entries about who may see or look: that somebody is not told of them may be what they say."""

NOT_AN_ANSWER = Problem("/answer", "names no answer to a request for access of this case: use the version of one")


@dataclass(frozen=True, slots=True)
class Grant:
    """A decision that gives access: the answer and its request by version, to whom, and about whose data.

    ``partly`` says that the answer leaves something out: what, stands in a text that no program reads.
    """

    answer: int
    request: int
    recipient: str
    about: tuple[str, ...]
    kind: str
    partly: bool


def grant_of(known: Known, answer: int) -> Grant:
    """Return the decision that an answer in force is.

    Raises Malformed for what is no answer to a request for access, Refused for one that gives none.
    """
    fact = known.fact(answer)
    request = known.fact(fact.data["request"]) if fact and fact.topic == AccessRequestAnswered.TOPIC else None
    if fact is None or request is None or request.topic != AccessRequestReceived.TOPIC:
        raise Malformed([NOT_AN_ANSWER])
    outcome = str(fact.data["outcome"])
    if outcome not in (GRANTED, PARTLY_GRANTED):
        raise Refused("The answer gives no access: a bundle is made from one that is granted or partly_granted.")
    data = request.data
    about = tuple(map(str, many(data["about"])))
    return Grant(answer, request.version, str(data["by"]), about, str(data["kind"]), outcome == PARTLY_GRANTED)


@dataclass(frozen=True, slots=True)
class Telling:
    """How much of one entry is told: ``code`` says why nothing of it is, None that its clear part is.

    ``segments`` gives for each of its sealed segments, from 1 on, why it stays closed; None: it may be opened.
    """

    code: str | None = None
    segments: tuple[str | None, ...] = field(default_factory=tuple[str | None, ...])


class Teller:
    """Judges what of a case's entries one recipient is told, by everything on record of the case now."""

    def __init__(self, case: CaseFile, grant: Grant | None, now: datetime) -> None:
        self._case, self._grant, self._now = case, grant, now
        self._known = Known(case.entries)
        self._withheld = withheld(case.entries)
        self._owners: dict[UUID, set[str]] = {}
        for ref, person in case.persons.items():
            self._owners.setdefault(person.key, set()).add(ref)

    def telling(self, version: int, keys: tuple[UUID, ...]) -> Telling:
        """Return how much of an entry is told; ``keys`` are those of its sealed segments, in order."""
        entry = self._case.entries[version - 1]
        code = self._closed(entry)
        if code is not None:
            return Telling(code)
        return Telling(None, tuple(self._sealed(entry, key) for key in keys))

    def may_name(self, ref: str) -> bool:
        """Whether the recipient may be told what a person of the case is called."""
        named = one_person(self._known, ref)
        kept = any(self._names(named, one.person) for one in self._kept_from_recipient)
        return not kept and bool(named & (self._open_to | self._recipient))

    def _closed(self, entry: Entry) -> str | None:
        """Return why nothing of an entry is told; a correction or annulment is told where what it is about is."""
        if self._grant is None:
            return NO_ACCESS_DECISION
        if entry.version in self._withheld.entries or entry.version in self._withheld.values:
            return WITHHELD_ENTRY
        about = _target(entry)
        if about is not None and (code := self._closed(self._case.entries[about - 1])) is not None:
            return code
        if entry.topic in ABOUT_ACCESS:
            return NOT_DECIDED
        named = self._named(entry)
        if any(one.kind == EXISTENCE for one in self._kept_from_recipient if self._names(named, one.person)):
            return PROTECTED
        if entry.version in (self._grant.answer, self._grant.request):
            return None
        if named:
            return None if named & self._open_to else OTHER_PERSON
        return None if self._is_party else NOT_DECIDED

    def _sealed(self, entry: Entry, key: UUID) -> str | None:
        """Return why a segment stays closed: one person's is judged by that person, any other by all it may be of."""
        if entry.topic == AccessRequestAnswered.TOPIC and {"documents", "redactions"} <= {*entry.sealed}:
            return NOT_DECIDED  # it names the places that somebody is not told of
        owners = self._owners.get(key)
        concerned = owners or self._named(entry) | self._subjects(entry)
        if owners is None and not (key == self._case.key and self._is_party):
            return NOT_DECIDED
        if not concerned <= self._open_to:
            return OTHER_PERSON
        named = concerned | self._named(entry)
        if any(self._names(named, one.person) for one in self._kept_from_recipient):
            return PROTECTED
        return None

    @cached_property
    def _recipient(self) -> frozenset[str]:
        return one_person(self._known, self._grant.recipient) if self._grant else frozenset()

    @cached_property
    def _open_to(self) -> frozenset[str]:
        """Every reference of the people whose data the recipient may see."""
        about = self._grant.about if self._grant else ()
        refs = {*about, *self._party_for}
        return frozenset(one for ref in refs for one in (*one_person(self._known, ref), UNBORN + ref))

    @cached_property
    def _party_for(self) -> frozenset[str]:
        """Whom the recipient is party for: themselves, children, those they speak for."""
        refs, known, at = self._recipient, self._known, self._now
        told = {child: status for ref in refs for child, status in standings(known, ref, at).items()}
        own = told.get(None) == PARTY or not refs.isdisjoint(parties_by_age(known, at))
        held = {child for child in children(known) if not refs.isdisjoint(custody_holders(known, at, child))}
        of_children = {child for child in held if told.get(child, PARTY) == PARTY}
        of_children |= {child for child, status in told.items() if child is not None and status == PARTY}
        spoken_for = {ref for one in representatives(known, at) if one.representative in refs for ref in one.represents}
        return frozenset((refs if own else frozenset[str]()) | of_children | spoken_for)

    @cached_property
    def _is_party(self) -> bool:
        """Whether the recipient is a party: by what is on record, or because the decision answers one."""
        return bool(self._party_for) or (self._grant is not None and self._grant.kind in (PARTY_ACCESS, COURT))

    @cached_property
    def _kept_from_recipient(self) -> tuple[Any, ...]:
        found = protections(self._known, self._now)
        return tuple(
            one
            for one in found
            if one.person not in self._recipient and any(one.keeps_from(ref) for ref in self._recipient)
        )

    def _names(self, refs: frozenset[str] | set[str], person: str) -> bool:
        return not one_person(self._known, person).isdisjoint(refs)

    def _named(self, entry: Entry) -> frozenset[str]:
        """Return the persons whom the clear part of an entry names, or of the one it corrects or annuls."""
        found = frozenset(text for text in _texts(entry.data) if text in self._case.persons or text.startswith(UNBORN))
        about = _target(entry)
        return found if about is None else found | self._named(self._case.entries[about - 1])

    def _subjects(self, entry: Entry) -> frozenset[str]:
        """Return whom the sealed fields of an entry are about, persons of the case or not."""
        marks = sealed_marks(BY_TOPIC[entry.topic])
        named = (entry.data.get(of) for name in entry.sealed if name in marks and (of := marks[name].of) is not None)
        return frozenset(str(ref) for value in named for ref in many(value) if ref != CASE)


def _target(entry: Entry) -> int | None:
    """Return the version of the entry that a correction or annulment is about."""
    field_of = {CORRECTED: "corrects", ANNULLED: "annuls"}.get(entry.topic)
    return int(entry.data[field_of]) if field_of is not None else None


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts(list(cast(Mapping[str, Any], value).values()))
    elif isinstance(value, list | tuple):
        for one in cast(list[Any], value):
            yield from _texts(one)
