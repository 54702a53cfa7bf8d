"""Danish words about warnings: which channel they went through, what of the clock, why they did not arrive."""

from collections.abc import Mapping

CHANNELS: Mapping[str, str] = {"mail": "e-mail", "page": "Min dag"}
"""Where somebody is warned."""

WARNED_OF: Mapping[str, str] = {"broken": "overskredet", "soon": "udløber snart"}
"""What somebody is warned of."""

NOT_DELIVERED: Mapping[str, str] = {
    "interrupted": "afsendelsen blev afbrudt",
    "no_address": "modtagerens id kan ikke bruges i en mailadresse",
    "no_answer": "mailserveren svarede ikke",
    "recipient_refused": "mailserveren kender ikke modtageren",
    "refused": "mailserveren afviste den",
    "server_unreachable": "mailserveren kunne ikke nås",
}
"""Why a warning did not arrive."""
