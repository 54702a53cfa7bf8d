"""What the overview of courses and the yearly review across cases show: numbers that lead to their lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.boards import BoardPage
from api.looks import NOW, Question
from api.pages.barometer_views import TONES, QuestionLine, question_line
from api.pages.codes import PROGRAMMES, STATUSES, word
from api.pages.deadline_views import EntryLine
from api.pages.desk import BAROMETER, CASELOAD, MOVE, PROGRAMME, RESPONSIBLE, STATE, list_address
from api.pages.desk_rows import Beside, CaseLine
from api.pages.desk_views import Total, TotalLine
from api.pages.desk_words import HEADINGS, SAID
from api.pages.language import _
from api.pages.times import show_instant
from domain.barometer import ANSWERS, QUESTIONS
from domain.standing import step_then
from domain.steering import heading
from domain.time import read_instant
from projections.board_pages import Counts, Group
from projections.boards import PartRow

QUESTION, ANSWER = "spoergsmaal", "svar"


@dataclass(frozen=True, slots=True)
class Published:
    """An overview that was published: where it stands, when, and what it said."""

    case: CaseLine
    when: str
    counts: str


@dataclass(frozen=True, slots=True)
class ProgrammeLine:
    """How many families of a programme stand where; ``owed`` says how often its overview is to be published a year."""

    line: TotalLine
    owed: str | None
    published: tuple[Published, ...]


@dataclass(frozen=True, slots=True)
class HolderLine:
    """How many cases somebody holds; the number leads to their list."""

    who: str
    total: Total
    statuses: str
    move: str | None


@dataclass(frozen=True, slots=True)
class EnrolmentRow:
    """A course on the board."""

    case: CaseLine
    programme: str
    heading: str
    status: str
    responsible: str
    since: str | None


@dataclass(frozen=True, slots=True)
class QuestionTotals:
    """How many cases answer a question how; each number leads to its list."""

    question: QuestionLine
    totals: tuple[Total, ...]


@dataclass(frozen=True, slots=True)
class AnsweredRow:
    """A case's answer to a question, with the entries behind it."""

    case: CaseLine
    answer: str
    tone: str
    entries: tuple[EntryLine, ...]


def programme_line(
    name: str, told: Mapping[str, Any], near: Beside, shown: tuple[str | None, str | None]
) -> ProgrammeLine:
    """Return the numbers of a programme; ``shown`` are the programme and heading of the list on the page."""
    totals = tuple(
        Total(
            word(HEADINGS, one),
            told["families"][one],
            list_address(CASELOAD, near.asked, [(PROGRAMME, name), (STATE, one)]),
            (name, one) == shown,
        )
        for one in HEADINGS
    )
    required, published = told["required_per_year"], told["published_this_year"]
    owed = None
    if required and told["owes"]:
        owed = _("Styregruppens overblik: %(made)s af %(owed)s i år", made=len(published), owed=required)
    return ProgrammeLine(
        TotalLine(word(PROGRAMMES, name), totals), owed, tuple(_published(one, near) for one in published)
    )


def _published(one: Mapping[str, Any], near: Beside) -> Published:
    counts = [f"{word(HEADINGS, said['heading']).lower()}: {said['number']}" for said in one["counts"]]
    return Published(near.case_by_text(one["case"]), show_instant(read_instant(one["happened"])), ", ".join(counts))


def holder_lines(
    held: Mapping[str, Mapping[str, int]], asked: Question, programme: str | None, *, movable: bool
) -> tuple[HolderLine, ...]:
    """Return how many cases each holds, by status of the latest enrolment, the most first; where they are moved."""
    lines = [
        HolderLine(
            staff,
            Total(
                staff,
                sum(found.values()),
                list_address(CASELOAD, asked, [(PROGRAMME, programme), (RESPONSIBLE, staff)]),
                current=False,
            ),
            ", ".join(f"{number} {word(STATUSES, status)}" for status, number in sorted(found.items())),
            list_address(MOVE, NOW, [("fra", staff)]) if movable else None,
        )
        for staff, found in held.items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.total.number, line.who)))


def enrolment_row(row: PartRow, near: Beside, reading: str | None) -> EnrolmentRow:
    """Return a course as the board shows it."""
    where = str(row.value["status"])
    return EnrolmentRow(
        case=near.case(row.case),
        programme=word(PROGRAMMES, str(row.value.get("programme"))),
        heading=word(HEADINGS, heading(where, reading) or ""),
        status=word(STATUSES, where),
        responsible=near.held_by(row.case, near.page.at),
        since=show_instant(row.known_since) if row.known_since else None,
    )


def question_totals(
    counts: Counts, asked: Question, kept: Mapping[str, str | None], shown: tuple[str | None, str | None]
) -> tuple[QuestionTotals, ...]:
    """Return how many cases answer each question how; ``shown`` are question and answer of the list on the page."""

    def total(code: str, said: str) -> Total:
        place = list_address(BAROMETER, asked, [*kept.items(), (QUESTION, code), (ANSWER, said)])
        return Total(_(SAID[said]), counts.get(Group(code, "", 0, said), 0), place, (code, said) == shown)

    return tuple(
        QuestionTotals(question_line(one), tuple(total(code, said) for said in ANSWERS))
        for code, one in QUESTIONS.items()
    )


def answered_row(row: PartRow, near: Beside, page: BoardPage) -> AnsweredRow:
    """Return a case's answer as the board shows it."""
    step = step_then(row.value, page.at)
    said = str(row.value["status"] if step is None else step[1])
    behind = row.value["entries"] if step is None else step[2]
    lines = (near.entry(row.case, version) for version in behind)
    return AnsweredRow(
        near.case(row.case, "/barometer"), _(SAID[said]), TONES[said], tuple(one for one in lines if one is not None)
    )
