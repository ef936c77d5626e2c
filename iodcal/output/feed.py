"""The planned changes as an iCalendar feed (RFC 5545), which people subscribe to beside their own calendar.

Each raise is an event from when it is asked for until the circuit is lowered again. An event keeps its UID
from run to run, and its SEQUENCE and DTSTAMP rise only when something in it is new: the feed that is there
says what was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from iodcal import __version__
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Cause, CauseKind, Held, causes_of_up
from iodcal.domain.events import FEED_CATEGORY, FEED_DOMAIN
from iodcal.domain.localtime import Interval
from iodcal.domain.planning import CircuitPlan
from iodcal.domain.structs import replace
from iodcal.messages.carriers import HELD
from iodcal.output.lines import cause_in_line
from iodcal.output.text import for_line
from iodcal.result import Report

_FOLDED_AT = 75  # octets
_STAMPS = ("DTSTAMP", "SEQUENCE")


class Stay(Struct, frozen=True):
    """One planned raise: its circuit at `level` during `span` (UTC), and why; `held` if it is held back."""

    circuit: str
    key: str
    level: Bandwidth
    span: Interval
    causes: tuple[Cause, ...]
    reasons: tuple[str, ...]
    held: Held | None = None
    uid: str = ""


class PublishedEvent(Struct, frozen=True):
    """An event as the feed had it: its lines by name, as they stand there."""

    lines: Mapping[str, str]

    @property
    def span(self) -> Interval | None:
        """None where it makes no sense."""
        try:
            start, end = (
                datetime.strptime(self.lines[name], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
                for name in ("DTSTART", "DTEND")
            )
        except (KeyError, ValueError):
            return None
        return Interval(start, end)

    @property
    def sequence(self) -> int:
        text = self.lines.get("SEQUENCE", "")
        return int(text) if text.isdecimal() else 0


def feed_text(report: Report, name: str, earlier: str = "") -> str:
    """The feed of the installation `name` after `report`; `earlier` is the feed so far, if there is one."""
    known = {event.lines.get("UID", ""): event for event in published_events(earlier)}
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//iodcal//iodcal {__version__}//EN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_text(f'iodcal {name}')}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
        "X-PUBLISHED-TTL:PT15M",
    ]
    for stay in planned_stays(report, known.values()):
        lines += _event_lines(stay, known.get(stay.uid), report.now)
    return "".join(f"{_folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"])


def planned_stays(report: Report, known: Iterable[PublishedEvent]) -> list[Stay]:
    """Each raise of the plan, and those that circuits are up by, in order of time."""
    known = tuple(known)
    found = [stay for plan in report.plans for stay in _stays(plan, report, known)]
    first = {
        stay.uid: stay for stay in sorted(found, key=lambda stay: (stay.span, stay.circuit), reverse=True)
    }
    return sorted(first.values(), key=lambda stay: (stay.span, stay.circuit))


def _stays(plan: CircuitPlan, report: Report, known: Iterable[PublishedEvent]) -> Iterator[Stay]:
    running = _running(plan, report, known)
    if running is not None:
        yield running
    for number, change in enumerate(plan.changes):
        if change.up:
            lowered = (later.at for later in plan.changes[number + 1 :] if later.new < change.new)
            end = next(lowered, _end_of(change.causes, change.at))
            if change.at < end:
                yield _stay(plan, change.new, Interval(change.at, end), change.causes, held=change.held)


def _running(plan: CircuitPlan, report: Report, known: Iterable[PublishedEvent]) -> Stay | None:
    """What the circuit is up for now, unless that is still to be ordered. What the feed said of it counts on:
    of the events that began it those that are over are no longer known."""
    now, timeline = report.now, plan.timeline
    level = timeline.at(now).target
    if level <= plan.circuit.sold(plan.circuit.baseline.off_peak) or (plan.due is not None and plan.due.up):
        return None
    start = timeline.level_since(now)
    lowered = (change.at for change in plan.changes if change.new < level)
    causes = causes_of_up(timeline, level, Interval(start, timeline.lasts_until(timeline.at(now))))
    end = next(lowered, _end_of(causes, now))
    if not causes or end <= now:
        return None
    stay = _stay(plan, level, Interval(start, end), causes)
    for event in known:
        span = event.span
        same = event.lines.get("X-IODCAL-CHANGE") == _mark(stay)
        if same and span is not None and span.start <= now < span.end:
            return replace(stay, uid=event.lines.get("UID", stay.uid), span=Interval(span.start, end))
    return stay


def _end_of(causes: Iterable[Cause], start: datetime) -> datetime:
    ends = (cause.asks.end if cause.asks is not None else cause.end for cause in causes if not cause.ended)
    return max(ends, default=start)


def _stay(
    plan: CircuitPlan,
    level: Bandwidth,
    span: Interval,
    causes: tuple[Cause, ...],
    *,
    held: Held | None = None,
) -> Stay:
    asking = tuple(cause for cause in causes if not cause.ended)
    first = asking[0].id if asking else span.start.isoformat()
    digest = hashlib.sha256(f"{plan.circuit.key}\n{level.mbps}\n{first}".encode()).hexdigest()
    return Stay(
        plan.circuit.name,
        plan.circuit.key,
        level,
        span,
        asking,
        reasons=tuple(for_line(cause_in_line(cause, plan)) for cause in asking),
        held=held,
        uid=f"{digest[:32]}@{FEED_DOMAIN}",
    )


def _event_lines(stay: Stay, known: PublishedEvent | None, now: datetime) -> list[str]:
    title = f"{stay.circuit} at {stay.level}: {_for_what(stay)}"
    told = [f"For {', '.join(stay.reasons)}."] if stay.reasons else []
    if stay.held is not None:
        title = f"held back: {title}"
        told.append(f"Held back: {HELD[stay.held.reason]}.")
    body = {
        "UID": stay.uid,
        "DTSTART": _instant(stay.span.start),
        "DTEND": _instant(stay.span.end),
        "SUMMARY": _text(for_line(title)),
        "DESCRIPTION": _text(" ".join(told)),
        "CATEGORIES": FEED_CATEGORY,
        "STATUS": "TENTATIVE" if stay.held is not None else "CONFIRMED",
        "TRANSP": "TRANSPARENT",
        "X-MICROSOFT-CDO-BUSYSTATUS": "FREE",
        "X-IODCAL-CHANGE": _mark(stay),
    }
    stamp, sequence = _instant(now), 0
    if known is not None:
        same = {name: line for name, line in known.lines.items() if name not in _STAMPS} == body
        stamp = known.lines.get("DTSTAMP", stamp) if same else stamp
        sequence = known.sequence if same else known.sequence + 1
    body |= {"DTSTAMP": stamp, "SEQUENCE": str(sequence)}
    return ["BEGIN:VEVENT", *(f"{name}:{value}" for name, value in body.items()), "END:VEVENT"]


def _for_what(stay: Stay) -> str:
    asking = [cause for cause in stay.causes if cause.kind != CauseKind.BASELINE]
    if not asking:
        return "peak hours"
    cause, more = asking[0], f" and {len(asking) - 1} more" if len(asking) > 1 else ""
    return f"{cause.subject or (cause.rule and f'event of {cause.rule}') or 'a hold'}{more}"


def _mark(stay: Stay) -> str:
    return f"{stay.level.mbps} {hashlib.sha256(stay.key.encode()).hexdigest()[:16]}"  # accounts are nobody's


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded(line: str) -> str:
    """`line` in pieces of at most 75 octets, none of which begins within a letter."""
    pieces, piece = [], b""
    for letter in line:
        encoded = letter.encode("utf-8", errors="replace")
        if len(piece) + len(encoded) > _FOLDED_AT:
            pieces.append(piece)
            piece = b" "
        piece += encoded
    return "\r\n".join(one.decode() for one in [*pieces, piece])


def published_events(text: str) -> Iterator[PublishedEvent]:
    """The events of a feed of ours; of anything else, what looks like them."""
    lines: dict[str, str] = {}
    for line in text.replace("\r\n", "\n").replace("\n ", "").split("\n"):
        if line == "BEGIN:VEVENT":
            lines = {}
        elif line == "END:VEVENT":
            yield PublishedEvent(lines)
            lines = {}
        else:
            name, _, value = line.partition(":")
            lines[name] = value
