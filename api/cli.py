"""The command ``caseledger``: serve, load stories, look at a case, verify, rebuild. Errors are one line with advice.

Handlers import what they need themselves: the web framework alone takes longer to import than most commands run.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from errno import EDQUOT, ENOSPC
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

from pydantic import ValidationError

from api import cli_search
from api.cli_archive import add_archive
from api.cli_bundle import add_bundle
from api.cli_compare import add_compare, add_what_if
from api.cli_design import add_design
from api.cli_dossier import add_dossier
from api.cli_erasure import add_erasure
from api.cli_export import add_export
from api.cli_health import add_health
from api.cli_import import add_import
from api.cli_keys import add_keys
from api.cli_ledger import add_backup, add_installation, take_ledger
from api.cli_log import add_log, add_signer
from api.cli_looks import add_looks
from api.cli_production import add_production
from api.cli_replay import add_replay
from api.cli_stamp import add_stamp
from api.cli_statutory import add_statutory
from api.cli_verify import add_verify
from api.cli_witness import add_witness
from domain.events.base import CODE_PATTERN
from domain.time import read_instant
from ledger.settings import Settings

if TYPE_CHECKING:
    from api.opening import Place

Handler = Callable[[argparse.Namespace, Settings], int]
SIGNER = "sign the log on an account of its own, without any database"


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong and where to read more."""

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2."""
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")


class _Commands(Protocol):
    """Where commands are added: the part of argparse's own, unnamed type that is used here."""

    def add_parser(self, name: str, *, help: str, description: str) -> _Parser:
        """Add a command."""
        ...


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and leave with its exit code: 0 done, 1 refused or not intact, 2 called wrongly."""
    try:
        options = build_parser().parse_args(arguments)
    except MemoryError as error:
        sys.exit(f"caseledger: {_one_line(error)}")
    try:
        if options.ledger is not None:
            take_ledger(options.ledger, _settings())
        sys.exit(options.handler(options, _settings()))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:
        if options.trace:
            raise
        sys.exit(f"caseledger: {_one_line(error)}")


def _settings(file: Mapping[str, str] | None = None) -> Settings:
    """Read the environment, or in its place what the file of a ledger sets."""
    own = {name.removeprefix("CASELEDGER_").lower(): value for name, value in (file or {}).items()}
    try:
        return Settings() if file is None else Settings.model_validate(own)
    except ValidationError as error:
        names = ", ".join(f"CASELEDGER_{'_'.join(map(str, e['loc'])).upper()}" for e in error.errors())
        sys.exit(f"caseledger: the environment is not usable: {names}; see README.md, Settings")


def _one_line(error: Exception) -> str:
    """Return what a person is told: our own errors speak for themselves, others may hold personal data."""
    if isinstance(error, MemoryError):
        return "there is not enough memory: nothing is half recorded; give the command more and start it again"
    if type(error).__module__.partition(".")[0] in ("api", "replay", "projections", "ledger", "domain"):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT):
        return "there is no room left on the disk: make room, then run the same command again"
    if isinstance(error, OSError) and error.strerror and isinstance(error.filename, str):
        return f"{' '.join(error.filename.split())}: {error.strerror}; name another place, or let this account use it"
    return f"failed unexpectedly ({type(error).__name__}); run again with --trace before the command to see where"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    parser = _Parser(prog="caseledger", description="Event-sourced, audit-grade case ledger.")
    parser.add_argument("--ledger", metavar="NAME", help="which ledger of this installation, by its file NAME.env")
    parser.add_argument("--trace", action="store_true", help="show where an unexpected error came from")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_serve(commands)
    _add_ledger(commands)
    _add_story(commands)
    _add_rules(commands)
    _add_case(commands)
    add_bundle(partial(_command, commands), _instant, _code)
    add_dossier(partial(_command, commands), _instant, _code)
    add_production(partial(_command, commands), _code)
    add_import(partial(_command, commands), _code)
    add_archive(partial(_command, commands), _code)
    _add_documents(commands)
    add_backup(partial(_command, commands))
    add_design(partial(_command, _group(commands, "design", "look after what the pages look like")))
    add_keys(partial(_command, _group(commands, "keys", "look after the keys that seal texts and documents")))
    add_erasure(partial(_command, _group(commands, "erasure", "carry out erasures that were decided")))
    add_looks(partial(_command, _group(commands, "looks", "look after the record of who has looked")))
    log = partial(_command, _group(commands, "log", "publish what proves the ledger to strangers"))
    add_log(log, _code)
    add_stamp(log)
    add_verify(partial(_command, commands))
    replay = partial(_command, _group(commands, "replay", "fold the ledger anew: views, comparisons, exports"))
    add_replay(replay)
    add_compare(replay, _instant, _code)
    add_export(replay, _instant, _code)
    add_statutory(replay, _instant, _code)
    _add_warnings(commands)
    _add_worker(commands)
    add_health(partial(_command, commands), _port)
    add_signer(commands.add_parser("signer", help=SIGNER, description=f"{SIGNER[0].upper()}{SIGNER[1:]}."))
    add_witness(partial(_command, _group(commands, "witness", "cosign what other logs signed; needs no ledger")))
    cli_search.add_commands(_group(commands, "search", "look after the index by which people are found"))
    return parser


def _command(commands: _Commands, name: str, handler: Handler, text: str) -> _Parser:
    command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    command.set_defaults(handler=handler)
    return command


def _group(commands: _Commands, name: str, text: str) -> _Commands:
    group = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    return group.add_subparsers(title="commands", required=True, metavar="COMMAND")


def _add_serve(commands: _Commands) -> None:
    command = _command(commands, "serve", _serve, "serve the API and the pages on 127.0.0.1")
    command.add_argument("--port", type=_port, help="port to listen on; 0 takes a free one (CASELEDGER_LISTEN_PORT)")
    command.add_argument(
        "--demonstration",
        action="store_true",
        help="create a demonstration ledger with the case stories first, unless it is there",
    )


def _add_ledger(commands: _Commands) -> None:
    group = _group(commands, "ledger", "create a ledger, or bring its schema up to date")
    create = _command(group, "create", _create, "create the ledger of this database")
    create.add_argument("name", type=_code, metavar="NAME", help="what the ledger is called in its first event")
    create.add_argument("--simulated", action="store_true", help="with a simulated clock: for fictional cases only")
    create.add_argument(
        "--begins-at", type=_instant, metavar="T", help="where a simulated clock starts (2020-01-01T00:00:00+01:00)"
    )
    _command(group, "migrate", _migrate, "bring the schema of this database up to this version")
    add_installation(partial(_command, group), _port, _settings)


def _add_story(commands: _Commands) -> None:
    group = _group(commands, "story", "work with case stories, files of fictional cases")
    load = _command(group, "load", _load, "record stories as cases of a ledger with a simulated clock")
    load.add_argument("files", nargs="+", type=Path, metavar="FILE", help="story files; merged by recorded time")

    check = _command(group, "check", _check_stories, "record stories in a throw-away ledger and ask what they expect")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE", help="story files")
    check.add_argument(
        "--rules", action="append", type=Path, default=[], metavar="FILE", help="adopt this rule book as well"
    )


def _add_rules(commands: _Commands) -> None:
    group = _group(commands, "rules", "check, adopt and list the rules that deadlines are computed by")
    check = _command(group, "check", _check_rules, "check a file of date vectors, or a rule book in TOML")
    check.add_argument("file", type=Path, metavar="FILE", help="vectors (.json) or rule book (.toml)")
    adopt = _command(group, "adopt", _adopt_rules, "adopt a rule book, and the readings chosen of it")
    adopt.add_argument("file", type=Path, metavar="FILE", help="rule book in TOML")
    adopt.add_argument("--approved-by", type=_code, metavar="STAFF", help="the lawyer who approved it")
    adopt.add_argument("--set", action="append", default=[], metavar="SETTING=VALUE", help="choose a reading")
    _command(group, "list", _list_rules, "list the rule books in force")
    add_what_if(partial(_command, group), _instant, _code)


def _add_case(commands: _Commands) -> None:
    group = _group(commands, "case", "look at cases; each look is put on record")
    show = _command(group, "show", _show, "show a case and its entries")
    show.add_argument("case", metavar="ID", help="id or number of the case")
    show.add_argument("--known-at", type=_instant, metavar="T", help="as recorded by this instant (now)")
    show.add_argument("--valid-at", type=_instant, metavar="T", help="of what had happened by this instant (now)")
    show.add_argument("--purpose", type=_code, required=True, help="why the case is looked at; goes on record")


def _add_documents(commands: _Commands) -> None:
    group = _group(commands, "documents", "look after the documents that were filed")
    _command(group, "check", _check_documents, "check that each document can be produced unchanged; exit code 1 if not")


def _add_warnings(commands: _Commands) -> None:
    group = _group(commands, "warnings", "warn people of deadlines")
    _command(group, "send", _send_warnings, "look through all deadlines once, as the worker does, and warn of them")


def _add_worker(commands: _Commands) -> None:
    command = _command(commands, "worker", _work, "keep the remembered views up to date; `serve` runs one itself")
    command.add_argument("--parent", type=int, metavar="PID", help="stop when this parent process is gone")


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError("must be a port number from 0 to 65535")
    return int(text)


def _code(text: str) -> str:
    if not 0 < len(text) <= 200 or not re.fullmatch(CODE_PATTERN, text) or not text.isprintable():
        raise argparse.ArgumentTypeError("must be one line of 1 to 200 characters without blanks at either end")
    return text


def _instant(text: str) -> datetime:
    try:
        return read_instant(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be an instant with offset, for example 2024-08-21T09:00+02:00") from None


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    from api.demonstration import prepare
    from api.opening import opened
    from api.serve import leave_by_exception_on_sigterm, serve
    from api.tracing import traced

    leave_by_exception_on_sigterm()
    with traced(settings), opened(settings) as place:
        if options.demonstration:
            prepare(place, _say)
        port = settings.listen_port if options.port is None else options.port
        serve(place, settings, port, publish_log=settings.publish_log or options.demonstration)
    return 0


def _create(options: argparse.Namespace, settings: Settings) -> int:
    from api.demonstration import BEGINS_AT
    from api.opening import opened

    begins_at = (options.begins_at or BEGINS_AT) if options.simulated else None
    with opened(settings) as place:
        ledger = place.create(options.name, begins_at)
        if begins_at is not None:
            _adopt_shipped(place, begins_at)
    clock = f"a simulated clock that starts at {begins_at.isoformat()}" if begins_at else "the database's clock"
    print(f"Created ledger {ledger} with {clock}.")
    return 0


def _adopt_shipped(place: "Place", instant: datetime) -> None:
    from api.principals import command_line_principal
    from api.rule_adoption import adopt_shipped

    with place.ledger() as ledger:
        adopt_shipped(ledger, command_line_principal("create"), instant)


def _migrate(_: argparse.Namespace, settings: Settings) -> int:
    from api.opening import opened

    with opened(settings) as place:
        applied = place.migrate()
    print(f"Applied: {', '.join(applied)}." if applied else "The schema is up to date.")
    return 0


def _load(options: argparse.Namespace, settings: Settings) -> int:
    import asyncio

    from api.opening import opened
    from api.recording import CaseRecorder
    from api.stories import load_stories, read_story

    stories = [read_story(path) for path in options.files]
    with opened(settings) as place, place.ledger() as ledger:
        cases = asyncio.run(load_stories(CaseRecorder(ledger), stories))
    for story in stories:
        print(f"{story.id}: {len(story.steps)} steps, case {cases[story.id]}")
    return 0


def _check_stories(options: argparse.Namespace, settings: Settings) -> int:
    from api.opening import throw_away
    from api.rules_text import read_book_file
    from api.stories import read_story
    from api.story_acceptance import accept_stories

    stories = [read_story(path) for path in options.files]
    books = [read_book_file(path)[0] for path in options.rules]
    with throw_away(settings) as place:
        passed, failed = accept_stories(place, stories, books, print)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _check_rules(options: argparse.Namespace, _: Settings) -> int:
    from api.rules_text import check_file

    lines, well = check_file(options.file)
    print("\n".join(lines))
    return 0 if well else 1


def _adopt_rules(options: argparse.Namespace, settings: Settings) -> int:
    from api.opening import opened
    from api.principals import command_line_principal
    from api.rule_adoption import adopt
    from api.rules_text import read_book_file, read_choices

    text, line = read_book_file(options.file)
    choices = read_choices(options.set)
    with opened(settings) as place, place.ledger() as ledger:
        principal = command_line_principal("adopt rules")
        event = adopt(ledger, principal, text, approved_by=options.approved_by, settings=choices)
    print(f"Adopted {line}; sha256 {event.sha256}.")
    return 0


def _list_rules(_: argparse.Namespace, settings: Settings) -> int:
    from api.opening import opened
    from api.rules_text import rules_lines
    from projections.boards import adopted_upto

    with opened(settings) as place, place.ledger() as ledger:
        print("\n".join(rules_lines(adopted_upto(ledger))))
    return 0


def _show(options: argparse.Namespace, settings: Settings) -> int:
    from api.case_text import show_case
    from api.opening import opened

    with opened(settings) as place, place.ledger() as ledger:
        print(show_case(ledger, options.case, options.known_at, options.valid_at, options.purpose))
    return 0


def _check_documents(_: argparse.Namespace, settings: Settings) -> int:
    from api.document_check import check_documents
    from api.opening import opened

    with opened(settings) as place, place.ledger() as ledger:
        tally = check_documents(ledger, place.documents(ledger), print)
    print("\n".join(tally.lines))
    return 0 if tally.well else 1


def _send_warnings(_: argparse.Namespace, settings: Settings) -> int:
    from api.opening import opened
    from api.warning_watch import warn_once

    with opened(settings) as place:
        tally = warn_once(place, settings)
    print(f"{tally.page} warnings on pages, {tally.delivered} mails delivered, {tally.not_delivered} not delivered")
    return 0


def _work(options: argparse.Namespace, settings: Settings) -> int:
    from api import json_log
    from api.document_watch import daily_check
    from api.log_upkeep import published
    from api.opening import opened
    from api.search_upkeep import forgetting, kept_up
    from api.stamp_upkeep import stamping
    from api.tracing import traced
    from api.warning_watch import warning
    from api.witness_upkeep import witnessing
    from api.worker import work
    from ledger.erasure import apply_erasures

    json_log.configure()
    with traced(settings), opened(settings) as place:
        if options.parent is None:  # a parent has looked already, and the database may be away for a moment
            with place.ledger() as ledger:
                apply_erasures(ledger, place.documents(ledger).content, [forgetting(ledger)])
        proving = [published(place), *witnessing(place, settings), *stamping(place, settings)]
        work(place.conninfo, options.parent, daily_check(place), warning(place, settings), kept_up(place), *proving)
    return 0


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
