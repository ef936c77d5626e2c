"""Two plans beside each other, on a terminal or in a pipe: `+` comes, `-` goes, `~` changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from iodcal.commands.diff import RuleDifferences, RulesComparison
from iodcal.domain.changes import Change, of_window
from iodcal.domain.costs import window_cost, window_total
from iodcal.domain.diff import CircuitDifference
from iodcal.domain.durations import format_duration
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Cost
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.windows import Freeze, Window
from iodcal.messages.carriers import HELD
from iodcal.output.plan import amount, cause_text, print_sources, print_told, problem_text, zone_line
from iodcal.output.text import for_line, local, local_span, rough

_MOST_LINES = 12
_SIGNS = {"+": "bold green", "-": "bold magenta", "~": "bold yellow"}


def print_diff(comparison: RulesComparison, console: Console, errors: Console) -> None:
    """Shows on `console` what the other file would change, and the problems on `errors`."""
    print_sources(comparison.before, console)
    console.print(Text(f"What {for_line(str(comparison.path))} would change", style="bold"))
    for line in _rules(comparison.rules):
        console.print(line)
    for difference in comparison.circuits:
        if not difference.same:
            console.print()
            _print_circuit(difference, comparison, console)
    same = [difference for difference in comparison.circuits if difference.same]
    if same:
        names = ", ".join(for_line(difference.plan.circuit.name) for difference in same)
        console.print(Text(f"\nNothing changes for {names}", style="dim"))
    for total in _totals(comparison):
        console.print(Text(total, style="bold"))
    _print_problems(comparison, errors)


def _rules(rules: RuleDifferences) -> Iterator[Text]:
    for sign, names in (("+", rules.added), ("-", rules.removed), ("~", rules.changed)):
        for name in names:
            yield _line(sign, f"rule {for_line(name)}")
    if rules.untried:
        untried = ", ".join(for_line(name) for name in rules.untried)
        yield Text(
            f"Not tried, since only events that today's rules took are remembered: {untried}", style="bold"
        )


def _print_circuit(difference: CircuitDifference, comparison: RulesComparison, console: Console) -> None:
    heading = comparison.before if comparison.before.plans else comparison.after
    circuit = difference.plan.circuit
    title = Text(for_line(circuit.name), style="bold")
    if difference.before is None:
        title.append("  is new")
    elif difference.after is None:
        title.append("  is gone: iodcal no longer looks after it")
    console.print(title)
    if (zone := zone_line(difference.plan, heading)) is not None:
        console.print(Padding(zone, (0, 0, 0, 2)))
    for line in _lines(difference, comparison):
        console.print(Padding(line, (0, 0, 0, 2)))


def _lines(difference: CircuitDifference, comparison: RulesComparison) -> Iterator[Text]:
    if difference.settings:
        yield _line("~", "configured otherwise: " + ", ".join(difference.settings))
    plan = difference.plan
    yield from _most([_line("+", _window(window, plan)) for window in difference.gained])
    yield from _most([_line("-", _window(window, plan)) for window in difference.lost])
    yield from _most([_line("~", _altered(old, new, plan)) for old, new in difference.altered])
    yield from _most([_line("+", _freeze(freeze, plan)) for freeze in difference.freezing])
    yield from _most([_line("-", _freeze(freeze, plan)) for freeze in difference.thawing])
    changes = [("+", change) for change in difference.added] + [
        ("-", change) for change in difference.dropped
    ]
    changes.sort(key=lambda pair: (pair[1].at, pair[0] == "+"))
    yield from _most([_line(sign, _change(change, plan)) for sign, change in changes])
    targets = _target(difference)
    if targets:
        yield Text(targets)
    money = _money(difference, comparison)
    if money:
        yield Text(money)


def _most(lines: list[Text]) -> Iterator[Text]:
    yield from lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        yield Text(f"  and {len(lines) - _MOST_LINES} more: -o json has them all", style="dim")


def _line(sign: str, text: str) -> Text:
    return Text.assemble((f"{sign} ", _SIGNS[sign]), text)


def _window(window: Window, plan: CircuitPlan) -> str:
    exact = "exactly " if window.exact else ""
    span = _span(window.demand.span, plan)
    return f"window {span} {exact}{window.bandwidth} for {_event(window, plan)}"


def _freeze(freeze: Freeze, plan: CircuitPlan) -> str:
    allowed = "no change" if freeze.total else "no lowering"
    return f"freeze {_span(freeze.span, plan)} {allowed}, rule {for_line(freeze.demand.rule.name)}"


def _event(window: Window, plan: CircuitPlan) -> str:
    return f"{cause_text(of_window(window), plan)}, rule {for_line(window.demand.rule.name)}"


def _span(span: Interval, plan: CircuitPlan) -> str:
    zone = plan.circuit.zone
    return f"{local(span.start, zone).rpartition(' ')[0]} {local_span(span.start, span.end, zone)}"


def _altered(old: Window, new: Window, plan: CircuitPlan) -> str:
    pairs = (
        (str(old.bandwidth), str(new.bandwidth)),
        (f"{old.demand.rule.mode}", f"{new.demand.rule.mode}"),
        (f"priority {old.priority}", f"priority {new.priority}"),
        (_span(old.demand.span, plan), _span(new.demand.span, plan)),
    )
    parts = (f"{before} becomes {after}" for before, after in pairs if before != after)
    return f"window for {_event(new, plan)}: {', '.join(parts)}"


def _change(change: Change, plan: CircuitPlan) -> str:
    when = "due now" if change.due else local(change.at, plan.circuit.zone)
    held = f", held back: {HELD[change.held.reason]}" if change.held else ""
    return f"{'up' if change.up else 'down'} {change.old} to {change.new} {when}{held}"


def _target(difference: CircuitDifference) -> str:
    """For how long the target is another one; of a circuit that comes or goes it says nothing."""
    if difference.before is None or difference.after is None:
        return ""
    lengths = [
        f"{word} for {format_duration(length)}"
        for word, length in (
            ("higher", difference.differs_for(higher=True)),
            ("lower", difference.differs_for(higher=False)),
        )
        if length > timedelta()
    ]
    return f"asked for: {' and '.join(lengths)} than today" if lengths else ""


def _money(difference: CircuitDifference, comparison: RulesComparison) -> str:
    """What the window costs by today's rules and by the others, where both are known."""
    before, after = difference.before, difference.after
    old = window_cost(before, comparison.before.window) if before is not None else None
    new = window_cost(after, comparison.after.window) if after is not None else None
    if old is None or new is None or old.currency != new.currency or old == new:
        return ""
    return f"{rough(comparison.after.window.length)} cost {_costs(old, new)}"


def _totals(comparison: RulesComparison) -> Iterator[str]:
    """The same of all circuits together, by currency."""
    totals = (window_total(one.plans, one.window) for one in (comparison.before, comparison.after))
    old, new = ({cost.currency: cost for cost in one} for one in totals)
    for currency in sorted(old.keys() | new.keys()):
        nothing = Cost(Decimal(0), currency)
        before, after = old.get(currency, nothing), new.get(currency, nothing)
        if before != after:
            yield f"All circuits: {rough(comparison.after.window.length)} cost {_costs(before, after)}"


def _costs(old: Cost, new: Cost) -> str:
    difference = new - old
    more = f" ({difference.rounded:+} {difference.currency})" if difference.complete else ""
    return f"{amount(new)}, today {amount(old)}{more}"


def _print_problems(comparison: RulesComparison, errors: Console) -> None:
    _print_some("Problems with both", _shared(comparison), errors)
    _print_some("Problems that it would bring", map(problem_text, comparison.new_problems), errors)
    _print_some("Problems that it would end", map(problem_text, comparison.gone_problems), errors)


def _shared(comparison: RulesComparison) -> Iterator[Text]:
    new = {problem.id for problem in comparison.new_problems}
    return (problem_text(problem) for problem in comparison.after.problems if problem.id not in new)


def _print_some(title: str, lines: Iterable[Text], errors: Console) -> None:
    lines = list(lines)
    if lines:
        errors.print()
        errors.print(Text(title, style="bold"))
    for line in lines:
        print_told(line, errors)
