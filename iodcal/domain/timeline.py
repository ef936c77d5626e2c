"""The timeline: a circuit's target bandwidth over time, piecewise constant, and why."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import pairwise
from operator import attrgetter
from typing import TypeVar

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import Stretch, lay_out
from iodcal.domain.circuits import Baseline, Circuit
from iodcal.domain.localtime import Interval
from iodcal.domain.steps import Steps
from iodcal.domain.structs import replace
from iodcal.domain.windows import Freeze, Window


class Segment(Struct, frozen=True):
    """A time during which target, baseline and pin stay the same.

    `target` is a tier; `baseline` the recurring schedule's level, as it is configured; `pin` the
    `exactly` window that governs, if any.
    """

    span: Interval
    target: Bandwidth
    baseline: Bandwidth
    pin: Window | None = None


_Spanned = TypeVar("_Spanned", Segment, Stretch)


class Timeline(Struct, frozen=True):
    """A circuit's segments, without a gap and in order, and the windows they were made of. `freezes` are
    those that overlap it; `shelved` the windows that do not count because everything is parked."""

    circuit: Circuit
    steps: Steps[Segment]
    windows: tuple[Window, ...]
    schedule: Steps[Stretch]
    freezes: tuple[Freeze, ...] = ()
    shelved: tuple[Window, ...] = ()

    @property
    def segments(self) -> tuple[Segment, ...]:
        return self.steps.values

    @property
    def span(self) -> Interval:
        return Interval(self.segments[0].span.start, self.segments[-1].span.end)

    def at(self, instant: datetime) -> Segment:
        """The segment that `instant` lies in, or the nearest one."""
        return self.steps.at(instant)

    def over(self, span: Interval) -> Iterator[Segment]:
        """The segments that overlap `span`, in order, whole."""
        segments, end = self.steps.values, span.end
        for index in range(self.steps.index(span.start), len(segments)):
            if segments[index].span.start >= end:
                return
            yield segments[index]

    def level_since(self, instant: datetime) -> datetime:
        """When the target took the level that it has at `instant`, as far as the timeline reaches back."""
        level = self.at(instant).target
        return self.steps.since(instant, lambda segment: segment.target == level) or self.span.start

    def lasts_until(self, segment: Segment) -> datetime:
        """Until when the target stays at least as high as in `segment`, as far as the timeline reaches."""
        over = self.over(Interval(segment.span.start, self.span.end))
        return next((later.span.start for later in over if later.target < segment.target), self.span.end)

    def next_step_down(self, after: datetime) -> datetime | None:
        """The first instant after `after` at which the target falls; None where it never does."""
        for earlier, later in pairwise(self.over(Interval(after, self.span.end))):
            if later.target < earlier.target:
                return later.span.start
        return None

    def covering(self, span: Interval) -> Iterator[Window]:
        """The windows that overlap `span`, in order of start."""
        for window in self.windows:
            own = window.demand.span
            if own.start >= span.end:
                return
            if own.end > span.start:
                yield window

    def baseline_at(self, instant: datetime) -> Stretch:
        """The baseline's stretch that `instant` lies in, or the nearest one."""
        return self.schedule.at(instant)

    def cut(self, over: Interval) -> Timeline:
        """What `draw` would make of the same over `over`, which must lie within this one's span."""
        return Timeline(
            self.circuit,
            _cut(self.steps, over),
            windows=tuple(self.covering(over)),
            schedule=_cut_schedule(self.schedule, over),
            freezes=tuple(freeze for freeze in self.freezes if freeze.span.overlaps(over)),
        )


def _cut(steps: Steps[_Spanned], over: Interval) -> Steps[_Spanned]:
    """`steps` within `over`; of their values only the first and the last have another span."""
    first: int = steps.index(over.start)
    last: int = bisect_left(steps.starts, over.end)
    values = list(steps.values[first:last])
    values[0] = replace(values[0], span=Interval(over.start, values[0].span.end))
    values[-1] = replace(values[-1], span=Interval(values[-1].span.start, over.end))
    return Steps((over.start, *steps.starts[first + 1 : last]), tuple(values))


def _cut_schedule(schedule: Steps[Stretch], over: Interval) -> Steps[Stretch]:
    cut = _cut(schedule, over)
    first = cut.values[0]
    return Steps(cut.starts, (replace(first, begins=max(first.begins, over.start)), *cut.values[1:]))


def draw_timeline(
    circuit: Circuit, windows: Iterable[Window], over: Interval, freezes: Iterable[Freeze] = ()
) -> Timeline:
    """Lays `windows` over the circuit's baseline, from `over.start` to `over.end` (UTC)."""
    freezes = tuple(freeze for freeze in freezes if freeze.span.overlaps(over))
    overlapping = (window for window in windows if window.demand.span.overlaps(over))
    windows = tuple(sorted(overlapping, key=attrgetter("demand.span.start")))
    stretches = lay_out(circuit.baseline, circuit.zone, over, circuit.holidays)
    segments: list[Segment] = []
    for segment in _segments(circuit, windows, stretches, over):
        last = segments[-1] if segments else None
        if last and (last.target, last.baseline, last.pin) == (segment.target, segment.baseline, segment.pin):
            segments.pop()
            segment = Segment(
                Interval(last.span.start, segment.span.end), segment.target, segment.baseline, segment.pin
            )
        segments.append(segment)
    return Timeline(circuit, _steps(segments), windows=windows, schedule=_steps(stretches), freezes=freezes)


def _steps(values: Sequence[_Spanned]) -> Steps[_Spanned]:
    return Steps(tuple(value.span.start for value in values), tuple(values))


def park_timeline(timeline: Timeline) -> Timeline:
    """`timeline` with nothing but the baseline's off-peak level, at all times; its windows are shelved."""
    resting = replace(timeline.circuit, baseline=Baseline(timeline.circuit.baseline.off_peak))
    flat = draw_timeline(resting, (), timeline.span, timeline.freezes)
    return replace(flat, circuit=timeline.circuit, shelved=timeline.windows)


def _segments(
    circuit: Circuit, windows: tuple[Window, ...], stretches: tuple[Stretch, ...], over: Interval
) -> Iterator[Segment]:
    opening: defaultdict[datetime, list[Window]] = defaultdict(list)
    closing: defaultdict[datetime, list[Window]] = defaultdict(list)
    for window in windows:
        opening[max(window.demand.span.start, over.start)].append(window)
        closing[window.demand.span.end].append(window)
    levels = {stretch.span.start: stretch.bandwidth for stretch in stretches}
    cuts = sorted({over.end, *levels, *opening, *(cut for cut in closing if cut < over.end)})
    covering = _Covering()
    baseline = stretches[0].bandwidth
    sold = cache(circuit.sold)  # of few levels, in many segments
    for start, end in pairwise(cuts):
        baseline = levels.get(start, baseline)
        covering.change(opening.get(start, ()), closing.get(start, ()))
        yield Segment(Interval(start, end), sold(covering.level(baseline)), baseline, covering.pin)


class _Covering:
    """The windows that cover an instant, as the sweep goes on.

    Only how many `at_least` windows ask for which (priority, bandwidth) matters, and rules make few such
    pairs; so a step costs little even where very many windows overlap.
    """

    def __init__(self) -> None:
        self._at_least: Counter[tuple[int, int]] = Counter()
        self._exact: list[Window] = []
        self.pin: Window | None = None

    def change(self, opening: Iterable[Window], closing: Iterable[Window]) -> None:
        exact = False
        for window in closing:
            if window.exact:
                exact = True
                self._exact.remove(window)
            else:
                self._leave((window.priority, window.bandwidth.mbps))
        for window in opening:
            if window.exact:
                exact = True
                self._exact.append(window)
            else:
                self._at_least[window.priority, window.bandwidth.mbps] += 1
        if exact:
            self.pin = min(self._exact, key=_governs_before, default=None)

    def level(self, baseline: Bandwidth) -> Bandwidth:
        """The target before floor, ceiling and tiers."""
        level = baseline.mbps if self.pin is None else self.pin.bandwidth.mbps
        for priority, mbps in self._at_least:
            if mbps > level and is_heard(priority, self.pin):
                level = mbps
        return Bandwidth(level)

    def _leave(self, pair: tuple[int, int]) -> None:
        self._at_least[pair] -= 1
        if not self._at_least[pair]:
            del self._at_least[pair]


def is_heard(priority: int, pin: Window | None) -> bool:
    """True if an `at_least` window of `priority` counts while the `exactly` window `pin`, if any, governs."""
    return pin is None or priority >= pin.priority


def _governs_before(window: Window) -> tuple[int, int, Interval, str]:
    # Of equals the one that began first governs on until it ends, so that P changes no oftener than it must.
    return (-window.priority, -window.bandwidth.mbps, window.demand.span, window.demand.id)
