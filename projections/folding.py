"""How the rows of a view move with each event: one fold, shared by the follower, the rebuild and the check."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from uuid import UUID

from domain.adoptions import adopted
from domain.entries import Entry
from domain.events import UnknownEvent
from domain.rules import Rules
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.shipped import shipped_calendar
from projections.access import Expiry
from projections.view import AnyView, EntryView, Parts, State, View, is_forgotten

Value = dict[str, object]


class ViewStopped(Exception):
    """A view met an event it cannot read; ``position`` names it."""

    def __init__(self, view: str, position: int, cause: str) -> None:
        super().__init__(view, position, cause)
        self.view, self.position, self.cause = view, position, cause

    def __str__(self) -> str:
        return f"view {self.view} stopped at position {self.position}: {self.cause}"


@dataclass(frozen=True, slots=True)
class Turn:
    """From ``position`` on, these rules hold."""

    position: int
    rules: Rules


def stopped(view: AnyView, row: StoredRow | Turn, error: Exception) -> ViewStopped:
    """Return why a view stops at a row: what kind of error it is, and what to do; nothing of the row's content."""
    if isinstance(error, UnknownEvent) and isinstance(row, StoredRow):
        return ViewStopped(
            view.name,
            row.position,
            f"this program does not know this version of {row.topic}: install the program that wrote it, then run "
            f"`caseledger replay rebuild {view.name}`",
        )
    return ViewStopped(view.name, row.position, type(error).__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """From ``position`` on, ``value`` is what is known of a part of a key; None: nothing any more.

    Without a ``part`` the key was erased: all that was ever remembered of it goes. ``replaces`` says that something
    else was known of the part until then.
    """

    key: UUID
    part: str | None
    position: int
    value: Value | None
    replaces: bool = False


class RulesSoFar:
    """The rules adopted by the entries met so far; those of a ledger without any are empty."""

    def __init__(self, adoptions: Iterable[Entry] = ()) -> None:
        self._adoptions = list(adoptions)
        self.rules = adopted(self._adoptions, shipped_calendar())

    def adopt(self, entry: Entry) -> None:
        """Take in one more adoption."""
        self._adoptions.append(entry)
        self.rules = adopted(self._adoptions, shipped_calendar())


def turns_of(view: AnyView, rows: Iterable[StoredRow]) -> tuple[Turn, ...]:
    """Return the rules that rows adopt, one turn each after the first, that holds from the start.

    Raises ViewStopped where a row cannot be read. Of a view that needs no rules only the first is returned.
    """
    so_far = RulesSoFar()
    found = [Turn(0, so_far.rules)]
    for row in rows if view.by_rules else ():
        try:
            so_far.adopt(read_clear(row))
        except Exception as error:
            raise stopped(view, row, error) from error
        found.append(Turn(row.position, so_far.rules))
    return tuple(found)


def differences(key: UUID, position: int, before: Parts, after: Parts) -> Iterator[Change]:
    """Yield how the rows of a key differ from those before."""
    for part in sorted(after if before.keys() == after.keys() else before.keys() | after.keys()):
        value, old = after.get(part), before.get(part)
        if value != old:
            yield Change(key, part, position, value, old is not None)


def key_changes(view: View, key: UUID, rows: Iterable[StoredRow], turns: Sequence[Turn]) -> list[Change]:
    """Return every change of one key from all of its rows, in order; none of one erased whole, as if it never was.

    ``turns`` are those of ``turns_of``, up to where the rows go. Raises ViewStopped where a row cannot be read.
    """
    found: list[Change] = []
    rules = turns[0].rules
    state: State = ()
    known: Parts = {}
    for step in merge(rows, turns[1:], key=attrgetter("position")) if len(turns) > 1 else rows:
        try:
            if isinstance(step, Turn):
                rules = step.rules
                moved = view.turns(state)
            else:
                before, state = state, view.step(state, read_clear(step))
                moved = state is not before
            if not moved:
                continue
            anew = view.rows(state, rules, None)
        except Exception as error:
            raise stopped(view, step, error) from error
        found.extend(differences(key, step.position, known, anew))
        known = anew
    return [] if is_forgotten(state) else found


def entry_changes(view: EntryView, row: StoredRow) -> list[Change]:
    """Return the rows that come from one entry; raises ViewStopped where it cannot be read."""
    if row.topic not in view.topics:
        return []
    try:
        return [Change(key, part, row.position, value) for key, part, value in view.each(read_clear(row))]
    except Exception as error:
        raise stopped(view, row, error) from error


def expiry_of(view: AnyView, row: StoredRow) -> Expiry | None:
    """Return which rows of a view one row of the ledger lets go; raises ViewStopped where it cannot be read."""
    if not isinstance(view, EntryView) or row.topic not in view.topics:
        return None
    try:
        return view.expires(read_clear(row))
    except Exception as error:
        raise stopped(view, row, error) from error


class Folder:
    """Folds rows of the ledger, in its order, into changes of a view, remembering the state of each key it has met.

    ``load`` fills in keys it has not: the earlier entries of a key, in order, and the rows known of it. ``load_rules``
    does the same for the rules adopted earlier.
    """

    def __init__(self, view: AnyView) -> None:
        self._view = view
        self._states: dict[UUID, State] = {}
        self._rows: dict[UUID, Parts] = {}
        self._entries = 0
        self._rules: RulesSoFar | None = None

    @property
    def needs_rules(self) -> bool:
        """Whether the rules adopted so far have to be loaded first."""
        return self._view.by_rules and self._rules is None

    @property
    def entries(self) -> int:
        """How many entries are held in memory."""
        return self._entries

    def missing(self, rows: Sequence[StoredRow]) -> list[UUID]:
        """Return the keys among the next rows whose state has to be loaded: those begun before, and not in memory.

        A view of single entries keeps none.
        """
        if isinstance(self._view, EntryView):
            return []
        reads, begun = self._view.reads, {row.stream for row in rows if row.version == 1}
        return list({row.stream for row in rows if row.topic in reads} - begun - self._states.keys())

    def load(self, key: UUID, entries: Iterable[Entry], parts: Parts) -> None:
        """Take over the state of one key."""
        if isinstance(self._view, View):
            self._keep(key, self._view.state(entries), parts)

    def load_rules(self, adoptions: Iterable[Entry]) -> None:
        """Take over the rules adopted so far, in order."""
        self._rules = RulesSoFar(adoptions)

    def add(self, row: StoredRow) -> list[Change]:
        """Fold one row; returns what changes. Raises ViewStopped when the fold cannot read it."""
        view = self._view
        if isinstance(view, EntryView):
            return entry_changes(view, row)
        if row.topic not in view.reads:
            return []
        try:
            return self._fold(view, row)
        except Exception as error:
            raise stopped(view, row, error) from error

    def adopt(self, row: StoredRow) -> None:
        """Take in the rules that a row adopts; ``turned`` then says what follows for each key."""
        if self._rules is None:
            self._rules = RulesSoFar()
        try:
            self._rules.adopt(read_clear(row))
        except Exception as error:
            raise stopped(self._view, row, error) from error

    def turned(self, key: UUID, row: StoredRow) -> list[Change]:
        """Return what changes of a key in memory by the rules that a row has adopted."""
        view, state = self._view, self._states[key]
        if not isinstance(view, View) or not view.turns(state):
            return []
        try:
            anew = view.rows(state, self._rules_now(), None)
        except Exception as error:
            raise stopped(view, row, error) from error
        known, self._rows[key] = self._rows.get(key, {}), anew
        return list(differences(key, row.position, known, anew))

    def all_turned(self, row: StoredRow) -> Iterator[Change]:
        """Take in the rules that a row adopts and yield what changes of each key: for whoever has all in memory."""
        self.adopt(row)
        for key in self._states:
            yield from self.turned(key, row)

    def forget(self) -> None:
        """Let go of all states and rules; they are loaded again when needed."""
        self.forget_states()
        self._rules = None

    def forget_states(self) -> None:
        """Let go of all states, so that memory stays bounded."""
        self._states.clear()
        self._rows.clear()
        self._entries = 0

    def _fold(self, view: View, row: StoredRow) -> list[Change]:
        before, known = self._states.get(row.stream, ()), self._rows.get(row.stream, {})
        state = view.step(before, read_clear(row))
        if state is before:
            return []
        anew = view.rows(state, self._rules_now(), None)
        self._keep(row.stream, state, anew)
        if is_forgotten(state):
            return [Change(row.stream, None, row.position, None)]
        return list(differences(row.stream, row.position, known, anew))

    def _keep(self, key: UUID, state: State, parts: Parts) -> None:
        self._entries += len(state) - len(self._states.get(key, ()))
        self._states[key] = state
        self._rows[key] = parts

    def _rules_now(self) -> Rules:
        if self._rules is None:
            self._rules = RulesSoFar()
        return self._rules.rules
