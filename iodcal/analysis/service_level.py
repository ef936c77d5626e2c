"""The service level: was every matching event at its tier before it began? The evidence is the history's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from iodcal.analysis.cost_reasons import reason_of_look
from iodcal.analysis.figures import CostReason, Served
from iodcal.analysis.past import CircuitPast
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval
from iodcal.domain.service_level import EventOnCircuit, Readiness, came_to_tier, judge
from iodcal.domain.steps import ALWAYS, EVER, NEVER, Steps
from iodcal.domain.structs import replace
from iodcal.store.history import CurtainUp, Past, PastOrder, PastProblem, PastReading

_LATE = "event_late"


def served(
    circuit: str,
    looks: Iterable[CurtainUp],
    shown: Steps[Bandwidth | None],
    late: Iterable[PastProblem],
    over: Interval,
    *,
    former: Collection[str] = (),
) -> Iterator[Served]:
    """The events of one circuit that began during `over`. `shown` is what the carrier showed of it, `late`
    are problems of any circuit and kind, `former` its earlier names."""
    reasons: dict[str, PastProblem] = {}
    for one in late:
        if one.kind == _LATE and one.facts.get("circuit") in (circuit, *former):
            reasons.setdefault(one.where, one)  # what made it late; later ones tell why it is late still
    last = list({look.about.id: look for look in looks}.values())
    for look in last:
        if look.start in over:
            yield replace(_of_look(look, shown, _reason(look.about, reasons)), circuit=circuit)
    told = {place for look in last for place in (look.about.place, look.about.common_place)}
    for problem in reasons.values():
        found = _of_problem(problem, circuit) if problem.where not in told else None
        if found is not None and found.start in over:
            yield found


def _reason(event: EventOnCircuit, reasons: Mapping[str, PastProblem]) -> PastProblem | None:
    """Lines of the first versions name what events that begin at once have in common."""
    return reasons.get(event.place) or reasons.get(event.common_place)


def read_looks(past: Past) -> Past:
    """`past` with what its looks can still prove. The first versions wrote `late` before an event began where
    its order was only under way: if the circuit came to its tier in time, that was `expected`."""
    early = [look for look in past.preflight_checks if _said_too_soon(look)]
    if not early:
        return past
    orders: defaultdict[str, list[PastOrder]] = defaultdict(list)
    readings: defaultdict[str, list[PastReading]] = defaultdict(list)
    for order in past.orders:
        orders[order.order.circuit].append(order)
    for reading in past.readings:
        readings[reading.circuit].append(reading)
    shown = {
        name: CircuitPast("", orders[name], readings[name]).shown()
        for name in {look.circuit for look in early}
    }
    looks = (
        replace(look, result=Readiness.EXPECTED)
        if _said_too_soon(look) and verdict(look, shown[look.circuit], NEVER)[0] is Readiness.READY
        else look
        for look in past.preflight_checks
    )
    return replace(past, preflight_checks=tuple(looks))


def _said_too_soon(look: CurtainUp) -> bool:
    return look.result == Readiness.LATE and look.stamp.at < look.start


def verdict(
    look: CurtainUp, shown: Steps[Bandwidth | None], now: datetime
) -> tuple[Readiness, timedelta | None]:
    """What became, as known at `now`, of the event of `look`, its last one; and how long before its start its
    circuit had come to its tier: less than nothing for how late, None where that is not known, or never."""
    if now < look.start:
        known = {str(one): one for one in Readiness}
        return known.get(look.result, Readiness.AT_RISK), None
    since = _came_to_tier(look, shown)
    spare = look.start - since if since not in (None, EVER) else None
    if look.ready and look.stamp.at <= look.start:
        found = Readiness.READY
    elif not look.ready and look.stamp.at >= look.start:
        found = Readiness.LATE
    else:
        found = judge(look.start, now, at_tier_since=since)
    fits = spare is not None and (found is Readiness.READY) == (spare >= timedelta())
    return found, spare if fits else None


def _came_to_tier(look: CurtainUp, shown: Steps[Bandwidth | None]) -> datetime | None:
    """Lines of the first versions lack what the event needed: what they saw is all there is."""
    if look.needs is None:
        return EVER if look.ready else None
    return came_to_tier(shown.pieces(ALWAYS), Interval(look.start, look.end or look.start), look.needs)


def worst_first(events: Iterable[Served]) -> tuple[Served, ...]:
    """Those that never came to their tier, then the latest, and last those with most time to spare."""

    def place(one: Served) -> tuple[bool, timedelta, datetime, str]:
        unknown = timedelta.max if one.ready else timedelta.min
        spare = one.spare if one.spare is not None else unknown
        return one.ready, spare, one.start, one.circuit

    return tuple(sorted(events, key=place))


def _of_look(look: CurtainUp, shown: Steps[Bandwidth | None], problem: PastProblem | None) -> Served:
    found, spare = verdict(look, shown, NEVER)
    ready = found is Readiness.READY
    cause = problem.facts.get("cause") if problem is not None else None
    reason = None if ready else str(cause or "unknown")
    return Served(
        look.circuit, reason_of_look(look), needs=look.needs, ready=ready, spare=spare, reason=reason
    )


def _of_problem(problem: PastProblem, circuit: str) -> Served | None:
    """An event that was late, and that nobody looked at before."""
    facts = problem.facts
    try:
        start = datetime.fromisoformat(str(facts.get("start")))
        needs = Bandwidth.parse(str(facts.get("needs")))
    except ValueError:
        return None
    if start.tzinfo is None:
        return None
    rule, subject = facts.get("rule"), facts.get("subject")
    because = CostReason(
        "event", problem.where, rule=_text(rule), subject=_text(subject), start=start, end=None
    )
    return Served(circuit, because, needs, ready=False, reason=str(facts.get("cause") or "unknown"))


def _text(fact: object) -> str | None:
    return fact if isinstance(fact, str) else None
