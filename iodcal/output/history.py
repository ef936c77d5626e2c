"""The history as lines for people."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from msgspec import Struct
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from iodcal.commands.history import HistoryReport
from iodcal.messages import counted
from iodcal.output import past
from iodcal.output.chart import DOWN, UP
from iodcal.output.text import for_line, for_terminal
from iodcal.store.entries import Entry

_INDENT = 9  # columns: below the circuit
_MOST_WHY = 400  # characters
_BAD = "bold red"


def print_history(report: HistoryReport, console: Console, *, ids: bool) -> None:
    """Shows the entries by day, oldest first; with `ids` also all that finds them again elsewhere."""
    if not report.entries:
        console.print(Text("Nothing on record."))
        return
    widths = _Widths.of(report)
    day = ""
    for entry in report.entries:
        today = f"{entry.at.astimezone(report.zone):%a %d %b %Y}"
        if today != day:
            console.print(Text(today, style="bold"))
            day = today
        console.print(_head(entry, report.zone, widths))
        for line in (past.why(entry, report.zone), _ids(entry) if ids else ""):
            if line:
                console.print(
                    Padding(
                        Text(for_terminal(line, _MOST_WHY), style="dim"), (0, 0, 0, _INDENT), expand=False
                    )
                )


class _Widths(Struct, frozen=True):
    """How wide the columns are, so that they stand in line from day to day."""

    circuit: int
    what: int
    outcome: int

    @classmethod
    def of(cls, report: HistoryReport) -> _Widths:
        rows = [_columns(entry, report.zone) for entry in report.entries]
        return cls(*(max(cell_len(row[place]) for row in rows) for place in range(3)))


def _columns(entry: Entry, zone: ZoneInfo) -> tuple[str, str, str]:
    ended = past.settled(entry) or entry.ended
    at = f" {ended.astimezone(zone):%H:%M}" if ended is not None else ""
    outcome = for_terminal(past.came_to(entry), 32) + at
    return for_line(entry.circuit or ""), for_terminal(past.step(entry), 26), outcome


def _head(entry: Entry, zone: ZoneInfo, widths: _Widths) -> Text:
    circuit, what, outcome = _columns(entry, zone)
    line = Text(f"  {entry.at.astimezone(zone):%H:%M}  ")
    line.append(set_cell_size(circuit, widths.circuit + 2), "bold")
    verb, _, rest = set_cell_size(what, widths.what + 2).partition(" ")
    line.append(verb, {"up": UP, "down": DOWN}.get(verb, ""))
    line.append(f" {rest}")
    line.append(set_cell_size(outcome, widths.outcome + 2), _BAD if past.is_bad(entry) else "")
    return line.append(for_terminal(past.who(entry.stamp.by), 20), "dim")


def unreadable_line(report: HistoryReport) -> str | None:
    """What to say of lines that could not be read; None where all could."""
    count = report.unreadable
    if not count:
        return None
    verb = "is" if count == 1 else "are"
    return f"warning: {counted(count, 'line')} of the history cannot be read and {verb} not shown"


def _ids(entry: Entry) -> str:
    order, stamp = entry.order, entry.stamp
    parts = [f"run {stamp.run_id}"]
    if order is not None:
        parts += [order.external_id, f"order {order.carrier_order_id or 'not known'}"]
        parts += [f"{order.price_per_hour} {order.currency} an hour"] if order.price_per_hour else []
    parts += [f"iodcal {stamp.version}"] if stamp.version else []
    parts += [f"rules {stamp.rules[:19]}"] if stamp.rules else []
    labels = past.labels_text((*entry.labels, *past.rule_labels(entry.causes)))
    return for_line(", ".join([*parts, labels] if labels else parts))
