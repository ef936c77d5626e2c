"""Circuits: account, baseline, tiers, and how orders to them are made; and what their carrier shows.

Labels are what users hang on circuits, sites and rules (`cost_center`, `owner`, `change_ref`), for those who
bill and audit. No order depends on them; `notify` may select by a circuit's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.money import UNPRICED, Tariff
from iodcal.domain.structs import Instant
from iodcal.domain.workdays import Holidays, Place

# Pairs in order of name: values that hold them can be compared and kept in sets.
Labels: TypeAlias = tuple[tuple[str, str], ...]


def labels_of(*layers: Mapping[str, str]) -> Labels:
    """The labels of `layers` laid over each other: of one name the last layer's counts."""
    merged: dict[str, str] = {}
    for layer in layers:
        merged |= layer
    return tuple(sorted(merged.items()))


class Peak(Struct, frozen=True):
    """A level by day and local time. `end` not after `start` runs past midnight and belongs to its first
    day; `end` None is 24:00. `days`, `business_days` and `holidays_as_sunday` choose the days, see
    `iodcal.domain.workdays`. `lead` is how long before `start` it is asked for already, so that it is there
    in time."""

    days: frozenset[int]
    start: time
    end: time | None
    bandwidth: Bandwidth
    business_days: frozenset[int] = frozenset()
    holidays_as_sunday: bool = False
    lead: timedelta = timedelta()


class Baseline(Struct, frozen=True):
    """A circuit's recurring schedule; where peaks overlap, the highest counts."""

    off_peak: Bandwidth
    peaks: tuple[Peak, ...] = ()


class Orders(StrEnum):
    """What may be ordered for a circuit."""

    ALL = "all"
    UPS = "ups"
    NONE = "none"


class Account(Struct, frozen=True, order=True):
    """Whom a carrier bills: orders of one account share a quota."""

    carrier_type: str
    base_url: str
    number: str


class Circuit(Struct, frozen=True):
    """One service as the core needs it. Times are lengths; `tiers` ascend.

    `provisioning` is how long this carrier takes to carry out a change; `changes_per_day` is None where
    the carrier sets no limit. `holidays` are those kept where the circuit is; `place` is where its days are
    judged. `max_price_per_hour` is in
    the tariff's currency.
    """

    name: str
    service_id: str
    carrier: str
    account: Account
    zone: ZoneInfo
    tiers: tuple[Bandwidth, ...]
    baseline: Baseline
    site: str | None = None
    floor: Bandwidth | None = None
    ceiling: Bandwidth | None = None
    orders: Orders = Orders.ALL
    provisioning: timedelta = timedelta(minutes=10)
    changes_per_day: int | None = None
    holidays: Holidays = frozenset()
    tariff: Tariff = UNPRICED
    max_price_per_hour: Decimal | None = None
    labels: Labels = ()

    @property
    def place(self) -> Place:
        """Where its days are judged."""
        return Place(self.zone, self.holidays)

    @property
    def key(self) -> str:
        """The name under which state knows this circuit, whatever the user calls it."""
        parts = (self.account.carrier_type, self.account.base_url, self.account.number, self.service_id)
        return "|".join(parts)

    def sold(self, wanted: Bandwidth) -> Bandwidth:
        """`wanted` rounded up to the next tier that floor and ceiling allow, else down to the highest such.

        Raises ValueError where they allow none, which no configuration that was read does."""
        mbps, highest = wanted.mbps, None
        for tier in self.tiers:
            if self._allows(tier):
                highest = tier
                if tier.mbps >= mbps:
                    return tier
        if highest is None:
            raise ValueError(f"{self.name} has no tier between its floor and its ceiling")
        return highest

    @property
    def allowed(self) -> tuple[Bandwidth, ...]:
        """The tiers within floor and ceiling."""
        return tuple(tier for tier in self.tiers if self._allows(tier))

    def _allows(self, tier: Bandwidth) -> bool:
        floor, ceiling = self.floor, self.ceiling
        return (floor is None or tier.mbps >= floor.mbps) and (ceiling is None or tier.mbps <= ceiling.mbps)

    @property
    def highest(self) -> Bandwidth:
        return self.sold(self.tiers[-1])


def parts_of(key: str) -> tuple[str, str, str, str]:
    """What a circuit's `key` names: the carrier's type and base URL, the number of the account, the service
    ID; each is empty where it names none."""
    carrier_type, base_url, account, service_id, *_ = (*key.split("|", 3), "", "", "")
    return carrier_type, base_url, account, service_id


def account_in(key: str) -> tuple[str, str]:
    """The carrier's type and the number of the account that a circuit's `key` names."""
    carrier_type, _, account, _ = parts_of(key)
    return carrier_type, account


def split_key(key: str) -> tuple[str, str]:
    """The account, with its carrier, and the service ID in a circuit's `key`."""
    account, _, service_id = key.rpartition("|")
    return account, service_id


def join_key(account: str, service_id: str) -> str:
    """The key that `split_key` makes these of."""
    return f"{account}|{service_id}" if account else service_id


class Status(StrEnum):
    """A circuit's state at its carrier. UNKNOWN is any word nobody has seen before."""

    ACTIVE = "active"
    PENDING = "pending"
    UNKNOWN = "unknown"


class Reading(Struct, frozen=True):
    """What the carrier said of a circuit, when (UTC). `status_text` is the carrier's own word: untrusted.

    `bandwidth` is None where the carrier named none; while PENDING it may be the old or the new one.
    """

    at: Instant
    status: Status
    bandwidth: Bandwidth | None = field(name="mbps")
    status_text: str = ""

    def shows(self, bandwidth: Bandwidth) -> bool:
        """True if the circuit runs at `bandwidth` with nothing pending."""
        return self.status is Status.ACTIVE and self.bandwidth == bandwidth


class Quote(Struct, frozen=True):
    """A carrier's offer. `id` is what the order refers to; prices are per hour, None where not told."""

    id: str
    bandwidth: Bandwidth
    at: datetime
    price_per_hour: Decimal | None = None
    currency: str = "USD"


class Acceptance(Struct, frozen=True):
    """A carrier took an order. That is not yet done."""

    at: datetime
    carrier_order_id: str | None
