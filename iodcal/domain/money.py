"""Money: what a tier costs an hour, where that is known from, and amounts. Always Decimal, never float."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, field

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.structs import Instant, replace


class RateSource(StrEnum):
    """Where a rate is known from, the weakest first: each overrides those before it. ESTIMATED is a quote by
    the day or month, divided by its hours."""

    LIST = "list"
    CONFIGURED = "configured"
    ESTIMATED = "estimated"
    QUOTED = "quoted"


class Billing(StrEnum):
    """What a period costs: each started minute, hour or day (UTC) what the highest tier costs that was
    ordered in it; by the day of change each day (UTC) what the tier costs that was ordered last in it."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    CHANGE_DAY = "change_day"

    @property
    def seconds(self) -> int:
        """How many seconds one billing period is."""
        return {"minute": 60, "hour": 3600}.get(self.value, 86_400)

    @property
    def in_words(self) -> str:
        """What is billed: it follows on "billed"."""
        return {
            "minute": "by the minute",
            "hour": "by the started hour",
            "day": "by the day's highest tier",
            "change_day": "by the day at its last tier",
        }[self.value]

    @property
    def length(self) -> timedelta:
        """How long one billing period is."""
        return timedelta(seconds=self.seconds)


class Rate(Struct, frozen=True):
    """The price of a tier per hour; `as_of` is the day it was told, None for the configuration's own."""

    per_hour: Decimal
    source: RateSource
    as_of: date | None = None


_HIGHEST_PRICE = 10**9


def check_price(amount: Decimal) -> None:
    """Raises ValueError for what is no price: infinite, not a number, less than nothing, or so much that a
    carrier can only have sent nonsense."""
    if not amount.is_finite() or not 0 <= amount <= _HIGHEST_PRICE:
        raise ValueError(f"{amount} is no price")


_CODE = re.compile(r"(?<![A-Za-z])[A-Za-z]{3}(?![A-Za-z])", re.ASCII)
_PER_HOUR = re.compile(r"(?:/|per|p/|an|a)?\s*(?:hr|hour|h)\b\.?|\bhourly\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[.,'\u2019 ]\d+)*|[.,]\d+", re.ASCII)
# A sign may stand for several currencies: then what the answer names decides, else the usual one, else the
# first. The longer signs come first.
_SIGNS: Mapping[str, tuple[str, ...]] = {
    "US$": ("USD",), "CA$": ("CAD",), "C$": ("CAD",), "AU$": ("AUD",), "A$": ("AUD",), "NZ$": ("NZD",),
    "HK$": ("HKD",), "S$": ("SGD",), "R$": ("BRL",), "€": ("EUR",), "£": ("GBP",), "₹": ("INR",),
    "₩": ("KRW",), "zł": ("PLN",), "¥": ("JPY", "CNY"),
    "$": ("USD", "CAD", "AUD", "NZD", "HKD", "SGD", "MXN", "TWD", "CLP", "COP", "ARS"),
}  # fmt: skip


def parse_price(text: str, named: str | None = None, usual: str = "USD") -> tuple[Decimal | None, str]:
    """A price in a carrier's words, such as `$1,200.50`, `4,20 EUR/h` or `CHF 4.20 per hour`, and its
    currency. `named` is the code that the answer names beside it, `usual` the carrier's own.

    The amount is None where it cannot be read without a guess, or where text and `named` contradict."""
    rest = _PER_HOUR.sub(" ", text.replace("\u00a0", " ").replace("\u202f", " "))
    sign = next((sign for sign in _SIGNS if sign in rest), None)
    if sign is not None:
        rest = rest.replace(sign, " ", 1)
    codes = [code.upper() for code in _CODE.findall(rest)]
    rest = _CODE.sub(" ", rest).strip()
    said = {*codes, *((named.upper(),) if named else ())}
    possible = _SIGNS[sign] if sign is not None else (*said, usual)
    fitting = [code for code in possible if said <= {code}]
    currency = usual if usual in fitting else next(iter(fitting), named or usual)
    if not fitting or _NUMBER.fullmatch(rest) is None:
        return None, currency
    return _amount(rest), currency


def _amount(digits: str) -> Decimal | None:
    """The number that `digits` writes, with a point or a comma before the decimals; None where separators
    make no sense. Of a single separator before three digits, a comma stands for thousands."""
    if re.search("['\u2019 ](?!\\d{3}(?!\\d))", digits):
        return None
    plain = re.sub("['\u2019 ]", "", digits)
    separators = re.sub(r"\d", "", plain)
    last = separators[-1:]
    if separators == "," and len(plain.partition(",")[2]) == 3 and not plain.startswith(("0", ",")):
        last = ""
    elif separators.count(last) > 1:
        last = ""  # one that stands twice is no decimal point
    whole, _, decimals = plain.rpartition(last) if last else (plain, "", "")
    groups = re.split("[.,]", whole)
    if any(len(group) != 3 for group in groups[1:]):
        return None
    amount = Decimal("".join(groups) + (f".{decimals}" if decimals else ""))
    return amount if amount <= _HIGHEST_PRICE else None


class QuotedPrice(Struct, frozen=True):
    """What a carrier's quote said a tier costs per hour, when (UTC); `estimated` where it said only what a
    day or a month costs."""

    bandwidth: Bandwidth = field(name="mbps")
    per_hour: Decimal
    currency: str
    at: Instant
    estimated: bool = False

    def __post_init__(self) -> None:
        check_price(self.per_hour)


class Tariff(Struct, frozen=True):
    """What a circuit's tiers cost, in one currency, and by which rule."""

    currency: str = "USD"
    billing: Billing = Billing.MINUTE
    rates: tuple[tuple[Bandwidth, Rate], ...] = ()

    @classmethod
    def listed(cls, currency: str, as_of: date, per_hour: Mapping[int, str]) -> Tariff:
        """A carrier's public list as it was on that day: prices per hour by Mbps."""
        rates = {
            Bandwidth(mbps): Rate(Decimal(price), RateSource.LIST, as_of) for mbps, price in per_hour.items()
        }
        return cls(currency).over(rates)

    def rate(self, bandwidth: Bandwidth) -> Rate | None:
        """The rate of a tier, None where nobody has told it."""
        return next((rate for tier, rate in self.rates if tier == bandwidth), None)

    def per_hour(self, bandwidth: Bandwidth) -> Decimal | None:
        """The price of a tier per hour, None where nobody has told it."""
        rate = self.rate(bandwidth)
        return rate.per_hour if rate is not None else None

    def over(self, rates: Mapping[Bandwidth, Rate]) -> Tariff:
        """This tariff with `rates` in the place of its own, where both have one."""
        return replace(self, rates=tuple(sorted({**dict(self.rates), **rates}.items())))

    def with_quotes(self, quotes: Iterable[QuotedPrice]) -> Tariff:
        """This tariff as the carrier's own quotes have it; those in another currency say nothing of it."""
        told = {
            quote.bandwidth: Rate(
                quote.per_hour,
                RateSource.ESTIMATED if quote.estimated else RateSource.QUOTED,
                quote.at.date(),
            )
            for quote in sorted(quotes, key=lambda quote: quote.at)
            if quote.currency == self.currency
        }
        return self.over(told) if told else self


UNPRICED = Tariff()


class Cost(Struct, frozen=True):
    """An amount of money, negative for what is saved. `complete` is False where some tier's rate was not
    known: that part is missing from the amount."""

    amount: Decimal
    currency: str
    complete: bool = True

    def __add__(self, other: Cost) -> Cost:
        """Raises ValueError for two currencies: those are never added up."""
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added")
        return Cost(self.amount + other.amount, self.currency, complete=self.complete and other.complete)

    def __neg__(self) -> Cost:
        return Cost(-self.amount, self.currency, complete=self.complete)

    def __sub__(self, other: Cost) -> Cost:
        return self + -other

    @property
    def rounded(self) -> Decimal:
        """The amount to the cent."""
        return self.amount.quantize(Decimal("0.01"))


def add_up(costs: Iterable[Cost]) -> tuple[Cost, ...]:
    """One total for each currency, in the order of their names."""
    totals: dict[str, Cost] = {}
    for cost in costs:
        known = totals.get(cost.currency)
        totals[cost.currency] = cost if known is None else known + cost
    return tuple(totals[currency] for currency in sorted(totals))
