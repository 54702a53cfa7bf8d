"""Adopting rules: putting the text of a rule book, or the choice of a reading, on the ledger's own record.

A real ledger takes a rule book only with the name of the lawyer who approved it; a simulated one, which holds
fictional cases only, takes any.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from api.principals import Principal
from domain.adoptions import HOLIDAYS, check_readings, fingerprint
from domain.calendar import is_holiday_table, read_holidays
from domain.entries import Draft
from domain.events.administration import RuleBookAdopted, RuleSettingsChosen
from domain.events.base import Envelope, Event
from domain.rule_book import read_rule_book
from ledger.errors import LedgerError
from ledger.requests import Appended, Part, Request
from ledger.shipped import shipped_texts
from ledger.store import Ledger
from projections.boards import adopted_upto


class AdoptionRefused(LedgerError):
    """The rules were not adopted; nothing is written."""


def adopt(
    ledger: Ledger,
    principal: Principal,
    text: str,
    *,
    approved_by: str | None = None,
    settings: Mapping[str, str] | None = None,
    instant: datetime | None = None,
) -> RuleBookAdopted:
    """Adopt a rule book or holiday table and return what went on record.

    Raises RuleBookError, UnknownSetting, ValueError for a malformed holiday table, or AdoptionRefused.
    """
    _require_approval(ledger, approved_by)
    name, version = _named(text)
    if settings:
        check_readings([read_rule_book(text)], settings)
    event = RuleBookAdopted(
        rule_book=name,
        version=version,
        text=text,
        sha256=fingerprint(text),
        approved_by=approved_by,
        settings=dict(settings) if settings else None,
    )
    _append(ledger, principal, [event], instant)
    return event


def adopt_shipped(ledger: Ledger, principal: Principal, instant: datetime | None = None) -> None:
    """Adopt the holiday table and every rule book that comes with the program; simulated ledgers only."""
    _require_approval(ledger, None)
    events: list[Event] = []
    for text in shipped_texts().values():
        name, version = _named(text)
        events.append(RuleBookAdopted(rule_book=name, version=version, text=text, sha256=fingerprint(text)))
    _append(ledger, principal, events, instant)


def choose_readings(
    ledger: Ledger,
    principal: Principal,
    settings: Mapping[str, str],
    *,
    approved_by: str | None = None,
    instant: datetime | None = None,
) -> None:
    """Choose readings of the books in force, from now on; raises UnknownSetting or AdoptionRefused."""
    _require_approval(ledger, approved_by)
    check_readings([adoption.book for adoption in adopted_upto(ledger).adoptions], settings)
    _append(ledger, principal, [RuleSettingsChosen(settings=dict(settings), approved_by=approved_by)], instant)


def _named(text: str) -> tuple[str, str]:
    """Return name and version of what a text is: a holiday table, or else a rule book."""
    if is_holiday_table(text):
        return HOLIDAYS, read_holidays(text).version
    heading = read_rule_book(text).book
    return heading.id, heading.version


def _require_approval(ledger: Ledger, approved_by: str | None) -> None:
    if approved_by is None and not ledger.simulated:
        raise AdoptionRefused(
            "A real ledger adopts rules only with the name of the lawyer who approved them: add --approved-by."
        )


def _append(ledger: Ledger, principal: Principal, events: Sequence[Event], instant: datetime | None) -> None:
    """Let the ledger's own stream go on with some events; raises AdoptionRefused when another was faster."""
    version = len(ledger.read_stream(ledger.id))
    commit, now = uuid4(), instant or datetime.now(UTC)
    envelope = Envelope(occurred_at=now, actor=principal.actor, commit=commit)
    drafts = [Draft(ledger.id, version + n, event, envelope) for n, event in enumerate(events, start=1)]
    part = Part(ledger.id, version, tuple(map(ledger.mapper.to_new_event, drafts)))
    if not isinstance(ledger.append_now(Request((part,)), instant), Appended):
        raise AdoptionRefused("The ledger has moved on meanwhile: look at its rules and try again.")
