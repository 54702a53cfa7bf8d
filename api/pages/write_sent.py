"""A form as it was sent: what was typed, and what goes along with it."""

from dataclasses import dataclass
from uuid import UUID

from api.pages.write_fields import Typed
from api.pages.write_views import ALREADY
from api.sign_in.identity import ForeignRequest, Form
from api.uploads import Upload

SEND = "send"
"""What is pressed to send a decision for approval."""

AGAIN = "igen"
"""What is pressed to record the same once more."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it was sent: what was typed, the version it was given out at, and what was pressed."""

    typed: Typed
    key: str
    version: int
    step: str = ""
    choice: str = ""
    against: int | None = None
    paper: Upload | None = None

    @property
    def already(self) -> bool:
        """Whether the act has been done and is only put on record."""
        return bool(self.typed.get(ALREADY)) and self.step != SEND


def read_sent(form: Form) -> Sent:
    """Return a form as it was sent; raises ForeignRequest for one that is not of ours."""
    typed = {name: form.getlist(name) for name in form}
    try:
        key = str(UUID(form.get("noegle", "")))
        version = int(form.get("udgave", ""))
    except ValueError:
        raise ForeignRequest("form") from None
    return sent_of(typed, key, version)


def sent_of(typed: Typed, key: str, version: int) -> Sent:
    """Return what was sent, from what was typed."""

    def first(name: str) -> str:
        return (typed.get(name) or ("",))[0]

    given = first("udgave")
    against = first("mod")
    return Sent(
        {
            name: values
            for name, values in typed.items()
            if name not in ("csrf", "trin", "ejer", "udgave", "noegle", "valg", "mod")
        },
        first("noegle") or key,
        int(given) if given.isdecimal() and len(given) < 10 else version,
        first("trin"),
        first("valg"),
        int(against) if against.isdecimal() and len(against) < 10 else None,
    )
