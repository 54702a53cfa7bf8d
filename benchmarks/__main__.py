"""``make bench``: measure everything against its peers and write benchmarks/latest.json."""

import argparse
import tempfile
from datetime import datetime
from pathlib import Path

from api.opening import Place
from benchmarks import (
    access,
    append,
    boards,
    bundle,
    dossier,
    erasure,
    export,
    http,
    pages,
    proof,
    rules,
    sealing,
    verify,
    views,
    witnessed,
)  # fmt: skip
from benchmarks.measure import Figure, now, report
from domain.time import COPENHAGEN
from ledger.creation import create_database
from ledger.embedded import EmbeddedPostgres
from ledger.keys import file_keys

GROUPS = (
    "append", "http", "rules", "sealing", "access", "proof", "bundle", "erasure", "verify", "boards", "views", "export",
    "dossier", "pages",
)  # fmt: skip


def _server(folder: Path) -> EmbeddedPostgres:
    """Return a durable server; run as root, it works as an ordinary user who must be able to enter the folder."""
    folder.chmod(0o711)
    return EmbeddedPostgres(folder)


def main() -> None:
    """Run the groups named on the command line, or all of them, on a durable server of their own."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure against named peers.")
    parser.add_argument("groups", nargs="*", default=GROUPS, metavar="GROUP", help=f"of {', '.join(GROUPS)}")
    wanted = parser.parse_args().groups
    begun = now()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as server:
        create_database(server.conninfo("postgres"), "bench")
        place = Place(server.conninfo("bench"), server.conninfo("bench"), file_keys(Path(folder)), Path(folder))
        place.create("Measured", datetime(2020, 1, 1, tzinfo=COPENHAGEN))
        if "append" in wanted:
            figures += append.figures(place.conninfo)
        if "http" in wanted:
            figures += http.figures(place, Path(folder))
        if "access" in wanted:
            figures += access.figures(place, Path(folder))
        if "boards" in wanted:
            figures += boards.figures(place, Path(folder))
        if "proof" in wanted:
            figures += [*witnessed.figures(place, Path(folder)), *proof.figures(place, Path(folder))]
        if "erasure" in wanted:
            figures += erasure.figures(place)
        if "verify" in wanted:
            figures += verify.figures(place, Path(folder))
        if "views" in wanted:
            figures += views.figures(place, Path(folder))
        if "export" in wanted:
            figures += export.figures(place, Path(folder))
        if "bundle" in wanted:
            figures += bundle.figures(place, Path(folder))
        if "dossier" in wanted:
            figures += dossier.figures(place)
        if "pages" in wanted:
            figures += pages.figures(place, Path(folder))
    if "rules" in wanted:
        figures += rules.figures()
    if "sealing" in wanted:
        figures += sealing.figures()
    report(figures, now() - begun)


if __name__ == "__main__":
    main()
