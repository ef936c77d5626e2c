"""Subjects that today's configuration hides are hidden in what was written before it did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from iodcal.config import Configuration
from iodcal.domain.changes import Cause
from iodcal.domain.values import replace
from iodcal.store.history import CurtainUp, Past

# Facts that hold a subject, and the fact that names its rule.
_SUBJECTS = {"subject": "rule", "by_subject": "by"}


class Hidden(Struct, frozen=True):
    """Which calendars, and which rules that read one of them, may show no subject; or all."""

    everything: bool
    calendars: frozenset[str]
    rules: frozenset[str]

    def covers(self, calendar: object, rule: object) -> bool:
        """True if an event of `calendar` (or one of its sources) that `rule` took must not be named."""
        name = calendar.partition("/")[0] if isinstance(calendar, str) else None
        by_calendar = calendar in self.calendars or name in self.calendars
        return self.everything or by_calendar or (calendar is None and rule in self.rules)

    def facts(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts of a problem without a subject that must not be seen."""
        concealed = dict(facts)
        for name, rule in _SUBJECTS.items():
            if name in facts and self.covers(facts.get("calendar"), facts.get(rule)):
                concealed[name] = None
        return concealed

    def causes(self, causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
        """`causes` without the subjects that must not be seen."""
        return tuple(
            replace(cause, subject=None) if self.covers(cause.calendar, cause.rule) else cause
            for cause in causes
        )


def hidden_by(configuration: Configuration) -> Hidden:
    """What `configuration` hides."""
    calendars = frozenset(c.name for c in configuration.calendars.values() if c.hide_subjects)
    rules = frozenset(rule.name for rule in configuration.rules if calendars & rule.circuits.keys())
    return Hidden(configuration.settings.hide_subjects, calendars, rules)


def conceal(past: Past, hidden: Hidden) -> Past:
    """`past` without the subjects that are `hidden`."""
    return replace(
        past,
        orders=tuple(replace(one, causes=hidden.causes(one.causes)) for one in past.orders),
        changes=tuple(replace(one, causes=hidden.causes(one.causes)) for one in past.changes),
        curtain_ups=tuple(_curtain_up(one, hidden) for one in past.curtain_ups),
        problems=tuple(replace(one, facts=hidden.facts(one.facts)) for one in past.problems),
        others=tuple(replace(one, facts=hidden.facts(one.facts)) for one in past.others),
    )


def _curtain_up(one: CurtainUp, hidden: Hidden) -> CurtainUp:
    return replace(one, subject=None) if hidden.covers(one.calendar, one.rule) else one
