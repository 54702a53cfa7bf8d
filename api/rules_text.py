"""The commands about rules: checking vectors and rule books, adopting one, listing what is in force."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from domain.calendar import is_holiday_table, read_holidays
from domain.rule_book import Rule, RuleBook, RuleBookError, read_rule_book
from domain.rules import Adoption, Rules
from domain.vectors import check_vectors
from ledger.errors import LedgerError
from ledger.shipped import shipped_calendar


class RulesFileError(LedgerError):
    """A file with rules or vectors cannot be read; the message names file, line where there is one, and reason."""


def read_book_file(path: Path) -> tuple[str, str]:
    """Return the text of a file with a rule book or holiday table, and a line about it; raises RulesFileError."""
    text = _text(path)
    try:
        if is_holiday_table(text):
            table = read_holidays(text)
            return text, f"holiday table {table.version}: {table.first_year}-{table.last_year}, {len(table.days)} days"
        return text, book_line(read_rule_book(text))
    except RuleBookError as error:
        raise RulesFileError(f"{path}, {error}") from None
    except ValueError as error:
        raise RulesFileError(f"{path}: {error}") from None


def check_file(path: Path) -> tuple[list[str], bool]:
    """Check a file of date vectors, or a rule book in TOML; returns lines to print and whether all is well."""
    if path.suffix == ".toml":
        return [read_book_file(path)[1]], True
    try:
        content: Any = json.loads(_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise RulesFileError(f"{path}: is no JSON file ({type(error).__name__})") from None
    if not isinstance(content, list):
        raise RulesFileError(f"{path}: is no list of date vectors")
    if not content:
        raise RulesFileError(f"{path}: holds no date vectors, so nothing could fail")
    results = check_vectors(cast(list[Any], content), shipped_calendar())
    failed = [result for result in results if not result.passed]
    lines = [*map(str, failed), f"{len(results) - len(failed)} passed, {len(failed)} failed"]
    return lines, not failed


def book_line(book: RuleBook) -> str:
    """Return one line about a rule book, saying how much of it is unverified."""
    unverified = len({rule.id for rule in book.unverified})
    rules = len({rule.id for rule in book.rule})
    return (
        f"rule book {book.book.id} version {book.book.version}: {rules} rules, {len(book.setting)} settings; "
        f"{unverified} rules rest partly on memory and need a lawyer's word"
    )


def rules_lines(rules: Rules) -> Iterator[str]:
    """Yield what is in force: each book with who approved it and the readings that differ from the defaults."""
    if not rules.adoptions:
        yield "No rule book is adopted: no deadline is computed. See `caseledger rules adopt`."
    latest = {adoption.book.book.id: adoption for adoption in rules.adoptions}
    for adoption in latest.values():
        yield _adoption_line(adoption)
        yield from dict.fromkeys(map(_unverified_line, adoption.book.unverified))


def _unverified_line(rule: Rule) -> str:
    return f"  unverified: {rule.id} {rule.citation} ({rule.verification_note or 'from memory'})"


def _adoption_line(adoption: Adoption) -> str:
    approved = f"approved by {adoption.approved_by}" if adoption.approved_by else "not approved by a lawyer"
    readings = ", ".join(f"{name}={value}" for name, value in sorted(adoption.readings.items()))
    position = f"adopted at position {adoption.position}"
    return f"{book_line(adoption.book)}; {position}, {approved}" + (f"; readings {readings}" if readings else "")


def read_choices(choices: Sequence[str]) -> dict[str, str]:
    """Read ``SETTING=VALUE`` choices; raises RulesFileError for anything else."""
    pairs = [choice.partition("=") for choice in choices]
    if not all(name and sign and value for name, sign, value in pairs):
        raise RulesFileError("a reading is chosen as SETTING=VALUE, for example A5=grid")
    return {name: value for name, _, value in pairs}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise RulesFileError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RulesFileError(f"{path}: cannot be read ({type(error).__name__})") from None
