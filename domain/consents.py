"""Consents: what was given, refused and taken back, by whom, for what, and how each stood at any instant.

Three kinds in law share the name: consent to support (barnets lov § 32), to obtain or pass on information
(retssikkerhedsloven § 11 a, forvaltningsloven § 28, sundhedsloven §§ 41-43), and the regulation's own, which public
work seldom rests on. What status a consent has follows from its entries in the order in which they happened.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from domain.custody import custody_holders, one_person
from domain.entries import Entry
from domain.events.consent import ConsentGiven, ConsentRefused, ConsentWithdrawn
from domain.known import Known, many
from domain.time import end_of, read_day, start_of

SUPPORT = "support"
_KINDS = (ConsentGiven, ConsentRefused, ConsentWithdrawn)


@dataclass(frozen=True, slots=True)
class ConsentStatus:
    """How a consent stands at an instant.

    ``status`` is not_given, in_force, refused, withdrawn, expired or not_yet_valid. ``plain`` is the same without
    not_yet_valid, which is in force by its entries alone. ``entry`` is the one it follows from, ``given`` the consent
    itself, ``scope`` what is left of it.
    """

    consent: str
    status: str
    entry: Entry | None = None
    given: Entry | None = None
    scope: tuple[str, ...] = ()
    valid_to: date | None = None

    @property
    def plain(self) -> str:
        """The status by entries and end alone."""
        return "in_force" if self.status == "not_yet_valid" else self.status

    @property
    def in_force(self) -> bool:
        """Whether something may rest on it."""
        return self.status == "in_force"


@dataclass(frozen=True, slots=True)
class Period:
    """A time during which a consent was in force, with the entries that began and ended it; no end: still running."""

    begins: datetime
    ends: datetime | None
    begun_by: int
    ended_by: int | None


def consent_ids(known: Known) -> tuple[str, ...]:
    """Return every consent that was given or refused, in the order in which that happened."""
    return tuple(dict.fromkeys(str(entry.data["consent"]) for entry in known.of(*_KINDS)))


def entries_of(known: Known, consent: str) -> tuple[Entry, ...]:
    """Return the entries of a consent in the order in which they happened."""
    return tuple(entry for entry in known.of(*_KINDS) if entry.data["consent"] == consent)


def consent_status(known: Known, consent: str, at: datetime) -> ConsentStatus:
    """Return how a consent stood at an instant, by everything ``known``."""
    found = ConsentStatus(consent, "not_given")
    for entry in entries_of(known, consent):
        if entry.happened <= at:
            found = _after(found, entry)
    if found.status != "in_force" or found.given is None:
        return found
    valid_from, valid_to = found.given.data["valid_from"], found.given.data.get("valid_to")
    if valid_to is not None and at > end_of(read_day(valid_to)):
        return replace(found, status="expired", valid_to=read_day(valid_to))
    if at < start_of(read_day(valid_from)) and found.given.happened <= at:
        return replace(found, status="not_yet_valid")
    return found


def _after(found: ConsentStatus, entry: Entry) -> ConsentStatus:
    """Return how a consent stands after one more of its entries."""
    if entry.topic == ConsentGiven.TOPIC:
        return ConsentStatus(found.consent, "in_force", entry, entry, tuple(entry.data["scope"]))
    if entry.topic == ConsentRefused.TOPIC:
        return ConsentStatus(found.consent, "refused", entry)
    taken_back = many(entry.data.get("partial_scope"))
    if taken_back and found.status == "in_force":
        return replace(found, scope=tuple(item for item in found.scope if item not in taken_back))
    return replace(found, status="withdrawn", entry=entry, scope=())


def periods(known: Known, consent: str) -> tuple[Period, ...]:
    """Return when a consent was in force, by everything ``known``."""
    found: list[Period] = []
    for entry in entries_of(known, consent):
        if found and found[-1].ended_by is None and not _only_part(entry):
            ends = min(entry.happened, found[-1].ends or entry.happened)
            expired = found[-1].ends is not None and found[-1].ends <= entry.happened
            found[-1] = replace(found[-1], ends=ends, ended_by=None if expired else entry.version)
        if entry.topic == ConsentGiven.TOPIC:
            found.append(Period(_begins(entry), _ends(entry), entry.version, None))
    return tuple(found)


def _only_part(entry: Entry) -> bool:
    return entry.topic == ConsentWithdrawn.TOPIC and bool(many(entry.data.get("partial_scope")))


def _begins(entry: Entry) -> datetime:
    return max(entry.happened, start_of(read_day(entry.data["valid_from"])))


def _ends(entry: Entry) -> datetime | None:
    valid_to = entry.data.get("valid_to")
    return end_of(read_day(valid_to)) if valid_to is not None else None


@dataclass(frozen=True, slots=True)
class HoldersConsent:
    """Whether every holder of custody has consented to support: who they are, and whose consent is missing."""

    holders: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def satisfied(self) -> bool:
        """Whether nobody's consent is missing."""
        return not self.missing


def holders_consent(known: Known, at: datetime, child: str | None = None) -> HoldersConsent:
    """Return whether the holders of custody have consented to support at an instant.

    A consent given before birth counts for its giver after it. Source: barnets lov § 32(2).
    """
    holders = custody_holders(known, at, child)
    givers = set(support_givers(known, at))
    return HoldersConsent(holders, tuple(one for one in holders if givers.isdisjoint(one_person(known, one))))


def support_givers(known: Known, at: datetime) -> Iterator[str]:
    """Yield who has a consent to support in force at an instant."""
    for consent in consent_ids(known):
        found = consent_status(known, consent, at)
        if found.in_force and found.given is not None and found.given.data["kind"] == SUPPORT:
            yield str(found.given.data["given_by"])


def missing_joint(known: Known, consent: str, at: datetime) -> tuple[str, ...]:
    """Return those whose consent of the same kind is needed as well and is not in force at an instant."""
    found = consent_status(known, consent, at)
    wanted = many(found.given.data.get("joint_with")) if found.given is not None else ()
    if found.given is None or not wanted:
        return ()
    others = [consent_status(known, other, at) for other in consent_ids(known)]
    given = {
        str(other.given.data["given_by"])
        for other in others
        if other.in_force and other.given is not None and other.given.data["kind"] == found.given.data["kind"]
    }
    return tuple(ref for ref in wanted if ref not in given)


def speaks_for(known: Known, given: Entry, person: str) -> bool:
    """Whether a consent concerns a person's data: their own, or a child's on whose behalf it was given.

    One's own data can only be given free by that person; a parent does not consent for the other parent.
    """
    same = one_person(known, person)
    own = given.data["given_by"] in same
    on_behalf = bool(same & set(many(given.data.get("on_behalf_of"))))
    return own or (on_behalf and given.data.get("capacity") != "self")
