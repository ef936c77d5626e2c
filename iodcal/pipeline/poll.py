"""Which circuits are read at their carriers, when, and what that makes of their states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from iodcal.carriers import Carrier, CarrierContext, guard
from iodcal.carriers.lanes import TIMEOUT, Job, Lanes
from iodcal.config import Configuration, Settings
from iodcal.config.plugins import plugin_name
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Circuit, Reading, Status
from iodcal.domain.localtime import Interval
from iodcal.domain.orders import BootTime, Outcome, waited_too_long
from iodcal.domain.overrides import apply_manual_change, contradicts_lately, starting_point
from iodcal.domain.structs import replace
from iodcal.domain.timeline import Timeline
from iodcal.domain.windows import Window
from iodcal.errors import CarrierError
from iodcal.http import Deadline
from iodcal.http.answers import PROXY_FAULTS
from iodcal.pipeline.fetch import EventSnapshot
from iodcal.signals import deferred

_CLOCK_TOLERANCE = 60.0  # seconds: the contract's minute
_WORST_CLOCK = 50 * 365 * 86400.0  # seconds: what a plug-in says beyond that is no time of any calendar
# One call may take a third of what is left for all, so that one that hangs leaves time for what follows.
_SHARE_OF_ONE_CALL = 1 / 3
_LEAST_SECONDS, _MOST_SECONDS = 15.0, 60.0
_CARRIER_FAULTS = {code: code for code in ("tls", "truncated", "unreachable", *PROXY_FAULTS)} | dict.fromkeys(
    ("deadline", "timeout", "too_slow"), TIMEOUT
)


class Carriers:
    """The configured carriers, each asked when it is first needed, and what they said in this run; without
    `threads` where all of them answer at once."""

    def __init__(
        self, configuration: Configuration, clock: Callable[[], datetime], *, threads: bool = True
    ) -> None:
        self.configuration = configuration
        self.clock = clock
        self.readings: dict[str, Reading] = {}
        self.failures: dict[str, CarrierError] = {}
        self.asked: set[str] = set()
        """The circuits, by key, that were asked for a reading, answered or not."""
        self.read_by: dict[str, object] = {}
        """The client that gave each reading, by the circuit's key."""
        self.lanes = Lanes(self._make, threads=threads)

    def alike(self, other: Configuration) -> Carriers:
        """The same under another configuration; what was read is shared, and carriers that both have."""
        made, ours = Carriers(other, self.clock), self.configuration.carriers
        made.readings, made.failures, made.asked = self.readings, self.failures, self.asked
        made.read_by = self.read_by
        made.lanes.adopt(self.lanes, [name for name in ours if other.carriers.get(name) == ours[name]])
        return made

    def of(self, circuit: Circuit) -> Carrier:
        """The carrier of `circuit`. Raises CarrierError where its plug-in makes none."""
        made: Carrier | CarrierError = self.lanes.client(circuit.carrier)
        if isinstance(made, CarrierError):
            raise made
        return made

    def _make(self, name: str) -> Carrier | CarrierError:
        config = self.configuration.carriers[name]
        context = CarrierContext(
            self.configuration.directory, self.clock, config.provisioning, config.changes_per_day
        )
        return guard.create(config.plugin, config.options, context, self.plugin_name(name))

    def plugin_name(self, carrier: str) -> str:
        """The name and version of the plug-in behind a carrier."""
        return plugin_name(self.configuration.carriers[carrier].plugin)

    @property
    def clock_error(self) -> float:
        """The worst difference between a carrier's clock and ours in this run's answers, in seconds."""
        errors = (guard.clock_error(client) for client in self.lanes.clients)
        return max((error for error in errors if error is not None), key=abs, default=0.0)

    def has_read(self, circuit: Circuit) -> bool:
        """True if this run has a reading of `circuit`."""
        return circuit.key in self.readings

    def read(self, circuits: Iterable[Circuit], deadline: Deadline) -> None:
        """Reads each circuit once in a run, and waits for all of them. Raises Interrupted."""
        with deferred():
            for circuit in circuits:
                if circuit.key not in self.readings:
                    self.ask(circuit, deadline)
            while self.lanes.outstanding:
                self.lanes.wait()
            self.lanes.close()

    def ask(self, circuit: Circuit, deadline: Deadline, *, urgent: bool = False) -> None:
        """Asks for a reading, and does not wait for it."""
        self.asked.add(circuit.key)
        name = self.plugin_name(circuit.carrier)

        def call(client: Carrier | CarrierError, until: Deadline) -> Reading | CarrierError:
            self.read_by[circuit.key] = client
            try:
                return guard.read(client, name, circuit.service_id, until)
            except CarrierError as error:
                return error

        def give_up(**_begun: bool) -> None:
            self._keep(circuit, CarrierError("deadline", host=circuit.carrier))

        self.lanes.submit(
            Job(
                carrier=circuit.carrier,
                work=call,
                then=lambda answer: self._keep(circuit, answer),
                given_up=give_up,
                deadline=lambda: one_call(deadline),
                urgent=urgent,
                reading=True,
                fault=_carrier_fault,
                spare=lambda failed: self._keep(
                    circuit, CarrierError("carrier_spared", carrier=circuit.carrier, failed=failed)
                ),
            )
        )

    def _keep(self, circuit: Circuit, answer: Reading | CarrierError) -> None:
        if isinstance(answer, CarrierError):
            self.failures[circuit.key] = answer
        else:
            self.failures.pop(circuit.key, None)
            self.readings[circuit.key] = answer


def _carrier_fault(answer: Reading | CarrierError) -> str | None:
    """The fault that any circuit of that carrier may have met; None where it answered."""
    return _CARRIER_FAULTS.get(answer.code) if isinstance(answer, CarrierError) else None


def one_call(deadline: Deadline) -> Deadline:
    """How long one call may take of the time that is left for all of them."""
    return deadline.or_after(min(_MOST_SECONDS, max(_LEAST_SECONDS, deadline.left * _SHARE_OF_ONE_CALL)))


def clock_error(snapshot: EventSnapshot, carriers: Carriers) -> float | None:
    """How far the servers' clock is ahead of ours in seconds, None while that is within tolerance."""
    worst = max(snapshot.clock_error, carriers.clock_error, key=abs)
    return worst if abs(worst) > _CLOCK_TOLERANCE else None


def earliest_now(snapshot: EventSnapshot, carriers: Carriers, now: datetime) -> datetime:
    """`now`, or where the servers' clock says that it is earlier, that: what is over by one of two clocks
    only is not surely over."""
    ahead = clock_error(snapshot, carriers)
    return now if ahead is None else now - timedelta(seconds=min(max(0.0, -ahead), _WORST_CLOCK))


def needs_reading(circuit_state: CircuitState, timeline: Timeline, now: datetime, settings: Settings) -> bool:
    """True if the carrier must be asked at `now` even if nothing is due."""
    reading = circuit_state.reading
    return (
        reading is None
        or circuit_state.confirmed is None
        or circuit_state.order is not None
        or reading.status is not Status.ACTIVE
        or now - reading.at >= settings.verify_every
        or contradicts_lately(circuit_state, reading, settings.order_timeouts)
        or _unsettled(circuit_state, now, settings)
        or any(preflight_windows(circuit_state, timeline, now, settings.every))
    )


def first_up(timeline: Timeline, circuit_states: Mapping[str, CircuitState], now: datetime) -> datetime:
    """When the circuit of `timeline` next needs more than it has (UTC): the end of the timeline where it
    never does."""
    start = starting_point(circuit_state_of(timeline.circuit, circuit_states)) or timeline.circuit.tiers[0]
    ahead = timeline.over(Interval(now, timeline.span.end))
    ups = (max(now, segment.span.start) for segment in ahead if segment.target > start)
    return next(ups, timeline.span.end)


def most_urgent_first(
    timelines: Iterable[Timeline], circuit_states: Mapping[str, CircuitState], now: datetime
) -> list[Timeline]:
    """`timelines` in the order in which they need an up: if time runs out, it is not those that wait."""
    return sorted(timelines, key=lambda timeline: first_up(timeline, circuit_states, now))


def _unsettled(circuit_state: CircuitState, now: datetime, settings: Settings) -> bool:
    # An order given up as lost may still surface; until it can no more, every run looks.
    return any(
        order.outcome in (Outcome.LOST, Outcome.FAILED)
        and order.settled_at is not None
        and now - order.settled_at < settings.order_timeout
        for order in circuit_state.recent
    )


def preflight_windows(
    circuit_state: CircuitState, timeline: Timeline, now: datetime, every: timedelta
) -> Iterable[Window]:
    """The windows whose event begins before the next run can look, or runs, and was not looked at for yet."""
    done = {event for event, _ in circuit_state.preflight_checks}
    for window in timeline.windows:
        event = window.demand.event
        soon = event.start <= now + every and event.end > now
        if window.serves_event and soon and window.demand.id not in done:
            yield window


def observe(
    circuits: Iterable[Circuit],
    circuit_states: Mapping[str, CircuitState],
    *,
    readings: Mapping[str, Reading],
    now: datetime,
    settings: Settings,
    boot: BootTime | None = None,
) -> dict[str, CircuitState]:
    """Each circuit's state, by key, after this run's readings; `boot` is `now` on the monotonic
    clock."""
    observed: dict[str, CircuitState] = {}
    for circuit in circuits:
        circuit_state = circuit_state_of(circuit, circuit_states)
        reading = readings.get(circuit.key)
        if reading is not None:
            order_timeouts = replace(settings.order_timeouts, idempotent=circuit.idempotent)
            circuit_state = apply_manual_change(circuit_state, reading, order_timeouts, boot)
        elif circuit_state.order is not None:
            order = waited_too_long(circuit_state.order, now, settings.order_timeouts, boot)
            circuit_state = replace(circuit_state, order=order)
        observed[circuit.key] = circuit_state
    return observed


def circuit_state_of(circuit: Circuit, circuit_states: Mapping[str, CircuitState]) -> CircuitState:
    """What state knows of `circuit`, under its present name and baseline."""
    known = circuit_states.get(circuit.key)
    if known is None:
        known = CircuitState(circuit.key, circuit.name, circuit.account.carrier_type, circuit.account.number)
    return replace(known, name=circuit.name, off_peak=circuit.sold(circuit.baseline.off_peak))
