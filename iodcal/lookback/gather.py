"""From history, configuration and state to the whole look back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Account, Circuit, Orders
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Cost, RateSource, Tariff
from iodcal.domain.standing import Standing
from iodcal.lookback import Because, CircuitPast, Figures, Lookback, QuotaDay, Served, Spending
from iodcal.lookback.account import Accounted, Subject, account, months_of
from iodcal.lookback.course import confirmed, ordered
from iodcal.lookback.demands import demands_of
from iodcal.lookback.eras import eras_of, quotes_of
from iodcal.lookback.service import served, worst_first
from iodcal.lookback.spans import month_begins
from iodcal.store.history import CurtainUp, Past, PastChange, PastOrder, PastReading

T = TypeVar("T", PastOrder, PastReading)


def look_back(
    past: Past,
    circuits: Iterable[Circuit],
    standings: Mapping[str, Standing],
    over: Interval,
    now: datetime,
    zone: ZoneInfo,
) -> Lookback:
    """What happened during `over` on `circuits`, and on those that left the configuration but are in `past`.
    `standings` (by circuit key) tell what was quoted last, and the level of whom the history never names."""
    subjects = subjects_of(past, list(circuits), standings, over)
    months = months_of(over, month_begins(over, zone))
    accounts = [account(subject, months, lost=past.unreadable > 0) for subject in subjects]
    pasts = tuple(one.past for one in accounts)
    return Lookback(
        now,
        over,
        zone,
        sum((one.figures for one in pasts), Figures()),
        pasts,
        tuple(_by_label(accounts)),
        tuple((month, _together(pasts, number)) for number, month in enumerate(months)),
        _spendings(accounts, subjects, by_rule=True),
        _spendings(accounts, subjects, by_rule=False),
        tuple(_quota(past, subjects, over)),
        worst_first(_service(past, subjects, over)),
        past.unreadable,
        _priced_at(subjects),
    )


def subjects_of(
    past: Past, circuits: Sequence[Circuit], standings: Mapping[str, Standing], over: Interval
) -> list[Subject]:
    """The circuits to look back on: those of the configuration first, then those that left it."""
    orders = _by_key(past.orders, [one.order.circuit_key for one in past.orders])
    readings = _by_key(past.readings, [one.key for one in past.readings])
    found = [_subject(c, past, orders.get(c.key, ()), readings.get(c.key, ()), standings) for c in circuits]
    configured = {circuit.key for circuit in circuits}
    for key in dict.fromkeys((*orders, *readings)):
        of_key = orders.get(key, ()), readings.get(key, ())
        if key not in configured and _is_told_of(*of_key, over):
            found.append(_left(key, *of_key))
    return found


def _is_told_of(orders: Iterable[PastOrder], readings: Iterable[PastReading], over: Interval) -> bool:
    """Of a circuit that left long before, nobody knows whether it is still there."""
    return any(one.order.created_at in over for one in orders) or any(
        one.stamp.at in over for one in readings
    )


def _subject(
    circuit: Circuit,
    past: Past,
    orders: Sequence[PastOrder],
    readings: Sequence[PastReading],
    standings: Mapping[str, Standing],
) -> Subject:
    standing = standings.get(circuit.key)
    level = _level(standing) if standing is not None else None
    names = {circuit.name, *(one.order.circuit for one in orders), *(one.circuit for one in readings)}
    return Subject(
        circuit.name,
        circuit.key,
        circuit.labels,
        eras_of(circuit.tariff, circuit.labels, orders, standing.quotes if standing is not None else ()),
        ordered(orders, readings, level),
        demands_of(orders, _of_names(past.changes, names), _looks(past.curtain_ups, names)),
        circuit,
        frozenset(quote.currency for quote in quotes_of(orders)),
    )


def _left(key: str, orders: Sequence[PastOrder], readings: Sequence[PastReading]) -> Subject:
    """A circuit that left the configuration: what was quoted for its orders is all that tells its price."""
    quotes = list(quotes_of(orders))
    currency = quotes[-1].currency if quotes else Tariff().currency
    name = orders[-1].order.circuit if orders else readings[-1].circuit
    labels = orders[-1].labels if orders else ()
    return Subject(name, key, labels, eras_of(Tariff(currency), (), orders), ordered(orders, readings), ())


def _level(standing: Standing) -> Bandwidth | None:
    return standing.drift.observed if standing.drift is not None else standing.confirmed


def _by_key(records: Sequence[T], keys: Sequence[str]) -> dict[str, list[T]]:
    found: defaultdict[str, list[T]] = defaultdict(list)
    for key, record in zip(keys, records, strict=True):
        found[key].append(record)
    return dict(found)


def _of_names(changes: Iterable[PastChange], names: set[str]) -> list[PastChange]:
    return [one for one in changes if one.circuit in names]


def _looks(looks: Iterable[CurtainUp], names: set[str]) -> list[CurtainUp]:
    return [one for one in looks if one.circuit in names]


def _together(pasts: Iterable[CircuitPast], number: int) -> Figures:
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
    reasons: dict[tuple[str, str, str], Because] = {}
    circuits: defaultdict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)
    complete: dict[str, bool] = {}
    for one, subject in zip(accounts, subjects, strict=True):
        for bill in one.past.figures.bills:
            complete[bill.currency] = complete.get(bill.currency, True) and bill.extra.complete
        for because, amount in one.spent.items():
            if not by_rule and because.kind not in ("event", "hold"):
                continue
            told = Because(because.kind, because.rule or "", because.rule) if by_rule else because
            place = (told.kind, told.id, subject.tariff.currency)
            reasons.setdefault(place, told)
            amounts[place] += amount
            circuits[place][one.past.name] = None
    found = [
        Spending(reasons[place], Cost(amount, place[2], complete[place[2]]), tuple(circuits[place]))
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
    for subject in subjects:
        if subject.circuit is not None and subject.circuit.orders is not Orders.NONE:
            orders = [one for one in past.orders if one.order.circuit_key == subject.key]
            readings = [one for one in past.readings if one.key == subject.key]
            looks = [one for one in past.curtain_ups if one.circuit == subject.name]
            yield from served(subject.name, looks, confirmed(orders, readings), past.problems, over)


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
