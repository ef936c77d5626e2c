"""The local Microsoft, and no waiting between tries, as for the calendars."""

from __future__ import annotations

from tests.calendars.conftest import microsoft, waits

__all__ = ["microsoft", "waits"]
