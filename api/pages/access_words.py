"""Danish words about access: why somebody is kept out, what a look showed, why a case is restricted."""

from api.pages.language import _
from domain.authority import Act

CLOSED = {
    "not_assigned": "Du er ikke tildelt sagen, og den hører ikke til din enhed.",
    "restricted": "Sagen er begrænset: kun de medarbejdere, der er udpeget, har adgang til den.",
    "conflict_of_interest": "Der er registreret, at du er inhabil i sagen. Det gælder også i en nødsituation.",
    "role": "Din rolle giver ikke adgang til det, du bad om.",
    "role_ended": "Din rolle er ophørt her i systemet.",
    "unknown_role": "Din rolle kendes ikke her i systemet.",
}
"""Why somebody is kept out, by the code of the reason."""

ADVICE = {
    "not_assigned": "Skal du bruge sagen i dit arbejde, så bed din leder om at blive tildelt den.",
    "restricted": "Skal du bruge sagen i dit arbejde, så tal med din leder.",
    "conflict_of_interest": "Er det en fejl, så tal med din leder.",
    "role": "Har du flere roller, så log ind med den, du skal bruge her.",
    "role_ended": "Er det en fejl, så tal med din leder.",
    "unknown_role": "Sig det til den driftsansvarlige.",
}
"""What somebody who is kept out can do, by the code of the reason."""

REFUSALS = {
    "not_assigned": "ikke tildelt",
    "restricted": "sagen er begrænset",
    "conflict_of_interest": "inhabil",
    "role": "rollen giver ikke adgang",
    "role_ended": "rollen er ophørt",
    "unknown_role": "ukendt rolle",
}
"""Why a look was refused, in a few words."""

RELATIONS = {
    "assignment": "tildelt sagen",
    "organisation": "enhedens sag",
    "role": "rollen",
    "grant": "særlig adgang",
    "restriction": "udpeget",
    "break_glass": "nødadgang",
}
"""Through what a case was open to somebody, by its code."""

WHAT = {
    "access_events": "hvem der har set sagen",
    "approval_page": "en afgørelse, der er sendt til godkendelse",
    "approval_queue": "afgørelser, der venter på godkendelse",
    "barometer": "årsgennemgangens spørgsmål til sagen",
    "barometer_board": "årsgennemgangen på tværs af sager",
    "break_glass": "nødadgange til sagen",
    "break_glass_queue": "nødadgange til gennemgang",
    "case": "sagen",
    "case_list": "listen over sager",
    "case_page": "sagens side",
    "case_state_board": "overblik over sager",
    "caseload_board": "styregruppens overblik",
    "comparison": "en sammenligning af to tidspunkter",
    "comparison_board": "en sammenligning på tværs af sager",
    "consents": "samtykker",
    "caseload": "en medarbejders sager",
    "consents_board": "samtykker på tværs af sager",
    "deadlines": "frister",
    "deadlines_board": "frister på tværs af sager",
    "decision_gate": "kontrol før en afgørelse",
    "decisions": "sagens afgørelser",
    "desk": "tal for ledelsen",
    "disclosure_gate": "kontrol før en videregivelse",
    "disclosures": "videregivelser",
    "document": "et dokument",
    "documents": "dokumentlisten",
    "dossier": "en afgørelses grundlag",
    "event": "en hændelse",
    "events": "sagens hændelser",
    "export": "et udtræk",
    "bundle_form": "siden, hvor bevispakker hentes",
    "evidence_bundle": "en bevispakke af sagen",
    "feed_board": "nye hændelser på tværs af sager",
    "file_document": "journalisering af et dokument",
    "findings": "anmærkninger",
    "findings_board": "anmærkninger på tværs af sager",
    "grant": "tildeling af adgang",
    "grants": "en medarbejders adgange",
    "my_day": "min dag",
    "identify": "registrering af navn og nummer",
    "identity": "navn og personnummer",
    "log": "protokollens kontrolpunkter",
    "log_export": "et udtræk af protokollen",
    "log_search": "en søgning i protokollen",
    "look_sample": "en stikprøve af opslag",
    "look_sample_paper": "en stikprøve af opslag som PDF",
    "look_extract": "udskrift af opslag",
    "notices": "beskeder om nødadgang",
    "open_case": "oprettelse af en sag",
    "people": "sagens personer",
    "production": "det, der udleveres af sagen",
    "proof": "bevis for en hændelse",
    "receipt_page": "en kvittering",
    "restrictions": "begrænsede sager",
    "search_by_identifier": "søgning på personnummer",
    "search_by_name": "søgning på navn",
    "statutory_extract": "indberetning til Danmarks Statistik",
    "timemap": "hvornår sagen er ændret",
    "write_page": "en formular til registrering",
    Act.CASE_OPEN: "oprettelse af en sag",
    Act.CASE_READ: "sagen",
    Act.CASE_WRITE: "registrering i sagen",
    Act.DECIDE: "en afgørelse",
    Act.BOARD_READ: "listen over sager",
    Act.SEARCH: "søgning",
    Act.ORIGINALS_READ: "det, der er undtaget",
    Act.LOOKS_READ: "hvem der har set sagen",
    Act.EXTRACT_MAKE: "udskrift af opslag",
    Act.LOOK_JUDGE: "vurdering af opslag",
    Act.EVIDENCE_MAKE: "bevispakke",
    Act.STAFF_GRANT: "tildeling af adgang",
    Act.ERASURE_READ: "sletninger",
    Act.ERASURE_PROPOSE: "forslag om sletning",
    Act.ERASURE_DECIDE: "beslutning om sletning",
    Act.LOG_READ: "protokollens bevisdata",
    Act.EXPORT_MAKE: "udtræk til analyse",
    Act.REACH_WRITE: "ændring af, hvem der har adgang",
    Act.BREAK_GLASS_OPEN: "åbning i en nødsituation",
    Act.BREAK_GLASS_REVIEW: "gennemgang af en nødadgang",
}
"""What a look showed, or would have shown, by its code."""

RESTRICTIONS = {
    "adoption": "adoption",
    "high_profile": "stor offentlig interesse",
    "high_risk": "høj risiko",
    "staff_conflict": "vedrører en medarbejder",
}
"""Why a case is restricted, by the code of the category."""


def word_of_look(what: str) -> str:
    """Return what a look showed; an unknown code is shown as it is."""
    kind, colon, number = what.partition(":")
    known = WHAT.get(kind)
    if known is None:
        return what
    return _("%(what)s (nr. %(number)s)", what=_(known), number=number) if colon else _(known)
