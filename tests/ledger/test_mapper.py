"""Between events and rows: everything comes back, no text lies in clear, an erased key takes only its own texts."""

from dataclasses import replace
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import orjson
import pytest
from psycopg.conninfo import conninfo_to_dict

from api.drafting import stored_row
from api.opening import Place
from api.stories import Step, Story, read_story, shipped_stories
from domain.entries import Draft, Entry
from domain.events.administration import CaseOpened, CasePerson
from domain.events.base import Actor, Envelope
from ledger.errors import KeyMissing
from ledger.format import StoredRow, read_segment_table
from ledger.keys import file_keys
from ledger.mapper import REASON, EventMapper, read_clear
from ledger.requests import Part, Request
from projections.follower import Follower
from projections.view import CASE_STATE
from tests.conftest import Server
from tests.following import catch_up
from tests.ledger.samples import LONG_AGO, appended, connected, rows_of

STORIES = [read_story(path) for path in shipped_stories()]
LEDGER = UUID(int=42)


class Sealer:
    """A mapper with keys for the persons of one story and for its case."""

    def __init__(self, folder: Path, story: Story) -> None:
        self.store = file_keys(folder)(LEDGER)
        self.store.create_ledger_key()
        self.mapper = EventMapper(self.store)
        self.case_key = self.store.create()
        self.keys = {person.ref: self.store.create() for person in story.persons}

    def draft(self, step: Step, **envelope: Any) -> Draft:
        """Return a step as a draft with every optional part of the envelope."""
        frame = Envelope(
            occurred_at=step.fact.occurred_at,
            actor=step.principal.actor,
            commit=UUID(int=step.number),
            reached_at=LONG_AGO,
            legal_basis=("BL § 32",),
            reason="Because the family asked for it",
            source="telephone",
        )
        return Draft(LEDGER, step.number, step.fact.event, replace(frame, **envelope), self.keys, self.case_key)

    def row(self, draft: Draft) -> StoredRow:
        """Return a draft as the row that it becomes."""
        return stored_row(draft, self.mapper.to_new_event(draft), draft.version, LONG_AGO)


@pytest.fixture(params=STORIES, ids=lambda story: story.id)
def story(request: pytest.FixtureRequest) -> Story:
    """Each of the six stories."""
    return request.param


@pytest.fixture
def sealer(story: Story, tmp_path: Path) -> Sealer:
    """A mapper with keys for the story."""
    return Sealer(tmp_path / "keys", story)


def facts_of(draft: Draft) -> dict[str, Any]:
    """Return the facts of a draft as JSON values."""
    return draft.event.model_dump(mode="json", exclude_none=True)


def secrets_of(draft: Draft) -> dict[str, Any]:
    """Return the sealed fields of a draft that it has."""
    return {name: value for name, value in facts_of(draft).items() if name in draft.event.sealed_fields()}


def texts_in(value: Any) -> list[str]:
    """Return every text in a JSON value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return texts_in(list(cast(dict[str, Any], value).values()))
    return [text for item in cast(list[Any], value) for text in texts_in(item)] if isinstance(value, list) else []


def test_every_step_comes_back_whole(story: Story, sealer: Sealer) -> None:
    """A draft becomes a row becomes an entry with the same facts, envelope, reason and names of sealed fields."""
    for step in story.steps:
        draft = sealer.draft(step)
        row = sealer.row(draft)
        entry = sealer.mapper.to_domain_event(row)
        assert entry == Entry(
            stream=LEDGER,
            version=step.number,
            position=step.number,
            recorded_at=LONG_AGO,
            topic=draft.event.TOPIC,
            schema=draft.event.VERSION,
            occurred_at=draft.envelope.occurred_at,
            actor=draft.envelope.actor,
            commit=draft.envelope.commit,
            data=facts_of(draft),
            sealed=entry.sealed,
            reached_at=LONG_AGO,
            legal_basis=("BL § 32",),
            reason="Because the family asked for it",
            source="telephone",
        )
        assert sorted(entry.sealed) == sorted([*secrets_of(draft), REASON])
        assert row.actor == sealer.mapper.actor_reference(step.principal.actor.id)


def test_clear_part_is_read_without_any_key(story: Story, sealer: Sealer) -> None:
    """Without keys the same entry is read, minus the sealed fields and the reason."""
    for step in story.steps:
        draft = sealer.draft(step)
        clear, whole = read_clear(sealer.row(draft)), sealer.mapper.to_domain_event(sealer.row(draft))
        expected = {name: value for name, value in facts_of(draft).items() if name not in secrets_of(draft)}
        assert clear.data == expected
        assert clear.reason is None
        assert replace(clear, data=whole.data, reason=whole.reason) == whole


def test_each_text_is_sealed_for_the_person_it_is_about(story: Story, sealer: Sealer) -> None:
    """A field about one person of the case lies under that person's key, everything else under the case's."""
    for step in story.steps:
        draft = sealer.draft(step)
        row = sealer.row(draft)
        keys = [segment.key for segment in read_segment_table(row.segments)][1:]
        groups: list[list[str]] = orjson.loads(row.state[: int.from_bytes(row.segments[18:22])]).get("sealed", [])
        found = {name: key for key, names in zip(keys, groups, strict=True) for name in names}
        assert len(keys) == len(set(keys))
        expected = {REASON: sealer.case_key}
        for name, subject in draft.event.sealed_fields().items():
            if name in secrets_of(draft):
                person = facts_of(draft).get(subject or "")
                person = person[0] if isinstance(person, list) and len(person) == 1 else person  # pyright: ignore
                key = sealer.keys.get(person) if isinstance(person, str) else None
                expected[name] = key or sealer.case_key
        assert found == expected


def test_erasing_a_key_erases_its_texts_and_no_others(story: Story, sealer: Sealer) -> None:
    """After a person's key is destroyed, the entry names the fields sealed with it as erased and reads all others."""
    drafts = [sealer.draft(step) for step in story.steps]
    rows = [sealer.row(draft) for draft in drafts]
    gone = {sealer.keys[story.persons[0].ref]}
    for key in gone:
        sealer.store.destroy(key, LONG_AGO)
    erased_anywhere = 0
    for draft, row in zip(drafts, rows, strict=True):
        segments = read_segment_table(row.segments)[1:]
        groups: list[list[str]] = orjson.loads(row.state[: int.from_bytes(row.segments[18:22])])["sealed"]
        erased = [name for names, s in zip(groups, segments, strict=True) if s.key in gone for name in names]
        entry = sealer.mapper.to_domain_event(row)
        assert list(entry.erased) == erased
        assert entry.data == {name: value for name, value in facts_of(draft).items() if name not in erased}
        assert (entry.reason is None) == (REASON in erased)
        assert read_clear(row) == replace(entry, data=read_clear(row).data, reason=None, erased=())
        erased_anywhere += len(erased)
    sealer.store.destroy(sealer.case_key, LONG_AGO)
    assert all(REASON in sealer.mapper.to_domain_event(row).erased for row in rows)
    assert sum(len(sealer.mapper.to_domain_event(row).erased) for row in rows) > erased_anywhere


def test_texts_without_a_key_are_refused(story: Story, sealer: Sealer) -> None:
    """Nothing is stored in clear for want of a key: without a case key or with a destroyed one there is an error."""
    draft = sealer.draft(story.steps[0])
    with pytest.raises(ValueError, match="its stream has no key"):
        sealer.mapper.to_new_event(replace(draft, case_key=None, subjects={}))
    sealer.store.destroy(sealer.case_key, LONG_AGO)
    with pytest.raises(KeyMissing):
        sealer.mapper.to_new_event(draft)


def test_optional_parts_that_do_not_apply_are_absent(story: Story, sealer: Sealer) -> None:
    """An event without reason, source, second time and legal basis has no trace of them in its clear part."""
    step = next(step for step in story.steps if not secrets_of(sealer.draft(step)))
    draft = sealer.draft(step, reached_at=None, legal_basis=(), reason=None, source=None)
    row = sealer.row(draft)
    assert orjson.loads(row.state).keys() == {"schema", "occurred_at", "commit", "actor", "data"}
    entry = sealer.mapper.to_domain_event(row)
    assert (entry.sealed, entry.reason, entry.reached_at, entry.legal_basis, entry.source) == ((), None, None, (), None)


def dump(place: Place) -> bytes:
    """Return every column of every row of the ledger and its views, as bytes one after another."""
    with connected(place) as connection:
        rows = rows_of(connection)
        stored = [b"".join((r.topic.encode(), r.blind, r.segments, r.state, r.commitment)) for r in rows]
        for table in (
            "view.remembered_v1",
            "view.current",
            "view.notification_tracking",
            "ledger.request",
            "ledger.head",
        ):
            found = connection.execute(f"SELECT t::text FROM {table} t".encode()).fetchall()
            stored += [row[0].encode() for row in found]
    return b"\n".join(stored)


def follow(place: Place) -> None:
    """Bring the remembered views up to date."""
    follower = Follower(place.conninfo, CASE_STATE)
    catch_up(follower)
    follower.close()


def test_no_text_of_the_stories_is_stored_in_clear(stories: Place) -> None:
    """No name and no free text of the six stories stands anywhere in the ledger's or the views' tables."""
    follow(stories)
    stored = dump(stories)
    names = [person.full_name for story in STORIES for person in story.persons]
    sealed, clear = set[str](), set[str]()
    for step in (step for story in STORIES for step in story.steps):
        for name, value in step.fact.event.model_dump(mode="json", exclude_none=True).items():
            (sealed if name in step.fact.event.sealed_fields() else clear).update(texts_in(value))
    # A word may be sealed as a working point of one meeting and be a participant, in clear, of another.
    secrets = {*names, *(text for text in sealed - clear if len(text) > 3)}
    assert len(secrets) > 80
    for text in secrets:
        # A single word may also be part of a longer code; as a value of its own it may not be there.
        for form in (text.encode(), orjson.dumps(text)[1:-1]):
            assert (form if " " in text else b'"%b"' % form) not in stored
    # The search does find what is there in clear.
    for code in (b"spaed_smaaboern_000", b"case_opened", b'"parent-A"', b"family section coordinator"):
        assert code in stored


def test_no_text_reaches_the_files_of_the_database(server: Server, simulated: Place, tmp_path: Path) -> None:
    """After a checkpoint, no file of the server, its write-ahead log included, holds a sealed text or a reason."""
    canary, in_clear = f"kanariefugl-{uuid4()}", f"number-{uuid4()}"
    with simulated.ledger() as ledger:
        key = ledger.keys.create()
        person = CasePerson(ref="parent-A", person=uuid4(), key=key, role="mother")
        opened = CaseOpened(
            number=in_clear,
            programme="spaed_smaaboern_000",
            key=key,
            key_commitment="00" * 32,
            persons=(person,),
            opened_because=canary,
        )
        envelope = Envelope(occurred_at=LONG_AGO, actor=Actor("u-1", "adviser"), commit=uuid4(), reason=canary)
        case = uuid4()
        event = ledger.mapper.to_new_event(Draft(case, 1, opened, envelope, {"parent-A": key}, key))
        digest = ledger.keys.digest("idempotency key", canary.encode())
        request = Request(
            (Part(case, 0, (event,)),), digest, ledger.keys.digest("request fingerprint", canary.encode())
        )
        appended(ledger.append_now(request))
        follow(simulated)
        assert ledger.mapper.to_domain_event(ledger.read_stream(case)[0]).reason == canary
    with connected(simulated) as connection:
        connection.execute("CHECKPOINT")
    found = {text: files_with(server.postgres.data.parent, text.encode()) for text in (canary, in_clear)}
    assert found[canary] == []
    database = conninfo_to_dict(simulated.conninfo)["dbname"]
    assert any("base" in path.parts for path in found[in_clear]), database
    assert any("pg_wal" in path.parts for path in found[in_clear]), database


def files_with(folder: Path, content: bytes) -> list[Path]:
    """Return the files below a folder that hold these bytes."""
    found: list[Path] = []
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size:
            with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as mapped:
                if mapped.find(content) >= 0:
                    found.append(path)
    return found
