"""`iodcal report` without `--html`'s picture: from history, configuration and state to what circuits cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from iodcal.analysis.cost_reasons import demands_of, price_periods, quotes_of
from iodcal.analysis.costs import Accounted, Subject, account
from iodcal.analysis.figures import (
    CircuitCosts,
    CostReason,
    Figures,
    Lookback,
    QuotaDay,
    Served,
    Spending,
)
from iodcal.analysis.load import load_past_before
from iodcal.analysis.past import CircuitPast, circuit_pasts, tells_of_circuits
from iodcal.analysis.service_level import served, worst_first
from iodcal.analysis.usage import UsageReport, use_rows
from iodcal.commands.requests import clock_of, select_circuits
from iodcal.commands.spans import LookbackRequest, months_of, shown, span_of
from iodcal.config import Configuration
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Account, Circuit, Orders
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Cost, RateSource, Tariff
from iodcal.domain.steps import Steps
from iodcal.domain.structs import replace
from iodcal.errors import UsageError
from iodcal.store.address import StateAddress
from iodcal.store.history import Past
from iodcal.store.store import store_of


def _quietly(_text: str) -> None:
    """Nobody looks on."""


def lookback(
    configuration: Configuration,
    state_path: StateAddress,
    asked: LookbackRequest,
    progress: Callable[[str], None] = _quietly,
) -> Lookback:
    """What the circuits cost, how they served and what of them was used. Raises UsageError, StateError,
    MeasurementError."""
    _, now = clock_of(configuration, asked.now)
    over = span_of(configuration, asked, now)
    chosen = select_circuits(configuration.circuits, asked.circuits)
    circuits = [one for one in configuration.circuits.values() if not chosen or one.name in chosen]
    state = store_of(configuration, state_path).load(read_only=True)
    past = load_past_before(configuration, state_path, state.circuits, over.start)
    if not tells_of_circuits(past):
        empty = look_back(past, circuits, circuit_states={}, over=over, now=now, zone=configuration.zone)
        return replace(empty, nothing_beside=str(state_path))
    if chosen:
        past = only_of(past, circuits)
    found = look_back(
        past, circuits, circuit_states=state.circuits, over=over, now=now, zone=configuration.zone
    )
    if not any(one.figures.at_tier for one in found.circuits):
        raise UsageError(
            "nothing_known", start=shown(over.start, configuration), end=shown(over.end, configuration)
        )
    if asked.usage is None and not configuration.usage:
        return found
    subjects = subjects_of(past, circuits, state.circuits, over)
    usage = usage_report(configuration, subjects, over, file=asked.usage, progress=progress)
    return replace(found, usage=usage)


def usage_report(
    configuration: Configuration,
    subjects: Iterable[Subject],
    over: Interval,
    *,
    file: Path | None,
    progress: Callable[[str], None],
) -> UsageReport:
    """What was really used of `subjects` during `over`, beside what was ordered.

    Raises MeasurementError where `file` cannot be read.
    """
    from iodcal.commands.measure import measure_use

    there = {one.name: one for one in subjects if one.circuit is not None}
    ordered = {name: ordered_levels(one) for name, one in there.items()}
    measured = measure_use(configuration, ordered, over, file=file, progress=progress)
    rows = [
        row
        for name, series in measured.series.items()
        for row in use_rows(name, series, measured.levels[name], over=over, asked=_events_of(there[name]))
    ]
    return UsageReport(
        circuits=tuple(row for row in rows if row.because is None),
        rules=tuple(row for row in rows if row.because is not None and row.because.start is None),
        events=tuple(row for row in rows if row.because is not None and row.because.start is not None),
        troubles=measured.troubles,
        series=measured.series,
        levels=measured.levels,
    )


def ordered_levels(subject: Subject) -> Steps[Bandwidth | None]:
    """What was ordered of a circuit; None where nobody knows."""
    known = subject.known.levels
    return Steps(known.starts, tuple(one.level for one in known.values))


def _events_of(subject: Subject) -> Iterator[tuple[CostReason, Interval]]:
    for demand in subject.demands:
        start, end = demand.because.start, demand.because.end
        if demand.because.kind == "event" and start is not None and end is not None and start < end:
            yield demand.because, Interval(start, end)


def only_of(past: Past, circuits: Sequence[Circuit]) -> Past:
    """What concerns `circuits`."""
    keys, names = {one.key for one in circuits}, {one.name for one in circuits}
    return Past(
        tuple(one for one in past.orders if one.order.circuit_key in keys),
        past.changes,
        preflight_checks=past.preflight_checks,
        readings=tuple(one for one in past.readings if one.key in keys),
        problems=tuple(one for one in past.problems if one.facts.get("circuit") in names),
        unreadable=past.unreadable,
    )


def look_back(
    past: Past,
    circuits: Iterable[Circuit],
    *,
    circuit_states: Mapping[str, CircuitState],
    over: Interval,
    now: datetime,
    zone: ZoneInfo,
) -> Lookback:
    """What happened during `over` on `circuits`, and on those that left the configuration but are in `past`.
    `circuit_states` (by circuit key) tell what was quoted last, and the level of those that no history
    names."""
    subjects = subjects_of(past, list(circuits), circuit_states, over)
    months = months_of(over, zone)
    accounts = [account(subject, months, lost=past.unreadable > 0) for subject in subjects]
    pasts = tuple(one.past for one in accounts)
    return Lookback(
        now,
        over,
        zone=zone,
        total=sum((one.figures for one in pasts), Figures()),
        circuits=pasts,
        labels=tuple(_by_label(accounts)),
        months=tuple((month, _together(pasts, number)) for number, month in enumerate(months)),
        rules=_spendings(accounts, subjects, by_rule=True),
        events=_spendings(accounts, subjects, by_rule=False),
        quota=tuple(_quota(past, subjects, over)),
        service=worst_first(_service(past, subjects, over)),
        unreadable=past.unreadable,
        priced_at=_priced_at(subjects),
    )


def subjects_of(
    past: Past, circuits: Sequence[Circuit], circuit_states: Mapping[str, CircuitState], over: Interval
) -> list[Subject]:
    """The circuits to look back on: those of the configuration first, then those that left it."""
    pasts = circuit_pasts(past, circuit_states)
    names = {circuit.name for circuit in circuits}
    found = [
        _subject(
            circuit, past, pasts.pop(circuit.key, CircuitPast(circuit.key)), circuit_states, in_use=names
        )
        for circuit in circuits
    ]
    return [*found, *(_left(one) for one in pasts.values() if _is_told_of(one, over))]


def _is_told_of(past: CircuitPast, over: Interval) -> bool:
    """Of a circuit that left long before, nobody knows whether it is still there."""
    return any(one.order.created_at in over for one in past.orders) or any(
        one.stamp.at in over for one in past.readings
    )


def _subject(
    circuit: Circuit,
    past: Past,
    own: CircuitPast,
    circuit_states: Mapping[str, CircuitState],
    *,
    in_use: Collection[str],
) -> Subject:
    """`in_use` are the names that circuits have today."""
    circuit_state = circuit_states.get(circuit.key)
    orders, quotes = own.orders, circuit_state.quotes if circuit_state is not None else ()
    former = {*(one.order.circuit for one in orders), *(one.circuit for one in own.readings)} - {*in_use}
    names = {circuit.name, *former}
    changes = (one for one in past.changes if one.circuit in names)
    looks = (one for one in past.preflight_checks if one.circuit in names)
    return Subject(
        circuit.name,
        circuit.key,
        labels=circuit.labels,
        prices=price_periods(circuit.tariff, circuit.labels, orders, quotes),
        known=own.ordered(),
        demands=demands_of(orders, changes, looks),
        circuit=circuit,
        quoted_in=frozenset(quote.currency for quote in quotes_of(orders)),
        former=frozenset(former),
    )


def _left(past: CircuitPast) -> Subject:
    """A circuit that left the configuration: what was quoted for its orders is all that tells its price."""
    quotes = list(quotes_of(past.orders))
    tariff = Tariff(quotes[-1].currency if quotes else Tariff().currency)
    name = past.orders[-1].order.circuit if past.orders else past.readings[-1].circuit
    labels = past.orders[-1].labels if past.orders else ()
    prices = price_periods(tariff, (), past.orders)
    return Subject(
        name,
        past.key,
        labels=labels,
        prices=prices,
        known=replace(past, otherwise=None).ordered(),
        demands=(),
    )


def _together(pasts: Iterable[CircuitCosts], number: int) -> Figures:
    return sum((one.months[number][1] for one in pasts), Figures())


def _by_label(accounts: Iterable[Accounted]) -> Iterator[tuple[tuple[str, str], Figures]]:
    found: defaultdict[tuple[str, str], Figures] = defaultdict(Figures)
    for one in accounts:
        for label, figures in one.of_label.items():
            found[label] += figures
    yield from sorted(found.items())


def _spendings(
    accounts: Sequence[Accounted], subjects: Sequence[Subject], *, by_rule: bool
) -> tuple[Spending, ...]:
    """What each reason cost, the dearest first: by rule, with what was no rule's beside them; or by event."""
    amounts: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    reasons: dict[tuple[str, str, str], CostReason] = {}
    circuits: defaultdict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)
    complete: dict[str, bool] = {}
    for one, subject in zip(accounts, subjects, strict=True):
        for bill in one.past.figures.bills:
            complete[bill.currency] = complete.get(bill.currency, True) and bill.extra.complete
        for because, amount in one.spent.items():
            if not by_rule and because.kind not in ("event", "hold"):
                continue
            told = CostReason(because.kind, because.rule or "", because.rule) if by_rule else because
            place = (told.kind, told.id, subject.tariff.currency)
            reasons.setdefault(place, told)
            amounts[place] += amount
            circuits[place][one.past.name] = None
    found = [
        Spending(reasons[place], Cost(amount, place[2], complete=complete[place[2]]), tuple(circuits[place]))
        for place, amount in amounts.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.cost.amount, one.because.kind, one.because.id)))


def _quota(past: Past, subjects: Sequence[Subject], over: Interval) -> Iterator[QuotaDay]:
    names: dict[str, tuple[str, int | None]] = {}
    for subject in subjects:
        account_ = subject.key.rpartition("|")[0]
        circuit = subject.circuit
        if circuit is not None and account_ not in names:
            names[account_] = _account_name(circuit.account, circuit.carrier), circuit.changes_per_day
    used: Counter[tuple[str, date]] = Counter()
    keys = {subject.key for subject in subjects}
    for one in past.orders:
        order = one.order
        if order.circuit_key in keys and order.outcome.counts_against_quota and order.created_at in over:
            used[order.circuit_key.rpartition("|")[0], order.created_at.astimezone(UTC).date()] += 1
    for (key, day), number in sorted(used.items()):
        name, limit = names.get(key, (key.rpartition("|")[2], None))
        yield QuotaDay(name, day, number, limit)


def _account_name(account_: Account, carrier: str) -> str:
    return carrier if account_.number in ("", carrier) else f"{carrier} {account_.number}"


def _service(past: Past, subjects: Sequence[Subject], over: Interval) -> Iterator[Served]:
    """Of circuits that are only observed nobody expects anything yet."""
    pasts = circuit_pasts(past, {})
    for subject in subjects:
        if subject.circuit is not None and subject.circuit.orders is not Orders.NONE:
            former = subject.former
            looks = [one for one in past.preflight_checks if one.circuit in (subject.name, *former)]
            shown = pasts.get(subject.key, CircuitPast(subject.key)).shown()
            yield from served(subject.name, looks, shown=shown, late=past.problems, over=over, former=former)


def _priced_at(subjects: Iterable[Subject]) -> date | None:
    """The day of the public list, where some tier in use is priced by it."""
    days = [
        rate.as_of
        for subject in subjects
        if subject.circuit is not None
        for tier, rate in subject.tariff.rates
        if tier in subject.circuit.tiers and rate.source is RateSource.LIST and rate.as_of is not None
    ]
    return min(days, default=None)
