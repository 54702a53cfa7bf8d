"""The form of a case story file: what may stand in it, and one line about the first thing that may not.

Format ``case-story/1``, documented in ``docs/case-stories.md``. Nothing of what a file holds is repeated in a message.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator

from api.story_items import Instant, Moment, Name, Part, StepNumber, Text, copenhagen_instant
from domain.time import INSTANT, read_instant

SCHEMA = "case-story/1"


class PersonForm(Part):
    """A person of the story; further keys are for readers."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    ref: Name
    label: Text
    role: Text


class StepForm(Part):
    """One step: its number, the two clocks, who entered it, and the event."""

    n: StepNumber
    label: Text
    recorded_at: Instant
    occurred_at: Moment
    reached_at: Moment | None = None
    actor_role: Name
    actor: Name
    event: Name
    data: dict[str, Any]
    note: Any = None

    @model_validator(mode="after")
    def _offsets(self) -> Self:
        """Refuse an instant anywhere in the data whose offset is not Copenhagen's."""
        for text in _texts(self.data):
            if INSTANT.fullmatch(text):
                copenhagen_instant(text)
        return self


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in cast(list[Any], value):
            yield from _texts(one)
    elif isinstance(value, dict):
        yield from _texts(list(cast(dict[str, Any], value).values()))


class StoryForm(BaseModel):
    """A story file, but for its expected answers, whose form depends on their kind. Further keys are for readers."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    form: Literal["case-story/1"] = Field(alias="schema")
    id: Name
    fictional: Literal[True]
    timezone: Literal["Europe/Copenhagen"] = "Europe/Copenhagen"
    expect_mode: Annotated[StrictStr, Field(pattern="^subset")] = "subset"
    programme: Name
    persons: list[PersonForm]
    rule_parameters: dict[Name, Name | StrictBool | StrictInt] = Field(default_factory=dict[str, str | bool | int])
    steps: Annotated[list[StepForm], Field(min_length=1)]
    expect: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        """Refuse steps out of order, and names that stand twice."""
        if [step.n for step in self.steps] != list(range(1, len(self.steps) + 1)):
            raise ValueError("steps must be numbered 1, 2, 3 ... in order")
        times = [read_instant(step.recorded_at) for step in self.steps]
        if times != sorted(times):
            raise ValueError("steps must be sorted by recorded_at")
        for what, names in (
            ("persons: ref", [person.ref for person in self.persons]),
            ("expect: id", [str(item.get("id")) for item in self.expect]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"{what} must not stand twice")
        return self
