"""What a reviewer would point out about examinations and instruments.

An instrument is data: the limits of the rule ``I-`` and its code, of the rule of its version (``I-MIM-P`` for the
variant ``p`` of ``mim``), and of ``I-...-AGE``. What a package holds are the limits of ``P002-CONTENT-...``.
"""

from collections.abc import Iterator

from domain.calendar import plus_months
from domain.custody import birth_of, children
from domain.entries import Entry
from domain.events.assessment import AssessmentOrdered, AssessmentRecorded
from domain.events.child import ChildBorn
from domain.events.visit import VisitHeld
from domain.findings.base import Check, Finding
from domain.findings.facts import INFANTS, MOST, PACKAGES, of_programme, open_clocks
from domain.inquiry import Inquiry
from domain.known import holds, many
from domain.plausibility import outside_scale
from domain.time import copenhagen_day
from domain.visits import package_at

FKU = "parental_competence_investigation"
EXAMINATION_RULES = {INFANTS: "P000-FKU", PACKAGES: "P002-FKU-DUTY"}
CONTENT_RULES = ("P002-CONTENT-PREGNANCY", "P002-CONTENT-INFANT", "P002-CONTENT-TODDLER")


def instrument_rules(entry: Entry) -> tuple[str, ...]:
    """Return the rules about the instrument of an assessment: of its version first, then its own."""
    name = _rule_name(entry.data["instrument"])
    variant = entry.data.get("variant")
    own = (f"{name}-{_rule_name(variant).removeprefix('I-')}",) if variant else ()
    return (*own, name, f"{name}-AGE")


def _rule_name(code: object) -> str:
    return "I-" + str(code).upper().replace("_", "-").replace(" ", "-")


def instrument_limit(inquiry: Inquiry, entry: Entry, name: str) -> int | None:
    """Return a limit of the instrument of an assessment at the time it was taken; None where it has none."""
    found = (inquiry.rules.limit(rule, name, entry.happened) for rule in instrument_rules(entry))
    return next((number for number in found if number is not None), None)


@of_programme(INFANTS, PACKAGES)
def _missing(inquiry: Inquiry) -> Iterator[Finding]:
    for clock in open_clocks(inquiry, EXAMINATION_RULES[str(inquiry.programme)]):
        yield Finding("COMPETENCE_EXAMINATION_MISSING", clock.trigger, level=clock.level)


@of_programme(PACKAGES)
def _after_birth(inquiry: Inquiry) -> Iterator[Finding]:
    """An examination of coming parents is made before birth, as early as possible."""
    born = inquiry.of(ChildBorn)
    made = [e for e in inquiry.of(AssessmentOrdered, AssessmentRecorded) if e.data["instrument"] == FKU]
    for birth in born:
        flagged = [entry for entry in _expecting(inquiry) if entry.happened < birth.happened]
        if flagged and made and made[0].happened > birth.happened:
            detail = {"born": copenhagen_day(birth.occurred_at).isoformat()}
            rests_on = (flagged[0].version, birth.version)
            yield Finding("COMPETENCE_EXAMINATION_AFTER_BIRTH", made[0].version, rests_on, detail)


def _expecting(inquiry: Inquiry) -> list[Entry]:
    """Return what says that measures right after birth may be needed."""
    flagged = [entry for entry in inquiry.facts if entry.data.get("measures_at_birth")]
    return flagged + [entry for entry in inquiry.facts if entry.data.get("kind") == "placement_prebirth"]


@of_programme(PACKAGES)
def _question(inquiry: Inquiry) -> Iterator[Finding]:
    for ordered in inquiry.of(AssessmentOrdered):
        if ordered.data["instrument"] == FKU and not holds(ordered, "question"):
            yield Finding("ORDER_WITHOUT_QUESTION", ordered.version)


def _age(inquiry: Inquiry) -> Iterator[Finding]:
    """Reading A8: an ADBB is planned in the pregnancy package; done outside its age it is found, or accepted there."""
    accepted = inquiry.programme == PACKAGES and inquiry.rules.setting("A8") == "accepted"
    for assessed in inquiry.of(AssessmentRecorded):
        low, high = (instrument_limit(inquiry, assessed, name) for name in ("from_months", "to_months"))
        birth = _child_of(inquiry, assessed)
        if birth is None or low is None or high is None or (accepted and assessed.data["instrument"] == "adbb"):
            continue
        birthday, day = copenhagen_day(birth.occurred_at), copenhagen_day(assessed.occurred_at)
        first, last = (plus_months(birthday, min(months, MOST)) for months in (low, high))
        if not first <= day <= last:
            detail = {"days": (day - birthday).days, "low": low, "high": high}
            yield Finding("ASSESSMENT_OUTSIDE_INSTRUMENT_AGE", assessed.version, (birth.version,), detail)


def _child_of(inquiry: Inquiry, assessed: Entry) -> Entry | None:
    """Return the birth of the child an assessment is about, or of the only child of the case."""
    for person in many(assessed.data.get("about")):
        found = birth_of(inquiry.known, str(person))
        if found is not None:
            return found
    born = children(inquiry.known)
    return birth_of(inquiry.known, born[0]) if len(born) == 1 else None


def _unscaled(inquiry: Inquiry) -> Iterator[Finding]:
    """A score says little without the scale, the limit and the version it was read by."""
    for assessed in inquiry.of(AssessmentRecorded):
        if assessed.data.get("score") is None:
            continue
        asked = (("scale_min", "scale_min"), ("scale_max", "scale_max"), ("cutoff", "cutoff"))
        missing = [f for f, name in asked if assessed.data.get(f) is None and _has(inquiry, assessed, name)]
        versioned = _has(inquiry, assessed, "versioned")
        if versioned and not (assessed.data.get("variant") or assessed.data.get("instrument_version")):
            missing.append("version")
        if missing:
            yield Finding("ASSESSMENT_WITHOUT_SCALE", assessed.version, (), {"missing": ", ".join(missing)})


def _has(inquiry: Inquiry, assessed: Entry, name: str) -> bool:
    return instrument_limit(inquiry, assessed, name) is not None


def _uncertified(inquiry: Inquiry) -> Iterator[Finding]:
    for assessed in inquiry.of(AssessmentRecorded):
        if assessed.data.get("certified") is False and _has(inquiry, assessed, "certified"):
            yield Finding("OBSERVER_NOT_CERTIFIED", assessed.version)


def _scale(inquiry: Inquiry) -> Iterator[Finding]:
    """By the scale the assessment names, and where it names none by the instrument's own."""
    for assessed in inquiry.of(AssessmentRecorded):
        values = {"score": assessed.data.get("score")}
        for name in ("scale_min", "scale_max"):
            named = assessed.data.get(name)
            values[name] = instrument_limit(inquiry, assessed, name) if named is None else named
        if outside_scale(values):
            yield Finding("SCORE_OUTSIDE_SCALE", assessed.version)


@of_programme(PACKAGES)
def _content(inquiry: Inquiry) -> Iterator[Finding]:
    known = {rule: _content_of(inquiry, rule) for rule in CONTENT_RULES}
    every = frozenset[str]().union(*known.values())
    for entry in inquiry.of(AssessmentRecorded, VisitHeld):
        package = package_at(inquiry.known, entry.happened)
        used = {str(code) for code in (entry.data.get("instrument"), *many(entry.data.get("content"))) if code}
        own = known.get(f"P002-CONTENT-{str(package).upper()}", every)
        for code in sorted(used & every - own):
            detail = {"content": code, "package": package}
            yield Finding("CONTENT_NOT_OF_PACKAGE", entry.version, (), detail, code)


def _content_of(inquiry: Inquiry, rule: str) -> frozenset[str]:
    current = inquiry.current(rule)
    return frozenset() if current is None else frozenset(current.limits)


def _wrongly_ordered(inquiry: Inquiry) -> Iterator[Finding]:
    """A psychologist who examines a custody holder for the authority is authorised (barnets lov § 22)."""
    for ordered in inquiry.of(AssessmentOrdered):
        if ordered.data["instrument"] == FKU and ordered.data.get("psychologist_authorised") is False:
            yield Finding("PSYCHOLOGIST_NOT_AUTHORISED", ordered.version)


CHECKS: tuple[Check, ...] = (
    Check("COMPETENCE_EXAMINATION_MISSING", "must", "000 L27, L35, L50; 002 L164-168", "seed",
          "Forældrekompetenceundersøgelse er obligatorisk og ikke bestilt.",
          "A parental competence examination is mandatory and was not ordered.", _missing),
    Check("COMPETENCE_EXAMINATION_AFTER_BIRTH", "must", "002 L164, L168", "seed",
          "Forældrekompetenceundersøgelsen blev først bestilt efter fødslen den {born}, selv om en indsats lige efter fødslen kunne forudses.",
          "The parental competence examination was ordered only after the birth on {born}, although a measure right after birth was to be expected.", _after_birth),
    Check("ORDER_WITHOUT_QUESTION", "must", "002 L160", "seed",
          "Det fremgår ikke, hvad undersøgelsen skal belyse i den konkrete sag.",
          "Nothing shows what the examination is to answer in this case.", _question),
    Check("PSYCHOLOGIST_NOT_AUTHORISED", "statute", "barnets lov § 22(5)", "V",
          "Undersøgelsen er bestilt hos en psykolog uden autorisation.",
          "The examination was ordered from a psychologist without authorisation.", _wrongly_ordered),
    Check("ASSESSMENT_OUTSIDE_INSTRUMENT_AGE", "instrument", "vidensportal.dk, ADBB; neuroaffect.dk, MIM-P; kl.dk, Trivselslinealen", "V",
          "Barnet var {days} dage gammelt; instrumentet bruges fra {low} til {high} måneder.",
          "The child was {days} days old; the instrument is for {low} to {high} months.", _age),
    Check("ASSESSMENT_WITHOUT_SCALE", "instrument", "vidensportal.dk, ADBB; kl.dk, Trivselslinealen", "M",
          "Resultatet mangler oplysning om: {missing}.",
          "The result lacks what it was read by: {missing}.", _unscaled),
    Check("OBSERVER_NOT_CERTIFIED", "instrument", "vidensportal.dk, ADBB", "V",
          "Instrumentet bruges af en certificeret observatør; det var observatøren ikke.",
          "The instrument is used by a certified observer; this one was not.", _uncertified),
    Check("SCORE_OUTSIDE_SCALE", "instrument", "internal standard", "internal",
          "Scoren ligger uden for skalaen.", "The score lies outside its scale.", _scale),
    Check("CONTENT_NOT_OF_PACKAGE", "soft", "002 L84-150", "seed",
          "{content} hører ikke til pakken {package}.", "{content} is not part of the {package} package.", _content),
)  # fmt: skip
