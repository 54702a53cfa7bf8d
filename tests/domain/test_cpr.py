"""CPR and replacement numbers: what is read, what is told of it, and that another implementation agrees."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.dk import cpr as oracle
from stdnum.exceptions import ValidationError

from domain.cpr import kind_of, read_person_number

SPELLINGS = ("610199-0001", "6101990001", "610199 0001")
CENTURIES = [
    ("010100-0000", 1900), ("010199-3000", 1999), ("010136-4000", 2036), ("010137-4000", 1937),
    ("010157-5000", 2057), ("010158-5000", 1858), ("010199-6000", 1899), ("010100-7000", 2000),
    ("010157-8000", 2057), ("010158-8000", 1858), ("010136-9000", 2036), ("010137-9000", 1937),
]  # fmt: skip
REFUSED = [
    "", "FIKTIV-0001", "010199-000", "010199-00011", "010199--0001", " 010199-0001", "010199-0001\n", "0101990-001",
    "١٢٠١٩٩-٠٠٠١", "010199\u20110001", "010199-000A",
    "000199-0001", "320199-0001", "310499-0001", "010099-0001", "011399-0001", "290201-0001", "290200-0001",
    "600199-0001", "920199-0001", "890201-0001", "990199-0001", "410199-0001",
]  # fmt: skip


@pytest.mark.parametrize("text", SPELLINGS)
def test_spellings_of_one_number_are_one_number(text: str) -> None:
    """Hyphen and blank do not count."""
    read = read_person_number(text)
    assert (read.digits, read.kind, read.born_on) == ("6101990001", "replacement", date(1999, 1, 1))


@pytest.mark.parametrize(("text", "year"), CENTURIES)
def test_the_seventh_digit_tells_the_century(text: str, year: int) -> None:
    """Each row of the register's own table, at its first and last year."""
    assert read_person_number(text).born_on == date(year, 1, 1)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_number_is_refused_without_being_repeated(text: str) -> None:
    """Reason and remedy are told; nothing of what was given is."""
    with pytest.raises(
        ValueError, match=r"^must .*: write a CPR number or a replacement number as DDMMYY-SSSS"
    ) as told:
        read_person_number(text)
    assert not text.strip() or text not in str(told.value)
    assert kind_of(text) is None


def test_leap_days_follow_the_century() -> None:
    """1900 had no 29 February, 2000 had."""
    assert read_person_number("290200-4000").born_on == date(2000, 2, 29)
    assert read_person_number("890200-4000").born_on == date(2000, 2, 29)
    with pytest.raises(ValueError, match="calendar"):
        read_person_number("290200-0000")


def test_a_number_does_not_show_itself() -> None:
    """What is printed of one holds neither the number nor the date of birth."""
    shown = repr(read_person_number("010299-0001"))
    assert "010299" not in shown
    assert "1999" not in shown


def _answer(text: str) -> tuple[str, date, bool]:
    number = oracle.validate(text)
    return number, oracle.get_birth_date(number), oracle.checksum(number) == 0


def _digits(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


def _dated(day: date, serial: str) -> str:
    return day.strftime("%d%m%y") + serial


DATED = st.builds(_dated, st.dates(date(1858, 1, 1), date(2057, 12, 31)), _digits(4))


@given(_digits(10) | DATED, st.sampled_from(["", "-", " "]))
def test_another_implementation_agrees(number: str, separator: str) -> None:
    """It refuses people not yet born and replacement numbers; of all others both say the same."""
    text = number[:6] + separator + number[6:]
    try:
        theirs = _answer(text)
    except ValidationError:
        assert not kind_of(text) or _only_ours(text)
    else:
        read = read_person_number(text)
        assert (read.digits, read.born_on, read.check_digit_fits) == theirs
        assert read.kind == "cpr"


def _only_ours(text: str) -> bool:
    read = read_person_number(text)
    return read.kind == "replacement" or read.born_on > datetime.now(UTC).date()


@given(DATED)
def test_a_replacement_number_is_sixty_days_on(number: str) -> None:
    """Whatever day a CPR number holds, the replacement number sixty above it holds the same."""
    replacement = f"{int(number[:2]) + 60}{number[2:]}"
    try:
        born_on = read_person_number(number).born_on
    except ValueError:
        assert kind_of(replacement) is None
        return
    read = read_person_number(replacement)
    assert (read.kind, read.born_on) == ("replacement", born_on)
