"""Words for what a look back cannot know, with the remedy, and for what money was spent on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from iodcal.analysis.figures import CircuitCosts, CostReason, Lookback
from iodcal.domain.money import RateSource
from iodcal.words import Words

_SPENT_ON = {
    "baseline": "the baseline, early or late",
    "by_hand": "changed by hand",
    "hold": "holds",
    "unknown": "no reason on record",
}


def prices(found: Lookback) -> str | None:
    """By which prices it was reckoned; None where there is none."""
    if not found.priced_by:
        return None
    if RateSource.QUOTED not in found.priced_by:
        return "At today's rates: no quote of that time is on record."
    if len(found.priced_by) == 1:
        return "At the rates quoted at that time."
    return "At the rates quoted at that time; what was not quoted by then, at today's."


def doubts(found: Lookback) -> Iterator[Words]:
    """Why figures are not complete, and what to do about it."""
    if found.nothing_beside is not None:
        yield Words(
            f"There is no history beside {found.nothing_beside} to look back on",
            "Name the state that iodcal sync keeps, with --state; or wait for its first runs",
        )
    if found.unreadable:
        lines = "1 line" if found.unreadable == 1 else f"{found.unreadable} lines"
        yield Words(
            f"{lines} of the history could not be read, so something may be missing",
            "Restore the history from a backup, if there is one",
        )
    if found.nothing_beside is not None:
        return  # so nothing is known of any circuit
    for one in found.circuits:
        yield from _of_circuit(one, found)
    if found.priced_at is not None:
        yield Words(
            f"Where nothing better is known, prices are the carrier's public list of {found.priced_at}",
            "Give your own under rates",
        )


def _of_circuit(one: CircuitCosts, found: Lookback) -> Iterator[Words]:
    if one.left:
        yield Words(
            f"{one.name} has left the configuration: of its prices only the quotes of its orders are known, "
            "and no baseline",
            "Put it back under circuits to see them",
        )
    elif one.unpriced:
        tiers = ", ".join(str(tier) for tier in one.unpriced)
        yield Words(f"{one.name}: no rate for {tiers}", "Give one under rates of the circuit or its carrier")
    for currency in one.uncounted:
        yield Words(
            f"{one.name}: quotes in {currency} were left out, for its rates are in another currency",
            f"Give currency: {currency} and rates in it, of the circuit or its carrier",
        )
    if one.figures.unknown:
        hours = one.figures.unknown.total_seconds() / 3600
        yield Words(
            f"{one.name}: nothing is known of {hours:.1f} h",
            "They lie before its first reading, or their history is gone (settings.history_keep)",
        )
    for gap in one.gaps:
        start, end = max(gap.start, found.asked.start), min(gap.end, found.asked.end)
        yield Words(
            f"{one.name}: the history lacks a change between {_shown(start, found)} and {_shown(end, found)}",
            f"iodcal history --all --circuit {one.name} shows what is left",
        )


def spent_on(because: CostReason) -> str:
    """A reason as the name of a row: a rule, or what stands in its place."""
    return because.rule or _SPENT_ON.get(because.kind, because.kind)


def event_name(because: CostReason) -> str:
    """An event by its subject, or without it by its rule."""
    if because.kind == "hold":
        return "a hold"
    return because.subject or f"an event of {because.rule}"


def _shown(at: datetime, found: Lookback) -> str:
    return at.astimezone(found.zone).strftime("%d %b %H:%M")
