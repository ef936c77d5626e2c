"""Circuits that cost on, though the configuration names them no more, or otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from iodcal.domain.circuits import Circuit, parts_of
from iodcal.domain.standing import Standing
from iodcal.problems.kinds import Fact, Kind, Problem


def left_up(known: Mapping[str, Standing], circuits: Iterable[Circuit]) -> Iterator[Problem]:
    """A problem for each of those in state (`known`, by key) that none of the configured `circuits` is, as
    long as it is above its last off-peak tier or an order of it is open."""
    circuits = tuple(circuits)
    configured = {circuit.key for circuit in circuits}
    for key, standing in sorted(known.items()):
        if key in configured or standing.ordered is None or standing.off_peak is None:
            continue
        if standing.order is not None or standing.ordered > standing.off_peak:
            facts: dict[str, Fact] = {
                "name": standing.name,
                "bandwidth": str(standing.ordered),
                "off_peak": str(standing.off_peak),
                "order": "yes" if standing.order is not None else "no",
            }
            yield Problem(Kind.LEFT_UP, standing.name, facts | _moved(standing, circuits))


def _moved(standing: Standing, circuits: tuple[Circuit, ...]) -> dict[str, Fact]:
    """What of its key was changed, if a configured circuit has its service ID or its name still: state
    cannot tell whether that is the same line. Nothing if there is none."""
    carrier_type, address, account, service_id = parts_of(standing.key)
    alike = [
        circuit
        for circuit in circuits
        if circuit.name == standing.name
        or (circuit.account.carrier_type, circuit.service_id) == (carrier_type, service_id)
    ]
    if not alike:
        return {}
    now = max(alike, key=lambda one: (one.service_id == service_id, one.name == standing.name))
    ways = {
        "service_id": (service_id, now.service_id),
        "carrier_type": (carrier_type, now.account.carrier_type),
        "address": (address, now.account.base_url),
        "account": (account, now.account.number),
    }
    changed = [way for way, (old, new) in ways.items() if old != new]
    if "carrier_type" in changed:  # another carrier has its own addresses and accounts
        changed = [way for way in changed if way not in ("address", "account")]
    return {
        "now": now.name,
        "changed": ", ".join(changed),
        "was": ", ".join(ways[way][0] for way in changed),
        "is": ", ".join(ways[way][1] for way in changed),
    }
