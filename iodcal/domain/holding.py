"""Whether a hold can do what the person wants of it."""

from __future__ import annotations

from collections.abc import Iterator

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import lay_out
from iodcal.domain.circuits import Circuit
from iodcal.domain.wishes import Hold


def doubts(hold: Hold, circuit: Circuit, running: Bandwidth | None) -> Iterator[str]:
    """Codes of what is wrong with `hold` on `circuit`, the plainest first; `running` is what the circuit is
    ordered at, None where nobody knows."""
    if hold.bandwidth > circuit.highest:
        yield "hold_too_high"
    if hold.exactly and circuit.sold(hold.bandwidth) != hold.bandwidth:
        yield "hold_no_tier"
    if not hold.exactly and hold.bandwidth < lowest_baseline(circuit, hold):
        yield "hold_below_baseline"
    raises = running is None or running < circuit.sold(hold.bandwidth)
    if raises and hold.until < hold.since + circuit.provisioning:
        yield "hold_too_short"


def lowest_baseline(circuit: Circuit, hold: Hold) -> Bandwidth:
    """The least that the baseline asks for while `hold` lasts: a hold below it changes nothing."""
    stretches = lay_out(circuit.baseline, circuit.zone, hold.span)
    return circuit.sold(min(stretch.bandwidth for stretch in stretches))
