"""What OpenAPI shows of the log. Names, sizes and signatures are made up."""

from typing import Any

from api.examples import answer

_ORIGIN = "ledger.eksempel.dk/familie"
_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_TEXT = f"{_ORIGIN}\n4711\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
_NOTE = f"{_TEXT}\n\N{EM DASH} {_ORIGIN} yXwWrbl1...\n"
_KEY = f"{_ORIGIN}+c97c16ad+AekyeRrm56hGpFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n"


def text_answer(description: str, example: str, kind: str = "text/plain") -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of an answer that is no JSON."""
    schema = {"type": "string"} if kind != "application/octet-stream" else {"type": "string", "format": "binary"}
    return {200: {"description": description, "content": {kind: {"schema": schema, "example": example}}}}


CHECKPOINT = text_answer("The checkpoint, a signed note", _NOTE)
KEYS = text_answer("The keys in text form (vkey), one a line", _KEY)
TILE = text_answer("Hashes of 32 bytes, or entries with their lengths", "...", "application/octet-stream")
PROOF = text_answer("The proof", f"c2sp.org/tlog-proof@v1\nextra AAAA...\nindex 4710\nqKa1...\n\n{_NOTE}")
PROOF[200]["headers"] = {"ETag": {"description": "Version of the case", "schema": {"type": "string"}}}
CHECKPOINTS = answer(
    200,
    "A page of checkpoints, with the log's own signatures; ask for more after `next`",
    {
        "items": [
            {
                "origin": _ORIGIN,
                "size": 4711,
                "root": _ROOT,
                "note": _NOTE,
                "stored_at": "2026-03-04T13:12:14.120004Z",
            }
        ],
        "next": None,
    },
)
