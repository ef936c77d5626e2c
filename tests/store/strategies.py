"""Hypothesis: any state that a run could leave."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState, Drift, Foreseen, SourceMemory
from iodcal.domain.circuits import Reading, Status
from iodcal.domain.events import Floating, Match, MatchedEvent, NamedCircuits, Source, Timed
from iodcal.domain.failed_orders import FailedOrders
from iodcal.domain.holds import Hold, Parked, Pause
from iodcal.domain.localtime import Interval
from iodcal.domain.money import QuotedPrice
from iodcal.domain.orders import BootTime, Direction, Order, Outcome, as_kept_order
from iodcal.domain.structs import replace
from iodcal.store.state import AlertRecord, LastRun, Quota, State

texts = st.text(st.characters(codec="utf-8"), max_size=12)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
keys = st.tuples(names, texts).map("|".join) | names.filter(lambda name: "|" not in name)
naive = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1))  # noqa: DTZ001 - local times
instants = naive.map(lambda at: at.replace(tzinfo=UTC))
prices = st.decimals(0, 1000, places=6)
rates = st.integers(1, 100_000).map(Bandwidth)


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


readings = st.builds(Reading, instants, st.sampled_from(Status), maybe(rates), texts)
orders = st.builds(
    Order,
    id=names,
    circuit_key=texts,
    circuit=texts,
    old=rates,
    new=rates,
    created_at=instants,
    outcome=st.sampled_from(Outcome),
    quote_id=maybe(texts),
    accepted_at=maybe(instants),
    carrier_order_id=maybe(texts),
    settled_at=maybe(instants),
    resends=st.integers(0, 3),
    demand=texts,
    run_id=texts,
    reason=texts,
    boot=maybe(st.builds(BootTime, texts, st.floats(0, 1e9))),
    needed_by=maybe(instants),
)


pauses = st.builds(Pause, instants, instants, texts, texts)


failed_orders = st.builds(
    FailedOrders,
    direction=st.sampled_from(Direction),
    new=rates,
    demand=texts,
    last_at=instants,
    tries=st.dictionaries(texts, st.integers(0, 9), max_size=2),
    sent=st.integers(0, 9),
    failed=st.integers(0, 9),
    since=maybe(instants),
    old=maybe(rates),
    shown=maybe(rates),
    external_id=maybe(texts),
    carrier_order_id=maybe(texts),
    refusal=st.dictionaries(texts, texts | st.none() | st.integers(-9, 9) | st.booleans(), max_size=2),
)


def circuit_states(key: str) -> st.SearchStrategy[CircuitState]:
    return st.builds(
        CircuitState,
        key=st.just(key),
        name=texts,
        carrier_type=texts,
        account=texts,
        off_peak=maybe(rates),
        confirmed=maybe(rates),
        reading=maybe(readings),
        order=maybe(orders),
        recent=st.lists(orders, max_size=2).map(tuple),
        drift=maybe(st.builds(Drift, rates, instants, instants)),
        raised_for=maybe(texts),
        level=maybe(rates),
        stepped_down_at=maybe(instants),
        foreseen=st.lists(st.builds(Foreseen, instants, rates), max_size=2).map(tuple),
        preflight_checks=st.lists(st.tuples(texts, instants), max_size=2).map(tuple),
        failures=st.integers(0, 9),
        retry_at=maybe(instants),
        held_told=maybe(texts),
        hold=maybe(st.builds(Hold, rates, instants, instants, texts, texts, st.booleans())),
        pause=maybe(pauses),
        quotes=st.lists(st.builds(QuotedPrice, rates, prices, texts, instants), max_size=2).map(tuple),
        failed=st.lists(failed_orders, max_size=2).map(tuple),
    )


def remembered(key: str) -> st.SearchStrategy[SourceMemory]:
    spans = st.builds(Timed, instants, instants) | st.builds(Floating, naive, naive)
    events = st.builds(
        MatchedEvent,
        source=st.just(Source(key, "company", "label")),
        id=texts,
        uid=texts,
        span=spans,
        all_day=st.booleans(),
        subject=maybe(texts),
        matches=st.lists(st.builds(Match, texts, maybe(rates)), max_size=2).map(tuple),
        absent=st.booleans(),
        named=maybe(
            st.builds(NamedCircuits, st.frozensets(texts, max_size=2), st.frozensets(texts, max_size=2))
        ),
    )
    return st.builds(
        SourceMemory,
        source_key=st.just(key),
        label=st.just("label"),
        read_at=instants,
        covers=st.builds(Interval, instants, instants),
        events=st.lists(events, max_size=2).map(tuple),
        asked=maybe(st.frozensets(texts, max_size=2)),
    )


facts = st.dictionaries(names, st.none() | texts | st.integers(-999, 999), max_size=3)
told = st.builds(
    AlertRecord,
    kind=texts,
    where=texts,
    facts=facts,
    stable_facts=facts.map(lambda given: tuple(sorted(given.items()))),
    since=instants,
    told_at=maybe(instants),
)


@st.composite
def states(draw: st.DrawFn) -> State:
    circuits = draw(st.lists(keys, max_size=2, unique=True))
    sources = draw(st.lists(names, max_size=2, unique=True))
    return State(
        circuits={key: draw(circuit_states(key)) for key in circuits},
        remembered={key: draw(remembered(draw(st.sampled_from((key, "elsewhere"))))) for key in sources},
        calendar_ids=draw(st.dictionaries(names, texts, max_size=2)),
        quotas=draw(
            st.dictionaries(
                st.tuples(texts, texts),
                st.builds(Quota, st.dates(), st.integers(0, 99), st.integers(0, 99)),
                max_size=2,
            )
        ),
        told=draw(st.dictionaries(names, told, max_size=2)),
        last_run=draw(
            st.none() | st.builds(LastRun, texts, instants, instants, st.booleans(), st.integers(0, 130))
        ),
        pause=draw(st.none() | pauses),
        parked=draw(st.none() | st.builds(Parked, instants, texts, texts)),
        looked_up_at=draw(st.dictionaries(names, instants, max_size=2)),
        failed_sources=draw(st.frozensets(names, max_size=2)),
        page_sizes=draw(st.dictionaries(names, st.integers(1, 999), max_size=2)),
        throttled_until=draw(st.dictionaries(names, instants, max_size=2)),
    )


def kept(state: State) -> State:
    """`state` with as much of its settled orders as later runs need."""
    circuits = {
        key: replace(circuit_state, recent=tuple(as_kept_order(order) for order in circuit_state.recent))
        for key, circuit_state in state.circuits.items()
    }
    return replace(state, circuits=circuits)
