"""Evidence bundles: made, checked by the stand-alone verifier as its users run it, and forged in every way we know."""
