"""Bandwidth: a rate, integer Mbps inside, never a bare number or text past the parser."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_TEXT = re.compile(r"\s*(\d{1,7}(?:\.\d{1,3})?)\s*([MG])bps\s*", re.IGNORECASE | re.ASCII)
_MBPS_PER_UNIT = {"M": 1, "G": 1000}


class Bandwidth:
    """A rate in whole Mbps; 1 Gbps is 1000 Mbps, as carriers count.

    No msgspec struct: those are always written as JSON objects, and this is to be written as its number."""

    __slots__ = ("mbps",)
    mbps: Final[int]

    def __init__(self, mbps: int) -> None:
        if mbps <= 0:
            raise ValueError(f"a bandwidth is more than 0 Mbps, not {mbps}")
        self.mbps = mbps

    def __eq__(self, other: object) -> bool:
        return other.__class__ is Bandwidth and self.mbps == other.mbps

    def __lt__(self, other: Bandwidth) -> bool:
        return self.mbps < other.mbps

    def __le__(self, other: Bandwidth) -> bool:
        return self.mbps <= other.mbps

    def __gt__(self, other: Bandwidth) -> bool:
        return self.mbps > other.mbps

    def __ge__(self, other: Bandwidth) -> bool:
        return self.mbps >= other.mbps

    def __hash__(self) -> int:
        return self.mbps

    def __repr__(self) -> str:
        return f"Bandwidth({self.mbps})"

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
