"""The plan on a terminal or in a pipe: per circuit a timeline, then its changes and why."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from iodcal.domain.changes import Cause, CauseKind, Change
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.costs import (
    has_estimates,
    hourly_difference,
    list_prices_of,
    stay_cost,
    window_cost,
    window_total,
)
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Cost
from iodcal.domain.planning import CircuitPlan
from iodcal.messages import Words, counted
from iodcal.messages.carriers import HELD
from iodcal.output.chart import ASCII, DOWN, UNICODE, UP, Chart, Glyphs
from iodcal.output.lines import lost_state_text
from iodcal.output.overrides import by_whom, own_wishes, wishes_of_all
from iodcal.output.overview import digest_line, overview_lines
from iodcal.output.text import for_line, for_terminal, local, local_span, relative, rough
from iodcal.problems.kinds import Problem, Severity
from iodcal.problems.messages import describe, describe_together
from iodcal.result import Report, SourceReport

_MOST_CHANGES = 12
_NARROW = 100  # columns
_TABLE = 77  # columns: where there are fewer, bandwidths and causes would not fit beside each other


def print_plan(report: Report, console: Console, errors: Console) -> None:
    """Shows the plan on `console`, below its heading, and its problems on `errors`."""
    for line in overview_lines(report):
        console.print(line)
    print_sources(report, console)
    if not report.due_only:
        console.print(Text(_legend(_glyphs(console)), style="dim"))
    for plan in report.shown:
        console.print()
        _print_circuit(plan, report, console)
    for line in total_lines(report):
        console.print()
        console.print(line)
    for line in digest_line(report):
        console.print(line)
    print_problems(report, errors)


def _print_circuit(plan: CircuitPlan, report: Report, console: Console) -> None:
    console.print(_title(plan, report))
    if (zone := zone_line(plan, report)) is not None:
        console.print(Padding(zone, (0, 0, 0, 2)))
    for wish in own_wishes(plan, report):
        console.print(Padding(Text(wish, style="bold"), (0, 0, 0, 2)))
    for row in () if report.due_only else _chart(plan, report, console):
        console.print(row, no_wrap=True, overflow="crop")
    console.print(_changes(plan, report, console.width))
    for line in () if report.due_only else (*left_out_lines(plan), *window_line(plan, report)):
        console.print(Padding(line, (0, 0, 0, 2)))


def print_sources(report: Report, console: Console) -> None:
    """What was read, below the heading that says when."""
    for wish in wishes_of_all(report):
        console.print(Text(wish, style="bold"))
    for source in report.sources:
        console.print(_source(source, report))


def _source(source: SourceReport, report: Report) -> Text:
    name = for_line(source.source.label)
    if source.read_at is None:
        return Text.assemble("calendar ", (name, "bold"), ": never read")
    age = relative(source.read_at, report.now)
    from_memory = report.cached or source.remembered  # which holds matched events only
    read = f"read {age}" if from_memory else "read now"
    seen = counted(source.matched if from_memory else source.events, "event")
    matched = seen if from_memory else f"{source.matched} of {seen}"
    line = Text.assemble("calendar ", (name, "bold"), f": {matched} matched, {read}")
    if source.remembered:
        line.append(" (cannot be read now: what it said then counts)", "bold")
    if source.refused:
        line.append(f", {len(source.refused)} refused (organizer)")
    return line


def _title(plan: CircuitPlan, report: Report) -> Text:
    circuit, circuit_state = plan.circuit, plan.circuit_state
    title = Text.assemble((for_line(circuit.name), "bold"), f"  {for_line(circuit.carrier)} ")
    title.append(for_line(circuit.service_id), "dim")
    title.append(f"   ordered {circuit_state.ordered or 'nothing yet'}")
    title.append(_read(circuit_state, report))
    if circuit_state.order is not None:
        title.append(
            f"   order {circuit_state.order.outcome}: {circuit_state.order.old} to {circuit_state.order.new}",
            "bold",
        )
    return title


def zone_line(plan: CircuitPlan, report: Report) -> Text | None:
    """Whose times a circuit's are, where they are not those of the heading."""
    zone = plan.circuit.zone
    if zone.key == report.zone.key:
        return None
    return Text(f"times of {zone.key}, now {local(report.now, zone)}", style="dim")


def _read(circuit_state: CircuitState, report: Report) -> str:
    reading = circuit_state.reading
    if reading is None:
        return ", never read"
    shown = str(reading.bandwidth) if reading.bandwidth else "no bandwidth"
    pending = "" if reading.status.value == "active" else f" ({for_terminal(reading.status_text, 24)})"
    age = relative(reading.at, report.now)
    return f", reads {shown}{pending}" + ("" if age == "now" else f" {age}")


def _chart(plan: CircuitPlan, report: Report, console: Console) -> Iterator[Text]:
    length = report.window.end - report.window.start
    before = max(report.now - length / 24, plan.timeline.span.start)  # of years to come, only a little
    window = Interval(before, report.window.end)
    chart = Chart(
        plan.timeline, window, now=report.now, width=min(console.width, 140), glyphs=_glyphs(console)
    )
    return chart.rows(plan.changes)


def _glyphs(console: Console) -> Glyphs:
    return UNICODE if (console.encoding or "").casefold().startswith("utf") else ASCII


def _legend(glyphs: Glyphs) -> str:
    known = {
        glyphs.event: "event",
        glyphs.around: "lead and trail",
        glyphs.baseline: "baseline",
        glyphs.now: "now",
        glyphs.up: "up",
        glyphs.down: "down",
        glyphs.held: "held back",
    }
    return "  ".join(f"{glyph} {meaning}" for glyph, meaning in known.items())


def _changes(plan: CircuitPlan, report: Report, width: int) -> RenderableType:
    if not plan.changes:
        known = plan.circuit_state.ordered is not None or plan.circuit_state.reading is not None
        lead = "nothing to do" if known else "nothing is known of it until its carrier can be read"
        return Padding(Text(f"{lead}: {plan.target} is what is asked for"), (0, 0, 0, 2))
    if width < _TABLE:
        return Padding(Group(*_lines(plan, report)), (0, 0, 0, 2))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    priced = bool(plan.tariff.rates)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    if priced:
        table.add_column(no_wrap=True, justify="right")
    table.add_column(ratio=1, overflow="fold")
    brief = width < _NARROW and any(one.tariff.rates for one in report.plans)  # all circuits alike
    for change in _shown_changes(plan, report):
        money = (hourly(hourly_difference(change, plan.tariff)),) if priced else ()
        at = when(change, plan, report, brief=brief)
        table.add_row(at, step(change), *money, _why(change, plan, report))
    if more := _more(plan, report):
        table.add_row(more)
    return Padding(table, (0, 0, 0, 2))


def _lines(plan: CircuitPlan, report: Report) -> Iterator[RenderableType]:
    """The changes one below the other: when and what, then what it costs and why."""
    for change in _shown_changes(plan, report):
        yield Text.assemble(when(change, plan, report, brief=True), "  ", step(change))
        money = hourly(hourly_difference(change, plan.tariff))
        yield Padding(Text("  ").join((*filter(None, [money]), _why(change, plan, report))), (0, 0, 0, 2))
    if more := _more(plan, report):
        yield more


def _shown_changes(plan: CircuitPlan, report: Report) -> Iterator[Change]:
    return (change for change in plan.changes[:_MOST_CHANGES] if change.due or not report.due_only)


def _more(plan: CircuitPlan, report: Report) -> Text:
    more = 0 if report.due_only else max(0, len(plan.changes) - _MOST_CHANGES)
    return Text(f"and {more} more" if more else "", style="dim")


def when(change: Change, plan: CircuitPlan, report: Report, *, brief: bool = False) -> Text:
    """When a change is asked for, in the circuit's zone; with `brief` without how long that is from now."""
    if change.due:
        return Text("held" if change.held else "due now", style="bold")
    away = "" if brief else f" ({relative(change.at, report.now)})"
    return Text(f"{local(change.at, plan.circuit.zone)}{away}")


def step(change: Change) -> Text:
    """The step itself: direction, from, to."""
    style = "dim" if change.held else "bold" if change.due else ""
    direction = ("up", UP) if change.up else ("down", DOWN)
    return Text.assemble(direction, f" {change.old} to {change.new}", style=style)


def _why(change: Change, plan: CircuitPlan, report: Report) -> Text:
    text = Text()
    if change.held is not None:
        until = f" until {local(change.held.until, plan.circuit.zone)}" if change.held.until else ""
        text.append(f"{HELD[change.held.reason]}{until}; ", "bold")
    shown = sorted(change.causes, key=lambda cause: (cause.ended == change.up, cause.start))
    text.append(", ".join(cause_text(cause, plan) for cause in shown[:3]))
    if len(shown) > 3:
        text.append(f" and {len(shown) - 3} more")
    if (stay := stay_cost(plan, change, report.window)) is not None:
        cost, whole = stay
        text.append(f"; the stay costs {amount(cost)}{'' if whole else ' from now on'}", "dim")
    return text


def cause_text(cause: Cause, plan: CircuitPlan) -> str:
    """A cause in words: an event by its subject, or by its rule where that is hidden."""
    if cause.kind == CauseKind.BASELINE:
        level = "the baseline's peak" if cause.id.startswith("peak") else "the off-peak baseline"
        return f"{level} ends" if cause.ended else level
    if cause.kind == CauseKind.HOLD:
        over = "over" if cause.ended else f"until {local(cause.end, plan.circuit.zone)}"
        return f"hold {by_whom(cause.who or '', cause.note or '')}, {over}"
    name = for_terminal(cause.subject, 40) if cause.subject else f"event of {for_line(cause.rule or '')}"
    span = local_span(cause.start, cause.end, plan.circuit.zone)
    remembered = ", remembered" if cause.remembered_since else ""
    return f"{name} {span}{' over' if cause.ended else ''}{remembered}"


def print_problems(report: Report, errors: Console) -> None:
    """The problems, each with its remedy."""
    if report.problems:
        errors.print()
    for problem, words in describe_together(report.problems):
        print_told(_told(problem, words), errors)
    for place in report.lost_state:
        print_told(Text(lost_state_text(place), style="bold"), errors)


def print_told(told: Text, errors: Console) -> None:
    """Shows what is told of a problem: off a terminal as one line, so that no title in it begins another."""
    errors.print(told, soft_wrap=not errors.is_terminal)


def problem_text(problem: Problem) -> Text:
    """A problem in two sentences."""
    return _told(problem, describe(problem))


def _told(problem: Problem, words: Words) -> Text:
    label = "error" if problem.severity is Severity.ERROR else "warning"
    colour = "red" if problem.severity is Severity.ERROR else "yellow"
    return Text.assemble(
        (f"{label}: ", f"bold {colour}"),
        for_line(words.message) + ". ",
        (for_line(words.remedy), "italic"),
    )


_MOST_LEFT_OUT = 3


def amount(cost: Cost) -> str:
    """`33.12 USD`; `at least` where some rate is not known."""
    return f"{'' if cost.complete else 'at least '}{cost.rounded} {cost.currency}"


def effect(cost: Cost | None) -> Text:
    """What a change costs or saves: `+0.70 USD`, `-5.20 USD`."""
    if cost is None or not cost.complete:
        return Text("" if cost is None else "no rate", style="dim")
    return Text(f"{cost.rounded:+} {cost.currency}", style="dim")


def hourly(cost: Cost | None) -> Text:
    """What a change costs or saves an hour: `+0.70 USD/h`."""
    return effect(cost).append("/h") if cost is not None and cost.complete else effect(cost)


def window_line(plan: CircuitPlan, report: Report) -> Iterator[Text]:
    """What the circuit costs in the window, if anything is known of that."""
    cost = window_cost(plan, report.window)
    if cost is not None:
        length = rough(report.window.length)
        yield Text(f"{length} cost {amount(cost)}, billed {plan.tariff.billing.in_words}", style="dim")


def left_out_lines(plan: CircuitPlan) -> Iterator[Text]:
    """What the account's quota has no room for, and what that costs."""
    for left in plan.left_out[:_MOST_LEFT_OUT]:
        zone = plan.circuit.zone
        since = "now" if left.change.due else local(left.change.at, zone)
        text = f"left out for the quota: {left.change.direction} to {left.change.new} {since}; "
        price = f", {effect(left.cost)}" if plan.tariff.rates else ""
        yield Text(f"{text}at {left.kept} until {local(left.until, zone)}{price}")
    if len(plan.left_out) > _MOST_LEFT_OUT:
        yield Text(f"and {len(plan.left_out) - _MOST_LEFT_OUT} more left out", style="dim")


def total_lines(report: Report) -> Iterator[Text]:
    """What all circuits cost together, by what prices."""
    costs = [window_cost(plan, report.window) for plan in report.plans]
    known = [cost for cost in costs if cost is not None]
    day = list_prices_of(report.plans)
    estimated = has_estimates(report.plans)
    if not known or (len(costs) == 1 and not day and not estimated):
        return  # what one circuit costs stands beside it
    totals = " and ".join(amount(total) for total in window_total(report.plans, report.window))
    unknown = len(costs) - len(known)
    missing = f", {unknown} of {len(costs)} without any rate" if unknown else ""
    listed = f" (list prices of {day} where nothing better is known)" if day else ""
    guessed = " (estimates: the carrier names prices by the day or month)" if estimated else ""
    yield Text(f"All circuits: {totals}{missing}{listed}{guessed}", style="bold")
