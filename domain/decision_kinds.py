"""What a decision does: grants support, refuses it, goes against a party, places a child, or needs no consent."""

from domain.entries import Entry
from domain.known import many

REFUSING = ("refuse", "reject", "close", "end", "stop")
"""How an outcome begins that grants no support."""

ENDING = ("close", "end", "stop")
"""How an outcome begins that ends support."""

PLACEMENTS = frozenset({"placement", "placement_prebirth"})
"""Kinds of decision that only the child and youth committee may make (barnets lov ch. 6)."""

NO_SUPPORT = frozenset({"refuse", "close", "access_refusal", "admit", "investigation"})
"""Kinds of decision that are about something else than granting support."""

WITHOUT_CONSENT = ("§ 37", "§ 38", "§ 39", "§ 40", "§ 41", "§ 47", "§ 49")
"""Sections of barnets lov under which support or placement is decided without consent."""


def sections_of(decision: Entry) -> str:
    """Return the rules of law a decision names, as one text."""
    return " ".join(str(basis) for basis in many(decision.data.get("legal_basis")))


def refuses(decision: Entry) -> bool:
    """Whether a decision refuses or ends something, by its outcome."""
    outcome = str(decision.data["outcome"])
    return outcome.startswith(REFUSING) and "change" not in outcome


def grants_support(decision: Entry) -> bool:
    """Whether a decision grants or changes support under barnets lov § 32; a doubtful one does."""
    sections = sections_of(decision)
    about_support = str(decision.data.get("kind") or "") not in NO_SUPPORT and ("§ 32" in sections or not sections)
    return about_support and not refuses(decision)


def ends_support(decision: Entry) -> bool:
    """Whether a decision ends or changes support."""
    return str(decision.data["outcome"]).startswith((*ENDING, "change"))


def is_placement(decision: Entry) -> bool:
    """Whether a decision places a child."""
    return decision.data.get("kind") in PLACEMENTS


def without_consent(decision: Entry) -> bool:
    """Whether a decision names a section under which no consent is needed."""
    sections = sections_of(decision)
    return any(section in sections for section in WITHOUT_CONSENT)


def against_a_party(decision: Entry) -> bool:
    """Whether a decision goes against a party: it refuses, ends, places, or does without consent."""
    if decision.data.get("fully_favourable"):
        return False
    return refuses(decision) or is_placement(decision) or without_consent(decision)
