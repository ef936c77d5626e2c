"""Lumen: Internet On-Demand (inventory, quote, modify order) and Ethernet Fabric Connect (PATCH).

See docs/reference/carriers.md for what is known of it.
"""

from __future__ import annotations

from iodcal.carriers.lumen.plugin import efc_plugin, plugin

__all__ = ["efc_plugin", "plugin"]
