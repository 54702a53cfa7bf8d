"""Packages of the optional extras, imported where they are needed and nowhere else."""

from importlib import import_module
from typing import Any


class ExtraMissing(Exception):
    """An optional package is not installed; the message says what to install."""

    def __init__(self, extra: str) -> None:
        super().__init__(f"This needs the extra `{extra}`: install caseledger[{extra}].")


def extra(name: str, of: str) -> Any:
    """Return a module of an optional extra; raises ExtraMissing. They come without types that a checker could use."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise ExtraMissing(of) from None
