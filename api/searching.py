"""Finding people by name or number: candidates from the blind index, confirmed by the record, the search on record.

The index only says where to look. Whoever is shown has been read from the ledger, where the reader may see them now.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from api.principals import Principal
from api.reading import CaseReader
from domain.authority import Act
from domain.case_file import ROSTER_TOPICS, CaseFile, Person
from domain.entries import Entry
from domain.identities import latest
from domain.register import ABOUT_ENTRIES, effective
from domain.search_terms import Term, terms
from domain.withheld import Withheld, withheld
from ledger.mapper import read_clear
from ledger.search_index import SearchIndex
from ledger.store import Ledger

MOST_HITS = 50
CONFIRMED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Hit:
    """A person found in a case, under the name that holds now.

    ``formerly`` says that what was searched for is a name or number the person had before.
    """

    person: Person
    case: UUID
    number: str
    full_name: str | None
    formerly: bool


@dataclass(frozen=True, slots=True)
class SearchLook:
    """What a search shows; ``hits`` is None where more people match than are shown. ``position`` is as of where."""

    hits: tuple[Hit, ...] | None
    position: int
    access_position: int


class Searcher:
    """Searches one ledger for those who may search, among the cases in which they may."""

    def __init__(self, ledger: Ledger, reader: CaseReader) -> None:
        self._ledger = ledger
        self._reader = reader
        self._index = SearchIndex(ledger)

    async def search(self, principal: Principal, name: str | None, identifier: str | None) -> SearchLook:
        """Find people by all parts of a name given, or by a whole number.

        Raises Forbidden, LookNotRecorded, LedgerError.

        The search is on record, with exactly the cases and people it shows, before this returns.
        """
        what = "search_by_name" if identifier is None else "search_by_identifier"
        await self._reader.door.require(principal, Act.SEARCH, what)
        wanted = terms([] if name is None else [name], [] if identifier is None else [identifier])
        position = (await asyncio.to_thread(self._ledger.head)).size
        found = await asyncio.to_thread(self._hits, principal, wanted)
        shown = found if len(found) <= MOST_HITS else []
        cases = list(dict.fromkeys(hit.case for hit in shown))
        subjects = list(dict.fromkeys(hit.person.person for hit in shown))
        access = await self._reader.found(principal, what, cases, subjects, position)
        return SearchLook(None if len(found) > MOST_HITS else tuple(shown), position, access)

    def _hits(self, principal: Principal, wanted: frozenset[Term]) -> list[Hit]:
        """Return the hits among what somebody may see, all of them unless they are more than are shown."""
        candidates = self._index.find(wanted)
        allowed = self._reader.door.among(principal, Act.SEARCH, {case for _, case in candidates})
        within: dict[UUID, list[UUID]] = {}
        for person, case in candidates:
            if case in allowed:
                within.setdefault(person, []).append(case)
        hits: list[Hit] = []
        everyone = list(within)
        for start in range(0, len(everyone), CONFIRMED_AT_ONCE):
            persons = everyone[start : start + CONFIRMED_AT_ONCE]
            hits += self._confirmed(principal, {person: within[person] for person in persons}, wanted)
            if len(hits) > MOST_HITS:
                break
        return sorted(hits, key=lambda hit: (hit.formerly, hit.full_name or "", hit.number, hit.person.ref))

    def _confirmed(
        self, principal: Principal, within: dict[UUID, list[UUID]], wanted: frozenset[Term]
    ) -> Iterator[Hit]:
        """Yield the people who match by what is on record of them, in each case where they can be seen."""
        said = self._said(within)
        matching = {person: _matches(entries, wanted) for person, entries in said.items()}
        cases = {case for person, match in matching.items() if match is not None for case in within[person]}
        rosters = self._rosters(principal, list(cases))
        for person, match in matching.items():
            for case in within[person] if match is not None else ():
                number, people = rosters[case]
                for one in people:
                    if one.person == person:
                        yield Hit(one, case, number, latest(said[person], "full_name"), match == "formerly")

    def _said(self, persons: Iterable[UUID]) -> dict[UUID, list[Entry]]:
        said: dict[UUID, list[Entry]] = {person: [] for person in persons}
        for row in self._ledger.read_streams(list(said)):
            said[row.stream].append(self._ledger.mapper.to_domain_event(row))
        return said

    def _rosters(self, principal: Principal, cases: Sequence[UUID]) -> dict[UUID, tuple[str, list[Person]]]:
        """Return number and people of cases, without those whose joining is withheld from the reader."""
        entries: dict[UUID, list[Entry]] = {case: [] for case in cases}
        for row in self._ledger.read_kinds(cases, ROSTER_TOPICS | ABOUT_ENTRIES):
            entries[row.stream].append(read_clear(row))
        return {case: _roster(principal, case, record) for case, record in entries.items()}


def _matches(said: Sequence[Entry], wanted: frozenset[Term]) -> str | None:
    """Return ``now`` or ``formerly`` where one name, or one number, has all that is wanted; else None."""
    names = [entry.data["full_name"] for entry in said if "full_name" in entry.data]
    identifiers = [entry.data["identifier"] for entry in said if "identifier" in entry.data]
    known = [terms([name], []) for name in names], [terms([], [identifier]) for identifier in identifiers]
    if any(each and wanted <= each[-1] for each in known):
        return "now"
    return "formerly" if any(wanted <= one for each in known for one in each) else None


def _roster(principal: Principal, case: UUID, record: Sequence[Entry]) -> tuple[str, list[Person]]:
    hidden = Withheld() if principal.audits else withheld(record)
    shown = CaseFile(case, tuple(entry for entry in record if entry.version not in hidden.entries))
    opened = next((entry for entry in effective(record) if "number" in entry.data), record[0])
    return str(opened.data["number"]), list(shown.persons.values())
