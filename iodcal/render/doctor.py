"""What `doctor` found, for people."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from iodcal.doctor import Examination, Finding, Light
from iodcal.render.text import for_line
from iodcal.words.doctor import describe

# The word tells as much as the colour: many see no colour, and pipes have none.
_WORDS = {
    Light.GREEN: ("ok", "green"),
    Light.INFO: ("note", "dim"),
    Light.YELLOW: ("warning", "yellow"),
    Light.RED: ("error", "bold red"),
}


def print_doctor(examination: Examination, console: Console, *, quiet: bool = False) -> None:
    """Shows every finding, with the remedy of what is not well; with `quiet` only these."""
    shown = [
        finding for finding in examination.findings if not quiet or finding.light in (Light.YELLOW, Light.RED)
    ]
    for area, findings in groupby(shown, key=lambda finding: finding.area):
        console.print(Text(str(area), style="bold"))
        console.print(_rows(list(findings)))
    if not quiet:
        console.print(_summary(examination))


def _rows(findings: list[Finding]) -> Table:
    table = Table.grid(padding=(0, 1), expand=False)
    table.add_column(width=9, no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        word, style = _WORDS[finding.light]
        words = describe(finding)
        line = Text.assemble((for_line(finding.where), "bold"), ": ", for_line(words.message))
        if _needs_remedy(finding):
            line.append(f"\n{_sentence(words.remedy)}")
        table.add_row(Text(f"  {word}", style=style), line)
    return table


def _needs_remedy(finding: Finding) -> bool:
    return finding.light in (Light.YELLOW, Light.RED)


def _sentence(remedy: str) -> str:
    shown = for_line(remedy)
    first = shown[:1] if shown.startswith("iodcal ") else shown[:1].upper()  # a command stays what it is
    return f"-> {first}{shown[1:]}"


def _summary(examination: Examination) -> Text:
    errors, warnings = examination.count(Light.RED), examination.count(Light.YELLOW)
    if not examination.complete:
        return Text("Not everything could be tried in time: see --timeout", style="bold red")
    if errors:
        return Text(f"{_count(errors, 'error')}, {_count(warnings, 'warning')}", style="bold red")
    if warnings:
        return Text(f"No errors, {_count(warnings, 'warning')}", style="yellow")
    return Text("All is well", style="green")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
