"""The sentences that pages show: those that stand in templates and code, and those that nobody marked."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from babel.messages import Catalog
from babel.messages.extract import extract

from api import dossier_words
from api.pages import (
    access_words,
    approval_words,
    audit_words,
    case_frame,
    case_overview,
    codes,
    compare_views,
    consent_words,
    deadline_views,
    deadline_words,
    desk,
    desk_words,
    exemption_words,
    filed_paper_views,
    finding_words,
    log_words,
    texts,
    values,
    verdict_words,
    views,
    warning_views,
    warning_words,
    write_words,
)
from api.pages.language import english_catalogue
from api.sign_in import local
from domain.events import BY_TOPIC
from domain.purposes import PURPOSES
from tests.api.service import ROOT

PAGES = ROOT / "api" / "pages"
TEMPLATES = sorted((PAGES / "templates").rglob("*.html"))
CODE = [*sorted(PAGES.glob("*.py")), ROOT / "api" / "sign_in" / "oidc.py"]
KEYWORDS = {"_": None, "ngettext": (1, 2)}
NAMES = {
    "caseledger",
    "caseledger verify",
    "caseledger verify --log-key log.vkey --since checkpoint.txt",
    "– caseledger",
    "handling:deling modtager:fødegang fra:2025-01-01 -rolle:system",
}
"""What is the same in every language."""

ASKED = {*log_words.KEYS, *log_words.FAMILIES, *log_words.PRESETS, "fødegang"}
"""The words searches of the log are written with, the same in every language."""

_TAG = re.compile(r"<[^>]*>", re.DOTALL)
_SAID = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_SPOKEN = re.compile(r'\b(?:aria-label|title|alt|placeholder)="([^"]*)"')
_DANISH = re.compile(
    r"[æøåÆØÅ][a-zæøå ]|\b(?:af|blev|den|der|det|er|fra|har|ikke|kan|med|og|som|til) \w|\w (?:af|er|ikke|og|til)\b"
)
_TABLES = (
    codes, access_words, approval_words, case_overview, texts, audit_words, compare_views, consent_words,
    deadline_words, desk_words, dossier_words, exemption_words, filed_paper_views, finding_words, log_words,
    verdict_words, warning_words, write_words,
)  # fmt: skip


@cache
def catalogue() -> Catalog:
    """Return the English catalogue."""
    return english_catalogue()


def marked(path: Path) -> Iterator[str]:
    """Yield the Danish texts that a template or module puts through the catalogue."""
    method = "jinja2.ext:babel_extract" if path.suffix == ".html" else "python"
    with path.open("rb") as source:
        for _, message, _, _ in extract(method, source, KEYWORDS):
            yield from [message] if isinstance(message, str) else [message[0]]


def counted(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield the pairs of Danish texts, for one and for many, that a template or module chooses between by a number."""
    method = "jinja2.ext:babel_extract" if path.suffix == ".html" else "python"
    with path.open("rb") as source:
        for _, message, _, _ in extract(method, source, {"ngettext": (1, 2)}):
            yield tuple(message)


def tabled() -> Iterator[str]:
    """Yield the Danish words of tables: names of fields, codes, events, purposes, people of the demonstration."""
    for module in _TABLES:
        for name, table in vars(module).items():
            if name.isupper() and isinstance(table, Mapping):
                yield from _words(cast(Mapping[Any, Any], table))
    yield from (event.LABEL_DA for event in BY_TOPIC.values())
    yield from (purpose.label_da for purpose in PURPOSES.values())
    yield from (person.note for person in local.PEOPLE.values())
    yield from (text for pair in (*views.LEGENDS.values(), *compare_views.LEGENDS.values()) for text in pair)
    yield from (place.label for place in case_frame.CASE_PLACES)
    yield from (text for place in desk.DESK_PLACES for text in (place.label, place.about))
    yield from (deadline_views.CITIZEN_HEADING, *(heading for _, heading, _ in deadline_views.GROUPS))
    yield from (values.NOT_GIVEN, values.NONE, values.ERASED, values.NOT_SHOWN, warning_views.NOT_SENT)


def _words(table: Mapping[Any, Any]) -> Iterator[str]:
    for value in table.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from _words(cast(Mapping[Any, Any], value))


def unmarked_in_template(text: str) -> list[str]:
    """Return what a template says outside its expressions, in its text and in what screen readers read out."""
    bare = _SAID.sub("", text)
    said = [*_SPOKEN.findall(bare), *_TAG.sub("\n", bare).split("\n")]
    return [one.strip() for one in said if re.search(r"[^\W\d_]", one) and one.strip() not in NAMES]


def unmarked_in_code(source: str, known: set[str]) -> list[str]:
    """Return the Danish sentences of a module that are neither marked nor in the catalogue."""
    tree = ast.parse(source)
    passed = {id(text) for node in ast.walk(tree) for text in _not_shown(node)}
    texts_found = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return [
        str(node.value)
        for node in texts_found
        if id(node) not in passed and _DANISH.search(str(node.value)) and node.value not in known
    ]


def _not_shown(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a node holds that is marked already, or is a docstring."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
        yield from node.args
