"""The command, for the tests of the configuration that need it."""

from __future__ import annotations

from tests.e2e.conftest import iodcal

__all__ = ["iodcal"]
