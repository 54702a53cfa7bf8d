"""Why somebody looks at or adds to a case: the closed list of purposes, and how a request names one.

Each purpose is mapped to the basis in law on which personal data are processed for it. The mapping is our reading and
marked ``[M]``: a lawyer of the municipality confirms it before it is relied on.
"""

import re
from dataclasses import dataclass

from domain.authority import KIND_OF_ROLE, Kind

REFERENCE_LIMIT = 80
"""Longest reference in characters."""

_CIVIL_NUMBER = re.compile(r"(?<![0-9])[0-9]{6}-?[0-9]{4}(?![0-9])")
_CODE = re.compile(r"[a-z]+([_-][a-z]+)*")
_WRITTEN = re.compile(r'(?P<code>[^;"]*?)[ \t]*(;[ \t]*ref="(?P<ref>[^"]*)"[ \t]*)?')
_REFERENCE = re.compile(rf"[\x21-\x7e]{{1,{REFERENCE_LIMIT}}}")


@dataclass(frozen=True, slots=True)
class Purpose:
    """One purpose: its code, what people are shown, the basis, and the kinds of role that have it by default."""

    code: str
    label_da: str
    label_en: str
    basis: tuple[str, ...]
    default_for: tuple[Kind, ...] = ()


_AUTHORITY = ("GDPR art. 6(1)(e) [M]", "GDPR art. 9(2)(f) [M]")
_OVERSIGHT = ("GDPR art. 6(1)(e) [M]", "GDPR art. 9(2)(g) [M]")

PURPOSES: dict[str, Purpose] = {
    purpose.code: purpose
    for purpose in (
        Purpose("case-work", "sagsbehandling", "case work", _AUTHORITY, (Kind.CASEWORKER,)),
        Purpose("supervision", "ledelsestilsyn", "supervision by management", _OVERSIGHT, (Kind.SUPERVISOR,)),
        Purpose("audit", "revision", "audit", ("GDPR art. 6(1)(c) [M]", "GDPR art. 9(2)(g) [M]"), (Kind.AUDITOR,)),
        Purpose(
            "access-request",
            "aktindsigt og indsigt",
            "access to documents and to one's own data",
            ("GDPR art. 6(1)(c) [M]", "GDPR art. 15 [M]", "forvaltningsloven § 9 [M]"),
            (Kind.DATA_PROTECTION,),
        ),
        Purpose("complaint", "klagebehandling", "complaint", ("GDPR art. 6(1)(c) [M]", "GDPR art. 9(2)(f) [M]")),
        Purpose(
            "statistics",
            "statistik",
            "statistics",
            ("GDPR art. 6(1)(e) [M]", "GDPR art. 9(2)(j) [M]", "databeskyttelsesloven § 10 [M]"),
            (Kind.ANALYST,),
        ),
        Purpose("quality", "kvalitetskontrol", "quality control", _OVERSIGHT),
        Purpose("emergency", "akut", "emergency", ("GDPR art. 6(1)(d) [M]", "GDPR art. 9(2)(c) [M]")),
        Purpose(
            "operations", "drift", "operations", ("GDPR art. 6(1)(e) [M]", "GDPR art. 32 [M]"), (Kind.ADMINISTRATOR,)
        ),
    )
}
"""Every purpose by its code."""

DEFAULTS: dict[Kind, str] = {kind: purpose.code for purpose in PURPOSES.values() for kind in purpose.default_for}
"""The purpose of each kind of role, unless the person says otherwise."""


def default_purpose(role: str) -> str:
    """Return the code of the purpose a role has unless the person says otherwise; raises ValueError for other roles."""
    kind = KIND_OF_ROLE.get(role)
    if kind is None:
        raise ValueError(f"has no purpose of its own; roles that do are {', '.join(KIND_OF_ROLE)}")
    return DEFAULTS[kind]


def read_purpose(header: str) -> tuple[str, str | None]:
    """Return code and reference of a purpose written ``case-work; ref="S-2025-0412"``; ``case_work`` is the same code.

    The reference is a case or journal number of 1 to 80 visible ASCII characters, never a civil registration number.
    Raises ValueError, whose text says what to write and repeats nothing of what was sent.
    """
    written = _WRITTEN.fullmatch(header.strip(" \t"))
    if written is None:
        raise ValueError('must be written case-work or case-work; ref="S-2025-0412"')
    code, reference = written["code"], written["ref"]
    if not _CODE.fullmatch(code) or code.replace("_", "-") not in PURPOSES:
        raise ValueError(f"must name a purpose in lower case: one of {', '.join(PURPOSES)}")
    if reference is not None:
        _check_reference(reference)
    return code.replace("_", "-"), reference


def holds_civil_number(text: str) -> bool:
    """Whether a text holds ten digits, or six and four with a hyphen: what a civil registration number looks like."""
    return _CIVIL_NUMBER.search(text) is not None


def _check_reference(reference: str) -> None:
    if not _REFERENCE.fullmatch(reference):
        raise ValueError(f"ref must be 1 to {REFERENCE_LIMIT} visible characters without blanks or quotes")
    if holds_civil_number(reference):
        raise ValueError("ref looks like a civil registration number: give a case or journal number instead")
