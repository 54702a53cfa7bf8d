"""Tables for the archive: everything on record about cases and people, opened, in the form of an arkiveringsversion.

Folders, table files and indexes follow the public schemas of order 128 of 12 February 2020 (SIARD-DK); what is left to
the delivery agreement is not made here: docs/archive.md. The same record gives the same bytes.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO
from uuid import UUID
from xml.sax.saxutils import escape

import orjson

from domain.entries import Entry
from domain.events import BY_TOPIC
from domain.time import write_moment
from ledger.erasure import ErasureRegister
from ledger.store import Ledger

DIARK = "http://www.sa.dk/xmlns/diark/1.0"
SCHEMA_OF_TABLE = "http://www.sa.dk/xmlns/siard/1.0/schema0/{folder}.xsd"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
TEXT, INTEGER, INSTANT = "string", "integer", "dateTime"
FILE_INDEX, TABLE_INDEX = "fileIndex.xml", "tableIndex.xml"
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Value = str | int | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: Danish name, what it holds, type in XML Schema, whether it may be empty, its special function."""

    name: str
    description: str
    kind: str = TEXT
    nullable: bool = True
    function: str | None = None
    refers: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the archive; its key is its first columns."""

    name: str
    description: str
    key: int
    columns: tuple[Column, ...]


CASE = Column("sagsid", "Sagens entydige nummer", nullable=False, function="Sagsidentifikation")
OF_CASE = Column("sagsid", "Sagen, hvis posten hører til en sag", refers=("sag", "sagsid"))
OF_EVENT = Column("position", "Postens nummer", INTEGER, nullable=False, refers=("haendelse", "position"))
TABLES = (
    Table(
        "sag",
        "En række for hver sag",
        1,
        (
            CASE,
            Column("sagsnummer", "Sagens nummer som det bruges i kommunen", nullable=False, function="Sagstitel"),
            Column("program", "Indsatsen sagen er oprettet under", nullable=False),
            Column("oprettet", "Hvornår sagen blev registreret, UTC", INSTANT, nullable=False),
        ),
    ),
    Table(
        "sagsperson",
        "En række for hver person i hver sag",
        2,
        (
            Column("sagsid", "Sagen", nullable=False, refers=("sag", "sagsid")),
            Column("reference", "Det personen kaldes i sagens poster", nullable=False),
            Column("personid", "Personens nummer; navn og CPR-nummer står i dens hændelser", nullable=False),
            Column("rolle", "Personens rolle i sagen", nullable=False),
        ),
    ),
    Table(
        "haendelse",
        "En række for hver post i sager og om personer, i den rækkefølge de blev registreret",
        1,
        (
            Column("position", "Postens nummer", INTEGER, nullable=False),
            OF_CASE,
            Column("personid", "Personen, hvis posten er om en persons navn eller nummer"),
            Column("nummer", "Postens nummer i sagen eller om personen", INTEGER, nullable=False),
            Column("art", "Hændelsens navn i systemet", nullable=False),
            Column("betegnelse", "Hændelsens navn på dansk", nullable=False),
            Column("skete", "Hvornår det skete: tidspunkt i UTC, eller dato", nullable=False),
            Column("kom_frem", "Hvornår kommunen fik kendskab til det: tidspunkt i UTC, eller dato"),
            Column("registreret", "Hvornår posten blev registreret, UTC", INSTANT, nullable=False),
            Column("af", "Hvem der registrerede posten", nullable=False),
            Column("af_rolle", "I hvilken rolle", nullable=False),
            Column("hjemmel", "Lovhenvisninger, adskilt af semikolon"),
            Column("begrundelse", "Begrundelsen for posten"),
            Column("kilde", "Hvor oplysningen kommer fra"),
            Column("slettet", "Felter hvis indhold er slettet efter beslutning"),
            Column("ulaeseligt", "Felter hvis indhold ikke kunne åbnes"),
        ),
    ),
    Table(
        "oplysning",
        "En række for hvert felt i hver post",
        2,
        (OF_EVENT, Column("felt", "Feltets navn", nullable=False), Column("vaerdi", "Indholdet; lister som JSON")),
    ),
    Table(
        "dokument",
        "En række for hver journaliseret udgave af et dokument",
        1,
        (
            OF_EVENT,
            Column("dokumentid", "Dokumentets nummer", nullable=False, function="Dokumentidentifikation"),
            Column("udgave", "Udgavens nummer", INTEGER, nullable=False),
            Column("medietype", "Filens form", nullable=False),
            Column("bytes", "Filens størrelse", INTEGER, nullable=False),
            Column("dato", "Afsendt eller modtaget: tidspunkt i UTC, eller dato", function="Dokumentdato"),
        ),
    ),
)


@dataclass(slots=True)
class Counts:
    """What was written: rows by table, fields that could not be opened, characters that XML cannot hold."""

    rows: dict[str, int] = field(default_factory=dict[str, int])
    unreadable: int = 0
    replaced: int = 0


class TableWriter:
    """One table file that is being written."""

    def __init__(self, root: Path, number: int, table: Table, counts: Counts) -> None:
        self.table, self.folder, self._counts = table, f"table{number}", counts
        self.rows, self.longest = 0, [1] * len(table.columns)
        self._path = root / "Tables" / self.folder
        self._path.mkdir(parents=True)
        self._file: TextIO = (self._path / f"{self.folder}.xml").open("w", encoding="utf-8", newline="\n")
        space = SCHEMA_OF_TABLE.format(folder=self.folder)
        where = f'xmlns:xsi="{INSTANCE}" xsi:schemaLocation="{space} {self.folder}.xsd"'
        self._file.write(f'{HEAD}<table xmlns="{space}" {where}>\n')

    def add(self, *values: Value) -> None:
        """Write a row."""
        cells = (self._cell(index, value) for index, value in enumerate(values))
        self._file.write(f"<row>{''.join(cells)}</row>\n")
        self.rows += 1

    def _cell(self, index: int, value: Value) -> str:
        if value is None:
            return f'<c{index + 1} xsi:nil="true"/>'
        text, replaced = NOT_IN_XML.subn("\ufffd", str(value))
        self._counts.replaced += replaced
        self.longest[index] = max(self.longest[index], len(text))
        return f"<c{index + 1}>{escape(text, {chr(13): '&#13;'})}</c{index + 1}>"

    def close(self) -> None:
        """End the file and write the schema that it follows."""
        self._file.write("</table>\n")
        self._file.close()
        self._counts.rows[self.table.name] = self.rows
        (self._path / f"{self.folder}.xsd").write_text(self._schema(), "utf-8")

    def _schema(self) -> str:
        space = SCHEMA_OF_TABLE.format(folder=self.folder)
        columns = "".join(
            f'<xs:element name="c{number}" type="xs:{one.kind}" nillable="{str(one.nullable).lower()}"/>\n'
            for number, one in enumerate(self.table.columns, start=1)
        )
        return (
            f'{HEAD}<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{space}" targetNamespace="{space}"'
            ' elementFormDefault="qualified" attributeFormDefault="unqualified">\n'
            '<xs:element name="table"><xs:complexType><xs:sequence>\n'
            '<xs:element name="row" type="rowType" minOccurs="0" maxOccurs="unbounded"/>\n'
            "</xs:sequence></xs:complexType></xs:element>\n"
            f'<xs:complexType name="rowType"><xs:sequence>\n{columns}</xs:sequence></xs:complexType>\n</xs:schema>\n'
        )


def write_archive(ledger: Ledger, position: int, root: Path, name: str, notify: Callable[[int, int], None]) -> Counts:
    """Write tables and indexes of everything up to a position into an empty folder of the version ``name``."""
    counts = Counts()
    writers = [TableWriter(root, number, table, counts) for number, table in enumerate(TABLES, start=1)]
    tables = {writer.table.name: writer for writer in writers}
    for entry, is_case in _entries(ledger, position, notify):
        _add(tables, entry, is_case=is_case)
        counts.unreadable += len(entry.unreadable)
    for writer in writers:
        writer.close()
    indexes = root / "Indices"
    indexes.mkdir()
    (indexes / TABLE_INDEX).write_text(table_index(writers), "utf-8")
    write_file_index(root, name)
    return counts


def _entries(ledger: Ledger, position: int, notify: Callable[[int, int], None]) -> Iterator[tuple[Entry, bool]]:
    """Yield the entries of cases and people in order, opened as far as can be, each with whether it is a case's."""
    kinds: dict[UUID, bool] = {}
    gone, after = ErasureRegister(ledger).now(), 0
    while rows := [row for row in ledger.read_page(after) if row.position <= position]:
        for row in rows:
            if row.version == 1 and row.topic in ("case_opened", "person_registered"):
                kinds[row.stream] = row.topic == "case_opened"
            if row.stream in kinds:
                yield ledger.mapper.to_domain_event(row, gone), kinds[row.stream]
        after = rows[-1].position
        notify(after, position)


def _add(tables: Mapping[str, TableWriter], entry: Entry, *, is_case: bool) -> None:
    case, position, data = str(entry.stream) if is_case else None, entry.position, entry.data
    kind, recorded = BY_TOPIC[entry.topic], entry.recorded_at.isoformat(timespec="microseconds").removesuffix("+00:00")
    persons = data["persons"] if entry.topic == "case_opened" else [data] if entry.topic == "person_joined" else []
    if entry.topic == "case_opened":
        tables["sag"].add(case, data["number"], data["programme"], recorded)
    for person in persons:
        tables["sagsperson"].add(case, person["ref"], person["person"], person["role"])
    tables["haendelse"].add(
        position,
        case,
        None if is_case else str(entry.stream),
        entry.version,
        kind.name(),
        kind.LABEL_DA,
        write_moment(entry.occurred_at),
        write_moment(entry.reached_at) if entry.reached_at else None,
        recorded,
        entry.actor.id,
        entry.actor.role,
        "; ".join(entry.legal_basis) or None,
        entry.reason,
        entry.source,
        ", ".join(entry.erased) or None,
        ", ".join(entry.unreadable) or None,
    )
    for name, value in sorted(data.items()):
        tables["oplysning"].add(position, name, _text(value))
    if entry.topic == "document_filed":
        dated = data.get("received_or_sent_at")
        tables["dokument"].add(position, data["document"], data["version"], data["media_type"], data["size"], dated)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def table_index(writers: list[TableWriter]) -> str:
    """Return the index of the tables: names, columns, keys and numbers of rows."""
    tables = "".join(_table(writer) for writer in writers)
    about = "<version>1.0</version>\n<dbName>caseledger</dbName>\n<databaseProduct>PostgreSQL 18</databaseProduct>\n"
    return f"{HEAD}<siardDiark {_of(TABLE_INDEX)}>\n{about}<tables>\n{tables}</tables>\n</siardDiark>\n"


def _of(index: str) -> str:
    schema = f"../Schemas/standard/{index.removesuffix('.xml')}.xsd"
    return f'xmlns="{DIARK}" xmlns:xsi="{INSTANCE}" xsi:schemaLocation="{DIARK} {schema}"'


def _table(writer: TableWriter) -> str:
    table = writer.table
    columns = "".join(
        _column(number, column, writer.longest[number - 1]) for number, column in enumerate(table.columns, start=1)
    )
    key = "".join(f"<column>{column.name}</column>" for column in table.columns[: table.key])
    foreign = "".join(_foreign(table, column) for column in table.columns)
    return (
        f"<table>\n<name>{table.name}</name><folder>{writer.folder}</folder>"
        f"<description>{escape(table.description)}</description>\n<columns>\n{columns}</columns>\n"
        f"<primaryKey><name>PK_{table.name}</name>{key}</primaryKey>\n"
        f"{f'<foreignKeys>{foreign}</foreignKeys>' if foreign else ''}<rows>{writer.rows}</rows>\n</table>\n"
    )


def _column(number: int, column: Column, longest: int) -> str:
    kind = {TEXT: f"VARCHAR({longest})", INTEGER: "INTEGER", INSTANT: "TIMESTAMP"}[column.kind]
    function = f"<functionalDescription>{column.function}</functionalDescription>" if column.function else ""
    return (
        f"<column><name>{column.name}</name><columnID>c{number}</columnID><type>{kind}</type>"
        f"<nullable>{str(column.nullable).lower()}</nullable>"
        f"<description>{escape(column.description)}</description>{function}</column>\n"
    )


def _foreign(table: Table, column: Column) -> str:
    if column.refers is None:
        return ""
    other, referenced = column.refers
    reference = f"<reference><column>{column.name}</column><referenced>{referenced}</referenced></reference>"
    name = f"FK_{table.name}_{column.name}"
    return f"<foreignKey><name>{name}</name><referencedTable>{other}</referencedTable>{reference}</foreignKey>"


def write_file_index(root: Path, name: str) -> str:
    """Write the index of all files but itself, with the checksums the order asks for; return its SHA-256."""
    index = root / "Indices" / FILE_INDEX
    files = sorted(path for path in root.rglob("*") if path.is_file() and path != index)
    named = [(_folder(name, root, path), path.name, _md5(path)) for path in files]
    lines = [f"<f><foN>{folder}</foN><fiN>{file}</fiN><md5>{md5}</md5></f>\n" for folder, file, md5 in named]
    content = f"{HEAD}<fileIndex {_of(FILE_INDEX)}>\n{''.join(lines)}</fileIndex>\n".encode()
    index.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _folder(name: str, root: Path, path: Path) -> str:
    return "\\".join((name, *path.parent.relative_to(root).parts))


def _md5(path: Path) -> str:
    """Return the checksum that the order asks for; it guards against bad media and nothing else."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest().upper()
