"""What is handed out of a case as PDF, in Danish whatever language the page is read in; the same bytes each time."""

from api.pages.language import danish
from api.paper import Attachment, set_paper
from api.production_document import production_document
from api.productions import Produced

DATA_NAME = "evidence.json"


def production_pdf(made: Produced) -> bytes:
    """Return a production as PDF with its data attached; raises NoTypst where typst is missing."""
    with danish():
        said = production_document(made.values, made.out)
    data = "Papiret som data, med fingeraftryk af hver post; af det undtagne kun fingeraftrykket"
    attached = [Attachment(DATA_NAME, made.content, "source", "application/json", data)]
    return set_paper(said, made.recorded_at, attached)
