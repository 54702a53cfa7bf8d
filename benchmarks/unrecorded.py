"""The peer of the reads over HTTP: the same service with no look recorded. Only ever a measure. A program."""

import sys

from api.cli import main
from api.looks import LookBook, Shown
from api.principals import Principal


async def _left_out(self: LookBook, principal: Principal, shown: Shown) -> int:
    del self, principal, shown
    return 0


LookBook.record = _left_out
main(["serve", "--port", sys.argv[1]])
