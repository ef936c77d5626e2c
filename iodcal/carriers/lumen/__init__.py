"""Lumen Internet On-Demand: inventory, quote, modify order.

See docs/reference/carriers.md for what is known of it.
"""

from __future__ import annotations

from iodcal.carriers.lumen.plugin import plugin

__all__ = ["plugin"]
