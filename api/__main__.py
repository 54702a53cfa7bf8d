"""``python -m api`` is the command ``caseledger``."""

from api.cli import main

if __name__ == "__main__":
    main()
