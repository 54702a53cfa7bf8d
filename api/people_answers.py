"""What the API says about the people of a case and about a programme's families, as JSON values."""

from datetime import datetime
from typing import Any

from api.reading import CaseLook
from domain.custody import children, custody_record, same_person
from domain.events.people import DeathRecorded
from domain.known import Known
from domain.people import (
    access_right,
    birthdays,
    languages,
    parties_by_age,
    protections,
    representatives,
    responsible,
    standings,
)
from domain.time import write_instant

Values = dict[str, Any]


def people(look: CaseLook, known: Known, at: datetime) -> Values:
    """Return who is in a case, with which rights, who speaks for whom and who is responsible, at an instant."""
    return {
        "persons": [
            {"ref": p.person.ref, "role": p.person.role, "full_name": p.full_name, **_person(known, p.person.ref, at)}
            for p in look.persons
        ],
        "custody": [record for child in children(known) if (record := _custody(known, child, at)) is not None],
        "representatives": [
            {
                "representative": one.representative,
                "represents": list(one.represents),
                "capacity": one.capacity,
                "entry": one.entry,
            }
            for one in representatives(known, at)
        ],
        "responsible": [
            {
                "role": one.role,
                "staff": one.staff,
                "since": write_instant(one.since),
                "taken_over": one.accepted,
                "entry": one.entry,
            }
            for one in responsible(known, at)
        ],
    }


def _person(known: Known, ref: str, at: datetime) -> Values:
    """Return what is on record of one person at an instant."""
    deaths = [entry for entry in known.of(DeathRecorded) if entry.data["person"] == ref and entry.happened <= at]
    birthday = birthdays(known).get(ref)
    return {
        "standing": access_right(known, ref, at),
        "standing_per_child": [
            {"child": child, "standing": one} for child, one in standings(known, ref, at).items() if child is not None
        ],
        "party_by_age": ref in parties_by_age(known, at),
        "born_on": None if birthday is None else birthday.isoformat(),
        "died_on": deaths[-1].data["died_on"] if deaths else None,
        "interpreter": languages(known, at).get(ref),
        "same_as": same_person(known).get(ref),
        "protected": [
            {"kind": one.kind, "against": list(one.against), "entry": one.entry}
            for one in protections(known, at)
            if one.person == ref
        ],
    }


def _custody(known: Known, child: str, at: datetime) -> Values | None:
    record = custody_record(known, at, child)
    if record is None:
        return None
    return {
        "child": child,
        "holders": list(record.data["holders"]),
        "kind": record.data["kind"],
        "entry": record.version,
    }
