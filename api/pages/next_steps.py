"""Which forms a duty is done by: what a rule waits for, with the fields filled that the rule and its start settle."""

from dataclasses import dataclass
from urllib.parse import urlencode

from api.pages.case_frame import WRITE
from api.pages.write_acts import ACTS, label_of
from domain.entries import Entry
from domain.rule_book import Pattern, Rule


@dataclass(frozen=True, slots=True)
class Step:
    """A form to fill in, by what it records."""

    address: str
    label: str


def next_steps(rule: Rule, trigger: Entry | None, case_address: str) -> tuple[Step, ...]:
    """Return where a duty is recorded as done; none where no form records what the rule waits for."""
    links = [_step(pattern, trigger, case_address) for pattern in rule.satisfied_by]
    return tuple(dict.fromkeys(link for link in links if link is not None))


def _step(pattern: Pattern, trigger: Entry | None, case_address: str) -> Step | None:
    act = next((act for act in ACTS if act.event.__name__ == pattern.event), None)
    if act is None:
        return None
    asked = {field.name for field in act.fields}
    filled = {name: value for name, value in _settled(pattern, trigger).items() if name in asked}
    return Step(f"{case_address}{WRITE.path}/{act.path}" + (f"?{urlencode(filled)}" if filled else ""), label_of(act))


def _settled(pattern: Pattern, trigger: Entry | None) -> dict[str, str]:
    """Return what the fields of an entry that satisfies a rule must hold, as far as that is one value."""
    found = {name: condition.equals for name, condition in pattern.where.items()}
    if trigger is not None:
        found |= {name: trigger.data.get(name) for name in pattern.same}
        found |= {pattern.refers: trigger.version} if pattern.refers else {}
    return {
        name: str(value)
        for name, value in found.items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }
