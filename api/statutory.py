"""The delivery to the national statistics of a ledger: a file of measures, and a list of what it leaves out and why.

It holds civil registration numbers. Whoever runs the machine makes it, of simulated ledgers only: who may have it of a
real one, and by which way, is the municipality's to decide first.
"""

import asyncio
import csv
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent, register_namespace

from api.case_text import OnlyByAddress
from api.door import Forbidden, NotKnown
from api.exporting import new_folder, position_of, put_on_record
from api.looks import Question
from api.principals import Principal
from api.reading import CaseLook, CaseReader
from domain.cpr import kind_of
from domain.erased import erases_case
from domain.events.administration import CaseOpened, Exported
from domain.known import Known
from domain.statutory import LeftOut, Reported, measures_of
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections.board import Board
from replay.release_files import SUMS, files_in, sha256_of, write_sums

WHAT, FORMAT = "statutory_extract", "dst-l201/unverified"
NAMESPACE = "http://rep.oio.dk/dst.dk/xml/schemas/2010/04/16/"
MEASURES, LEFT_OUT = "L201.xml", "left-out.csv"
PARENTS = ("mother", "father")
"""How the roles of parents end, as in ``expectant mother``; what follows a comma tells more about them."""

HEADS = ("case", "entry", "child", "reason")


class CodesRefused(Exception):
    """The file of codes cannot be used; the message says what to write in it."""


@dataclass(frozen=True, slots=True)
class MadeExtract:
    """An extract that was made: how many measures it reports, what it leaves out by case, where it is on record."""

    reported: int
    left_out: tuple[tuple[str, LeftOut], ...]
    exported_position: int


def read_codes(path: Path) -> Mapping[str, str]:
    """Return codes of measures by legal basis, from table ``codes`` of a TOML file; raises CodesRefused and OSError."""
    try:
        codes = tomllib.loads(path.read_text("utf-8"))["codes"]
        if not codes or not all(isinstance(code, str) and code.isdigit() for code in codes.values()):
            raise ValueError
    except (ValueError, KeyError, AttributeError):
        raise CodesRefused(
            f'{path.name}: write a table [codes] with a line such as "barnets lov § 32 stk. 1 nr. 5" = "123" for each'
            " legal basis"
        ) from None
    return codes


def make_extract(
    ledger: Ledger, principal: Principal, folder: Path, codes: Mapping[str, str], known_at: datetime | None
) -> MadeExtract:
    """Write the extract into a new folder; each case goes on record as a look, the extract as an export.

    Raises OnlyByAddress, FolderExists, ReleaseRefused and LookNotRecorded.
    """
    if not ledger.simulated:
        raise OnlyByAddress
    position = position_of(ledger, known_at)
    cases = [row.stream for row in ledger.read_topic(CaseOpened.TOPIC) if row.position <= position]
    with new_folder(folder) as part:
        root, left_out, reported = Element(f"{{{NAMESPACE}}}ForanstaltningStrukturSamling"), list[_Left](), set[UUID]()
        for case, number, found in asyncio.run(_found(ledger, principal, cases, codes, known_at)):
            if isinstance(found, LeftOut):
                left_out.append((number, found))
                continue
            _add(root, number, found)
            reported.add(case)
        _write(part, root, left_out)
        event = Exported(
            what=WHAT,
            format=FORMAT,
            purpose=principal.purpose,
            recipient="statistics-denmark",
            cases=tuple(sorted(reported)),
            sha256=sha256_of(part / SUMS),
            size=sum(path.stat().st_size for path in files_in(part)),
            as_of_position=position,
            known_at=known_at,
        )
        exported = put_on_record(ledger, principal, event)
    return MadeExtract(len(root), tuple(left_out), exported)


_Left = tuple[str, LeftOut]
_Found = tuple[UUID, str, Reported | LeftOut]


async def _found(
    ledger: Ledger, principal: Principal, cases: list[UUID], codes: Mapping[str, str], known_at: datetime | None
) -> list[_Found]:
    reader, found = CaseReader(ledger, Board(ledger)), list[_Found]()
    for case in cases:
        if any(erases_case(read_clear(row)) for row in ledger.read_stream(case) if row.topic == "personal_data_erased"):
            found.append((case, str(case), LeftOut(1, None, "case_erased")))
            continue
        try:
            look = await reader.case(principal, case, Question(known_at), WHAT)
        except (Forbidden, NotKnown):
            found.append((case, str(case), LeftOut(1, None, "case_closed_to_reader")))
            continue
        found += [(case, str(look.state["number"]), one) for one in _measures(look, codes)]
    return found


def _measures(look: CaseLook, codes: Mapping[str, str]) -> Iterator[Reported | LeftOut]:
    roles = {named.person.ref: named.person.role for named in look.persons}
    parents = {ref: role for ref, role in roles.items() if role.partition(",")[0].rpartition(" ")[2] in PARENTS}
    numbers = {one.person.ref: one.identifier for one in look.persons if one.identifier and kind_of(one.identifier)}
    return measures_of(Known(look.entries), parents, numbers, codes)


def _add(root: Element, number: str, found: Reported) -> None:
    row = SubElement(root, f"{{{NAMESPACE}}}ForanstaltningStruktur")
    values = {
        "UdsatBarnCPRidentifikator": found.child.replace("-", ""),
        "FormynderCPRidentifikator": found.parent.replace("-", ""),
        "ForanstaltningId": f"{number}-{found.measure}",
        "ForanstaltningKode": found.code,
        "ForanstaltningStartDato": found.started.isoformat(),
        "ForanstaltningSlutDato": None if found.ended is None else found.ended.isoformat(),
    }
    for name, value in values.items():
        if value is not None:
            SubElement(row, f"{{{NAMESPACE}}}{name}").text = value


def _write(folder: Path, root: Element, left_out: list[_Left]) -> None:
    register_namespace("", NAMESPACE)
    indent(root)
    ElementTree(root).write(folder / MEASURES, "utf-8", xml_declaration=True)
    with (folder / LEFT_OUT).open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(HEADS)
        lines.writerows((number, one.entry, one.child or "", one.reason) for number, one in left_out)
    write_sums(folder)
