"""SQL lives in .sql files: each statement is headed by ``-- name: what_it_does`` and a comment line."""

import re
from importlib.resources import files
from typing import LiteralString, cast

_HEADING = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def load_queries(package: str, file: str) -> dict[str, LiteralString]:
    """Return the named statements of ``file`` in ``package``.

    The text ships with the program, so it is as trustworthy as code; values only ever travel as parameters.
    """
    parts = _HEADING.split(files(package).joinpath(file).read_text("utf-8"))
    return {name: cast(LiteralString, text.strip()) for name, text in zip(parts[1::2], parts[2::2], strict=True)}
