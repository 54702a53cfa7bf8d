"""Small cells stay hidden from someone who computes back from everything that is shown."""

from collections.abc import Iterator, Mapping
from itertools import product
from random import Random

import pytest

from domain.suppression import SMALLEST, WIDTH, Cell, suppressed, with_totals

Shown = Mapping[Cell, int | None]
Counts = dict[tuple[str, str], int]
BEYOND = 7
"""How far the attack tries values of a cell that no shown total bounds."""


def table(random: Random, rows: int, columns: int, most: int) -> Counts:
    """Return a table of small counts."""
    return {(f"r{row}", f"c{column}"): random.randint(0, most) for row in range(rows) for column in range(columns)}


def possible(shown: Shown, true: Mapping[Cell, int]) -> dict[Cell, set[int]]:
    """Return for each hidden cell every value it may have: the attacker tries all tables that fit what is shown.

    ``true`` only bounds the search, generously; what fits is judged by what is shown alone.
    """
    rows = sorted({row for row, _ in shown if row is not None})
    columns = sorted({column for _, column in shown if column is not None})
    found: dict[Cell, set[int]] = {cell: set() for cell, count in shown.items() if count is None}
    for lines in product(*(list(_fitting(shown, row, columns, true)) for row in rows)):
        totals: dict[Cell, int] = {(None, column): sum(line[at] for line in lines) for at, column in enumerate(columns)}
        totals |= {(row, None): sum(line) for row, line in zip(rows, lines, strict=True)}
        totals[None, None] = sum(map(sum, lines))
        if any(shown[cell] not in (None, count) for cell, count in totals.items()):
            continue
        inner = {
            (row, column): line[at] for row, line in zip(rows, lines, strict=True) for at, column in enumerate(columns)
        }
        for cell, count in (totals | inner).items():
            if cell in found:
                found[cell].add(count)
    return found


def _fitting(shown: Shown, row: str, columns: list[str], true: Mapping[Cell, int]) -> Iterator[tuple[int, ...]]:
    """Yield the lines of a row that fit what is shown of it."""
    total = shown[row, None]
    ranges = [
        [count] if (count := shown[row, column]) is not None else range(true[row, column] + BEYOND)
        for column in columns
    ]
    return (line for line in product(*ranges) if total is None or sum(line) == total)


@pytest.mark.parametrize("seed", range(30))
def test_no_hidden_cell_can_be_computed_back(seed: int) -> None:
    """Whatever tables of counts fit what is shown, every hidden cell may have six values or more."""
    random = Random(seed)
    counts = table(random, 2, 3 if seed < 2 else 2, 2 if seed < 2 else random.choice((4, 9)))
    shown = suppressed(counts, counts)
    assert all(shown[cell] is None for cell, count in with_totals(counts).items() if count < SMALLEST)
    for cell, values in possible(shown, with_totals(counts)).items():
        assert len(values) > WIDTH, (cell, counts, shown)


def test_the_attack_succeeds_where_only_small_cells_are_hidden() -> None:
    """So that the test above is one: with nothing more hidden, the totals give the small cell away."""
    counts: Counts = {("a", "x"): 3, ("a", "y"): 20, ("b", "x"): 30, ("b", "y"): 40}
    true = with_totals(counts)
    shown = {cell: None if count < SMALLEST else count for cell, count in true.items()}
    assert possible(shown, true) == {("a", "x"): {3}}


def test_no_more_is_hidden_than_is_needed() -> None:
    """One small cell among large ones costs three more: the corners of a rectangle."""
    counts: Counts = {(f"r{row}", f"c{column}"): 20 + row + column for row in range(4) for column in range(4)}
    counts["r1", "c1"] = 3
    shown = suppressed(counts, counts)
    assert sorted(cell for cell, count in shown.items() if count is None and None not in cell) == [
        ("r0", "c0"), ("r0", "c1"), ("r1", "c0"), ("r1", "c1"),
    ]  # fmt: skip


def test_what_is_shown_is_true() -> None:
    """A table without small cells is shown whole."""
    counts: Counts = {("a", "x"): 7, ("a", "y"): 8, ("b", "x"): 9, ("b", "y"): 10}
    assert suppressed(counts, counts) == with_totals(counts)


def test_many_events_of_few_families_are_hidden() -> None:
    """A count of fifty that one family stands behind is a small cell."""
    counts: Counts = {("a", "x"): 50, ("a", "y"): 60, ("b", "x"): 70, ("b", "y"): 80}
    assert suppressed(counts, {**counts, ("a", "x"): 1})["a", "x"] is None


def test_a_missing_cell_is_a_small_one() -> None:
    """That there is none is not told either."""
    assert suppressed({("a", "x"): 7, ("b", "y"): 8}, {("a", "x"): 7, ("b", "y"): 8})["a", "y"] is None
