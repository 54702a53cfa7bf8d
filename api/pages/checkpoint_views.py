"""What the page of the log shows: its signed checkpoints, who else signed them, and what they prove."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from api.pages.language import _, ngettext
from api.pages.tables import Cell, Table, table
from api.pages.times import show_instant
from ledger.proof.notes import ED25519, Note, VerifierKey
from ledger.proof.records import Published, Stamp
from ledger.store import Head

ADDRESS = "/kontrolpunkter"
GROUP = 8


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint with every signature there is, and the time stamps over it."""

    published: Published
    note: Note
    stamps: Sequence[Stamp]


@dataclass(frozen=True, slots=True)
class Between:
    """Two checkpoints as asked about, and what the proof between them says; ``problem`` where it cannot be made."""

    old: str = ""
    new: str = ""
    told: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class CheckpointsPage:
    """Everything the page of the log shows."""

    sentence: str
    waiting: str
    facts: tuple[tuple[str, tuple[Cell, ...]], ...]
    table: Table
    between: Between
    keys: tuple[str, ...]
    note: str | None
    following: str | None


def checkpoints_page(
    head: Head, signed: Sequence[Signed], latest: Signed | None, keys: Sequence[tuple[VerifierKey, int | None]],
    between: Between, following: str | None,
) -> CheckpointsPage:  # fmt: skip
    """Return the page of the log; ``signed`` are the checkpoints of this page of the list, the largest first."""
    ours = {key.name for key, _announced in keys}
    rows = [_row(one, ours) for one in signed]
    heads = (_("Hændelser"), _("Underskrevet"), _("Rod"), _("Medunderskrevet af"), _("Tidsstemplet"), _("Kontrolpunkt"))
    nothing = _("Intet er underskrevet endnu. Se efter igen om et øjeblik.")
    return CheckpointsPage(
        sentence=_signed_to(latest),
        waiting=_waiting(head, latest),
        facts=tuple(_facts(head, latest, ours)),
        table=table(_("Kontrolpunkter, det seneste først"), heads, rows, nothing),
        between=between,
        keys=tuple(str(key) for key, _announced in keys if key.kind == ED25519),
        note=None if latest is None else str(latest.note),
        following=following,
    )


def _signed_to(latest: Signed | None) -> str:
    if latest is None:
        return _("Protokollen er ikke underskrevet endnu.")
    return _(
        "Protokollen er underskrevet til og med hændelse %(size)s, %(when)s.",
        size=latest.published.checkpoint.size, when=show_instant(latest.published.stored_at),
    )  # fmt: skip


def _waiting(head: Head, latest: Signed | None) -> str:
    waiting = head.size - (latest.published.checkpoint.size if latest else 0)
    if waiting <= 0:
        return _("Alt, der er registreret, er underskrevet.")
    return ngettext(
        "%(number)s hændelse er registreret siden og bliver underskrevet om et øjeblik.",
        "%(number)s hændelser er registreret siden og bliver underskrevet om et øjeblik.",
        waiting,
    )


def _facts(head: Head, latest: Signed | None, ours: set[str]) -> list[tuple[str, tuple[Cell, ...]]]:
    rows = [(_("Protokol"), (Cell(str(head.ledger)),)), (_("Hændelser i alt"), (Cell(str(head.size)),))]
    if latest is None:
        return rows
    checkpoint = latest.published.checkpoint
    return [
        *rows,
        (_("Protokollens navn"), (Cell(checkpoint.origin),)),
        (_("Rod"), (Cell(_grouped(checkpoint.root)),)),
        (_("Medunderskrevet af"), _witnesses(latest, ours) or (Cell(_("ingen vidner endnu")),)),
        (_("Tidsstemplet"), _stamps(latest) or (Cell(_("ikke endnu")),)),
    ]


def _row(one: Signed, ours: set[str]) -> tuple[Cell | str | tuple[Cell, ...], ...]:
    checkpoint = one.published.checkpoint
    return (
        str(checkpoint.size),
        show_instant(_seconds(one.published.stored_at)),
        _grouped(checkpoint.root[:GROUP]) + " …",
        _witnesses(one, ours),
        _stamps(one),
        Cell(_("Hent nr. %(size)s", size=checkpoint.size), f"{ADDRESS}/{checkpoint.size}"),
    )


def _seconds(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)


def _grouped(root: bytes) -> str:
    text = root.hex()
    return " ".join(text[start : start + GROUP] for start in range(0, len(text), GROUP))


def _witnesses(one: Signed, ours: set[str]) -> tuple[Cell, ...]:
    names = dict.fromkeys(signature.name for signature in one.note.signatures if signature.name not in ours)
    return tuple(map(Cell, names))


def _stamps(one: Signed) -> tuple[Cell, ...]:
    return tuple(Cell(show_instant(_seconds(stamp.stamped_at))) for stamp in one.stamps)


def held(old: Published, new: Published, hashes: int) -> str:
    """Return what a proof between two checkpoints that held says."""
    return _(
        "Kontrolpunktet på %(old)s hændelser er begyndelsen af det på %(new)s: intet er ændret, fjernet eller byttet "
        "om i de første %(old)s. Beviset er regnet efter nu; det er på %(hashes)s værdier.",
        old=old.checkpoint.size, new=new.checkpoint.size, hashes=hashes,
    )  # fmt: skip
