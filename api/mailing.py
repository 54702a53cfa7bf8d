"""Warnings by e-mail: to whom, what they say, and the mail server that takes them over.

A mail names the duty in the general words of its rule and leads to the page of the deadlines: no name, no number of a
case, nothing about anybody. Whoever follows the link signs in.
"""

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from uuid import UUID

from ledger.settings import Settings

ANSWER_SECONDS = 10.0
MAIL_SECONDS = 30.0
"""How long the mail server may take for one answer, and for one mail in all."""

UNREACHABLE, NO_ANSWER, REFUSED, RECIPIENT_REFUSED, NO_ADDRESS = (
    "server_unreachable", "no_answer", "refused", "recipient_refused", "no_address",
)  # fmt: skip
"""Why a mail was not delivered."""

DOWN = (UNREACHABLE, NO_ANSWER)
"""The reasons for which it is no use to try the next mail at once."""

_PLAIN = re.compile(r"[A-Za-z0-9._+-]{1,64}")


class MailNotUsable(Exception):
    """What the settings say of the mail server is not enough to send a mail with."""


@dataclass(frozen=True, slots=True)
class MailRoute:
    """How mails leave: the server, the sender, the address of staff by their id, where links lead."""

    host: str
    port: int
    sender: str
    staff_address: str
    public_url: str

    def address_of(self, staff: str) -> str | None:
        """Return the address of a member of staff; None for an id that cannot be part of one."""
        return self.staff_address.replace("{staff}", staff) if _PLAIN.fullmatch(staff) else None

    def send(self, staff: str, case: UUID, duties: Sequence[str], *, broken: bool) -> str | None:
        """Send a warning of some duties of a case; returns None once the server has it, else why not, as a code."""
        address = self.address_of(staff)
        if address is None:
            return NO_ADDRESS
        try:
            with self._server() as server:
                server.send_message(self._mail(address, case, duties, broken=broken))
        except smtplib.SMTPRecipientsRefused:
            return RECIPIENT_REFUSED
        except (TimeoutError, smtplib.SMTPServerDisconnected):
            return NO_ANSWER
        except smtplib.SMTPException:
            return REFUSED
        except OSError:
            return UNREACHABLE
        return None

    @contextmanager
    def _server(self) -> Generator[smtplib.SMTP]:
        """Yield a connection to the server, which is cut when the time for a mail is over."""
        server = smtplib.SMTP(timeout=ANSWER_SECONDS, local_hostname=self.sender.partition("@")[2])
        timer = threading.Timer(MAIL_SECONDS, _cut, [server])
        timer.start()
        try:
            server.connect(self.host, self.port)
            server.ehlo_or_helo_if_needed()
            if server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
            yield server
        finally:
            timer.cancel()
            server.close()

    def _mail(self, address: str, case: UUID, duties: Sequence[str], *, broken: bool) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"] = self.sender, address
        mail["Subject"] = "En frist er overskredet" if broken else "En frist udløber snart"
        mail["Date"] = formatdate()
        mail["Message-ID"] = make_msgid(domain=self.sender.partition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"
        listed = "\n".join(f"- {duty}" for duty in dict.fromkeys(duties))
        link = f"{self.public_url.rstrip('/')}/sager/{case}/frister"
        mail.set_content(_TEXT.format(what=_BROKEN if broken else _SOON, listed=listed, link=link))
        return mail


def _cut(server: smtplib.SMTP) -> None:
    """Wake whoever waits for a server that says a little at a time."""
    if server.sock is not None:
        try:
            server.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            server.close()


_BROKEN, _SOON = (
    "Tiden er gået for det, der skal gøres i en sag:",
    "Tiden er snart gået for det, der skal gøres i en sag:",
)
_TEXT = """\
{what}

{listed}

Se fristerne i sagen: {link}

Mailen er sendt automatisk og rummer ingen oplysninger om borgere. Du skal logge ind for at se sagen.
"""


def mail_route(settings: Settings) -> MailRoute | None:
    """Return how mails leave; None where no mail server is set. Raises MailNotUsable for half a setting."""
    if settings.smtp is None:
        return None
    if settings.mail_from is None or settings.mail_to is None or settings.public_url is None:
        raise MailNotUsable(
            "CASELEDGER_SMTP needs the addresses and where links lead:"
            " set CASELEDGER_MAIL_FROM, CASELEDGER_MAIL_TO and CASELEDGER_PUBLIC_URL."
        )
    host, _, port = settings.smtp.rpartition(":")
    return MailRoute(host, int(port), settings.mail_from, settings.mail_to, settings.public_url)
