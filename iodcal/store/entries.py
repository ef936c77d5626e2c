"""Subjects that today's configuration hides are hidden in what was written before it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from iodcal.config import Configuration
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.changes import Cause, CauseKind
from iodcal.domain.circuits import Labels
from iodcal.domain.orders import Order
from iodcal.domain.structs import replace
from iodcal.domain.time import moment
from iodcal.store.history import (
    CurtainUp,
    OtherRecord,
    Past,
    PastChange,
    PastOrder,
    PastProblem,
    PastReading,
    PastWish,
    Stamp,
    Transition,
)

# Facts that hold a subject, and the fact that names its rule.
_SUBJECTS = {"subject": "rule", "by_subject": "by"}


class Hidden(Struct, frozen=True):
    """Which calendars, and which rules that read one of them, may show no subject; or all."""

    everything: bool
    calendars: frozenset[str]
    rules: frozenset[str]

    def covers(self, calendar: object, rule: object) -> bool:
        """True if an event of `calendar` (or one of its sources) that `rule` took must not be named."""
        name = calendar.partition("/")[0] if isinstance(calendar, str) else None
        by_calendar = calendar in self.calendars or name in self.calendars
        return self.everything or by_calendar or (calendar is None and rule in self.rules)

    def facts(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts of a problem without a subject that must not be seen."""
        concealed = dict(facts)
        for name, rule in _SUBJECTS.items():
            if name in facts and self.covers(facts.get("calendar"), facts.get(rule)):
                concealed[name] = None
        return concealed

    def causes(self, causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
        """`causes` without the subjects that must not be seen."""
        return tuple(
            replace(cause, subject=None) if self.covers(cause.calendar, cause.rule) else cause
            for cause in causes
        )


def hidden_by(configuration: Configuration) -> Hidden:
    """What `configuration` hides."""
    calendars = frozenset(c.name for c in configuration.calendars.values() if c.hide_subjects)
    rules = frozenset(rule.name for rule in configuration.rules if calendars & rule.circuits.keys())
    return Hidden(everything=configuration.settings.hide_subjects, calendars=calendars, rules=rules)


def conceal(past: Past, hidden: Hidden) -> Past:
    """`past` without the subjects that are `hidden`."""
    return replace(
        past,
        orders=tuple(replace(one, causes=hidden.causes(one.causes)) for one in past.orders),
        changes=tuple(replace(one, causes=hidden.causes(one.causes)) for one in past.changes),
        preflight_checks=tuple(_conceal_preflight_check(one, hidden) for one in past.preflight_checks),
        problems=tuple(replace(one, facts=hidden.facts(one.facts)) for one in past.problems),
        wishes=tuple(_conceal_wish(one, hidden) for one in past.wishes),
        others=tuple(replace(one, facts=hidden.facts(one.facts)) for one in past.others),
    )


def _conceal_preflight_check(one: CurtainUp, hidden: Hidden) -> CurtainUp:
    return replace(one, subject=None) if hidden.covers(one.calendar, one.rule) else one


def _conceal_wish(one: PastWish, hidden: Hidden) -> PastWish:
    return replace(one, subject=None) if hidden.covers(one.calendar, None) else one


HELD = "held"


class Entry(Struct, frozen=True):
    """One thing that happened. `kind` is that of its lines; `outcome` an order's, `held`, or a look's result;
    `reason` says why a change was held back or an order refused. `who` and `note` are those of a person's
    command, for `circuit`, or for all where that is None. `facts` is what has no field of its own, `ended`
    when a problem was gone."""

    kind: str
    at: datetime
    stamp: Stamp
    circuit: str | None = None
    old: Bandwidth | None = None
    new: Bandwidth | None = None
    outcome: str | None = None
    reason: str | None = None
    until: datetime | None = None
    ended: datetime | None = None
    causes: tuple[Cause, ...] = ()
    labels: Labels = ()
    order: Order | None = None
    transitions: tuple[Transition, ...] = ()
    who: str | None = None
    note: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def concerns(self, circuit: str) -> bool:
        """True if it is about `circuit`: also what somebody asked for all of them."""
        return self.circuit == circuit or (self.circuit is None and self.who is not None)


def entries_of(past: Past, *, everything: bool) -> list[Entry]:
    """What was ordered, what was held back, and what people asked for; with `everything` also the looks
    before events, readings and problems. In order of time."""
    found = [*_of_changes(past)]
    if everything:
        found += _of_looks(past)
    return sorted(found, key=lambda entry: entry.at)


def _of_changes(past: Past) -> Iterator[Entry]:
    yield from (_wish(one) for one in past.wishes)  # before the order that follows at the same instant
    yield from (_order(one) for one in past.orders)
    yield from (_change(one) for one in past.changes)
    yield from (_other(one) for one in past.others)


def _of_looks(past: Past) -> Iterator[Entry]:
    yield from (_preflight_check(one) for one in past.preflight_checks)
    yield from (_reading(one) for one in past.readings)
    yield from (_problem(one) for one in past.problems)


def _order(past: PastOrder) -> Entry:
    order = past.order
    return Entry(
        "order",
        order.created_at,
        stamp=past.stamp,
        circuit=order.circuit,
        old=order.old,
        new=order.new,
        outcome=str(order.outcome),
        reason=order.reason or None,
        causes=past.causes,
        labels=past.labels,
        order=order,
        transitions=past.transitions,
        facts={"said": order.said} if order.said else {},
    )


def _change(past: PastChange) -> Entry:
    return Entry(
        "change",
        past.stamp.at,
        stamp=past.stamp,
        circuit=past.circuit,
        old=past.old,
        new=past.new,
        outcome=HELD,
        reason=past.reason,
        until=past.until,
        causes=past.causes,
        labels=past.labels,
    )


def _preflight_check(past: CurtainUp) -> Entry:
    cause = Cause(
        CauseKind.EVENT,
        past.event or "",
        start=past.start,
        end=past.end or past.start,
        rule=past.rule,
        calendar=past.calendar,
        subject=past.subject,
    )
    return Entry(
        "curtain_up",
        past.stamp.at,
        past.stamp,
        past.circuit,
        new=past.needs,
        outcome=past.result,
        causes=(cause,),
        labels=past.labels,
    )


def _reading(past: PastReading) -> Entry:
    drift = {"drift_mbps": past.drift.observed.mbps} if past.drift is not None else {}
    off_peak = {"off_peak_mbps": past.off_peak.mbps} if past.off_peak is not None else {}
    return Entry(
        "reading", past.stamp.at, past.stamp, past.circuit, new=past.confirmed, facts={**off_peak, **drift}
    )


def _problem(past: PastProblem) -> Entry:
    named = past.facts.get("circuit")
    facts = {"id": past.id, "where": past.where, "severity": past.severity, **past.facts}
    circuit = named if isinstance(named, str) else None
    return Entry("problem", past.stamp.at, past.stamp, circuit, ended=past.ended, facts=facts)


def _wish(past: PastWish) -> Entry:
    facts: dict[str, Any] = {"account": past.account} if past.account not in (None, past.who) else {}
    if past.exactly:
        facts["exactly"] = True
    if past.before is not None:
        facts |= {"from": past.before, "to": past.name}
    if past.start is not None:
        facts |= {"calendar": past.calendar, "subject": past.subject, "start": moment(past.start)}
    return Entry(
        past.kind,
        past.stamp.at,
        past.stamp,
        past.circuit,
        new=past.bandwidth,
        until=past.until,
        who=past.who or "",
        note=past.note,
        facts=facts,
    )


def _other(past: OtherRecord) -> Entry:
    return Entry(past.kind, past.stamp.at, past.stamp, past.circuit, facts=past.facts)
