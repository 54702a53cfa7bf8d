"""Parts D to J of a dossier on paper."""

from collections.abc import Iterable, Sequence

from api import dossier_words as words
from api.dossier_blocks import at, numbers, person, several, table, text, when
from api.dossier_values import Values
from api.pages.access_words import word_of_look
from api.pages.codes import ROLES, word, word_of_field
from api.pages.finding_words import explained_values
from api.pages.times import show_moment
from api.reading import CaseLook
from domain.time import read_day


def consents_part(values: Values, look: CaseLook) -> Values:
    """Return each consent by the register then and by all that is known now."""
    rows = [
        [
            one["consent"],
            person(look, one["person"]) if one["person"] else "-",
            ", ".join(word_of_field("scope", str(item)) for item in one["scope"]) or "-",
            words.CONSENTS[one["by_record_then"]],
            words.CONSENTS[one["by_all_facts"]],
            several(look, one["missing_joint"]),
        ]
        for one in values["consents"]
    ]
    columns = [("Samtykke", 4), ("Fra", 5), ("Til", 4), ("Efter registret da", 4), ("Efter alt, der vides nu", 4)]
    return table("Samtykker på afgørelsens tidspunkt", [*columns, ("Mangler fra", 4)], rows)


def support_part(values: Values, look: CaseLook) -> Values:
    """Return whose consent to support was there, on both clocks."""
    then, now = (values["support"][name] for name in ("by_record_then", "by_all_facts"))
    rows = [
        ["Indehavere af forældremyndighed", several(look, then["holders"]), several(look, now["holders"])],
        ["Samtykke til støtte mangler fra", several(look, then["missing"]), several(look, now["missing"])],
    ]
    return table("Samtykke til støtte", [("Hvad", 4), ("Efter registret da", 4), ("Efter alt, der vides nu", 4)], rows)


def deadlines_part(values: Values, look: CaseLook) -> Iterable[Values]:
    """Yield the clocks that ran, were broken and were met, each with its source."""
    columns = [("Frist", 8), ("Grundlag", 5), ("Vægt", 3), ("Om", 4), ("Begyndte", 4), ("Udløb", 4), ("Status", 4)]
    for group, caption in words.GROUPS.items():
        rows = [
            [
                one["duty"]["da"] if one["duty"] else one["rule"],
                f"{one['citation'] or '-'}\n({one['rule']} v{one['rule_version']})",
                word(words.LEVELS, one["level"]),
                "-" if one["subject"] is None else person(look, one["subject"]),
                f"{at(one['started'])}\nnr. {one['trigger']}",
                at(one["due"]),
                words.DEADLINES[one["status"]] + (f"\nved nr. {one['satisfied_by']}" if one["satisfied_by"] else ""),
            ]
            for one in values["deadlines"]
            if one["group"] == group
        ]
        yield table(caption, columns, rows)


def hearings_part(values: Values, look: CaseLook) -> Values:
    """Return what was sent for hearing, to whom, and what came back."""
    rows = [
        [
            f"nr. {one['entry']}",
            person(look, one["party"]),
            when(one["happened"]),
            show_moment(read_day(one["deadline"])) + ("" if one["in_time"] else f"\n{_early(one['days_early'])}"),
            "\n".join([numbers(one["facts"]), *map(str, one["documents"])]),
            numbers(one["responses"]),
            "\n".join([numbers(one["delay_requests"]), *_unseen(one["delay_requests_recorded_later"])]),
        ]
        for one in values["hearing"]["sent"]
    ]
    columns = [("Høring", 3), ("Part", 4), ("Sendt", 4), ("Frist", 4), ("Sendte oplysninger", 5), ("Svar", 3)]
    return table("Hvad der blev sendt i høring", [*columns, ("Bad om udsættelse", 4)], rows)


def _early(days: int | None) -> str:
    return "afgjort før fristen" if days is None else f"afgjort {days} dage før fristen"


def _unseen(versions: Sequence[int]) -> list[str]:
    return [f"registreret senere: {numbers(versions)}"] if versions else []


def difference_part(values: Values) -> Values:
    """Return how what was decided on differs from what was sent."""
    found = values["hearing"]["difference"]
    rows = [
        ["Afgjort på grundlag af", numbers(found["decided_on"])],
        ["Heraf aldrig sendt i høring", numbers(found["not_sent"])],
        ["Heraf registreret efter, at høringen blev sendt", numbers(found["entered_later"])],
        ["Sendt i høring, men ikke lagt til grund", numbers(found["sent_not_relied_on"])],
    ]
    return table(
        "Forskellen på det, der blev hørt over, og det, der blev lagt til grund", [("Hvad", 5), ("Poster", 6)], rows
    )


def looks_part(values: Values) -> Values:
    """Return who had looked before; that it is not told where the reader may not know."""
    if values["read_by"] is None:
        return text("Vises ikke: " + words.WITHHELD["role"] + ".")
    rows = [
        [
            at(one["at"]),
            one["viewer"] + (": den, der traf afgørelsen" if one["decider"] else ""),
            word(ROLES, one["role"]),
            one["purpose"],
            word_of_look(one["what"]) + (" (afvist)" if one["refused"] else ""),
            str(one["position"]),
        ]
        for one in values["read_by"]
    ]
    columns = [("Hvornår", 4), ("Hvem", 5), ("Rolle", 4), ("Formål", 4), ("Hvad", 5), ("Opslag nr.", 3)]
    return table("Opslag i sagen før afgørelsen", columns, rows)


def findings_part(values: Values) -> Values:
    """Return the findings with their source and what became of them."""
    rows = [
        [
            explained_values(one),
            f"{one['citation']}\n({one['code']})",
            word(words.LEVELS, one["level"]),
            f"nr. {one['entry']}",
            word(words.LIVES, one["state"]),
        ]
        for one in values["findings"]
    ]
    return table(
        "Hvad en omhyggelig læser ville pege på",
        [("Anmærkning", 10), ("Grundlag", 6), ("Vægt", 3), ("Post", 2), ("Behandling", 4)],
        rows,
    )


def documents_part(values: Values) -> Values:
    """Return the documents on file with the hash of each."""
    rows = [
        [
            f"{one['document']} v{one['version']}" + ("" if one["in_force"] else " (annulleret)"),
            f"{one['media_type']}\n{one['size']} bytes",
            at(one["recorded_at"]),
            f"nr. {one['entry']}",
            str(one["commitment"]),
            words.CHECKS[one["last_check"]],
        ]
        for one in values["documents"]
    ]
    columns = [("Dokument", 4), ("Form", 4), ("Registreret", 4), ("Post", 2), ("Fingeraftryk (SHA-256, saltet)", 8)]
    return table("Dokumenter på sagen, da afgørelsen blev truffet", [*columns, ("Seneste kontrol", 4)], rows)


def proof_part(values: Values) -> Iterable[Values]:
    """Yield where the entries stand in the log, and how to check it."""
    found = values["verification"]
    checkpoint = found["checkpoint"]
    leaf = next(one["leaf"] for one in found["leaves"] if one["version"] == values["entry"])
    rows = [
        ["Protokol", found["ledger"]],
        ["Sagens seneste post her", f"position {found['position']}"],
        ["Afgørelsens blad i træet", leaf],
    ]
    if checkpoint is None:
        yield table("Hvor posterne står", [("Hvad", 3), ("Værdi", 8)], rows)
        yield text(words.NO_CHECKPOINT)
        return
    rows += [
        ["Protokollens navn", checkpoint["origin"]],
        ["Underskrevet størrelse", str(checkpoint["size"])],
        ["Underskrevet rod", checkpoint["root"]],
    ]
    yield table("Hvor posterne står", [("Hvad", 3), ("Værdi", 8)], rows)
    yield {"kind": "exact", "caption": "Underskrevet kontrolpunkt", "text": checkpoint["note"]}
    yield text(words.HOW_TO_CHECK)


def withheld_part(values: Values) -> Values:
    """Return what is not shown, and why."""
    rows = [
        [
            "Hvem der havde set sagen" if one["entry"] is None else f"nr. {one['entry']}",
            ", ".join(one["fields"]) or "alt",
            words.WITHHELD[one["because"]],
        ]
        for one in values["withheld"]
    ]
    return table("Undtaget eller slettet", [("Post", 3), ("Felter", 4), ("Hvorfor", 6)], rows)
