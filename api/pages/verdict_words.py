"""Danish words about verdicts on looks of a sample: what was found, and on which grounds."""

from collections.abc import Mapping

VERDICTS: Mapping[str, str] = {
    "justified": "Berettiget",
    "unjustified": "Ikke berettiget",
    "unclear": "Uafklaret",
}
"""What somebody finds of a look."""

GROUNDS: Mapping[str, str] = {
    "by_mistake": "slået op ved en fejl",
    "leads_or_supervises": "ledelse eller tilsyn",
    "no_work_reason": "intet arbejdsmæssigt formål",
    "own_circle": "egen familie eller bekendte",
    "passed_on": "sendt videre til databeskyttelse",
    "request_or_complaint": "aktindsigt, klage eller henvendelse",
    "stood_in": "afløsning eller vagt",
    "technical": "drift eller fejlretning",
    "viewer_asked": "medarbejderen er spurgt",
    "works_in_case": "arbejder med sagen",
}
"""On which grounds."""
