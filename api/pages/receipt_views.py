"""The receipt of what was recorded: where it stands, how late it came, which deadlines it moved, who must be told."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.pages.approval_views import submission_address
from api.pages.codes import word, word_of_field
from api.pages.deadline_views import citation
from api.pages.language import _, language
from api.pages.times import show_day, show_instant, show_length, show_moment
from api.pages.values import Words, label_of
from api.pages.views import case_address, entry_address
from api.pages.write_acts import BY_PATH
from api.pages.write_fields import linked_words
from api.pages.write_views import who_of
from api.pages.write_words import MADE, STATUS_WORDS
from api.reading import CaseLook
from domain import withdrawals
from domain.deadlines import Deadline, status
from domain.decisions import decisions_resting_on
from domain.entries import Entry
from domain.events.approval import DecisionSubmitted
from domain.events.consent import ConsentWithdrawn
from domain.events.correction import EntryCorrected
from domain.known import Known, many
from domain.lateness import is_late, lag
from domain.rules import Rules
from domain.time import copenhagen_day
from domain.withdrawals import GoneOut


@dataclass(frozen=True, slots=True)
class RecordedLine:
    """One entry that was recorded; ``late`` says by how much it was recorded afterwards."""

    version: int
    position: int
    label: str
    happened: str
    reached: str | None
    recorded: str
    late: str | None
    without_gate: bool


@dataclass(frozen=True, slots=True)
class ClockLine:
    """A deadline that an entry started or met."""

    duty: str
    due: str
    citation: str
    state: str
    red: bool


@dataclass(frozen=True, slots=True)
class ServedLine:
    """A recipient who was served on a consent that is taken back; ``red`` where that came after it was."""

    recipient: str
    when: str
    made: str
    red: bool
    told: bool
    link: str


@dataclass(frozen=True, slots=True)
class DeciderLine:
    """Somebody who decided on what is corrected now."""

    who: str
    decision: str
    link: str


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """The receipt of one commit."""

    title: str
    lines: tuple[RecordedLine, ...]
    started: tuple[ClockLine, ...]
    met: tuple[ClockLine, ...]
    withdrawn: bool
    served: tuple[ServedLine, ...]
    untold: str | None
    tell: str
    deciders: tuple[DeciderLine, ...]
    corrected: bool
    hashes: tuple[str, ...]
    stopped: bool
    next_acts: tuple[tuple[str, str], ...]
    case: str
    size: int
    root: tuple[str, ...]


def receipt_page(
    look: CaseLook, version: int, clocks: Sequence[Deadline], rules: Rules, at: datetime
) -> ReceiptPage | None:
    """Return the receipt of the commit an entry is of; None for an entry the case does not have."""
    found = next((entry for entry in look.entries if entry.version == version), None)
    if found is None:
        return None
    entries = [entry for entry in look.entries if entry.commit == found.commit]
    versions = {entry.version for entry in entries}
    words, known = linked_words(look), Known(tuple(look.entries))
    served = list(_served(look, known, entries, at))
    untold = list(dict.fromkeys(line.recipient for line in served if not line.told))
    deciders = tuple(_deciders(look, words, known, entries))
    root = look.head.root.hex()
    return ReceiptPage(
        title=_("Kvittering"),
        lines=tuple(map(_line, entries)),
        started=tuple(_clock(one, rules, at) for one in _begun(clocks, versions, at)),
        met=tuple(_clock(one, rules, at) for one in clocks if one.satisfied_by in versions),
        withdrawn=any(entry.topic == ConsentWithdrawn.TOPIC for entry in entries),
        served=tuple(served),
        untold=", ".join(untold) or None,
        tell=f"{case_address(look.file.case)}/registrer/modtager-underrettet?about={version}",
        deciders=deciders,
        corrected=any(entry.topic == EntryCorrected.TOPIC for entry in entries),
        hashes=tuple(_hashes(known, entries)),
        stopped=any(entry.topic == "gate_stopped" for entry in entries),
        next_acts=tuple(_next(look, entries)),
        case=case_address(look.file.case),
        size=look.head.size,
        root=tuple(root[start : start + 8] for start in range(0, len(root), 8)),
    )


def _begun(clocks: Sequence[Deadline], versions: Collection[int], at: datetime) -> list[Deadline]:
    """Return the deadlines some entries began and that stand, the soonest due first."""
    begun = [one for one in clocks if one.trigger in versions and status(one, at) not in _ASIDE]
    return sorted(begun, key=lambda one: (one.due is None, one.due or at))


_ASIDE = frozenset({"not_applicable", "not_started", "superseded", "cancelled"})


def _line(entry: Entry) -> RecordedLine:
    late = late_words(lag(entry)) if is_late(entry) else None
    return RecordedLine(
        entry.version,
        entry.position,
        label_of(entry),
        show_moment(entry.occurred_at),
        show_moment(entry.reached_at) if entry.reached_at else None,
        show_instant(entry.recorded_at),
        late,
        entry.reported_without_gate,
    )


def late_words(length: timedelta) -> str:
    """Return by how much something was recorded afterwards, in whole days where there are any."""
    whole = timedelta(length.days) if length.days else length
    return _("efterregistreret (%(length)s)", length=show_length(whole))


def _clock(clock: Deadline, rules: Rules, at: datetime) -> ClockLine:
    rule = rules.as_adopted(clock.book, clock.book_version, clock.rule, clock.rule_version)
    duty = clock.rule if rule is None else rule.danish if language() == "da" else rule.english
    state = status(clock, at)
    return ClockLine(
        duty,
        due_text(clock) if clock.due is None else _("Senest %(due)s", due=due_text(clock)),
        citation(rule.citation) if rule else "",
        word(STATUS_WORDS, state),
        state in ("breached", "warning"),
    )


def due_text(clock: Deadline) -> str:
    """Return until when something is due: to the hour where the rule counts hours, else the day."""
    if clock.due is None:
        return _("Uden fast frist")
    return show_instant(clock.due) if clock.in_hours else show_day(copenhagen_day(clock.due))


def _served(look: CaseLook, known: Known, entries: Sequence[Entry], at: datetime) -> Iterable[ServedLine]:
    """Yield who had been served on the consents taken back, those served afterwards first."""
    taken = dict.fromkeys(str(entry.data["consent"]) for entry in entries if entry.topic == ConsentWithdrawn.TOPIC)
    for consent in taken:
        rows = withdrawals.gone_out(known, consent, at)
        for row in sorted(rows, key=lambda one: (one.made == withdrawals.BEFORE, one.disclosure.happened)):
            yield from _recipients(look, row)


def _recipients(look: CaseLook, row: GoneOut) -> Iterable[ServedLine]:
    told: Mapping[str, int | None] = dict(row.told)
    for recipient in map(str, many(row.disclosure.data["to"])):
        if recipient in told:
            yield ServedLine(
                word_of_field("to", recipient),
                show_moment(row.disclosure.occurred_at),
                word(MADE, row.made or ""),
                row.made != withdrawals.BEFORE,
                told[recipient] is not None,
                entry_address(look.file.case, row.disclosure.version),
            )


def _deciders(look: CaseLook, words: Words, known: Known, entries: Sequence[Entry]) -> Iterable[DeciderLine]:
    """Yield who decided on an entry that is corrected or annulled here."""
    for entry in entries:
        target = entry.data.get("corrects") or entry.data.get("annuls")
        if entry.topic in ("entry_corrected", "entry_annulled") and target is not None:
            for decision in decisions_resting_on(known, int(target)):
                link = entry_address(look.file.case, decision.version)
                yield DeciderLine(who_of(decision), words.reference(decision.version).text, link)


def _hashes(known: Known, entries: Sequence[Entry]) -> Iterable[str]:
    """Yield the checksums of the documents that went out."""
    for entry in entries:
        if entry.topic == "disclosure_made":
            for version in many(entry.data.get("documents_filed")):
                filed = known.fact(int(version))
                if filed is not None and "commitment" in filed.data:
                    yield str(filed.data["commitment"])


_FOLLOWING: Mapping[str, Sequence[str]] = {
    "notification_received": ("akutvurdering", "kvittering-sendt"),
    "hearing_sent": ("partshoeringssvar",),
    "decision_made": ("afgoerelse-meddelt",),
    "case_opened": ("akutvurdering", "kvittering-sendt"),
}


def _next(look: CaseLook, entries: Sequence[Entry]) -> Iterable[tuple[str, str]]:
    """Yield what usually comes next: address and name."""
    paths = dict.fromkeys(path for entry in entries for path in _FOLLOWING.get(entry.topic, ()))
    for path in paths:
        yield f"{case_address(look.file.case)}/registrer/{path}", _(BY_PATH[path].event.LABEL_DA)
    for entry in entries:
        if entry.topic == DecisionSubmitted.TOPIC:
            yield submission_address(look.file.case, entry.version), _("Se indstillingen")
