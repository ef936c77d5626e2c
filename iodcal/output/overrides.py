"""What people asked for, in plain lines: holds, pauses, parking, and the freezes beside them. Needs no rich.

`who` and `note` are foreign text: both are cleaned and cut here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from iodcal.domain.circuits import Orders
from iodcal.domain.holds import Hold, Parked, Pause, Skip, longest_pause
from iodcal.domain.planning import CircuitPlan
from iodcal.output.text import for_line, for_terminal, local, local_span, relative, with_zone
from iodcal.result import Report

if TYPE_CHECKING:
    from iodcal.commands.overrides import Act


def act_lines(acts: Sequence[Act], *, synced: bool) -> Iterator[str]:
    """What was done, and when it takes effect; `synced` says that a sync follows at once."""
    for act in acts:
        yield from _lines_of(act)
    waits = [
        act for act in acts if act.changed and act.command in ("hold", "release", "resume", "park", "skip")
    ]
    if waits and not synced:
        yield "The next run acts on it; with --sync it is done at once"


def _lines_of(act: Act) -> Iterator[str]:
    lines = {
        "hold": _hold,
        "release": _release,
        "pause": _pause,
        "resume": _resume,
        "park": _park,
        "skip": _skip,
        "forget": _forget,
        "adopt": _adopt,
    }[act.command]
    yield from (for_line(line) for line in lines(act))


def _name(act: Act) -> str:
    return for_line(act.circuit.name) if act.circuit is not None else "Every circuit"


def _ends(wish: Hold | Pause, act: Act) -> str:
    return f"{with_zone(wish.until, act.zone)} ({relative(wish.until, act.now)})"


def _begins(hold: Hold, act: Act) -> str:
    return with_zone(hold.since, act.zone) if hold.since > act.now else ""


def _hold(act: Act) -> Iterator[str]:
    assert act.hold is not None  # noqa: S101 - what a hold always has
    yield f"{_name(act)} is {hold_text(act.hold, _ends(act.hold, act), _begins(act.hold, act))}"
    if act.circuit is not None and (sold := act.circuit.sold(act.hold.bandwidth)) != act.hold.bandwidth:
        yield f"The next tier that is sold, {sold}, is ordered for it"
    if isinstance(act.replaced, Hold):
        yield f"It takes the place of another: {hold_text(act.replaced, local(act.replaced.until, act.zone))}"
    if act.circuit is not None and act.circuit.orders is not Orders.ALL:
        yield f"Its orders are `{act.circuit.orders}` in the configuration, and a hold does not change that"
    if act.paused:
        yield "Its orders are paused: nothing is ordered before that ends"


def _release(act: Act) -> Iterator[str]:
    if act.hold is None:
        yield f"{_name(act)} is not held: nothing to do"
    else:
        yield f"{_name(act)} is released; it was {hold_text(act.hold, local(act.hold.until, act.zone))}"


def _pause(act: Act) -> Iterator[str]:
    assert act.pause is not None  # noqa: S101 - what a pause always has
    yield f"{_name(act)} is {pause_text(act.pause, _ends(act.pause, act))}; nothing is ordered until then"
    if act.replaced is not None:
        yield f"An earlier pause, {by_whom(act.replaced.who, act.replaced.note)}, is replaced"


def _resume(act: Act) -> Iterator[str]:
    if not act.changed:
        yield f"{_name(act)} is not paused: nothing to do"
        return
    if act.parked is not None:
        yield f"No longer parked ({by_whom(act.parked.who, act.parked.note)}): events count again"
    if act.pause is not None:
        was = pause_text(act.pause, local(act.pause.until, act.zone))
        yield f"{_name(act)} is no longer paused; it was {was}"
    if act.paused:
        yield f"No longer paused: {', '.join(act.paused)}"


def _park(act: Act) -> Iterator[str]:
    assert act.parked is not None  # noqa: S101 - what parking always has
    if not act.changed:
        since = with_zone(act.parked.since, act.zone)
        yield f"Parked already, since {since}, {by_whom(act.parked.who, act.parked.note)}"
        return
    yield "Parked: every circuit goes to its off-peak tier, then nothing is ordered until iodcal resume --all"
    if act.paused:
        yield f"Only once their pause is over: {', '.join(act.paused)}"


def _skip(act: Act) -> Iterator[str]:
    assert act.skip is not None  # noqa: S101 - what a skip always has
    event = _event(act.skip, act.zone)
    if act.over:
        yield f"{event} counts again; it was skipped {by_whom(act.skip.who, act.skip.note)}"
        return
    verb = "is skipped, and does not count" if act.changed else "is skipped already"
    yield f"{event} {verb}; iodcal skip {act.skip.id} --undo lets it count again"


def _event(skip: Skip, zone: ZoneInfo) -> str:
    name = f'"{for_terminal(skip.subject, 40)}"' if skip.subject else "An event"
    day = local(skip.start, zone).rpartition(" ")[0]
    return f"{name} {day} {local_span(skip.start, skip.until, zone)} on {for_line(skip.calendar)}"


def _forget(act: Act) -> Iterator[str]:
    circuit_state = act.forgotten
    assert circuit_state is not None  # noqa: S101 - what forgetting always has
    yield f"{for_line(circuit_state.name)} is forgotten"
    if circuit_state.ordered is not None:
        yield (
            f"It was last at {circuit_state.ordered}, and costs that until somebody lowers it at the carrier"
        )


def _adopt(act: Act) -> Iterator[str]:
    was = for_terminal(act.adopted_from or "", 32)
    yield f"The state of {was} is that of this installation " + ("now" if act.changed else "already")


_MOST_FREEZES = 3


def by_whom(who: str, note: str) -> str:
    """`by pat: DR rehearsal`."""
    reason = f": {for_terminal(note, 60)}" if note else ""
    return f"by {for_terminal(who, 32)}{reason}"


def hold_text(hold: Hold, until: str, start: str = "") -> str:
    """`held at 1 Gbps or more until Tue 24 17:00, by pat: DR rehearsal`; with the `start` of one that is yet
    to begin."""
    until = f"from {start} until {until}" if start else f"until {until}"
    level = f"at exactly {hold.bandwidth}" if hold.exactly else f"at {hold.bandwidth} or more"
    return f"held {level} {until}, {by_whom(hold.who, hold.note)}"


def pause_text(pause: Pause, until: str) -> str:
    """`paused until Tue 24 17:00, by pat`."""
    return f"paused until {until}, {by_whom(pause.who, pause.note)}"


def parked_text(parked: Parked, zone: ZoneInfo) -> str:
    """What parking means, and how it ends."""
    since = f"since {with_zone(parked.since, zone)}, {by_whom(parked.who, parked.note)}"
    rest = "circuits rest at their off-peak tier, no event counts; iodcal resume --all ends it"
    return f"PARKED {since}: {rest}"


def wishes_of_all(report: Report) -> Iterator[str]:
    """What somebody asked for all circuits."""
    zone = report.zone
    if report.parked is not None:
        yield parked_text(report.parked, zone)
    pause = longest_pause((report.pause,), report.now)
    if pause is not None:
        yield f"All circuits are {pause_text(pause, local(pause.until, zone))}"
    for skip in report.skips:
        yield f"skipped: {_event(skip, zone)}, {by_whom(skip.who, skip.note)} (id {skip.id})"


def shared_wishes(report: Report) -> tuple[str, ...]:
    """What holds back or holds up each of several circuits alike: said once for all."""
    return tuple(f"All circuits: {line}" for line in _shared(report))


def own_wishes(plan: CircuitPlan, report: Report) -> Iterator[str]:
    """What holds back or holds up one circuit and is not said for all of them."""
    shared = frozenset(_shared(report))
    lines = zip(wishes_of(plan, report.now), _wishes(plan, report.now, report.zone), strict=True)
    return (own for own, by_heading in lines if by_heading not in shared)


def _shared(report: Report) -> Iterator[str]:
    first, *others = [tuple(_wishes(plan, report.now, report.zone)) for plan in report.plans] or [()]
    return (line for line in first if others and all(line in other for other in others))


def wishes_of(plan: CircuitPlan, now: datetime) -> Iterator[str]:
    """What holds back or holds up one circuit because somebody said so, a line each."""
    return _wishes(plan, now, plan.circuit.zone)


def _wishes(plan: CircuitPlan, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    circuit_state = plan.circuit_state
    if circuit_state.hold is not None and now < circuit_state.hold.until:
        start = local(circuit_state.hold.since, zone) if circuit_state.hold.since > now else ""
        yield hold_text(circuit_state.hold, local(circuit_state.hold.until, zone), start)
    pause = longest_pause((circuit_state.pause,), now)
    if pause is not None:
        yield pause_text(pause, local(pause.until, zone))
    yield from list(_freezes(plan, now, zone))[:_MOST_FREEZES]


def _freezes(plan: CircuitPlan, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    for freeze in plan.timeline.freezes:
        if freeze.span.end <= now:
            continue
        span = f"{local(freeze.span.start, zone)} to {local(freeze.span.end, zone)}"
        forbids = "no order" if freeze.total else "no lowering"
        name = freeze.demand.subject or f"event of {freeze.demand.rule.name}"
        yield f"change freeze {span}, {forbids}: {for_terminal(name, 40)}"
