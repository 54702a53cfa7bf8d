"""What is handed out of a case as a document: cover, chronology by both times, what is left out, proof."""

from collections.abc import Iterable, Mapping
from typing import Any

from api import production_words as words
from api.dossier_blocks import Cell, at, plain, table, text, when
from api.dossier_document import struck
from api.dossier_values import Values
from api.dossier_words import NO_CHECKPOINT, SIMULATED
from api.pages.codes import KINDS, PROGRAMMES, ROLES, word
from api.pages.texts import field_label
from api.pages.timeline import Item, items
from api.pages.values import words_of
from api.production_masking import HandedOut, marker
from domain.events import BY_TOPIC
from domain.exemptions import EXEMPTIONS
from domain.production import REASON
from domain.purposes import PURPOSES
from domain.time import read_instant

REASON_LABEL = "Begrundelse for registreringen"
WIDE = [("Nr.", 2), ("Post", 4), ("Skete", 4), ("Registreret", 4), ("Af", 3), ("Indhold", 11)]


def production_document(values: Values, out: HandedOut) -> Values:
    """Return what is handed out as a document of plain Danish text."""
    decided = read_instant(values["answer"]["recorded_at"])
    number = values["case_number"]
    return {
        "title": f"{words.TITLE} {number}",
        "running": f"Sag {number} · udlevering nr. {values['answer']['version']} · besluttet {at(decided)}",
        "made": {"year": decided.year, "month": decided.month, "day": decided.day},
        "warning": SIMULATED if values["simulated_clock"] else None,
        "flipped": True,
        "contents": True,
        "facts": _facts(values, out),
        "sections": [
            _section("Sagens poster, i den rækkefølge det skete", _chronology(out)),
            _section("Hvad der er undtaget", *_left_out(values)),
            _section("Bevis", *_proof(values)),
            _section("Hvad papiret viser, og hvad det ikke viser", *map(text, words.LIMITS)),
        ],
    }


def _section(title: str, *blocks: Values) -> Values:
    return {"title": title, "blocks": list(blocks)}


def _facts(values: Values, out: HandedOut) -> list[list[str]]:
    answer, asked, chosen = values["answer"], values["request"], values["selection"]
    by, purpose = answer["decided_by"], PURPOSES.get(chosen["purpose"])
    told = {kind: sum(one["told"] == kind for one in values["entries"]) for kind in ("whole", "partly", "withheld")}
    return [
        ["Sag", str(values["case_number"])],
        ["Program", word(PROGRAMMES, str(values["programme"]))],
        ["Udleveret til", recipient(out, asked["by"])],
        ["Anmodning", f"nr. {asked['version']}: {word(KINDS, asked['kind'])}"],
        ["Modtaget", when(asked["received_at"])],
        ["Udvalg", f"poster {chosen['entries']}" + (": hele sagen" if chosen["complete"] else "")],
        ["Registreret senest", at(chosen["known_at"])],
        ["Hændt senest", at(chosen["valid_at"]) if chosen["valid_at"] else "uden grænse"],
        ["Besluttet af", ", ".join(filter(None, (by["staff"], word(ROLES, by["role"]), by["organisation"])))],
        ["Besluttet", f"{at(answer['recorded_at'])}, post nr. {answer['version']}, hændelse {answer['position']}"],
        ["Formål", chosen["purpose"] if purpose is None else purpose.label_da],
        ["Gennemset i opslag", f"nr. {chosen['access_event']}"],
        ["Indhold", f"{told['whole']} poster helt, {told['partly']} delvist, {told['withheld']} undtaget"],
        ["Begrundelse", plain(answer["grounds"])],
    ]


def recipient(out: HandedOut, ref: str) -> str:
    """Return to whom it goes out."""
    return words_of(out.look, ()).person(ref) or (words.COURT if ref == "court" else ref)


def _chronology(out: HandedOut) -> Values:
    gone: dict[int, dict[str, str]] = {}
    for one in out.left_out:
        if one.field is not None and one.paragraph is None:
            gone.setdefault(one.version, {})[one.field] = one.code
    topics = {entry.version: entry.topic for entry in out.look.entries}
    rows = [row(item, topics[item.version], gone.get(item.version, {})) for item in items(out.look)]
    hidden = [[str(one.version), marker(one.code), "-", "-", "-", EXEMPTIONS[one.code].label_da]
              for one in out.left_out if one.field is None]  # fmt: skip
    return table("Posterne med det, der er undtaget, vist som sådan", WIDE, [*rows, *hidden])


def row(item: Item, topic: str, gone: Mapping[str, str]) -> list[Cell]:
    """Return an entry as a row of the chronology; ``gone`` names the fields that are left out, with the code."""
    return [
        str(item.version), item.label, struck(item.happened), item.recorded, item.actor, _content(item, topic, gone)
    ]  # fmt: skip


def _content(item: Item, topic: str, gone: Mapping[str, str]) -> list[dict[str, str]]:
    labels = {REASON_LABEL if name == REASON else field_label(topic, name): code for name, code in gone.items()}
    marks = [{"label": "Bemærk", "text": ", ".join(item.marks)}] if item.marks else []
    reached = [{"label": "Nåede frem", "text": item.reached}] if item.reached else []
    late = [{"label": "Registreret senere", "text": item.late_by}] if item.late_by else []
    told = [
        {"label": fact.label, "text": marker(labels[fact.label]) if fact.label in labels else struck(fact)}
        for fact in item.facts
    ]
    shown = {fact.label for fact in item.facts}
    rest = [{"label": label, "text": marker(code)} for label, code in labels.items() if label not in shown]
    return [*marks, *reached, *late, *told, *rest]


def _left_out(values: Values) -> Iterable[Values]:
    topics = {one["version"]: one.get("event") for one in values["entries"]}
    rows = [
        [
            f"nr. {one['version']}",
            _place(one, topics.get(one["version"])),
            one["code"],
            f"{EXEMPTIONS[one['code']].label_da}\n{one['provision']}",
            one["reason"] or "følger af det, der er registreret",
        ]
        for one in values["left_out"]
    ]
    columns = [("Post", 2), ("Hvad", 5), ("Kode", 3), ("Grundlag", 6), ("Begrundelse", 8)]
    yield table("Undtagne oplysninger", columns, rows)
    if values["counted"]:
        yield text(f"Desuden undtaget uden nærmere omtale: {values['counted']} poster.")


def _place(one: Values, event: str | None) -> str:
    if one["field"] is None:
        return "hele posten"
    topic = next((kind.TOPIC for kind in BY_TOPIC.values() if kind.name() == event), "")
    label = REASON_LABEL if one["field"] == REASON else field_label(topic, one["field"])
    return label if one["paragraph"] is None else f"{label}, afsnit {one['paragraph']}"


def _proof(values: Values) -> Iterable[Values]:
    found: dict[str, Any] = values["verification"]
    checkpoint = found["checkpoint"]
    rows = [["Protokol", found["ledger"]], ["Afgørelsens hændelse", str(values["answer"]["position"])]]
    if checkpoint is not None:
        rows += [
            ["Protokollens navn", checkpoint["origin"]],
            ["Underskrevet størrelse", str(checkpoint["size"])],
            ["Underskrevet rod", checkpoint["root"]],
        ]
    yield table("Hvor posterne står", [("Hvad", 3), ("Værdi", 8)], rows)
    if checkpoint is None:
        yield text(NO_CHECKPOINT)
    else:
        yield {"kind": "exact", "caption": "Underskrevet kontrolpunkt", "text": checkpoint["note"]}
    leaves = [[f"nr. {one['version']}", str(one["position"]), one["leaf"]] for one in found["leaves"]]
    yield table("Fingeraftryk", [("Post", 2), ("Hændelse", 3), ("Blad i træet (SHA-256)", 12)], leaves)
    yield text(words.HOW_TO_CHECK)
