"""What `init` shows: the carrier's circuits, and the files before they are written."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from iodcal.carriers import Listed
from iodcal.render.text import for_line, for_terminal


def circuits_table(listed: Sequence[Listed]) -> Table:
    """One row per circuit, with the number to pick it by."""
    table = Table.grid(padding=(0, 2))
    for number, one in enumerate(listed, start=1):
        table.add_row(
            Text(f"  {number}", style="bold"),
            for_terminal(one.service_id, 24),
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
