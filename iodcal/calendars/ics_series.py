"""Which events of a calendar belong together as one series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any


def series_of(components: Iterable[Any]) -> list[list[Any]]:
    """The VEVENTs, each series with its changed occurrences, to be expanded by themselves.

    Nothing is lost over a UID that is used in ways RFC 5545 does not know of: an event too many costs money,
    one too few is an event without its bandwidth.
    """
    of_uid: defaultdict[str, list[Any]] = defaultdict(list)
    for component in components:
        of_uid[str(component.get("UID", ""))].append(component)
    return [series for group in of_uid.values() for series in _apart(group)]


def _apart(group: list[Any]) -> Iterator[list[Any]]:
    """A group of one UID without what must not be expanded together with it."""
    if len(group) == 1:
        yield group
        return
    twins = list(_twins(group))
    kept_on = list(_excepted_but_there(group))
    apart = {id(component) for component in (*twins, *kept_on)}
    rest = [component for component in group if id(component) not in apart]
    yield from ([component] for component in (*twins, *kept_on))
    yield rest


def _twins(group: Iterable[Any]) -> Iterator[Any]:
    """Events that share the UID and the SEQUENCE of another but not its start: some servers write each
    occurrence of a series so. Of different SEQUENCEs the highest is the latest state, and counts alone."""
    masters = [component for component in group if "RECURRENCE-ID" not in component]
    latest = max(map(_sequence, masters), default=0)
    starts: list[date] = []
    for master in masters:
        start = master["DTSTART"].dt
        if _sequence(master) == latest:
            if starts and start not in starts:
                yield master
            starts.append(start)


def _excepted_but_there(group: Iterable[Any]) -> Iterator[Any]:
    """Changed occurrences whose slot an EXDATE takes from the series: the slot is gone, they are not."""
    excepted = {at for component in group for at in _excepted(component)}
    for component in group:
        planned = component.get("RECURRENCE-ID")
        if planned is not None and planned.dt in excepted:
            yield component


def _excepted(component: Any) -> Iterator[date]:
    listed = component.get("EXDATE")
    for one in listed if isinstance(listed, list) else [listed] if listed is not None else []:
        for value in one.dts:
            yield value.dt


def _sequence(component: Any) -> int:
    sequence = component.get("SEQUENCE", 0)
    return sequence if isinstance(sequence, int) else 0
