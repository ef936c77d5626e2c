"""From the keys about money to tariffs: a carrier's list, the file's rates, a circuit's own."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from iodcal.carriers import CarrierPlugin
from iodcal.config.schema import CarrierSection, CircuitSection
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.money import Rate, RateSource, Tariff
from iodcal.domain.values import replace


def carrier_tariff(section: CarrierSection, plugin: CarrierPlugin) -> Tariff:
    """What a carrier's tiers cost: its public list, if it is in the same currency, under the file's rates."""
    listed: Tariff | None = getattr(plugin, "list_prices", None)  # plug-ins of others may have none
    currency = section.currency or (listed.currency if listed is not None else "USD")
    known = listed.rates if listed is not None and listed.currency == currency else ()
    return Tariff(currency, section.billing, known).over(_configured(section.rates or {}))


def circuit_tariff(section: CircuitSection, of_carrier: Tariff) -> Tariff:
    """What a circuit's tiers cost: its own rates over its carrier's, if those are in its currency."""
    own = _configured(section.rates or {})
    if section.currency in (None, of_carrier.currency):
        return of_carrier.over(own) if own else of_carrier
    return replace(of_carrier, currency=section.currency or "", rates=()).over(own)


def _configured(rates: Mapping[Bandwidth, Decimal]) -> dict[Bandwidth, Rate]:
    return {tier: Rate(price, RateSource.CONFIGURED) for tier, price in rates.items()}
