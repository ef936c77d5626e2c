"""What people ask of iodcal itself: a bandwidth held, a pause, everything parked; by whom, why, since when.

All but parking end by themselves. Times are UTC. `who` is the real person, `note` that person's own words:
both are foreign text to whoever shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from msgspec import Struct, field

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import lay_out
from iodcal.domain.circuits import Circuit
from iodcal.domain.events import occurrence_id
from iodcal.domain.localtime import Interval
from iodcal.domain.structs import Instant

HOLD_PRIORITY = 100  # above that of any rule
_KEPT = timedelta(days=1)  # what has ended still explains the lowering that follows


class Hold(Struct, frozen=True):
    """A bandwidth for one circuit: at least this, or with `exactly` this and no other."""

    bandwidth: Bandwidth = field(name="mbps")
    since: Instant
    until: Instant
    who: str
    note: str = ""
    exactly: bool = False

    @property
    def span(self) -> Interval:
        return Interval(self.since, self.until)


class Pause(Struct, frozen=True):
    """Nothing is ordered, for one circuit or for all of them."""

    since: Instant
    until: Instant
    who: str
    note: str = ""


class Parked(Struct, frozen=True):
    """Every circuit goes to its off-peak tier, and stays there until somebody resumes."""

    since: Instant
    who: str
    note: str = ""


class Skip(Struct, frozen=True):
    """One occurrence of an event, with all its copies, does not count. `event` is its `copy_key`: once it is
    moved it is another one, and counts. `start` and `until` are the occurrence's own; `subject` is None where
    it must not be seen."""

    event: tuple[str, str, str]
    since: Instant
    start: Instant
    until: Instant
    who: str
    calendar: str
    subject: str | None = None
    note: str = ""

    @property
    def id(self) -> str:
        return occurrence_id(self.event)


def still_skipped(skips: Iterable[Skip], now: datetime, longest_trail: timedelta) -> tuple[Skip, ...]:
    """`skips` without those whose event can ask for nothing any more, the trail included."""
    return tuple(skip for skip in skips if now < skip.until + longest_trail + _KEPT)


def longest_pause(pauses: Iterable[Pause | None], at: datetime) -> Pause | None:
    """Of the pauses that are not over at `at` the one that ends last. Their beginnings do not matter: a clock
    that was set back must not end one."""
    lasting = (pause for pause in pauses if pause is not None and at < pause.until)
    return max(lasting, key=lambda pause: pause.until, default=None)


def still_of_use(hold: Hold | None, now: datetime) -> Hold | None:
    """`hold`, unless it ended so long ago that nothing can follow from it any more."""
    return hold if hold is not None and now < hold.until + _KEPT else None


def doubts(hold: Hold, circuit: Circuit, running: Bandwidth | None) -> Iterator[str]:
    """Codes of what is wrong with `hold` on `circuit`, the plainest first; `running` is what the circuit is
    ordered at, None where nobody knows."""
    if hold.bandwidth > circuit.highest:
        yield "hold_too_high"
    if hold.exactly and circuit.sold(hold.bandwidth) != hold.bandwidth:
        yield "hold_no_tier"
    if not hold.exactly and hold.bandwidth < lowest_baseline(circuit, hold):
        yield "hold_below_baseline"
    raises = running is None or running < circuit.sold(hold.bandwidth)
    if raises and hold.until < hold.since + circuit.provisioning:
        yield "hold_too_short"


def lowest_baseline(circuit: Circuit, hold: Hold) -> Bandwidth:
    """The least that the baseline asks for while `hold` lasts: a hold below it changes nothing."""
    stretches = lay_out(circuit.baseline, circuit.zone, hold.span)
    return circuit.sold(min(stretch.bandwidth for stretch in stretches))
