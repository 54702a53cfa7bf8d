"""The tables of a dossier's page."""

from collections.abc import Iterable, Sequence
from typing import Any

from api import dossier_words as words
from api.dossier_values import BROKEN, Values
from api.pages.access_words import word_of_look
from api.pages.codes import CHANNELS, OUTCOMES, ROLES, word, word_of_field
from api.pages.deadline_views import citation
from api.pages.dossier_sheet import Sheet, at, marked_answer, when
from api.pages.finding_words import explained_values
from api.pages.language import _, language, ngettext
from api.pages.tables import BAD, GOOD, NOTE, Cell, Table, table
from api.pages.texts import field_label
from api.pages.timeline import items
from api.pages.times import show_day, show_due, show_moment
from domain.findings.catalogue import UNHANDLED
from domain.purposes import PURPOSES
from domain.time import copenhagen_day, read_day, read_instant

Rows = Sequence[tuple[str, Sequence[Cell]]]


def basis_table(sheet: Sheet) -> Table:
    """Return the facts a decision rests on, in the versions relied on."""
    rows = [
        (
            sheet.entry(row["entry"]),
            at(row["happened"]),
            [Cell(at(row["recorded_at"])), Cell(_("af %(who)s", who=row["recorded_by"]))],
            _heard(row["in_hearing"]),
            [_corrected(sheet, row["entry"], one) for one in row["corrected"]] or _("nej"),
            _opened(sheet, row["opened_by_decider"]),
        )
        for row in sheet.values["basis"]
    ]
    heads = (
        _("Oplysning"), _("Hændt"), _("Registreret"), _("I høringen?"), _("Rettet siden"),
        _("Åbnet af den, der traf afgørelsen"),
    )  # fmt: skip
    nothing = _("Afgørelsen nævner ingen oplysninger, den hviler på.")
    return table(_("Oplysninger, afgørelsen hviler på, som de var registreret da"), heads, rows, nothing)


def _opened(sheet: Sheet, opened: str | None) -> Cell:
    if sheet.values["read_by"] is None:
        return Cell(_("vises ikke for din rolle"))
    return Cell(at(opened)) if opened else Cell(_("ikke åbnet"), mark=NOTE)


def _heard(answer: str) -> Cell:
    told, mark = marked_answer(answer)
    return Cell(told, mark=None if answer == "yes" else mark)


def _corrected(sheet: Sheet, version: int, change: Sequence[Any]) -> Cell:
    """Return what was corrected since of a fact relied on, with a link to it as it stands as asked."""
    name, old, new = change
    entry = sheet.entries.get(version)
    if name == "annulled" or entry is None:
        return Cell(_("annulleret"), mark=BAD)
    before, after = (sheet.words.value(entry.topic, name, value).pieces for value in (old, new))
    told = " → ".join(", ".join(piece.text for piece in pieces) for pieces in (before, after))
    return Cell(f"{field_label(entry.topic, name)}: {told}", mark=BAD)


def hearing_table(sheet: Sheet) -> Table:
    """Return what was sent for hearing, to whom, and what came back."""
    rows = [
        (
            sheet.person(one["party"]),
            [Cell(when(one["happened"])), sheet.entry(one["entry"])],
            [Cell(show_moment(read_day(one["deadline"]))), *_early(one)],
            [*(Cell(str(text)) for text in one["documents"]), *map(sheet.entry, one["facts"])],
            [sheet.entry(version) for version in one["responses"]] or _("intet svar"),
            _asked_to_wait(sheet, one),
        )
        for one in sheet.values["hearing"]["sent"]
    ]
    heads = (_("Part"), _("Sendt"), _("Frist"), _("Sendte oplysninger"), _("Svar"), _("Bad om udsættelse (§ 21)"))
    exception = sheet.values["hearing"]["exception"]
    nothing = _("Der er ikke registreret nogen partshøring.")
    if exception:
        nothing += " " + _("Undtagelse, der er påberåbt: %(code)s.", code=exception)
    return table(_("Høringer om afgørelsen"), heads, rows, nothing)


def _early(one: Values) -> list[Cell]:
    days = one["days_early"]
    if one["in_time"]:
        return []
    text = ngettext("afgjort %(number)s dag før fristen", "afgjort %(number)s dage før fristen", days or 0)
    return [Cell(text if days else _("afgjort før fristen"), mark=BAD)]


def _asked_to_wait(sheet: Sheet, one: Values) -> list[Cell] | str:
    found = [sheet.entry(version) for version in one["delay_requests"]]
    for version in one["delay_requests_recorded_later"]:
        found += [sheet.entry(version), Cell(_("registreret efter afgørelsen"), mark=BAD)]
    return found or _("nej")


def hearing_difference(sheet: Sheet) -> Rows:
    """Return how what was decided on differs from what was sent."""
    found = sheet.values["hearing"]["difference"]
    named = (
        (_("Lagt til grund, men ikke sendt i høring"), found["not_sent"]),
        (_("Lagt til grund, men registreret efter høringen"), found["entered_later"]),
        (_("Sendt i høring, men ikke lagt til grund"), found["sent_not_relied_on"]),
    )
    return [(label, sheet.refers(versions, _("intet"))) for label, versions in named]


def child_rows(sheet: Sheet) -> Rows:
    """Return whose view was obtained for the decision, how, and what it was."""
    version = sheet.values["made"]["data"].get("child_view")
    shown = next((one for one in items(sheet.look) if one.version == version), None) if version else None
    if shown is None:
        return [(_("Barnets perspektiv"), [Cell(_("Afgørelsen henviser ikke til noget."), mark=NOTE)])]
    told = [(fact.label, [Cell(piece.text) for piece in fact.value.pieces]) for fact in shown.facts]
    return [(_("Hændelse"), [sheet.entry(shown.version)]), *told]


def consent_table(sheet: Sheet) -> Table:
    """Return each consent by the register then and by all that is known now."""
    rows = [
        (
            sheet.person(one["person"]) if one["person"] else _("samtykke %(consent)s", consent=one["consent"]),
            ", ".join(word_of_field("scope", str(item)) for item in one["scope"]),
            _standing(one["by_record_then"]),
            _standing(one["by_all_facts"]),
            when(one["valid_to"]),
            Cell(sheet.several(one["missing_joint"]), mark=BAD) if one["missing_joint"] else "",
            [sheet.entry(version) for version in dict.fromkeys((one["since_then"], one["since_now"])) if version],
        )
        for one in sheet.values["consents"]
    ]
    heads = (
        _("Fra"), _("Til"), _("Efter registret da"), _("Efter alt, der er registreret"), _("Gælder til"),
        _("Mangler fra"), _("Hændelse"),
    )  # fmt: skip
    nothing = _("Der er ikke registreret noget samtykke.")
    return table(_("Samtykker på afgørelsens tidspunkt"), heads, rows, nothing)


def _standing(status: str) -> Cell:
    mark = GOOD if status == "in_force" else NOTE if status in ("not_given", "not_yet_valid") else BAD
    return Cell(word(words.CONSENTS, status), mark=mark)


def support_table(sheet: Sheet) -> Table:
    """Return whose consent to support was there, on both clocks."""
    then, now = (sheet.values["support"][name] for name in ("by_record_then", "by_all_facts"))
    nobody = _("ingen")
    rows = [
        (
            _("Indehavere af forældremyndighed"),
            *(sheet.several(one["holders"]) or _("ikke oplyst") for one in (then, now)),
        ),
        (_("Samtykke til støtte mangler fra"), *(sheet.several(one["missing"]) or nobody for one in (then, now))),
    ]
    heads = (_("Samtykke til støtte"), _("Efter registret da"), _("Efter alt, der er registreret"))
    return table(_("Samtykke til støtte"), heads, rows, "")


def missing_table(sheet: Sheet) -> Table:
    """Return what had reached the municipality by the decision and was not on record."""
    nothing = _("Intet er nået frem og registreret senere.")
    return _unseen(sheet, sheet.values["not_yet_recorded"], _("Nået frem, da afgørelsen blev truffet"), nothing)


def late_table(sheet: Sheet) -> Table:
    """Return what had happened by the decision and came to the municipality's knowledge later."""
    rows = sheet.values["recorded_since"]["late"]
    return _unseen(sheet, rows, _("Kom frem senere, om tiden før"), _("Intet er kommet frem senere om tiden før."))


def _unseen(sheet: Sheet, rows: Iterable[Values], caption: str, nothing: str) -> Table:
    shown = {one.version: one for one in items(sheet.look)}
    told = [
        (
            sheet.entry(one["version"]),
            at(one["reached"]),
            at(one["recorded_at"]),
            [Cell(one["received_by"]), *([Cell(_("traf selv afgørelsen"), mark=BAD)] if one["by_decider"] else [])],
            [
                Cell(f"{fact.label}: {', '.join(piece.text for piece in fact.value.pieces)}")
                for fact in shown[one["version"]].facts
            ]
            if one["version"] in shown
            else "",
        )
        for one in rows
    ]
    return table(
        caption, (_("Hændelse"), _("Nåede frem"), _("Registreret"), _("Modtaget af"), _("Indhold")), told, nothing
    )


def since_table(sheet: Sheet) -> Table:
    """Return what was corrected or annulled since of what was known at the decision."""
    rows = [
        (
            sheet.entry(one["version"]),
            sheet.entry(one["entry"]),
            _change(sheet, one),
            str(one["reason"] or ""),
            [Cell(at(one["recorded_at"])), Cell(_("af %(who)s", who=one["recorded_by"]))],
        )
        for one in sheet.values["recorded_since"]["changes"]
    ]
    heads = (_("Hændelse"), _("Ændrer"), _("Fra → til"), _("Begrundelse"), _("Registreret"))
    return table(_("Rettet eller annulleret siden"), heads, rows, _("Intet er rettet eller annulleret siden."))


def _change(sheet: Sheet, one: Values) -> list[Cell]:
    revoked = [] if one["in_force"] else [Cell(_("ikke længere i kraft"), mark=NOTE)]
    entry = sheet.entries.get(one["about"])
    if one["field"] is None or entry is None:
        return [Cell(_(words.KINDS_OF_CHANGE[one["kind"]])), *revoked]
    return [_corrected(sheet, one["about"], (one["field"], one["old"], one["new"])), *revoked]


def deadline_tables(sheet: Sheet) -> Iterable[Table]:
    """Yield the clocks as they stood: broken ones first."""
    heads = (_("Frist"), _("Grundlag"), _("Om"), _("Begyndte"), _("Udløb"), _("Status"))
    for group in ("broken", "running", "met", "without_effect"):
        rows = [
            (
                one["duty"][language()] if one["duty"] else one["rule"],
                [Cell(citation(one["citation"] or one["rule"])), Cell(word(words.LEVELS, one["level"]))],
                sheet.person(one["subject"]) if one["subject"] else "",
                [Cell(at(one["started"])), sheet.entry(one["trigger"])],
                "" if one["due"] is None else show_due(read_instant(one["due"])),
                _clock(sheet, one),
            )
            for one in sheet.values["deadlines"]
            if one["group"] == group
        ]
        if rows or group == "broken":
            yield table(_(words.GROUPS[group]), heads, rows, _("Ingen frister var overskredet."))


def _clock(sheet: Sheet, one: Values) -> list[Cell]:
    mark = BAD if one["status"] in BROKEN else GOOD if one["group"] == "met" else None
    met = [sheet.entry(one["satisfied_by"])] if one["satisfied_by"] else []
    return [Cell(word(words.DEADLINES, one["status"]), mark=mark), *met]


def remedy_table(sheet: Sheet) -> Table:
    """Return to whom the decision was sent, and what came of it: complaint, reassessment, appeal."""
    topics = (
        "decision_notified",
        "complaint_received",
        "complaint_reassessed",
        "complaint_forwarded",
        "appeal_decided",
    )
    found = [one for one in sheet.of(*topics) if one.data.get("decision") == sheet.values["decision"]]
    rows = [
        (
            sheet.entry(one.version),
            sheet.several(_parties(one.data)),
            at(one.happened),
            word(CHANNELS, str(one.data.get("channel") or "")) or word(OUTCOMES, str(one.data.get("outcome") or "")),
            _guidance(one.data) if one.topic == "decision_notified" else "",
        )
        for one in found
    ]
    heads = (_("Hændelse"), _("Part"), _("Hvornår"), _("Måde eller udfald"), _("Klagevejledning"))
    nothing = _("Det er ikke registreret, at afgørelsen er meddelt nogen.")
    return table(_("Meddelelse, klage og efterprøvelse"), heads, rows, nothing)


def _parties(data: Any) -> tuple[Any, ...]:
    named = data.get("to") or data.get("by")
    return tuple(named) if isinstance(named, list | tuple) else (named,) if named else ()  # pyright: ignore


def _guidance(data: Any) -> Cell:
    if data.get("fully_favourable"):
        return Cell(_("ikke påkrævet: fuldt medhold"))
    given = data.get("complaint_guidance")
    told, mark = marked_answer("not_stated" if given is None else "yes" if given else "no")
    version = data.get("guidance_version")
    return Cell(f"{told} ({version})" if version else told, mark=mark)


def looks_table(sheet: Sheet) -> tuple[Table, ...]:
    """Return who had opened the case before, whoever decided first; none where the reader may not know."""
    looks = sheet.values["read_by"]
    if looks is None:
        return ()
    rows = [
        (
            [Cell(one["viewer"]), *([Cell(_("traf afgørelsen"), mark=NOTE)] if one["decider"] else [])],
            word(ROLES, one["role"]),
            at(one["at"]),
            _(PURPOSES[one["purpose"]].label_da) if one["purpose"] in PURPOSES else one["purpose"],
            [Cell(word_of_look(one["what"])), *([Cell(_("afvist"), mark=BAD)] if one["refused"] else [])],
            str(one["position"]),
        )
        for one in sorted(looks, key=lambda one: not one["decider"])
    ]
    heads = (_("Hvem"), _("Rolle"), _("Tidspunkt"), _("Formål"), _("Vist"), _("Opslag"))
    nothing = _("Der er ingen opslag i sagen her i systemet fra før afgørelsen.")
    return (table(_("Opslag i sagen før afgørelsen"), heads, rows, nothing),)


def finding_table(sheet: Sheet) -> Table:
    """Return the findings with their source and what became of them, the weightiest first.

    That one was not handled in time is told beside it.
    """
    order = list(words.LEVELS)
    rows = [
        (
            explained_values(one),
            _ground(one),
            sheet.entry(one["entry"]),
            [
                Cell(word(words.LIVES, one["state"]), mark=NOTE if one["state"] == "new" else None),
                *(
                    [Cell(_("skulle være behandlet %(when)s", when=_day(one["handle_by"])), mark=BAD)]
                    if one["overdue"]
                    else []
                ),
                *(sheet.entry(version) for version in (one["assessed_by"], one["remedied_by"]) if version),
            ],
        )
        for one in sorted(sheet.values["findings"], key=lambda one: order.index(one["level"]))
        if one["code"] != UNHANDLED.code
    ]
    heads = (_("Anmærkning"), _("Grundlag"), _("Hændelse"), _("Behandling"))
    return table(_("Anmærkninger om afgørelsen og det, den hviler på"), heads, rows, _("Der er ingen anmærkninger."))


def _day(instant: str) -> str:
    return show_day(copenhagen_day(read_instant(instant)))


def _ground(one: Values) -> list[Cell]:
    """Return where the rule behind a finding stands and how binding it is, once where that is the same."""
    told = citation(one["citation"]), word(words.LEVELS, one["level"])
    return [Cell(text) for text in dict.fromkeys(told)]


def document_table(sheet: Sheet) -> Table:
    """Return the documents on file at the decision, and whether their bytes were there when last checked."""
    rows = [
        (
            [Cell(_("%(document)s, version %(version)s", document=one["document"], version=one["version"])),
             *([] if one["in_force"] else [Cell(_("annulleret"), mark=BAD)])],
            str(one["media_type"]),
            at(one["recorded_at"]),
            sheet.entry(one["entry"]),
            Cell(word(words.CHECKS, one["last_check"]), mark=_check(one["last_check"])),
        )
        for one in sheet.values["documents"]
    ]  # fmt: skip
    heads = (_("Dokument"), _("Form"), _("Registreret"), _("Hændelse"), _("Seneste kontrol"))
    return table(
        _("Dokumenter på sagen, da afgørelsen blev truffet"), heads, rows, _("Ingen dokumenter var journaliseret.")
    )


def _check(state: str) -> str | None:
    return GOOD if state == "present" else NOTE if state == "not_checked" else BAD


def proof_rows(sheet: Sheet) -> Rows:
    """Return where the decision stands in the log, and which signed checkpoint holds it."""
    found = sheet.values["verification"]
    leaf = next((one for one in found["leaves"] if one["version"] == sheet.values["entry"]), None)
    rows = [
        (_("Protokol"), [Cell(found["ledger"])]),
        (_("Afgørelsens hændelse"), [Cell(str(leaf["position"]) if leaf else "")]),
        (_("Afgørelsens blad i træet"), [Cell(str(leaf["leaf"]) if leaf else "")]),
    ]
    checkpoint = found["checkpoint"]
    if checkpoint is not None:
        rows += [
            (_("Underskrevet af"), [Cell(checkpoint["origin"])]),
            (_("Hændelser i kontrolpunktet"), [Cell(str(checkpoint["size"]))]),
            (_("Kontrolpunktets rod"), [Cell(checkpoint["root"])]),
        ]
    return rows


def withheld_table(sheet: Sheet) -> Table:
    """Return what is not shown, and why."""
    rows = [
        (
            _("Hvem der havde set sagen") if one["entry"] is None else sheet.entry(one["entry"]),
            ", ".join(_field_names(sheet, one)) or _("alt"),
            word(words.WITHHELD, one["because"]),
        )
        for one in sheet.values["withheld"]
    ]
    heads = (_("Hvad"), _("Felter"), _("Hvorfor"))
    return table(_("Undtaget eller slettet"), heads, rows, _("Alt er vist for dig."))


def _field_names(sheet: Sheet, one: Values) -> list[str]:
    entry = sheet.entries.get(one["entry"]) if one["entry"] else None
    return [field_label(entry.topic if entry else "", name) for name in one["fields"]]
