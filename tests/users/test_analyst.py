"""The analyst: asks the past, explains numbers, is told no names. What they do, on the command line and in pages."""

import re
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import duckdb
import httpx2
import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from domain.events.retention import PersonalDataErased
from ledger.mapper import read_clear
from tests.api.browser import BROWSER, DESKTOP, PHONE, chromium, overflow, picture, reading, sign_in, words
from tests.api.client import ALMA, ASTA, assessment, command, note
from tests.api.erasing import RETENTION, SUPERVISOR, erase, kept_long_enough, propose
from tests.api.service import ROOT, Command, environment
from tests.api.test_feed import received, rest, streaming
from tests.conftest import Server, Template
from tests.ledger.samples import appended, connected, fact, one
from tests.users.analyst_site import ANALYST, CASEWORKER, MANY, Site, files, follows, manifest, objects, site, table

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no browser: install chromium to see the pages in one"),
]
on_both = pytest.mark.parametrize(("name", "viewport"), [("phone", PHONE), ("desktop", DESKTOP)])

MARCH, JULY = "2025-03-31T23:59:59+02:00", "2025-07-31T23:59:59+02:00"
EVENT_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'events'"
NOTIFICATION = {"notifier_kind": "professional", "identity_known": True, "channel": "digital", "about": ["child-A"],
                "subject": ["child-A"], "received_at": "2026-03-04T14:00:00+01:00"}  # fmt: skip
LAW = "barnets lov § 32 stk. 1 nr. 5"
MOTHER = ALMA | {"identifier": "610199-0003"}
IN_MARCH, IN_JULY = "2025-03-31T21:59:59Z", "2025-07-31T21:59:59Z"


@pytest.fixture(scope="module")
def place(server: Server, simulated_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """The ledger, the service over it and the command line beside it."""
    with site(server, simulated_template, tmp_path_factory.mktemp("analyst")) as made:
        yield made


@pytest.fixture(scope="module")
def release(place: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of all that is on record."""
    folder = tmp_path_factory.mktemp("release") / "all"
    place.replay("export", folder, "--release", "all")
    return folder


@pytest.fixture(scope="module")
def browser(place: Site, release: Path) -> Generator[Browser]:
    """The browser, started after everything that needs an event loop of its own."""
    del release
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser, place: Site, viewport: ViewportSize) -> Generator[Page]:
    """A window in which the analyst has signed in."""
    with reading(browser, place.service.url, viewport) as opened:
        sign_in(opened, ANALYST)
        yield opened


def fits(page: Page, name: str) -> str:
    """Return what a page says, having kept a picture of it and seen that it fits its window."""
    picture(page, f"analyst-{name}")
    assert overflow(page) == 0
    return words(page)


def ask(folder: Path, question: str) -> list[tuple[Any, ...]]:
    """Ask the DuckDB file of a release, as the analyst does."""
    with duckdb.connect(str(folder / "release.duckdb"), read_only=True) as connection:
        return connection.execute(question).fetchall()


def test_analyst_01_replay_to_a_date(place: Site, tmp_path: Path) -> None:
    """The end of March comes out as files with a manifest; the second run does not differ by a byte."""
    said = place.replay("export", tmp_path / "first", "--known-at", MARCH, "--release", "2025-q1")
    assert "rows as recorded at position" in said
    place.replay("export", tmp_path / "second", "--known-at", MARCH, "--release", "2025-q1")
    assert files(tmp_path / "first") == files(tmp_path / "second")
    told = manifest(tmp_path / "first")
    assert told["tree"]["size"] == told["position"]
    assert re.fullmatch("[0-9a-f]{64}", told["tree"]["root"])
    assert told["code"]["caseledger"]
    assert {"statute", "smaaboernsteam_001"} <= {book["book"] for book in told["rule_books"]}
    for topic in ("note_recorded", "entry_corrected", "case_opened"):
        assert ask(tmp_path / "first", f"SELECT max(recorded_at) <= TIMESTAMPTZ '{MARCH}' FROM events.{topic}") == [
            (True,)
        ]
    assert place.replay("export", tmp_path / "first", "--check").endswith("all as they were written\n")


@on_both
def test_analyst_02_explain_changed_numbers(place: Site, page: Page, name: str) -> None:
    """Every clock that says something else than it did is explained by kind and entry, here and on the command line."""
    page.goto(f"/sammenlign?from={IN_MARCH}&to={IN_JULY}&view=deadlines")
    text = fits(page, f"{name}-02-compare")
    found = re.search(r"(\d+) forskelle, alle forklaret", text)
    assert found, text
    assert "preliminary" not in text
    for kind in ("berigtigelse", "efterregistrering", "ny hændelse", "tiden er gået"):
        assert kind in text
    if name == "phone":
        return
    *_, counts = objects(place.replay("compare", "--from", MARCH, "--to", JULY, "--json"))
    assert (counts["unexplained"], counts["explained"]) == (0, int(found[1]))
    lines = place.replay("compare", "--from", MARCH, "--to", JULY)
    assert re.search(r"because correction: entry \d+, EntryCorrected at position \d+", lines)
    assert re.search(r"because late entry: entry \d+, NotificationAcuteAssessed at position \d+", lines)


def test_analyst_03_late_entry_profile(release: Path, tmp_path: Path) -> None:
    """How late each kind of entry was written down, by unit, as a table; no ledger and no keys are there."""
    alone = Command(environment("postgresql://nowhere.invalid/none", tmp_path / "none"))
    rows = table(alone.done("replay", "counts", release, "recording", "--subject", "consultation_given"))
    (unit,) = {row["unit"] for row in rows} - {"all"}
    assert re.fullmatch("o-[0-9a-f]{16}", unit)
    profile = {row["outcome"]: row["count"] for row in rows if (row["unit"], row["quarter"]) == (unit, "all")}
    assert profile == {"later": str(MANY), "same_day": str(MANY)}
    whole = table(alone.done("replay", "counts", release, "recording"))
    assert len({row["subject"] for row in whole}) > 20
    assert all(row["count"] == "hidden" or int(row["count"]) >= 5 for row in whole)
    assert any(row["count"] == "hidden" for row in whole)
    _, said = alone.refused("replay", "counts", release, "moods")
    assert "there are cases, compliance, deadlines, findings, recording" in said


@on_both
def test_analyst_04_deadline_compliance(place: Site, page: Page, name: str, tmp_path: Path) -> None:
    """Each clock counts under the rules and calendar of its day: a new version moves nothing of what was."""
    address = f"/ledelse/frister?known_at={IN_JULY}"
    page.goto(address)
    before = fits(page, f"{name}-04-clocks")
    if name == "phone":
        return
    shipped = (ROOT / "domain" / "rule_books" / "statute.toml").read_text("utf-8")
    changed = shipped.replace('version = "1"', 'version = "2"', 1).replace("{ n = 24,", "{ n = 4800,", 1)
    changed = changed.replace('id = "UND-24H"\nversion = 1', 'id = "UND-24H"\nversion = 2', 1)
    (tmp_path / "statute.toml").write_text(changed, "utf-8")
    place.command.done("rules", "adopt", tmp_path / "statute.toml")
    with place.api.acting_as(CASEWORKER) as caseworker:
        for _ in range(MANY):
            caseworker.open_case(command("NotificationReceived", NOTIFICATION), persons=[ALMA, ASTA])
    follows(place.api)
    page.goto(address)
    assert without_look(words(page)) == without_look(before)
    place.replay("export", tmp_path / "release", "--release", "compliance")
    rows = table(place.replay("counts", tmp_path / "release", "compliance", "--subject", "UND-24H"))
    assert {row["rules"] for row in rows} == {"all", "statute 1, dk-1", "statute 2, dk-1"}
    assert {(row["subject"], row["rules"]) for row in rows if row["rules"] != "all"} == {
        ("UND-24H v1", "statute 1, dk-1"),
        ("UND-24H v2", "statute 2, dk-1"),
    }
    counted = {row["count"] for row in rows if row["subject"] == "UND-24H v2" and row["rules"] == "all"}
    assert counted == {str(MANY)}
    moved = (
        "SELECT count(*) FROM views.deadlines WHERE rule = 'UND-24H' AND rule_version = 2 AND minutes_allowed = 1440"
    )
    assert ask(tmp_path / "release", moved) == [(0,)]


def test_analyst_05_cohort_without_names(place: Site, release: Path, tmp_path: Path) -> None:
    """Pseudonyms hold within a release and differ from the next; small cells are hidden; each release is on record."""
    place.replay("export", tmp_path / "other", "--release", "other", "--tables", "case_state,case_opened")
    cohort = "SELECT case_id FROM views.case_state WHERE programme = 'smaaboernsteam_001' AND known_to IS NULL"
    mine, others = set(ask(release, cohort)), set(ask(tmp_path / "other", cohort))
    assert len(mine) > MANY
    assert others
    assert not mine & others
    assert mine <= set(ask(release, "SELECT case_id FROM events.case_opened"))
    whole = (
        b"".join(files(release).values())
        + "".join(str(ask(release, f'FROM events."{name}"')) for (name,) in ask(release, EVENT_TABLES)).encode()
    )
    for identity in ("Eksempel", ASTA["identifier"], str(ASTA["identifier"]).replace("-", ""), CASEWORKER):
        assert identity.encode() not in whole
    shown = ask(release, "SELECT count FROM aggregates.cases_by_quarter WHERE count IS NOT NULL")
    assert shown
    assert all(count >= 5 for (count,) in shown)
    with place.place.ledger() as ledger:
        made = [read_clear(row).data for row in ledger.read_topic("exported")]
    told = {one["recipient"]: one["purpose"] for one in made if one["what"] == "analyst_release"}
    assert (told["all"], told["other"]) == ("statistics", "statistics")


def test_analyst_06_subscribe(place: Site) -> None:
    """The feed is read, cut off, and gone on with: no gap, nothing twice, and the view is what a replay gives."""
    _, begin = rest(place.api)
    with place.api.acting_as(CASEWORKER) as caseworker:
        cases = [caseworker.open_case(note(), note()) for _ in range(4)]
    kept: list[tuple[str, str]] = []
    with suppress(httpx2.HTTPError), streaming(place.api, begin) as response:
        for cursor, event in received(response):
            if event is not None:
                kept.append((cursor, event["id"]))
            if len(kept) == 5:
                break
    with streaming(place.api, kept[-1][0]) as response:
        for cursor, event in received(response):
            if event is not None:
                kept.append((cursor, event["id"]))
            if len(kept) == 12:
                break
    whole, _ = rest(place.api, begin)
    mine = [one["id"] for one in whole if one["subject"].partition("/")[0] in cases]
    assert [position for _, position in kept] == mine
    assert len(set(mine)) == 12
    follows(place.api)
    assert ": 0 of " in place.replay("verify", "case_state")


def test_analyst_07_new_projection(place: Site, tmp_path: Path) -> None:
    """One file with a view runs over old forms of events, far from production, and says which upcasters it went by."""
    (tmp_path / "my_view.py").write_text(_example(), "utf-8")
    with place.place.ledger() as ledger:
        case = next(row.stream for row in ledger.read_topic("case_opened"))
        appended(ledger.append_now(one(case, None, fact("visit_held", kind="home_visit"))))
        held = len(list(ledger.read_topic("visit_held")))
    place.replay("working", tmp_path / "working", "--shares", "2")
    sandbox = Command(environment("postgresql://nowhere.invalid/none", tmp_path / "none"))
    words_of_try = ("replay", "try", tmp_path / "my_view.py", tmp_path / "working")
    said = sandbox.done(*words_of_try, "-o", tmp_path / "rows.jsonl")
    assert re.match(r"visits: \d+ rows of \d+ keys from \d+ events, sha256 [0-9a-f]{64}\n", said)
    assert "upcast visit_held from version 1 to " in said
    assert said == sandbox.done(*words_of_try)
    rows = objects((tmp_path / "rows.jsonl").read_text("utf-8"))
    assert sum(row["value"]["visits"] for row in rows if row["known_to"] is None) == held
    (tmp_path / "broken.py").write_text("VIEW = 1 / 0\n", "utf-8")
    _, refused = sandbox.refused("replay", "try", tmp_path / "broken.py", tmp_path / "working")
    assert "broken.py cannot be run (ZeroDivisionError)" in refused


def test_analyst_08_statutory_extract(place: Site, tmp_path: Path) -> None:
    """The file for the national statistics, and a list of every row that is not in it, with why: none in silence."""
    (tmp_path / "codes.toml").write_text(f'[codes]\n"{LAW}" = "123"\n', "utf-8")
    with place.api.acting_as(CASEWORKER) as caseworker:
        whole = [caseworker.open_case(*measure(), persons=[MOTHER, ASTA]) for _ in range(2)]
        without_parent = caseworker.open_case(*measure(), persons=[ASTA])
        without_code = caseworker.open_case(*measure("barnets lov § 32 stk. 1 nr. 1"), persons=[MOTHER, ASTA])
        numbers = {
            case: caseworker.get(f"/cases/{case}").json()["state"]["number"]
            for case in (*whole, without_parent, without_code)
        }
    said = place.replay("statutory", tmp_path / "dst", "--codes", tmp_path / "codes.toml")
    assert re.search(r": 2 measures reported, \d+ left out\n", said)
    document = ElementTree.parse(tmp_path / "dst" / "L201.xml").getroot()
    assert [row.tag.rpartition("}")[2] for row in document] == ["ForanstaltningStruktur"] * 2
    told = [{value.tag.rpartition("}")[2]: value.text for value in row} for row in document]
    assert {row["UdsatBarnCPRidentifikator"] for row in told} == {"6101990001"}
    assert {row["FormynderCPRidentifikator"] for row in told} == {"6101990003"}
    assert {(row["ForanstaltningKode"], row["ForanstaltningStartDato"]) for row in told} == {("123", "2026-03-04")}
    left = table((tmp_path / "dst" / "left-out.csv").read_text("utf-8"))
    reasons = {(row["case"], row["reason"]) for row in left}
    assert (numbers[without_parent], "no_parent") in reasons
    assert (numbers[without_code], "no_code_for_legal_basis") in reasons
    assert {case for case, _ in reasons} >= {"S1", "S2", "S3", "S4", "S5", "S6"}
    assert f"{len(left)} left out" in said
    with place.place.ledger() as ledger:
        (event,) = [
            one for one in map(read_clear, ledger.read_topic("exported")) if one.data["what"] == "statutory_extract"
        ]
    assert set(event.data["cases"]) == set(whole)
    (tmp_path / "codes.toml").write_text("codes = 7\n", "utf-8")
    _, refused = place.command.refused("replay", "statutory", tmp_path / "other", "--codes", tmp_path / "codes.toml")
    assert "write a table [codes]" in refused


def test_analyst_09_check_a_projection(place: Site) -> None:
    """A sound view differs in nothing; of one that was tampered with the first event and both values are told."""
    follows(place.api)
    assert re.search(r"0 of \d+ rows differ, equal row for row", place.replay("verify", "case_state"))
    pick = "SELECT key, part, known_from FROM view.remembered_v1 WHERE view = 'case_state' ORDER BY known_from LIMIT 1"
    forge = (
        "UPDATE view.remembered_v1 SET value = '\"forged\"' WHERE view = 'case_state' AND key = %s AND known_from = %s"
    )
    with connected(place.place) as connection:
        key, _, known_from = connection.execute(pick.encode()).fetchall()[0]
        connection.execute(forge.encode(), [key, known_from])
    done = place.command("replay", "verify", "case_state")
    assert done.returncode == 1
    assert re.search(r": 1 of \d+ rows differ\n", done.stdout)
    assert re.search(rf"first at  position {known_from}, case_opened \(version \d+ of its form\), entry 1", done.stdout)
    assert 'live view "forged"' in done.stdout
    assert "folded    {" in done.stdout
    place.command("replay", "rebuild", "case_state")
    assert "0 of " in place.replay("verify", "case_state")


def test_analyst_10_after_erasure(browser: Browser, place: Site, tmp_path: Path) -> None:
    """Totals are explained still: a report tells how many cases and events are gone, and what is left adds up."""
    wanted = ("--tables", "case_state")
    with place.api.acting_as(CASEWORKER) as caseworker:
        case = caseworker.open_case(note(), assessment(), *kept_long_enough())
        follows(place.api)
        instant = caseworker.events(case)[-1]["recorded_at"]
        place.replay("export", tmp_path / "before", "--release", "totals", *wanted)
        proposal = propose(caseworker, case, 5, SUPERVISOR, **RETENTION).json()["version"]
        assert erase(caseworker, case, 6, proposal).is_success
    follows(place.api)
    place.replay("export", tmp_path / "after", "--release", "totals", *wanted)
    before, after = manifest(tmp_path / "before")["left_out"], manifest(tmp_path / "after")["left_out"]
    assert after["erased_cases"] == before["erased_cases"] + 1
    count = "SELECT count(DISTINCT case_id) FROM views.case_state"
    ((cases_before,),), ((cases_after,),) = ask(tmp_path / "before", count), ask(tmp_path / "after", count)
    assert cases_after + after["erased_cases"] == cases_before + before["erased_cases"]
    with place.place.ledger() as ledger:
        events = len(ledger.read_stream(UUID(case)))
        assert any(row.topic == PersonalDataErased.TOPIC for row in ledger.read_stream(UUID(case)))
    assert after["events_of_erased_cases"] == before["events_of_erased_cases"] + events
    *_, counts = objects(place.replay("compare", "--from", instant, "--view", "case_state", "--json"))
    assert (counts["unexplained"], counts["erased_cases"]) == (0, 1)
    with reading(browser, place.service.url) as page:
        sign_in(page, ANALYST)
        page.goto(f"/sammenlign?from={instant}&view=case_state")
        while "slettet helt imellem" not in (text := fits(page, "desktop-10-erased")):
            assert "De næste sager er ikke talt med." in text
            page.click("a[rel=next]")
        source = page.content()
    assert "Der er ingen anden forskel end det slettede." in text
    assert "1 sag blev slettet helt imellem; intet af den vises." in text
    assert case not in source


def measure(law: str = LAW) -> list[dict[str, Any]]:
    """Return the birth of a child and a decision that grants support, with its start."""
    birth = {"child": "child-A", "mother": "parent-A"}
    return [
        command("ChildBorn", birth),
        command("DecisionMade", {"decision": "dec-1", "outcome": "grant", "legal_basis": [law]}),
        command("InterventionStarted", {"enrolment": "e-1"}),
    ]


def without_look(text: str) -> str:
    """Return what a page says, but for the number of the look."""
    return re.sub(r"opslag \d+", "", text)


def _example() -> str:
    """Return the view that docs/views.md shows."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "views.md").read_text("utf-8"), re.DOTALL)[0]
