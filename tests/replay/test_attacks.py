"""Attacks on the record, each carried out: who notices, by which check, and that nothing else is needed."""

import os
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from replay.verify import verify_ledger, verify_since
from tests.conftest import Server, Template, clone
from tests.replay.attacks import ATTACKS, Attack, threats_table
from tests.replay.scene import Prepared, opened, prepare


@pytest.fixture(scope="module")
def prepared(server: Server, real_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Prepared]:
    """A published and witnessed ledger, and its backup."""
    home = tmp_path_factory.mktemp("attacked") / "now"
    for place in clone(server, real_template, home):
        prepared = prepare(server, replace(place, home=home))
        yield prepared
        server.drop(prepared.backup.database)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name.replace(" ", "-"))
def test_an_attack_is_noticed_by_those_it_says(
    server: Server, prepared: Prepared, tmp_path: Path, attack: Attack
) -> None:
    """Each attack is carried out; exactly these parties notice, by exactly these checks."""
    template = prepared.backup if attack.on == "backup" else prepared.now
    for place in clone(server, template, tmp_path / "home"):
        with opened(replace(place, home=tmp_path / "home"), prepared.outside) as scene:
            attack.act(scene)
            assert scene.notices() == attack.notices


@pytest.mark.parametrize("state", ["now", "backup"])
def test_without_an_attack_nobody_notices_anything(
    server: Server, prepared: Prepared, tmp_path: Path, state: str
) -> None:
    """What is attacked is intact before: with key and policy, since the kept checkpoint, and for every receipt."""
    template = prepared.now if state == "now" else prepared.backup
    for place in clone(server, template, tmp_path / "home"):
        with opened(replace(place, home=tmp_path / "home"), prepared.outside) as scene:
            report = verify_ledger(scene.ledger, trust=prepared.outside.trust)
            assert (report.intact, report.unpublished) == (True, 0)
            assert report.witnessed == report.size == len(scene.rows)
            since = verify_since(scene.ledger, prepared.outside.kept, trust=prepared.outside.trust)
            assert since.intact
            assert since.events == report.events - prepared.outside.kept.checkpoint.size
            if state == "now":
                assert scene.notices() == {}


def test_the_table_in_the_documentation_is_the_one_of_the_code() -> None:
    """Write it anew with CASELEDGER_FREEZE=1."""
    page = Path(__file__).parents[2] / "docs" / "attacks.md"
    begin, end = "<!-- written from tests/replay/attacks.py -->\n", "<!-- end -->"
    head, _, rest = page.read_text(encoding="utf-8").partition(begin)
    if os.environ.get("CASELEDGER_FREEZE") == "1":
        page.write_text(f"{head}{begin}{threats_table()}{end}{rest.partition(end)[2]}", encoding="utf-8")
    assert threats_table() in page.read_text(encoding="utf-8")
