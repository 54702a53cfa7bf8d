"""What the pages of the yearly review show: each question, how a case or many answer it, and the entries behind it."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.pages.deadline_views import EntryLine, citation, entry_line
from api.pages.desk_words import SAID
from api.pages.language import ENGLISH, _, language
from api.reading import CaseLook
from domain.barometer import ANSWERS, QUESTIONS, Answer, Question

TONES = {"yes": "success", "no": "error", "not_stated": "plain"}


@dataclass(frozen=True, slots=True)
class QuestionLine:
    """A question of the review, in words, with the law behind it."""

    code: str
    text: str
    citation: str


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """How a case answers a question, and the entries behind the answer."""

    question: QuestionLine
    answer: str
    tone: str
    entries: tuple[EntryLine, ...]


@dataclass(frozen=True, slots=True)
class CaseBarometer:
    """How a case answers all questions."""

    summary: str
    lines: tuple[AnswerLine, ...]


def question_line(one: Question) -> QuestionLine:
    """Return a question in the language of the page."""
    return QuestionLine(one.code, one.english if language() == ENGLISH else one.danish, citation(one.citation))


def case_page(look: CaseLook, found: Mapping[str, Answer]) -> CaseBarometer:
    """Return how a case answers the questions."""
    entries = {entry.version: entry for entry in look.entries}
    lines = tuple(
        AnswerLine(
            question_line(one),
            _(SAID[found[code].answer]),
            TONES[found[code].answer],
            tuple(
                entry_line(entries[version], look.file.case, look.question)
                for version in found[code].entries
                if version in entries
            ),
        )
        for code, one in QUESTIONS.items()
    )
    counts = [f"{sum(one.answer == said for one in found.values())} {_(SAID[said]).lower()}" for said in ANSWERS]
    return CaseBarometer(" · ".join(counts), lines)
