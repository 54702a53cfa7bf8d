"""What the pages of approval show: the queue, and one submission frozen as it was sent, with what came since."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from api.approval_reading import ApprovalsLook, CaseSubmission
from api.approving import Reading, leads
from api.comparing import Compared
from api.looks import Question
from api.pages import compare_views, views
from api.pages.access_views import TextField
from api.pages.approval_words import STATES
from api.pages.case_frame import COMPARE
from api.pages.codes import ROLES, word
from api.pages.compare_views import ComparePage
from api.pages.language import _
from api.pages.tables import Cell, Table, table
from api.pages.timeline import Fact, Item, items, items_of
from api.pages.times import show_instant, show_length
from api.pages.views import case_address
from api.pages.write_fields import LinkedWords, Material, Typed, linked_words
from api.pages.write_views import Hindrance, decision_terms, hindrance, who_of
from api.principals import Principal
from api.reading import CaseLook
from domain.approvals import Submission
from domain.known import many
from domain.register import effective, history

TONES = {"waiting": "warning", "approved": "success", "returned": "error", "withdrawn": "info"}
NOTHING_TYPED = TextField()
TEXT_LIMIT = 10_000
"""Longest remark or reason in characters."""

OF_APPROVAL = frozenset(
    {
        "approver", "approver_role", "prepared_on", "prepared_by", "log_position", "seen", "overridden_gates",
        "override_reason", "decision",
    }
)  # fmt: skip
"""Fields of a submission that the page tells in words of its own."""


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A submission in a list: of which case, what, from whom, for how long, to whom, and how it stands."""

    number: str
    address: str | None
    case: str | None
    what: str
    sender: str
    sent: str
    waited: str
    asked: str
    state: str
    tone: str
    own: bool


@dataclass(frozen=True, slots=True)
class ApprovalsPage:
    """What waits for approval, and what was answered last."""

    waiting: tuple[QueueLine, ...]
    answered: tuple[QueueLine, ...]
    access: int


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """The forms by which a submission is answered or taken back, with what was typed and what is wrong."""

    key: str
    version: int
    remarks: TextField = NOTHING_TYPED
    reason: TextField = NOTHING_TYPED
    problem: str | None = None

    @property
    def errors(self) -> list[tuple[str, str]]:
        """What is wrong, each with the place to mend it."""
        fields = (("bemaerkning", self.remarks), ("begrundelse", self.reason))
        return [(place, field.error) for place, field in fields if field.error]


@dataclass(frozen=True, slots=True)
class SubmissionPage:
    """One submission: how it stands, what it says and rested on when it was sent, and what came since.

    ``passed`` is what was missing then, with the reasons given; ``compared`` what the entries since have changed.
    ``answers`` says that the reader may answer it, ``own`` that they prepared or sent it.
    """

    sentence: str
    state: str
    tone: str
    told: tuple[str, ...]
    answer_text: str | None
    facts: tuple[Fact, ...]
    rests_on: tuple[Item, ...]
    frozen: str
    since: tuple[Item, ...]
    compared: ComparePage | None
    compare: str
    passed: tuple[tuple[str, str, str], ...]
    hindrances: tuple[Hindrance, ...]
    readable: bool
    answers: bool
    own: bool
    action: str
    again: str | None
    decided: str | None
    form: AnswerForm


def submission_address(case: UUID | str, version: int) -> str:
    """Return where a submission is."""
    return f"{case_address(case)}/godkendelse/{version}"


def approvals_page(look: ApprovalsLook, reader: str, open_to: Collection[UUID]) -> ApprovalsPage:
    """Return the queue; cases the reader may not read are not linked."""

    def lines(found: Sequence[CaseSubmission]) -> tuple[QueueLine, ...]:
        return tuple(_line(one, reader, look.now, linked=one.case in open_to) for one in found)

    return ApprovalsPage(lines(look.waiting), lines(look.answered), look.access_position)


def _line(one: CaseSubmission, reader: str, now: datetime, *, linked: bool) -> QueueLine:
    sent = one.submission
    return QueueLine(
        number=one.number,
        address=submission_address(one.case, sent.entry.version) if linked else None,
        case=case_address(one.case) if linked else None,
        what=decision_terms(sent.entry.data),
        sender=who_of(sent.entry),
        sent=show_instant(sent.entry.recorded_at),
        waited=show_length(now - sent.entry.recorded_at),
        asked=asked_of(sent),
        state=state_of(sent),
        tone=TONES[sent.state],
        own=reader in sent.own,
    )


def asked_of(sent: Submission) -> str:
    """Return who is asked to approve."""
    data = sent.entry.data
    if data.get("approver") is not None:
        return str(data["approver"])
    role = data.get("approver_role")
    return word(ROLES, str(role)) if role is not None else _("ikke oplyst")


def state_of(sent: Submission) -> str:
    """Return how a submission stands, with when and by whom it was answered."""
    state, answer = _(STATES[sent.state]), sent.answer
    if answer is None:
        return state
    return _("%(state)s %(when)s af %(who)s", state=state, when=show_instant(answer.recorded_at), who=answer.actor.id)


def submission_page(
    look: CaseLook,
    sent: Submission,
    principal: Principal,
    now: datetime,
    reading: Reading | None,
    compared: Compared | None,
    form: AnswerForm,
    *,
    decides: bool,
    typed: Typed,
    asked: bool,
) -> SubmissionPage:
    """Return the page of a submission; ``decides`` says that its reader may decide in the case at all.

    ``asked`` says that reasons for passing what stands against it were asked for before.
    """
    case, entry, words = look.file.case, sent.entry, linked_words(look)
    waiting = sent.state == "waiting" and look.question.known_at is None
    own = principal.id in sent.own
    answers = waiting and decides and sent.asks(principal.id, principal.role, leads=leads(principal.role))
    material = Material(look, now)
    last = look.entries[sent.prepared_on - 1]
    begun = last.recorded_at
    page = submission_address(case, entry.version)
    return SubmissionPage(
        sentence=_sentence(sent, material, answers=answers),
        state=state_of(sent),
        tone=TONES[sent.state],
        told=tuple(_told(sent, now)),
        answer_text=_answer_text(sent),
        facts=_facts(look, words, sent),
        rests_on=_rests_on(look, sent),
        frozen=views.address(case_address(case), Question(known_at=begun)),
        since=_since(look, words, sent),
        compared=None if compared is None else compare_views.compare_page(compared),
        compare=compare_views.address(case_address(case) + COMPARE.path, compare_views.Wish(known_from=begun)),
        passed=() if reading is None else tuple(_passed(reading)),
        hindrances=() if reading is None or not waiting else tuple(
            hindrance(stop, typed, asked=asked) for stop in reading.unpassed
        ),
        readable=reading is not None or not waiting,
        answers=answers,
        own=own and waiting,
        action=page,
        again=f"{case_address(case)}/registrer/afgoerelse?indstilling={entry.version}"
        if own and sent.state in ("returned", "withdrawn") else None,
        decided=_decided(look, sent),
        form=form,
    )  # fmt: skip


def _sentence(sent: Submission, material: Material, *, answers: bool) -> str:
    about = ", ".join(material.words.person(str(ref)) or str(ref) for ref in many(sent.entry.data.get("about")))
    told = {
        "what": decision_terms(sent.entry.data),
        "about": about or _("ikke oplyst"),
        "law": ", ".join(map(str, many(sent.entry.data.get("legal_basis")))),
    }
    if answers:
        return _("Godkender du, træffes afgørelsen: %(what)s om %(about)s efter %(law)s.", **told)
    return _("Afgørelsen, som den blev sendt til godkendelse: %(what)s om %(about)s efter %(law)s.", **told)


def _told(sent: Submission, now: datetime) -> list[str]:
    entry = sent.entry
    found = [_("Sendt %(when)s af %(who)s.", when=show_instant(entry.recorded_at), who=who_of(entry))]
    if sent.prepared_by != entry.actor.id:
        found.append(_("Forberedt af %(who)s.", who=sent.prepared_by))
    found.append(_("Sendt til %(who)s.", who=asked_of(sent)))
    if sent.answer is None:
        found.append(_("Har ventet %(length)s. Fristerne løber imens.", length=show_length(now - entry.recorded_at)))
    return found


def _answer_text(sent: Submission) -> str | None:
    if sent.answer is None:
        return None
    text = sent.answer.data.get("reason") or sent.answer.data.get("remarks")
    return None if text is None else str(text)


def _facts(look: CaseLook, words: LinkedWords, sent: Submission) -> tuple[Fact, ...]:
    """Return what the decision says, field by field, as it was sent."""
    kept = {name: value for name, value in sent.entry.data.items() if name not in OF_APPROVAL}
    sealed = tuple(name for name in sent.entry.sealed if name not in OF_APPROVAL)
    (item,) = items_of(words, look, [replace(sent.entry, data=kept, sealed=sealed)])
    return item.facts


def _rests_on(look: CaseLook, sent: Submission) -> tuple[Item, ...]:
    """Return the entries the decision rests on as they stood when it was prepared."""
    before = tuple(one for one in look.entries if one.version <= sent.prepared_on)
    then = replace(look, entries=before, effective=effective(before), history=history(before))
    names = {
        int(version) for name in ("facts", "hearing", "child_view", "meeting")
        for version in many(sent.entry.data.get(name))
    }  # fmt: skip
    return tuple(item for item in items(then) if item.version in names)


def _since(look: CaseLook, words: LinkedWords, sent: Submission) -> tuple[Item, ...]:
    """Return what was recorded after what it was prepared on, but for what is about the submission itself."""
    about = {sent.entry.version, sent.answer.version if sent.answer else 0}
    until = sent.answer.version if sent.answer else len(look.entries)
    found = [one for one in look.entries if sent.prepared_on < one.version <= until and one.version not in about]
    return items_of(words, look, found)


def _passed(reading: Reading) -> Iterable[tuple[str, str, str]]:
    """Yield what stood against a decision when it was sent: what is missing, by which source, and why it is made."""
    for stop in {one.finding.code: one for one in reading.passed}.values():
        told = hindrance(stop, {}, asked=False)
        yield told.text, told.source, reading.reasons.get(stop.finding.code) or _("ikke oplyst")


def _decided(look: CaseLook, sent: Submission) -> str | None:
    """Return where the decision is that was made by approving a submission."""
    version = next(
        (one.version for one in look.effective
         if one.topic == "decision_made" and one.data.get("submission") == sent.entry.version),
        None,
    )  # fmt: skip
    return None if version is None else f"{case_address(look.file.case)}/afgoerelser/{version}"


def submissions_table(look: CaseLook, found: Sequence[Submission]) -> Table:
    """Return the decisions of a case that were sent for approval, the latest first."""
    rows = [
        (
            Cell(
                _("nr. %(version)s", version=one.entry.version), submission_address(look.file.case, one.entry.version)
            ),
            decision_terms(one.entry.data),
            _("%(when)s af %(who)s", when=show_instant(one.entry.recorded_at), who=one.entry.actor.id),
            asked_of(one),
            Cell(state_of(one), mark=TONES[one.state]),
        )
        for one in reversed(found)
    ]
    heads = (_("Indstilling"), _("Hvad"), _("Sendt"), _("Til"), _("Stand"))
    return table(_("Sendt til godkendelse, den seneste først"), heads, rows, "")
