"""What `doctor` found, and what `init` shows before and after it writes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from iodcal.carriers import ListedCircuit
from iodcal.doctor import CheckStatus, Diagnosis, Examination
from iodcal.doctor.messages import describe
from iodcal.messages import counted
from iodcal.output.text import for_line, for_terminal

# The word tells as much as the colour: many see no colour, and pipes have none.
_WORDS = {
    CheckStatus.GREEN: ("ok", "green"),
    CheckStatus.INFO: ("note", "dim"),
    CheckStatus.YELLOW: ("warning", "yellow"),
    CheckStatus.RED: ("error", "bold red"),
}


def print_doctor(examination: Examination, console: Console, *, quiet: bool = False) -> None:
    """Shows every finding, with the remedy of what is not well; with `quiet` only these."""
    shown = [
        finding
        for finding in examination.findings
        if not quiet or finding.light in (CheckStatus.YELLOW, CheckStatus.RED)
    ]
    for area, findings in groupby(shown, key=lambda finding: finding.area):
        console.print(Text(str(area), style="bold"))
        console.print(_rows(list(findings)))
    if not quiet:
        console.print(_summary(examination))


def _rows(findings: list[Diagnosis]) -> Table:
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


def _needs_remedy(finding: Diagnosis) -> bool:
    return finding.light in (CheckStatus.YELLOW, CheckStatus.RED)


def _sentence(remedy: str) -> str:
    shown = for_line(remedy)
    first = shown[:1] if shown.startswith("iodcal ") else shown[:1].upper()  # a command stays what it is
    return f"-> {first}{shown[1:]}"


def _summary(examination: Examination) -> Text:
    errors, warnings = examination.count(CheckStatus.RED), examination.count(CheckStatus.YELLOW)
    if not examination.complete:
        return Text("Not everything could be tried in time: see --timeout", style="bold red")
    if errors:
        return Text(f"{counted(errors, 'error')}, {counted(warnings, 'warning')}", style="bold red")
    if warnings:
        return Text(f"No errors, {counted(warnings, 'warning')}", style="yellow")
    return Text("All is well", style="green")


def circuits_table(listed: Sequence[ListedCircuit]) -> Table:
    """One row per circuit, with the number to pick it by."""
    table = Table.grid(padding=(0, 2))
    for number, one in enumerate(listed, start=1):
        table.add_row(
            Text(f"  {number}", style="bold"),
            for_line(one.service_id),
            str(one.bandwidth or "?"),
            for_terminal(one.status_text, 24),
            for_terminal(one.place or "", 24),
        )
    return table


def print_file(path: Path, text: str, console: Console) -> None:
    """A file as it will be written; it is made of answers that were checked for control characters."""
    console.print()
    console.print(Text(for_line(str(path)), style="bold"))
    for line in text.splitlines():
        console.print(Text(f"  {line}"), soft_wrap=True)


def print_next(written: Sequence[Path], console: Console, *, found: bool) -> None:
    """What was written, and what comes next; `found` is False where the rules file, which comes first in
    `written`, must be named to whatever is to read it."""
    named = "" if found else f" --config {for_line(shlex.quote(str(written[0])))}"
    console.print()
    console.print(Text(f"Wrote {', '.join(for_line(str(path)) for path in written)}"))
    console.print(
        Text(f"Next: iodcal doctor{named}, then a timer for iodcal sync{named}. orders: none only observes."),
        soft_wrap=True,
    )
    console.print()
