"""Danish words of papers that are handed out of a case."""

from collections.abc import Mapping

from api.pages.codes import KINDS

TITLE = "Udlevering af sag"
KINDS_OF_REQUEST: Mapping[str, str] = {
    "court": "fremlæggelse for retten",
    "own": "egen indsigt",
    "public_access": "aktindsigt efter offentlighedsloven",
    **{code: KINDS[code] for code in ("gdpr_art15", "party_access")},
}
"""What was asked for, by the kind of the request."""

COURT = "retten"
LIMITS = (
    "Papiret viser, hvad der er registreret, ikke alt, hvad kommunen ved. Originalerne er uændrede.",
    "Hvad der er undtaget, er bedømt, da papiret blev dannet, efter den afgørelse, der står på forsiden.",
    "En post, der ikke er nævnt, er ikke med i udvalget, eller den er kun talt med.",
)
HOW_TO_CHECK = (
    "Vedhæftet er papiret som data (evidence.json). For hver post, der er nævnt her, er der et fingeraftryk (bladet i "
    "protokollens træ) og vejen til roden af det underskrevne kontrolpunkt; for det, der er undtaget, er der kun "
    "fingeraftrykket. Underskriften kontrolleres med protokollens offentlige nøgle. Den, der vil kontrollere teksterne "
    "mod fingeraftrykkene, kan få en bevispakke efter samme afgørelse."
)
