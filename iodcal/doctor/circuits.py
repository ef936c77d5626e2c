"""What `doctor` tries of the carriers: their lists, and each circuit with all that an order of it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from msgspec import Struct

from iodcal.carriers import Advising, Carrier, Listing, Offering, Requiring, guard
from iodcal.doctor import Area, CheckStatus, Diagnosis, DoctorContext
from iodcal.doctor.edges import state_of
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.circuits import Circuit, Quote, Reading, Status
from iodcal.domain.structs import Fact, replace
from iodcal.errors import CarrierError, ChangePendingError, NotNowError
from iodcal.http import Deadline
from iodcal.http.answers import PROXY_FAULTS
from iodcal.pipeline.poll import Carriers
from iodcal.problems.kinds import Kind
from iodcal.store.state import State

_AlertRecord = TypeVar("_AlertRecord")

_EDGE = Kind.CARRIER_UNREADABLE
# What holds for every request to a carrier, so that its circuits need not be tried.
_ALL = frozenset(
    {"deadline", "insecure_url", "login_refused", "redirect", "timeout", "tls", "unreachable", *PROXY_FAULTS}
)
_MOST_QUOTES = 60  # of one carrier; each circuit is quoted once all the same


class CarrierTrial(Struct, frozen=True):
    """One carrier while it is tried: its client and plug-in, the IDs that it lists (None where it lists
    none), and how many quotes a circuit gets, by when."""

    client: Carrier
    plugin: str
    patient: DoctorContext
    most_quotes: int
    quotes_by: Deadline
    listed: frozenset[str] | None = None

    def ask(self, call: Callable[[Carrier], _AlertRecord]) -> _AlertRecord:
        """What `call` is told by the client. Raises CarrierError and nothing else."""
        return guard.call_carrier(self.client, self.plugin, call)


def examine_circuits(patient: DoctorContext, clocks: dict[str, float]) -> Iterator[Diagnosis]:
    """Each carrier's list, then each circuit. `clocks` learns how far carriers' clocks are ahead."""
    carriers = Carriers(patient.configuration, lambda: datetime.now(UTC))
    state = state_of(patient)
    for name in patient.configuration.carriers:
        circuits = [one for one in patient.configuration.circuits.values() if one.carrier == name]
        if not circuits:
            yield Diagnosis(Area.CIRCUITS, name, CheckStatus.INFO, "carrier_unused")
            continue
        patient.progress(f"asking {name}")
        try:
            client = carriers.of(circuits[0])
        except CarrierError as error:
            yield Diagnosis.of(Area.CIRCUITS, name, light=CheckStatus.RED, error=error, edge=_EDGE)
            continue
        trial = CarrierTrial(
            client,
            carriers.plugin_name(name),
            patient,
            most_quotes=max(1, _MOST_QUOTES // len(circuits)),
            quotes_by=patient.deadline.or_after(patient.deadline.left / 2),
        )
        yield from _of_carrier(name, trial, circuits, state)
        if (clock_error := guard.clock_error(client)) is not None:
            clocks[name] = clock_error


def _of_carrier(name: str, trial: CarrierTrial, circuits: list[Circuit], state: State) -> Iterator[Diagnosis]:
    if isinstance(trial.client, Listing):
        listing = trial.client
        try:
            listed = trial.ask(lambda _: {one.service_id for one in listing.circuits(trial.patient.deadline)})
        except CarrierError as error:
            if error.code.startswith("secret_"):  # which is told under the secrets
                yield Diagnosis(Area.CIRCUITS, name, CheckStatus.INFO, "not_without_login")
                return
            fatal = error.code in _ALL
            light = CheckStatus.RED if fatal else CheckStatus.YELLOW
            yield Diagnosis.of(Area.CIRCUITS, name, light=light, error=error, edge=_EDGE)
            if fatal:
                return
        else:
            facts = {"count": len(listed)}
            yield Diagnosis(Area.CIRCUITS, name, CheckStatus.GREEN, code="inventory_listed", facts=facts)
            trial = replace(trial, listed=frozenset(listed))
    for circuit in circuits:
        yield from _of_circuit(circuit, trial, state.circuits.get(circuit.key))


def _of_circuit(
    circuit: Circuit, trial: CarrierTrial, circuit_state: CircuitState | None
) -> Iterator[Diagnosis]:
    try:
        reading = guard.read_as_told(trial.client, trial.plugin, circuit.service_id, trial.patient.deadline)
    except CarrierError as error:
        yield Diagnosis.of(Area.CIRCUITS, circuit.name, light=CheckStatus.RED, error=error, edge=_EDGE)
        return
    yield _of_reading(circuit, reading, circuit_state)
    # A sandbox lists a circuit only once it was ordered there.
    if trial.listed and circuit.service_id not in trial.listed:
        facts = {"service_id": circuit.service_id}
        yield _found(circuit, CheckStatus.YELLOW, "circuit_not_listed", facts)
    if isinstance(trial.client, Offering):
        yield _of_offer(circuit, trial.client, trial)
    yield from _of_order(circuit, trial)
    if isinstance(trial.client, Advising):
        yield from _of_warnings(circuit, trial.client, trial)


def _found(
    circuit: Circuit, light: CheckStatus, code: str, facts: Mapping[str, Fact] | None = None
) -> Diagnosis:
    return Diagnosis(Area.CIRCUITS, circuit.name, light=light, code=code, facts=facts or {})


def _of_reading(circuit: Circuit, reading: Reading, circuit_state: CircuitState | None) -> Diagnosis:
    ordered = circuit_state.ordered if circuit_state is not None else None
    facts: dict[str, Fact] = {
        "circuit": circuit.name,
        "status": reading.status_text[:60],
        "bandwidth": str(reading.bandwidth or "no bandwidth"),
        "ordered": str(ordered or "nothing"),
    }
    light, code = _judged(
        circuit, reading, ordered, pending=circuit_state is not None and circuit_state.order is not None
    )
    return Diagnosis(Area.CIRCUITS, circuit.name, light=light, code=code, facts=facts)


def _judged(
    circuit: Circuit, reading: Reading, ordered: Bandwidth | None, *, pending: bool
) -> tuple[CheckStatus, str]:
    if reading.status is Status.UNKNOWN:
        return CheckStatus.RED, "status_unknown"
    if reading.bandwidth is None:
        return CheckStatus.RED, "bandwidth_missing"
    if pending or reading.status is Status.PENDING:
        return CheckStatus.INFO, "circuit_changing"
    if reading.bandwidth not in circuit.tiers:
        return CheckStatus.YELLOW, "bandwidth_no_tier"
    if ordered is not None and ordered != reading.bandwidth:
        return CheckStatus.YELLOW, "circuit_drifted"
    return CheckStatus.GREEN, "circuit_first_seen" if ordered is None else "circuit_as_ordered"


def _of_offer(circuit: Circuit, carrier: Offering, trial: CarrierTrial) -> Diagnosis:
    """Never red: a run needs no offer, and the carrier's answer is wrong at times."""
    try:
        offered = trial.ask(lambda _: carrier.offered(circuit.service_id, trial.patient.deadline))
    except CarrierError as error:
        if error.code == "deadline":
            return Diagnosis.of(
                Area.CIRCUITS, circuit.name, light=CheckStatus.YELLOW, error=error, edge=_EDGE
            )
        return _found(circuit, CheckStatus.INFO, "offers_unknown", {**error.facts, "why": error.code})
    unsold = [tier for tier in circuit.tiers if offered is not None and tier not in offered]
    if unsold:
        for_sale = ", ".join(str(one) for one in sorted(offered or ())) or "nothing"
        facts = {"unsold": _names(unsold), "offered": for_sale}
        return _found(circuit, CheckStatus.YELLOW, "tiers_unsold", facts)
    return _found(circuit, CheckStatus.GREEN, "tiers_sold", {"tiers": _names(circuit.tiers)})


def _of_order(circuit: Circuit, trial: CarrierTrial) -> Iterator[Diagnosis]:
    """What an order of the circuit would need, so that the first event is not the test of it."""
    lacks: Sequence[CarrierError] = ()
    if isinstance(trial.client, Requiring):
        carrier = trial.client
        try:
            lacks = trial.ask(lambda _: tuple(carrier.lacks(circuit.service_id, trial.patient.deadline)))
        except CarrierError as error:
            lacks = (error,)
    for lack in lacks:
        light = CheckStatus.YELLOW if lack.code == "deadline" else CheckStatus.RED
        yield Diagnosis.of(Area.CIRCUITS, circuit.name, light=light, error=lack, edge=_EDGE)
    if not lacks:
        yield from _of_quotes(circuit, trial)


def _of_quotes(circuit: Circuit, trial: CarrierTrial) -> Iterator[Diagnosis]:
    """A quote for each tier that can be ordered, the highest first; a quote changes nothing."""
    tiers = circuit.allowed[::-1]
    asked, beyond = tiers[: trial.most_quotes], tiers[trial.most_quotes :]
    quotes: list[Quote] = []
    failures: list[tuple[CarrierError, list[Bandwidth]]] = []
    untried: Sequence[Bandwidth] = ()
    for at, tier in enumerate(asked):
        try:
            quotes.append(_quote(circuit, tier, trial))
        except CarrierError as error:
            if error.code == "deadline":
                untried = asked[at:]
                break
            _sort_in(failures, error, asked[at:] if error.code in _ALL else [tier])
            if error.code in _ALL:
                break
    if quotes:
        yield _found(circuit, CheckStatus.GREEN, "tiers_quoted", {"quotes": _shown(quotes)})
    for failure, refused in failures:
        yield replace(
            Diagnosis.of(Area.CIRCUITS, circuit.name, light=_light_of(failure), error=failure, edge=_EDGE),
            unquoted=_names(refused),
        )
    if untried:
        yield _found(circuit, CheckStatus.YELLOW, "quotes_untried", {"tiers": _names(untried)})
    if beyond:
        facts: dict[str, Fact] = {"tiers": _names(beyond), "most": _MOST_QUOTES}
        yield _found(circuit, CheckStatus.INFO, "quotes_beyond", facts)


def _quote(circuit: Circuit, tier: Bandwidth, trial: CarrierTrial) -> Quote:
    if trial.quotes_by.passed:
        raise CarrierError("deadline", host=circuit.carrier)
    return guard.quote(trial.client, trial.plugin, circuit.service_id, tier, trial.quotes_by)


def _sort_in(
    failures: list[tuple[CarrierError, list[Bandwidth]]], error: CarrierError, tiers: Sequence[Bandwidth]
) -> None:
    """Adds `tiers` to what failed in the same way, so that it is told once."""
    for known, others in failures:
        if (known.code, known.facts) == (error.code, error.facts):
            others.extend(tiers)
            return
    failures.append((error, list(tiers)))


def _light_of(error: CarrierError) -> CheckStatus:
    """How bad it is that there is no quote: what passes is no error."""
    if isinstance(error, ChangePendingError):
        return CheckStatus.INFO
    passing = isinstance(error, NotNowError) or error.code == "not_enabled"
    return CheckStatus.YELLOW if passing else CheckStatus.RED


def _shown(quotes: Sequence[Quote]) -> str:
    """The tiers that were quoted, each with its price where there is one."""
    if all(quote.hourly is None for quote in quotes):
        return f"{_names([quote.bandwidth for quote in quotes])} (without a price)"
    return ", ".join(map(_with_price, quotes))


def _with_price(quote: Quote) -> str:
    if quote.hourly is None:
        return f"{quote.bandwidth} without a price"
    about = "about " if quote.estimated else ""
    return f"{quote.bandwidth} at {about}{quote.hourly:.2f} {quote.currency[:8]} an hour"


def _names(tiers: Sequence[Bandwidth]) -> str:
    return ", ".join(map(str, tiers))


def _of_warnings(circuit: Circuit, carrier: Advising, trial: CarrierTrial) -> Iterator[Diagnosis]:
    """What the carrier says that people should know of the circuit; that it does not say is no fault."""
    try:
        warnings = trial.ask(lambda _: tuple(carrier.warnings(circuit.service_id, trial.patient.deadline)))
    except CarrierError:
        return
    for warning in warnings:
        yield _found(circuit, CheckStatus.YELLOW, "carrier_warns", {"warning": str(warning)[:300]})
