"""Danish words of papers that are handed out of a case."""

TITLE = "Udlevering af sag"
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
