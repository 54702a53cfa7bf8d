"""What the receipt of a withdrawal adds: what had gone out on the consent, so that the recipients can be told."""

from typing import Any

from api import rule_answers
from api.recording import CaseRecorder, Recorded
from domain.events.consent import ConsentWithdrawn
from domain.known import Known
from domain.withheld import withheld, without


async def gone_out_by(recorder: CaseRecorder, recorded: Recorded) -> list[dict[str, Any]] | None:
    """Return what had gone out on the consents that a commit takes back, as the register stood with it.

    None where it takes none back. What is withheld by now is left out, also of the answer to a repeat.
    """
    taken_back = {version for version, _, event in recorded.entries if event == ConsentWithdrawn.name()}
    if not taken_back:
        return None
    file = await recorder.read_file(recorded.case)
    known = Known(without(file.entries, withheld(file.entries))[: recorded.version])
    consents = dict.fromkeys(
        entry.data["consent"] for entry in known.entries if entry.version in taken_back and not entry.withheld
    )
    return [row for consent in consents for row in rule_answers.gone_out(known, consent, recorded.recorded_at)]
