"""The rules that come with the program: the holiday table, the statute's rule book and one for each programme."""

from functools import cache
from importlib.resources import files

from domain.adoptions import HOLIDAYS
from domain.calendar import Calendar, read_holidays

RULE_BOOKS = (
    "statute",
    "spaed_smaaboern_000",
    "smaaboernsteam_001",
    "spaed_smaabarnsteam_002",
    "tidlig_indsats_003",
    "opsporing_familietraening_004",
)


def shipped_text(name: str) -> str:
    """Return the text of a shipped rule book, or of the holiday table; raises FileNotFoundError."""
    return files("domain").joinpath("rule_books", f"{name}.toml").read_text("utf-8")


def shipped_texts() -> dict[str, str]:
    """Return every shipped text by name, the holiday table first."""
    return {name: shipped_text(name) for name in (HOLIDAYS, *RULE_BOOKS)}


@cache
def shipped_calendar() -> Calendar:
    """Return the calendar that counts until a ledger has adopted one."""
    return Calendar(read_holidays(shipped_text(HOLIDAYS)))
