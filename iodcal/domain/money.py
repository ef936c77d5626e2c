"""Money: what a tier costs an hour, where that is known from, and amounts. Always Decimal, never float."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, field

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.structs import Instant, replace


class RateSource(StrEnum):
    """Where a rate is known from, the weakest first: each overrides those before it."""

    LIST = "list"
    CONFIGURED = "configured"
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


def check_price(amount: Decimal) -> None:
    """Raises ValueError for what is no price: infinite, not a number, or less than nothing."""
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{amount} is no price")


class QuotedPrice(Struct, frozen=True):
    """What a carrier's quote said a tier costs per hour, when (UTC)."""

    bandwidth: Bandwidth = field(name="mbps")
    per_hour: Decimal
    currency: str
    at: Instant

    def __post_init__(self) -> None:
        check_price(self.per_hour)


class Tariff(Struct, frozen=True):
    """What a circuit's tiers cost, in one currency, and by which rule."""

    currency: str = "USD"
    billing: Billing = Billing.MINUTE
    rates: tuple[tuple[Bandwidth, Rate], ...] = ()

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
            quote.bandwidth: Rate(quote.per_hour, RateSource.QUOTED, quote.at.date())
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


UNKNOWN_CURRENCY = "XXX"
"""As ISO 4217 has it: where sign and code differ. It compares with nothing."""

_CODES = (
    "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EUR GBP HKD HUF IDR ILS INR ISK JPY KRW MXN MYR NOK NZD "
    "PEN PHP PLN RON SAR SEK SGD THB TRY TWD USD VND ZAR"
)
_DOLLARS = {
    "US": "USD",
    "CA": "CAD",
    "C": "CAD",
    "AU": "AUD",
    "A": "AUD",
    "NZ": "NZD",
    "HK": "HKD",
    "SG": "SGD",
}
_DOLLARS |= {"S": "SGD", "MX": "MXN", "NT": "TWD", "R": "BRL"}
# What a sign may stand for, the likeliest first.
_SIGNS = {
    "$": tuple(dict.fromkeys(_DOLLARS.values())),
    "€": ("EUR",),
    "£": ("GBP",),
    "¥": ("JPY", "CNY"),
    "₹": ("INR",),
    "₩": ("KRW",),
    **{f"{prefix}$": (code,) for prefix, code in _DOLLARS.items()},
    **{code: (code,) for code in _CODES.split()},
}
_WRITTEN = re.compile(
    rf"(?<![A-Z])(?:{'|'.join(_CODES.split())})(?![A-Z])|(?<![A-Z])(?:{'|'.join(_DOLLARS)})\$|[$€£¥₹₩]",
    re.IGNORECASE,
)
_PER_HOUR = r"(?:/|\bper\b|\ban?\b)?\s*(?:1\s*)?(?:hourly(?: rate)?|hours?|hrs?|h)\b\.?"
_PRICE = re.compile(rf"(?P<number>[0-9](?:[0-9., ']*[0-9])?)\s*(?:{_PER_HOUR})?", re.IGNORECASE)
_BY_THE_HOUR = re.compile(r"\bhourly|\bhours?\b|\bhrs?\b|(?:/|\bper\b|\ban?\b)\s*h\b", re.IGNORECASE)
_LONGEST_PRICE = 100


def read_price(text: str) -> tuple[Decimal | None, tuple[str, ...]]:
    """A price as people write it, such as `US$ 5`, `5,00 EUR` or `CHF 4.20/h`: the amount, None where it is
    no price or one for something else than an hour; and the currencies that its sign or code may stand for,
    the likeliest first, none where there is neither."""
    plain = unicodedata.normalize("NFKC", text[:_LONGEST_PRICE]).replace("\u2019", "'")
    meant = [_SIGNS[found.upper()] for found in _WRITTEN.findall(plain)]
    currencies = tuple(code for code in meant[0] if all(code in other for other in meant)) if meant else ()
    price = _PRICE.fullmatch(_WRITTEN.sub(" ", plain).strip())
    amount = _amount(price["number"]) if price is not None else None
    return amount, currencies or ((UNKNOWN_CURRENCY,) if meant else ())


def is_per_hour(text: str) -> bool:
    """True if a price's text, or the name of its term, says that it is for an hour."""
    return _BY_THE_HOUR.search(text) is not None


def _amount(number: str) -> Decimal | None:
    """`1,200.50`, `1.200,50`, `1 200.5` or `0,82`; None where the groups of digits make no number."""
    digits = number.replace(" ", "").replace("'", "")
    point = max(digits.rfind("."), digits.rfind(","))
    mark = digits[point] if point >= 0 else "."
    other = "," if mark == "." else "."
    if digits.count(mark) > 1 or (mark == "," and other not in digits and _GROUPED.fullmatch(digits)):
        mark, other = other, mark  # it stands between thousands
    whole, _, part = digits.partition(mark)
    if other in part or (other in whole and not _GROUPED.fullmatch(whole)):
        return None
    return Decimal(f"{whole.replace(other, '')}{'.' if part else ''}{part}")


_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:([.,])[0-9]{3})(?:\1[0-9]{3})*")
