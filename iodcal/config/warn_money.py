"""What `check` warns of where money is concerned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise

from iodcal.config.build import Builder
from iodcal.config.document import KeyPath
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Circuit
from iodcal.domain.rules import Highest, Rule


def doubts_about_money(builder: Builder, rules: tuple[Rule, ...]) -> Iterator[tuple[KeyPath, str]]:
    """Rates that are missing or strange, and limits that no raise can keep."""
    for name, circuit in builder.circuits.items():
        path: KeyPath = ("circuits", name)
        used = sorted(set(_levels(circuit, rules)))
        yield from _of_rates(circuit, used, (*path, "rates"))
        yield from _of_limit(circuit, circuit.max_price_per_hour, used, (*path, "max_price_per_hour"))
    for number, rule in enumerate(rules):
        for name in dict.fromkeys(name for names in rule.circuits.values() for name in names):
            circuit = builder.circuits[name]
            used = sorted(set(_asked_by([rule], circuit)))
            yield from _of_limit(
                circuit, rule.max_price_per_hour, used, ("rules", number, "max_price_per_hour")
            )


def _of_rates(circuit: Circuit, used: list[Bandwidth], path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    rates = circuit.tariff.rates
    missing = ", ".join(str(level) for level in used if circuit.tariff.rate(level) is None)
    if rates and missing:
        yield path, f"no rate for {missing}: what is shown as cost is incomplete"
    for (low, lower), (high, higher) in pairwise(rates):
        if higher.per_hour < lower.per_hour:
            yield path, f"{high} costs less than {low}: is that right?"


def _levels(circuit: Circuit, rules: Iterable[Rule]) -> Iterator[Bandwidth]:
    """The tiers that the baseline and the rules ask for on `circuit`, as far as the configuration tells."""
    yield circuit.sold(circuit.baseline.off_peak)
    yield from (circuit.sold(peak.bandwidth) for peak in circuit.baseline.peaks)
    yield from _asked_by(rules, circuit)


def _asked_by(rules: Iterable[Rule], circuit: Circuit) -> Iterator[Bandwidth]:
    for rule in rules:
        if any(circuit.name in names for names in rule.circuits.values()):
            if isinstance(rule.bandwidth, Bandwidth):
                yield circuit.sold(rule.bandwidth)
            elif rule.bandwidth is Highest.HIGHEST:
                yield circuit.highest


def _of_limit(
    circuit: Circuit, limit: Decimal | None, levels: Iterable[Bandwidth], path: KeyPath
) -> Iterator[tuple[KeyPath, str]]:
    for level in levels:
        price = circuit.tariff.per_hour(level)
        if limit is not None and price is not None and price > limit:
            known = f"{level} on {circuit.name} costs {price} {circuit.tariff.currency} as far as is known"
            yield path, f"{known}: it would not be ordered"
