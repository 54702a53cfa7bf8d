"""Danish words of a dossier on paper: its parts, how things stood, what proves it and what does not."""

from collections.abc import Mapping

from api.pages.codes import OUTCOMES

TITLE = "Afgørelsesdossier"
SIMULATED = "Simuleret ur: alle personer og hændelser er opdigtede"

LAMPS: Mapping[str, str] = {
    "legal_basis": "Hjemmel",
    "competence": "Kompetence",
    "information": "Oplysning af sagen",
    "hearing": "Partshøring",
    "child_view": "Barnets perspektiv",
    "consent_or_basis": "Samtykke eller andet grundlag",
    "reasons": "Begrundelse",
    "complaint_guidance": "Klagevejledning",
}
ANSWERS: Mapping[str, str] = {
    "yes": "ja",
    "no": "nej",
    "not_stated": "ikke oplyst",
    "entered_later": "kom til efter høringen",
}
STATUSES: Mapping[str, str] = {
    "made": "truffet",
    "notified": "meddelt",
    "appealed": "påklaget",
    "replaced": "afløst",
} | OUTCOMES
CONSENTS: Mapping[str, str] = {
    "not_given": "ikke givet",
    "in_force": "i kraft",
    "refused": "afslået",
    "withdrawn": "trukket tilbage",
    "expired": "udløbet",
    "not_yet_valid": "endnu ikke i kraft",
}
DEADLINES: Mapping[str, str] = {
    "not_started": "ikke begyndt",
    "open": "løber",
    "warning": "løber, udløber snart",
    "extended": "forlænget",
    "met": "overholdt",
    "met_disputed": "overholdt efter én læsning",
    "breached": "overskredet",
    "exceeded_with_preliminary": "overskredet, foreløbigt opfyldt",
    "lapsed": "udløbet for borgeren",
    "over_guideline": "over den vejledende frist",
    "cancelled": "bortfaldet",
    "superseded": "afløst af en anden",
    "not_applicable": "gælder ikke",
}
LEVELS: Mapping[str, str] = {
    "statute": "lov",
    "must": "skal",
    "normal": "som regel",
    "soft": "vejledende",
    "instrument": "redskabets vejledning",
    "internal": "intern standard",
}
LIVES: Mapping[str, str] = {
    "new": "ikke vurderet",
    "confirmed": "bekræftet",
    "unfounded": "ubegrundet",
    "accepted_reading": "anden læsning godtaget",
    "remedied": "afhjulpet",
}
GROUPS: Mapping[str, str] = {
    "running": "Løbende frister",
    "broken": "Overskredne frister",
    "met": "Overholdte frister",
    "without_effect": "Frister uden virkning",
}
CHECKS: Mapping[str, str] = {
    "present": "til stede og uændret",
    "missing": "mangler",
    "changed": "ændret",
    "not_checked": "ikke kontrolleret endnu",
}
WITHHELD: Mapping[str, str] = {
    "role": "læserens rolle giver ikke adgang til det",
    "withheld_entry": "flyttet væk: indholdet vises kun for revision",
    "original_withheld": "det oprindelige vises kun for revision",
    "erased": "slettet",
    "key_missing": "kan ikke læses: nøglen mangler",
}
KINDS_OF_CHANGE: Mapping[str, str] = {"correction": "berigtigelse", "annulment": "annullering"}

LIMITS = (
    "Dossieret viser, hvad der var registreret, ikke alt, hvad kommunen vidste: manglende notater taler imod kommunen.",
    "Det beviser, at posterne ikke er ændret siden, ikke at det, de siger, er sandt.",
    "Det, der er slettet eller undtaget, er bedømt på det tidspunkt, hvor dossieret blev dannet.",
)
"""What a dossier does and does not tell; stands on its last page."""

HOW_TO_CHECK = (
    "Vedhæftet er dossieret som data (dossier.json) og en bevispakke (bevispakke.zip) med sagens poster. De kan læses "
    "i pakken, så langt et svar på en anmodning om aktindsigt rækker; ellers er de med som fingeraftryk. Hvordan "
    "pakken kontrolleres, står i dens README.txt: det kræver Python og protokollens offentlige nøgle fra et andet sted "
    "end pakken, men hverken net eller adgang til kommunens systemer."
)
NO_CHECKPOINT = "Protokollen er endnu ikke underskrevet med sagens seneste post; der er derfor intet bevis med."
NOTHING = "Ingen."
