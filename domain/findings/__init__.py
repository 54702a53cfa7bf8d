"""Findings: what a careful reader of the file would point out, each by a small pure function over what is known."""
