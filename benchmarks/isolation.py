"""One bad part costs nothing else, in figures: `python -m benchmarks.isolation` plays it by the real command.

Two carriers, one hanging at each step: how long the other's circuits take, against the same run without the
one that hangs. Three of 500 circuits that hang: how many of the others are served in one run.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.e2e.command import Iodcal
from tests.e2e.test_isolation import LUMEN, Hanging, prepare
from tests.servers.lumen import CUSTOMER, INVENTORY, ORDER, QUOTE, TOKEN, FakeCircuit
from tests.servers.tls import Reply, Request

_CIRCUITS = 20
_LATENCY = 0.1  # seconds: what one call takes at the carrier that is well
_MOST = 1.1


class Timed(Hanging):
    """Answers after `_LATENCY`, and notes when the first request came and the last order left."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = 0.0, 0.0

    def _route(self, call: str, request: Request) -> Reply:
        self.first = self.first or time.monotonic()
        time.sleep(_LATENCY)
        reply = super()._route(call, request)
        if call == ORDER:
            self.last = time.monotonic()
        return reply


def seconds_beside(step: str | None) -> float:
    """From the first call to the last order at a carrier that is well, beside one that hangs at `step`."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Timed() as well,
        Hanging(step or "") as ill,
        ExitStack() as end,
    ):
        end.callback(ill.free.set)
        iodcal = Iodcal(Path(folder))
        well.circuits.update({str(number): FakeCircuit() for number in range(_CIRCUITS)})
        ill.circuits.update({str(number): FakeCircuit() for number in range(_CIRCUITS)})
        rules = prepare(iodcal, every="2m")
        servers = [("well", well)] + ([("ill", ill)] if step is not None else [])
        for name, server in servers:
            rules += LUMEN.format(name=name, url=server.base_url, customer=CUSTOMER)
        rules += "circuits:\n"
        for name, server in servers:
            for service in server.circuits:
                rules += f'  {name}-{service}: {{carrier: {name}, service_id: "{service}"}}\n'
        iodcal.write("rules.yaml", rules)
        process = iodcal.start("sync", "-o", "json")
        served = [well.ordered.acquire(timeout=60) for _ in range(_CIRCUITS)]
        ill.free.set()
        process.communicate(timeout=120)
        return well.last - well.first if all(served) else float("inf")


def served_of(count: int, hanging: int) -> int:
    """How many of `count` circuits of one carrier are ordered in a run in which `hanging` never answer."""
    names = [str(number) for number in range(count)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as end:
        server = end.enter_context(Hanging(INVENTORY, frozenset(names[:hanging])))
        end.callback(server.free.set)
        iodcal = Iodcal(Path(folder))
        server.circuits.update({name: FakeCircuit() for name in names})
        rules = prepare(iodcal, every="5m") + LUMEN.format(name="l", url=server.base_url, customer=CUSTOMER)
        rules += "circuits:\n" + "".join(
            f'  c{name}: {{carrier: l, service_id: "{name}"}}\n' for name in names
        )
        iodcal.write("rules.yaml", rules)
        process = iodcal.start("sync", "-o", "json")
        for _ in range(count - hanging):
            if not server.ordered.acquire(timeout=200):
                break
        served = sum(bool(circuit.orders) for circuit in server.circuits.values())
        server.free.set()
        process.communicate(timeout=120)
        return served


def main() -> int:
    alone = min(seconds_beside(None) for _ in range(2))
    missed = False
    print(f"alone: {_CIRCUITS} circuits ordered in {alone:.2f} s")
    for step in (TOKEN, INVENTORY, QUOTE, ORDER):
        ratio = min(seconds_beside(step) for _ in range(2)) / alone
        missed |= ratio > _MOST
        print(f"beside one that hangs at {step}: {ratio:.2f} times that")
    served = served_of(500, 3)
    print(f"{served} of 500 circuits ordered, three of which hang")
    return 1 if missed or served < 497 else 0


if __name__ == "__main__":
    sys.exit(main())
