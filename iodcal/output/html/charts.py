"""Bars as inline SVG. Each says in one sentence what it shows; the tables below hold every number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from msgspec import Struct

from iodcal.analysis.figures import Bill, Figures, Spending
from iodcal.domain.bandwidth import Bandwidth
from iodcal.messages.results import spent_on
from iodcal.output.html.document import Html, tag
from iodcal.output.text import for_terminal

_WIDTH, _LEFT, _RIGHT, _ROW, _BAR = 1000, 220, 760, 30, 18
_SHADES = 6  # of page.css
_MOST_NAME = 26


class BarRow(Struct, frozen=True):
    """A name on the left, shapes between, and a text on the right."""

    name: str
    shapes: tuple[Html, ...]
    text: str


def bills_chart(rows: Sequence[tuple[str, Bill]], said: str) -> Html:
    """For each name its cost as a bar, within an outline for the highest tier, with a stroke for the
    baseline."""
    most = max((max(bill.highest.amount, bill.cost.amount) for _, bill in rows), default=Decimal(0))
    return _chart([_bill_row(name, bill, number, most) for number, (name, bill) in enumerate(rows)], said)


def _bill_row(name: str, bill: Bill, number: int, most: Decimal) -> BarRow:
    top = number * _ROW + 6
    baseline = _x(bill.baseline.amount, most)
    shapes = (
        _bar("cost", top, start=Decimal(0), amount=bill.cost.amount, most=most),
        _bar("track", top, start=Decimal(0), amount=bill.highest.amount, most=most),
        tag("line", class_="base", x1=baseline, x2=baseline, y1=top - 3, y2=top + _BAR + 3),
    )
    sign = "" if bill.cost.complete else "at least "
    return BarRow(name, shapes, f"{sign}{bill.cost.rounded} {bill.currency}")


def spending_chart(rows: Sequence[Spending], said: str) -> Html:
    """For each reason what it cost beyond the baseline; an empty bar for what it saved."""
    most = max((abs(one.cost.amount) for one in rows), default=Decimal(0))
    shown = []
    for number, one in enumerate(rows):
        kind = "spent" if one.cost.amount >= 0 else "less"
        shape = _bar(kind, number * _ROW + 6, start=Decimal(0), amount=abs(one.cost.amount), most=most)
        shown.append(BarRow(spent_on(one.because), (shape,), f"{one.cost.rounded:+} {one.cost.currency}"))
    return _chart(shown, said)


def hours_chart(rows: Sequence[tuple[str, Figures]], tiers: Sequence[Bandwidth], said: str) -> Html:
    """For each name how its time was spread over the tiers; what is not known stays empty."""
    shown = []
    for number, (name, figures) in enumerate(rows):
        whole = sum(figures.at_tier.values(), figures.unknown)
        shown.append(BarRow(name, tuple(_stretches(figures, tiers, number, whole)), _most_of(figures, whole)))
    return _chart(shown, said)


def _stretches(figures: Figures, tiers: Sequence[Bandwidth], number: int, whole: timedelta) -> list[Html]:
    top, at, shapes = number * _ROW + 6, Decimal(0), []
    for tier in tiers:
        share = Decimal(figures.at_tier.get(tier, timedelta()) / whole if whole else 0)
        if share:
            title = tag("title", f"{tier}: {share * 100:.0f} %")
            shapes.append(
                _bar(f"t{shade(tier, tiers)} edge", top, start=at, amount=share, most=Decimal(1), title=title)
            )
            at += share
    return [*shapes, _bar("track", top, start=Decimal(0), amount=Decimal(1), most=Decimal(1))]


def shade(tier: Bandwidth, tiers: Sequence[Bandwidth]) -> int:
    """Which shade of the page's palette a tier has among `tiers`, which ascend."""
    return round(tiers.index(tier) / max(1, len(tiers) - 1) * (_SHADES - 1))


def _most_of(figures: Figures, whole: timedelta) -> str:
    if not figures.at_tier:
        return "not known"
    tier, length = max(figures.at_tier.items(), key=lambda one: one[1])
    return f"{length / whole * 100:.0f} % at {tier}"


def _bar(
    kind: str, top: int, *, start: Decimal, amount: Decimal, most: Decimal, title: Html | None = None
) -> Html:
    left = _x(start, most)
    width = f"{max(0.0, float(_x(start + amount, most)) - float(left)):.2f}"
    return tag("rect", title, class_=kind, x=left, y=top, width=width, height=_BAR)


def _x(amount: Decimal, most: Decimal) -> str:
    share = min(Decimal(1), max(Decimal(0), amount / most)) if most else Decimal(0)
    return f"{_LEFT + float(share) * (_RIGHT - _LEFT):.2f}"


def _chart(rows: Sequence[BarRow], said: str) -> Html:
    inside = [tag("title", said)]
    for number, row in enumerate(rows):
        line = number * _ROW + 20
        name = for_terminal(row.name, _MOST_NAME)
        inside += [tag("text", name, class_="end", x=_LEFT - 12, y=line), *row.shapes]
        inside.append(tag("text", row.text, class_="soft", x=_RIGHT + 14, y=line))
    box = f"0 0 {_WIDTH} {len(rows) * _ROW + 6}"
    return tag("svg", *inside, class_="chart", role="img", aria_label=said, viewBox=box)
