"""Hiding small cells of a table of counts, so that none can be computed back from the totals.

A cell under five is hidden, none at all among them: that nobody waited says something about everybody. Then further
cells are hidden until, of each hidden one, all that is shown leaves at least six values possible. The table is seen as
a flow from rows to columns, with the totals as the flow into rows and out of columns: how far a hidden cell can move
while every shown one stays is then a largest flow, exact in whole numbers.
"""

from collections import deque
from collections.abc import Mapping
from itertools import pairwise

SMALLEST = 5
"""The smallest count that is shown."""

WIDTH = 5
"""How many further values must be possible for a hidden cell, whatever else is shown."""

ROWS, COLUMNS = "rows", "columns"
_Node = tuple[str, str]
_Edge = tuple[_Node, _Node]
_SOURCE: _Node = ("", ROWS)
_SINK: _Node = ("", COLUMNS)
Cell = tuple[str | None, str | None]
"""Row and column; None stands for all of them, so that a total is a cell too."""


def with_totals(counts: Mapping[tuple[str, str], int]) -> dict[Cell, int]:
    """Return every cell of the table, none left out, with the totals of rows, of columns and of all."""
    rows, columns = sorted({row for row, _ in counts}), sorted({column for _, column in counts})
    cells: dict[Cell, int] = {(row, column): counts.get((row, column), 0) for row in rows for column in columns}
    cells |= {(row, None): sum(cells[row, column] for column in columns) for row in rows}
    cells |= {(None, column): sum(cells[row, column] for row in rows) for column in columns}
    return cells | {(None, None): sum(counts.values())}


def suppressed(counts: Mapping[tuple[str, str], int], units: Mapping[tuple[str, str], int]) -> dict[Cell, int | None]:
    """Return the table with its totals as it may be shown; None stands for a hidden cell.

    ``units`` counts the families behind each cell: one is hidden where these are few, too.
    """
    cells = with_totals(counts)
    hidden = {cell for cell, count in cells.items() if count < SMALLEST or _few(cell, units)}
    while (exposed := _exposed(cells, hidden)) is not None:
        hidden.add(_next(cells, hidden, exposed))
    return {cell: None if cell in hidden else count for cell, count in cells.items()}


def _few(cell: Cell, units: Mapping[tuple[str, str], int]) -> bool:
    """Whether few families may stand behind a cell: behind a total at least as many as behind one cell of it."""
    row, column = cell
    behind = [units.get(one, 0) for one in units if row in (None, one[0]) and column in (None, one[1])]
    return max(behind, default=0) < SMALLEST


def _exposed(cells: Mapping[Cell, int], hidden: set[Cell]) -> Cell | None:
    """Return the first hidden cell that what is shown leaves too few values for."""
    flows = {_edge(cell): cells[cell] for cell in hidden}
    return next((cell for cell in sorted(hidden, key=_order) if _room(flows, _edge(cell)) < WIDTH), None)


def _next(cells: Mapping[Cell, int], hidden: set[Cell], exposed: Cell) -> Cell:
    """Return the cell to hide next: the smallest in line with an exposed one, inner ones before totals."""
    shown = [cell for cell in cells if cell not in hidden]
    in_line = [cell for cell in shown if cell[0] == exposed[0] or cell[1] == exposed[1]]
    return min(in_line or shown, key=lambda cell: (None in cell, cells[cell], _order(cell)))


def _order(cell: Cell) -> tuple[bool, str, bool, str]:
    row, column = cell
    return row is None, row or "", column is None, column or ""


def _edge(cell: Cell) -> _Edge:
    """Return a cell as an edge: rows flow to columns, totals into rows and out of columns, the whole flows around."""
    row, column = cell
    into = _SOURCE if row is None else (ROWS, row)
    out = _SINK if column is None else (COLUMNS, column)
    if row is None and column is None:
        return out, into
    return (out, _SINK) if row is None else (_SOURCE, into) if column is None else (into, out)


def _room(flows: Mapping[_Edge, int], edge: _Edge) -> int:
    """Return by how much a hidden cell could be larger and smaller than it is, WIDTH at most."""
    others = {one: flow for one, flow in flows.items() if one != edge}
    begin, end = edge
    larger = _largest_flow(others, end, begin, WIDTH)
    smaller = _largest_flow(others, begin, end, min(WIDTH, flows[edge]))
    return min(WIDTH, larger + smaller)


def _largest_flow(flows: Mapping[_Edge, int], begin: _Node, end: _Node, enough: int) -> int:
    """Return how much can be sent along hidden cells: any amount the way they flow, what flows there against it."""
    against = {(head, tail): flow for (tail, head), flow in flows.items()}
    sent = 0
    while sent < enough and (path := _path(flows, against, begin, end)) is not None:
        steps = list(pairwise(path))
        amount = min((against[step] for step in steps if step not in flows), default=enough)
        amount = min(amount, enough - sent)
        for step in steps:
            if step in flows:
                against[step[1], step[0]] = against.get((step[1], step[0]), 0) + amount
            else:
                against[step] -= amount
        sent += amount
    return sent


def _path(flows: Mapping[_Edge, int], against: Mapping[_Edge, int], begin: _Node, end: _Node) -> list[_Node] | None:
    """Return the shortest way from one node to another along which something can be sent."""
    onward: dict[_Node, list[_Node]] = {}
    for tail, head in flows:
        onward.setdefault(tail, []).append(head)
    for (tail, head), flow in against.items():
        if flow > 0:
            onward.setdefault(tail, []).append(head)
    before: dict[_Node, _Node | None] = {begin: None}
    waiting = deque([begin])
    while waiting and end not in before:
        node = waiting.popleft()
        for further in onward.get(node, ()):
            if further not in before:
                before[further] = node
                waiting.append(further)
    if end not in before:
        return None
    path, node = [end], before[end]
    while node is not None:
        path, node = [node, *path], before[node]
    return path
