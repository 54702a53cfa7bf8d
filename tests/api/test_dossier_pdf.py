"""The dossier on paper: PDF/A-3a and PDF/UA-1 that says what the record says, as text, the same bytes each time."""

import asyncio
import sys
import time
from collections.abc import Generator
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import orjson
import pytest
from pypdf import PdfReader

from api.case_text import case_named
from api.dossier import DossierMaker, MadeDossier
from api.dossier_pdf import BUNDLE_NAME, DATA_NAME, pdf_of
from api.opening import Place
from api.paper import SHOWN, NoTypst, displayable
from api.principals import command_line_principal
from api.reading import CaseReader
from ledger.proof.publisher import Publisher, default_origin
from ledger.proof.signer import FileSigner
from projections.board import Board
from tests.api.service import Inside
from tests.api.test_dossier import DECISION

TRICKS = {
    "markup": "#strong[fed] *stjerne* _linje_ $x^2$ = Overskrift",
    "template": '{{7*7}} <script>alert(1)</script> #import "x.typ" #read("data.json")',
    "list": "4. marts 2025 var en tirsdag\n- ikke en liste\n+ heller ikke",
    "letters": "æøå ÆØÅ é ü ß – — » « § € ½",
    "scripts": "سلام Привет Ωμέγα שלום",
}


@pytest.fixture(scope="module")
def made(stories_place: Place) -> MadeDossier:
    """The dossier of the sixth story's decision."""
    with stories_place.ledger() as ledger:
        maker = DossierMaker(ledger, CaseReader(ledger, Board(ledger)))
        principal = command_line_principal("test", internal=True)
        return asyncio.run(maker.make(principal, case_named(ledger, "S6"), DECISION))


@pytest.fixture(scope="module")
def stories_place(server: Any, stories_template: Any, tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    """The place of a ledger with the stories that nobody else works on."""
    from tests.conftest import clone

    yield from clone(server, stories_template, tmp_path_factory.mktemp("paper") / "home")


def with_text(made: MadeDossier, text: str) -> MadeDossier:
    """Return a dossier in which a correction has a text as its reason."""
    values = orjson.loads(made.content)
    values["recorded_since"]["changes"][0]["reason"] = text
    return MadeDossier(values, made.content, made.look, made.version)


def read(content: bytes) -> PdfReader:
    """Return a PDF to look into."""
    return PdfReader(BytesIO(content))


def catalogue(reader: PdfReader) -> Any:
    """Return the root of a PDF's objects."""
    return reader.trailer["/Root"]


def words_of(content: bytes) -> str:
    """Return the words of a PDF, without the places where lines may break."""
    text = " ".join(page.extract_text() for page in read(content).pages)
    return "".join(text.replace("\u200b", "").split())


def test_it_says_of_itself_that_it_is_archivable_and_accessible(made: MadeDossier) -> None:
    """PDF/A-3a and PDF/UA-1 in its metadata, tagged, Danish, with a title; nothing in it runs."""
    content = pdf_of(made, b"PK")
    reader = read(content)
    root = catalogue(reader)
    metadata = root["/Metadata"].get_data().decode()
    for said in ("<pdfaid:part>3</pdfaid:part>", "<pdfaid:conformance>A</pdfaid:conformance>", "<pdfuaid:part>1<"):
        assert said in metadata
    assert root["/MarkInfo"]["/Marked"]
    assert root["/StructTreeRoot"]
    assert str(root["/Lang"]).startswith("da")
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata is not None
    assert reader.metadata.title == "Afgørelsesdossier for sag S6, afgørelse dec-6"
    assert not any(name in content for name in (b"/JavaScript", b"/JS ", b"/Launch", b"/OpenAction"))
    kinds = tags(root["/StructTreeRoot"])
    assert {"/H1", "/H2", "/H3", "/Table", "/TH", "/TD", "/P"} <= kinds


def tags(node: Any) -> set[str]:
    """Return the kinds of structure elements below one."""
    found = {str(node["/S"])} if "/S" in node else set[str]()
    below = node.get("/K")
    for one in below if isinstance(below, list) else [below]:  # pyright: ignore
        target = one.get_object() if hasattr(one, "get_object") else one  # pyright: ignore
        if isinstance(target, dict):
            found |= tags(target)
    return found


def test_itself_as_data_and_the_bundle_are_attached(made: MadeDossier) -> None:
    """Both files come out byte for byte, and each says how it relates to the document."""
    reader = read(pdf_of(made, b"PK bundle"))
    assert reader.attachments[DATA_NAME] == [made.content]
    assert reader.attachments[BUNDLE_NAME] == [b"PK bundle"]
    files = [one.get_object() for one in catalogue(reader)["/AF"]]
    related = {str(one["/F"]): str(one["/AFRelationship"]) for one in files}
    assert related == {DATA_NAME: "/Source", BUNDLE_NAME: "/Supplement"}
    assert list(read(pdf_of(made)).attachments) == [DATA_NAME]


def test_same_dossier_gives_the_same_bytes(made: MadeDossier) -> None:
    """Made again a second later, and in another folder, it is the same file."""
    first = pdf_of(made, b"PK")
    time.sleep(1.1)
    assert pdf_of(made, b"PK") == first
    assert pdf_of(with_text(made, "another"), b"PK") != first


@pytest.mark.parametrize("text", TRICKS.values(), ids=TRICKS)
def test_whatever_was_recorded_comes_out_as_text(made: MadeDossier, text: str) -> None:
    """Markup, templates, scripts and lists of the languages that set and show documents are mere signs."""
    found = words_of(pdf_of(with_text(made, text)))
    plain = "".join(text.split())
    assert plain in found or (set(plain) <= set(found) and not plain.isascii())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("glad 😀 barn", "glad [U+1F600] barn"),
        ("漢字", "[U+6F22][U+5B57]"),
        ("nul\0tegn", "nul[U+0000]tegn"),
        ("vend \u202eom", "vend [U+202E]om"),
        ("privat \ue000", "privat [U+E000]"),
        ("linje\r\nlinje\rlinje", "linje\nlinje\nlinje"),
    ],
)
def test_what_no_font_shows_is_written_out(made: MadeDossier, text: str, shown: str) -> None:
    """Emoji, control characters and signs that turn the writing are named by number; the attached data keep them."""
    assert displayable(text) == shown
    assert "".join(shown.split()) in words_of(pdf_of(with_text(made, text)))


def test_every_character_that_is_let_through_can_be_set(made: MadeDossier) -> None:
    """The fonts that come along have all of them: one that is missing would make the whole document fail."""
    assert pdf_of(with_text(made, " ".join(sorted(SHOWN - {"\n", "\t"}))))


def test_a_long_text_runs_over_many_pages(made: MadeDossier) -> None:
    """Twenty thousand characters in one cell all come out."""
    content = pdf_of(with_text(made, "Moren fortalte, at barnet sover bedre. " * 512))
    assert len(read(content).pages) > 12
    assert words_of(content).count("barnetsoverbedre") == 512


@pytest.mark.slow
def test_a_hundred_thousand_characters_come_out_too(made: MadeDossier) -> None:
    """With places to break and without any."""
    content = pdf_of(with_text(made, "Moren fortalte, at barnet sover bedre. " * 2_560))
    assert words_of(content).count("barnetsoverbedre") == 2_560
    assert words_of(pdf_of(with_text(made, "x" * 100_000))).count("x") >= 100_000


def test_without_typst_it_says_what_is_missing(made: MadeDossier, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that names the extra."""
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(NoTypst, match=r"caseledger\[pdf\]"):
        pdf_of(made)


def test_command_writes_a_dossier_and_its_paper(filled: Inside, stories: Place, tmp_path: Path) -> None:
    """JSON at once; PDF once the log is signed, with a bundle in it; never over a file that is there."""
    data, paper = tmp_path / "d.json", tmp_path / "d.pdf"
    assert "sha256" in filled.done("dossier", "S6", str(DECISION), "-o", data)
    assert orjson.loads(data.read_bytes())["decision"] == "dec-6"
    with stories.ledger() as ledger:
        signer = FileSigner(tmp_path / "home" / "signer" / str(ledger.id), time.time)
        signer.create(default_origin(ledger.id))
        publisher = Publisher(stories.conninfo, signer)
        publisher.publish()
        publisher.close()
    known = ("--known-at", "2024-12-01T12:00+01:00")
    filled.done("dossier", "S6", str(DECISION), "-o", paper, *known)
    filled.done("dossier", "S6", str(DECISION), "-o", tmp_path / "again.pdf", *known)
    assert paper.read_bytes() == (tmp_path / "again.pdf").read_bytes()
    (bundle,) = read(paper.read_bytes()).attachments[BUNDLE_NAME]
    with ZipFile(BytesIO(bundle)) as archive:
        assert "verify.py" in archive.namelist()
    for words, said in (
        (("S6", str(DECISION), "-o", data), "a file of this name already"),
        (("S6", "2", "-o", tmp_path / "x.json"), "no decision in force"),
        (("S99", "2", "-o", tmp_path / "x.json"), "no such case"),
        (("S6", "26", "-o", tmp_path / "x.txt"), "must end in .json or .pdf"),
    ):
        assert said in filled.refused("dossier", *words)[1]
