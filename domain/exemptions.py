"""Why something is left out of what is handed out: a closed list of codes, each with its provision.

The provisions are our reading and marked ``[M]``: a lawyer of the municipality confirms them before they are relied on.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exemption:
    """One ground: its code as printed, what it means, its provision.

    ``mentioned`` is false where not even the place of what is left out may be told: it is counted, and no more.
    """

    code: str
    label_da: str
    label_en: str
    provision: str
    mentioned: bool = True


CHOSEN: Mapping[str, Exemption] = {
    one.code: one
    for one in (
        Exemption("TREDJE", "andres private forhold", "private affairs of others", "forvaltningsloven § 15 b [M]"),
        Exemption("BARNET", "afgørende hensyn til barnet", "the child's interests", "databeskyttelsesloven § 22 [M]"),
        Exemption("SELV", "hensyn til modtageren selv", "the recipient's interests", "forvaltningsloven § 15 b [M]"),
        Exemption("KILDE", "hvem der har underrettet", "who has notified", "forvaltningsloven § 15 b [M]"),
        Exemption("ADRESSE", "beskyttet navn eller adresse", "protected name or address", "CPR-loven § 28 [M]"),
        Exemption("INTERN", "internt arbejdsdokument", "internal working document", "forvaltningsloven § 12 [M]"),
        Exemption("PRIVAT", "enkeltpersoners private forhold", "private affairs", "offentlighedsloven § 30 [M]"),
        Exemption("POLITI", "efterforskning", "investigation", "forvaltningsloven § 15 b, nr. 1 [M]", mentioned=False),
        Exemption("HEMMELIG", "må ikke omtales", "secret", "databeskyttelsesloven § 22 [M]", mentioned=False),
    )
}
"""What somebody may choose for a place in the case. Source: forvaltningsloven §§ 12-15 b; offentlighedsloven § 30;
databeskyttelsesloven § 22."""

OUTSIDE, MOVED, ERASED, UNREADABLE = "UDENFOR", "FLYTTET", "SLETTET", "UDEN NØGLE"

OF_THE_RECORD: Mapping[str, Exemption] = {
    one.code: one
    for one in (
        Exemption(OUTSIDE, "uden for det, der er givet adgang til", "outside what access was given to", "-"),
        Exemption(MOVED, "flyttet eller rettet: vises kun for revision", "moved or corrected", "-"),
        Exemption(ERASED, "slettet ved afgørelse", "erased by decision", "databeskyttelsesforordningen art. 17 [M]"),
        Exemption(UNREADABLE, "kan ikke læses: nøglen mangler", "cannot be read: the key is missing", "-"),
    )
}
"""What the record itself leaves out, whatever anybody chooses."""

EXEMPTIONS: Mapping[str, Exemption] = {**CHOSEN, **OF_THE_RECORD}
