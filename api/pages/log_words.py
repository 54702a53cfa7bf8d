"""Danish words of the log search: its keys, families of events, ready-made searches."""

KEYS = {
    "handling": "hvad der blev registreret, for eksempel deling, samtykke eller berigtigelse",
    "program": "sagens program, for eksempel smaaboernsteam_001",
    "rolle": "rollen hos den, der registrerede",
    "medarbejder": "den, der registrerede",
    "ansvarlig": "den, der har ansvaret for sagen",
    "enhed": "sagens enhed",
    "modtager": "hvem noget gik til eller kom fra",
    "kategori": "hvilke oplysninger det drejede sig om",
    "sag": "sagens nummer",
    "sen": "ja eller nej: registreret mindst 48 timer efter, at det nåede kommunen",
    "dækning": "ja eller nej: om en deling havde samtykke eller anden hjemmel",
    "fra": "registreret tidligst denne dag, for eksempel 2025-01-01",
    "til": "registreret senest denne dag",
    "hændt_fra": "hændt tidligst denne dag",
    "hændt_til": "hændt senest denne dag",
}
"""What can be asked for, by the key it is written with."""

FAMILIES = {
    "adgang": "Adgang til sagen",
    "afgørelse": "Afgørelser",
    "aktindsigt": "Aktindsigt",
    "anmærkning": "Anmærkninger",
    "annullering": "Annulleringer",
    "barnet": "Barnets forhold",
    "berigtigelse": "Berigtigelser",
    "brud": "Brud på persondatasikkerheden",
    "besøg": "Besøg",
    "deling": "Delinger",
    "dokument": "Dokumenter",
    "flytning": "Flytning mellem kommuner",
    "forløb": "Forløb og program",
    "høring": "Partshøring",
    "klage": "Klage og anke",
    "møde": "Møder",
    "notat": "Notater",
    "nødadgang": "Nødadgang",
    "opfølgning": "Plan og opfølgning",
    "person": "Personer på sagen",
    "samtykke": "Samtykker",
    "sletning": "Sletning og opbevaring",
    "underretning": "Underretninger og henvisninger",
    "undersøgelse": "Undersøgelser",
    "varsel": "Varsler",
}
"""Kinds of events that belong together, by the word they are asked for with."""

PRESETS = {
    "handling:deling dækning:nej": "Delinger uden dækning",
    "sen:ja": "Efterregistreringer",
    "handling:berigtigelse,annullering": "Berigtigelser og annulleringer",
    "handling:afgørelse": "Afgørelser",
    "handling:nødadgang": "Nødadgange",
}
"""Searches that reviewers ask for first."""

FACETS = {"topic": "Handling", "role": "Rolle", "recipient": "Modtager", "late": "Efterregistreret", "unit": "Enhed"}
"""What hits are counted by."""
