"""Taking over cases: claims apart from records, each row once however often cut off, refusals that tell nothing."""

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.import_map import ImportMapError, read_map
from api.import_rows import rows_of
from api.opening import Place
from ledger.mapper import read_clear
from ledger.store import Ledger
from tests.api.client import CANARY
from tests.api.service import ROOT, Inside, until

EXAMPLE = ROOT / "docs" / "examples" / "import"
PAGE = (ROOT / "docs" / "import.md").read_text("utf-8")
ROWS, MAP = EXAMPLE / "rows.csv", EXAMPLE / "map.toml"
APPROVED = ("--map", MAP, "--approved-by", "u-12")


def written(tmp_path: Path, rows: Sequence[Mapping[str, Any]], name: str = "rows.jsonl") -> Path:
    """Return a file of JSON lines."""
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def opening(**changes: Any) -> dict[str, Any]:
    """Return a row that opens a case."""
    return {"lbnr": "1", "sagsnr": "S-1", "type": "sag", "dato": "04-03-2019"} | changes


def visit(number: int, **changes: Any) -> dict[str, Any]:
    """Return a row with a visit."""
    about = {"hvem": "mor", "minutter": 45, "tekst": "Rolig dag."}
    return {"lbnr": str(number), "sagsnr": "S-1", "type": "besøg", "dato": "11-03-2019"} | about | changes


def size(place: Place) -> int:
    """Return the number of events in the ledger."""
    with psycopg.connect(place.conninfo) as connection:
        return connection.execute("SELECT size FROM ledger.head").fetchall()[0][0]


def test_the_example_of_the_page_runs_as_it_says(real_command: Inside, real: Place) -> None:
    """The page's example refuses two rows; tried first, recorded, and run again it says so, and adds nothing."""
    before = size(real)
    tried = real_command("import", ROWS, "--map", MAP, "--dry-run")
    assert (tried.returncode, size(real)) == (1, before)
    done = real_command("import", ROWS, *APPROVED)
    assert done.returncode == 1
    assert f"```\n{done.stdout}```" in PAGE
    assert tried.stdout == done.stdout.replace("7 recorded", "7 would be recorded")
    after = size(real)
    assert after == before + 9  # 7 rows, two of which register a person
    again = real_command("import", ROWS, *APPROVED)
    assert "9 rows: 0 recorded, 7 on record before, 2 refused." in again.stdout
    assert size(real) == after


def test_claims_stand_beside_what_the_ledger_records(real_command: Inside, ledger: Ledger) -> None:
    """Happened as claimed, recorded now, and where it comes from; a reference to a row is one to its entry."""
    before = ledger.now()
    real_command("import", ROWS, *APPROVED)
    entries = [read_clear(row) for row in ledger.read_page(0) if row.topic != "person_registered"][1:]
    assert [entry.version for entry in entries] == list(range(1, 8))
    assert all(entry.recorded_at >= before and entry.actor.id == "import:gammelt-fagsystem" for entry in entries)
    assert [str(entry.occurred_at) for entry in entries[3:5]] == ["2019-03-11", "2019-03-18"]
    digest = "65a257060fd0cab9905d413a94878f41a22d14edc2c0a67e1fa42de2141b4713"
    registered = "registered 2019-03-13T14:40:00.000000Z"
    assert entries[3].source == f"import gammelt-fagsystem 4 row 4 sha256:{digest} {registered}"
    assert all(str(entry.source).startswith("import gammelt-fagsystem") for entry in entries)
    assert (entries[6].data["attention"], entries[6].data["hours_per_week"]) == (6, "7.5")
    assert ledger.position_at(before) < entries[0].position  # nothing of it was known before


PERSON = {"lbnr": "2", "sagsnr": "S-1", "type": "person", "dato": "04-03-2019", "hvem": "mor", "rolle": "mor"}
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"dato": CANARY}, "dato", "is not a date"),
    ({"minutter": CANARY}, "minutter", "is not a number"),
    ({"minutter": -5}, "minutter", "greater than or equal to 0"),
    ({"sagsnr": "9-9"}, "sagsnr", "no row before this one opens"),
    ({"type": CANARY}, "type", "the map does not know"),
    ({"lbnr": "010190-1234"}, "lbnr", "looks like a CPR number"),
    ({"lbnr": ""}, "lbnr", "is missing"),
    ({"dato": "01-01-2999"}, "dato", "lies in the future"),
    ({"registreret": "29-03-2020 02:30"}, "registreret", "when the clocks are changed"),
    ({"registreret": "25-10-2020 02:30"}, "registreret", "when the clocks are changed"),
    ({"type": "støtte", "minutter": "7,5", "se": "777"}, "se", "was not taken over"),
    ({"type": "støtte", "minutter": "7,5", "se": "1"}, "se", "was not taken over"),
    ({"type": "person", "hvem": "010190 1234", "rolle": "mor"}, "hvem", "looks like a CPR number"),
    ({"type": "person", "hvem": "far", "rolle": CANARY}, "rolle", "does not translate"),
    ({"type": "person", "hvem": "mor", "rolle": "barn"}, "hvem", "names a person of this case already"),
    ({"type": ["sag"]}, "type", "the map does not know"),
]
"""What is wrong with a row, the column that is named for it, and the reason."""


def test_refused_rows_are_told_alike_dry_and_wet(real_command: Inside, tmp_path: Path) -> None:
    """Each refusal names row, column, reason and remedy, never what stood there, and the other rows go on."""
    bad = [visit(number) | change for number, (change, _, _) in enumerate(REFUSED, start=10)]
    path = written(tmp_path, [opening(), PERSON | {"tekst": "Alma Eksempel"}, *bad, visit(90)])
    report = tmp_path / "refused.csv"
    tried = real_command("import", path, "--map", MAP, "--dry-run")
    done = real_command("import", path, *APPROVED, "--report", report)
    assert (tried.returncode, done.returncode) == (1, 1)
    lines = done.stdout.splitlines()
    for row, (line, (_, column, reason)) in enumerate(zip(lines, REFUSED, strict=False), start=3):
        assert line.startswith(f"row {row}, {column}: "), line
        assert reason in line
    assert lines[len(REFUSED)] == f"{len(REFUSED) + 3} rows: 3 recorded, 0 on record before, {len(REFUSED)} refused."
    assert tried.stdout == done.stdout.replace("3 recorded", "3 would be recorded")
    assert CANARY not in done.stdout + report.read_text("utf-8")
    with report.open(encoding="utf-8", newline="") as file:
        told = [int(row["row"]) for row in csv.DictReader(file, delimiter=";")]
    assert told == list(range(3, len(REFUSED) + 3))


def test_what_is_recorded_is_not_changed_from_outside(real_command: Inside, real: Place, tmp_path: Path) -> None:
    """The same id with other content is refused; a longer extract brings only what is new."""
    assert real_command("import", written(tmp_path, [opening(), visit(2)]), *APPROVED).returncode == 0
    before = size(real)
    longer = written(tmp_path, [visit(5), opening(), visit(2, minutter=50)], "later.jsonl")
    for how in (("--map", MAP, "--dry-run"), APPROVED):
        result = real_command("import", longer, *how)
        assert result.stdout.startswith("row 3, lbnr: was taken over before with other content")
        assert "1 on record before, 1 refused" in result.stdout
    assert size(real) == before + 1


@pytest.mark.slow
def test_a_run_that_was_killed_is_started_again(real: Place, real_command: Inside, tmp_path: Path) -> None:
    """kill -9 in the middle loses nothing and doubles nothing."""
    path = written(tmp_path, [opening(), *(visit(number) for number in range(2, 1500))])
    arguments = [sys.executable, "-m", "api", "import", str(path), *map(str, APPROVED)]
    before = size(real)
    process = subprocess.Popen(arguments, env=real_command.variables, cwd=ROOT, stdout=subprocess.DEVNULL)
    until(lambda: size(real) > before + 20, "the import is under way")
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = size(real) - before
    assert 20 < there < 1499
    again = real_command("import", path, *APPROVED)
    assert f"1499 rows: {1499 - there} recorded, {there} on record before, 0 refused." in again.stdout
    assert size(real) == before + 1499


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('act = "VisitHeld"', 'act = "Visit"', "act must be case, person or an event"),
        ('form = "import-map/1"', 'form = "import-map/2"', "form"),
        ("data.programme", "data.program", "names a field that the act does not have"),
        ('{ value = "home_visit" }', "{ }", "needs either column or value"),
        ('encoding = "utf-8"', "encoding = ", "is no TOML at line 7"),
    ],
)
def test_what_is_wrong_with_a_map_is_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    """A map that cannot be used is refused with place and reason."""
    path = tmp_path / "map.toml"
    path.write_text(MAP.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(ImportMapError) as refused:
        read_map(path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.csv", "lbnr;sagsnr;type;type\n", "no column twice"),
        ("rows.csv", "lbnr;sagsnr\n", "must name id, case and kind"),
        ("rows.csv", 'lbnr;sagsnr;type\n"1;2;3\n', "is no CSV"),
        ("rows.csv", "lbnr;sagsnr;type\n1;2;b\udce6\n", "is not written in utf-8"),
        ("rows.xlsx", "", "must end in .csv or .jsonl"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(tmp_path: Path, name: str, content: str, said: str) -> None:
    """A file that cannot be read as rows is refused with the reason."""
    path = tmp_path / name
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ImportMapError, match=said):
        list(rows_of(path, read_map(MAP)))


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path, name: str) -> None:
    """Spreadsheets write one before UTF-8, whether the map says so or not."""
    content = ROWS.read_bytes() if name == "rows.csv" else json.dumps(opening()).encode()
    path = tmp_path / name
    path.write_bytes(b"\xef\xbb\xbf" + content)
    number, row = next(iter(rows_of(path, read_map(MAP))))
    assert isinstance(row, dict)
    assert (number, row["lbnr"], row["type"]) == (1, "1", "sag")


def test_a_real_ledger_asks_who_answers_for_it(real_command: Inside, real: Place) -> None:
    """Without --approved-by nothing is taken over."""
    before = size(real)
    assert "--approved-by" in real_command.refused("import", ROWS, "--map", MAP)[1]
    assert size(real) == before


def test_a_row_of_too_few_columns_and_a_line_that_is_no_json(real_command: Inside, tmp_path: Path) -> None:
    """Rows that cannot be read at all are refused as rows; the ones after them go on."""
    short = tmp_path / "rows.csv"
    short.write_text(ROWS.read_text("utf-8").replace(";;45;;", ";", 1), "utf-8")
    result = real_command("import", short, "--map", MAP, "--dry-run")
    assert "row 4, row: has another number of columns" in result.stdout
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"lbnr": 1, "lbnr": 2}\nnot json\n\xff\n' + json.dumps(opening()).encode())
    result = real_command("import", path, "--map", MAP, "--dry-run")
    assert result.stdout.count("is no JSON object") == 3
    assert "4 rows: 1 would be recorded" in result.stdout
