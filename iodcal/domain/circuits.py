"""Circuits: account, baseline, tiers, and how orders to them are made; and what their carrier shows.

Labels are what users hang on circuits, sites and rules (`cost_center`, `owner`, `change_ref`), for those who
bill and audit. No order depends on them; `notify` may select by a circuit's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.durations import format_duration, parse_duration
from iodcal.domain.money import UNPRICED, Tariff
from iodcal.domain.structs import Instant, replace
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


_LONGEST_PERIOD = timedelta(days=31)
_NO_LIMIT = "{!r} is not a limit such as 1 in 5m or 100 a month"


class ChangeLimit(Struct, frozen=True, order=True):
    """At most `count` changes of one circuit in any `period`; with a `period` of None, in one calendar month
    (UTC)."""

    count: int
    period: timedelta | None = None

    @classmethod
    def parse(cls, text: str) -> ChangeLimit:
        """Reads `1 in 5m` and `100 a month`. Raises ValueError."""
        words = text.split()
        if len(words) != 3 or not (words[0].isascii() and words[0].isdecimal()) or len(words[0]) > 6:
            raise ValueError(_NO_LIMIT.format(text))
        count, monthly = int(words[0]), [word.casefold() for word in words[1:]] == ["a", "month"]
        if not monthly and words[1].casefold() != "in":
            raise ValueError(_NO_LIMIT.format(text))
        period = None if monthly else parse_duration(words[2])
        if count < 1:
            raise ValueError(f"{text!r} allows no change at all: set orders: none instead")
        if period is not None and not timedelta() < period <= _LONGEST_PERIOD:
            raise ValueError(f"{text!r} must have a period of more than 0m, and of at most 31d")
        return cls(count, period)

    @property
    def length(self) -> timedelta:
        """The period, or how long a month is at most."""
        return self.period if self.period is not None else _LONGEST_PERIOD

    def __str__(self) -> str:
        return (
            f"{self.count} a month"
            if self.period is None
            else f"{self.count} in {format_duration(self.period)}"
        )


def contradiction(limits: Iterable[ChangeLimit]) -> str | None:
    """Why `limits` cannot all be meant; None where they can."""
    ordered = sorted(limits, key=lambda limit: (limit.length, limit.count))
    for short, long in pairwise(ordered):
        if short.length == long.length:
            return f"{short} and {long} limit the same period: keep one"
        if short.count > long.count:
            return f"{short} can never be used up, as {long} allows fewer: correct one"
    return None


class Circuit(Struct, frozen=True):
    """One service as the core needs it. Times are lengths; `tiers` ascend.

    `provisioning` is how long this carrier takes to carry out a change; `changes_per_day` is None where
    the carrier sets no limit, `limits` are how often this circuit may be changed. `idempotent` is True where
    the same order twice does no more than once. `holidays` are those kept where the circuit is; `place` is
    where its days are judged. `max_price_per_hour` is in the tariff's currency.
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
    limits: tuple[ChangeLimit, ...] = ()
    idempotent: bool = False
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


def fold_status(word: str) -> str:
    """A carrier's word for a status as it is compared."""
    return " ".join(word.casefold().split())


class Reading(Struct, frozen=True):
    """What the carrier said of a circuit, when (UTC). `status_text` is the carrier's own word: untrusted.

    `bandwidth` is None where the carrier named none; while PENDING it may be the old or the new one.
    `waits_for` names the person or company whose approval a pending change waits for, in the carrier's words;
    empty where it waits for nobody.
    """

    at: Instant
    status: Status
    bandwidth: Bandwidth | None = field(name="mbps")
    status_text: str = ""
    waits_for: str = ""

    def shows(self, bandwidth: Bandwidth) -> bool:
        """True if the circuit runs at `bandwidth` with nothing pending."""
        return self.status is Status.ACTIVE and self.bandwidth == bandwidth

    def in_words(self, meanings: Mapping[str, Status]) -> Reading:
        """This reading, its status by the `meanings` of the carrier's folded words where it is not known; a
        word counts without what follows a comma, too. What waits for somebody is pending."""
        if self.status is not Status.UNKNOWN:
            return self
        words = (self.status_text, self.status_text.partition(",")[0])
        known = next((meanings[one] for word in words if (one := fold_status(word)) in meanings), None)
        if known is None:
            return self
        return replace(self, status=Status.PENDING if self.waits_for else known)


HOURS_OF_MONTH = 730
"""Hours of a month on average: what a monthly price is divided by, for an estimate per hour."""


class Quote(Struct, frozen=True):
    """A carrier's offer of `bandwidth`, when (UTC). `id` is what the order refers to, None where the carrier
    has no quotes. It names its price by the hour, by the day or by the month, or not at all."""

    id: str | None
    bandwidth: Bandwidth
    at: datetime
    price_per_hour: Decimal | None = None
    currency: str = "USD"
    price_per_day: Decimal | None = None
    price_per_month: Decimal | None = None

    @property
    def hourly(self) -> Decimal | None:
        """The price of an hour: the carrier's own, else an estimate from that of a day or of a month."""
        if self.price_per_hour is not None:
            return self.price_per_hour
        if self.price_per_day is not None:
            return self.price_per_day / 24
        if self.price_per_month is not None:
            return round(self.price_per_month / HOURS_OF_MONTH, 6)
        return None

    @property
    def estimated(self) -> bool:
        """True where `hourly` is no price that the carrier named."""
        return self.price_per_hour is None and self.hourly is not None


class Acceptance(Struct, frozen=True):
    """A carrier took an order, when (UTC). That is not yet done, unless it says so with `done`: then a
    reading is asked for at once, and only that confirms it. `waits_for` names whose approval it waits for, in
    the carrier's words; empty where it waits for nobody."""

    at: datetime
    carrier_order_id: str | None = None
    done: bool = False
    waits_for: str = ""
