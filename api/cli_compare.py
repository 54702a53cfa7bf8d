"""The commands that compare: two instants, or the rules adopted and a draft. Handlers import what they need."""

import argparse
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.settings import Settings

if TYPE_CHECKING:
    from api.comparing import Compared, Comparer, Tally, Wanted
    from domain.rule_book import RuleBook
    from ledger.store import Ledger

Handler = Callable[[argparse.Namespace, Settings], int]
Add = Callable[[str, Handler, str], argparse.ArgumentParser]


class NothingToCompare(Exception):
    """Name a first instant with --from, or a draft rule book with --rules, and not both."""

    def __str__(self) -> str:
        return str(self.__doc__)


def add_compare(add: Add, instant: Callable[[str], datetime], code: Callable[[str], str]) -> None:
    """Add ``replay compare``; ``add`` takes name, handler and what it does, the others read an argument."""
    command = add("compare", _compare, "explain every difference between two instants; exit code 1 if one is not")
    command.add_argument("--from", dest="known_from", type=instant, metavar="T1", help="as recorded by this instant")
    command.add_argument("--to", type=instant, metavar="T2", help="against what was recorded by this instant (now)")
    command.add_argument("--valid-at", type=instant, metavar="T", help="let the clock show this at both")
    command.add_argument(
        "--rules", type=Path, metavar="DRAFT.toml", help="compare the rules at T2 with a draft instead"
    )
    command.add_argument("--view", default="deadlines", metavar="VIEW", help="a view, or `all` (deadlines)")
    _add_common(command, code)


def add_what_if(add: Add, instant: Callable[[str], datetime], code: Callable[[str], str]) -> None:
    """Add ``rules what-if``."""
    command = add("what-if", _what_if, "show the deadline board as it would be under a draft rule book; writes nothing")
    command.add_argument("file", type=Path, metavar="DRAFT.toml", help="the draft rule book")
    command.add_argument("--known-at", type=instant, metavar="T", help="the board as of this instant (now)")
    command.add_argument("--board", default="deadlines", metavar="VIEW", help="another view, or `all` (deadlines)")
    _add_common(command, code)


def _add_common(command: argparse.ArgumentParser, code: Callable[[str], str]) -> None:
    command.add_argument("--case", metavar="ID", help="one case, by id or number (all cases)")
    command.add_argument("--json", action="store_true", help="one JSON object per difference, and one with the counts")
    command.add_argument("--purpose", type=code, default="supervision", help="goes on record (supervision)")


def _compare(options: argparse.Namespace, settings: Settings) -> int:
    if (options.known_from is None) is (options.rules is None):
        raise NothingToCompare
    draft = None if options.rules is None else _draft(options.rules)
    return _run(options, settings, options.view, options.known_from, options.to, options.valid_at, draft)


def _what_if(options: argparse.Namespace, settings: Settings) -> int:
    return _run(options, settings, options.board, None, options.known_at, None, _draft(options.file))


def _draft(path: Path) -> "RuleBook":
    from api.rules_text import RulesFileError, read_book_file
    from domain.calendar import is_holiday_table
    from domain.rule_book import read_rule_book

    text, _ = read_book_file(path)
    if is_holiday_table(text):
        raise RulesFileError(f"{path}: is a holiday table, not a rule book: a draft is a rule book in TOML")
    return read_rule_book(text)


def _run(
    options: argparse.Namespace,
    settings: Settings,
    view: str,
    known_from: datetime | None,
    known_to: datetime | None,
    valid_at: datetime | None,
    draft: "RuleBook | None",
) -> int:
    from api.comparing import Comparer, Tally, Wanted
    from api.opening import opened
    from api.reading import CaseReader
    from projections.board import Board
    from replay.compare_boards import views_named

    with opened(settings) as place, place.ledger() as ledger:
        comparer = Comparer(ledger, CaseReader(ledger, Board(ledger)))
        wanted = Wanted(views_named(view), known_to or ledger.now(), known_from, valid_at, draft)
        tally = Tally()
        for number, found in enumerate(_pages(options, ledger, comparer, wanted)):
            _print(found, first=number == 0, as_json=options.json)
            tally = tally.with_more(found.tally)
    _print_tally(tally, as_json=options.json)
    return 1 if tally.unexplained else 0


def _pages(
    options: argparse.Namespace, ledger: "Ledger", comparer: "Comparer", wanted: "Wanted"
) -> "Iterator[Compared]":
    """Yield what differs, some cases at a time; each look is on record before it is printed."""
    import asyncio

    from api.case_text import NoCase, case_named
    from api.cli_verify import progress_bar
    from api.door import NotKnown
    from api.principals import command_line_principal

    principal, draw = command_line_principal(options.purpose, internal=True), progress_bar("cases")
    if options.case is not None:
        try:
            yield asyncio.run(comparer.case(principal, case_named(ledger, options.case), wanted))
        except NotKnown:
            raise NoCase from None
        return
    with asyncio.Runner() as runner:
        pages = comparer.whole(principal, wanted, draw)
        while (found := runner.run(_next(pages))) is not None:
            yield found


async def _next(pages: object) -> "Compared | None":
    from collections.abc import AsyncIterator
    from typing import cast

    return await anext(cast("AsyncIterator[Compared]", pages), None)


def _print(found: "Compared", *, first: bool, as_json: bool) -> None:
    import orjson

    from api.compare_text import heading, lines
    from api.comparing import frame_of, values_of

    if first:
        print(orjson.dumps(frame_of(found)).decode() if as_json else heading(found))
    for item in found.items:
        print(orjson.dumps(values_of(item)).decode() if as_json else "\n".join(lines(item)))


def _print_tally(tally: "Tally", *, as_json: bool) -> None:
    import orjson

    from api.compare_text import summary

    print(orjson.dumps(tally.values()).decode() if as_json else "\n".join(summary(tally)))
