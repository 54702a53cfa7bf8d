"""The command ``caseledger health``: whether the service of this machine answers, for whoever restarts it."""

import argparse
import http.client
import ssl
from collections.abc import Callable

from ledger.settings import Settings

Handler = Callable[[argparse.Namespace, Settings], int]
SECONDS = 2.0


def add_health(add: Callable[[str, Handler, str], argparse.ArgumentParser], port: Callable[[str], int]) -> None:
    """Add the command; ``add`` takes name, handler and what a command does, ``port`` reads a port."""
    text = "ask the service of this machine for /healthz; exit code 1 if it does not answer"
    add("health", _health, text).add_argument("--port", type=port, help="port it listens on (CASELEDGER_LISTEN_PORT)")


def _health(options: argparse.Namespace, settings: Settings) -> int:
    from api.listening import listening

    where, port = listening(settings), settings.listen_port if options.port is None else options.port
    if where.certificate:
        context = ssl.create_default_context()
        context.check_hostname = False  # only whether it answers is asked, by an address that no certificate names
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(where.host, port, timeout=SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(where.host, port, timeout=SECONDS)
    try:
        connection.request("GET", "/healthz", headers={"Host": min(where.hosts)})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    print("The service answers." if status == 200 else "The service does not answer.")
    return 0 if status == 200 else 1
