"""How each field of each event and view leaves in a release for analysts; a new field must be given a place here.

What the kinds mean is told in ``domain.release``. The rows of a table follow the catalogue of events.
"""

from collections.abc import Mapping
from types import MappingProxyType

from domain.events.child import ChildBorn
from domain.events.people import DeathRecorded, PregnancyEnded
from domain.release import Fields

IN_MONTHS = frozenset({ChildBorn.TOPIC, DeathRecorded.TOPIC, PregnancyEnded.TOPIC})
"""Events whose own day is one of birth or death: it leaves as a month, and so do the days of clocks they start."""

LEFT_OUT_EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "person_registered": "identities",
        "person_identified": "identities",
        "record_viewed": "look-ups of staff",
        "lookups_withheld": "look-ups of staff",
        "staff_names_released": "look-ups of staff",
        "lookup_extract_made": "look-ups of staff",
        "lookups_expired": "look-ups of staff",
        "access_granted": "access of staff",
        "access_ended": "access of staff",
        "break_glass_opened": "access of staff",
        "break_glass_reviewed": "access of staff",
        "key_rotated": "keys",
    }
)
"""Events that are left out whole, and what they are about."""

EVENT_FIELDS: Mapping[str, Fields] = MappingProxyType(
    {
        "notification_received": Fields(
            code="notifier_kind channel notifier_role",
            flag="identity_known anonymity_wish abuse_suspected",
            day="received_at",
            person="about* subject* notifier",
            out="document_hash",
        ),
        "notification_acute_assessed": Fields(number="notification", flag="danger", person="participants*"),
        "notification_receipt_sent": Fields(number="notification", code="channel told_about", person="to"),
        "notification_reassessed": Fields(
            number="notification",
            person="participants*",
            staff="new_person",
            flag="earlier_participation_of_new_person",
        ),
        "screening_recorded": Fields(code="outcome instrument", law="legal_basis*", person="about*"),
        "referral_made": Fields(code="programme by_role", person="person", local="enrolment"),
        "recommendation_made": Fields(
            code="programme kind target_group problem_codes* preconditions_met* preconditions_unmet*",
            office="to*",
            local="enrolment",
            flag="measures_at_birth",
        ),
        "case_allocated": Fields(
            staff="to* from_staff substitute_for",
            code="for_role",
            office="unit",
            day="effective_from",
        ),
        "note_recorded": Fields(
            person="informant about*",
            code="channel statement_kind identity_checked",
            number="relates_to",
            flag="essential_step",
            local="decision_ref",
            out="interpreter language",
        ),
        "consent_given": Fields(
            local="consent decision",
            code="kind capacity form data_categories* purpose_code",
            person="given_by on_behalf_of* joint_with*",
            office="scope* sources*",
            day="valid_from valid_to",
            law="legal_basis*",
            number="capacity_evidence",
            out="informed_with evidence language interpreter",
            staff="received_by",
        ),
        "consent_refused": Fields(
            local="consent",
            code="kind capacity data_categories* purpose_code",
            person="refused_by on_behalf_of*",
            office="scope*",
        ),
        "consent_withdrawn": Fields(
            local="consent",
            person="withdrawn_by",
            code="channel",
            office="partial_scope*",
            staff="received_by",
        ),
        "disclosure_made": Fields(
            office="to*",
            code="basis data_categories* purpose_code channel overridden_gates*",
            local="consents*",
            law="legal_basis*",
            person="about*",
            out="document_hashes recipient_person",
            flag="informed_afterwards recipient_confirmed",
            number="consent_entries* documents_filed*",
        ),
        "disclosure_denied": Fields(office="to*", code="data_categories* purpose_code", person="about*"),
        "information_obtained": Fields(
            office="obtained_from",
            code="basis data_categories* purpose_code",
            person="about*",
            local="consents*",
            law="legal_basis*",
            flag="tried_consent_first",
            out="document_hashes",
        ),
        "visit_held": Fields(
            code="kind content* help_kind*",
            day="started ended",
            number="duration_min number",
            local="part_of enrolment",
            person="about* present*",
            staff="staff*",
        ),
        "visit_cancelled": Fields(code="kind", day="planned_for", person="by", flag="no_show", local="enrolment"),
        "support_level_set": Fields(
            local="enrolment",
            decimal="hours_per_week",
            number="visits_per_week attention",
            code="coverage",
            day="valid_from",
        ),
        "attention_raised": Fields(person="about*", code="severity", local="enrolment"),
        "investigation_opened": Fields(
            local="investigation",
            day="aware_since",
            law="legal_basis*",
            person="subject*",
            staff="decided_by",
        ),
        "preliminary_assessment_recorded": Fields(local="investigation", day="expected_end"),
        "investigation_completed": Fields(
            local="investigation",
            code="target_group support_proposed topics*",
            flag="measures_at_birth",
        ),
        "assessment_ordered": Fields(
            local="assessment",
            code="instrument",
            person="about*",
            flag="mandatory psychologist_authorised",
            day="due begins_on",
        ),
        "assessment_recorded": Fields(
            code="instrument result_kind direction variant purpose instrument_version",
            person="about*",
            local="assessment",
            decimal="score scale_min scale_max cutoff",
            out="items media_hash",
            number="repeat_of",
            staff="performed_by",
            flag="certified",
        ),
        "child_view_obtained": Fields(
            code="method",
            law="legal_basis*",
            person="child",
            flag="without_parent",
            staff="conducted_by",
        ),
        "hearing_sent": Fields(
            local="decision_ref",
            person="party",
            day="deadline",
            code="channel",
            number="facts*",
            out="document_hashes",
        ),
        "hearing_response_received": Fields(
            local="decision_ref",
            person="party",
            day="received_at",
            number="disputed_facts*",
        ),
        "decision_made": Fields(
            local="decision parallel_investigation replaces consents*",
            code="outcome measure expected_duration kind overridden_gates* hearing_exception",
            law="legal_basis*",
            out="competence_ref letter_hash log_root",
            day="competence_until",
            number="child_view facts* hearing* meeting log_position seen",
            flag="complaint_guidance plan_needed fully_favourable oral",
            person="about* parties*",
            staff="decided_by",
        ),
        "decision_notified": Fields(
            local="decision",
            person="to*",
            code="channel kind",
            flag="complaint_guidance fully_favourable",
            day="available_at",
            out="letter_hash guidance_version",
        ),
        "complaint_received": Fields(local="decision", day="received_at", code="channel", person="by", flag="late"),
        "complaint_reassessed": Fields(local="decision", code="outcome", office="to*", out="document_hashes"),
        "appeal_decided": Fields(local="decision", code="outcome", office="by"),
        "plan_adopted": Fields(
            local="plan",
            number="version",
            flag="custody_involved",
            person="children*",
            out="document_hash",
        ),
        "follow_up_held": Fields(
            code="kind progress",
            person="participants*",
            local="enrolment",
            flag="support_sufficient",
            number="based_on_entries*",
            staff="held_by",
            mappings={"progress_by_child": ("person", "code"), "goal_progress": ("local", "code")},
        ),
        "follow_up_schedule_decided": Fields(code="interval", person="informed*", day="dates*"),
        "status_note_written": Fields(
            code="kind period package based_on adjustment",
            office="to*",
            flag="reviewed_with_family with_family needs_met",
            number="attention based_on_entry",
            local="enrolment",
            person="about*",
        ),
        "meeting_held": Fields(
            code="type agenda_template agenda_items*",
            person="participants* invited*",
            flag="parents_present parents_invited video_used points_presented job_centre_considered",
            mappings={"decisions": ("code", "code")},
            staff="minutes_by",
            out="minutes_hash plans_presented",
            local="enrolment",
        ),
        "steering_overview_published": Fields(local="meeting", out="counts enrolments"),
        "relay_log_opened": Fields(local="log consent", staff="holder readers*"),
        "admission_approved": Fields(
            code="programme target_group config_version problem_codes* preconditions_met* preconditions_unmet*",
            local="enrolment meeting",
            staff="decided_by",
            flag="equal_to_placement",
        ),
        "intervention_started": Fields(local="enrolment", staff="team*"),
        "phase_entered": Fields(local="enrolment", number="phase skipped*"),
        "package_started": Fields(local="enrolment", code="package", number="period"),
        "daycare_contacted": Fields(
            code="kind basis",
            day="start",
            local="enrolment consents*",
            flag="identifiable trained_in_method",
        ),
        "enrolment_closed": Fields(
            local="enrolment",
            code="reason next_measure_code",
            number="final_meeting",
            staff="decided_by",
            flag="team_discussed cross_professional",
        ),
        "pregnancy_registered": Fields(person="person", month="due_date", code="method"),
        "due_date_revised": Fields(person="person", month="due_date", code="source"),
        "child_born": Fields(person="child mother unborn", code="gestation source"),
        "custody_recorded": Fields(person="child holders*", code="kind source", day="valid_from"),
        "party_recorded": Fields(person="person child", code="status", law="legal_basis*"),
        "representative_appointed": Fields(
            person="representative represents*",
            code="capacity",
            office="scope*",
            number="evidence",
            day="until",
        ),
        "representative_ended": Fields(person="representative represents*"),
        "sibling_linked": Fields(person="child sibling", id="case", month="sibling_born_on"),
        "interpreter_needed": Fields(person="person", out="language"),
        "protection_recorded": Fields(person="person against*", code="kind", day="until", law="legal_basis*"),
        "protection_ended": Fields(person="person", code="kind"),
        "persons_merged": Fields(person="kept merged"),
        "persons_unmerged": Fields(person="kept merged"),
        "handover_accepted": Fields(number="allocation", flag="summary_read"),
        "family_moved": Fields(office="to_municipality", day="moved_on", person="persons*"),
        "transfer_package_sent": Fields(office="to_municipality", law="legal_basis*"),
        "transfer_receipt_received": Fields(office="from_municipality"),
        "case_received": Fields(office="from_municipality"),
        "incoming_material_assessed": Fields(number="material", code="result"),
        "pregnancy_ended": Fields(person="person", code="kind"),
        "death_recorded": Fields(person="person", month="died_on"),
        "document_filed": Fields(
            local="document derived_from",
            number="version size for_entry",
            code="direction theme media_type",
            out="store reference commitment",
            day="received_or_sent_at",
            person="subjects*",
        ),
        "document_checked": Fields(local="document", number="version", flag="present matches"),
        "finding_assessed": Fields(
            code="finding verdict",
            number="entry",
            local="key",
            day="handle_by",
            staff="responsible",
        ),
        "finding_remedied": Fields(code="finding action", number="entry", local="key"),
        "minutes_distributed": Fields(
            number="meeting",
            office="recipients*",
            code="channel basis",
            flag="filed",
            local="consents* document",
            law="legal_basis*",
        ),
        "supervision_held": Fields(
            office="supervisor_organisation",
            flag="external anonymised extra",
            code="basis",
            staff="approved_by",
        ),
        "consultation_given": Fields(office="recipient", flag="anonymous notification_duty_considered", code="basis"),
        "adoption_case_raised": Fields(person="child*"),
        "statement_delay_requested": Fields(local="decision_ref", person="party", day="until"),
        "reasons_requested": Fields(local="decision", person="party"),
        "entry_corrected": Fields(
            number="corrects",
            code="field",
            out="old new",
            person="requested_by sealed_for",
            office="told*",
            flag="restricted",
        ),
        "entry_annulled": Fields(number="annuls", id="moved_to", code="kind"),
        "access_request_received": Fields(code="kind channel", person="by about*", day="received_at"),
        "deadline_extension_notified": Fields(
            code="rule channel",
            number="trigger",
            day="new_expected",
            person="subject* to*",
        ),
        "access_request_answered": Fields(
            number="request",
            code="outcome",
            out="document_hashes",
            flag="complaint_guidance",
        ),
        "data_breach_detected": Fields(day="became_aware_at", number="persons about", code="risk"),
        "data_breach_reported": Fields(number="breach", office="to*"),
        "case_restricted": Fields(code="category", staff="allowed*", day="review_by"),
        "restriction_reviewed": Fields(number="restriction", flag="renewed", day="review_by", staff="allowed*"),
        "conflict_of_interest_recorded": Fields(staff="staff", code="kind"),
        "conflict_of_interest_ended": Fields(number="conflict"),
        "retention_class_assigned": Fields(
            code="retention_class rule_version kle",
            flag="archive",
            day="erase_not_before",
            out="council_decision",
        ),
        "archive_delivered": Fields(office="archive", out="receipt", day="accepted_on"),
        "legal_hold_changed": Fields(flag="placed", code="reason", day="until"),
        "erasure_proposed": Fields(code="ground scope", law="legal_basis*", person="subject", number="entries*"),
        "erasure_rejected": Fields(number="proposal"),
        "personal_data_erased": Fields(
            out="key key_commitment person evidence",
            law="basis*",
            staff="approved_by",
            person="subject",
            code="ground scope",
            number="proposal key_epoch entries*",
            flag="reapplied",
        ),
        "ciphertext_removed": Fields(number="erasure entries"),
        "recipient_told": Fields(number="about", office="recipients*", code="channel"),
        "ledger_opened": Fields(id="ledger", out="title municipality", flag="simulated"),
        "case_opened": Fields(
            out="number key key_commitment",
            code="programme",
            nested={"persons": Fields(person="ref", id="person", out="key", code="role")},
        ),
        "person_joined": Fields(person="ref", id="person", out="key", code="role"),
        "rule_book_adopted": Fields(
            code="rule_book version",
            out="text sha256",
            staff="approved_by",
            mappings={"settings": ("code", "code")},
        ),
        "rule_settings_chosen": Fields(mappings={"settings": ("code", "code")}, staff="approved_by"),
        "gate_stopped": Fields(code="gate act findings*", local="decision"),
        "exported": Fields(
            code="what format purpose",
            office="recipient",
            out="cases sha256",
            number="size as_of_position",
            day="known_at",
        ),
    }
)
"""How each field of each other event leaves."""

LEFT_OUT_VIEWS: Mapping[str, str] = MappingProxyType({"access": "look-ups of staff"})
"""Views that are left out whole, and what they are about."""

VIEW_FIELDS: Mapping[str, Fields] = MappingProxyType(
    {
        "case_state": Fields(
            code="programme",
            mappings={"persons": ("person", "code"), "overview": ("local", "code"), "decisions": ("local", "code")},
            nested={"enrolments": Fields(local="enrolment", code="status package overview", number="phase period")},
            within={
                "enrolment": Fields(local="id", code="status", number="phase"),
                "package": Fields(code="current"),
                "pregnancy": Fields(month="due_date"),
                "screening": Fields(code="outcome"),
                "support": Fields(decimal="hours_per_week"),
            },
            out="number responsible children assessments",
        ),
        "deadlines": Fields(
            code="rule book book_version level",
            number="rule_version trigger number satisfied_by preliminary cancelled_by settled_by extended_by"
            " superseded_by",
            flag="citizen in_hours applicable running moot silenced",
            person="subject",
            day="started due not_before warn_at satisfied_at extended_to",
            out="dispute",
        ),
        "consents": Fields(
            code="kind data_categories* last event basis by_record_then by_all_facts gaps*",
            person="person",
            office="scope* to*",
            number="last_entry",
            day="happened",
            nested={"periods": Fields(day="begins ends", number="begun_by ended_by")},
        ),
        "findings": Fields(
            code="code level state",
            number="entry rests_on*",
            local="key",
            day="arises_at ends_at since handle_by",
            out="detail",
        ),
        "withheld": Fields(number="by*"),
    }
)
"""How each value that a view remembers leaves."""

DURATIONS: Mapping[str, Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "deadlines": MappingProxyType(
            {
                "minutes_allowed": ("started", "due"),
                "minutes_taken": ("started", "satisfied_at"),
                "minutes_late": ("due", "satisfied_at"),
            }
        )
    }
)
"""Columns of a view that tell how many minutes lie between two of its instants: those themselves leave as days."""
