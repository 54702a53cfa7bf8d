"""The commands that hand files to analysts or fold them again: ``replay export``, ``working`` and ``population``.

``replay counts`` and ``replay try`` need nothing but such files. After ``replay forget-release`` nobody can tell whose
the pseudonyms of a release are.
"""

import argparse
import re
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from api.cli_verify import progress_bar
from ledger.settings import Settings

Handler = Callable[[argparse.Namespace, Settings], int]
RELEASE_PATTERN = r"[a-z0-9][a-z0-9-]{0,59}"
MOST_WORKERS, MOST_SHARES = 64, 4096


def add_export(
    add: Callable[[str, Handler, str], argparse.ArgumentParser],
    instant: Callable[[str], datetime],
    code: Callable[[str], str],
) -> None:
    """Add the commands; ``add`` takes name, handler and what it does, ``instant`` and ``code`` read an argument."""
    command = add("export", _export, "write a pseudonymised release for analysts, or check one; it goes on record")
    command.add_argument("folder", type=Path, metavar="DIR", help="folder to write; a new one")
    command.add_argument("--check", action="store_true", help="write nothing: check the files of a release there")
    command.add_argument("--release", type=_release, metavar="NAME", help="its pseudonyms are its own (position-N)")
    command.add_argument("--known-at", type=instant, metavar="T", help="as recorded by this instant (now)")
    command.add_argument("--tables", type=_tables, metavar="A,B", help="only these event types and views (all)")
    command.add_argument("--workers", type=_number(MOST_WORKERS), default=1, metavar="N", help="processes (1)")
    command.add_argument("--purpose", type=code, default="statistics", help="goes on record (statistics)")

    counts = add("counts", _counts, "print a table of counts of a release, small cells hidden; needs no ledger")
    counts.add_argument("folder", type=Path, metavar="DIR", help="folder of the release")
    counts.add_argument("table", metavar="TABLE", help="deadlines, findings, cases, recording or compliance")
    counts.add_argument("--subject", metavar="CODE", help="only this rule, finding or event type (all)")

    forget = add(
        "forget-release", _forget, "destroy the key of a release: its pseudonyms are never made again; on record"
    )
    forget.add_argument("release", type=_release, metavar="NAME", help="the release, as it was named when it was made")

    working = add("working", _working, "write files to fold the views from on other machines; personal data, on record")
    working.add_argument("folder", type=Path, metavar="DIR", help="folder to write, a new one; all must reach it")
    working.add_argument("--shares", type=_number(MOST_SHARES), default=16, metavar="N", help="files of cases (16)")
    working.add_argument("--known-at", type=instant, metavar="T", help="as recorded by this instant (now)")
    working.add_argument("--purpose", type=code, default="operations", help="goes on record (operations)")

    trying = add("try", _try, "fold a view of your own from working files; asks no ledger and writes to none")
    trying.add_argument("view", type=Path, metavar="VIEW.py", help="a file that makes one view (docs/views.md)")
    trying.add_argument("folder", type=Path, metavar="DIR", help="folder of the working files")
    trying.add_argument("-o", dest="output", type=Path, metavar="FILE.jsonl", help="file to write the rows to")

    population = add("population", _population, "fold a view from working files, in processes or on a cluster")
    population.add_argument("folder", type=Path, metavar="DIR", help="folder of the working files")
    population.add_argument("view", metavar="VIEW", help="the view to fold")
    population.add_argument("--workers", type=_number(MOST_WORKERS), default=2, metavar="N", help="processes (2)")
    population.add_argument("--scheduler", metavar="ADDRESS", help="address of a dask scheduler, in place of processes")


def _release(text: str) -> str:
    if not re.fullmatch(RELEASE_PATTERN, text, re.ASCII):
        raise argparse.ArgumentTypeError("must be up to 60 lower-case letters, digits and hyphens")
    return text


def _tables(text: str) -> frozenset[str]:
    return frozenset(filter(None, text.split(",")))


def _number(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[1-9][0-9]{0,5}", text, re.ASCII) or int(text) > most:
            raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {most}")
        return int(text)

    return read


def _export(options: argparse.Namespace, settings: Settings) -> int:
    if options.check:
        return _check(options.folder)
    from api.exporting import ReleaseWish, make_release
    from api.opening import opened
    from api.principals import command_line_principal
    from replay.release import TABLES

    tables: frozenset[str] = options.tables or frozenset()
    unknown = sorted(tables - set(TABLES))
    if unknown:
        sys.exit(f"caseledger: there is no table {unknown[0]}: name event types and views, as in docs/analysts.md")
    wish = ReleaseWish(options.release, options.known_at, options.tables, options.workers)
    with opened(settings) as place, place.ledger() as ledger:
        principal = command_line_principal(options.purpose, internal=True)
        made = make_release(ledger, principal, wish, options.folder, progress_bar())
    print(f"{options.folder}: {made.rows} rows as recorded at position {made.position}, sha256 {made.sha256}")
    print(f"On record at position {made.exported_position}. Check it with `caseledger replay export --check`.")
    if made.unreadable:
        print(f"{made.unreadable} events could not be read and are missing: the manifest names them.")
    return 1 if made.unreadable else 0


def _check(folder: Path) -> int:
    from replay.release_files import check_sums, files_in

    faults = check_sums(folder)
    print("\n".join(faults) or f"{folder}: {len(files_in(folder))} files, all as they were written")
    return 1 if faults else 0


def _counts(options: argparse.Namespace, _: Settings) -> int:
    import csv

    from replay.release_aggregates import read_counts

    rows = read_counts(options.folder, options.table)
    shown = [row for row in rows if options.subject in (None, row["subject"], row["subject"].partition(" ")[0])]
    if not shown:
        sys.exit("caseledger: there is nothing on this subject: leave it out to see which there are")
    lines = csv.DictWriter(sys.stdout, list(shown[0]), lineterminator="\n")
    lines.writeheader()
    for row in shown:
        totals = {name: "all" for name, value in row.items() if value in (None, "")}
        lines.writerow(row | totals | ({"count": "hidden"} if row["count"] is None else {}))
    return 0


def _try(options: argparse.Namespace, _: Settings) -> int:
    from replay.trying import row_line, try_view

    tried = try_view(options.folder, options.view, progress_bar("shares"))
    print(
        f"{tried.view}: {len(tried.rows)} rows of {tried.keys} keys from {tried.events} events, sha256 {tried.sha256}"
    )
    for status, number in sorted(tried.standing.items()):
        print(f"  in the end {status}: {number}")
    for (topic, form, newest), number in sorted(tried.upcast.items()):
        print(f"  upcast {topic} from version {form} to {newest}: {number} events")
    if not tried.upcast:
        print("  upcast: none, every event read has the newest form")
    if options.output is not None:
        options.output.write_bytes(b"".join(map(row_line, tried.rows)))
    return 0


def _forget(options: argparse.Namespace, settings: Settings) -> int:
    from api.exporting import forget_release
    from api.opening import opened
    from api.principals import command_line_principal

    with opened(settings) as place, place.ledger() as ledger:
        done = forget_release(ledger, command_line_principal("erasure", internal=True), options.release)
    if done.already:
        print(f"{options.release}: its key is gone already, on record at position {done.position}.")
        return 0
    print(
        f"{options.release}: its key is destroyed, on record at position {done.position}; its pseudonyms stay what they"
    )
    print("are in the files handed out, and can never be made again.")
    if done.epoch is not None:
        print(f"Copies of it in backups die with epoch {done.epoch}: `caseledger keys retire`, docs/keys.md.")
    return 0


def _working(options: argparse.Namespace, settings: Settings) -> int:
    from api.exporting import make_working_files
    from api.opening import opened
    from api.principals import command_line_principal
    from replay.working import WARNING

    with opened(settings) as place, place.ledger() as ledger:
        principal = command_line_principal(options.purpose, internal=True)
        made = make_working_files(ledger, principal, options.folder, options.shares, options.known_at, progress_bar())
    sys.stderr.write(f"{WARNING}\n")
    print(f"{options.folder}: {made.rows} events as recorded at position {made.position}, sha256 {made.sha256}")
    print(f"On record at position {made.exported_position}.")
    return 0


def _population(options: argparse.Namespace, _: Settings) -> int:
    from projections.view import VIEWS
    from replay.population import on_cluster, on_processes, replay_population

    if options.view not in VIEWS:
        sys.exit(f"caseledger: there is no view {options.view}; choose one of: {', '.join(VIEWS)}")
    with on_cluster(options.scheduler) if options.scheduler else on_processes(options.workers) as executor:
        done = replay_population(options.folder, VIEWS[options.view], executor, progress_bar())
    print(f"{options.view}: {done.rows} rows of {done.shares} shares, sha256 {done.sha256}; in {done.folder}")
    return 0
