"""Danish words of the forms: what a field asks for, hints, what is missing, and what stands against an act."""

from collections.abc import Mapping

QUESTIONS: Mapping[str, str] = {
    "underretning.notifier_kind": "Hvem henvender sig?",
    "underretning.notifier_role": "I hvilken rolle?",
    "underretning.concern": "Hvad handler bekymringen om?",
    "underretning.about": "Hvem handler henvendelsen om?",
    "underretning.subject": "Hvilket barn?",
    "underretning.identity_known": "Kender vi underretterens identitet?",
    "akutvurdering.notification": "Hvilken underretning?",
    "akutvurdering.danger": "Er barnet i fare?",
    "akutvurdering.participants": "Hvem vurderede?",
    "akutvurdering.grounds": "Begrundelse",
    "genvurdering.notification": "Hvilken underretning?",
    "genvurdering.participants": "Hvem vurderede?",
    "genvurdering.new_person": "Hvem deltog, som ikke har været i sagen før?",
    "genvurdering.outcome": "Hvad blev resultatet?",
    "screening.about": "Hvem gælder det?",
    "screening.outcome": "Hvad kræver henvendelsen?",
    "undersoegelse.subject": "Hvem undersøges?",
    "undersoegelse.aware_since": "Hvornår blev kommunen opmærksom på behovet?",
    "foreloebig-vurdering.investigation": "Hvilken undersøgelse?",
    "foreloebig-vurdering.reason": "Foreløbig vurdering, og hvorfor undersøgelsen ikke er færdig",
    "undersoegelse-afsluttet.investigation": "Hvilken undersøgelse?",
    "plan.children": "Hvilket barn?",
    "kvittering-sendt.notification": "Hvilken underretning?",
    "kvittering-sendt.channel": "Hvordan blev kvitteringen sendt?",
    "notat.informant": "Hvem gav oplysningen?",
    "notat.content": "Hvad blev oplyst?",
    "besoeg.kind": "Hvilken slags besøg?",
    "besoeg.about": "Hvem gjaldt besøget?",
    "besoeg.observations": "Hvad så og hørte du?",
    "samtykke.kind": "Hvad er samtykket til?",
    "samtykke.capacity": "I hvilken egenskab?",
    "samtykke.purpose": "Hvad skal oplysningerne bruges til?",
    "samtykke.form": "Hvordan blev det givet?",
    "samtykke.data_categories": "Hvilke oplysninger?",
    "samtykke-naegtet.kind": "Hvad er der spurgt om?",
    "samtykke-naegtet.capacity": "I hvilken egenskab?",
    "samtykke-naegtet.purpose": "Hvad skulle oplysningerne bruges til?",
    "videregivelse.purpose": "Hvad skal oplysningerne bruges til?",
    "videregivelse.data_categories": "Hvilke oplysninger?",
    "samtykke.given_by": "Hvem giver samtykket?",
    "samtykke.scope": "Til hvem må der gives oplysninger, eller hvad siges der ja til?",
    "samtykke.refused_scope": "Hvem siges der nej til på samme tid?",
    "samtykke.on_behalf_of": "På vegne af",
    "samtykke-naegtet.refused_by": "Hvem siger nej?",
    "samtykke-naegtet.scope": "Hvem eller hvad siges der nej til?",
    "samtykke-tilbagekaldt.consent": "Hvilket samtykke?",
    "samtykke-tilbagekaldt.partial_scope": "Kun for disse modtagere",
    "videregivelse.to": "Hvem skal have oplysningerne?",
    "videregivelse.about": "Hvis oplysninger?",
    "videregivelse.documents": "Hvad gives videre?",
    "videregivelse.recipient_confirmed": "Har du bekræftet modtagerens navn og arbejdssted?",
    "videregivelse.basis": "Hvad hviler videregivelsen på?",
    "modtager-underrettet.about": "Hvad underrettes der om?",
    "modtager-underrettet.recipients": "Hvem er underrettet?",
    "partshoering.decision_ref": "Hvilken afgørelse forberedes?",
    "partshoering.party": "Hvem høres?",
    "partshoering.documents": "Hvad er sendt i høring?",
    "partshoeringssvar.decision_ref": "Hvilken afgørelse er der svaret om?",
    "partshoeringssvar.party": "Hvem svarede?",
    "partshoeringssvar.summary": "Hvad blev der svaret?",
    "afgoerelse.decision": "Hvilken afgørelse?",
    "afgoerelse.about": "Hvem gælder afgørelsen?",
    "afgoerelse.facts": "Hvad bygger afgørelsen på?",
    "afgoerelse.hearing": "Partshøring og svar",
    "afgoerelse.child_view": "Hvor fremgår barnets perspektiv?",
    "afgoerelse.purpose": "Formålet med støtten",
    "afgoerelse.competence_ref": "Kompetence (delegation)",
    "afgoerelse.complaint_guidance": "Gives der klagevejledning?",
    "afgoerelse.plan_needed": "Skal der være en plan for barnet?",
    "afgoerelse-meddelt.decision": "Hvilken afgørelse?",
    "afgoerelse-meddelt.to": "Hvem er den meddelt?",
    "opfoelgning.participants": "Hvem deltog?",
    "opfoelgning.summary": "Hvad kom opfølgningen frem til?",
    "overdragelse.to": "Hvem skal overtage?",
    "overdragelse.handover_note": "Hvad skal den, der overtager, vide?",
    "overtagelse.allocation": "Hvilken overdragelse?",
    "overtagelse.summary_read": "Har du læst notatet?",
    "overdragelse-afvist.annuls": "Hvilken overdragelse?",
    "overdragelse-afvist.reason": "Hvorfor kan du ikke overtage sagen?",
}
"""What a form asks where the name of the field does not say it, by act and field."""

ACT_LABELS: Mapping[str, str] = {
    "overdragelse": "Overdrag sagen",
    "overtagelse": "Overtag sagen",
    "overdragelse-afvist": "Afvis overdragelse",
}
"""What an act is called where its event's name does not say what one does, by the end of its address."""

HINTS: Mapping[str, str] = {
    "scope": "Sæt kryds ved hver modtager.",
    "refused_scope": "Et delvist samtykke: et nej registreres for sig selv og tæller aldrig som »ikke spurgt«.",
    "partial_scope": "Lad alle stå tomme, når hele samtykket trækkes tilbage.",
    "participants": "Ét navn eller id pr. linje, for eksempel u-12.",
    "staff": "Ét id pr. linje, for eksempel u-41.",
    "goals": "Ét mål pr. linje.",
    "new_person": "Medarbejderens id, for eksempel u-12.",
    "aware_since": "Fristen på fire måneder løber fra den dag.",
    "documents": "Ét dokument eller én oplysning pr. linje.",
    "alternatives": "Ét alternativ pr. linje.",
    "valid_from": "Tomt betyder den dag, samtykket blev givet.",
    "valid_to": "Tomt betyder indtil videre.",
    "deadline": "Sidste dag, parten kan svare.",
    "to_staff": "Medarbejderens id, for eksempel u-22. Én pr. linje.",
    "effective_from": "Tomt betyder straks.",
    "consents": "Lad alle stå tomme, så finder kontrollen selv dem, der dækker.",
    "period": "Ugens nummer som 2025-W16, eller pakkens nummer.",
    "facts": "Sæt kryds ved de hændelser, der lægges vægt på. De nyeste står øverst.",
    "measure": "Kort betegnelse, for eksempel familiebehandling. Skriv ikke navne.",
    "competence_ref": "Nummeret på den delegation, du træffer afgørelsen efter.",
    "recipient_confirmed": "Tal med modtageren, eller slå stedet op. Uden bekræftelse går intet ud.",
    "impossible": "Udfyld kun, hvis modtageren ikke kunne underrettes.",
    "interpreter": "Tolkens nummer eller firma. Skriv ikke navne.",
    "reason_correction": "Begrundelsen står ved siden af den tidligere og den nye værdi, også i udskrifter.",
}
"""What helps to fill a field in, by its name."""

MOMENT_LABELS: Mapping[str, str] = {
    "happened": "Hvornår skete det?",
    "received": "Hvornår kom det til kommunen?",
    "reached": "Hvornår kom det til kommunens kendskab?",
}
"""What is asked about times."""

GAPS: Mapping[str, str] = {
    "RECIPIENT_NOT_CONFIRMED": "Modtagerens navn og arbejdssted er ikke bekræftet.",
    "basis_not_stated": "Det er ikke oplyst, hvilken lov videregivelsen hviler på.",
    "category": "Samtykket omfatter ikke de oplysninger.",
    "denied": "Videregivelsen er afvist.",
    "expired": "Samtykket er udløbet.",
    "no_consent_named": "Der er intet samtykke i kraft, som dækker.",
    "no_consent_of_person": "Der er intet samtykke i kraft fra den, oplysningerne handler om.",
    "not_given": "Samtykket er ikke givet.",
    "not_yet_valid": "Samtykket gælder ikke endnu.",
    "protected": "Personen er beskyttet over for modtageren. Det kan ingen begrundelse ændre.",
    "recipient": "Samtykket omfatter ikke modtageren.",
    "recipient_or_purpose": "Intet samtykke omfatter både modtageren og formålet.",
    "refused": "Samtykket er nægtet.",
    "withdrawn": "Samtykket er tilbagekaldt.",
}
"""What a disclosure lacks, by the code of the gap."""

DENIALS: Mapping[str, str] = {
    "names no earlier entry": "Vælg en hændelse, der står i sagen.",
    "must name an entry of kind": "Hændelsen er af en anden slags end den, der spørges om.",
    "lies outside its own scale": "Tallet ligger uden for skalaen. Ret tallet eller skalaen.",
    "puts the score outside": "Tallet kommer til at ligge uden for skalaen.",
    "must be a week of the calendar": "Skriv ugen som 2025-W16.",
    "must be a decimal number": "Skriv et tal, for eksempel 37,5.",
    "must have at most 12 digits": "Tallet har for mange cifre: højst 12 før kommaet og 6 efter.",
    "must name at least one recipient": "Vælg mindst én modtager.",
    "valid_to must not be before": "Sidste dag ligger før første dag.",
    "ended must not be before": "Sluttidspunktet ligger før begyndelsen.",
    "is not the value on record": "Værdien er ændret imens. Læs sagen igen.",
    "is no value that": "Værdien kan ikke stå i feltet.",
    "names an annulled entry": "Hændelsen er annulleret, så der er ingen værdi at rette.",
    "names an entry about access": "Hændelsen handler om adgang eller sletning og rettes på sin egen side.",
    "stays as recorded": "Det felt kan ikke rettes: annullér hændelsen, og registrér den igen.",
    "must not hold the character": "Teksten indeholder et tegn, der ikke kan gemmes.",
    "new or old must hold": "Skriv en ny værdi.",
    "is born already": "Barnet er allerede registreret som født.",
}
"""What the domain refuses, by how its English sentence begins or what it holds."""

GROUP_TITLES: Mapping[str, str] = {
    "Henvendelse": "Henvendelse",
    "Kontakt": "Kontakt med familien",
    "Samtykke": "Samtykke og videregivelse",
    "Undersøgelse": "Undersøgelse",
    "Afgørelse": "Afgørelse",
    "Opfølgning": "Opfølgning",
    "Ansvar": "Ansvar for sagen",
}
"""Headings of the chooser."""

STATUS_WORDS: Mapping[str, str] = {
    "breached": "Overskredet",
    "exceeded_with_preliminary": "Overskredet, foreløbig vurdering foreligger",
    "extended": "Forlænget",
    "over_guideline": "Over vejledende tid",
    "warning": "Udløber snart",
    "open": "Løber",
    "met": "Overholdt",
    "met_disputed": "Overholdt efter én læsning",
    "cancelled": "Bortfaldet",
    "lapsed": "Udløbet",
    "superseded": "Afløst",
    "not_applicable": "Gælder ikke",
    "not_started": "Ikke begyndt",
}
"""How a deadline stands."""

MADE: Mapping[str, str] = {
    "before": "før tilbagekaldelsen",
    "between": "efter tilbagekaldelsen, før den var registreret",
    "after": "efter at tilbagekaldelsen var registreret",
}
"""When something had gone out, seen from a withdrawal."""

CONSENT_STATUS: Mapping[str, str] = {
    "in_force": "i kraft",
    "withdrawn": "tilbagekaldt",
    "refused": "nægtet",
    "expired": "udløbet",
    "not_yet_valid": "gælder ikke endnu",
    "not_given": "ikke givet",
}
"""How a consent stands."""

CHOICES: Mapping[str, str] = {
    "begge": "begge registreringer gælder",
    "behold": "den beholdes, og den nye udgave blev ikke registreret",
    "erstat": "den nye registrering erstatter den",
}
"""What goes on record about the choice between two accounts of the same."""

TELLING: Mapping[str, str] = {
    "choice": "Registreret samtidig med nr. %(version)s af %(who)s den %(day)s kl. %(clock)s. Valg: %(choice)s.",
    "sent_before": (
        "Formularen er sendt før med et andet indhold, og det blev registreret. Se forløbet, før du sender igen."
    ),
    "kept": "Du var logget ud, da du sendte formularen. Intet er registreret endnu. Her står det, du skrev.",
}
"""Sentences that forms tell."""

DONE: Mapping[str, str] = {
    "overdraget": "Overdragelsen er registreret. Sagen er ikke længere åben for dig.",
    "afvist": "Du har afvist overdragelsen. Sagen er ikke længere åben for dig, og den, der har den, får besked.",
}
"""What somebody has just done in a case that is closed to them now, by what the address of their day says of it."""
