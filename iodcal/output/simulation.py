"""A simulation as tables: the sum, each circuit, what was late, and what would have been told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from iodcal.domain.durations import format_duration
from iodcal.domain.money import RateSource
from iodcal.output.text import for_line, for_terminal
from iodcal.problems.kinds import Kind, Problem
from iodcal.problems.messages import cause_in_words, describe
from iodcal.simulation.result import CircuitResult, Hours, SimulatedEvent, Simulation, SimulationComparison

_MOST_LATE = 10
_MOST_MARGINS = 5
_MOST_TIERS = 5  # columns that fit


def print_comparison(comparison: SimulationComparison, console: Console) -> None:
    """Shows the whole result, below its heading."""
    if comparison.faults.rate:
        rate, seed = comparison.faults.rate, comparison.faults.seed
        console.print(Text(f"{rate:.1%} of all calls failed (seed {seed})"))
    console.print()
    console.print(_summary(comparison))
    for simulation in comparison.simulations:
        name = _label(simulation, comparison) if len(comparison.simulations) > 1 else ""
        _print_one(simulation, console, name)
    console.print()
    console.print(Text(_about_money(comparison), style="dim"))


def _print_one(simulation: Simulation, console: Console, name: str) -> None:
    if name:
        console.print()
        console.print(Text(name, style="bold underline"))
    console.print()
    console.print(_circuits(simulation))
    lifted = [circuit.name for circuit in simulation.circuits if circuit.lifted]
    if lifted:
        console.print(Text(f"orders: none is set for {', '.join(lifted)}; here they were allowed", "dim"))
    for title, table in _details(simulation):
        console.print()
        console.print(Text(title, style="bold"))
        if table is not None:
            console.print(table)


def _summary(comparison: SimulationComparison) -> Table:
    table = _table()
    table.add_column("in total")
    for simulation in comparison.simulations:
        table.add_column(Text(_label(simulation, comparison)), justify="right", overflow="fold")
    rows: tuple[tuple[str, Callable[[Simulation], str]], ...] = (
        ("runs", lambda one: f"{one.runs:,} every {format_duration(one.every)}"),
        ("orders up / down", lambda one: f"{_count(one, up=True)} / {_count(one, up=False)}"),
        ("cost", lambda one: _amount(one.money.simulated)),
        ("always at the highest tier", lambda one: _amount(one.money.highest)),
        ("on the baseline alone", lambda one: _amount(one.money.baseline)),
        ("saved against the highest tier", _saved),
        ("events in time", lambda one: f"{len(one.served) - len(one.late)} of {len(one.served)}"),
        ("late", lambda one: str(len(one.late))),
        ("problems told", lambda one: str(len(one.problems))),
    )
    for name, value in rows:
        table.add_row(name, *(value(simulation) for simulation in comparison.simulations))
    return table


def _circuits(simulation: Simulation) -> Table:
    tiers = list(simulation.hours)
    columns = len(tiers) <= _MOST_TIERS
    table = _table()
    table.add_column("circuit", overflow="fold")
    for header in (f"h at {tier}" for tier in tiers) if columns else ("hours",):
        table.add_column(header, justify="right")
    for header in ("up", "down", "cost", "saved"):
        table.add_column(header, justify="right")

    def cells(hours: Hours) -> list[str]:
        if columns:
            return [_in_hours(hours.get(tier, timedelta())) for tier in tiers]
        return ["\n".join(f"{_in_hours(lasting)} at {tier}" for tier, lasting in hours.items())]

    for circuit in simulation.circuits:
        table.add_row(
            Text(for_line(circuit.name), style="bold"),
            *cells(circuit.hours),
            str(circuit.ups),
            str(circuit.downs),
            _amount(circuit.money.simulated),
            _amount(circuit.money.savings),
        )
    return table


def _details(simulation: Simulation) -> Iterator[tuple[str, Table | None]]:
    late, margins = simulation.late, simulation.margins
    if late:
        title = f"late: {len(late)}" + (f", the worst {_MOST_LATE}" if len(late) > _MOST_LATE else "")
        yield title, _late(late[:_MOST_LATE])
    elif simulation.served:
        yield "no event was late", None
    else:
        yield "no event of this time matches a rule", None
    if margins:
        yield "at tier before the event began, the narrowest first", _margins(margins[:_MOST_MARGINS])
    if simulation.problems:
        yield "problems that somebody would have been told", _problems(simulation)


def _late(events: tuple[SimulatedEvent, ...]) -> Table:
    table = _table("event", "circuit", "needs", "late by", "short for", "why")
    for one in events:
        assert one.late is not None  # noqa: S101 - that is what makes it late
        table.add_row(
            _event(one),
            Text(for_line(one.circuit)),
            str(one.needs),
            _rough(one.late),
            _rough(one.short),
            Text(cause_in_words(one.reason)),
        )
    return table


def _margins(events: tuple[SimulatedEvent, ...]) -> Table:
    table = _table("event", "circuit", "needs", "seconds to spare")
    for one in events:
        seconds = int(one.spare.total_seconds()) if one.spare is not None else 0
        table.add_row(_event(one), Text(for_line(one.circuit)), str(one.needs), f"{seconds:,}")
    return table


def _event(one: SimulatedEvent) -> Text:
    subject = for_terminal(one.subject, 28) if one.subject else f"({for_line(one.rule)})"
    return Text(f"{one.event.start.astimezone(one.zone):%a %d %b %H:%M} {subject}")


def _problems(simulation: Simulation) -> Table:
    by_kind: dict[Kind, list[Problem]] = {}
    for _, problem in simulation.problems:
        by_kind.setdefault(problem.kind, []).append(problem)
    table = _table("times", "kind", "the first")
    for kind, found in sorted(by_kind.items(), key=lambda item: (-len(item[1]), item[0])):
        table.add_row(str(len(found)), str(kind), Text(for_line(describe(found[0]).message)))
    return table


def _about_money(comparison: SimulationComparison) -> str:
    circuits = [circuit for one in comparison.simulations for circuit in one.circuits]
    currencies = sorted({circuit.tariff.currency for circuit in circuits})
    billings = sorted({circuit.tariff.billing.in_words for circuit in circuits})
    text = f"Costs in {' and '.join(currencies)} at the ordered tier, by {_rates_used(circuits)}, "
    text += f"billed {' or '.join(billings)}: an estimate."
    unpriced = sorted({tier for one in comparison.simulations for tier in one.unpriced})
    if unpriced:
        named = ", ".join(str(tier) for tier in unpriced)
        text += f" No rate is known for {named}: sums with it are left open."
    if len(currencies) > 1:
        text += " Currencies are not added up."
    return text


def _rates_used(circuits: Iterable[CircuitResult]) -> str:
    rates = [rate for circuit in circuits for _, rate in circuit.tariff.rates]
    dates = [rate.as_of for rate in rates if rate.source is RateSource.LIST and rate.as_of is not None]
    if not dates:
        return "the configuration's rates"
    own = (
        "the configuration's rates and " if any(rate.source is not RateSource.LIST for rate in rates) else ""
    )
    return f"{own}the carrier's public list of {max(dates):%B %Y}"


def _label(simulation: Simulation, comparison: SimulationComparison) -> str:
    """The file's name; its folder too where two files are named alike."""
    path = simulation.rules
    alike = sum(one.rules.name == path.name for one in comparison.simulations) > 1
    return for_line(f"{path.parent.name}/{path.name}" if alike else path.name)


def _count(simulation: Simulation, *, up: bool) -> int:
    return sum(circuit.ups if up else circuit.downs for circuit in simulation.circuits)


def _saved(simulation: Simulation) -> str:
    money = simulation.money
    if money.savings is None or not money.highest:
        return _amount(money.savings)
    return f"{_amount(money.savings)} ({money.savings / money.highest:.0%})"


def _amount(amount: Decimal | None) -> str:
    return "not known" if amount is None else f"{amount:,.2f}"


def _in_hours(length: timedelta) -> str:
    return f"{length.total_seconds() / 3600:,.1f}"


def _rough(length: timedelta) -> str:
    """To the minute, but never to nothing."""
    return format_duration(timedelta(minutes=max(1, round(length.total_seconds() / 60))))


def _table(*headers: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for header in headers:
        table.add_column(header, overflow="fold")
    return table
