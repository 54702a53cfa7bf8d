"""What people are found by: spellings of one name share their parts, and parts are whole."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.search_terms import Term, name_parts, terms


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Alma Eksempel", ("alma", "eksempel")),
        ("  ALMA\tEKSEMPEL\n", ("alma", "eksempel")),
        ("Åse Sønderskov Ærø", ("aase", "soenderskov", "aeroe")),
        ("Aase SOENDERSKOV aeroe", ("aase", "soenderskov", "aeroe")),
        ("A\u030ase", ("aase",)),
        ("Ǻse Ǿre", ("aase", "oere")),
        ("André Müller-Lüdenscheidt", ("andre", "muller", "ludenscheidt")),
        ("Straße ﬁn ⅷ", ("strasse", "fin", "viii")),
        ("O'Neill D’Angelo", ("oneill", "dangelo")),
        ("Łukasz Đorđević Þóra İbrahim Iıi", ("lukasz", "dordevic", "thora", "ibrahim", "iii")),
        ("Alma Alma ALMA", ("alma",)),
        ("Al\u200bma\u202e Eksempel\ufeff", ("alma", "eksempel")),
        ("فاطمة Ольга 小明", ("فاطمة", "ольга", "小明")),
        ("barn 2 af Alma_Eksempel", ("barn", "2", "af", "alma", "eksempel")),
        ("O\u1ffdNeill", ("oneill",)),
        ("👶 - '", ()),
        ("", ()),
    ],
)
def test_parts_of_a_name(name: str, parts: tuple[str, ...]) -> None:
    """Case, accents, order of composition and unseen characters do not count; Danish letters do."""
    assert name_parts(name) == parts


def test_danish_letters_are_letters_of_their_own() -> None:
    """Somebody called Ask is not called Åsk, and Bro is not Brø."""
    assert name_parts("Åsk") != name_parts("Ask")
    assert name_parts("Brø") != name_parts("Bro")
    assert name_parts("Færø") != name_parts("Faro")


@given(st.text())
def test_composition_and_repetition_do_not_count(name: str) -> None:
    """A name however composed has the same parts, and parts are their own parts."""
    parts = name_parts(name)
    assert name_parts(unicodedata.normalize("NFD", name)) == name_parts(unicodedata.normalize("NFC", name)) == parts
    assert name_parts(" ".join(parts)) == parts


def test_terms_of_a_person() -> None:
    """Each part of each name and each whole number; no beginnings."""
    found = terms(["Alma Eksempel", "Alma Prøve"], ["6101990001"])
    names = {Term("name", part) for part in ("alma", "eksempel", "proeve")}
    assert found == names | {Term("identifier", "6101990001")}
