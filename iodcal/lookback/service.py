"""The service level: was every matching event at its tier before it began?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.localtime import Interval
from iodcal.lookback import Because, Served
from iodcal.lookback.course import EVER, NEVER, Known
from iodcal.lookback.demands import because_of_look
from iodcal.store.history import CurtainUp, PastProblem

_LATE = "event_late"


def served(
    circuit: str, looks: Iterable[CurtainUp], shown: Known, late: Iterable[PastProblem], over: Interval
) -> Iterator[Served]:
    """The events of one circuit that began during `over`. `shown` is what the carrier showed of it, `late`
    are problems of any circuit and kind."""
    reasons: dict[str, PastProblem] = {}
    for one in late:
        if one.kind == _LATE and one.facts.get("circuit") == circuit:
            reasons.setdefault(one.where, one)  # what made it late; later ones tell why it is late still
    last = {because_of_look(look).id: look for look in looks}
    for look in last.values():
        reason = reasons.pop(f"{circuit}/{look.rule}/{look.start:%Y-%m-%dT%H:%MZ}", None)
        if look.start in over:
            yield _of_look(look, shown, reason)
    for problem in reasons.values():
        found = _of_problem(problem, circuit)
        if found is not None and found.start in over:
            yield found


def worst_first(events: Iterable[Served]) -> tuple[Served, ...]:
    """Those that never came to their tier, then the latest, and last those with most time to spare."""

    def place(one: Served) -> tuple[bool, timedelta, datetime, str]:
        unknown = timedelta.max if one.ready else timedelta.min
        spare = one.spare if one.spare is not None else unknown
        return one.ready, spare, one.start, one.circuit

    return tuple(sorted(events, key=place))


def _of_look(look: CurtainUp, shown: Known, problem: PastProblem | None) -> Served:
    spare = _spare(shown, look.start, look.end or look.start, look.needs) if look.needs else None
    seen = look.stamp.at <= look.start and look.ready
    ready = seen or (spare >= timedelta() if spare is not None else look.ready)
    cause = problem.facts.get("cause") if problem is not None else None
    reason = None if ready else str(cause or "unknown")
    fits = spare is not None and ready == (spare >= timedelta())
    return Served(look.circuit, because_of_look(look), look.needs, ready, spare if fits else None, reason)


def _spare(shown: Known, start: datetime, end: datetime, needs: Bandwidth) -> timedelta | None:
    """How long before `start` the circuit had come to `needs`; less than nothing if it came while the event
    went on. None where it did not, or has been there for as long as the history knows."""
    since: datetime | None = None
    for span, step in shown.over(Interval(EVER, NEVER)):
        enough = step.level is not None and step.level >= needs
        if span.start > start and since is None and enough and span.start < end:
            return start - span.start
        if span.start > start:
            break
        since = (since or span.start) if enough else None
    return start - since if since not in (None, EVER) else None


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
    because = Because("event", problem.where, _text(rule), _text(subject), start, None)
    return Served(circuit, because, needs, ready=False, reason=str(facts.get("cause") or "unknown"))


def _text(fact: object) -> str | None:
    return fact if isinstance(fact, str) else None
