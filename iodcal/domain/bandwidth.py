"""Bandwidth: a rate, integer Mbps inside, never a bare number or text past the parser."""

from __future__ import annotations

import re
from decimal import Decimal

from msgspec import Struct

_TEXT = re.compile(r"\s*(\d{1,7}(?:\.\d{1,3})?)\s*([MG])bps\s*", re.IGNORECASE | re.ASCII)
_MBPS_PER_UNIT = {"M": 1, "G": 1000}


class Bandwidth(Struct, frozen=True, order=True):
    """A rate in whole Mbps; 1 Gbps is 1000 Mbps, as carriers count."""

    mbps: int

    def __post_init__(self) -> None:
        if self.mbps <= 0:
            raise ValueError(f"a bandwidth is more than 0 Mbps, not {self.mbps}")

    @classmethod
    def parse(cls, text: str) -> Bandwidth:
        """Reads `100 Mbps`, `1Gbps`, `2.5 gbps`.

        Raises ValueError for anything else, and for a rate that is not a whole number of Mbps.
        """
        found = _TEXT.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not a bandwidth such as 100 Mbps or 1 Gbps")
        mbps = Decimal(found[1]) * _MBPS_PER_UNIT[found[2].upper()]
        if mbps != int(mbps):
            raise ValueError(f"{text!r} is not a whole number of Mbps")
        return cls(int(mbps))

    def __str__(self) -> str:
        gbps, rest = divmod(self.mbps, 1000)
        return f"{gbps} Gbps" if not rest else f"{self.mbps} Mbps"
