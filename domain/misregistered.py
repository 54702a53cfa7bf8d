"""Whether somebody stands in a case by mistake: nobody's party, nobody's custody holder, named by nothing in force."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, cast

from domain.case_file import ROSTER_TOPICS
from domain.custody import UNBORN, children, custody_holders
from domain.known import Known
from domain.people import standings
from domain.retention import NO_FACTS
from domain.stops import Stop

PARTY = "party"
"""The standing of a party; others are told on request, or are no party."""


def standing_of(known: Known, persons: Iterable[str], at: datetime) -> Iterator[Stop]:
    """Yield what makes somebody, under any of their references, a person of the case by facts in force."""
    for ref in sorted(persons):
        if PARTY in standings(known, ref, at).values():
            yield Stop("PERSON_IN_CASE", (), "party")
        if any(ref in custody_holders(known, at, child) for child in children(known)) or ref in custody_holders(
            known, at
        ):
            yield Stop("PERSON_IN_CASE", (), "custody_holder")
        if ref in children(known):
            yield Stop("PERSON_IN_CASE", (), "child")


def still_naming(known: Known, persons: Iterable[str]) -> Iterator[Stop]:
    """Yield the entries in force that name somebody, apart from the roster and those about keeping the case."""
    refs = frozenset(persons)
    named = refs | {UNBORN + ref for ref in refs}
    found = [
        entry.version
        for entry in known.facts
        if entry.topic not in ROSTER_TOPICS | NO_FACTS and not named.isdisjoint(_words(entry.data))
    ]
    if found:
        yield Stop("STILL_IN_USE", tuple(sorted(found)))


def _words(value: Any) -> Iterator[str]:
    """Yield every word in clear of a value at any depth, and of ``role:ref`` the reference too."""
    if isinstance(value, str):
        yield value
        yield value.rpartition(":")[2]
    elif isinstance(value, Mapping):
        for item in cast(Mapping[str, Any], value).values():
            yield from _words(item)
    elif isinstance(value, list | tuple):
        for item in cast(Iterable[Any], value):
            yield from _words(item)
