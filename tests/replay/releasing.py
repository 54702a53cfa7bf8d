"""What tests of releases have in common: following, making one, and asking what is in it."""

from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import orjson

from api.exporting import MadeRelease, ReleaseWish, make_release
from api.opening import Place
from api.principals import command_line_principal
from ledger.store import Ledger
from projections.follower import Follower
from projections.view import VIEWS
from tests.following import catch_up

OPERATOR = command_line_principal("statistics", internal=True)


def follow(place: Place) -> None:
    """Bring every view up to date."""
    for view in VIEWS.values():
        follower = Follower(place.conninfo, view)
        try:
            catch_up(follower)
        finally:
            follower.close()


def make(ledger: Ledger, folder: Path, name: str = "first", **wish: Any) -> MadeRelease:
    """Make a release."""
    return make_release(ledger, OPERATOR, ReleaseWish(name, **wish), folder, quiet)


def quiet(_done: int, _all: int) -> None:
    """Say nothing of how far it is."""


def files(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def manifest(folder: Path) -> dict[str, Any]:
    """Return what a release says about itself."""
    return orjson.loads((folder / "manifest.json").read_bytes())


def ask(folder: Path, question: str, **values: Any) -> list[tuple[Any, ...]]:
    """Ask the DuckDB file of a release."""
    with duckdb.connect(str(folder / "release.duckdb"), read_only=True) as connection:
        return connection.execute(question, values or None).fetchall()


def release_key(ledger: Ledger, folder: Path) -> bytes:
    """Return the key of a release."""
    return ledger.keys.get(UUID(manifest(folder)["pseudonyms"]["key"]))
