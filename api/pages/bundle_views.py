"""The form by which an evidence bundle of a case is handed out."""

from dataclasses import dataclass

from api.pages import views
from api.pages.codes import OUTCOMES, word
from api.pages.language import _
from api.pages.times import address_form, show_instant
from api.pages.values import label_of
from api.reading import CaseLook
from domain.entries import Entry
from domain.events.access import AccessRequestAnswered
from domain.evidence import GRANTED, PARTLY_GRANTED

TYPED = 20
"""How much of a size that cannot be read is shown again."""


@dataclass(frozen=True, slots=True)
class AnswerChoice:
    """An answer to a request for access by which a bundle tells what was granted; the first is for no answer."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class BundleForm:
    """The form that hands out an evidence bundle of a case.

    ``kept`` is the size of a checkpoint as typed, ``wrong`` whether no bundle can be tied to it.
    """

    action: str
    key: str
    known_at: str | None
    answers: tuple[AnswerChoice, ...]
    kept: str = ""
    wrong: bool = False


def bundle_form(look: CaseLook, key: str, kept: str | None = None) -> BundleForm:
    """Return the form for a bundle of a case as of the look; ``key`` makes a second click the same request.

    ``kept`` is a size typed before that no bundle can be tied to.
    """
    granting = (GRANTED, PARTLY_GRANTED)
    answers = [
        one for one in look.effective if one.topic == AccessRequestAnswered.TOPIC and one.data["outcome"] in granting
    ]
    choices = [AnswerChoice("", _("Kun fingeraftryk: beviser alle hændelser og fortæller ikke, hvad der står i dem"))]
    choices += [AnswerChoice(str(one.version), _answer_label(one)) for one in answers]
    known = look.question.known_at
    text = address_form(known) if known else None
    return BundleForm(
        f"{views.case_address(look.file.case)}/bevispakke",
        key,
        text,
        tuple(choices),
        (kept or "")[:TYPED],
        kept is not None,
    )


def _answer_label(one: Entry) -> str:
    return _(
        "Så langt svaret på aktindsigt rækker: nr. %(version)s, %(label)s, %(outcome)s, %(when)s",
        version=one.version, label=label_of(one), outcome=word(OUTCOMES, str(one.data["outcome"])),
        when=show_instant(one.happened),
    )  # fmt: skip
