"""How binding a rule is: a late wish never stands beside a broken duty in the same red."""

from typing import Literal, get_args

Level = Literal["statute", "must", "normal", "soft", "instrument", "internal"]
"""Statute; programme text that says must, as a rule, or a wish; instrument guidance; the house's own standard."""

LEVELS: tuple[Level, ...] = get_args(Level)
"""From the most to the least binding."""
