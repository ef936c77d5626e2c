"""Which page `report --html` is asked to draw."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

from iodcal.asked import check_circuit, clock_of
from iodcal.config import Configuration
from iodcal.domain.localtime import Interval
from iodcal.errors import UsageError

BACK = timedelta(days=3)
_FARTHEST = timedelta(days=62)


class PageAsked(Struct, frozen=True):
    """What the page is to show: so far `back` (three days if None), so far ahead (`window`; as each run looks
    if None)."""

    circuit: str | None = None
    back: timedelta | None = None
    window: timedelta | None = None
    now: str | None = None

    @property
    def far_back(self) -> timedelta:
        """How far back the page goes."""
        return self.back or BACK


def check_page(configuration: Configuration, asked: PageAsked) -> None:
    """Raises UsageError where the page would have no end, or nothing to show."""
    check_circuit(configuration, asked.circuit)
    if not configuration.circuits:
        raise UsageError("no_circuits")
    if max(asked.far_back, asked.window or timedelta()) > _FARTHEST:
        raise UsageError("too_far", days=_FARTHEST.days)


def span_of_page(configuration: Configuration, asked: PageAsked) -> Interval:
    """The time (UTC) that the page shows. Raises UsageError."""
    check_page(configuration, asked)
    _, now = clock_of(configuration, asked.now)
    return Interval(now - asked.far_back, now + (asked.window or configuration.settings.window))
