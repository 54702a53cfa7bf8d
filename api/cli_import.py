"""The command ``caseledger import``: cases of another system. Handlers import what they need themselves."""

import argparse
import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.settings import Settings

if TYPE_CHECKING:
    from api.importing import Refusal, Taker, Tally
    from ledger.store import Ledger

Handler = Callable[[argparse.Namespace, Settings], int]


class NotApproved(Exception):
    """A real ledger takes over what somebody answers for: name them with --approved-by."""


def add_import(add: Callable[[str, Handler, str], argparse.ArgumentParser], code: Callable[[str], str]) -> None:
    """Add the command; ``add`` takes name, handler and what it does, ``code`` reads a short text."""
    command = add("import", _import, "take over cases of another system: recorded now, with the times they claim")
    command.add_argument("file", type=Path, metavar="FILE", help="rows: .csv with a head, or .jsonl")
    command.add_argument(
        "--map", type=Path, required=True, metavar="FILE", help="what they mean, in TOML: docs/import.md"
    )
    command.add_argument("--dry-run", action="store_true", help="try every row and write nothing to the ledger")
    command.add_argument("--approved-by", type=code, metavar="STAFF", help="who answers for it; goes on record")
    command.add_argument("--report", type=Path, metavar="FILE", help="write the refused rows as CSV")


def _import(options: argparse.Namespace, settings: Settings) -> int:
    import asyncio

    from api.import_map import read_map
    from api.importing import import_file
    from api.opening import opened

    mapped, refusals = read_map(options.map), list["Refusal"]()
    if options.report is not None:
        options.report.touch(mode=0o600, exist_ok=False)
    with opened(settings) as place, place.ledger() as ledger:
        taker = _taker(options, ledger, mapped.source)
        tally = asyncio.run(import_file(options.file, mapped, taker, refusals.append))
    for refusal in refusals:
        print(f"row {refusal.row}, {refusal.column}: {refusal.reason}")
    if options.report is not None:
        _write(options.report, tally)
    said = "would be recorded" if options.dry_run else "recorded"
    print(f"{tally.rows} rows: {tally.recorded} {said}, {tally.known} on record before, {tally.refused} refused.")
    print(f"sha256 {tally.digest}")
    return 1 if refusals else 0


def _taker(options: argparse.Namespace, ledger: "Ledger", source: str) -> "Taker":
    from api.import_taking import Recording, Rehearsal
    from api.principals import command_line_principal

    if options.dry_run:
        return Rehearsal(ledger, source)
    if not ledger.simulated and options.approved_by is None:
        raise NotApproved(NotApproved.__doc__)
    approved = f", approved by {options.approved_by}" if options.approved_by else ""
    return Recording(ledger, source, f"Imported by {command_line_principal('import').id}{approved}")


def _write(path: Path, tally: "Tally") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["row", "column", "reason"])
        writer.writerows([[one.row, one.column, one.reason] for one in tally.refusals])
