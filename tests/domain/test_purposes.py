"""Purposes: the closed list, the default of each role, and how a request writes one."""

import pytest

from domain.authority import KIND_OF_ROLE, Kind
from domain.purposes import DEFAULTS, PURPOSES, default_purpose, holds_civil_number, read_purpose


@pytest.mark.parametrize(
    ("role", "code"),
    [
        ("caseworker", "case-work"),
        ("supervisor", "supervision"),
        ("auditor", "audit"),
        ("analyst", "statistics"),
        ("data_protection", "access-request"),
        ("administrator", "operations"),
    ],
)
def test_each_role_has_a_purpose(role: str, code: str) -> None:
    """Who says nothing else has the purpose of the role."""
    assert {default_purpose(one) for one, kind in KIND_OF_ROLE.items() if kind is Kind(role)} == {code}


def test_no_two_purposes_share_a_role() -> None:
    """A default is never a matter of the order of a list."""
    assert len(DEFAULTS) == sum(len(purpose.default_for) for purpose in PURPOSES.values()) == 6


def test_a_role_without_purpose_is_refused() -> None:
    """A role that does not sign in has no default."""
    with pytest.raises(ValueError, match="caseworker, supervisor"):
        default_purpose("neighbour")


def test_every_purpose_has_words_and_a_basis_marked_for_a_lawyer() -> None:
    """No basis passes for confirmed law."""
    for purpose in PURPOSES.values():
        assert purpose.label_da == purpose.label_da.lower()
        assert purpose.label_da
        assert purpose.label_en
        assert purpose.basis
        assert all(basis.endswith(" [M]") for basis in purpose.basis)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("case-work", ("case-work", None)),
        ("case_work", ("case-work", None)),
        ("access_request", ("access-request", None)),
        (" audit ", ("audit", None)),
        ('case-work; ref="S-2025-0412"', ("case-work", "S-2025-0412")),
        ('case_work;ref="S-2025-0412"', ("case-work", "S-2025-0412")),
        ('audit \t; \tref="REV/2025:7" ', ("audit", "REV/2025:7")),
        (f'audit; ref="{"x" * 80}"', ("audit", "x" * 80)),
        ('audit; ref="202504121234"', ("audit", "202504121234")),
    ],
)
def test_what_is_read(header: str, found: tuple[str, str | None]) -> None:
    """Code and reference, underscore and hyphen alike."""
    assert read_purpose(header) == found


@pytest.mark.parametrize("code", PURPOSES)
def test_every_code_is_read(code: str) -> None:
    """Each purpose is named by its code."""
    assert read_purpose(code) == (code, None)


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "curiosity",
        "Case-Work",
        "CASE-WORK",
        "case work",
        "case--work",
        "-case-work",
        "audit,case-work",
        "ſtatistics",
        "audıt",
        "audit\x00",
        "audit\n",
    ],
)
def test_an_unknown_purpose_names_the_known_ones(header: str) -> None:
    """The refusal lists what may be written, and not what was."""
    with pytest.raises(ValueError, match="one of case-work, supervision, audit") as refused:
        read_purpose(header)
    assert "curiosity" not in str(refused.value)


@pytest.mark.parametrize(
    "header",
    [
        "audit; ref=S-1",
        'audit; ref="a"b"',
        'audit; ref="a',
        'audit; ref="a"; ref="b"',
        'audit; other="a"',
        "audit;",
        'audit ref="a"',
        '"audit"',
    ],
)
def test_another_form_is_refused(header: str) -> None:
    """What is not of the one form is not guessed at."""
    with pytest.raises(ValueError, match="must be written case-work"):
        read_purpose(header)


@pytest.mark.parametrize("reference", ["", "a b", "x" * 81, "é", "a\tb", "a\x7f", "\n"])
def test_a_reference_is_visible_characters(reference: str) -> None:
    """At least one, at most eighty, no blanks."""
    with pytest.raises(ValueError, match="1 to 80 visible characters"):
        read_purpose(f'audit; ref="{reference}"')


@pytest.mark.parametrize("reference", ["0101011234", "010101-1234", "sag-010101-1234-x", "S0101011234"])
def test_a_civil_number_is_no_reference(reference: str) -> None:
    """What looks like a civil registration number is refused, and not repeated."""
    with pytest.raises(ValueError, match="case or journal number") as refused:
        read_purpose(f'audit; ref="{reference}"')
    assert reference not in str(refused.value)


@pytest.mark.parametrize("text", ["S-2025-0412", "010101-123", "2025-0412", "01010112345", "u-90"])
def test_other_numbers_are_no_civil_numbers(text: str) -> None:
    """Case numbers and staff ids pass."""
    assert not holds_civil_number(text)
