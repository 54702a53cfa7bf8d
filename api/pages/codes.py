"""Danish words for the codes of events, one dict per kind. A code that is not here is shown as it is."""

from collections.abc import Mapping

from api.pages.language import _
from api.pages.warning_words import CHANNELS as WARNING_CHANNELS
from api.pages.warning_words import NOT_DELIVERED, WARNED_OF

PROGRAMMES = {
    "spaed_smaaboern_000": "Spædbørns- og småbørnsindsats",
    "smaaboernsteam_001": "Småbørnsteam",
    "spaed_smaabarnsteam_002": "Spæd- og småbarnsteam",
    "tidlig_indsats_003": "Tidlig indsats over for særligt sårbare gravide og spædbørnsfamilier",
    "opsporing_familietraening_004": "Tidlig opsporing og familietræning",
    "needs_based_visits": "behovsbesøg",
}
STATUSES = {
    "none": "ikke begyndt",
    "referred": "henvist",
    "recommended": "indstillet",
    "admitted": "visiteret",
    "running": "i gang",
    "closing": "under afslutning",
    "closed": "afsluttet",
}
PACKAGES = {"pregnancy": "graviditetspakke", "infant": "spædbarnspakke", "toddler": "småbarnspakke"}
ROLES = {
    "administrator": "administrator",
    "analyst": "analytiker",
    "ankestyrelsen": "Ankestyrelsen",
    "auditor": "revisor",
    "authority": "myndigheden",
    "caseworker": "sagsbehandler",
    "child": "barn",
    "coordinator": "koordinator",
    "court": "retten",
    "data_protection": "databeskyttelse",
    "daycare": "dagtilbud",
    "dpo": "databeskyttelsesrådgiver",
    "expectant_mother": "vordende mor",
    "family_consultant": "familiekonsulent",
    "family_therapist": "familiebehandler",
    "father": "far",
    "gp": "praktiserende læge",
    "health_visitor": "sundhedsplejerske",
    "hospital maternity ward": "hospitalets fødeafdeling",
    "hospital_ward": "hospitalsafdeling",
    "legal_officer": "jurist",
    "midwife": "jordemoder",
    "mother": "mor",
    "neighbour": "nabo",
    "network": "netværk",
    "operator": "driftsansvarlig",
    "parent": "forælder",
    "psychologist": "psykolog",
    "reception_officer": "medarbejder i modtagelsen",
    "social_worker": "socialrådgiver",
    "steering_group": "styregruppe",
    "supervisor": "leder",
    "system": "systemet",
    "team_leader": "teamleder",
    "visitation_meeting": "visitationsmøde",
    "visitation_panel": "visitationsudvalg",
    "ward": "afdeling",
}
CHANNELS = {
    "digital": "digitalt",
    "digital_post": "Digital Post",
    "e-mail": "e-mail",
    "letter": "brev",
    "meeting": "møde",
    "phone": "telefon",
}
KINDS = {
    "attention_feedback": "tilbagemelding om særlig opmærksomhed",
    "close": "afslutning",
    "contact": "kontakt",
    "court": "fremlæggelse for retten",
    "declined": "afvist",
    "disclosure": "videregivelse",
    "gdpr_art15": "indsigt efter databeskyttelsesforordningens art. 15",
    "home_visit": "hjemmebesøg",
    "joint": "fælles forældremyndighed",
    "night_cover": "natdækning",
    "obtain_information": "indhentning af oplysninger",
    "own": "egen indsigt",
    "package_status": "status på pakkeforløb",
    "party_access": "partsaktindsigt",
    "place_reserved": "plads reserveret",
    "professional_meeting_without_parents": "fagligt møde uden forældre",
    "programme": "efter programmet",
    "public_access": "aktindsigt efter offentlighedsloven",
    "programme+statutory": "efter programmet og loven",
    "relay_log": "stafetlog",
    "residential_stay": "døgnophold",
    "session": "forløbsgang",
    "sole": "eneforældremyndighed",
    "started": "begyndt",
    "statutory": "efter loven",
    "supplementary complaint guidance": "supplerende klagevejledning",
    "support": "støtte",
    "video_recording": "videooptagelse",
    "weekly_status": "ugestatus",
}
MEETINGS = {
    "discharge": "udskrivningsmøde",
    "external_sos": "eksternt statusmøde",
    "final_follow_up": "afsluttende opfølgningsmøde",
    "internal_sos": "internt statusmøde",
    "meeting_1_professional": "1. møde, fagpersoner",
    "meeting_2_with_parents": "2. møde, med forældre",
    "startup": "opstartsmøde",
    "status_relay_log": "statusmøde om stafetlog",
    "visitation_panel": "visitationsudvalg",
}
OUTCOMES = {
    "annulled": "ophævet",
    "changed": "ændret",
    "close": "afslutning",
    "grant": "bevilling",
    "granted": "imødekommet",
    "investigation": "børnefaglig undersøgelse",
    "mapping": "afdækning",
    "no_further": "intet videre",
    "partly_granted": "delvist imødekommet",
    "programme_need": "behov for program",
    "refuse_request_and_change_support": "afslag på det ansøgte og ændret støtte",
    "refused": "afslag",
    "rejected": "afvist",
    "remitted": "hjemvist",
    "upheld": "stadfæstet",
    "upheld_and_forwarded": "fastholdt og sendt videre",
}
REASONS = {"goals_reached": "målene er nået", "not_at_risk": "ikke længere i risiko"}
INSTRUMENTS = {
    "adbb": "ADBB",
    "mim": "MIM",
    "parental_competence_investigation": "forældrekompetenceundersøgelse",
    "trivselslinealen": "Trivselslinealen",
}
DATA_CATEGORIES = {"health": "helbred", "method": "metode", "social": "sociale forhold"}

ERASED_SCOPES: Mapping[str, str] = {
    "case": "Hele sagen",
    "person": "En persons oplysninger",
    "entries": "Teksterne i nogle hændelser",
}

ERASURE_GROUNDS: Mapping[str, str] = {
    "retention": "opbevaringsperioden er udløbet, og sagen er afleveret til arkiv, hvor det kræves",
    "misregistered": "personen var registreret ved en fejl",
    "unlawful": "oplysningerne var indhentet uden hjemmel",
}

BY_FIELD: Mapping[str, Mapping[str, str]] = {
    "programme": PROGRAMMES,
    "package": PACKAGES,
    "based_on": MEETINGS,
    "basis": {"consent": "samtykke", "emergency": "nødsituation", "law": "lov"},
    "capacity": {
        "custody_holder": "forældremyndighedsindehaver",
        "expectant_parent": "vordende forælder",
        "self": "på egne vegne",
    },
    "channel": {**CHANNELS, **WARNING_CHANNELS},
    "data_categories": DATA_CATEGORIES,
    "direction": {"in": "indgående", "internal": "internt", "out": "udgående"},
    "ground": ERASURE_GROUNDS,
    "form": {"digital": "digitalt", "oral": "mundtligt", "written": "skriftligt"},
    "instrument": INSTRUMENTS,
    "kind": KINDS,
    "level": WARNED_OF,
    "method": {
        "conversation": "samtale",
        "not_applicable_unborn": "ikke muligt, barnet er ikke født",
        "other_means": "på anden måde",
        "scan": "scanning",
    },
    "notifier_kind": {"private": "privatperson", "professional": "fagperson"},
    "outcome": OUTCOMES,
    "progress": {"insufficient": "utilstrækkelig", "sufficient": "tilstrækkelig"},
    "reason": {**REASONS, **NOT_DELIVERED},
    "result_kind": {"free_text": "fritekst", "score": "tal"},
    "severity": {"special_attention": "særlig opmærksomhed"},
    "store": {"content": "protokollens dokumentlager", "folder": "kommunens dokumentsystem"},
    "theme": {"consent": "samtykke"},
    "type": MEETINGS,
    "variant": {"0-11m": "0-11 måneder", "expectant_parents": "vordende forældre", "unborn": "ufødt"},
    **dict.fromkeys(
        ("approver_role", "by", "by_role", "decided_by", "for_role", "informed", "notifier_role", "obtained_from",
         "participants", "partial_scope", "present", "readers", "recipient", "role", "scope", "sources", "team", "to",
         "told"),
        ROLES,
    ),
}  # fmt: skip
"""The words for the codes of a field, by its name."""

PREFIXES = {"programme": "program", "meeting": "møde"} | ROLES
"""What stands before the colon of a code in two parts, such as ``coordinator:u-61``."""


def word(codes: Mapping[str, str], code: str) -> str:
    """Return the word for a code in the language of the page, else the code."""
    return _(codes[code]) if code in codes else code


def word_of_field(field: str, code: str) -> str:
    """Return the words for a code of a field, part by part where it has two parts."""
    known = BY_FIELD.get(field, {})
    prefix, colon, rest = code.partition(":")
    if code in known or not colon or prefix not in PREFIXES:
        return word(known, code)
    return f"{_(PREFIXES[prefix])}: {word(PROGRAMMES if prefix == 'programme' else known, rest)}"
