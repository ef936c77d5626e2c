"""Rules: which events ask for which bandwidth on which circuits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Labels
from iodcal.domain.conditions import Conditions


class Mode(StrEnum):
    AT_LEAST = "at_least"
    EXACTLY = "exactly"
    FREEZE = "freeze"


class Allow(StrEnum):
    """What may be ordered while a `freeze` rule covers."""

    UPS = "ups"
    NONE = "none"


class Highest(StrEnum):
    """The circuit's highest tier."""

    HIGHEST = "highest"


class FromEvent(StrEnum):
    """What the group `bandwidth` of `subject_regex` found in the event's subject."""

    FROM_EVENT = "from_event"


Wanted: TypeAlias = Bandwidth | Highest | FromEvent


class Rule(Struct, frozen=True):
    """`circuits` names, for each calendar of the rule, the circuits it asks for (`same_site` resolved).
    `bandwidth` is None for a `freeze` rule, which asks for none; `allow` is of no account for the others.
    `max_price_per_hour` is in the currency of whichever circuit it is asked for. With `named_in_event` the
    rule asks only for those of its circuits that the event names, or for all where it names none. `longest`
    caps a window, lead and trail included; it is longer than the lead."""

    name: str
    circuits: Mapping[str, tuple[str, ...]]
    bandwidth: Wanted | None
    conditions: Conditions = Conditions()
    mode: Mode = Mode.AT_LEAST
    priority: int = 0
    lead: timedelta = timedelta()
    trail: timedelta = timedelta()
    longest: timedelta | None = None
    allow: Allow = Allow.UPS
    max_price_per_hour: Decimal | None = None
    labels: Labels = ()
    named_in_event: bool = False
