"""Danish words about approval: how a submission stands, and why an answer to one is refused."""

from collections.abc import Mapping

from api import approving

STATES: Mapping[str, str] = {
    "waiting": "venter på godkendelse",
    "approved": "godkendt",
    "returned": "sendt tilbage",
    "withdrawn": "trukket tilbage",
}
"""How a submission stands."""

REFUSALS: Mapping[str, str] = {
    approving.SELF_APPROVAL: "Du har selv forberedt eller sendt afgørelsen. En anden skal svare på den.",
    approving.NOT_ASKED: "Afgørelsen er sendt til en anden. Lad dem svare, eller deres leder.",
    approving.SENT_BEFORE: "Afgørelsen venter allerede på godkendelse. Træk den tilbage, før du sender den igen.",
    approving.MADE_BEFORE: "Afgørelsen er truffet imens. Send indstillingen tilbage, eller lad den trække tilbage.",
    approving.NOT_SENDER: "Kun den, der har forberedt eller sendt afgørelsen, kan trække den tilbage.",
    approving.UNREADABLE: "En tekst i indstillingen kan ikke læses mere. Send den tilbage, så den kan sendes på ny.",
    approving.ANSWERED["approved"]: "Afgørelsen er allerede godkendt. Intet er registreret.",
    approving.ANSWERED["returned"]: "Afgørelsen er allerede sendt tilbage. Intet er registreret.",
    approving.ANSWERED["withdrawn"]: "Afgørelsen er trukket tilbage. Intet er registreret.",
}
"""Why something is refused, by what the refusal says."""
