"""Holding back because somebody said so: pauses, which stop every change, and change freezes.

Neither touches the target: what is asked for stays visible, and so does what is missed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from iodcal.domain.changes import Change, Held, Reason
from iodcal.domain.freezes import Freeze
from iodcal.domain.localtime import Interval
from iodcal.domain.plan import maximum
from iodcal.domain.timeline import Timeline
from iodcal.domain.wishes import Pause, longest_pause

STANDSTILL = frozenset({Reason.PAUSE, Reason.FREEZE})


def held_by_pause(one: Pause | None, all_of_them: Pause | None, at: datetime) -> Held | None:
    """Holds back any change at `at`, until the longer of the circuit's own pause and that of all ends."""
    pause = longest_pause((one, all_of_them), at)
    return Held(Reason.PAUSE, pause.until) if pause is not None else None


def held_by_freeze(change: Change, timeline: Timeline, at: datetime, sight: timedelta) -> Held | None:
    """Holds back a change that would be ordered at `at` inside a freeze that forbids it.

    A lowering is held back, too, if within `sight` a freeze begins that allows no raise, and more is asked
    for before that ends: what cannot be raised again must not be dropped.
    """
    if not timeline.freezes:
        return None
    thaw = _thaw(timeline, at, up=change.up)
    if thaw > at:
        return Held(Reason.FREEZE, thaw)
    if change.up:
        return None
    for freeze in timeline.freezes:
        if freeze.total and at < freeze.span.start < at + sight:
            thaw = _thaw(timeline, freeze.span.start, up=True)
            if maximum(timeline, Interval(at, thaw)) > change.new:
                return Held(Reason.FREEZE, _thaw(timeline, thaw, up=False))
    return None


def _thaw(timeline: Timeline, at: datetime, *, up: bool) -> datetime:
    """When the freezes that forbid such a change at `at`, and those that follow on them, are over."""
    end = at
    while ends := [freeze.span.end for freeze in timeline.freezes if _forbids(freeze, end, up=up)]:
        end = max(ends)
    return end


def _forbids(freeze: Freeze, at: datetime, *, up: bool) -> bool:
    return at in freeze.span and (freeze.total or not up)
