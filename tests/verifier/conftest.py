"""Fixtures: a bundle of a case story, made from a decision that grants access, and what belongs to it."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.proof.signer import FileSigner
from replay.bundle import Bundle, Wish
from tests.conftest import Server, Template, clone
from tests.verifier.bundles import Files, bundle_of, case_named, files_of, published, version_of, vkey_of

STORY, ANSWER = "S4", 0


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle, the files in it, and the signer of its log."""

    bundle: Bundle
    signer: FileSigner
    folder: Path

    @property
    def files(self) -> Files:
        """The files in the bundle."""
        return files_of(self.bundle.content)

    @property
    def key(self) -> str:
        """The log's public key."""
        return vkey_of(self.signer)


@pytest.fixture(scope="module")
def made(server: Server, stories_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Generator[Made]:
    """A bundle of story 4 by the answer that grants the mother access to her data."""
    folder = tmp_path_factory.mktemp("bundle")
    for place in clone(server, stories_template, folder / "home"):
        with place.ledger() as ledger:
            signer = published(place, ledger, folder / "signer")
            case = case_named(ledger, STORY)
            answer = version_of(ledger, case, "access_request_answered", ANSWER)
            yield Made(bundle_of(ledger, Wish(case, answer=answer)), signer, folder)
