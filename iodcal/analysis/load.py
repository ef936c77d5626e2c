"""Loading the past from the history: what page, costs and `iodcal history` go by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from iodcal.analysis.past import CircuitPast, circuit_pasts, tells_of_circuits
from iodcal.analysis.service_level import read_looks
from iodcal.config import Configuration
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.orders import ADOPTION_AGE
from iodcal.domain.steps import EVER
from iodcal.store.address import StateAddress
from iodcal.store.entries import conceal, hidden_by
from iodcal.store.history import Past
from iodcal.store.lines import read_past
from iodcal.store.store import store_of

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
# Most circuits change at least once in this time; who did not is looked for in all that is kept.
_BEFORE = timedelta(days=31)


def load_past(configuration: Configuration, state_path: StateAddress, since: datetime | None) -> Past:
    """The past since `since` (UTC) and the day before it, when orders began that settled later; without what
    the configuration hides. Raises StateError."""
    history = store_of(configuration, state_path).history
    past = read_past(history, max(since, _EARLIEST) - ADOPTION_AGE if since is not None else None)
    return read_looks(conceal(past, hidden_by(configuration)))


def load_past_before(
    configuration: Configuration,
    state_path: StateAddress,
    circuit_states: Mapping[str, CircuitState],
    start: datetime,
) -> Past:
    """The past from `start` (UTC) on, and before it as much as tells where the circuits stood then. Raises
    StateError."""
    past = load_past(configuration, state_path, max(start, EVER + _BEFORE * 2) - _BEFORE)
    silent = {circuit.key: CircuitPast(circuit.key) for circuit in configuration.circuits.values()}
    known = (silent | circuit_pasts(past, circuit_states)).values()
    if tells_of_circuits(past) and all(one.ordered().levels.at(start).level is not None for one in known):
        return past
    return load_past(configuration, state_path, None)
