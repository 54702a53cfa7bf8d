"""The page of settings says what the settings are, and every command that a document names can be run."""

import argparse
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.cli import build_parser
from api.settings_text import settings_page

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "configuration.md"
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
CALL = re.compile(r"(?:^|(?<=[\s(;&|/]))caseledger (?=[a-z-])(.*)")


def test_the_page_of_settings_is_as_made() -> None:
    """docs/configuration.md is what the settings say; with CASELEDGER_FREEZE=1 it is written anew."""
    if os.environ.get("CASELEDGER_FREEZE"):
        PAGE.write_text(settings_page(), "utf-8")
    assert PAGE.read_text("utf-8") == settings_page()


def calls(text: str) -> Iterator[list[str]]:
    """Yield the words of every call of our command in a document."""
    fenced = [line for block in FENCED.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    inline = [" ".join(one.split()) for one in INLINE.findall(FENCED.sub("", text))]
    for line in (*fenced, *(one for one in inline if re.match(r"(\S*/)?caseledger |[A-Z_]+=\S+ caseledger ", one))):
        found = CALL.search(line.partition(" #")[0])
        if found:
            yield shlex.split(re.split(r"[|;&>)]", found[1].replace("\\|", "|"))[0])


def groups_of(parser: argparse.ArgumentParser) -> list[dict[str, argparse.ArgumentParser]]:
    """Return the commands below a parser, by name."""
    actions: list[Any] = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]  # pyright: ignore
    return [action.choices for action in actions]


def misfit(words: list[str]) -> str | None:
    """Return what of a call no command knows; None where it can be run."""
    parser: argparse.ArgumentParser = build_parser()
    words = [word for word in words if word != "--trace"]
    if words[:1] == ["--ledger"]:
        words = words[2:]
    while groups := groups_of(parser):
        choices = groups[0]
        if not words:
            return None  # a group as a whole is spoken of
        if words[0] not in choices:
            return words[0]
        parser, words = choices[words[0]], words[1:]
    known = {option for action in parser._actions for option in action.option_strings}  # pyright: ignore
    return next(
        (w for word in words if (w := word.strip("[].").split("=")[0]).startswith("-") and w not in known), None
    )


def test_every_command_that_a_document_names_is_there() -> None:
    """Commands and options in docs and README are those of the program, so that a runbook can be followed."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = [(page.name, words) for page in pages for words in calls(page.read_text("utf-8"))]
    assert len(named) > 80
    assert sum(page == "operations.md" for page, _ in named) > 30
    assert not [(page, words, wrong) for page, words in named if (wrong := misfit(words))]


def test_a_command_that_is_not_there_would_be_noticed() -> None:
    """A wrong command and a wrong option are found."""
    assert [misfit(words) for words in calls("```\ncaseledger keys turn\n```\nand `caseledger verify --all`")] == [
        "turn",
        "--all",
    ]
