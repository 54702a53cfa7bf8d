"""The commands ``caseledger search``: looking after the index by which people are found."""

import argparse
from typing import Protocol

from ledger.settings import Settings


class _Commands(Protocol):
    """Where commands are added: the part of argparse's own, unnamed type that is used here."""

    def add_parser(self, name: str, *, help: str, description: str) -> argparse.ArgumentParser:
        """Add a command."""
        ...


def add_commands(group: _Commands) -> None:
    """Add the commands to their group."""
    text = "make the index anew under a new key, and destroy the old key"
    command = group.add_parser("rebuild", help=text, description=text[0].upper() + text[1:] + ".")
    command.set_defaults(handler=_rebuild)


def _rebuild(_: argparse.Namespace, settings: Settings) -> int:
    from api.opening import opened
    from api.principals import command_line_principal
    from api.search_upkeep import rebuild

    with opened(settings) as place, place.ledger() as ledger:
        persons, cases = rebuild(ledger, command_line_principal("rebuild search index"))
    print(f"Indexed {persons} people in {cases} cases under a new key; the old key is destroyed.")
    return 0
