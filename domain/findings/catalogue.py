"""All kinds of findings, and what they find in a case."""

from collections.abc import Mapping
from types import MappingProxyType

from domain.findings import clocks, consents, decisions, people, programmes, recording
from domain.findings.base import Check, Finding
from domain.inquiry import Inquiry
from domain.levels import Level

UNHANDLED = Check(
    "FINDING_NOT_HANDLED",
    "internal",
    "internal standard",
    "internal",
    "Fundet {finding} er ikke vurderet eller afhjulpet i tide.",
    "The finding {finding} was not assessed or remedied in time.",
    lambda _: (),
)
"""Found among the other findings, by ``domain.findings.handling``."""

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        check.code: check
        for checks in (
            decisions.CHECKS,
            consents.CHECKS,
            recording.CHECKS,
            people.CHECKS,
            clocks.CHECKS,
            programmes.CHECKS,
            (UNHANDLED,),
        )
        for check in checks
    }
)
"""Every kind of finding by its code."""

INTRODUCTION = """\
# Findings

What the ledger points out by itself, written from the checks. Each is computed from what is on record at the instant
asked about; none is stored, so a correction takes it back. *Level* says how binding the rule behind it is. *Source*
carries a mark: V read in a published copy, M at least partly from memory, seed from the programme's own text. Section
numbers await the confirmation of a lawyer.
"""


def findings(inquiry: Inquiry) -> tuple[Finding, ...]:
    """Return everything the checks find in a case, in the order of the entries they are about, then by code."""
    found = [finding for check in CHECKS.values() for finding in check.find(inquiry)]
    return tuple(sorted(found, key=lambda finding: (finding.entry, finding.code, finding.key)))


def level_of(finding: Finding) -> Level:
    """Return how binding the rule behind a finding is."""
    return finding.level or CHECKS[finding.code].level


def catalogue_markdown() -> str:
    """Return ``docs/findings.md``."""
    rows = [
        f"| `{c.code}` | {c.level} | {c.citation} | {c.verification} | {c.english} | {c.danish} |"
        for c in CHECKS.values()
    ]
    head = "| code | level | source | mark | English | Danish |\n|---|---|---|---|---|---|\n"
    return f"{INTRODUCTION}\n{head}" + "\n".join(rows) + "\n"
