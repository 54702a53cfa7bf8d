"""The page of all settings, made from the settings themselves."""

from types import UnionType
from typing import Any, get_args

from pydantic.fields import FieldInfo

from ledger.settings import Settings

HEAD = """# Configuration

Made from `ledger/settings.py`; `CASELEDGER_FREEZE=1` with `tests/test_settings_page.py` writes it anew.

Everything is set through the environment and read once, when a command starts. An empty variable counts as absent; one
that cannot be read stops the command with its name and without its value. Values marked *secret* may hold a password or
lead to one: they are never printed. They belong in a file that only the service manager reads.

| variable | form | without it | meaning |
|---|---|---|---|
"""


def settings_page() -> str:
    """Return ``docs/configuration.md``."""
    return HEAD + "".join(_row(name, field) for name, field in sorted(Settings.model_fields.items()))


def _row(name: str, field: FieldInfo) -> str:
    secret = "" if field.repr else " *Secret.*"
    return f"| `CASELEDGER_{name.upper()}` | {_form(field)} | {_default(field)} | {field.description}{secret} |\n"


def _form(field: FieldInfo) -> str:
    kind: Any = field.annotation
    if isinstance(kind, UnionType):
        kind = next(one for one in get_args(kind) if one is not type(None))
    words = {
        "str": "text",
        "Path": "path",
        "int": "whole number",
        "bool": "`true` or `false`",
        "IPvAnyAddress": "address",
    }
    return words.get(getattr(kind, "__name__", ""), "JSON")


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if value is None or value == "":
        return "nothing"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
