"""The command ``replay statutory``: the delivery to the national statistics. Handlers import what they need."""

import argparse
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ledger.settings import Settings

Handler = Callable[[argparse.Namespace, Settings], int]


def add_statutory(
    add: Callable[[str, Handler, str], argparse.ArgumentParser],
    instant: Callable[[str], datetime],
    code: Callable[[str], str],
) -> None:
    """Add the command; ``add`` takes name, handler and what it does, ``instant`` and ``code`` read an argument."""
    command = add(
        "statutory", _statutory, "write the measures for the national statistics, and what is left out; on record"
    )
    command.add_argument("folder", type=Path, metavar="DIR", help="folder to write; a new one")
    command.add_argument("--codes", type=Path, required=True, metavar="FILE", help="codes of measures by legal basis")
    command.add_argument("--known-at", type=instant, metavar="T", help="as recorded by this instant (now)")
    command.add_argument("--purpose", type=code, default="statistics", help="goes on record (statistics)")


def _statutory(options: argparse.Namespace, settings: Settings) -> int:
    from api.opening import opened
    from api.principals import command_line_principal
    from api.statutory import make_extract, read_codes

    codes = read_codes(options.codes)
    with opened(settings) as place, place.ledger() as ledger:
        principal = command_line_principal(options.purpose, internal=True)
        made = make_extract(ledger, principal, options.folder, codes, options.known_at)
    print(f"{options.folder}: {made.reported} measures reported, {len(made.left_out)} left out")
    for reason, number in sorted(Counter(one.reason for _, one in made.left_out).items()):
        print(f"  {reason}: {number}")
    print(f"On record at position {made.exported_position}.")
    return 0
