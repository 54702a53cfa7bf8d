"""Deciding what a commit of facts puts on record. A fact is never refused; a malformed account of one is.

What makes an account malformed: it refers to an entry that is not there, or to one of another kind than the field is
about; it corrects a field the entry does not have, to a value the field cannot hold, or from a value it does not have.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Annotated, Any, cast

from pydantic import TypeAdapter, ValidationError

from domain import register
from domain.case_file import CaseFile
from domain.entries import Entry
from domain.errors import Malformed, Problem
from domain.events import BY_TOPIC, EVENTS, administration, reach, warning
from domain.events.approval import DecisionSubmitted
from domain.events.assessment import AssessmentRecorded
from domain.events.base import Event, Refers, reference_marks, sealed_marks
from domain.events.correction import EntryAnnulled, EntryCorrected
from domain.events.retention import PersonalDataErased
from domain.known import many
from domain.plausibility import CAME, contradictions, outside_scale
from domain.time import Moment, read_moment

CASE = "case"
OCCURRED_AT = "occurred_at"
ACTS_WITH_A_GATE = frozenset(
    {"DisclosureMade", "DecisionSubmitted", "DecisionApproved", "DecisionMade", "EnrolmentClosed", "PersonalDataErased"}
)
"""Acts that have a gate of their own; recorded as plain facts they are marked as reported without it."""

ADMINISTRATIVE = frozenset(event.name() for event in (*administration.EVENTS, *reach.EVENTS, *warning.EVENTS)) | {
    "RecordViewed", "LookupsWithheld", "StaffNamesReleased", "LookupExtractMade", "LookupsExpired", "LookJudged",
    "ErasureProposed", "ErasureRejected", "PersonalDataErased", "CiphertextRemoved",
}  # fmt: skip
OF_ITS_OWN = frozenset(event.TOPIC for event in EVENTS.values() if event.name() in ADMINISTRATIVE) - {
    administration.CaseOpened.TOPIC,
    administration.PersonJoined.TOPIC,
    administration.GateStopped.TOPIC,
}
"""Topics of entries about access, warnings and erasure: no correction or annulment opens or hides what they say."""

OWN_ADDRESS = "names an entry about access, a warning or erasure: it is reviewed or ended at an address of its own"
DOCUMENTARY = frozenset({"DocumentFiled", "DocumentChecked"})
"""Events that acts of their own put on record; a commit of facts does not hold them."""


FIXED_FIELDS = {
    "case_opened": frozenset({"key", "key_commitment", "persons"}),
    "person_joined": frozenset({"ref", "person", "key"}),
    "entry_corrected": frozenset({"corrects", "field", "old", "sealed_for"}),
    "entry_annulled": frozenset({"annuls", "moved_to"}),
    "decision_submitted": frozenset(DecisionSubmitted.model_fields),
    "decision_approved": frozenset({"submission"}),
    "decision_returned": frozenset({"submission"}),
    "submission_withdrawn": frozenset({"submission"}),
    "erasure_proposed": frozenset({"ground", "scope", "subject", "entries"}),
    "erasure_rejected": frozenset({"proposal"}),
    "personal_data_erased": frozenset(PersonalDataErased.model_fields),
    "ciphertext_removed": frozenset({"erasure", "entries"}),
}
"""Fields that say what an entry is about, or whose key seals: a wrong one is annulled and recorded anew."""


def record_facts(case: CaseFile, facts: Sequence[Event], *, moved: bool = False) -> list[Event]:
    """Return the events that a commit of ``facts`` puts on record; raises Malformed with every problem found.

    Facts ``moved`` from another case may be documents, which are otherwise filed at an address of their own.

    References may point to entries of the case and to earlier facts of the same commit, whose versions follow the
    version the commit was decided on.
    """
    problems: list[Problem] = []
    events: list[Event] = []
    for index, fact in enumerate(facts):
        pointer = f"/commands/{index}"
        found = _reference_problems(case, events, fact, pointer)
        if not found and isinstance(fact, EntryCorrected):
            fact, found = _correction(case, events, fact, pointer)
        if not found and isinstance(fact, EntryAnnulled):
            found = _annulment_problems(case, fact, pointer)
        found += contradictions(case, events, fact, pointer)
        if fact.name() in (ADMINISTRATIVE if moved else ADMINISTRATIVE | DOCUMENTARY):
            found = [Problem(f"{pointer}/event", "is not a fact of a case: it has an address of its own")]
        problems += found
        events.append(fact)
    if problems:
        raise Malformed(problems)
    return events


def check_references(case: CaseFile, acts: Sequence[Event]) -> None:
    """Raise Malformed where an act refers to an entry that is not there, or of another kind than the field is about."""
    problems = [
        problem for index, act in enumerate(acts) for problem in _reference_problems(case, acts[:index], act, "")
    ]
    if problems:
        raise Malformed(problems)


def _name_at(case: CaseFile, before: Sequence[Event], version: int) -> str | None:
    """Return the name of the event with a version: an entry of the case, or one ``before`` in the same commit."""
    entry = case.entry(version)
    if entry is not None:
        return BY_TOPIC[entry.topic].name()
    index = version - case.version - 1
    return before[index].name() if 0 <= index < len(before) else None


def _reference_problems(case: CaseFile, before: Sequence[Event], fact: Event, pointer: str) -> list[Problem]:
    """Return what is wrong with the references of one fact, which follows the events ``before`` it in its commit."""
    return [
        problem
        for field, mark in reference_marks(type(fact)).items()
        for problem in _named_problems(case, before, mark, getattr(fact, field), f"{pointer}/data/{field}")
    ]


def _named_problems(
    case: CaseFile, before: Sequence[Event], mark: Refers, value: Any, place: str, itself: int | None = None
) -> Iterator[Problem]:
    """Yield what is wrong with the entry, or list of entries, that a reference of entry ``itself`` names."""
    versions = cast(Sequence[Any], value) if isinstance(value, list | tuple) else [value]
    for version in versions:
        if version is None:
            continue
        name = _name_at(case, before, version) if version != itself else None
        if name is None:
            yield Problem(place, "names no earlier entry of this case: use the version of one")
        elif mark.to and name not in mark.to:
            yield Problem(place, f"must name an entry of kind {' or '.join(mark.to)}, this one is {name}")


def _annulment_problems(case: CaseFile, fact: EntryAnnulled, pointer: str) -> list[Problem]:
    target = case.entry(fact.annuls)
    if target is not None and target.topic == "case_opened":
        return [Problem(f"{pointer}/data/annuls", "names the opening of the case, which every other entry rests on")]
    if target is not None and target.topic in OF_ITS_OWN:
        return [Problem(f"{pointer}/data/annuls", OWN_ADDRESS)]
    return []


def corrected_moment(case: CaseFile, fact: EntryCorrected) -> Moment | None:
    """Return when something happened or came, by a correction that ``record_facts`` has accepted, if it says so."""
    target = case.entry(fact.corrects)
    field = _corrected_field(case, target, fact.field)[1] if target else fact.field
    return read_moment(fact.new) if field in (OCCURRED_AT, *CAME) and isinstance(fact.new, str) else None


def _correction(
    case: CaseFile, before: Sequence[Event], fact: EntryCorrected, pointer: str
) -> tuple[EntryCorrected, list[Problem]]:
    """Return the correction as it goes on record: sealed exactly when the corrected field is."""
    target = case.entry(fact.corrects)
    if target is None:
        return fact, [Problem(f"{pointer}/data/corrects", "must name an entry recorded before this commit")]
    if fact.sealed_for is not None:
        return fact, [Problem(f"{pointer}/data/sealed_for", "is set by the ledger: leave it out")]
    if fact.field in FIXED_FIELDS.get(target.topic, ()):
        return fact, [Problem(f"{pointer}/data/field", "stays as recorded: annul the entry and record it anew")]
    if target.topic in OF_ITS_OWN:
        return fact, [Problem(f"{pointer}/data/corrects", OWN_ADDRESS)]
    entry, field = _corrected_field(case, target, fact.field)
    past = register.history(case.entries).get(target.version)
    if past is not None and past.annulled:
        return fact, [Problem(f"{pointer}/data/corrects", "names an annulled entry: it has no values to correct")]
    entry = next((e for e in register.effective(case.entries) if e.version == entry.version), entry)
    kind = BY_TOPIC[entry.topic]
    if field not in kind.model_fields and field != OCCURRED_AT:
        return fact, [Problem(f"{pointer}/data/field", f"is no field of {kind.name()}")]
    seal = sealed_marks(kind).get(field)
    if seal is not None:
        named = many(entry.data.get(seal.of)) if seal.of else ()
        subject = named[0] if len(named) == 1 and named[0] in case.persons else CASE
        fact = fact.model_copy(update={"sealed_for": subject})
    if seal is None:
        told = {name: _in_form(entry, field, getattr(fact, name)) for name in ("old", "new")}
        fact = fact.model_copy(update={name: told[name] for name in told if name in fact.model_fields_set})
    problems = _value_problems(case, entry, field, fact, pointer, sealed=seal is not None)
    mark = reference_marks(kind).get(field)
    if mark is not None and not problems:
        problems = list(_named_problems(case, before, mark, fact.new, f"{pointer}/data/new", itself=entry.version))
    return fact, problems


def _corrected_field(case: CaseFile, target: Entry, field: str) -> tuple[Entry, str]:
    """Follow a correction of a correction down to the entry and field it is about in the end."""
    while target.topic == EntryCorrected.TOPIC and field == "new":
        field = str(target.data["field"])
        target = case.entries[int(target.data["corrects"]) - 1]
    return target, field


def _value_problems(
    case: CaseFile, entry: Entry, field: str, fact: EntryCorrected, pointer: str, *, sealed: bool
) -> list[Problem]:
    """Return why the new value cannot stand in the field, or why the old one is none that was ever on record."""
    change = fact.model_dump(mode="json")
    problems: list[Problem] = []
    if not _holds(entry, field, change["new"]):
        problems.append(Problem(f"{pointer}/data/new", f"is no value that {field} can hold"))
    if not problems and entry.topic == AssessmentRecorded.TOPIC and outside_scale({**entry.data, field: change["new"]}):
        problems.append(Problem(f"{pointer}/data/new", "puts the score outside its own scale"))
    told = not sealed and "old" in fact.model_fields_set and field != OCCURRED_AT
    if told and change["old"] not in _values_on_record(case, entry, field):
        problems.append(Problem(f"{pointer}/data/old", "is not the value on record: read the case again"))
    return problems


def _values_on_record(case: CaseFile, entry: Entry, field: str) -> list[Any]:
    """Return what a field holds, held as written, and held by a correction: who corrects may know any of them."""
    written = case.entries[entry.version - 1]
    told = [one.data.get("new") for one in case.entries if _concerns(case, one, entry, field)]
    return [_in_form(entry, field, value) for value in (entry.data.get(field), written.data.get(field), *told)]


def _concerns(case: CaseFile, correction: Entry, entry: Entry, field: str) -> bool:
    """Whether an entry is a correction of a field, or a correction of one."""
    if correction.topic != EntryCorrected.TOPIC:
        return False
    target = case.entries[int(correction.data["corrects"]) - 1]
    root, name = _corrected_field(case, target, str(correction.data["field"]))
    return (root.version, name) == (entry.version, field)


def _in_form(entry: Entry, field: str, value: Any) -> Any:
    """Return a value the way the field stores it: instants in UTC, numbers without trailing zeros."""
    if value is None or field == OCCURRED_AT:
        return value
    try:
        adapter = _adapter(BY_TOPIC[entry.topic], field)
        return adapter.dump_python(adapter.validate_json(json.dumps(value), strict=True), mode="json")
    except ValidationError:
        return value


@cache
def _adapter(kind: type[Event], field: str) -> TypeAdapter[Any]:
    """Return what validates and writes one field of an event."""
    info = kind.model_fields[field]
    form: Any = Annotated[info.annotation, info]  # pyright: ignore[reportInvalidTypeForm, reportUnknownMemberType]
    return TypeAdapter(form)


def _holds(entry: Entry, field: str, value: Any) -> bool:
    """Whether the field of the entry's kind accepts the value beside the others, whatever is wrong with those alone."""
    if field == OCCURRED_AT:
        return _is_moment(value)
    candidate = {name: content for name, content in entry.data.items() if name != field}
    if value is not None:
        candidate[field] = value
    try:
        BY_TOPIC[entry.topic].model_validate_json(json.dumps(candidate))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return all(problem["loc"] and problem["loc"][0] != field for problem in found)
    return True


def _is_moment(value: Any) -> bool:
    try:
        read_moment(value)
    except (TypeError, ValueError):
        return False
    return True
