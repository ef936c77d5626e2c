"""What the history's entries have to say in words: shared by its table, its CSV and the report."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from iodcal.actor import Author, By
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Cause, Reason
from iodcal.domain.circuits import Labels
from iodcal.domain.orders import Outcome
from iodcal.messages.carriers import HELD as HELD_WORDS
from iodcal.output.overrides import by_whom
from iodcal.output.text import local_span
from iodcal.problems.messages import describe_recorded
from iodcal.store.entries import HELD, Entry

_KINDS = {"order": "order", "change": "change", "curtain_up": "curtain-up", "reading": "reading"}
_MOST_FACT = 200  # characters of one fact


def who(by: Author | None) -> str:
    """`timer`, `pat`, or that nobody wrote it down."""
    if by is None:
        return "not recorded"
    return "timer" if by.by is By.TIMER else by.user or f"uid {by.uid}"


def step(entry: Entry) -> str:
    """What an entry is about: `up 100 Mbps to 1 Gbps`, or the kind of its line."""
    if entry.old is not None and entry.new is not None:
        return f"{'up' if entry.new > entry.old else 'down'} {entry.old} to {entry.new}"
    kind = _KINDS.get(entry.kind, entry.kind)
    if entry.who is not None and entry.facts.get("exactly"):
        kind = f"{kind} exactly"
    if entry.kind == "adopt":
        return f"adopt {entry.facts.get('from')} as {entry.facts.get('to')}"
    return f"{kind} {entry.new}" if entry.new is not None else kind


def came_to(entry: Entry) -> str:
    """The outcome in words: an order's as it is called everywhere, a held change's reason."""
    if entry.outcome == HELD:
        return held(entry.reason or "")
    if entry.kind == "problem":
        severity = str(entry.facts.get("severity") or "problem")
        return severity if entry.ended is None else f"{severity}, over"
    refusal = f" ({entry.reason})" if entry.reason and entry.reason != entry.outcome else ""
    return f"{entry.outcome or ''}{refusal}"


def held(reason: str) -> str:
    """A reason for holding back in words; one that this version does not know stands as it is."""
    try:
        return HELD_WORDS[Reason(reason)]
    except ValueError:
        return f"held back ({reason})"


def why(entry: Entry, zone: ZoneInfo) -> str:
    """The causes of an entry, what asks for it first; a problem's message; who asked for what; else what its
    line holds."""
    if entry.kind == "problem":
        return describe_recorded(str(entry.facts.get("id")), entry.facts).message
    if entry.who is not None:
        return _wish(entry, zone)
    up = entry.old is None or entry.new is None or entry.new > entry.old
    causes = sorted(entry.causes, key=lambda cause: (cause.ended == up, cause.start))
    told = [cause_text(cause, zone) for cause in causes]
    told += [_fact(name, fact, zone) for name, fact in entry.facts.items() if fact is not None]
    return ", ".join(told)


def _wish(entry: Entry, zone: ZoneInfo) -> str:
    """`for all circuits, until Tue 24 Nov 17:00, by pat: DR rehearsal`."""
    parts = ["for all circuits"] if entry.circuit is None else []
    if "calendar" in entry.facts:
        name = entry.facts.get("subject")
        parts = [f'"{name}"' if name else f"an event on {entry.facts['calendar']}"]
    if entry.until is not None:
        parts.append(f"until {entry.until.astimezone(zone):%a %d %b %H:%M}")
    parts.append(by_whom(entry.who or "not recorded", entry.note or ""))
    account = entry.facts.get("account")
    return ", ".join([*parts, f"as {account}"] if account else parts)


def cause_text(cause: Cause, zone: ZoneInfo) -> str:
    """A cause in words: an event by its subject, or by its rule where that is hidden."""
    if cause.kind == "baseline":
        level = "the baseline's peak" if (cause.id or "peak").startswith("peak") else "the off-peak baseline"
        return f"{level} ends" if cause.ended else level
    name = cause.subject or (f"event of {cause.rule}" if cause.rule else _of_hold(cause))
    return f"{name} {local_span(cause.start, cause.end, zone)}{' over' if cause.ended else ''}"


def _of_hold(cause: Cause) -> str:
    """`hold by pat: DR rehearsal`; a cause of a kind that this version does not know by that."""
    return f"{cause.kind} {by_whom(cause.who, cause.note or '')}" if cause.who else cause.kind


def _fact(name: str, fact: Any, zone: ZoneInfo) -> str:
    return f"{name.removesuffix('mbps').rstrip('_')} {fact_text(name, fact, zone)}".lstrip()


def fact_text(name: str, fact: Any, zone: ZoneInfo) -> str:
    """A fact of a line that nothing here knows, as well as it can be shown."""
    if name.endswith("mbps") and isinstance(fact, int) and not isinstance(fact, bool) and fact > 0:
        return str(Bandwidth(fact))
    if isinstance(fact, str):
        at = _instant(fact)
        return fact[:_MOST_FACT] if at is None else at.astimezone(zone).strftime("%a %d %b %H:%M")
    return json.dumps(fact, ensure_ascii=False, sort_keys=True)[:_MOST_FACT]


def labels_text(labels: Labels | Iterable[tuple[str, str]]) -> str:
    """`cost_center=4711; owner=Pat`."""
    return "; ".join(f"{name}={value}" for name, value in labels)


def rule_labels(causes: Iterable[Cause]) -> Labels:
    """The labels of the rules behind `causes`, each pair once."""
    return tuple(sorted({pair for cause in causes for pair in cause.labels}))


def settled(entry: Entry) -> datetime | None:
    """When an order was seen to be at its end; None while it is open, and for all else."""
    order = entry.order
    return order.settled_at if order is not None and not order.outcome.open else None


def is_bad(entry: Entry) -> bool:
    """True for what somebody should look at."""
    return entry.outcome in _BAD


def named(cause: Cause) -> str:
    """What a cause is called, for a cell of its own."""
    return cause.subject or cause.rule or _of_hold(cause)


_BAD = frozenset(
    {
        Outcome.FAILED,
        Outcome.LOST,
        Outcome.REFUSED,
        Outcome.OVERDUE,
        Outcome.UNKNOWN,
        Outcome.NOT_SENT,
        "late",
    }
)


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
