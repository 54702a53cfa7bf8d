"""Danish words about consents and disclosures: how they stand, what is missing, when something went out."""

from api.pages.codes import DATA_CATEGORIES, word, word_of_field
from api.pages.language import _
from api.pages.values import Words
from domain.consents import entries_of
from domain.disclosures import Gap
from domain.known import Known
from domain.withdrawals import AFTER, BEFORE, BETWEEN

GIVEN, REFUSED, NOT_ASKED, WITHDRAWN, EXPIRED, NOT_YET, NOT_NEEDED = (
    "given", "refused", "not_asked", "withdrawn", "expired", "not_yet", "not_needed",
)  # fmt: skip
MARKS = {
    GIVEN: "Givet",
    REFUSED: "Nægtet",
    NOT_ASKED: "Ikke spurgt",
    WITHDRAWN: "Trukket tilbage",
    EXPIRED: "Udløbet",
    NOT_YET: "Gælder ikke endnu",
    NOT_NEEDED: "Ikke nødvendigt (lov)",
}
"""The seven marks of a consent, by their code."""

GAPS = {
    "denied": "delingen blev standset",
    "basis_not_stated": "intet grundlag er angivet",
    "no_consent_named": "intet samtykke er angivet",
    "not_given": "samtykket var ikke givet",
    "refused": "samtykket var nægtet",
    "withdrawn": "samtykket var trukket tilbage",
    "expired": "samtykket var udløbet",
    "not_yet_valid": "samtykket gjaldt ikke endnu",
    "recipient": "samtykket omfatter ikke modtageren",
    "category": "samtykket omfatter ikke oplysningerne",
    "no_consent_of_person": "intet gældende samtykke vedrører personen",
    "recipient_or_purpose": "samtykket omfatter ikke modtageren eller formålet",
    "protected": "oplysningerne er beskyttet over for modtageren",
    "RECIPIENT_NOT_CONFIRMED": "modtageren er ikke bekræftet",
}
"""What a disclosure lacks, by the reason of the gap."""

STATUSES_THEN = {
    "in_force": "gjaldt",
    "refused": "var nægtet",
    "not_given": "var ikke givet",
    "withdrawn": "var trukket tilbage",
    "expired": "var udløbet",
    "not_yet_valid": "gjaldt ikke endnu",
}
"""How a consent stood when something went out."""

MADE = {
    BEFORE: "Gik ud, før samtykket blev trukket tilbage",
    BETWEEN: "Gik ud efter tilbagekaldelsen, men før den var registreret",
    AFTER: "Gik ud, efter at tilbagekaldelsen var registreret",
}
"""When something went out, seen from the withdrawal."""

BASES = {"consent": "samtykke", "law": "lov", "emergency": "nødsituation", "none": "intet"}
RULES = {
    "disclosure_made": "forvaltningsloven § 28",
    "disclosure_denied": "forvaltningsloven § 28",
    "information_obtained": "retssikkerhedsloven §§ 11 a og 11 c",
}
"""The provision a disclosure is judged by, by its topic."""


ALL, UNCOVERED, CHANGED, TO_TELL = "alle", "uden", "aendret", "underrettes"
FILTERS = {
    ALL: "Alle",
    UNCOVERED: "Uden gyldigt grundlag",
    CHANGED: "Bedømt anderledes siden",
    TO_TELL: "Modtager ikke underrettet",
}
"""Which disclosures to show, by what stands in the address."""

VERDICTS = {
    "denied": "Standset: intet er sendt",
    "consent": "Dækket af samtykke",
    "law": "Samtykke ikke nødvendigt: hviler på lov",
    "emergency": "Nødsituation: loven er ikke angivet",
    "afterwards": "Først dækket bagefter",
    "other_basis": "Samtykket dækker ikke, men en lov er angivet",
    "no_consent": "Uden gyldigt samtykke",
    "no_basis": "Grundlag ikke angivet",
}
"""What a disclosure comes to by all facts."""

THEN, NOW, ONLY_CHANGED = "dengang", "i-dag", "aendret"
KNOWLEDGE = {
    THEN: "Som registreret dengang",
    NOW: "Som vi ved i dag",
    ONLY_CHANGED: "Vis kun ændret viden",
}
"""By whose knowledge the matrices stand, by what stands in the address; there is a choice about a past alone."""


def consent_name(words: Words, known: Known, consent: str) -> str:
    """Return what a consent is called: whose it is, and its code."""
    said = entries_of(known, consent)
    who = next((one.data.get("given_by") or one.data.get("refused_by") for one in said), None)
    if who is None:
        return _("samtykke %(code)s", code=consent)
    return _("samtykke %(code)s fra %(who)s", code=consent, who=words.person(str(who)) or who)


def gap_text(words: Words, known: Known, gap: Gap) -> str:
    """Return what is missing in words, with the consent, person or category it concerns."""
    about = [
        consent_name(words, known, gap.consent) if gap.consent else None,
        (words.person(gap.person) or gap.person) if gap.person else None,
        word(DATA_CATEGORIES, gap.category) if gap.category else None,
    ]
    named = ", ".join(filter(None, about))
    return f"{word(GAPS, gap.reason)}: {named}" if named else word(GAPS, gap.reason)


def code_text(code: str) -> str:
    """Return a gap that is on record as a code in words; what it concerns stays as recorded."""
    reason, _colon, rest = code.partition(":")
    return f"{word(GAPS, reason)}: {rest}" if rest else word(GAPS, reason)


def recipient(code: str) -> str:
    """Return the words for a recipient, or whatever else a consent is given to."""
    return word_of_field("scope", code)
