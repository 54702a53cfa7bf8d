"""What a release leaves out: cases erased or restricted, entries withheld, events that cannot be read."""

from collections.abc import Generator
from pathlib import Path
from uuid import UUID

import pytest

from api.opening import Place
from ledger.format import Segment, segment_table
from ledger.store import Ledger
from replay.pseudonyms import Pseudonyms
from tests.ledger.samples import appended, fact, one
from tests.replay.releasing import ask, follow, make, manifest, release_key

pytestmark = pytest.mark.slow


class TestLeftOut:
    """What was erased, restricted or withheld leaves in no past."""

    @pytest.fixture
    def opened(self, stories: Place) -> Generator[Ledger]:
        """The six stories, to be written to."""
        with stories.ledger() as opened:
            yield opened

    def cases(self, ledger: Ledger) -> list[UUID]:
        """Return the cases of a ledger."""
        return [row.stream for row in ledger.read_topic("case_opened")]

    def test_cases_erased_or_restricted_are_left_out_and_counted(
        self, stories: Place, opened: Ledger, tmp_path: Path
    ) -> None:
        """Of an erased case the erasure stays, of a restricted one nothing; also where the past is asked about."""
        before = opened.now()
        erased, restricted, *others = self.cases(opened)
        many, some = (len(opened.read_stream(case)) for case in (erased, restricted))
        event = fact("personal_data_erased", basis="x", approved_by="u-2", scope="case", ground="unlawful")
        closed = fact("case_restricted", category="x", allowed="u-1", review_by="2030-01-01")
        appended(opened.append_now(one(erased, None, event)))
        appended(opened.append_now(one(restricted, None, closed)))
        follow(stories)
        tables = {"personal_data_erased", "visit_held", "case_state"}
        make(opened, tmp_path / "now", tables=tables)
        make(opened, tmp_path / "then", known_at=before, tables=tables)
        left_out = manifest(tmp_path / "now")["left_out"]
        assert (left_out["erased_cases"], left_out["events_of_erased_cases"]) == (1, many + 1)
        assert left_out["events_of_restricted_cases"] == some + 1
        assert len(ask(tmp_path / "now", "SELECT * FROM events.personal_data_erased")) == 1
        for folder in (tmp_path / "now", tmp_path / "then"):
            key = Pseudonyms(release_key(opened, folder))
            shown = {row[0] for row in ask(folder, "SELECT DISTINCT case_id FROM views.case_state")}
            assert shown == {key.ids[str(case)] for case in others}
            assert key.ids[str(erased)] not in str(ask(folder, "SELECT * FROM events.visit_held"))

    def test_an_entry_withheld_is_in_no_past(self, stories: Place, opened: Ledger, tmp_path: Path) -> None:
        """An entry of another person's, once annulled as such, is gone from events and from every remembered row."""
        case = next(row.stream for row in opened.read_topic("screening_recorded"))
        screening = next(row for row in opened.read_stream(case) if row.topic == "screening_recorded")
        annulled = fact("entry_annulled", annuls=screening.version, kind="wrong_person")
        follow(stories)
        tables = {"screening_recorded", "case_state"}
        make(opened, tmp_path / "before", tables=tables)
        appended(opened.append_now(one(case, None, annulled)))
        follow(stories)
        make(opened, tmp_path / "after", tables=tables)
        counted = "SELECT count(*) FROM events.screening_recorded"
        assert ask(tmp_path / "after", counted)[0][0] == ask(tmp_path / "before", counted)[0][0] - 1
        assert manifest(tmp_path / "after")["left_out"]["withheld_events"] == 1
        key = Pseudonyms(release_key(opened, tmp_path / "after")).ids[str(case)]
        outcomes = "SELECT count(screening_outcome), count(*) FROM views.case_state WHERE case_id = $case"
        with_it, rows = ask(tmp_path / "before", outcomes, case=key)[0]
        assert with_it > 0
        assert ask(tmp_path / "after", outcomes, case=key)[0][0] == 0
        assert ask(tmp_path / "after", outcomes, case=key)[0][1] >= rows - 1

    def test_an_event_that_cannot_be_read_is_named(self, stories: Place, opened: Ledger, tmp_path: Path) -> None:
        """It is missing, and the manifest says which; nothing is passed over in silence."""
        follow(stories)
        event = fact("visit_held", kind="home_visit")
        clear = event.state.replace(b'"schema":1', b'"schema":9')
        assert len(clear) == len(event.state)
        case = self.cases(opened)[0]
        strange = type(event)(event.topic, event.blind, segment_table([Segment.clear(clear)]), clear, event.actor)
        position = appended(opened.append_now(one(case, None, strange))).last_position
        another = fact("visit_held", kind="home_visit", number="many")
        beside = appended(opened.append_now(one(case, None, another))).last_position
        done = make(opened, tmp_path / "release", tables={"visit_held"})
        assert manifest(tmp_path / "release")["left_out"]["unreadable_events"] == [position, beside]
        assert done.unreadable == 2
        visits = ask(tmp_path / "release", "SELECT count(*) FROM events.visit_held")[0][0]
        assert visits == len(opened.read_topic("visit_held")) - 2
