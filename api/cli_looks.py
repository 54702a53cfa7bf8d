"""The commands ``caseledger looks``: what becomes of look-ups in time. Handlers import what they need themselves."""

import argparse
from collections.abc import Callable

from ledger.settings import Settings

Handler = Callable[[argparse.Namespace, Settings], int]


def add_looks(add: Callable[[str, Handler, str], argparse.ArgumentParser]) -> None:
    """Add the commands to their group; ``add`` takes name, handler and what a command does."""
    add("expire", _expire, "remove the content of look-ups kept for CASELEDGER_LOOK_MONTHS; run it once a month")


def _expire(_: argparse.Namespace, settings: Settings) -> int:
    from api.look_expiry import expire_looks
    from api.opening import opened
    from api.principals import command_line_principal
    from domain.time import copenhagen_day

    with opened(settings) as place, place.ledger() as ledger:
        principal = command_line_principal("expire looks")
        expired = expire_looks(ledger, place.owner, principal, settings.look_months)
    print(f"Removed the content of {expired.removed} look-ups recorded before {copenhagen_day(expired.before)}.")
    if expired.kept_cases:
        print(f"Look-ups at {expired.kept_cases} cases are kept while a legal hold or a request for access is pending.")
    return 0
