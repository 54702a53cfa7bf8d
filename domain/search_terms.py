"""What a person can be found by: the whole number, and each part of a name in a form that spellings share.

Parts are compared whole. There are no terms for beginnings of names or for how they sound: few beginnings stand for
many people, so that their number in an index would tell which names they are, without any key.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["identifier", "name"]

_SPELLED_OUT = {
    "a\u030a": "aa",
    "æ": "ae",
    "ø": "oe",
    "œ": "oe",
    "ð": "d",
    "đ": "d",
    "þ": "th",
    "ł": "l",
    "ħ": "h",
    "ı": "i",
}
"""Letters without an accent to take off, in decomposed form; the Danish ones as they are spelt abroad."""

_UNHEARD = frozenset({"Mn", "Cf"})
"""Categories of characters that are left out: marks on letters, and what only steers how text is set."""

_APOSTROPHES = re.compile(r"['’`´ʼ]")
_PART = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to find somebody by: of which kind, and in its common form."""

    kind: Kind
    value: str


def name_parts(name: str) -> tuple[str, ...]:
    """Return the different parts of a name in common form, in order; none where it holds no letter or digit.

    Case and accents do not count; å and aa, æ and ae, ø and oe are alike. Hyphens part, apostrophes join.
    """
    joined = _APOSTROPHES.sub("", unicodedata.normalize("NFC", name))
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", joined).casefold())
    for letter, spelt in _SPELLED_OUT.items():
        text = text.replace(letter, spelt)
    plain = "".join(character for character in text if unicodedata.category(character) not in _UNHEARD)
    return tuple(dict.fromkeys(_PART.findall(plain)))


def terms(names: Iterable[str], identifiers: Iterable[str]) -> frozenset[Term]:
    """Return everything that someone of these names and numbers (ten digits) can be found by."""
    by_name = {Term("name", part) for name in names for part in name_parts(name)}
    return frozenset(by_name | {Term("identifier", identifier) for identifier in identifiers})
