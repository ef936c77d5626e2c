"""Why a circuit is asked for what it is asked for, on a terminal or in a pipe."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from iodcal.commands.explain import ExplainedCircuits
from iodcal.domain.changes import Cause, CauseKind, Change, of_window
from iodcal.domain.explain import Explanation, Ground, Kept, Part, Role
from iodcal.domain.money import Billing
from iodcal.domain.orders import Order
from iodcal.messages.carriers import HELD
from iodcal.messages.results import ROLES
from iodcal.output.overrides import wishes_of
from iodcal.output.plan import cause_text, left_out_lines, print_problems, print_sources, step
from iodcal.output.text import for_line, for_terminal, local, local_span, relative, rough, with_zone

_NAMED = 3  # causes in one line
_MOST_CHANGES = 3


def print_circuits(explained: ExplainedCircuits, console: Console, errors: Console) -> None:
    """Shows each circuit's explanation on `console`, and the problems on `errors`."""
    print_sources(explained.report, console)
    for explanation in explained.explanations:
        console.print()
        console.print(_title(explanation))
        console.print(_table(explanation))
    print_problems(explained.report, errors)


def _title(explanation: Explanation) -> Text:
    circuit = explanation.plan.circuit
    when = with_zone(explanation.at, circuit.zone)
    ends = _edge(explanation)
    return Text.assemble(
        (for_line(circuit.name), "bold"),
        f" at {when}: ",
        (str(explanation.segment.target), "bold"),
        f" is asked for{ends}",
    )


def _edge(explanation: Explanation) -> str:
    """Until when this holds, unless that is beyond what was looked at."""
    end = explanation.lasts.end
    if end >= explanation.plan.timeline.span.end:
        return ""
    return f", for the same reasons until {local(end, explanation.plan.circuit.zone)}"


def _table(explanation: Explanation) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for label, text in _rows(explanation):
        table.add_row(Text(f"  {label}", style="dim"), text)
    return table


def _rows(explanation: Explanation) -> Iterator[tuple[str, Text]]:
    for part in explanation.parts:
        yield ROLES[part.role], _part(part, explanation)
    yield ROLES[explanation.ground.role], _ground(explanation.ground, explanation)
    if explanation.past:
        shows = f"iodcal history --circuit {for_line(explanation.plan.circuit.name)}"
        yield "ordered", Text(f"what was ordered then is not looked at: {shows} tells it")
        return
    yield from _circuit_state(explanation)
    if explanation.kept is not None:
        yield "kept up", _kept(explanation.kept, explanation)
    for wish in wishes_of(explanation.plan, explanation.now):
        yield "in force", Text(wish)
    for line in left_out_lines(explanation.plan):
        yield "", line
    for change in explanation.changes[:_MOST_CHANGES]:
        yield _label(change), _change(change, explanation)
    if len(explanation.changes) > _MOST_CHANGES:
        yield "", Text(f"and {len(explanation.changes) - _MOST_CHANGES} more: see iodcal plan")


def _part(part: Part, explanation: Explanation) -> Text:
    """Who asks, for how much, from when to when, and what stands against it."""
    window, zone = part.window, explanation.plan.circuit.zone
    text = Text(str(part.needs), style="bold" if part.role in (Role.GOVERNS, Role.DECIDES) else "")
    if part.needs != window.bandwidth:
        text.append(f" (for {window.bandwidth}, by floor, ceiling and tiers)")
    cause = of_window(window)
    text.append(f" for {_cause(cause, explanation)}")
    span = window.demand.span
    if cause.kind == CauseKind.EVENT:
        text.append(f", rule {for_line(window.demand.rule.name)}")
        if span != window.demand.event:
            text.append(f", with lead and trail {local_span(span.start, span.end, zone)}")
    if window.exact:
        text.append(", exactly")
    if window.priority:
        text.append(f", priority {window.priority}")
    pin = explanation.segment.pin
    if part.role is Role.OVERRULED and pin is not None:
        text.append(f"; {for_line(pin.demand.rule.name)} (exactly, priority {pin.priority}) governs")
    return text


def _cause(cause: Cause, explanation: Explanation) -> str:
    """A cause in words, with its calendar."""
    calendar = f" on {for_terminal(cause.calendar, 32)}" if cause.calendar else ""
    return cause_text(cause, explanation.plan) + calendar


def _ground(ground: Ground, explanation: Explanation) -> Text:
    kind = "peak" if ground.stretch.peak else "off-peak"
    end = ground.stretch.span.end
    known = end < explanation.plan.timeline.span.end
    until = f" until {local(end, explanation.plan.circuit.zone)}" if known else ""
    needs = f"{ground.needs} for the baseline, {kind}{until}"
    pin = explanation.segment.pin
    if pin is not None:
        needs += f"; {for_line(pin.demand.rule.name)} (exactly) governs"
    return Text(needs)


def _circuit_state(explanation: Explanation) -> Iterator[tuple[str, Text]]:
    circuit_state, now = explanation.plan.circuit_state, explanation.now
    planned = "planned" if explanation.at > now else "ordered"
    text = Text(str(explanation.level or "nothing known yet"))
    reading = circuit_state.reading
    if explanation.at <= now and reading is not None:
        shown = reading.bandwidth or for_terminal(reading.status_text, 24)
        text.append(f", its carrier showed {shown} {relative(reading.at, now)}")
    if circuit_state.drift is not None and explanation.at <= now:
        text.append(f"; set by hand: iodcal had ordered {circuit_state.confirmed}")
    yield planned, text
    if circuit_state.order is not None:
        yield "open order", _order(circuit_state.order, explanation)
    if explanation.plan.too_late is not None:
        level, end = explanation.plan.too_late
        at = local(end, explanation.plan.circuit.zone)
        yield "too late", Text(f"{level} is asked for until {at}, sooner than an order is carried out")


def _order(order: Order, explanation: Explanation) -> Text:
    age = rough(explanation.now - order.created_at)
    number = f", order {for_terminal(order.carrier_order_id, 32)}" if order.carrier_order_id else ""
    return Text(f"{order.outcome}: {order.old} to {order.new}, {age} old, {order.external_id}{number}")


def _kept(kept: Kept, explanation: Explanation) -> Text:
    zone = explanation.plan.circuit.zone
    causes = [_cause(cause, explanation) for cause in kept.causes[:_NAMED]]
    more = f" and {len(kept.causes) - _NAMED} more" if len(kept.causes) > _NAMED else ""
    billing = explanation.plan.circuit.tariff.billing
    why = "min_gap" if billing is Billing.MINUTE else f"min_gap; billed {billing.in_words}"
    return Text(
        f"not lowered below {kept.level}, which is asked for again before {local(kept.sight.end, zone)} "
        f"({why}): {', '.join(causes)}{more}"
    )


def _label(change: Change) -> str:
    if change.held is not None:
        return "held back"
    return "due now" if change.due else "next"


def _change(change: Change, explanation: Explanation) -> Text:
    zone = explanation.plan.circuit.zone
    text = step(change)
    early = change.due and change.at > explanation.now
    if early:
        text.append(f", ahead of {local(change.at, zone)}")
    elif not change.due:
        text.append(f" at {local(change.at, zone)}")
    if change.held is not None:
        until = f" until {local(change.held.until, zone)}" if change.held.until else ""
        text.append(f": {HELD[change.held.reason]}{until}", "bold")
    return text
