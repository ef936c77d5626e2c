"""The circuit breaker of a carrier's readings: nobody asks on where the carrier answers nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from iodcal.carriers.lanes import Job, Lanes
from iodcal.http import Deadline


class Carrier:
    """Answers each call by what `says` makes of its name; a text is a fault."""

    def __init__(self, says: Callable[[str], str | None]) -> None:
        self.says = says
        self.asked: list[str] = []
        self.ended: dict[str, object] = {}
        self.lanes = Lanes(lambda _name: object())

    def ask(self, *names: str, reading: bool = True) -> None:
        for name in names:
            self.lanes.submit(self._job(name, reading))
        while self.lanes.outstanding:
            self.lanes.wait()
        self.lanes.close()

    def _job(self, name: str, reading: bool) -> Job:
        def work(_client: Any, _deadline: Deadline) -> str | None:
            self.asked.append(name)
            return self.says(name)

        def spare(failed: int) -> None:
            self.ended[name] = failed

        return Job(
            carrier="lab",
            work=work,
            then=lambda answer: self.ended.update({name: answer}),
            given_up=lambda **_begun: self.ended.update({name: "given up"}),
            deadline=lambda: Deadline.after(60),
            reading=reading,
            fault=lambda answer: answer,
            spare=spare,
        )


NAMES = [f"c{number}" for number in range(40)]


def test_a_carrier_that_answers_nobody_is_asked_by_a_few_and_one_probe() -> None:
    carrier = Carrier(lambda _name: "unreachable")
    carrier.ask(*NAMES)
    assert carrier.asked == [*NAMES[:8], NAMES[-1]]
    assert [carrier.ended[name] for name in NAMES[8:-1]] == [9] * 31
    carrier.ask("later")
    assert carrier.ended["later"] == 9


def test_where_the_probe_is_answered_everybody_is_asked() -> None:
    ill = set(NAMES[:20])
    carrier = Carrier(lambda name: "timeout" if name in ill else None)
    carrier.ask(*NAMES)
    assert sorted(carrier.asked) == sorted(NAMES)
    assert [name for name in NAMES if carrier.ended[name] is not None] == NAMES[:20]


def test_faults_that_differ_or_are_few_break_nothing() -> None:
    carrier = Carrier(lambda name: ("tls", "timeout", "unreachable")[int(name[1:]) % 3])
    carrier.ask(*NAMES)
    assert carrier.asked == NAMES
    seldom = Carrier(lambda name: "timeout" if int(name[1:]) % 8 else None)
    seldom.ask(*NAMES)
    assert seldom.asked == NAMES


def test_orders_are_never_spared() -> None:
    carrier = Carrier(lambda _name: "unreachable")
    carrier.ask(*NAMES)
    carrier.asked.clear()
    carrier.ask("order", reading=False)
    assert carrier.asked == ["order"]


def test_a_probe_that_is_answered_late_keeps_no_order_waiting() -> None:
    free = threading.Event()

    def says(name: str) -> str | None:
        if name == NAMES[-1]:
            return None if free.wait(30) else "timeout"
        if name == "order":
            free.set()
            return None
        return "unreachable" if name in NAMES[:8] else None

    carrier = Carrier(says)
    for name in NAMES:
        carrier.lanes.submit(carrier._job(name, reading=True))
    while NAMES[-1] not in carrier.asked:
        carrier.lanes.wait()
    carrier.ask("order", reading=False)
    assert carrier.asked.index("order") == 9
    assert sorted(carrier.asked) == sorted([*NAMES, "order"])
