"""Cases in which anything happens: late entries, ties, days, corrections of corrections, annulments."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import orjson

from domain.entries import Entry
from domain.events import BY_TOPIC
from domain.events.base import Actor
from domain.time import Moment, copenhagen_day, start_of, write_instant, write_moment
from ledger.format import Segment, segment_table
from ledger.requests import NewEvent

BEGAN = datetime(2026, 3, 1, 8, tzinfo=UTC)
OWN = "smaaboernsteam_001"
PERSONS = [{"ref": "parent-X", "role": "mother"}]
ABOUT = ("entry_corrected", "entry_annulled")


def any_case(seed: int, entries: int, case: UUID, *, about: float = 0.3) -> list[Entry]:
    """Return the entries of a case, the first opens it; ``about`` is which share are corrections and annulments."""
    chance = Random(seed)
    opened = {"number": f"A-{seed}", "programme": OWN, "persons": PERSONS}
    found = [_entry(case, 1, "case_opened", opened, BEGAN - timedelta(hours=5), BEGAN)]
    while len(found) < entries:
        recorded = found[-1].recorded_at + timedelta(minutes=chance.choice((0, 7, 40)))
        facts = _about(chance, found, recorded) if chance.random() < about and len(found) > 1 else _fact(chance)
        found.append(_entry(case, len(found) + 1, *facts, _moment(chance, found, recorded), recorded))
    return found


def erased(life: list[Entry], scope: str) -> Entry:
    """Return the next entry of a case: that a person of it, or the whole case, was erased."""
    last = life[-1]
    recorded = last.recorded_at + timedelta(minutes=1)
    return _entry(last.stream, last.version + 1, "personal_data_erased", {"scope": scope}, recorded, recorded)


def stored(entry: Entry) -> NewEvent:
    """Return an entry as the ledger takes it."""
    clear = orjson.dumps(
        {
            "schema": entry.schema,
            "occurred_at": write_moment(entry.occurred_at),
            "commit": str(entry.commit),
            "actor": {"id": entry.actor.id, "role": entry.actor.role},
            "data": entry.data,
        },
        option=orjson.OPT_SORT_KEYS,
    )
    return NewEvent(entry.topic, bytes(32), segment_table([Segment.clear(clear)]), clear)


def instants(entries: list[Entry]) -> Iterator[datetime]:
    """Yield the instants at which something happened or was recorded, and the last before each."""
    for entry in entries:
        for instant in (entry.happened, entry.recorded_at):
            yield from (instant, instant - timedelta(microseconds=1))


def _entry(case: UUID, version: int, topic: str, data: dict[str, Any], happened: Moment, recorded: datetime) -> Entry:
    schema = BY_TOPIC[topic].VERSION
    return Entry(case, version, version, recorded, topic, schema, happened, Actor("u-1", "adviser"), UUID(int=1), data)


def _moment(chance: Random, found: list[Entry], recorded: datetime) -> Moment:
    """Return when something happened: as a rule just then, else long before, with something else, or on a day."""
    kind = chance.random()
    if kind < 0.5:
        return recorded
    if kind < 0.65:
        return chance.choice(found).occurred_at
    if kind < 0.8:
        return copenhagen_day(recorded - timedelta(hours=chance.randrange(40)))
    return recorded - timedelta(minutes=chance.randrange(1500))


def _fact(chance: Random) -> tuple[str, dict[str, Any]]:
    named: dict[str, Any] = chance.choice(({}, {"enrolment": chance.choice(("enr-1", "enr-2"))}))
    decision = {"decision": chance.choice(("d-1", "d-2"))}
    programme = {"programme": chance.choice((OWN, OWN, "needs_based_visits"))}
    facts: tuple[tuple[str, dict[str, Any]], ...] = (
        ("support_level_set", {"hours_per_week": chance.choice((2, 5, "7.5"))}),
        ("support_level_set", {"hours_per_week": chance.randrange(9)}),
        ("person_joined", {"ref": chance.choice(("child-A", "parent-Y")), "role": chance.choice(("child", "father"))}),
        ("case_allocated", {"for_role": "adviser", "to": [chance.choice(("u-1", "u-2"))]}),
        ("referral_made", programme | named),
        ("recommendation_made", programme | named | chance.choice(({}, {"kind": "close"}))),
        ("admission_approved", programme | named),
        ("intervention_started", named),
        ("phase_entered", named | {"phase": chance.randrange(1, 4)}),
        ("package_started", named | {"package": chance.choice(("infant", "toddler")), "period": chance.randrange(3)}),
        ("meeting_held", named | {"type": chance.choice(("final_follow_up", "network"))}),
        ("enrolment_closed", named),
        ("child_born", {"child": chance.choice(("child-A", "child-B"))}),
        ("due_date_revised", {"due_date": chance.choice(("2026-04-01", "2026-05-01"))}),
        ("screening_recorded", {"outcome": chance.choice(("concern", "none"))}),
        ("assessment_recorded", {"instrument": "epds", "score": chance.randrange(30), "assessment": "a-1"}),
        ("decision_made", decision | chance.choice(({}, {"replaces": "d-1"}))),
        ("decision_notified", decision),
        ("appeal_decided", decision | {"outcome": chance.choice(("upheld", "remitted"))}),
        ("visit_held", {"kind": "home"}),
    )
    return chance.choice(facts)


def _about(chance: Random, found: list[Entry], recorded: datetime) -> tuple[str, dict[str, Any]]:
    """Return a correction of an earlier entry, or an annulment of one that is not the opening, of any kind."""
    if chance.random() < 0.4:
        of = chance.choice(found[1:])
        return "entry_annulled", {"annuls": of.version} | chance.choice(({}, {"kind": "wrong_person"}))
    of = chance.choice((found[0], *found, *found))
    fields = ("number", "programme") if of.version == 1 else sorted(of.data)[:1]
    field = "new" if of.topic == "entry_corrected" else chance.choice(("occurred_at", *fields))
    named: str = field if field != "new" else _field_of(of, found)
    moment = write_instant(start_of(_moment(chance, found, recorded)))
    new = moment if named == "occurred_at" else chance.choice([e.data[named] for e in found if named in e.data])
    facts = {"corrects": of.version, "field": field, "new": new}
    return "entry_corrected", facts | chance.choice(({}, {}, {"restricted": True}))


def _field_of(correction: Entry, found: list[Entry]) -> str:
    """Return the field of a fact that a correction, or the one that it corrects, is about."""
    field: str = correction.data["field"]
    corrects: int = correction.data["corrects"]
    return field if field != "new" else _field_of(found[corrects - 1], found)
