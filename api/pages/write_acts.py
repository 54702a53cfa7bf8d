"""What caseworkers record in forms: each act is an event and the fields asked for, in the order they are asked.

What a field holds is read from the event's class; here stands only what a class cannot say: which codes are offered,
what is needed although it may be missing in law, and what the form makes by itself.
"""

from collections.abc import Mapping

from api.pages.codes import CHANNELS, DATA_CATEGORIES, INSTRUMENTS, PROGRAMMES
from api.pages.language import _
from api.pages.write_forms import FormField, Gate, Pick, WriteAct
from api.pages.write_words import ACT_LABELS
from domain.disclosure_gate import STATUTORY_BASES
from domain.disclosures import CONSENT, EMERGENCY, LAW
from domain.events import assessment, consent, correction, decision, people, plan, referral, retention, visit

OFFICES = (
    "daycare", "health_visitor", "gp", "midwife", "hospital_ward", "psychologist", "family_consultant", "coordinator",
)  # fmt: skip
STAFF_ROLES = (
    "social_worker", "coordinator", "family_therapist", "family_consultant", "health_visitor", "psychologist",
)  # fmt: skip
LAWS = (
    "barnets lov § 32 stk. 1 nr. 2", "barnets lov § 32 stk. 1 nr. 5", "barnets lov § 32 stk. 1 nr. 6",
)  # fmt: skip
DURATIONS = ("P3M", "P6M", "P9M", "P1Y", "P18M")
REFUSED_SCOPE = "refused_scope"
"""Asked beside a consent: to whom the person said no at the same time. It becomes an entry of its own."""

DECLINE = "overdragelse-afvist"
"""The act by which whoever a case was handed to says no."""

_CHANNEL = FormField("channel", choices=tuple(CHANNELS), other=True)
_CATEGORIES = FormField("data_categories", needed=True, choices=tuple(DATA_CATEGORIES), other=True)
_CONSENT_KIND = FormField(
    "kind", choices=("disclosure", "support", "professional_meeting_without_parents", "relay_log")
)
_CAPACITY = FormField("capacity", choices=("custody_holder", "expectant_parent", "self"))
_SCOPE = FormField("scope", needed=True, choices=OFFICES, other=True)

ACTS = (
    WriteAct(
        "underretning",
        "Henvendelse",
        referral.NotificationReceived,
        (
            FormField("notifier_kind", choices=("professional", "private")),
            FormField("notifier_role", choices=("gp", "midwife", "health_visitor", "daycare", "neighbour"), other=True),
            FormField("identity_known"),
            _CHANNEL,
            FormField("about"),
            FormField("concern", needed=True),
            FormField("subject", more=True),
            FormField("anonymity_wish", more=True),
            FormField("abuse_suspected", more=True),
        ),
    ),
    WriteAct(
        "akutvurdering",
        "Henvendelse",
        referral.NotificationAcuteAssessed,
        (
            FormField("notification"),
            FormField("danger"),
            FormField("participants", needed=True),
            FormField("grounds"),
            FormField("acute_action"),
        ),
    ),
    WriteAct(
        "genvurdering",
        "Henvendelse",
        referral.NotificationReassessed,
        (
            FormField("notification"),
            FormField("participants", needed=True),
            FormField("new_person", other=True),
            FormField("outcome"),
        ),
    ),
    WriteAct(
        "kvittering-sendt",
        "Henvendelse",
        referral.NotificationReceiptSent,
        (FormField("notification"), _CHANNEL, FormField("told_about", other=True, more=True)),
    ),
    WriteAct(
        "henvisning",
        "Henvendelse",
        referral.ReferralMade,
        (
            FormField("programme", choices=tuple(PROGRAMMES)),
            FormField("person"),
            FormField("by_role", choices=("social_worker", "health_visitor", "midwife", "gp", "daycare"), other=True),
            FormField("reason", needed=True),
        ),
    ),
    WriteAct(
        "notat",
        "Kontakt",
        referral.NoteRecorded,
        (
            FormField("informant", choices=OFFICES, persons=True),
            _CHANNEL,
            FormField("content"),
            FormField("answer_given"),
            FormField("about", more=True),
            FormField("relates_to", more=True),
            FormField("essential_step", more=True),
            FormField("interpreter", other=True, more=True),
        ),
    ),
    WriteAct(
        "besoeg",
        "Kontakt",
        visit.VisitHeld,
        (
            FormField("kind", choices=("home_visit", "session", "night_cover", "residential_stay"), other=True),
            FormField("about", needed=True),
            FormField("duration_min", needed=True),
            FormField("observations", needed=True),
            FormField("present", persons=True, other=True),
            FormField("place", more=True),
            FormField("started", more=True),
            FormField("ended", more=True),
            FormField("staff", more=True),
        ),
    ),
    WriteAct(
        "status",
        "Kontakt",
        plan.StatusNoteWritten,
        (
            FormField("kind", choices=("weekly_status", "package_status", "attention_feedback"), other=True),
            FormField("about"),
            FormField("text", needed=True),
            FormField("period"),
            FormField("to", choices=("authority",), other=True, more=True),
            FormField("reviewed_with_family", more=True),
            FormField("package", choices=("pregnancy", "infant", "toddler"), more=True),
            FormField("attention", more=True),
        ),
    ),
    WriteAct(
        "samtykke",
        "Samtykke",
        consent.ConsentGiven,
        (
            FormField("consent", pick=Pick.MADE),
            _CONSENT_KIND,
            FormField("given_by"),
            _CAPACITY,
            FormField("on_behalf_of"),
            _SCOPE,
            FormField(REFUSED_SCOPE, choices=OFFICES, other=True),
            FormField("data_categories", choices=tuple(DATA_CATEGORIES), other=True),
            FormField("purpose", needed=True),
            FormField("form", choices=("written", "oral", "digital")),
            FormField("valid_from"),
            FormField("valid_to"),
            FormField("interpreter", other=True, more=True),
            FormField("language", other=True, more=True),
            FormField("joint_with", more=True),
            FormField("legal_basis", other=True, more=True),
        ),
        paper=True,
    ),
    WriteAct(
        "samtykke-naegtet",
        "Samtykke",
        consent.ConsentRefused,
        (
            FormField("consent", pick=Pick.MADE),
            _CONSENT_KIND,
            FormField("refused_by"),
            _CAPACITY,
            FormField("on_behalf_of"),
            _SCOPE,
            FormField("data_categories", choices=tuple(DATA_CATEGORIES), other=True),
            FormField("purpose", needed=True),
        ),
    ),
    WriteAct(
        "samtykke-tilbagekaldt",
        "Samtykke",
        consent.ConsentWithdrawn,
        (
            FormField("consent", pick=Pick.CONSENTS),
            FormField("withdrawn_by"),
            _CHANNEL,
            FormField("partial_scope", choices=OFFICES, other=True),
        ),
    ),
    WriteAct(
        "videregivelse",
        "Samtykke",
        consent.DisclosureMade,
        (
            FormField("to", choices=OFFICES, other=True, single=True),
            FormField("recipient_confirmed"),
            FormField("about", needed=True),
            _CATEGORIES,
            FormField("documents", needed=True),
            FormField("documents_filed"),
            FormField("purpose"),
            FormField("basis", choices=(CONSENT, LAW, EMERGENCY)),
            FormField("consents", pick=Pick.CONSENTS),
            FormField("legal_basis", choices=tuple(basis.citation for basis in STATUTORY_BASES), other=True),
            FormField("channel", choices=tuple(CHANNELS), other=True),
            FormField("recipient_person", other=True, more=True),
        ),
        Gate.DISCLOSURE,
    ),
    WriteAct(
        "modtager-underrettet",
        "Samtykke",
        retention.RecipientTold,
        (
            FormField("about"),
            FormField("recipients", choices=OFFICES, other=True),
            FormField("channel", choices=tuple(CHANNELS), other=True),
            FormField("impossible"),
        ),
    ),
    WriteAct(
        "screening",
        "Undersøgelse",
        referral.ScreeningRecorded,
        (
            FormField("outcome", choices=("investigation", "mapping", "programme_need", "no_further")),
            FormField("about", needed=True),
            FormField("grounds", needed=True),
            FormField("legal_basis", other=True, more=True),
        ),
    ),
    WriteAct(
        "undersoegelse",
        "Undersøgelse",
        assessment.InvestigationOpened,
        (
            FormField("investigation", pick=Pick.MADE),
            FormField("subject"),
            FormField("aware_since"),
            FormField("legal_basis", choices=("barnets lov § 20",), other=True),
        ),
    ),
    WriteAct(
        "foreloebig-vurdering",
        "Undersøgelse",
        assessment.PreliminaryAssessmentRecorded,
        (
            FormField("investigation", pick=Pick.INVESTIGATIONS),
            FormField("reason"),
            FormField("expected_end"),
        ),
    ),
    WriteAct(
        "undersoegelse-afsluttet",
        "Undersøgelse",
        assessment.InvestigationCompleted,
        (
            FormField("investigation", pick=Pick.INVESTIGATIONS),
            FormField("conclusion"),
            FormField("views"),
            FormField("support_proposed", other=True, more=True),
        ),
    ),
    WriteAct(
        "maaling",
        "Undersøgelse",
        assessment.AssessmentRecorded,
        (
            FormField("instrument", choices=tuple(INSTRUMENTS), other=True),
            FormField("about"),
            FormField("result_kind", choices=("score", "free_text")),
            FormField("score"),
            FormField("scale_min"),
            FormField("scale_max"),
            FormField("cutoff"),
            FormField("summary"),
            FormField("variant", choices=("unborn", "0-11m", "expectant_parents"), other=True, more=True),
            FormField("repeat_of", more=True),
            FormField("certified", more=True),
        ),
    ),
    WriteAct(
        "barnets-perspektiv",
        "Undersøgelse",
        assessment.ChildViewObtained,
        (
            FormField("method", choices=("conversation", "other_means", "scan", "not_applicable_unborn")),
            FormField("child"),
            FormField("view"),
            FormField("reason"),
            FormField("without_parent", more=True),
        ),
    ),
    WriteAct(
        "partshoering",
        "Afgørelse",
        decision.HearingSent,
        (
            FormField("decision_ref", pick=Pick.COMING),
            FormField("party"),
            FormField("documents", needed=True),
            FormField("facts", needed=True),
            FormField("deadline"),
            FormField("channel", choices=tuple(CHANNELS), other=True),
        ),
    ),
    WriteAct(
        "partshoeringssvar",
        "Afgørelse",
        decision.HearingResponseReceived,
        (
            FormField("decision_ref", pick=Pick.HEARD),
            FormField("party"),
            FormField("summary"),
            FormField("disputed_facts"),
        ),
    ),
    WriteAct(
        "afgoerelse",
        "Afgørelse",
        decision.DecisionMade,
        (
            FormField("decision", pick=Pick.COMING),
            FormField("outcome", choices=("grant", "refused", "close", "refuse_request_and_change_support")),
            FormField("measure", other=True),
            FormField("about", needed=True),
            FormField("parties"),
            FormField("legal_basis", needed=True, choices=LAWS, other=True),
            FormField("grounds", needed=True),
            FormField("facts", needed=True),
            FormField("hearing"),
            FormField("child_view"),
            FormField("purpose"),
            FormField("expected_duration", choices=DURATIONS, other=True),
            FormField("competence_ref", other=True),
            FormField("complaint_guidance"),
            FormField("plan_needed"),
            FormField("alternatives", more=True),
            FormField("hearing_exception", other=True, more=True),
            FormField("fully_favourable", more=True),
            FormField("competence_until", more=True),
            FormField("consents", pick=Pick.CONSENTS, more=True),
            FormField("replaces", pick=Pick.DECISIONS, more=True),
        ),
        Gate.DECISION,
    ),
    WriteAct(
        "afgoerelse-meddelt",
        "Afgørelse",
        decision.DecisionNotified,
        (
            FormField("decision", pick=Pick.DECISIONS),
            FormField("to"),
            _CHANNEL,
            FormField("complaint_guidance"),
            FormField("available_at", more=True),
        ),
    ),
    WriteAct(
        "plan",
        "Opfølgning",
        plan.PlanAdopted,
        (
            FormField("plan", pick=Pick.MADE),
            FormField("version", pick=Pick.MADE),
            FormField("goals", needed=True),
            FormField("children"),
            FormField("custody_involved"),
            FormField("family_wishes"),
        ),
    ),
    WriteAct(
        "opfoelgning",
        "Opfølgning",
        plan.FollowUpHeld,
        (
            FormField("kind", choices=("statutory", "programme", "programme+statutory")),
            FormField("participants", needed=True, persons=True, other=True),
            FormField("progress", choices=("sufficient", "insufficient")),
            FormField("summary", needed=True),
            FormField("next_step"),
            FormField("support_sufficient"),
            FormField("based_on_entries", more=True),
            FormField("prognosis_short", more=True),
            FormField("prognosis_long", more=True),
        ),
    ),
    WriteAct(
        "overdragelse",
        "Ansvar",
        referral.CaseAllocated,
        (
            FormField("to", other=True),
            FormField("for_role", choices=STAFF_ROLES),
            FormField("handover_note", needed=True),
            FormField("effective_from"),
        ),
    ),
    WriteAct(
        "overtagelse",
        "Ansvar",
        people.HandoverAccepted,
        (FormField("allocation", pick=Pick.HANDOVERS), FormField("summary_read")),
    ),
    WriteAct(
        DECLINE,
        "Ansvar",
        correction.EntryAnnulled,
        (FormField("annuls", pick=Pick.HANDOVERS), FormField("reason")),
    ),
)
"""Every act of the chooser, in its order."""

BY_PATH: Mapping[str, WriteAct] = {act.path: act for act in ACTS}
"""Every act by the end of its address."""

BY_TOPIC: Mapping[str, WriteAct] = {act.event.TOPIC: act for act in ACTS if act.event is not correction.EntryAnnulled}
"""The acts of the chooser by the topic of their event; an annulment has a form of its own."""


def label_of(act: WriteAct) -> str:
    """Return what an act is called."""
    return _(ACT_LABELS.get(act.path, act.event.LABEL_DA))
