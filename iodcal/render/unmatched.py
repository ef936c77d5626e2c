"""The events that no rule took, on a terminal or in a pipe. Hidden titles only count."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from iodcal.domain.trials import RuleTrial
from iodcal.domain.unmatched import Unmatched, Untaken
from iodcal.render.text import for_line, for_terminal
from iodcal.render.when import local
from iodcal.words.explain import condition_words

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
    if untaken.trial is not None:
        text.append(f", but {'; '.join(missing(untaken.trial))}", "")
    return text


def missing(trial: RuleTrial) -> Iterator[str]:
    """What kept a rule from taking an event, in words."""
    findings = [*trial.findings, *(finding for circuit in trial.circuits for finding in circuit.findings)]
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
        noun = "event" if count == 1 else "events"
        yield f"{for_terminal(calendar, 32)}: {count} {noun} more, whose titles must not be seen"
