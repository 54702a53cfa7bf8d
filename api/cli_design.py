"""The command ``caseledger design install``: fetching what the pages look like."""

import argparse
from collections.abc import Callable

from ledger.settings import Settings

Handler = Callable[[argparse.Namespace, Settings], int]


def add_design(add: Callable[[str, Handler, str], argparse.ArgumentParser]) -> None:
    """Add the command to its group."""
    add("install", _install, "fetch the design system of the pages from the npm registry; needs Node.js")


def _install(_: argparse.Namespace, __: Settings) -> int:
    from api.pages import design

    try:
        print(f"The pages use the design system in {design.install()}.")
    except design.NotInstalled as error:
        print(f"The pages use their plain stylesheet: {error}, with `caseledger design install`.")
        return 1
    return 0
