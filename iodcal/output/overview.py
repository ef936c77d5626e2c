"""The plan at a glance: what is due, held, and next; what holds for all circuits, said once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.text import Text

from iodcal.messages import counted
from iodcal.output.overrides import shared_wishes
from iodcal.output.text import local
from iodcal.result import Report


def overview_lines(report: Report) -> Iterator[Text]:
    """What stands above all circuits, below the heading."""
    yield Text(f"{due_text(report)}. {next_text(report)}", style="bold")
    for wish in shared_wishes(report):
        yield Text(wish, style="bold")


def due_text(report: Report) -> str:
    """`Due now: 14 up, 1 down, 2 held (ups_only)`."""
    due = [plan.due for plan in report.plans if plan.due is not None]
    told = [
        f"{count} {direction}"
        for direction in ("up", "down")
        if (count := sum(change.held is None and change.direction == direction for change in due))
    ]
    reasons = Counter(str(change.held.reason) for change in due if change.held is not None)
    if reasons:
        told.append(f"{reasons.total()} held ({', '.join(reasons)})")
    return f"Due now: {', '.join(told) or 'nothing'}"


def next_text(report: Report) -> str:
    """`Next: Tue 24 07:30, 26 circuits`: the next time at which something is to be ordered."""
    coming = [change.at for plan in report.plans for change in plan.changes if not change.due]
    if not coming:
        return "Next: nothing in this window"
    first = min(coming)
    return f"Next: {local(first, report.zone)}, {counted(coming.count(first), 'circuit')}"


def digest_line(report: Report) -> Iterator[Text]:
    """The digest of what would be ordered, if anything would."""
    if any(plan.to_order is not None for plan in report.plans):
        yield Text(f"digest {report.digest}", style="dim")
