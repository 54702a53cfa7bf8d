"""Danish words of the pages for reviewers: lamps of a decision, what lies behind a difference, names of views."""

LAMP_LAWS = {
    "legal_basis": "forvaltningsloven § 24",
    "competence": "ulovbestemt: kompetence og delegation",
    "information": "retssikkerhedsloven § 10",
    "hearing": "forvaltningsloven § 19",
    "child_view": "barnets lov § 5, stk. 3",
    "consent_or_basis": "barnets lov § 32",
    "reasons": "forvaltningsloven §§ 22-24",
    "complaint_guidance": "forvaltningsloven § 25",
}
"""Which law asks for what a lamp shows."""

CITATIONS = {
    "internal standard": "intern standard",
    "offentlighedsloven § 13 (no number)": "offentlighedsloven § 13 (frist ikke nævnt)",
    "the rule named": "den nævnte regel",
}
"""Where rules of findings stand, as far as their catalogue says it in English."""

CAUSES = {
    "new_event": "ny hændelse",
    "late_entry": "efterregistrering",
    "correction": "berigtigelse",
    "annulment": "annullering",
    "rule_change": "regelændring",
    "erasure": "sletning",
    "time_passed": "tiden er gået",
}
"""What may lie behind a difference, by its code."""

MOVES = {
    "due_earlier": "udløber tidligere",
    "due_later": "udløber senere",
    "broken_now": "er overskredet nu og var det ikke",
    "broken_no_more": "var overskredet og er det ikke længere",
}
"""Which way clocks moved, by code."""

VIEWS = {
    "all": "Alt",
    "deadlines": "Frister",
    "findings": "Anmærkninger",
    "consents": "Samtykker",
    "case_state": "Sagens stilling",
}
"""What can be compared, by its code."""

VIEW_FIELDS = {
    "assessments": "Undersøgelser",
    "book": "Regelsæt",
    "book_version": "Regelsættets version",
    "cancelled_by": "Bortfaldet ved nr.",
    "children": "Børn",
    "citizen": "Borgerens frist",
    "closed": "Afsluttet",
    "code": "Kode",
    "consent": "Samtykke",
    "detail": "Nærmere",
    "dispute": "Læsning, der tvistes om",
    "due": "Udløber",
    "enrolment": "Forløb",
    "entry": "Hændelse nr.",
    "extended_to": "Forlænget til",
    "handle_by": "Behandles senest",
    "in_force": "I kraft",
    "level": "Vægt",
    "not_before": "Tidligst",
    "number": "Nummer",
    "overdue": "Over frist",
    "package": "Pakkeforløb",
    "person": "Person",
    "programme": "Program",
    "responsible": "Ansvarlig",
    "rests_on": "Bygger på nr.",
    "rule": "Regel",
    "rule_version": "Reglens version",
    "preliminary": "Foreløbigt opfyldt ved nr.",
    "satisfied_at": "Opfyldt",
    "satisfied_by": "Opfyldt ved nr.",
    "scope": "Modtagere",
    "settled_by": "Afgjort ved nr.",
    "since": "Siden",
    "started": "Begyndte",
    "state": "Behandling",
    "status": "Status",
    "subject": "Vedrører",
    "superseded_by": "Afløst af nr.",
    "trigger": "Udløst af nr.",
    "valid_from": "Gælder fra",
    "valid_to": "Gælder til",
    "warn_at": "Varsles",
}
"""Names of the fields of views, by code; any other is shown as it is."""
