"""The language of the log search: ``handling:deling modtager:daycare fra:2025-01-01 -rolle:system``.

Terms that all hold, each a key, a colon and one or several values parted by commas; a hyphen in front asks for what has
none of them. A value with blanks stands in quotation marks. What is not understood is refused, never left aside.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

from api.pages.codes import DATA_CATEGORIES, PROGRAMMES, ROLES
from api.pages.language import _
from api.pages.log_words import FAMILIES, KEYS
from domain.events import BY_TOPIC
from domain.time import COPENHAGEN, utc
from projections.case_views import TOPICS
from projections.log_search import NO, YES, Condition, Search

LIMIT = 1_000
"""Longest search, in characters."""

_TERM = re.compile(r'(-?)([^\W\d_][\w]*):((?:"[^"]*"|[^\s",]+)(?:,(?:"[^"]*"|[^\s",]+))*)(?=\s|$)')
_VALUE = re.compile(r'"([^"]*)"|([^\s",]+)')
_DAYS = re.compile(r"(\d{4})-(\d{2})-(\d{2})|(\d{2})-(\d{2})-(\d{4})")
_FIELDS = {
    "program": "programme", "rolle": "role", "medarbejder": "staff", "ansvarlig": "responsible", "enhed": "unit",
    "modtager": "recipient", "kategori": "category",
}  # fmt: skip
_WORDS: Mapping[str, Mapping[str, str]] = {
    "program": PROGRAMMES,
    "rolle": ROLES,
    "modtager": ROLES,
    "kategori": DATA_CATEGORIES,
}
_OFFICES = {"fødegang": ("maternity_ward", "maternity", "hospital maternity ward", "hospital_ward", "ward", "hospital")}
"""Words for several codes of those to whom something goes."""

_PREFIXES: Mapping[str, tuple[str, ...]] = {
    "adgang": ("case_restricted", "restriction_", "conflict_of", "lookup", "staff_names", "handover_"),
    "afgørelse": ("decision_", "submission_"),
    "aktindsigt": ("access_request_", "deadline_extension", "reasons_requested"),
    "anmærkning": ("finding_",),
    "annullering": ("entry_annulled",),
    "barnet": ("child_", "pregnancy_", "due_date", "custody_", "death_"),
    "berigtigelse": ("entry_corrected",),
    "brud": ("data_breach",),
    "besøg": ("visit_", "support_level", "attention_"),
    "deling": ("disclosure_", "information_obtained", "minutes_distributed"),
    "dokument": ("document_",),
    "flytning": ("family_moved", "transfer_", "case_received", "incoming_"),
    "forløb": ("admission_", "intervention_", "phase_", "package_", "enrolment_", "case_opened", "case_allocated"),
    "høring": ("hearing_", "statement_delay"),
    "klage": ("complaint_", "appeal_"),
    "møde": ("meeting_",),
    "notat": ("note_recorded",),
    "nødadgang": ("break_glass_",),
    "opfølgning": ("plan_", "follow_up", "status_note", "relay_log"),
    "person": ("person", "party_", "representative_", "sibling_", "interpreter_", "protection_"),
    "samtykke": ("consent_",),
    "sletning": ("erasure_", "personal_data_erased", "retention_", "archive_", "legal_hold", "ciphertext_"),
    "underretning": ("notification_", "referral_", "recommendation_", "screening_"),
    "undersøgelse": ("investigation_", "preliminary_", "assessment_", "parental_"),
    "varsel": ("warning_",),
}


class NotUnderstood(Exception):
    """A search cannot be read; the message says which part of it, why, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Term:
    """A term as written: whether it is asked for or against, its key and its values."""

    wanted: bool
    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        values = ",".join(f'"{value}"' if re.search(r"[\s,]", value) else value for value in self.values)
        return f"{'' if self.wanted else '-'}{self.key}:{values}"


@dataclass(frozen=True, slots=True)
class Places:
    """What is needed to read numbers of cases and days: who answers to a number, which position an instant has."""

    numbered: Callable[[str], frozenset[UUID]]
    position_at: Callable[[datetime], int]


def terms(text: str) -> tuple[Term, ...]:
    """Return the terms of a search; raises NotUnderstood."""
    if len(text) > LIMIT:
        raise NotUnderstood(_("Søgningen er for lang: skriv højst %(limit)s tegn.", limit=LIMIT))
    found: list[Term] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = _TERM.match(text, at)
        if match is None:
            raise NotUnderstood(_unread(text[at:].split()[0]))
        found.append(_term(match))
        at = match.end()
    return tuple(found)


def _unread(part: str) -> str:
    shown = part[:40]
    return _(
        "»%(part)s« er ikke et felt med en værdi. Skriv for eksempel handling:deling. Der søges ikke i tekster her; "
        "navne og numre findes på siden Søg person.",
        part=shown,
    )  # fmt: skip


def _term(match: re.Match[str]) -> Term:
    sign, key, values = match.groups()
    key = key.casefold()
    if key not in KEYS:
        raise NotUnderstood(
            _("Feltet »%(key)s« kendes ikke. Skriv et af: %(keys)s.", key=key[:40], keys=", ".join(KEYS))
        )
    if sign and key in ("fra", "til", "hændt_fra", "hændt_til"):
        raise NotUnderstood(_("»%(key)s« kan ikke nægtes: brug det andet tidspunkt i stedet.", key=key))
    return Term(not sign, key, tuple(quoted or bare for quoted, bare in _VALUE.findall(values)))


def read(text: str, upto: int, places: Places) -> Search:
    """Return what a search looks for among what was on record at a position; raises NotUnderstood."""
    found, known = Search(upto=upto), terms(text)
    for (key, wanted), group in _grouped(known).items():
        found = _with(found, key, group, places, wanted=wanted)
    return found


def _grouped(known: Iterable[Term]) -> dict[tuple[str, bool], tuple[str, ...]]:
    grouped: dict[tuple[str, bool], tuple[str, ...]] = {}
    for term in known:
        place = (term.key, term.wanted)
        grouped[place] = (*grouped.get(place, ()), *term.values)
    return grouped


def _with(found: Search, key: str, values: tuple[str, ...], places: Places, *, wanted: bool) -> Search:
    """Return a search with one more key."""
    if key == "sag":
        return _with_cases(found, values, places, wanted=wanted)
    if key in ("fra", "til", "hændt_fra", "hændt_til"):
        return _with_day(found, key, values, places)
    return replace(found, conditions=(*found.conditions, _condition(key, values, wanted=wanted)))


def _with_cases(found: Search, values: tuple[str, ...], places: Places, *, wanted: bool) -> Search:
    if not wanted:
        raise NotUnderstood(_("»%(key)s« kan ikke nægtes.", key="sag"))
    return replace(found, cases=frozenset[UUID]().union(*map(places.numbered, values)))


def _with_day(found: Search, key: str, values: tuple[str, ...], places: Places) -> Search:
    if len(values) != 1:
        raise NotUnderstood(_("Skriv kun én dag for »%(key)s«.", key=key))
    day = _day(key, values[0])
    begins = utc(datetime.combine(day, time(), COPENHAGEN))
    ends = utc(datetime.combine(day + timedelta(days=1), time(), COPENHAGEN))
    before = timedelta(microseconds=1)
    if key == "fra":
        return replace(found, floor=places.position_at(begins - before))
    if key == "til":
        return replace(found, upto=min(found.upto, places.position_at(ends - before)))
    return replace(found, happened_from=begins) if key == "hændt_fra" else replace(found, happened_to=ends)


def _day(key: str, text: str) -> date:
    match = _DAYS.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        year, month, day, other_day, other_month, other_year = match.groups()
        found = date(int(year or other_year), int(month or other_month), int(day or other_day))
        if not date(1900, 1, 1) <= found <= date(9000, 1, 1):
            raise ValueError
        return found
    except ValueError:
        raise NotUnderstood(_("»%(key)s« skal være en dag, for eksempel 2025-01-01.", key=key)) from None


def _condition(key: str, values: tuple[str, ...], *, wanted: bool) -> Condition:
    if key == "handling":
        return Condition("topic", frozenset(topic for value in values for topic in _topics(value)), wanted)
    if key in ("sen", "dækning"):
        yes, no = (YES, NO) if key == "sen" else ("covered", "not_covered")
        return Condition(
            "late" if key == "sen" else "cover", frozenset(_yes(key, value, yes, no) for value in values), wanted
        )
    return Condition(_FIELDS[key], frozenset(code for value in values for code in _codes(key, value)), wanted)


def _yes(key: str, value: str, yes: str, no: str) -> str:
    if value.casefold() not in ("ja", "nej"):
        raise NotUnderstood(_("»%(key)s« er ja eller nej.", key=key))
    return yes if value.casefold() == "ja" else no


def _topics(value: str) -> frozenset[str]:
    """Return the kinds of events a word stands for: a family, a name as shown, or a name as it stands on record."""
    word = value.casefold()
    if word in _PREFIXES:
        return frozenset(topic for topic in TOPICS if topic.startswith(_PREFIXES[word]))
    named = {topic for topic in TOPICS if word in (topic, *_names(topic))}
    if not named:
        families = ", ".join(FAMILIES)
        raise NotUnderstood(
            _("Handlingen »%(value)s« kendes ikke. Skriv en af: %(names)s; eller hændelsens navn i anførselstegn.",
              value=value[:40], names=families)
        )  # fmt: skip
    return frozenset(named)


def _names(topic: str) -> tuple[str, ...]:
    event = BY_TOPIC[topic]
    return event.LABEL_DA.casefold(), event.LABEL_EN.casefold(), event.name().casefold()


def _codes(key: str, value: str) -> frozenset[str]:
    """Return the codes a word stands for; a code is itself, and one that nothing on record holds finds nothing."""
    word = value.casefold()
    meant = {code for code, label in _WORDS.get(key, {}).items() if label.casefold() == word}
    offices = _OFFICES.get(word, ()) if key == "modtager" else ()
    return frozenset({value, *meant, *offices})
