"""Following a view to the end, for tests that want it up to date at once."""

from projections.follower import Follower


class Stopped(Exception):
    """The view follows no further."""


def catch_up(follower: Follower) -> None:
    """Follow until nothing is left; raises Stopped when the view is stopped by an event it cannot read."""
    while (followed := follower.step()) != 0:
        if followed is None:
            raise Stopped
