"""Tables for the archive: they follow their own schemas, keys lead somewhere, and nothing on record is missing."""

import hashlib
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from api.archiving import make_archive
from api.cli_archive import NAME
from api.opening import Place
from api.principals import command_line_principal
from ledger.store import Ledger
from replay.archive import TABLES
from tests.api.client import CANARY
from tests.api.service import Inside, environment

XS = "{http://www.w3.org/2001/XMLSchema}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
DIARK = "{http://www.sa.dk/xmlns/diark/1.0}"
KINDS = {"xs:integer": r"-?[0-9]+", "xs:dateTime": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{15}", "xs:string": r"(?s).*"}
Rows = list[list[str | None]]


def silent(_done: int, _whole: int) -> None:
    """Show no progress."""


def made(ledger: Ledger, folder: Path) -> Path:
    """Make the tables of a ledger."""
    make_archive(ledger, command_line_principal("archive", internal=True), folder, None, silent)
    return folder


def rows_of(root: Path, number: int) -> Rows:
    """Return the rows of a table, each cell of which follows the table's schema."""
    folder = root / "Tables" / f"table{number}"
    schema = ElementTree.parse(folder / f"table{number}.xsd").getroot()
    columns = [one.attrib for one in schema.iter(f"{XS}element") if re.fullmatch(r"c[0-9]+", one.attrib["name"])]
    table = ElementTree.parse(folder / f"table{number}.xml").getroot()
    space = schema.attrib["targetNamespace"]
    found: Rows = []
    for row in table:
        assert [cell.tag for cell in row] == [f"{{{space}}}{column['name']}" for column in columns]
        for cell, column in zip(row, columns, strict=True):
            assert cell.get(NIL) is None or column["nillable"] == "true"
            assert cell.get(NIL) or re.fullmatch(KINDS[column["type"]], cell.text or "")
        found.append([None if cell.get(NIL) else cell.text or "" for cell in row])
    return found


def test_tables_follow_their_schemas_and_keys_lead_somewhere(stories: Place, tmp_path: Path) -> None:
    """Every row has the form of its table, primary keys are unique, foreign keys are there, the index counts right."""
    with stories.ledger() as ledger:
        root = made(ledger, tmp_path / "AVID.KOM.17.1")
    rows = {table.name: rows_of(root, number) for number, table in enumerate(TABLES, start=1)}
    keys = {table.name: {tuple(row[: table.key]) for row in rows[table.name]} for table in TABLES}
    assert all(len(keys[name]) == len(rows[name]) for name in rows)
    assert len(rows["sag"]) == 6
    for table in TABLES:
        for index, column in enumerate(table.columns):
            named = {(row[index],) for row in rows[table.name]} - {(None,)}
            assert column.refers is None or named <= keys[column.refers[0]]
    index = ElementTree.parse(root / "Indices" / "tableIndex.xml").getroot()
    counted = [int(one.text or "") for one in index.iter(f"{DIARK}rows")]
    assert counted == [len(rows[table.name]) for table in TABLES]
    types = [one.text or "" for one in index.iter(f"{DIARK}type")]
    assert all(re.fullmatch(r"INTEGER|TIMESTAMP|VARCHAR\([1-9][0-9]*\)", one) for one in types)


def test_every_text_on_record_is_there(stories: Place, tmp_path: Path) -> None:
    """Names and texts stand opened in the table of fields; the archive going out is on record with its hash."""
    with stories.ledger() as ledger:
        before = ledger.head().size
        root = made(ledger, tmp_path / "AVID.KOM.17.1")
        exported = ledger.mapper.to_domain_event(ledger.read_range(before + 1, before + 1)[0])
        entries = [ledger.mapper.to_domain_event(row) for row in ledger.read_page(0, before)]
    told = {(row[0], row[1]): row[2] for row in rows_of(root, 4)}
    streams = {entry.stream for entry in entries if entry.topic in ("case_opened", "person_registered")}
    sealed = [
        (entry, name) for entry in entries if entry.stream in streams for name in entry.sealed if name in entry.data
    ]
    assert len(sealed) > 50
    assert all(told[str(entry.position), name] is not None for entry, name in sealed)
    index = (root / "Indices" / "fileIndex.xml").read_bytes()
    assert exported.data["what"] == "archive"
    assert exported.data["sha256"] == hashlib.sha256(index).hexdigest()


def test_the_same_record_gives_the_same_bytes_and_every_file_is_in_the_index(stories: Place, tmp_path: Path) -> None:
    """Two runs differ in nothing, for looks and exports are left out; checksums are those of the files."""
    with stories.ledger() as ledger:
        one, two = (made(ledger, tmp_path / name / "AVID.KOM.17.1") for name in "ab" if not (tmp_path / name).mkdir())
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)
    index = ElementTree.parse(one / "Indices" / "fileIndex.xml").getroot()
    named = {(one_file[0].text, one_file[1].text): one_file[2].text for one_file in index}
    for file in files:
        if file.name != "fileIndex.xml":
            folder = "\\".join(("AVID.KOM.17.1", *file.parent.parts))
            digest = hashlib.md5((one / file).read_bytes(), usedforsecurity=False).hexdigest().upper()
            assert named.pop((folder, file.name)) == digest
    assert not named


def test_the_command_refuses_what_it_must(real: Place, tmp_path: Path) -> None:
    """A real ledger asks who answers for it; a folder is never written twice; the name is the archive's."""
    command = Inside(environment(real.conninfo, tmp_path / "home"))
    folder = tmp_path / "AVID.KOM.17.1"
    assert "--approved-by" in command.refused("archive", folder)[1]
    assert not folder.exists()
    assert "sag: 0 rows" in command("archive", folder, "--approved-by", "u-12").stdout
    assert "There is a folder" in command.refused("archive", folder, "--approved-by", "u-12")[1]
    (folder / "Schemas" / "standard").mkdir(parents=True)
    (folder / "Schemas" / "standard" / "tableIndex.xsd").write_text(CANARY)
    assert command("archive", folder, "--index").returncode == 0
    assert "Schemas\\standard</foN><fiN>tableIndex.xsd" in (folder / "Indices" / "fileIndex.xml").read_text()


@pytest.mark.parametrize("name", ["AVID.KOM.17", "avid.KOM.17.1", "AVID.KOM.0.1", "AVID.K.1.1", "AVID.KOM.17.2"])
def test_names_that_are_none_are_refused(name: str) -> None:
    """The folder is named by the archive, and holds the first medium."""
    assert not NAME.fullmatch(name)
