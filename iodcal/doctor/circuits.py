"""What the carriers say of the circuits, against what the configuration and the state say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from iodcal.carriers import Carrier, Listing, Offering
from iodcal.doctor import Area, Finding, Light, Patient
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Circuit, Reading, Status
from iodcal.domain.standing import Standing
from iodcal.errors import CarrierError, StateError
from iodcal.pipeline.poll import Carriers
from iodcal.problems.kinds import Fact, Kind
from iodcal.store.state import State
from iodcal.store.store import StateStore

_EDGE = Kind.CARRIER_UNREADABLE
# What holds for every request to a carrier, so that its circuits need not be tried.
_ALL = frozenset({"deadline", "insecure_url", "login_refused", "redirect", "timeout", "tls", "unreachable"})


def of_circuits(patient: Patient, clocks: dict[str, float]) -> Iterator[Finding]:
    """Each carrier's list, then each circuit. `clocks` learns how far carriers' clocks are ahead."""
    carriers = Carriers(patient.configuration, lambda: datetime.now(UTC))
    state = state_of(patient)
    for name in patient.configuration.carriers:
        circuits = [one for one in patient.configuration.circuits.values() if one.carrier == name]
        if not circuits:
            yield Finding(Area.CIRCUITS, name, Light.INFO, "carrier_unused")
            continue
        patient.progress(f"asking {name}")
        carrier = carriers.of(circuits[0])
        yield from _of_carrier(name, carrier, circuits, patient, state)
        if carrier.clock_error is not None:
            clocks[name] = carrier.clock_error


def _of_carrier(
    name: str, carrier: Carrier, circuits: list[Circuit], patient: Patient, state: State
) -> Iterator[Finding]:
    listed: frozenset[str] | None = None
    if isinstance(carrier, Listing):
        try:
            listed = frozenset(one.service_id for one in carrier.circuits(patient.deadline))
        except CarrierError as error:
            if error.code.startswith("secret_"):  # which is told under the secrets
                yield Finding(Area.CIRCUITS, name, Light.INFO, "not_without_login")
                return
            fatal = error.code in _ALL
            yield Finding.of(Area.CIRCUITS, name, Light.RED if fatal else Light.YELLOW, error, _EDGE)
            if fatal:
                return
        else:
            yield Finding(Area.CIRCUITS, name, Light.GREEN, "inventory_listed", {"count": len(listed)})
    for circuit in circuits:
        standing = state.circuits.get(circuit.key)
        yield from _of_circuit(circuit, carrier, standing, listed, patient)


def _of_circuit(
    circuit: Circuit,
    carrier: Carrier,
    standing: Standing | None,
    listed: frozenset[str] | None,
    patient: Patient,
) -> Iterator[Finding]:
    try:
        reading = carrier.read(circuit.service_id, patient.deadline)
    except CarrierError as error:
        yield Finding.of(Area.CIRCUITS, circuit.name, Light.RED, error, _EDGE)
        return
    yield _of_reading(circuit, reading, standing)
    # A sandbox lists a circuit only once it was ordered there.
    if listed and circuit.service_id not in listed:
        facts = {"service_id": circuit.service_id}
        yield Finding(Area.CIRCUITS, circuit.name, Light.YELLOW, "circuit_not_listed", facts)
    if isinstance(carrier, Offering):
        yield _of_offer(circuit, carrier, patient)


def _of_reading(circuit: Circuit, reading: Reading, standing: Standing | None) -> Finding:
    ordered = standing.ordered if standing is not None else None
    facts: dict[str, Fact] = {
        "circuit": circuit.name,
        "status": reading.status_text[:60],
        "bandwidth": str(reading.bandwidth or "no bandwidth"),
        "ordered": str(ordered or "nothing"),
    }
    light, code = _judged(
        circuit, reading, ordered, pending=standing is not None and standing.order is not None
    )
    return Finding(Area.CIRCUITS, circuit.name, light, code, facts)


def _judged(
    circuit: Circuit, reading: Reading, ordered: Bandwidth | None, *, pending: bool
) -> tuple[Light, str]:
    if reading.status is Status.UNKNOWN:
        return Light.RED, "status_unknown"
    if reading.bandwidth is None:
        return Light.RED, "bandwidth_missing"
    if pending or reading.status is Status.PENDING:
        return Light.INFO, "circuit_changing"
    if reading.bandwidth not in circuit.tiers:
        return Light.YELLOW, "bandwidth_no_tier"
    if ordered is not None and ordered != reading.bandwidth:
        return Light.YELLOW, "circuit_drifted"
    return Light.GREEN, "circuit_first_seen" if ordered is None else "circuit_as_ordered"


def _of_offer(circuit: Circuit, carrier: Offering, patient: Patient) -> Finding:
    """Never red: a run needs no offer, and the carrier's answer is wrong at times."""
    try:
        offered = carrier.offered(circuit.service_id, patient.deadline)
    except CarrierError as error:
        light = Light.YELLOW if error.code == "deadline" else Light.INFO
        facts = {**error.facts, "why": error.code}
        if error.code == "deadline":
            return Finding.of(Area.CIRCUITS, circuit.name, light, error, _EDGE)
        return Finding(Area.CIRCUITS, circuit.name, light, "offers_unknown", facts)
    unsold = [tier for tier in circuit.tiers if offered is not None and tier not in offered]
    if unsold:
        facts = {
            "unsold": ", ".join(map(str, unsold)),
            "offered": ", ".join(str(one) for one in sorted(offered or ())) or "nothing",
        }
        return Finding(Area.CIRCUITS, circuit.name, Light.YELLOW, "tiers_unsold", facts)
    facts = {"tiers": ", ".join(map(str, circuit.tiers))}
    return Finding(Area.CIRCUITS, circuit.name, Light.GREEN, "tiers_sold", facts)


def state_of(patient: Patient) -> State:
    """What the state says; that it cannot be read is told elsewhere."""
    try:
        return StateStore(patient.state_path).load(read_only=True)
    except StateError:
        return State()
