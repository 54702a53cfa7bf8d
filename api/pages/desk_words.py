"""Danish words on the supervisor's desk: what became of a finding, what a disclosure lacks, where a family stands."""

from collections.abc import Mapping

from api.dossier_words import LIVES

__all__ = ["BASES", "COVERS", "GAPS", "HEADINGS", "LIVES", "SAID", "STANDS"]

STANDS: Mapping[str, str] = {
    "overskredet": "overskredet",
    "vejledende": "over det vejledende",
    "i-dag": "udløber i dag",
    "tre-dage": "inden tre dage",
    "loeber": "løber",
    "omstridt": "omstridt",
    "overholdt": "overholdt",
    "udloebet": "udløbet for borgeren",
}
"""How clocks stand, as a supervisor asks for them."""

COVERS: Mapping[str, str] = {
    "covered": "dækket",
    "not_covered": "ikke dækket",
    "not_judged": "kan ikke bedømmes",
    "denied": "afvist: intet blev delt",
}
"""How a disclosure was covered."""

GAPS: Mapping[str, str] = {
    "denied": "videregivelsen blev afvist",
    "basis_not_stated": "intet grundlag er angivet",
    "no_consent_named": "intet samtykke er angivet",
    "not_given": "samtykket var ikke givet",
    "refused": "samtykket var afslået",
    "withdrawn": "samtykket var trukket tilbage",
    "expired": "samtykket var udløbet",
    "not_yet_valid": "samtykket gjaldt ikke endnu",
    "recipient": "samtykket gælder ikke denne modtager",
    "category": "samtykket dækker ikke alle oplysninger",
    "no_consent_of_person": "en af de omtalte har ikke samtykket",
    "recipient_or_purpose": "samtykket gælder en anden modtager eller et andet formål",
}
"""Why a disclosure was not covered."""

BASES: Mapping[str, str] = {"consent": "samtykke", "law": "lov", "emergency": "nødsituation", "none": "intet"}

HEADINGS: Mapping[str, str] = {
    "on_the_way_in": "På vej ind",
    "ongoing": "I gang",
    "on_the_way_out": "På vej ud",
}
"""Where a family stands in the steering group's overview."""

SAID: Mapping[str, str] = {"yes": "Ja", "no": "Nej", "not_stated": "Ikke oplyst"}
"""How a question of the yearly review is answered."""
