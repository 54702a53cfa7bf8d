"""What findings say to people: their explanations with words for the codes in them, and days as they are written."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from api.pages.codes import BY_FIELD, INSTRUMENTS, KINDS, PACKAGES, REASONS, ROLES
from api.pages.consent_words import GAPS, STATUSES_THEN
from api.pages.language import DANISH, ENGLISH, _, language
from api.pages.texts import FIELDS, OCCURRED_AT, field_label
from api.pages.times import show_days_in
from domain.findings.base import Finding
from domain.findings.catalogue import CHECKS
from domain.rule_book import read_rule_book
from ledger.shipped import RULE_BOOKS, shipped_text

NOTHING = "-"
"""What a detail says of something that is not known."""

PRECONDITIONS = {
    "illness_insight": "sygdomsindsigt",
    "willing_to_stop": "vilje til at stoppe misbruget",
    "willing_to_build_network": "vilje til at bygge et nyt netværk op",
}
"""What the programme for infants presupposes, by the code of the precondition."""

_TABLES = (PRECONDITIONS, ROLES, PACKAGES, KINDS, REASONS, INSTRUMENTS, GAPS, STATUSES_THEN, *BY_FIELD.values())
_AS_THEY_ARE = frozenset({"book", "check", "consent", "decision", "finding", "period", "person"})
"""Details that name a person, a finding or a thing of the case, whose codes are names."""
_DUTY = "rule"


def explained(finding: Finding) -> str:
    """Return what a finding says in the language of the page; one of no known check by its code."""
    check = CHECKS.get(finding.code)
    if check is None:
        return finding.code
    detail = {name: _shown(name, value) for name, value in finding.detail.items()}
    return show_days_in(check.explain(replace(finding, detail=detail), language()))


def explained_values(values: Mapping[str, Any]) -> str:
    """Return what a finding says that is given as the JSON values of an answer."""
    return explained(Finding(values["code"], values["entry"], (), values["detail"]))


def _shown(name: str, value: Any) -> Any:
    if not isinstance(value, str) or name in _AS_THEY_ARE:
        return value
    return _duty(value) if name == _DUTY else _words(value)


def _duty(rule: str) -> str:
    """Return a rule's code with its duty in plain words; of a rule that is not shipped the code alone."""
    duty = _duties().get(rule)
    return rule if duty is None else f"{rule} »{duty[language()]}«"


@cache
def _duties() -> Mapping[str, Mapping[str, str]]:
    """Return the duties of the shipped rule books in both languages, by the code of their rule; the latest holds."""
    rules = [rule for book in RULE_BOOKS for rule in read_rule_book(shipped_text(book)).rule]
    return {rule.id: {DANISH: rule.danish, ENGLISH: rule.english} for rule in rules}


def _words(codes: str) -> str:
    """Return the words for one or several codes; what is no code stays as it is."""
    return ", ".join(map(_word, codes.split(", ")))


def _word(code: str) -> str:
    if code == NOTHING:
        return _("ikke oplyst")
    if code in FIELDS or code == OCCURRED_AT:
        return _within_a_sentence(field_label("", code))
    return next((_(table[code]) for table in _TABLES if code in table), code)


def _within_a_sentence(label: str) -> str:
    return label[:1].lower() + label[1:] if label[1:2].islower() else label
