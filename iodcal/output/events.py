"""What the rules make of events, and the events that no rule took, on a terminal or in a pipe. Hidden titles
only count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from iodcal.commands.explain import ExplainedEvents
from iodcal.domain.events import occurrence_id
from iodcal.domain.explain import CircuitEvaluation, EventEvaluation, RuleEvaluation
from iodcal.domain.judges import Finding
from iodcal.domain.localtime import Interval
from iodcal.domain.unmatched import Unmatched, Untaken
from iodcal.messages import counted
from iodcal.messages.results import OBSTACLES, condition_words
from iodcal.output.plan import print_told, problem_text
from iodcal.output.text import for_line, for_terminal, local, local_span

_MOST_EVENTS = 5
_NO, _YES = "yellow", "bold green"


def print_events(explained: ExplainedEvents, console: Console, errors: Console) -> None:
    """Shows each event and every rule on `console`, and the problems on `errors`."""
    if not explained.tried:
        console.print(_found(explained))
    told = _alike(explained.evaluations)
    for evaluations in told[:_MOST_EVENTS]:
        console.print()
        for line in _event(evaluations, explained.zone, tried=explained.tried):
            console.print(line)
    if len(told) > _MOST_EVENTS:
        more = sum(len(evaluations) for evaluations in told[_MOST_EVENTS:])
        console.print(Text(f"\nand {more} more: --at TIME picks those that run then", style="dim"))
    if explained.problems:
        errors.print()
    for problem in explained.problems:
        print_told(problem_text(problem), errors)


def _found(explained: ExplainedEvents) -> Text:
    count = len(explained.evaluations)
    events = f"{count} of {explained.searched} events" if explained.searched != 1 else f"{count} of 1 event"
    if explained.text is None:
        return Text(events, style="bold")
    text = Text(f'{events} resemble "{for_terminal(explained.text, 40)}"', style="bold")
    if explained.hidden:
        unseen = counted(explained.hidden, "event has a title", "events have titles")
        text.append(
            f"\n{unseen} that must not be seen, and cannot be searched: "
            "--calendar NAME --at TIME shows them without",
            "dim",
        )
    return text


def _alike(evaluations: Iterable[EventEvaluation]) -> list[list[EventEvaluation]]:
    """Events of one title on one calendar of which the rules make the same, such as a series."""
    groups: dict[object, list[EventEvaluation]] = {}
    for evaluation in evaluations:
        title = (evaluation.event.source, evaluation.subject, evaluation.obstacle)
        groups.setdefault((title, *(_verdict(rule) for rule in evaluation.rules)), []).append(evaluation)
    return list(groups.values())


def _verdict(evaluation: RuleEvaluation) -> object:
    circuits = tuple((circuit.matched, circuit.findings) for circuit in evaluation.circuits)
    return evaluation.matched, evaluation.findings, circuits


def _event(evaluations: list[EventEvaluation], zone: ZoneInfo, *, tried: bool) -> Iterator[Text | Padding]:
    evaluation = evaluations[0]
    event, span = evaluation.event, evaluation.event.span.within(zone)
    title = "(title hidden)" if evaluation.subject is None else f'"{for_terminal(evaluation.subject, 60)}"'
    line = Text.assemble((title, "bold"), f" {_when(span, zone)} on {for_line(event.source.label)}")
    if not tried:
        line.append(f" (id {occurrence_id(event.copy_key)})", "dim")
    if len(evaluations) > 1:
        last = local(evaluations[-1].event.span.within(zone).start, zone)
        line.append(f", and {len(evaluations) - 1} more of which the same holds, the last {last}", "dim")
    yield line
    if evaluation.obstacle is not None:
        yield _indented(Text(f"does not count: {OBSTACLES[evaluation.obstacle]}", style=_NO))
    elsewhere = [rule for rule in evaluation.rules if not rule.findings[0].holds]
    for rule in evaluation.rules:
        if rule not in elsewhere:
            yield _indented(_rule(rule, evaluation))
    if elsewhere:
        names = ", ".join(for_line(rule.rule.name) for rule in elsewhere)
        noun = "rule reads" if len(elsewhere) == 1 else "rules read"
        yield _indented(Text(f"{len(elsewhere)} {noun} other calendars only: {names}", style="dim"))


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 2))


def _when(span: Interval, zone: ZoneInfo) -> str:
    if span.start >= span.end:
        return local(span.start, zone)
    return f"{local(span.start, zone).rpartition(' ')[0]} {local_span(span.start, span.end, zone)}"


def _rule(rule: RuleEvaluation, evaluation: EventEvaluation) -> Text:
    name = for_line(rule.rule.name)
    text = Text.assemble((name, "bold"), ": ")
    if not rule.holds:
        text.append("no", _NO)
        return text.append(_failures(rule.findings, indent=4))
    if evaluation.obstacle is not None:
        return text.append("every condition holds, but the event does not count")
    if rule.unnamed:
        return text.append("every condition holds, but the title names no bandwidth that can be read", _NO)
    text.append("matched", _YES) if rule.matched else text.append("no", _NO)
    if not rule.circuits:
        return text.append("\n    it asks for no circuit on this calendar")
    if rule.nameless:
        text.append(", for all that the rule allows: it names no circuit, site or service ID")
    return text.append("".join(_circuits(rule)))


def _failures(findings: tuple[Finding, ...], indent: int) -> str:
    failed = (finding for finding in findings if not finding.holds)
    return "".join(f"\n{' ' * indent}{for_line(condition_words(finding))}" for finding in failed)


def _circuits(rule: RuleEvaluation) -> Iterator[str]:
    """The circuits' outcomes, those that are alike in one line."""
    told = [(_outcome(circuit), for_line(circuit.circuit)) for circuit in rule.circuits]
    for outcome, alike in groupby(sorted(told), key=lambda pair: pair[0]):
        names = [name for _, name in alike]
        shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        yield f"\n    {shown}: {outcome}"


def _outcome(circuit: CircuitEvaluation) -> str:
    if circuit.skipped:
        return f"no, the clocks in {circuit.zone.key} skip its time"
    if not circuit.holds:
        failed = [finding for finding in circuit.findings if not finding.holds]
        local = any(finding.key != "circuits" for finding in failed)
        where = f" ({circuit.zone.key})" if local else ""
        return for_line(f"no, {'; '.join(map(condition_words, failed))}{where}")
    if circuit.yields_to is not None:
        demand = circuit.yields_to.demand
        return f"gives way to the rule {for_line(demand.rule.name)} (exactly)"
    if circuit.window is None:
        return "asks for no bandwidth"
    span = circuit.window.demand.span
    exact = "exactly " if circuit.window.exact else ""
    return f"{exact}{circuit.window.bandwidth} {_when(span, circuit.zone)} {circuit.zone.key}"


_MOST_SHOWN = 20


def print_unmatched(found: Unmatched, zone: ZoneInfo, console: Console) -> None:
    """Shows the titles, the likeliest slips first; times in `zone`."""
    console.print()
    if not found.titles:
        console.print(Text("Every event whose title may be seen is taken by a rule.", style="bold"))
    else:
        console.print(Text("Taken by no rule, the likeliest slips first", style="bold"))
        console.print(_table(found, zone))
    for line in _notes(found):
        console.print(Text(line, style="dim"))


def _table(found: Unmatched, zone: ZoneInfo) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for header in ("title", "beside the keyword", "calendar", "first"):
        table.add_column(header, overflow="fold")
    for untaken in found.titles[:_MOST_SHOWN]:
        table.add_row(
            Text(for_terminal(untaken.event.subject, 48) or "(no title)"),
            _beside(untaken),
            Text(for_terminal(untaken.event.source.calendar, 24)),
            _first(untaken, zone),
        )
    return table


def _beside(untaken: Untaken) -> Text:
    if untaken.keyword is None:
        return Text("none is near", style="dim")
    text = Text(for_terminal(untaken.keyword.text, 40), style="bold")
    if untaken.evaluation is not None:
        text.append(f", but {'; '.join(missing(untaken.evaluation))}", "")
    return text


def missing(evaluation: RuleEvaluation) -> Iterator[str]:
    """What kept a rule from taking an event, in words."""
    findings = [
        *evaluation.findings,
        *(finding for circuit in evaluation.circuits for finding in circuit.findings),
    ]
    for finding in dict.fromkeys(finding for finding in findings if not finding.holds):
        yield for_line(condition_words(finding))


def _first(untaken: Untaken, zone: ZoneInfo) -> Text:
    text = Text(local(untaken.event.span.within(zone).start, zone))
    if untaken.count > 1:
        text.append(f", and {untaken.count - 1} more", "dim")
    return text


def _notes(found: Unmatched) -> Iterator[str]:
    if len(found.titles) > _MOST_SHOWN:
        yield f"and {len(found.titles) - _MOST_SHOWN} more titles: -o json has them all"
    if not found.compared:
        yield "There are too many titles to compare them all with the keywords: try a shorter --window"
    for calendar, count in found.hidden.items():
        yield f"{for_terminal(calendar, 32)}: {counted(count, 'event')} more, whose titles must not be seen"
