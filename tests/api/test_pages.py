"""What the pages show of a look, and what the form for an instant makes of what people type."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from api.looks import AsOf, Question
from api.pages import case_list, views
from api.pages.case_overview import overview
from api.pages.codes import word_of_field
from api.pages.rendering import ENVIRONMENT
from api.pages.texts import FIELDS, FIELDS_OF_EVENT, field_label
from api.pages.timeline import ANNULLED_MARK, CORRECTED_MARK, LATE, WITHOUT_GATE, Fact, Item, items
from api.pages.times import Parts, Unreadable, note_on, parts_of, read_parts, show_instant, show_length, show_moment
from api.pages.values import PERSON_FIELDS, show_period
from api.reading import BoardLook, CaseLook
from domain.entries import Entry
from domain.events import BY_TOPIC
from projections.board import BoardRow
from tests.api.looks import look_at, look_at_story, questions_of
from tests.story_entries import NAMES, story_entries

FRAME: dict[str, Any] = {"reader": "u-90", "simulated": True, "sections": ()}
STORY = "s6_goes_wrong"
DECISION_DAY = datetime.fromisoformat("2024-08-21T09:00:00+02:00")
MEASURED, CORRECTING, OPENED_INVESTIGATION = 22, 30, 6


def item(look: CaseLook, version: int) -> Item:
    """Return one entry of the timeline."""
    return next(one for one in items(look) if one.version == version)


def fact(shown: Item, label: str) -> Fact:
    """Return one fact of an entry by its Danish name."""
    return next(one for one in (*shown.facts, *shown.technical) if one.label == label)


def text(shown: Fact) -> str:
    """Return the value that holds as text."""
    return ", ".join(piece.text for piece in shown.value.pieces)


def html(look: CaseLook, **options: Any) -> str:
    """Return the case page as it is sent."""
    template = ENVIRONMENT.get_template("case.html")
    top = overview(look, questions_of(look), DECISION_DAY, None, records=False)
    return template.render(**FRAME, page=views.case_page(look, **options), top=top, emergency=None, menu=())


def changed(version: int, **changes: Any) -> tuple[Entry, ...]:
    """Return the story with one entry made otherwise."""
    return tuple(replace(e, **changes) if e.version == version else e for e in story_entries(STORY))


def added(topic: str, data: dict[str, Any], **changes: Any) -> tuple[Entry, ...]:
    """Return the story with one more entry."""
    entries = story_entries(STORY)
    version = len(entries) + 1
    return (*entries, replace(entries[-1], version=version, position=version, topic=topic, data=data, **changes))


class TestTyping:
    """What people type for an instant."""

    @pytest.mark.parametrize("clock", ["9.00", "09.00", "09:00", "09.00.00", " 09.00 "])
    def test_a_copenhagen_time_becomes_an_instant(self, clock: str) -> None:
        assert read_parts(Parts("21", "8", "2024", clock)) == datetime(2024, 8, 21, 7, 0, tzinfo=UTC)

    def test_nothing_typed_asks_for_now(self) -> None:
        assert read_parts(Parts("", " ", "", "")) is None

    @pytest.mark.parametrize(
        ("clock", "expected", "season"),
        [
            ("02.30", "2026-10-25T01:30:00Z", "vintertid"),
            ("02.30 vintertid", "2026-10-25T01:30:00Z", "vintertid"),
            ("02.30 Sommertid", "2026-10-25T00:30:00Z", "sommertid"),
        ],
    )
    def test_an_hour_that_exists_twice_is_the_later_one_unless_said(
        self, clock: str, expected: str, season: str
    ) -> None:
        instant = read_parts(Parts("25", "10", "2026", clock))
        assert instant == datetime.fromisoformat(expected)
        assert season in (note_on(instant) or "")
        assert read_parts(parts_of(instant)) == instant

    def test_an_hour_that_never_was_is_refused(self) -> None:
        with pytest.raises(Unreadable, match=r"Klokken 02\.30 fandtes ikke den 29-03-2026"):
            read_parts(Parts("29", "03", "2026", "02:30"))

    @pytest.mark.parametrize(
        ("parts", "message"),
        [
            (Parts("31", "02", "2025", "09.00"), "Den 31-02-2025 findes ikke"),
            (Parts("1", "13", "2025", "09.00"), "findes ikke"),
            (Parts("", "02", "2025", "09.00"), "dag og måned"),
            (Parts("¹", "02", "2025", "09.00"), "dag og måned"),
            (Parts("1", "02", "25", "09.00"), "fire cifre"),
            (Parts("1", "02", "0001", "09.00"), "fire cifre"),
            (Parts("1", "02", "2025", ""), "klokkeslættet"),
            (Parts("1", "02", "2025", "24.00"), "23.59"),
            (Parts("1", "02", "2025", "2 pm"), "23.59"),
            (Parts("1", "02", "2025", "02.30 sommertid"), "to gange"),
        ],
    )
    def test_what_is_no_instant_is_explained(self, parts: Parts, message: str) -> None:
        with pytest.raises(Unreadable, match=message):
            read_parts(parts)

    def test_the_form_keeps_what_was_typed_beside_the_message(self) -> None:
        query = {"known_at_day": "31", "known_at_month": "2", "known_at_year": "2025", "known_at_clock": "9"}
        sent = views.read_form("/sager/x", query)
        known, valid = sent.form.fields
        assert sent.question is None
        assert known.parts == Parts("31", "2", "2025", "9")
        assert known.error
        assert valid.error is None
        assert views.read_form("/sager/x", {"known_at_day": ""}).question == Question()

    def test_the_canonical_address_carries_utc_instants(self) -> None:
        assert views.address("/sager/x", Question(DECISION_DAY), order="newest") == (
            "/sager/x?known_at=2024-08-21T07:00:00Z&order=newest"
        )
        assert views.address("/sager/x", Question()) == "/sager/x"

    def test_the_end_of_the_calendar_does_not_break_the_form(self) -> None:
        end = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
        assert views.form_of("/sager", Question(end)).fields[0].parts == Parts()


class TestWords:
    """Labels, codes, times and lengths."""

    def test_every_field_of_every_event_has_a_danish_name(self) -> None:
        names = {name for event in BY_TOPIC.values() for name in event.model_fields}
        assert names == set(FIELDS)
        assert names >= PERSON_FIELDS
        assert all(BY_TOPIC[topic].model_fields[name] for topic, name in FIELDS_OF_EVENT)
        assert field_label("visit_held", "occurred_at") == "Hændt"

    def test_every_event_has_a_danish_name(self) -> None:
        assert all(event.LABEL_DA for event in BY_TOPIC.values())

    @pytest.mark.parametrize(
        ("field", "code", "shown"),
        [
            ("channel", "phone", "telefon"),
            ("channel", "pigeon", "pigeon"),
            ("scope", "programme:smaaboernsteam_001", "program: Småbørnsteam"),
            ("participants", "coordinator:u-61", "koordinator: u-61"),
            ("decision", "dec-6:a", "dec-6:a"),
        ],
    )
    def test_codes_are_put_into_words_and_unknown_ones_left(self, field: str, code: str, shown: str) -> None:
        assert word_of_field(field, code) == shown

    @pytest.mark.parametrize(
        ("period", "shown"),
        [("P6M", "6 måneder"), ("P1Y", "1 år"), ("P1W", "1 uge"), ("P2M..P1Y", "2 måneder til 1 år"), ("P", "P")],
    )
    def test_periods_are_put_into_words(self, period: str, shown: str) -> None:
        assert show_period(period) == shown

    def test_instants_are_shown_in_copenhagen_time(self) -> None:
        assert show_instant(DECISION_DAY) == "21-08-2024 kl. 09.00"
        assert show_instant(DECISION_DAY.replace(second=7)) == "21-08-2024 kl. 09.00.07"
        assert show_instant(datetime(2026, 10, 25, 0, 30, tzinfo=UTC)) == "25-10-2026 kl. 02.30 (sommertid)"
        assert show_moment(date(2024, 8, 21)) == "21-08-2024"

    @pytest.mark.parametrize(
        ("length", "shown"),
        [
            (timedelta(days=97, hours=7, minutes=15), "97 dage og 7 timer"),
            (timedelta(days=1, hours=1), "1 dag og 1 time"),
            (timedelta(days=3), "3 dage"),
            (timedelta(minutes=5), "under en time"),
        ],
    )
    def test_lengths_are_days_and_hours(self, length: timedelta, shown: str) -> None:
        assert show_length(length) == shown


class TestTimeline:
    """The entries of a case beside what became of them."""

    def test_a_corrected_value_is_struck_and_the_correction_linked(self) -> None:
        look = look_at_story(STORY)
        shown = fact(item(look, MEASURED), "Resultat")
        assert [value.pieces[0].text for value in shown.struck] == ["4"]
        assert text(shown) == "3"
        change = shown.changes[0]
        assert (change.link, change.reason) == (f"#v{CORRECTING}", "typing error; paper form shows 3")
        assert CORRECTED_MARK in item(look, MEASURED).marks
        page = html(look)
        assert re.search(r"<del>.*?4.*?</del>\s*<ins>.*?3.*?</ins>", page)
        assert f'href="#v{CORRECTING}"' in page
        assert f'id="v{CORRECTING}"' in page

    def test_before_the_correction_was_recorded_nothing_is_struck(self) -> None:
        shown = fact(item(look_at_story(STORY, Question(DECISION_DAY)), MEASURED), "Resultat")
        assert (text(shown), shown.struck, shown.changes) == ("4", (), ())

    def test_an_annulled_correction_is_told_and_does_not_count(self) -> None:
        entries = added("entry_annulled", {"annuls": CORRECTING, "reason": "wrong form"})
        look = look_at(entries)
        shown = fact(item(look, MEASURED), "Resultat")
        assert (text(shown), shown.struck, shown.changes[0].in_force) == ("4", (), False)
        assert CORRECTED_MARK not in item(look, MEASURED).marks
        assert ANNULLED_MARK in item(look, CORRECTING).marks

    def test_an_annulled_entry_is_struck_with_the_reason(self) -> None:
        entries = added("entry_annulled", {"annuls": OPENED_INVESTIGATION, "reason": "wrong case"})
        shown = item(look_at(entries), OPENED_INVESTIGATION)
        assert shown.annulled is not None
        assert (shown.annulled.in_force, shown.annulled.reason) == (True, "wrong case")
        page = html(look_at(entries))
        assert "<del>Børnefaglig undersøgelse iværksat</del>" in page
        assert "Begrundelse: wrong case" in page

    def test_a_corrected_time_moves_the_entry_and_stays_visible(self) -> None:
        data = {"corrects": 24, "field": "occurred_at", "old": None, "new": "2024-05-01", "reason": "calendar"}
        look = look_at(added("entry_corrected", data))
        shown = item(look, 24)
        assert text(shown.happened) == "01-05-2024"
        assert shown.happened.struck[0].pieces[0].text == "14-05-2024 kl. 09.30"
        versions = [one.version for one in items(look)]
        assert versions.index(24) < versions.index(17)

    def test_a_late_entry_is_marked_with_its_lag(self) -> None:
        look = look_at_story(STORY)
        shown = item(look, 24)
        assert LATE in shown.marks
        assert shown.late_by == "97 dage og 7 timer"
        assert item(look, 2).late_by is None

    def test_an_entry_reported_without_its_gate_is_marked(self) -> None:
        look = look_at(changed(26, reported_without_gate=True))
        assert WITHOUT_GATE in item(look, 26).marks

    def test_erased_texts_are_said_to_be_erased(self) -> None:
        data = {"decision": "dec-6", "outcome": "grant", "legal_basis": "x"}
        look = look_at(changed(26, data=data, sealed=("purpose", "@reason"), erased=("purpose", "@reason")))
        shown = item(look, 26)
        assert text(fact(shown, "Formål")) == "slettet"
        assert text(fact(shown, "Begrundelse for registreringen")) == "slettet"

    def test_texts_whose_key_is_missing_are_not_said_to_be_erased(self) -> None:
        data = {"decision": "dec-6", "outcome": "grant", "legal_basis": "x"}
        look = look_at(changed(26, data=data, sealed=("purpose", "@reason"), unreadable=("purpose", "@reason")))
        shown = item(look, 26)
        assert text(fact(shown, "Formål")) == "kan ikke læses: nøglen mangler"
        assert text(fact(shown, "Begrundelse for registreringen")) == "kan ikke læses: nøglen mangler"

    def test_an_erased_correction_keeps_its_place(self) -> None:
        data = {"corrects": 24, "field": "observations", "sealed_for": "child-F"}
        sealed = ("old", "new", "reason")
        look = look_at(added("entry_corrected", data, sealed=sealed, erased=sealed))
        shown = fact(item(look, 24), "Iagttagelser")
        assert (shown.struck, shown.changes[0].reason) == ((), "slettet")
        assert text(fact(item(look, 40), "Ny værdi")) == "slettet"

    def test_references_are_links_and_persons_have_names(self) -> None:
        look = look_at_story(STORY)
        links = [piece.link for piece in fact(item(look, 26), "Oplysninger, der lægges vægt på").value.pieces]
        assert links == ["#v17", "#v22", "#v24"]
        assert text(fact(item(look, 9), "Givet af")).startswith("Fie Eksempel (")
        unborn = item(look_at_story("s1_spaed_smaa_000"), 12)
        assert any("ufødt barn af Alma Eksempel" in text(one) for one in unborn.facts)

    def test_a_person_whose_name_was_erased_keeps_the_role(self) -> None:
        assert text(fact(item(look_at(story_entries(STORY)), 9), "Givet af")).startswith("navn slettet (")

    def test_only_what_had_happened_is_shown_and_no_link_leads_nowhere(self) -> None:
        cut = datetime.fromisoformat("2024-06-01T00:00:00+02:00")
        look = look_at_story(STORY, Question(DECISION_DAY, cut))
        shown = {one.version for one in items(look)}
        assert 24 in shown
        assert not shown & {18, 19, 22, 30}
        page = html(look)
        targets = set(re.findall(r'href="#v(\d+)"', page))
        assert targets <= {str(version) for version in shown}
        assert " af 26 hændelser" in page

    def test_every_story_is_shown_without_dead_links(self) -> None:
        for name in NAMES:
            page = html(look_at_story(name), newest_first=True)
            assert set(re.findall(r'href="(#[^"]+)"', page)) <= {f"#{i}" for i in re.findall(r' id="([^"]+)"', page)}
            assert len(re.findall(r' id="([^"]+)"', page)) == len(set(re.findall(r' id="([^"]+)"', page)))
            assert "None" not in page

    def test_newest_first_is_the_other_way_round(self) -> None:
        look = look_at_story(STORY)
        assert views.case_page(look, newest_first=True).items == tuple(reversed(views.case_page(look).items))


class TestCasePage:
    """The page around the timeline."""

    def test_the_banner_counts_what_was_recorded_later(self) -> None:
        banner = views.case_page(look_at_story(STORY, Question(DECISION_DAY))).banner
        assert banner is not None
        assert banner.title == "Du ser sagen, som den var registreret 21-08-2024 kl. 09.00."
        later = "26 af 39 hændelser var registreret. 13 hændelser er registreret senere; 1 af dem var hændt inden da."
        assert banner.details == (later, views.JUDGED_NOW)
        assert views.case_page(look_at_story(STORY)).banner is None

    def test_what_people_wrote_is_text_and_never_markup(self) -> None:
        data = {"kind": "home_visit", "observations": '<script>alert("x")</script>\n4. marts', "about": "child-F"}
        page = html(look_at(changed(24, data=data), names={"parent-F": "<b>Fie</b> Eksempel"}))
        assert "<script" not in page
        assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;\n4. marts" in page
        assert "&lt;b&gt;Fie&lt;/b&gt; Eksempel" in page

    def test_a_text_is_never_taken_for_a_code(self) -> None:
        data: dict[str, Any] = {"notification": 2, "participants": [], "new_person": "u-1", "outcome": "grant"}
        entries = changed(3, topic="notification_reassessed", data=data)
        assert text(fact(item(look_at(entries), 3), "Udfald")) == "grant"

    def test_numbers_are_shown_the_danish_way(self) -> None:
        data = {"enrolment": "enr-6", "hours_per_week": "37.5"}
        look = look_at(changed(24, topic="support_level_set", data=data))
        assert text(fact(item(look, 24), "Timer om ugen")) == "37,5"

    def test_no_scripts_no_inline_styles_and_the_language(self) -> None:
        page = html(look_at_story(STORY))
        assert '<html lang="da">' in page
        assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|https?://", page)

    def test_the_proof_box_says_what_was_checked(self) -> None:
        proof = views.case_page(look_at_story(STORY)).proof
        assert proof.sentence == "39 af 39 hændelser kontrolleret uændret"
        assert "".join(proof.root) == bytes(range(32)).hex()
        page = html(look_at_story(STORY))
        assert "Simuleret ur" in page
        assert "caseledger verify" in page
        assert "opslag 4711" in page

    def test_faults_are_loud_and_named(self) -> None:
        page = html(look_at_story(STORY, faults=2))
        assert "2 af 39 hændelser er ikke, som de blev registreret" in page
        assert 'role="alert"' in page
        assert "Nr. 2, hændelse 2" in page


class TestBoard:
    """The list of cases."""

    def test_cases_are_sorted_by_number_and_keep_the_instant(self) -> None:
        look = look_at_story(STORY, Question(DECISION_DAY))
        rows = tuple(
            BoardRow(look.file.case, {**look.state, "number": number}, known_from=12) for number in ("S9", "S1")
        )
        page = views.board_page(
            BoardLook(AsOf(look.question, 26, None), 99, 20, rows, None), {row.case for row in rows}, "abc"
        )
        assert [line.number for line in page.lines] == ["S1", "S9"]
        assert str(page.lines[0].address).endswith("?known_at=2024-08-21T07:00:00Z")
        assert page.following == "/sager?known_at=2024-08-21T07:00:00Z&cursor=abc"
        assert page.behind
        shown = ENVIRONMENT.get_template("cases.html").render(
            **FRAME, page=page, notices=(), filters=case_list.form({}, Question())
        )
        assert "beregnet til hændelse 20" in shown
        assert "opslag 99" in shown
        assert "Simuleret ur" in shown


def test_the_cells_of_a_table_carry_their_headings() -> None:
    """In each row anew, past cells that span several columns, and never as markup."""
    table = ENVIRONMENT.from_string(
        "{% set table %}<thead><tr>{% for one in heads %}"
        '<th scope="col">{{ one }}</th>{% endfor %}</tr></thead>'
        '<tbody><tr class="x"><th scope="row">1</th><td class="y">2</td></tr>'
        '<tr><td colspan="2">3</td><td>4</td><td>5</td></tr></tbody>{% endset %}{{ table|labelled }}'
    )
    assert re.findall(r"<td[^>]*>", table.render(heads=("A", '<b "', "C"))) == [
        '<td data-label="&lt;b &#34;" class="y">',
        '<td data-label="A" colspan="2">',
        '<td data-label="C">',
        "<td>",
    ]
