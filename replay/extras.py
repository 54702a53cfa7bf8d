"""Packages of the optional extras, imported where they are needed and nowhere else."""

from importlib import import_module
from typing import Any


class ExtraMissing(Exception):
    """An optional package is not installed, or cannot be loaded; the message says what to do."""

    def __init__(self, extra: str, *, installed: bool = False) -> None:
        super().__init__(
            f"The extra `{extra}` cannot be loaded: there is too little memory, or caseledger[{extra}] is broken."
            " Free memory and try again, or install it anew."
            if installed
            else f"This needs the extra `{extra}`: install caseledger[{extra}]."
        )


def extra(name: str, of: str) -> Any:
    """Return a module of an optional extra; raises ExtraMissing. They come without types that a checker could use."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ExtraMissing(of, installed=not isinstance(error, ModuleNotFoundError)) from None
