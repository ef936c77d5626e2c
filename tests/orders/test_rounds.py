"""One run's rounds: a carrier that answers one circuit late, and what the others may do meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

import pytest

from iodcal.carriers import OrderRequest, lanes
from iodcal.domain.circuits import Acceptance, Reading
from iodcal.domain.structs import replace
from iodcal.http import Deadline
from iodcal.pipeline import rounds
from iodcal.store.state import Quota
from tests.machine.world import QUOTA, START, Company, Line, MemoryCarrier
from tests.orders.runs import Office, held


@dataclass
class Late(MemoryCarrier):
    """Answers for circuit b only once an order has gone out, or the test has had enough."""

    ordered: Event = field(default_factory=Event)

    def read(self, service_id: str, deadline: Deadline) -> Reading:
        if service_id == "b":
            self.calls.append("b is asked")
            assert self.ordered.wait(6), f"no order while b is read: {self.calls}"
        return super().read(service_id, deadline)

    def order(self, request: OrderRequest, deadline: Deadline) -> Acceptance:
        self.ordered.set()
        return super().order(request, deadline)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "_SLOW", 0.05)
    monkeypatch.setattr(rounds, "_WAIT_FOR_OTHERS", 60.0)


def late_office(names: dict[str, str]) -> tuple[Office, Late]:
    """An office of two circuits at `Late`, which were read ten minutes before `START`."""
    carrier = Late(lines={"a": Line(), "b": Line()})
    office = Office(Company(carrier, names=names))
    carrier.ordered.set()
    office.run(-10)
    carrier.ordered.clear()
    return office, carrier


def test_a_circuit_that_answers_late_does_not_order_beyond_the_quota_that_another_used_up() -> None:
    office, _carrier = late_office({"a": "zrh-a", "b": "ams-b"})
    office.disk.state = replace(office.disk.state, quotas={("memory:", "1"): Quota(START.date(), QUOTA - 1)})
    office.meets("hands", 30, 60, calendar="company")
    report = office.run(5)
    assert [order.circuit for order in report.orders] == ["zrh-a"]
    assert held(report) == {"ams-b": "quota"}
    assert office.used() == {"1": QUOTA}


def test_what_is_read_only_since_it_is_due_keeps_no_other_circuit_waiting() -> None:
    office, carrier = late_office({"a": "den-a", "b": "lon-a"})
    office.meets("call", 8, 60)  # so near that den-a is looked at in any case
    office.meets("hands", 33, 60, calendar="company")
    report = office.run(5)
    assert carrier.calls.index("b is asked") < carrier.calls.index("order a 1000")
    assert {order.circuit for order in report.orders} == {"den-a", "lon-a"}
