"""Rules: which events ask for which bandwidth on which circuits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from typing import TypeAlias

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.keywords import Keyword
from iodcal.domain.labels import Labels


class Mode(StrEnum):
    AT_LEAST = "at_least"
    EXACTLY = "exactly"


class Highest(StrEnum):
    """The circuit's highest tier."""

    HIGHEST = "highest"


class FromEvent(StrEnum):
    """What the group `bandwidth` of `subject_regex` found in the event's subject."""

    FROM_EVENT = "from_event"


Wanted: TypeAlias = Bandwidth | Highest | FromEvent


@dataclass(frozen=True, slots=True)
class Conditions:
    """A rule's `match`: every given condition must hold, a list holds if any of its entries does.

    Empty tuples and None are conditions that are not given. Addresses and `@domain` entries of `organizer`
    and the words of `show_as` and `sensitivity` are case-folded. `days` counts Monday as 0.
    """

    subject: tuple[Keyword, ...] = ()
    subject_regex: re.Pattern[str] | None = None
    not_subject: tuple[Keyword, ...] = ()
    location: tuple[Keyword, ...] = ()
    categories: tuple[str, ...] = ()
    organizer: tuple[str, ...] = ()
    show_as: tuple[str, ...] = ()
    sensitivity: tuple[str, ...] = ()
    online_meeting: bool | None = None
    min_attendees: int | None = None
    all_day: bool | None = None
    longer_than: timedelta | None = None
    shorter_than: timedelta | None = None
    days: frozenset[int] = frozenset()
    start_from: time | None = None
    start_to: time | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """`circuits` names, for each calendar of the rule, the circuits it asks for (`same_site` resolved)."""

    name: str
    circuits: Mapping[str, tuple[str, ...]]
    bandwidth: Wanted
    conditions: Conditions = field(default_factory=Conditions)
    mode: Mode = Mode.AT_LEAST
    priority: int = 0
    lead: timedelta = timedelta()
    trail: timedelta = timedelta()
    labels: Labels = ()
