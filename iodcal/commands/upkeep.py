"""The upkeep of a state: forgetting what has left the configuration, and taking over a renamed one's."""

from __future__ import annotations

from iodcal.commands.overrides import Act, OverrideRequest, open_act, reason_of
from iodcal.config import Configuration
from iodcal.config.fields import closest_word
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.structs import replace
from iodcal.errors import UsageError
from iodcal.store.address import StateAddress
from iodcal.store.state import State


def forget(
    configuration: Configuration, state_path: StateAddress, name: str, asked: OverrideRequest, *, force: bool
) -> Act:
    """Drops what is known of a circuit that left the configuration; with `force` even while an order of it
    is open. Raises UsageError, LockHeldError, StateError."""
    with open_act(configuration, state_path, asked, "forget") as (journal, now):
        circuit_state = _left(configuration, journal.state, name)
        if circuit_state.order is not None and not force:
            raise UsageError(
                "forget_open_order", circuit=circuit_state.name, order=circuit_state.order.external_id
            )
        known = {"circuit": circuit_state.name, "key": circuit_state.key}
        journal.note("forget", **known, account=asked.person.account, **reason_of(asked))
        circuits = {key: kept for key, kept in journal.state.circuits.items() if key != circuit_state.key}
        journal.state = replace(journal.state, circuits=circuits)
    return Act("forget", now, asked.person.name, configuration.zone, forgotten=circuit_state)


def adopt(configuration: Configuration, state_path: StateAddress, name: str, asked: OverrideRequest) -> Act:
    """Makes the state that of `configuration`, whose installation was called `name` until now: to know that
    name is the proof that this state is meant. Raises UsageError, LockHeldError, StateError."""
    ours = configuration.installation
    with open_act(configuration, state_path, asked, "adopt", of_any=True) as (journal, now):
        owner = journal.state.installation
        if owner is None or name != owner.name:
            raise UsageError(
                "adopt_other", name=name, owner=owner.name if owner else None, path=str(state_path)
            )
        if owner != ours:
            facts = {"from": owner.name, "to": ours.name, **reason_of(asked)}
            journal.note("adopt", circuit=None, key=None, account=asked.person.account, **facts)
            journal.state = replace(journal.state, installation=ours)
    return Act(
        "adopt",
        now,
        asked.person.name,
        configuration.zone,
        changed=owner != ours,
        adopted_from=owner.name,
    )


def _left(configuration: Configuration, state: State, name: str) -> CircuitState:
    """The circuit of that name, or key, in state and no longer in the configuration."""
    configured = {circuit.key for circuit in configuration.circuits.values()}
    left = [circuit_state for key, circuit_state in state.circuits.items() if key not in configured]
    named = [circuit_state for circuit_state in left if name in (circuit_state.name, circuit_state.key)]
    if len(named) > 1:
        raise UsageError("forget_which", circuit=name, keys=", ".join(sorted(one.key for one in named)))
    if named:
        return named[0]
    if name in configuration.circuits or name in configured:
        raise UsageError("forget_configured", circuit=name)
    known = sorted(circuit_state.name for circuit_state in left)
    near = closest_word(name, [*known, *configuration.circuits])
    raise UsageError("forget_unknown", circuit=name, near=near, known=", ".join(known) or "none")
