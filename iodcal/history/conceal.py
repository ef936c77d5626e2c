"""Subjects that today's configuration hides are hidden in what was written before it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from iodcal.config import Configuration
from iodcal.domain.problems import Fact
from iodcal.history import CurtainUp, Past, PastCause

_SUBJECTS = ("subject", "by_subject")


@dataclass(frozen=True, slots=True)
class Hidden:
    """Which calendars, and which rules that read one of them, may show no subject; or all."""

    everything: bool
    calendars: frozenset[str]
    rules: frozenset[str]

    def covers(self, calendar: object, rule: object) -> bool:
        """True if an event of `calendar` (or one of its sources) that `rule` took must not be named."""
        name = calendar.partition("/")[0] if isinstance(calendar, str) else None
        by_calendar = calendar in self.calendars or name in self.calendars
        return self.everything or by_calendar or (calendar is None and rule in self.rules)


def hidden_by(configuration: Configuration) -> Hidden:
    """What `configuration` hides."""
    calendars = frozenset(c.name for c in configuration.calendars.values() if c.hide_subjects)
    rules = frozenset(rule.name for rule in configuration.rules if calendars & rule.circuits.keys())
    return Hidden(configuration.settings.hide_subjects, calendars, rules)


def conceal(past: Past, hidden: Hidden) -> Past:
    """`past` without the subjects that are `hidden`."""
    return replace(
        past,
        orders=tuple(replace(one, causes=_causes(one.causes, hidden)) for one in past.orders),
        changes=tuple(replace(one, causes=_causes(one.causes, hidden)) for one in past.changes),
        curtain_ups=tuple(_curtain_up(one, hidden) for one in past.curtain_ups),
        problems=tuple(replace(one, facts=_facts(one.facts, hidden)) for one in past.problems),
        others=tuple(replace(one, facts=_facts(one.facts, hidden)) for one in past.others),
    )


def _causes(causes: tuple[PastCause, ...], hidden: Hidden) -> tuple[PastCause, ...]:
    return tuple(
        replace(cause, subject=None) if hidden.covers(cause.calendar, cause.rule) else cause
        for cause in causes
    )


def _curtain_up(one: CurtainUp, hidden: Hidden) -> CurtainUp:
    return replace(one, subject=None) if hidden.covers(one.calendar, one.rule) else one


def _facts(facts: Mapping[str, Any], hidden: Hidden) -> Mapping[str, Fact]:
    concealed = dict(facts)
    for name in _SUBJECTS:
        if name in facts and hidden.covers(facts.get("calendar"), facts.get("by" if "_" in name else "rule")):
            concealed[name] = None
    return concealed
