"""Releases for analysts: the same bytes twice, every past in them, and nothing that points at anybody."""

import asyncio
import re
import shutil
import sys
from collections import Counter
from collections.abc import Generator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

import duckdb
import pytest

from api.door import Door, Forbidden
from api.exporting import FolderExists, ReleaseWish, make_release
from api.looks import Shown
from api.opening import Place
from api.principals import Principal, command_line_principal
from api.recording import CaseRecorder
from api.rule_adoption import adopt_shipped
from api.stories import load_stories, read_story, shipped_stories
from domain.entries import Entry
from domain.release_fields import IN_MONTHS
from domain.standing import status_then
from domain.time import COPENHAGEN, read_instant
from ledger.format import published_entry
from ledger.mapper import read_clear
from ledger.merkle import leaf_hash, root_of
from ledger.store import Ledger
from projections.boards import adopted_upto, rows_at
from projections.view import CONSENTS, DEADLINES, FINDINGS, View
from replay import release, release_events
from replay.extras import ExtraMissing, extra
from replay.pseudonyms import Pseudonyms
from replay.release import ReleaseRefused
from replay.release_columns import Columns, RememberedRow, Unclassified
from replay.release_files import check_sums
from tests.conftest import BEGINS_AT, Server, Template, clone
from tests.ledger.samples import appended, fact, one
from tests.replay.releasing import ask, files, follow, make, manifest, quiet, release_key

pytestmark = pytest.mark.slow


THEN = read_instant("2025-04-01T00:00:00+02:00")


STATUSES = """
SELECT coalesce(list_filter(steps, lambda step: step.day <= $day)[-1].status, status) AS then, count(*)
FROM (SELECT *, {rule} AS its FROM views.{view})
WHERE known_from <= $position AND (known_to > $position OR known_to IS NULL) AND NOT list_contains($coarse, its)
GROUP BY ALL
"""


def end_of(day: date) -> datetime:
    """Return the last instant of a day in Copenhagen."""
    return datetime.combine(day + timedelta(days=1), time(), COPENHAGEN).astimezone(UTC) - timedelta(microseconds=1)


@pytest.fixture(scope="module")
def ruled(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    """The six stories under the shipped rules, every view up to date. Not to be written to but by releases."""
    for place in clone(server, simulated_template, tmp_path_factory.mktemp("ruled")):
        with place.ledger() as opened:
            adopt_shipped(opened, command_line_principal("create"), BEGINS_AT)
            asyncio.run(load_stories(CaseRecorder(opened), [read_story(path) for path in shipped_stories()]))
        follow(place)
        yield place


@pytest.fixture(scope="module")
def ledger(ruled: Place) -> Generator[Ledger]:
    """That ledger, opened."""
    with ruled.ledger() as opened:
        yield opened


@pytest.fixture(scope="module")
def entries(ledger: Ledger) -> list[Entry]:
    """Its entries in clear."""
    return [read_clear(row) for row in ledger.read_range(1, ledger.head().size)]


@pytest.fixture(scope="module")
def made(ledger: Ledger, entries: list[Entry], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of it."""
    folder = tmp_path_factory.mktemp("made") / "release"
    make(ledger, folder, known_at=entries[-1].recorded_at)
    return folder


def everything(folder: Path) -> str:
    """Return every value of every table of a release but those that explain its words."""
    listed = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema <> 'lookups'"
    with duckdb.connect(str(folder / "release.duckdb"), read_only=True) as connection:
        tables = connection.execute(listed).fetchall()
        return " ".join(str(connection.execute(f'FROM "{schema}"."{name}"').fetchall()) for schema, name in tables)


def pseudonyms(folder: Path) -> set[str]:
    """Return every pseudonym of a release: each stands for a case, a person, a member of staff or a place."""
    return set(re.findall(r"\b[isor]-[0-9a-f]{16}\b", everything(folder)))


class TestTheSame:
    """The same command over the same position."""

    def test_gives_the_same_bytes(
        self, ledger: Ledger, made: Path, entries: list[Entry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every file, also the database, however many processes read the events, in however long stretches."""
        monkeypatch.setattr(release_events, "STRETCH", 30)
        make(ledger, tmp_path / "again", known_at=entries[-1].recorded_at, workers=2)
        assert files(tmp_path / "again") == files(made)

    def test_without_an_instant_too_until_more_is_recorded(self, ledger: Ledger, tmp_path: Path) -> None:
        """Making a release is recorded, and so are looks: neither makes the next one another."""
        first = make(ledger, tmp_path / "a")
        asyncio.run(Door(ledger).looks.record(command_line_principal("test"), Shown("case_list")))
        assert ledger.head().size > first.exported_position
        assert make(ledger, tmp_path / "b") == first
        assert files(tmp_path / "a") == files(tmp_path / "b")

    def test_is_on_record_once(self, ledger: Ledger, tmp_path: Path) -> None:
        """What leaves is an event; the same files leave once, other ones are another event."""
        tables = {"visit_held"}
        first = make(ledger, tmp_path / "a", known_at=THEN, tables=tables)
        again = make(ledger, tmp_path / "b", known_at=THEN, tables=tables)
        other = make(ledger, tmp_path / "c", name="second", known_at=THEN, tables=tables)
        assert first == again
        assert other.exported_position > first.exported_position
        event = read_clear(*ledger.read_range(first.exported_position, first.exported_position)).data
        assert (event["what"], event["recipient"], event["sha256"]) == ("analyst_release", "first", first.sha256)
        assert event["as_of_position"] == first.position

    def test_has_other_pseudonyms_in_another_release(self, ledger: Ledger, made: Path, tmp_path: Path) -> None:
        """No pseudonym of one release is found in another one."""
        make(ledger, tmp_path / "other", name="second", known_at=THEN)
        assert len(pseudonyms(made)) > 50
        assert not pseudonyms(made) & pseudonyms(tmp_path / "other")


class TestManifest:
    """What a release says about itself."""

    def test_names_position_root_rules_and_files(self, ledger: Ledger, made: Path, entries: list[Entry]) -> None:
        """The root is that of the tree of the position, computed from the rows."""
        said, position = manifest(made), entries[-1].position
        leaves = [leaf_hash(published_entry(row.commitment)) for row in ledger.read_range(1, position)]
        assert (said["position"], said["tree"]["root"]) == (position, root_of(leaves).hex())
        assert said["simulated"] is True
        assert {one["book"] for one in said["rule_books"]} >= {"statute", "smaaboernsteam_001"}
        assert said["files"].keys() == files(made).keys() - {"manifest.json", "SHA256SUMS"}
        assert said["files"]["events/case_opened.parquet"]["rows"] == 6
        assert said["left_out"]["unreadable_events"] == []

    def test_its_files_are_checked(self, made: Path, tmp_path: Path) -> None:
        """One byte more, a file less and a file more are each noticed."""
        assert check_sums(made) == []
        copy = tmp_path / "copy"
        shutil.copytree(made, copy)
        with (copy / "views" / "deadlines.parquet").open("ab") as file:
            file.write(b"x")
        (copy / "views" / "consents.parquet").unlink()
        (copy / "notes.txt").write_text("x")
        assert check_sums(copy) == [
            "views/consents.parquet: missing",
            "notes.txt: not of the release",
            "views/deadlines.parquet: changed",
        ]
        assert check_sums(tmp_path) != []


class TestPast:
    """Every past is one condition."""

    @pytest.mark.parametrize("view", [DEADLINES, CONSENTS])
    def test_a_view_as_of_any_position_is_the_board_of_that_position(
        self, ledger: Ledger, made: Path, entries: list[Entry], view: View
    ) -> None:
        """As many rows of each view, known since the same positions, as the live board shows."""
        question = (
            f"SELECT known_from FROM views.{view.name} WHERE known_from <= $at AND (known_to > $at OR known_to IS NULL)"
            " ORDER BY known_from"
        )
        for position in range(1, entries[-1].position + 1, 37):
            board = sorted(row.known_from for row in rows_at(ledger, view, position)[1])
            assert [row[0] for row in ask(made, question, at=position)] == board

    def test_the_live_board_then_is_what_a_release_of_then_shows(
        self, ledger: Ledger, made: Path, entries: list[Entry], tmp_path: Path
    ) -> None:
        """A release as of an instant holds what the whole one shows of it; rows that ended later are open."""
        instant = entries[150].recorded_at
        make(ledger, tmp_path / "then", known_at=instant)
        columns = "rule, case_id, known_from, due, minutes_late"
        condition = "known_from_at <= $at AND (known_to_at > $at OR known_to_at IS NULL)"
        then = ask(tmp_path / "then", f"SELECT {columns} FROM views.deadlines WHERE known_to IS NULL ORDER BY ALL")
        assert then
        assert then == ask(made, f"SELECT {columns} FROM views.deadlines WHERE {condition} ORDER BY ALL", at=instant)

    @pytest.mark.parametrize("view", [DEADLINES, CONSENTS, FINDINGS])
    def test_what_time_alone_makes_of_a_status_is_there(
        self, ledger: Ledger, made: Path, entries: list[Entry], view: View
    ) -> None:
        """On any day as many rows have each status as the live board tells when the day has ended."""
        position, statuses = entries[-1].position, set[tuple[date, str]]()
        coarse = [rule for rule, topics in adopted_upto(ledger).starting.items() if topics & IN_MONTHS]
        board = [r for r in rows_at(ledger, view, position)[1] if r.value.get("rule") not in coarse]
        for day in (date(2024, 1, 1) + timedelta(days=number) for number in range(0, 900, 11)):
            live = Counter(status_then(row.value, end_of(day)) for row in board)
            released = ask(
                made,
                STATUSES.format(view=view.name, rule="rule" if view is DEADLINES else "''"),
                coarse=coarse,
                day=day,
                position=position,
            )
            assert dict(released) == live, day
            statuses |= {(day, status) for status in live}
        assert len({status for _, status in statuses}) > 1

    def test_every_event_of_a_kind_that_leaves_is_there(self, made: Path, entries: list[Entry]) -> None:
        """Row for row, in order of position."""
        visits = [entry.position for entry in entries if entry.topic == "visit_held"]
        assert [row[0] for row in ask(made, "SELECT position FROM events.visit_held")] == visits


class TestNobody:
    """Nothing points at anybody."""

    def test_no_identifier_and_no_text_leaves(self, ledger: Ledger, made: Path, entries: list[Entry]) -> None:
        """Not as bytes of any file, and not as a value of any table."""
        secrets = identifiers(entries) | {"Eksempel", "Solstrålen"}
        assert len(secrets) > 60
        values = everything(made)
        assert "UND-24H" in values
        assert not [secret for secret in secrets if re.search(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", values)]

    def test_a_pseudonym_is_no_hash_of_an_identity(self, ledger: Ledger, made: Path, entries: list[Entry]) -> None:
        """It follows from the release's key and from nothing an outsider could try."""
        found = pseudonyms(made)
        guesses = {
            Pseudonyms(key).ids[str(entry.stream)] for entry in entries for key in (b"", b"caseledger", bytes(32))
        }
        assert not guesses & found
        assert {Pseudonyms(release_key(ledger, made)).ids[str(entry.stream)] for entry in entries} & found

    def test_instants_of_the_world_leave_as_days(self, made: Path) -> None:
        """Only the axis of what was recorded has times of day; a birth is a month."""
        listed = "SELECT DISTINCT column_name FROM information_schema.columns"
        times = ask(made, f"{listed} WHERE data_type LIKE 'TIMESTAMP%' ORDER BY ALL")
        assert [row[0] for row in times] == ["known_from_at", "known_to_at", "recorded_at"]
        assert {row[0] for row in ask(made, "SELECT day(occurred_at) FROM events.child_born")} == {1}

    def test_counts_of_few_are_hidden(self, made: Path) -> None:
        """Six families are too few for nearly everything."""
        shown = ask(made, "SELECT count FROM aggregates.deadlines_by_quarter WHERE count IS NOT NULL")
        assert all(count >= 5 for (count,) in shown)
        assert ask(made, "SELECT count(*) FROM aggregates.deadlines_by_quarter")[0][0] > 100

    def test_a_field_nobody_has_classified_stops_the_release(self) -> None:
        """Rather than leave, or silently be missing."""
        row = RememberedRow(1, bytes(16), "", None, 0, None, {"by": [1], "name": "x"})
        with pytest.raises(Unclassified, match="view withheld remembers name"):
            Columns(Pseudonyms(b"")).of_view("withheld").batch([row])


def identifiers(entries: list[Entry]) -> set[str]:
    """Return what points at somebody in the clear part of entries: ids, staff, persons, numbers, local names."""
    found = {str(entry.stream) for entry in entries} | {entry.actor.id for entry in entries}
    for entry in entries:
        for name in ("number", "key", "person", "given_by", "consent", "decision", "enrolment", "minutes_by"):
            value = entry.data.get(name)
            found |= {value} if isinstance(value, str) else set()
        for person in entry.data.get("persons") or () if entry.topic == "case_opened" else ():
            found |= {person["ref"], person["person"], person["key"]}
    return found


class TestWhoMay:
    """Analysts and data protection, and whoever runs the machine."""

    @pytest.mark.parametrize("role", ["analyst", "dpo"])
    def test_who_may_makes_one_in_their_own_name(self, ledger: Ledger, tmp_path: Path, role: str) -> None:
        """The event says who."""
        principal = Principal("u-80", role, None, "statistics")
        made = make_release(
            ledger, principal, ReleaseWish(f"own-{role}", tables={"visit_held"}), tmp_path / "own", quiet
        )
        (row,) = ledger.read_range(made.exported_position, made.exported_position)
        assert (read_clear(row).actor.id, read_clear(row).actor.role) == ("u-80", role)

    def test_anybody_else_is_refused_on_record(self, ledger: Ledger, tmp_path: Path) -> None:
        """Nothing is written, and the refusal is a look that was refused."""
        principal = Principal("u-11", "caseworker", None, "statistics")
        with pytest.raises(Forbidden) as refused:
            make_release(ledger, principal, ReleaseWish(), tmp_path / "own", quiet)
        (row,) = ledger.read_range(refused.value.access_position, refused.value.access_position)
        assert (read_clear(row).data["what"], read_clear(row).data["refused"]) == ("analyst_release", True)
        assert not list(tmp_path.iterdir())


class TestWhole:
    """A release is there whole or not at all."""

    def test_a_folder_that_is_there_is_left_alone(self, ledger: Ledger, made: Path) -> None:
        """A release never overwrites another."""
        before = files(made)
        with pytest.raises(FolderExists):
            make(ledger, made)
        assert files(made) == before

    def test_one_that_was_cut_off_leaves_nothing_that_looks_whole(
        self, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A disk that is full in the end: no folder, no event; what a kill has left beside goes with the next."""
        size = ledger.head().size

        def full(*_: object) -> None:
            raise OSError("no space left")

        with monkeypatch.context() as patch:
            patch.setattr(release, "write_database", full)
            with pytest.raises(OSError, match="no space left"):
                make(ledger, tmp_path / "release")
        assert list(tmp_path.iterdir()) == [tmp_path / ".release.lock"]
        assert ledger.head().size == size
        (tmp_path / ".release.part").mkdir()
        (tmp_path / ".release.part" / "half.parquet").write_bytes(b"x")
        make(ledger, tmp_path / "release", tables={"visit_held"})
        assert [path.name for path in tmp_path.iterdir()] == ["release"]
        assert "half.parquet" not in files(tmp_path / "release")

    def test_a_release_whose_key_was_destroyed_is_not_made_again(self, ledger: Ledger, tmp_path: Path) -> None:
        """Under other pseudonyms it would be another release."""
        make(ledger, tmp_path / "gone", name="gone", tables={"visit_held"})
        ledger.keys.destroy(UUID(manifest(tmp_path / "gone")["pseudonyms"]["key"]), ledger.now())
        with pytest.raises(ReleaseRefused, match="another name"):
            make(ledger, tmp_path / "again", name="gone", tables={"visit_held"})

    def test_a_view_that_has_not_followed_is_not_exported(self, simulated: Place, tmp_path: Path) -> None:
        """Half a view would be a wrong answer."""
        with simulated.ledger() as opened:
            appended(
                opened.append_now(one(UUID(int=5), 0, fact("case_opened", number="S-1", programme="p", persons=[])))
            )
            with pytest.raises(ReleaseRefused, match="caseledger worker"):
                make(opened, tmp_path / "release", tables={"case_state"})

    def test_a_missing_package_is_named(self) -> None:
        """With the extra that brings it."""
        with pytest.raises(ExtraMissing, match=r"install caseledger\[replay\]"):
            extra("no_such_package", "replay")

    def test_a_package_that_cannot_be_loaded_is_not_called_missing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As when a library of it does not fit into memory: what to do is something else."""
        (tmp_path / "unloadable.py").write_text("raise ImportError('failed to map segment from shared object')\n")
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        with pytest.raises(ExtraMissing, match="too little memory"):
            extra("unloadable", "replay")
