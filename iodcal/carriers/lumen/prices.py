"""Lumen's public list prices: a default until the configuration or a quote says better."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.money import Billing, Rate, RateSource, Tariff

_AS_OF = date(2026, 9, 1)
# USD per hour and connection. Sites differ: a quote is what binds.
_PER_HOUR = {
    1: "0.10",
    5: "0.14",
    10: "0.18",
    20: "0.22",
    50: "0.32",
    100: "0.46",
    200: "0.58",
    300: "0.68",
    500: "0.82",
    1000: "1.06",
    2000: "1.70",
    5000: "2.90",
    10_000: "4.36",
}

LIST_PRICES = Tariff(
    "USD",
    Billing.MINUTE,
    tuple(
        (Bandwidth(mbps), Rate(Decimal(price), RateSource.LIST, _AS_OF)) for mbps, price in _PER_HOUR.items()
    ),
)
