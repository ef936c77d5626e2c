"""The sandbox: a carrier in a JSON file, for trying rules and for tests. See docs/reference/sandbox.md."""

from __future__ import annotations

from iodcal.carriers.sandbox.plugin import plugin

__all__ = ["plugin"]
