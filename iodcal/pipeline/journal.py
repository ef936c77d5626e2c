"""The state during a run that orders: what is to survive the next moment is on disk before it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from msgspec import Struct, field

from iodcal import __version__
from iodcal.actor import author
from iodcal.domain.changes import Cause
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Account, Circuit
from iodcal.domain.orders import Order, Outcome, with_end
from iodcal.domain.structs import replace
from iodcal.errors import StateError
from iodcal.store.state import Quota, State, Store, count_orders


class Journal(Struct):
    """Holds the run's state and writes it. `lost` names where state went that could not be saved in its
    own place: an order had been taken by then, so it must not be lost altogether. `stamp` goes with every
    line of the history: who, with which version, by which rules. `noted` are the orders as the history of
    this run has them, by id, and `shown` what it has of readings, by circuit."""

    store: Store
    state: State
    run_id: str
    clock: Callable[[], datetime]
    lost: list[str] = field(default_factory=list)
    stamp: Mapping[str, Any] = field(default_factory=dict)
    noted: dict[str, Order] = field(default_factory=dict)
    shown: dict[str, tuple[object, ...]] = field(default_factory=dict)
    _writing: Lock = field(default_factory=Lock)  # accounts are ordered from side by side
    _begun_with: Mapping[str, CircuitState] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._begun_with = self.state.circuits

    def put(self, circuit_state: CircuitState) -> None:
        """Keeps `circuit_state`, to be written with the next save; what is new in it goes into the history
        now, so that it never lacks what the state says. Raises StateError as `note` does."""
        self.state = replace(self.state, circuits={**self.state.circuits, circuit_state.key: circuit_state})
        self._note_news(self._begun_with.get(circuit_state.key), circuit_state)

    def save(self) -> None:
        """Writes the state. Raises StateError."""
        self.store.save(self.state)

    def record_intent(
        self, circuit: Circuit, circuit_state: CircuitState, order: Order, causes: tuple[Cause, ...]
    ) -> CircuitState:
        """Puts the intent on disk, counted against the quota; only then may the order leave. Raises
        StateError: then it must not."""
        opened = replace(circuit_state, order=order)
        with self._writing:
            before = self.state
            try:
                self.put(circuit_state)  # how the last order ended is told before the next one begins
                self.note_order(order, causes=causes, labels=dict(circuit.labels))
                self.put(opened)
                self._count(circuit.account, order.created_at, 1)
                self.save()
            except StateError as error:
                self.state = before
                self._take_back(order, error)
                raise
        return opened

    def _take_back(self, order: Order, error: StateError) -> None:
        """Says of an intent that stands in the history, but not in the state, that nothing came of it."""
        if order.id in self.noted:
            with suppress(StateError):  # the disk may be full for this, too
                self.note_order(with_end(order, Outcome.NOT_SENT, self.clock(), error.code))

    def record_outcome(self, circuit: Circuit, circuit_state: CircuitState, order: Order) -> CircuitState:
        """Records what became of an order as soon as that is known, wherever it can be recorded."""
        if order.outcome.open:
            circuit_state = replace(circuit_state, order=order)
        else:
            circuit_state = replace(circuit_state, order=None, recent=(*circuit_state.recent, order))
        with self._writing:
            if not order.outcome.counts_against_quota:
                refused = int(order.outcome is Outcome.REFUSED)
                self._count(circuit.account, order.created_at, -1, refused=refused)
            try:
                try:
                    self.put(circuit_state)
                finally:
                    self.store.save_answer(
                        self.state, order
                    )  # where the history alone cannot be written, too
            except StateError:
                self.save_elsewhere()
        return circuit_state

    def finish(self) -> None:
        """Writes the state at the end of a run. Raises StateError, but not where orders of this run are
        already on record elsewhere only: then what is known now goes elsewhere, too."""
        try:
            self.save()
        except StateError:
            if not self.lost:
                raise
            self.save_elsewhere()
        else:
            self.lost.clear()

    def save_elsewhere(self) -> None:
        """Writes the state somewhere, and keeps in `lost` where that is; an empty text stands for nowhere."""
        self.lost[:] = [self.store.save_elsewhere(self.state) or ""]

    def note(self, kind: str, **facts: Any) -> None:
        """Appends a line to the history. Raises StateError, but not once the state itself was lost: then
        the end of the run must still be reached, where that is told."""
        try:
            self.store.history.append(kind, at=self.clock(), run_id=self.run_id, **{**self.stamp, **facts})
        except StateError:
            if not self.lost:
                raise

    def note_order(self, order: Order, **more: Any) -> None:
        """Appends what `order` now is; `more` goes with its first line. Raises StateError as `note` does."""
        self.note("order", order=order, **more)
        self.noted[order.id] = order

    def note_ended(self, what: str, circuit_state: CircuitState | None, **facts: Any) -> None:
        """Appends that a `hold`, `pause` or `freeze` is over, of one circuit or of all. Raises StateError as
        `note` does."""
        self.note(
            "ended", what=what, circuit=circuit_state.name if circuit_state is not None else None, **facts
        )

    def note_what_ended(self, circuit_state: CircuitState, last_run: datetime | None, now: datetime) -> None:
        """Appends what people asked for on a circuit and has come to its end since the last run."""
        pause, hold = circuit_state.pause, circuit_state.hold
        if pause is not None and pause.until <= now:
            self.note_ended("pause", circuit_state, who=pause.who, since=pause.since, until=pause.until)
        if hold is not None and last_run is not None and last_run < hold.until <= now:
            self.note_ended("hold", circuit_state, who=hold.who, since=hold.since, until=hold.until)

    def _note_news(self, before: CircuitState | None, circuit_state: CircuitState) -> None:
        """Orders that became something else, and readings that change what counts as ordered or as drift."""
        known_orders = before.all_orders if before is not None else ()
        for order in circuit_state.all_orders:
            if order not in known_orders and order != self.noted.get(order.id):
                self.note_order(order)
        shown = _shown_by(circuit_state)
        if circuit_state.confirmed is not None and shown != self.shown.get(
            circuit_state.key, _shown_by(before)
        ):
            self.note(
                "reading",
                circuit=circuit_state.name,
                key=circuit_state.key,
                confirmed_mbps=circuit_state.confirmed,
                off_peak_mbps=circuit_state.off_peak,
                drift=circuit_state.drift,
            )
            self.shown[circuit_state.key] = shown

    def _count(self, account: Account, at: datetime, number: int, *, refused: int = 0) -> None:
        key = (account.base_url, account.number)
        self.state = count_orders(self.state, key, at, number, refused=refused)

    def use_up(self, account: Account, at: datetime, limit: int) -> None:
        """Takes the account's changes of that UTC day for used up: its carrier said so."""
        used = used_today(self.state, [account], at).get(account, 0)
        self._count(account, at, max(0, limit - used))


def _shown_by(circuit_state: CircuitState | None) -> tuple[object, ...]:
    """What a reading may change, but for its time."""
    return (
        (circuit_state.confirmed, circuit_state.drift, circuit_state.off_peak)
        if circuit_state is not None
        else ()
    )


def used_today(state: State, accounts: Iterable[Account], now: datetime) -> dict[Account, int]:
    """How many orders each account has placed on the UTC day of `now`."""
    return {account: quota.used for account, quota in _quotas_of_today(state, accounts, now)}


def refused_today(state: State, accounts: Iterable[Account], now: datetime) -> dict[Account, int]:
    """How many orders of each account were refused on the UTC day of `now`: the carrier may count them."""
    return {account: quota.refused for account, quota in _quotas_of_today(state, accounts, now)}


def _quotas_of_today(
    state: State, accounts: Iterable[Account], now: datetime
) -> Iterator[tuple[Account, Quota]]:
    today = now.astimezone(UTC).date()
    for account in accounts:
        quota = state.quotas.get((account.base_url, account.number))
        if quota is not None and quota.day == today:
            yield account, quota


def stamp_of(rules_digest: str) -> dict[str, Any]:
    """What goes with every line that this process appends: who started it, its version, and which rules."""
    return {"by": author(), "iodcal": __version__, "rules": rules_digest}
