"""Making tables for the archive: in a new folder, on record before anybody has the files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from api.exporting import new_folder, put_on_record
from api.principals import Principal
from domain.events.administration import Exported
from ledger.store import Ledger
from replay.archive import FILE_INDEX, Counts, write_archive
from replay.release_files import files_in, sha256_of

WHAT, FORMAT = "archive", "siard-dk/128"


@dataclass(frozen=True, slots=True)
class MadeArchive:
    """Tables that were made: what is in them, which position they show, and where that stands on record."""

    counts: Counts
    position: int
    exported_position: int


def make_archive(
    ledger: Ledger, principal: Principal, folder: Path, approved_by: str | None, notify: Callable[[int, int], None]
) -> MadeArchive:
    """Write the tables into a new folder, which is there whole or not at all; raises FolderExists, LookNotRecorded."""
    position = ledger.head().size
    with new_folder(folder) as part:
        counts = write_archive(ledger, position, part, folder.name, notify)
        event = Exported(
            what=WHAT,
            format=FORMAT,
            purpose=f"archive, approved by {approved_by}" if approved_by else "archive",
            recipient=folder.name,
            cases=(),
            sha256=sha256_of(part / "Indices" / FILE_INDEX),
            size=sum(path.stat().st_size for path in files_in(part)),
            as_of_position=position,
        )
        exported = put_on_record(ledger, principal, event)
    return MadeArchive(counts, position, exported)
