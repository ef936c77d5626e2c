"""Notices: news of a run, for people who look at a chat, a pager or a mail and not at this host.

A run makes its news into notices (`news`), each target takes what it selects (`dispatch`), `channels` send
them side by side, and `outbox` keeps what could not be delivered. The shapes are here.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from iodcal.domain.structs import Instant, replace
from iodcal.output.text import for_line


class NoticeKind(StrEnum):
    """The published list: it may grow, nothing in it is renamed."""

    CHANGE = "change"
    PROBLEM = "problem"
    RECOVERED = "recovered"
    READY = "ready"
    LATE = "late"
    DAILY = "daily"


class ChangeData(Struct, frozen=True):
    """A change as data, for a shaper or a CMDB: Mbps, UTC as text, money as decimal text.

    `at` is when it was ordered, or asked for where it is held; `settled_at` when the carrier showed it done.
    `outcome` is an order's, or `held` with its `reason` and `until`. `starts_at` and `ends_at` span the
    events that a raise is for, or that a lowering follows; None where there is none.
    """

    circuit: str
    carrier: str
    service_id: str
    direction: str
    from_mbps: int
    to_mbps: int
    outcome: str
    at: str | None
    settled_at: str | None = None
    reason: str | None = None
    until: str | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    external_id: str | None = None
    order_id: str | None = None
    price_per_hour: str | None = None
    currency: str | None = None


class Notice(Struct, frozen=True):
    """One piece of news. `id` names what it is about and stays the same from run to run; `circuits` are
    those that it concerns, none where it concerns all. `at` is the time of the run (UTC).

    `severity` is error, warning or info. The texts are lines for people: foreign characters in them are
    harmless, but markup is not: each way of sending escapes its own. `tries` counts deliveries that may
    have arrived, though no answer came. `change` are the numbers of a `change`. `installation` is whose run
    it tells of, its title begins with that.
    """

    kind: NoticeKind
    id: str
    severity: str
    title: str
    text: str
    at: Instant
    run_id: str
    remedy: str = ""
    circuits: tuple[str, ...] = ()
    tries: int = 0
    change: ChangeData | None = None
    installation: str = ""

    def named(self, installation: str) -> Notice:
        """This notice as one of that installation."""
        return replace(self, installation=installation, title=f"{for_line(installation)}: {self.title}")

    @property
    def stored(self) -> bool:
        """False for the daily summary: it holds titles that nothing may be kept of."""
        return self.kind is not NoticeKind.DAILY
