"""The stored forms of the events never change: what was written once must be readable for ever.

``CASELEDGER_FREEZE=1`` adds forms that are not frozen yet and writes ``docs/events.md`` anew. It never changes a
form that is frozen: remove nothing from ``wire_forms.json`` by hand either, give the event a new VERSION instead.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from domain.events import EVENTS
from domain.events.base import Code, Event
from domain.events.catalogue import catalogue_markdown, wire_form

FROZEN = Path(__file__).with_name("wire_forms.json")
CATALOGUE = Path(__file__).parents[2] / "docs" / "events.md"

Forms = dict[str, dict[str, Any]]


def with_new_forms(frozen: Forms, events: Iterable[type[Event]]) -> Forms:
    """Return the frozen forms and those of topics or versions that are not frozen yet."""
    forms = {topic: dict(versions) for topic, versions in frozen.items()}
    for event in events:
        forms.setdefault(event.TOPIC, {}).setdefault(str(event.VERSION), wire_form(event))
    return forms


def problems(frozen: Mapping[str, Mapping[str, Any]], events: Iterable[type[Event]]) -> list[str]:
    """Return what would make stored entries unreadable, each with what to do about it."""
    by_topic = {event.TOPIC: event for event in events}
    found = [f"{topic}: is stored in ledgers and must stay known" for topic in frozen if topic not in by_topic]
    for topic, event in by_topic.items():
        versions = frozen.get(topic, {})
        found.extend(_problems_of(event, versions))
    return found


def _problems_of(event: type[Event], versions: Mapping[str, Any]) -> list[str]:
    """Return the problems of one event against its frozen versions."""
    found: list[str] = []
    if str(event.VERSION) not in versions:
        found.append(f"{event.TOPIC}: version {event.VERSION} is not frozen; run once with CASELEDGER_FREEZE=1")
    elif versions[str(event.VERSION)] != wire_form(event):
        found.append(f"{event.TOPIC}: the form changed; raise VERSION and add an upcaster from {event.VERSION}")
    newer = [version for version in versions if int(version) > event.VERSION]
    found.extend(f"{event.TOPIC}: version {version} is stored and must stay known" for version in newer)
    for step in range(1, event.VERSION):
        if not isinstance(vars(event).get(f"upcast_v{step}_v{step + 1}"), staticmethod):
            found.append(f"{event.TOPIC}: needs a static method upcast_v{step}_v{step + 1}")
    return found


def frozen_forms() -> Forms:
    """Return the forms frozen so far, after adding new ones where that was asked for."""
    forms: Forms = json.loads(FROZEN.read_text(encoding="utf-8")) if FROZEN.exists() else {}
    if os.environ.get("CASELEDGER_FREEZE") == "1":
        forms = with_new_forms(forms, EVENTS.values())
        FROZEN.write_text(json.dumps(forms, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        CATALOGUE.write_text(catalogue_markdown(), encoding="utf-8")
    return forms


class Sample(Event):
    """An event that is part of no ledger."""

    TOPIC: ClassVar[str] = "sample"

    kind: Code


class ChangedSample(Event):
    """The same topic with one more field and no new version."""

    TOPIC: ClassVar[str] = "sample"

    kind: Code
    channel: Code | None = None


class SecondSample(ChangedSample):
    """The same topic in its second version, without a way up from the first."""

    TOPIC: ClassVar[str] = "sample"
    VERSION: ClassVar[int] = 2


class UpcastSample(ChangedSample):
    """The same topic in its second version, with a way up from the first."""

    TOPIC: ClassVar[str] = "sample"
    VERSION: ClassVar[int] = 2

    @staticmethod
    def upcast_v1_v2(data: dict[str, Any]) -> dict[str, Any]:
        """Return the data as it is: the new field may be absent."""
        return data


def test_every_stored_form_is_the_frozen_one() -> None:
    """No form differs from what ledgers already hold."""
    assert problems(frozen_forms(), EVENTS.values()) == []


def test_a_form_that_changed_without_a_new_version_is_found() -> None:
    """One more field is a change of the stored form."""
    frozen = with_new_forms({}, [Sample])
    assert problems(frozen, [Sample]) == []
    assert problems(frozen, [ChangedSample]) == ["sample: the form changed; raise VERSION and add an upcaster from 1"]


def test_a_topic_or_version_that_disappears_is_found() -> None:
    """What is stored must stay readable, whole topics and single versions alike."""
    assert problems(with_new_forms({}, [Sample]), []) == ["sample: is stored in ledgers and must stay known"]
    frozen = with_new_forms(with_new_forms({}, [Sample]), [UpcastSample])
    assert problems(frozen, [Sample]) == ["sample: version 2 is stored and must stay known"]


def test_a_second_version_needs_a_way_up_from_the_first() -> None:
    """A version above one without its upcaster is found, with the upcaster it is in order."""
    frozen = with_new_forms({}, [Sample])
    both = with_new_forms(frozen, [SecondSample])
    assert problems(both, [SecondSample]) == ["sample: needs a static method upcast_v1_v2"]
    assert problems(both, [UpcastSample]) == []


def test_freezing_never_rewrites_a_form() -> None:
    """Adding new forms leaves a frozen one as it was, even where the class has changed since."""
    frozen = with_new_forms({}, [Sample])
    assert with_new_forms(frozen, [ChangedSample]) == frozen
    assert sorted(with_new_forms(frozen, [UpcastSample])["sample"]) == ["1", "2"]


def test_the_catalogue_for_readers_is_the_one_of_the_classes() -> None:
    """The page in docs says what the classes say; write it anew with CASELEDGER_FREEZE=1."""
    frozen_forms()
    assert CATALOGUE.read_text(encoding="utf-8") == catalogue_markdown()
