"""Two plans of one circuit beside each other: what the other rules would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta

from msgspec import Struct

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Change
from iodcal.domain.circuits import Circuit
from iodcal.domain.localtime import Interval
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.steps import Steps
from iodcal.domain.windows import Freeze, Window

# What a circuit says of itself: what is planned for it depends on it, or what is told and paid.
SETTINGS: Mapping[str, Callable[[Circuit], object]] = {
    "name": lambda circuit: circuit.name,
    "site": lambda circuit: circuit.site,
    "carrier": lambda circuit: circuit.carrier,
    "zone": lambda circuit: circuit.zone.key,
    "tiers": lambda circuit: circuit.tiers,
    "floor": lambda circuit: circuit.floor,
    "ceiling": lambda circuit: circuit.ceiling,
    "orders": lambda circuit: circuit.orders,
    "provisioning": lambda circuit: circuit.provisioning,
    "changes_per_day": lambda circuit: circuit.changes_per_day,
    "changes_per_circuit": lambda circuit: tuple(str(limit) for limit in circuit.limits),
    "baseline": lambda circuit: circuit.baseline,
    "holidays": lambda circuit: circuit.holidays,
    "rates": lambda circuit: circuit.tariff.rates,
    "currency": lambda circuit: circuit.tariff.currency,
    "billing": lambda circuit: circuit.tariff.billing,
    "max_price_per_hour": lambda circuit: circuit.max_price_per_hour,
    "labels": lambda circuit: circuit.labels,
}


class DiffStretch(Struct, frozen=True):
    """A time during which the target differs; None where the circuit is not configured."""

    span: Interval
    before: Bandwidth | None
    after: Bandwidth | None


class CircuitDifference(Struct, frozen=True):
    """One circuit under two sets of rules; `before` or `after` is None where it is not configured.

    `gained` and `lost` are windows that only one of them opens, `altered` those that both do, but otherwise;
    `added` and `dropped` are changes that only one of them plans, `freezing` and `thawing` freezes that only
    one of them has. `settings` names what the circuit itself says otherwise; `targets` is where the target
    differs.
    """

    before: CircuitPlan | None
    after: CircuitPlan | None
    gained: tuple[Window, ...] = ()
    lost: tuple[Window, ...] = ()
    altered: tuple[tuple[Window, Window], ...] = ()
    added: tuple[Change, ...] = ()
    dropped: tuple[Change, ...] = ()
    settings: tuple[str, ...] = ()
    targets: tuple[DiffStretch, ...] = ()
    freezing: tuple[Freeze, ...] = ()
    thawing: tuple[Freeze, ...] = ()

    @property
    def plan(self) -> CircuitPlan:
        """The plan that names the circuit: the other rules', unless they do not have it."""
        plan = self.after or self.before
        assert plan is not None, "a difference is between at least one plan"  # noqa: S101 - for the types
        return plan

    @property
    def same(self) -> bool:
        """True if nothing at all differs."""
        parts = (self.gained, self.lost, self.altered, self.added, self.dropped, self.settings, self.targets)
        frozen = self.freezing or self.thawing
        return self.before is not None and self.after is not None and not any(parts) and not frozen

    def differs_for(self, *, higher: bool) -> timedelta:
        """How long in all the target is higher, or lower, than before."""
        differing = (one for one in self.targets if (_mbps(one.after) > _mbps(one.before)) is higher)
        return sum((one.span.length for one in differing), timedelta())


def circuit_differences(
    before: Iterable[CircuitPlan], after: Iterable[CircuitPlan], within: Interval
) -> tuple[CircuitDifference, ...]:
    """Each circuit of either plan, `after`'s first, as they differ during `within` (UTC). A circuit is the
    same if its carrier knows it by the same ID, whatever its name."""
    old = {plan.circuit.key: plan for plan in before}
    new = {plan.circuit.key: plan for plan in after}
    keys = dict.fromkeys([*new, *old])
    return tuple(_difference(old.get(key), new.get(key), within) for key in keys)


def _difference(before: CircuitPlan | None, after: CircuitPlan | None, within: Interval) -> CircuitDifference:
    ours, theirs = _windows(before, within), _windows(after, within)
    planned, other = _changes(before), _changes(after)
    frozen, freezing = _freezes(before, within), _freezes(after, within)
    return CircuitDifference(
        before,
        after,
        gained=tuple(window for key, window in theirs.items() if key not in ours),
        lost=tuple(window for key, window in ours.items() if key not in theirs),
        altered=tuple(
            (ours[key], window)
            for key, window in theirs.items()
            if key in ours and _asks(window) != _asks(ours[key])
        ),
        added=tuple(change for key, change in other.items() if key not in planned),
        dropped=tuple(change for key, change in planned.items() if key not in other),
        settings=_settings(before, after),
        targets=tuple(_targets(before, after, within)),
        freezing=tuple(freeze for key, freeze in freezing.items() if key not in frozen),
        thawing=tuple(freeze for key, freeze in frozen.items() if key not in freezing),
    )


def _windows(plan: CircuitPlan | None, within: Interval) -> Mapping[str, Window]:
    if plan is None:
        return {}
    return {window.demand.id: window for window in plan.timeline.covering(within)}


def _asks(window: Window) -> tuple[object, ...]:
    demand = window.demand
    return demand.span, window.bandwidth, demand.rule.mode, window.priority


def _freezes(plan: CircuitPlan | None, within: Interval) -> Mapping[tuple[object, ...], Freeze]:
    """One that lasts otherwise, or forbids otherwise, is another one."""
    freezes = plan.timeline.freezes if plan is not None else ()
    return {
        (freeze.demand.id, freeze.span, freeze.total): freeze
        for freeze in freezes
        if freeze.span.overlaps(within)
    }


def _changes(plan: CircuitPlan | None) -> Mapping[tuple[object, ...], Change]:
    changes = plan.changes if plan is not None else ()
    return {(change.at, change.due, change.old, change.new, change.held): change for change in changes}


def _settings(before: CircuitPlan | None, after: CircuitPlan | None) -> tuple[str, ...]:
    if before is None or after is None:
        return ()
    ours, theirs = before.circuit, after.circuit
    return tuple(name for name, told in SETTINGS.items() if told(ours) != told(theirs))


def _targets(
    before: CircuitPlan | None, after: CircuitPlan | None, within: Interval
) -> Iterator[DiffStretch]:
    for span, ours, theirs in _target(before, within).beside(_target(after, within), within):
        if ours != theirs:
            yield DiffStretch(span, ours, theirs)


def _target(plan: CircuitPlan | None, within: Interval) -> Steps[Bandwidth | None]:
    """What is asked for, from the beginning of `within` on."""
    if plan is None:
        return Steps((within.start,), (None,))
    segments = plan.timeline.over(within)
    return Steps.of((max(within.start, segment.span.start), segment.target) for segment in segments)


def _mbps(bandwidth: Bandwidth | None) -> int:
    return bandwidth.mbps if bandwidth is not None else 0
