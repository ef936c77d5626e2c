"""What an hour at a tier costs. The one place of the simulation that knows a price."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Circuit

CURRENCY = "USD"
SOURCE = "Lumen's public list (2024)"

Rates = Mapping[Bandwidth, Decimal]

# USD per hour and connection. The binding rate is the one in a carrier's quote.
_PUBLIC_LIST: Rates = {
    Bandwidth(mbps): Decimal(rate)
    for mbps, rate in (
        (1, "0.10"),
        (5, "0.14"),
        (10, "0.18"),
        (20, "0.22"),
        (50, "0.32"),
        (100, "0.46"),
        (200, "0.58"),
        (300, "0.68"),
        (500, "0.82"),
        (1000, "1.06"),
        (2000, "1.70"),
        (5000, "2.90"),
        (10000, "4.36"),
    )
}


def rates_of(circuit: Circuit) -> Rates:  # noqa: ARG001 - the list is the same for every circuit
    """The price of an hour at each tier of `circuit`; a tier without a known price is left out."""
    return _PUBLIC_LIST
