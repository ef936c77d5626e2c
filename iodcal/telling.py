"""Which problems are told now: news, changes and reminders, not the same line with every run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from iodcal.domain.problems import Problem
from iodcal.domain.values import replace
from iodcal.state import Told

REMINDER = timedelta(hours=6)


class Telling(Struct, frozen=True):
    """`new`, `changed` and `reminded` are problems of this run, `cleared` those that are gone. `told` is
    what to keep for the next run, by problem id."""

    new: tuple[Problem, ...]
    changed: tuple[Problem, ...]
    reminded: tuple[Problem, ...]
    cleared: tuple[Told, ...]
    told: Mapping[str, Told]


def tell(
    problems: Iterable[Problem],
    told: Mapping[str, Told],
    *,
    examined: Callable[[str, str], bool],
    now: datetime,
    terminal: bool,
) -> Telling:
    """Compares this run's problems with those that were told before.

    `examined` says whether this run could have seen a problem of a kind at a place: only such a one can
    clear. On a terminal somebody reads along, so nothing counts as told.
    """
    by_id = {problem.id: problem for problem in problems}
    new = tuple(problem for problem in by_id.values() if _unheard(told.get(problem.id)))
    changed = tuple(
        problem
        for problem in by_id.values()
        if not _unheard(known := told.get(problem.id))
        and known
        and known.stable_facts != problem.stable_facts
    )
    reminded = tuple(
        problem
        for problem in by_id.values()
        if problem not in new and problem not in changed and _is_old(told[problem.id], now)
    )
    gone = {
        key: known for key, known in told.items() if key not in by_id and examined(known.kind, known.where)
    }
    kept = {key: known for key, known in told.items() if key not in by_id and key not in gone}
    spoken = {problem.id for problem in (*new, *changed, *reminded)}
    for problem in by_id.values():
        heard = not terminal and problem.id in spoken
        kept[problem.id] = _keep(problem, told.get(problem.id), now, heard=heard)
    cleared = tuple(known for known in gone.values() if known.told_at is not None)
    if terminal:
        kept |= {key: known for key, known in gone.items() if known.told_at is not None}
    return Telling(new, changed, reminded, cleared, kept)


def _unheard(known: Told | None) -> bool:
    return known is None or known.told_at is None


def _is_old(known: Told, now: datetime) -> bool:
    return known.told_at is not None and now - known.told_at >= REMINDER


def _keep(problem: Problem, known: Told | None, now: datetime, *, heard: bool) -> Told:
    if known is None:
        known = Told(problem.kind, problem.where, {}, problem.stable_facts, problem.since or now, None)
    if heard:
        known = replace(known, stable_facts=problem.stable_facts, told_at=now)
    return replace(known, facts=dict(problem.facts))
