"""Going back: as of an instant, rebuild, verify. Reads the ledger, never appends to it."""
