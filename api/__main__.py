"""``python -m api`` is the command ``caseledger``."""

from api.cli import main

main()
