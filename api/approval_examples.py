"""What OpenAPI shows of the requests about approval."""

from typing import Any

from api.examples import DECISION

SUBMISSION: dict[str, Any] = DECISION | {"approver": "u-12"}
APPROVAL: dict[str, Any] = {"remarks": "The duration is looked at again at the first follow-up."}
RETURN: dict[str, Any] = {"reason": "The father has not been heard about the visit of 2 March."}
WITHDRAWAL: dict[str, Any] = {"reason": "The hearing was answered meanwhile."}
