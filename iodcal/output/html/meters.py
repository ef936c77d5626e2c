"""Numbers as bars within tables: each cell beside them says in figures what its bar shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal

from iodcal.analysis.figures import Bill, Figures
from iodcal.domain.bandwidth import Bandwidth
from iodcal.output.html.document import Html, StyleSheet, tag

_SHADES = 6  # of page.css
_NEARLY_USED_UP = Decimal("0.8")


def bill_meter(bill: Bill, most: Decimal, sheet: StyleSheet) -> Html:
    """A cost within an outline for the highest tier all the time, with a stroke for the baseline alone."""
    return _meter(
        _part("outline", bill.highest.amount, most, sheet),
        _part("cost", bill.cost.amount, most, sheet),
        _stroke(bill.baseline.amount, most, sheet),
    )


def amount_meter(amount: Decimal, most: Decimal, sheet: StyleSheet) -> Html:
    """A bar as long as `amount` of `most`; an outline where it is less than nothing."""
    return _meter(_part("spent" if amount >= 0 else "less", abs(amount), most, sheet))


def used_meter(used: Decimal, allowed: Decimal, sheet: StyleSheet) -> Html:
    """How much is used up of what is allowed, with a stroke at the limit; it turns hatched from 80 %, and
    double-hatched beyond 100."""
    share = used / allowed if allowed else Decimal(1)
    kind = "over" if share >= 1 else "near" if share >= _NEARLY_USED_UP else "cost"
    most = max(used, allowed, Decimal(1))
    return _meter(
        _part("outline", allowed, most, sheet),
        _part(kind, used, most, sheet),
        _stroke(allowed, most, sheet),
    )


def hours_meter(figures: Figures, tiers: Sequence[Bandwidth], sheet: StyleSheet) -> Html:
    """How time was spread over the tiers; what is not known stays empty."""
    whole = sum(figures.at_tier.values(), figures.unknown)
    at, parts = Decimal(0), [tag("i", class_=f"outline {_width(Decimal(1), sheet)}")]
    for tier in tiers:
        length = figures.at_tier.get(tier, timedelta())
        share = Decimal(length / whole) if whole else Decimal(0)
        if share:
            place = sheet.class_of(f"left:{at * 100:.1f}%;width:{share * 100:.1f}%")
            parts.append(tag("i", class_=f"t{shade(tier, tiers)} {place}", title=f"{tier}: {share:.0%}"))
            at += share
    return _meter(*parts)


def shade(tier: Bandwidth, tiers: Sequence[Bandwidth]) -> int:
    """Which shade of the page's palette a tier has among `tiers`, which ascend."""
    return round(tiers.index(tier) / max(1, len(tiers) - 1) * (_SHADES - 1))


def most_of(bills: Iterable[Bill]) -> Decimal:
    """The longest bar that `bill_meter` has to draw."""
    return max((max(bill.highest.amount, bill.cost.amount) for bill in bills), default=Decimal(0))


def _meter(*parts: Html) -> Html:
    return tag("div", *parts, class_="meter", aria_hidden="true")


def _part(kind: str, amount: Decimal, most: Decimal, sheet: StyleSheet) -> Html:
    return tag("i", class_=f"{kind} {_width(_share(amount, most), sheet)}")


def _stroke(amount: Decimal, most: Decimal, sheet: StyleSheet) -> Html:
    return tag("i", class_=f"stroke {sheet.class_of(f'left:{_share(amount, most) * 100:.1f}%')}")


def _width(share: Decimal, sheet: StyleSheet) -> str:
    return sheet.class_of(f"left:0;width:{share * 100:.1f}%")


def _share(amount: Decimal, most: Decimal) -> Decimal:
    return min(Decimal(1), max(Decimal(0), amount / most)) if most else Decimal(0)
