"""Which circuits are read at their carriers, when, and what that makes of their standing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field

from iodcal.carriers import Carrier, CarrierContext
from iodcal.config import Configuration, Settings
from iodcal.domain.circuits import Circuit, Reading, Status
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import BootTime, Outcome, waited_too_long
from iodcal.domain.people import absorb, contradicts_lately, starting_point
from iodcal.domain.standing import Standing
from iodcal.domain.timeline import Timeline
from iodcal.domain.values import replace
from iodcal.domain.windows import Window
from iodcal.errors import CarrierError
from iodcal.http import Deadline
from iodcal.threads import answers, side_by_side


class Carriers(Struct):
    """The configured carriers, each made when it is first needed, and what they said in this run."""

    configuration: Configuration
    clock: Callable[[], datetime]
    readings: dict[str, Reading] = field(default_factory=dict)
    failures: dict[str, CarrierError] = field(default_factory=dict)
    _made: dict[str, Carrier] = field(default_factory=dict)

    def alike(self, other: Configuration) -> Carriers:
        """The same under another configuration; what was read is shared, and carriers that both have."""
        ours = self.configuration.carriers
        same = {name: made for name, made in self._made.items() if other.carriers.get(name) == ours[name]}
        return Carriers(other, self.clock, self.readings, self.failures, same)

    def of(self, circuit: Circuit) -> Carrier:
        """The carrier of `circuit`."""
        name = circuit.carrier
        if name not in self._made:
            config = self.configuration.carriers[name]
            context = CarrierContext(
                self.configuration.directory, self.clock, config.provisioning, config.changes_per_day
            )
            self._made[name] = config.plugin.create(config.options, context)
        return self._made[name]

    @property
    def clock_error(self) -> float:
        """The worst difference between a carrier's clock and ours in this run's answers, in seconds."""
        errors = (carrier.clock_error for carrier in self._made.values())
        return max((error for error in errors if error is not None), key=abs, default=0.0)

    def has_read(self, circuit: Circuit) -> bool:
        """True if this run has a reading of `circuit`."""
        return circuit.key in self.readings

    def read(self, circuits: Iterable[Circuit], deadline: Deadline) -> None:
        """Reads each circuit once in a run: carriers side by side, the circuits of one in turn."""
        by_carrier: defaultdict[str, list[Circuit]] = defaultdict(list)
        for circuit in circuits:
            if circuit.key not in self.readings:
                by_carrier[circuit.carrier].append(circuit)
        if not by_carrier:
            return
        for of_carrier in by_carrier.values():
            self.of(of_carrier[0])
        for circuit, answer in self._read_side_by_side(list(by_carrier.values()), deadline):
            self._keep(circuit, answer)

    def _read_side_by_side(
        self, groups: list[list[Circuit]], deadline: Deadline
    ) -> list[tuple[Circuit, Reading | CarrierError]]:
        if len(groups) == 1:
            return self._read_in_turn(groups[0], deadline)
        with side_by_side(len(groups)) as pool:
            said = answers(pool, lambda group: self._read_in_turn(group, deadline), groups)
            return [answer for of_group in said for answer in of_group]

    def _read_in_turn(
        self, circuits: Iterable[Circuit], deadline: Deadline
    ) -> list[tuple[Circuit, Reading | CarrierError]]:
        return [(circuit, self._read_one(circuit, deadline)) for circuit in circuits]

    def _read_one(self, circuit: Circuit, deadline: Deadline) -> Reading | CarrierError:
        try:
            reading = self.of(circuit).read(circuit.service_id, deadline)
        except CarrierError as error:
            return error
        if reading.status is Status.ACTIVE and reading.bandwidth is None:
            # Nothing could be compared with it, and nothing would say so: the circuit would stay as it is.
            return CarrierError("answer_wrong", what="an active circuit without a bandwidth")
        return reading

    def _keep(self, circuit: Circuit, answer: Reading | CarrierError) -> None:
        if isinstance(answer, CarrierError):
            self.failures[circuit.key] = answer
        else:
            self.failures.pop(circuit.key, None)
            self.readings[circuit.key] = answer


def needs_reading(standing: Standing, timeline: Timeline, now: datetime, settings: Settings) -> bool:
    """True if the carrier must be asked at `now` even if nothing is due."""
    reading = standing.reading
    return (
        reading is None
        or standing.confirmed is None
        or standing.order is not None
        or reading.status is not Status.ACTIVE
        or now - reading.at >= settings.verify_every
        or contradicts_lately(standing, reading, settings.patience)
        or _unsettled(standing, now, settings)
        or any(curtain_ups(standing, timeline, now, settings.every))
    )


def most_urgent_first(
    timelines: Iterable[Timeline], standings: Mapping[str, Standing], now: datetime
) -> list[Timeline]:
    """`timelines` in the order in which they need an up: if time runs out, it is not those that wait."""

    def first_up(timeline: Timeline) -> datetime:
        start = starting_point(standing_of(timeline.circuit, standings)) or timeline.circuit.tiers[0]
        ahead = timeline.over(Interval(now, timeline.span.end))
        ups = (max(now, segment.span.start) for segment in ahead if segment.target > start)
        return next(ups, timeline.span.end)

    return sorted(timelines, key=first_up)


def _unsettled(standing: Standing, now: datetime, settings: Settings) -> bool:
    # An order given up as lost may still surface; until it can no more, every run looks.
    return any(
        order.outcome in (Outcome.LOST, Outcome.FAILED)
        and order.settled_at is not None
        and now - order.settled_at < settings.order_timeout
        for order in standing.recent
    )


def curtain_ups(standing: Standing, timeline: Timeline, now: datetime, every: timedelta) -> Iterable[Window]:
    """The windows whose event begins before the next run can look, or runs, and was not looked at for yet."""
    done = {event for event, _ in standing.curtain_ups}
    for window in timeline.windows:
        event = window.demand.event
        soon = event.start <= now + every and event.end > now
        if window.serves_event and soon and window.demand.id not in done:
            yield window


def observe(
    circuits: Iterable[Circuit],
    standings: Mapping[str, Standing],
    readings: Mapping[str, Reading],
    now: datetime,
    settings: Settings,
    boot: BootTime | None = None,
) -> dict[str, Standing]:
    """Each circuit's standing, by key, after this run's readings; `boot` is `now` on the clock that nobody
    sets."""
    observed: dict[str, Standing] = {}
    for circuit in circuits:
        standing = standing_of(circuit, standings)
        reading = readings.get(circuit.key)
        if reading is not None:
            standing = absorb(standing, reading, settings.patience, boot)
        elif standing.order is not None:
            order = waited_too_long(standing.order, now, settings.patience, boot)
            standing = replace(standing, order=order)
        observed[circuit.key] = standing
    return observed


def standing_of(circuit: Circuit, standings: Mapping[str, Standing]) -> Standing:
    """What state knows of `circuit`, under its present name and baseline."""
    known = standings.get(circuit.key)
    if known is None:
        known = Standing(circuit.key, circuit.name, circuit.account.carrier_type, circuit.account.number)
    return replace(known, name=circuit.name, off_peak=circuit.sold(circuit.baseline.off_peak))
