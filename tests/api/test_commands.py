"""The command line, as processes: what each command says, what it leaves with, and that errors are one line."""

import json
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.opening import Place
from domain.time import read_instant
from projections.follower import Follower
from projections.view import VIEWS
from tests.api.service import STORY_FILES, Command, Inside, environment
from tests.following import catch_up
from tests.story_entries import NAMES

COMMANDS = [
    (),
    ("serve",),
    ("ledger",),
    ("ledger", "create"),
    ("ledger", "migrate"),
    ("story",),
    ("story", "load"),
    ("case",),
    ("case", "show"),
    ("verify",),
    ("replay",),
    ("replay", "verify"),
    ("replay", "rebuild"),
    ("replay", "compare"),
    ("rules", "what-if"),
    ("dossier",),
    ("worker",),
]


@pytest.fixture
def nowhere(tmp_path: Path) -> Inside:
    """The command line over a server that is not there."""
    return Inside(environment(f"host={tmp_path} dbname=none connect_timeout=2", tmp_path / "home"))


def events(place: Place) -> int:
    """Return the number of events in a ledger."""
    with place.ledger() as ledger:
        return ledger.head().size


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(nowhere: Inside, words: tuple[str, ...]) -> None:
    """``--help`` says what a command does, without a database."""
    said = nowhere.done(*words, "--help")
    assert said.startswith(f"usage: {' '.join(['caseledger', *words])} ")
    assert len(said.splitlines()) > 4


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("fly",),
        ("case", "delete"),
        ("case", "show", "S6"),
        ("case", "show", "S6", "--purpose", ""),
        ("case", "show", "S6", "--purpose", "two\nlines"),
        ("case", "show", "S6", "--purpose", "audit", "--known-at", "2024-08-21T09:00"),
        ("case", "show", "S6", "--purpose", "audit", "--known-at", "2024-08-21"),
        ("case", "show", "S6", "--purpose", "audit", "--valid-at", "last week"),
        ("ledger", "create"),
        ("ledger", "create", ""),
        ("ledger", "create", " padded "),
        ("ledger", "create", "Demo", "--simulated", "--begins-at", "2020-01-01"),
        ("story", "load"),
        ("serve", "--port", "http"),
        ("serve", "--port", "65536"),
        ("worker", "--parent", "me"),
        ("verify", "--quickly"),
    ],
    ids=" ".join,
)
def test_a_command_that_is_called_wrongly_says_how(nowhere: Inside, words: tuple[str, ...]) -> None:
    """Unknown commands and unreadable options leave with 2 and one line that points to the help."""
    code, line = nowhere.refused(*words)
    assert code == 2
    assert "--help" in line


def test_an_instant_without_offset_is_told_apart(nowhere: Inside) -> None:
    """The line names the option and shows how an instant is written."""
    _, line = nowhere.refused("case", "show", "S6", "--purpose", "audit", "--known-at", "2024-08-21T09:00")
    assert "--known-at" in line
    assert "2024-08-21T09:00+02:00" in line


@pytest.mark.parametrize(
    "words",
    [
        ("verify",),
        ("case", "show", "S6", "--purpose", "audit"),
        ("ledger", "migrate"),
        ("replay", "verify"),
    ],
    ids=" ".join,
)
def test_a_database_that_does_not_answer_is_one_line(nowhere: Inside, words: tuple[str, ...]) -> None:
    """Without its database every command leaves with 1 and says so."""
    code, line = nowhere.refused(*words)
    assert code == 1
    assert "database" in line


@pytest.mark.parametrize("setting", ["DATABASE_URL", "OWNER_URL", "REPLICA_URL"])
def test_an_address_that_is_none_is_named_and_not_repeated(nowhere: Inside, setting: str) -> None:
    """The setting is named; what stands in it may be a password."""
    _, line = Inside({**nowhere.variables, f"CASELEDGER_{setting}": "hemmeligt"}).refused("verify")
    assert f"CASELEDGER_{setting}" in line
    assert "hemmeligt" not in line


def test_no_name_of_a_ledger_is_no_ledger(filled: Inside) -> None:
    """An empty variable in a script must not lead to whatever ledger the environment names."""
    assert "ledger" in filled.refused("--ledger", "", "verify")[1]


def test_a_database_without_ledger_is_one_line(tmp_path: Path, simulated: Place) -> None:
    """Where no ledger was created, the line says how to create one."""
    code, line = Inside(environment(make_conninfo(simulated.conninfo, dbname="postgres"), tmp_path)).refused("verify")
    assert code == 1
    assert "caseledger ledger create" in line


def test_a_foreign_key_store_is_one_line(simulated: Place, tmp_path: Path) -> None:
    """With the keys of another ledger the line says which setting is wrong."""
    code, line = Inside(environment(simulated.conninfo, tmp_path / "elsewhere")).refused("verify")
    assert code == 1
    assert "CASELEDGER_HOME" in line


def test_a_ledger_is_created_once(inside: Inside) -> None:
    """A second ledger in the same database is refused, simulated or not, and the first one stays intact."""
    for simulated in ((), ("--simulated",)):
        code, line = inside.refused("ledger", "create", "Second", *simulated)
        assert code == 1
        assert "one database, one ledger" in line
    assert inside.done("verify").startswith("INTACT: 1 events")


@pytest.mark.slow
def test_a_ledger_is_filled_looked_at_and_verified(command: Command, simulated: Place) -> None:
    """As processes: the stories become cases, one is shown as of two instants, and everything is intact."""
    said = command.done("story", "load", *STORY_FILES).splitlines()
    assert [line.split(":")[0] for line in said] == list(NAMES)
    assert sum(int(line.split()[1]) for line in said) == 252
    assert events(simulated) == 1 + 252 + 6 + 15, "genesis, steps, six cases opened, fifteen people registered"
    show = ("case", "show", "S6", "--purpose", "audit")
    assert "extended to 30 August" not in command.done(*show, "--known-at", "2024-08-21T09:00+02:00")
    assert "extended to 30 August" in command.done(*show)
    assert command.done("verify").startswith("INTACT: 276 events")
    assert command.refused("story", "unload")[0] == 2
    assert command.refused("case", "show", "S7", "--purpose", "audit")[0] == 1


def test_a_story_that_is_loaded_twice_is_there_once(filled: Inside, stories: Place) -> None:
    """Loading again, all of them or one, names the same cases and adds nothing."""
    after = events(stories)
    said = filled.done("story", "load", *STORY_FILES).splitlines()
    assert filled.done("story", "load", *STORY_FILES).splitlines() == said
    assert filled.done("story", "load", STORY_FILES[5]).splitlines() == said[5:]
    assert events(stories) == after


def test_a_case_is_shown_as_it_was_known(filled: Inside) -> None:
    """On 21 August 2024 at 9 the note of 20 August is not on record; now it is, and both looks are."""
    show = ("case", "show", "S6", "--purpose", "audit")
    then = filled.done(*show, "--known-at", "2024-08-21T09:00+02:00")
    now = filled.done(*show)
    assert [line for line in then.splitlines() if line[:4].strip().isdigit()][-1].split()[0] == "26"
    assert [line for line in now.splitlines() if line[:4].strip().isdigit()][-1].split()[0] == "39"
    assert "extended to 30 August" not in then
    assert "extended to 30 August" in now
    assert "child alone in the room" in then, "the visit of May was entered on 19 August"
    assert "RECORDED LATE" in then
    assert "13 entries recorded later, 1 happened before" in then
    assert "score corrected to 3 by 30" in now
    assert "score corrected" not in then


def test_a_case_is_shown_by_what_had_happened(filled: Inside) -> None:
    """As of before its decision the case has none, whenever that is asked."""
    said = filled.done("case", "show", "S6", "--purpose", "audit", "--valid-at", "2024-04-15T00:00+02:00")
    assert "enrolment none" in said
    assert "enrolment running" in filled.done("case", "show", "S6", "--purpose", "audit")


def test_looking_is_put_on_record(filled: Inside, stories: Place) -> None:
    """The look of a command is an event with the purpose given."""
    before = events(stories)
    filled.done("case", "show", "S6", "--purpose", "audit of decision dec-6")
    with stories.ledger() as ledger:
        (row,) = ledger.read_range(before + 1, before + 9)
    assert row.topic == "record_viewed"
    assert b"audit of decision dec-6" in row.state


@pytest.mark.parametrize("name", ["S7", "s6", "", "00000000-0000-4000-8000-000000000000", "' OR 1=1 --"])
def test_an_unknown_case_is_one_line(filled: Inside, name: str) -> None:
    """What is no case is said to be none, and nothing is put on record."""
    code, line = filled.refused("case", "show", name, "--purpose", "audit")
    assert code == 1
    assert "no such case" in line


def test_a_number_of_several_cases_is_one_line(inside: Inside, tmp_path: Path) -> None:
    """When two stories come to the same number, both are loaded, and the number alone does not pick one of them."""
    twin = tmp_path / "twin.json"
    twin.write_text(STORY_FILES[5].read_text("utf-8").replace('"s6_goes_wrong"', '"s6_twin"', 1), "utf-8")
    said = inside.done("story", "load", STORY_FILES[5], twin)
    code, line = inside.refused("case", "show", "S6", "--purpose", "audit")
    assert code == 1
    assert "Several cases" in line
    assert "version 39" in inside.done("case", "show", said.split()[-1], "--purpose", "audit")


@pytest.mark.parametrize("option", ["--known-at", "--valid-at"])
def test_the_future_is_not_shown(filled: Inside, option: str) -> None:
    """An instant to come is refused with one line."""
    code, line = filled.refused("case", "show", "S6", "--purpose", "audit", option, "2999-01-01T00:00:00Z")
    assert code == 1
    assert "ledger's own time" in line
    assert option[2:].replace("-", "_") in line


def test_an_intact_ledger_is_verified(filled: Inside, stories: Place) -> None:
    """What was counted, the root and the kind of clock are said, and the exit code is 0."""
    with stories.ledger() as ledger:
        head = ledger.head()
    said = filled.done("verify")
    assert said.startswith(f"INTACT: {head.size} events in ")
    assert f"{head.root.hex()} at size {head.size}" in said
    assert str(head.ledger) in said
    assert "SIMULATED CLOCK" in said
    assert "FAULT" not in said


def test_a_real_clock_is_told(real_command: Inside) -> None:
    """A ledger on the database's clock is not called simulated."""
    said = real_command.done("verify")
    assert "SIMULATED" not in said
    assert "the database server" in said


def test_one_changed_byte_is_found(filled: Inside, stories: Place) -> None:
    """After a superuser changed one byte of one payload, verifying leaves with 1 and names the event."""
    with psycopg.connect(stories.owner, autocommit=True) as superuser:
        superuser.execute("ALTER TABLE ledger.event DISABLE TRIGGER USER")
        flip = "UPDATE ledger.event SET state = set_byte(state, 40, get_byte(state, 40) # 1) WHERE position = 100"
        superuser.execute(flip)
        superuser.execute("ALTER TABLE ledger.event ENABLE TRIGGER USER")
    result = filled("verify")
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout.startswith("NOT INTACT")
    faults = [line for line in result.stdout.splitlines() if "FAULT" in line]
    assert faults
    assert all("position 100 " in fault for fault in faults)


@pytest.mark.slow
def test_views_are_folded_anew(filled: Inside, stories: Place) -> None:
    """A view that has followed equals the ledger; a row that was changed is found and mended by the rebuild."""
    for view in VIEWS.values():
        follower = Follower(stories.conninfo, view)
        catch_up(follower)
        follower.close()
    assert "equal row for row" in filled.done("replay", "verify")
    with psycopg.connect(stories.owner, autocommit=True) as superuser:
        superuser.execute(
            'UPDATE view.remembered_v1 SET value = value || \'{"number": "X"}\''
            " WHERE ctid = (SELECT min(ctid) FROM view.remembered_v1)"
        )
    different = filled("replay", "verify", "case_state")
    assert (different.returncode, different.stderr) == (1, "")
    assert "1 of 76 rows differ\n  first at  position " in different.stdout
    assert '"number":"X"' in different.stdout.partition("live view")[2]
    told = filled("replay", "verify", "consents", "case_state", "--json", "--workers", "1")
    assert told.returncode == 1
    by_name = {one["view"]: one for one in json.loads(told.stdout)["views"]}
    assert [(name, one["differing"]) for name, one in by_name.items()] == [("case_state", 1), ("consents", 0)]
    assert by_name["case_state"]["first"]["found"]["number"] == "X"
    assert filled("replay", "rebuild").returncode == 1
    assert "equal row for row" in filled.done("replay", "verify")


def test_an_unknown_view_is_one_line(inside: Inside) -> None:
    """The line lists the views there are."""
    code, line = inside.refused("replay", "verify", "no_such_view")
    assert code == 1
    assert "case_state" in line


def test_migrating_again_changes_nothing(inside: Inside) -> None:
    """A schema that is up to date is said to be."""
    assert inside.done("ledger", "migrate") == "The schema is up to date.\n"


def test_the_simulated_clock_starts_where_it_is_told(tmp_path: Path, simulated: Place) -> None:
    """``--begins-at`` is the first instant of a new ledger."""
    with psycopg.connect(simulated.owner, autocommit=True) as superuser:
        superuser.execute("CREATE DATABASE begins_at TEMPLATE template0")
    try:
        conninfo = make_conninfo(simulated.conninfo, dbname="begins_at")
        fresh = Inside(environment(conninfo, tmp_path / "fresh"))
        begins = ("--simulated", "--begins-at", "2023-05-01T08:00+02:00")
        assert "2023-05-01" in fresh.done("ledger", "create", "Fresh", *begins)
        with psycopg.connect(conninfo) as connection:
            rows = connection.execute("SELECT recorded_at, size FROM ledger.head").fetchall()
        assert rows == [(read_instant("2023-05-01T08:00+02:00"), 8)]  # the ledger, holidays and six rule books
    finally:
        with psycopg.connect(simulated.owner, autocommit=True) as superuser:
            superuser.execute("DROP DATABASE begins_at WITH (FORCE)")
