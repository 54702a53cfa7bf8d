"""What a release says about itself: from which ledger and position, by which code and rules, what it lacks and why."""

from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg

from domain.release_fields import EVENT_FIELDS, LEFT_OUT_EVENTS
from domain.release_views import LEFT_OUT_VIEWS, VIEW_FIELDS
from domain.suppression import SMALLEST
from domain.time import write_instant
from ledger.format import published_entry
from ledger.merkle import leaf_hash, root_of
from ledger.proof.records import ProofRecords
from ledger.store import APPLICATION_ROLE, Ledger, conninfo_as
from projections.view import VIEWS
from replay.release import Content, Wish, recorded_at
from replay.release_files import files_in, sha256_of
from replay.release_rows import SQL, commitments

FORMAT = "caseledger-release/1"
MANIFEST = "manifest.json"
NOTES = (
    "Everything here but the folder aggregates is pseudonymised personal data of a special category: keep it as such,"
    " pass nothing of it on. Rare courses of events can point at a family in spite of every pseudonym.",
    "For statistics and research alone. Nothing found here may be used in decisions about the people concerned"
    " (databeskyttelsesloven § 10).",
    "Recorded times are exact: they say when somebody worked, and are the axis of every past. Times of day of what"
    " happened are left out, days of birth, death and term are months; durations are in minutes.",
    f"In the folder aggregates counts under {SMALLEST} are hidden, and as many more as it takes that none can be"
    " computed back.",
    "What was erased, restricted or withheld when the release was made is left out of every past. So the same command"
    " gives the same bytes as long as nothing more was.",
)


def manifest(ledger: Ledger, wish: Wish, known_at: str | None, key: UUID, folder: Path, content: Content) -> bytes:
    """Return the manifest of the files in a folder; the same for the same release at the same position."""
    head = ledger.head()
    covering = ProofRecords(ledger).covering(wish.position)
    said: dict[str, Any] = {
        "format": FORMAT,
        "release": wish.release,
        "ledger": str(ledger.id),
        "simulated": ledger.simulated,
        "position": wish.position,
        "tree": {
            "size": wish.position,
            "root": (head.root if head.size == wish.position else root_at(ledger, wish.position)).hex(),
            "checkpoint": None if covering is None else str(ProofRecords(ledger).brief(covering)),
        },
        "known_at": known_at,
        "recorded_at": write_instant(recorded_at(ledger, wish.position)),
        "code": {"caseledger": version("caseledger")},
        "packages": {name: version(name) for name in ("duckdb", "pyarrow")},
        "rule_books": [
            {
                "book": adoption.book.book.id,
                "version": adoption.book.book.version,
                "adopted_at_position": adoption.position,
            }
            for adoption in content.rules.adoptions
        ],
        "pseudonyms": {"scheme": "HMAC-SHA-256, 64 bits, under a random key of the release", "key": str(key)},
        "left_out": _left_out(ledger, wish, content),
        "files": {
            str(path.relative_to(folder)): {
                "rows": content.rows.get(path),
                "bytes": path.stat().st_size,
                "sha256": sha256_of(path),
            }
            for path in files_in(folder)
        },
        "notes": list(NOTES),
    }
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2) + b"\n"


def root_at(ledger: Ledger, position: int) -> bytes:
    """Return the root of the tree of a size, computed anew from the commitments."""
    with psycopg.connect(conninfo_as(ledger.conninfo, APPLICATION_ROLE), autocommit=True) as connection:
        return root_of(leaf_hash(published_entry(one)) for one in commitments(connection, position))


def _left_out(ledger: Ledger, wish: Wish, content: Content) -> dict[str, Any]:
    """Return how many events up to the position are not in the release, and why not; views that are not, too."""
    counts: dict[str, int] = dict(ledger.query(SQL["topics"], {"upto": wish.position}))
    judged = content.judged
    return {
        "event_types": {topic: f"{LEFT_OUT_EVENTS[topic]}, {counts.get(topic, 0)} events" for topic in LEFT_OUT_EVENTS},
        "unknown_event_types": sum(
            count for topic, count in counts.items() if topic not in EVENT_FIELDS and topic not in LEFT_OUT_EVENTS
        ),
        "views": {view: LEFT_OUT_VIEWS.get(view, "not classified yet") for view in sorted(VIEWS.keys() - VIEW_FIELDS)},
        "erased_cases": len(judged.erased),
        "events_of_erased_cases": _events_of(ledger, wish, sorted(judged.erased)),
        "events_of_restricted_cases": _events_of(ledger, wish, sorted(judged.restricted)),
        "withheld_events": content.withheld,
        "unreadable_events": content.unreadable,
        "tables_not_wanted": wish.tables is not None,
    }


def _events_of(ledger: Ledger, wish: Wish, cases: list[UUID]) -> int:
    return ledger.query(SQL["counted"], {"upto": wish.position, "cases": cases})[0][0]
