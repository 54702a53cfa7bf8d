"""Danish words for the codes by which something is left out of what is handed out of a case."""

from domain.exemptions import EXEMPTIONS

CODES = {code: one.label_da for code, one in EXEMPTIONS.items()}
"""What each code means."""
