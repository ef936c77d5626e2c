"""What people ask for: what changes in state and history, and all that is refused with nothing changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import Struct

from iodcal.actor import Person, real_person
from iodcal.cli import boundary
from iodcal.commands import overrides, sync, upkeep
from iodcal.commands.overrides import Act, OverrideRequest
from iodcal.config import Configuration
from iodcal.config.load import load_configuration
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuit_state import CircuitState
from iodcal.domain.holds import Hold, Parked, Pause
from iodcal.domain.orders import Order
from iodcal.domain.structs import replace
from iodcal.errors import LockHeldError, StateError, UsageError
from iodcal.messages.errors import describe
from iodcal.store.state import State
from iodcal.store.store import StateStore
from tests.domain.test_orders import order

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
RULES = """\
version: 1
timezone: UTC
settings: {organizers: ["@contoso.example"]}
carriers: {lab: {type: sandbox, file: lab.json, provisioning: 10m}}
defaults: {circuit: {carrier: lab, tiers: [100 Mbps, 500 Mbps, 1 Gbps], baseline: {off_peak: 100 Mbps}}}
circuits:
  den-a: {service_id: "1", timezone: America/Denver}
  lon-a: {service_id: "2"}
"""
PAT = Person("pat", "iodcal")


class Desk(Struct):
    """People's commands at noon UTC, which is 05:00 in Denver."""

    configuration: Configuration
    path: Path

    @property
    def store(self) -> StateStore:
        return StateStore(self.path)

    @property
    def state(self) -> State:
        return self.store.load(read_only=True)

    @property
    def history(self) -> list[dict[str, Any]]:
        return list(self.store.history.read())

    def asked(self, **given: Any) -> OverrideRequest:
        return OverrideRequest(PAT, terminal=False, **{"now": "2026-11-24T12:00:00Z", **given})

    def hold(self, bandwidth: str, name: str = "den-a", *, exactly: bool = False, **given: Any) -> Act:
        asked = self.asked(**{"length": timedelta(hours=2), **given})
        (act,) = overrides.hold(
            self.configuration, self.path, names=[name], bandwidth=bandwidth, asked=asked, exactly=exactly
        )
        return act

    def release(self, name: str = "den-a", **given: Any) -> Act:
        (act,) = overrides.release(self.configuration, self.path, [name], self.asked(**given))
        return act

    def pause(self, name: str | None = None, **given: Any) -> Act:
        asked = self.asked(**{"length": timedelta(hours=2), **given})
        (act,) = overrides.pause(self.configuration, self.path, [name] if name else [], asked)
        return act

    def resume(self, name: str | None = None, **given: Any) -> Act:
        names = [name] if name else []
        (act,) = overrides.resume(self.configuration, self.path, names, self.asked(**given))
        return act

    def park(self, **given: Any) -> Act:
        return overrides.park(self.configuration, self.path, self.asked(**given))

    def forget(self, name: str, *, force: bool = False) -> Act:
        return upkeep.forget(self.configuration, self.path, name, self.asked(), force=force)

    def circuit_state(self, name: str = "den-a") -> CircuitState:
        return self.state.circuits[self.configuration.circuits[name].key]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    return Desk(load_configuration(rules), tmp_path / "state" / "state.json")


def test_a_hold_is_kept_with_who_and_why_and_in_the_history(desk: Desk) -> None:
    act = desk.hold("500Mbps", note="DR rehearsal", exactly=True)
    hold = Hold(Bandwidth(500), NOON, NOON + timedelta(hours=2), "pat", "DR rehearsal", exactly=True)
    assert (act.hold, act.replaced, act.changed) == (hold, None, True)
    assert desk.circuit_state().hold == hold
    (line,) = desk.history
    told = {"kind": "hold", "who": "pat", "account": "iodcal", "note": "DR rehearsal", "circuit": "den-a"}
    assert told.items() <= line.items()
    assert (line["mbps"], line["until"]) == (500, "2026-11-24T14:00:00Z")


def test_a_new_hold_takes_the_place_of_the_old_one(desk: Desk) -> None:
    first = desk.hold("500 Mbps").hold
    act = desk.hold("highest", now="2026-11-24T13:00:00Z")
    assert (act.replaced, desk.circuit_state().hold) == (first, act.hold)
    assert act.hold is not None
    assert act.hold.bandwidth == Bandwidth(1000)
    assert desk.hold("500 Mbps", now="2026-11-25T13:00:00Z").replaced is None


def test_release_ends_a_hold_now(desk: Desk) -> None:
    assert not desk.release().changed
    assert desk.history == []
    desk.hold("500 Mbps")
    act = desk.release(now="2026-11-24T12:30:00Z", note="done")
    ended = desk.circuit_state().hold
    assert act.changed
    assert ended is not None
    assert ended.until == NOON + timedelta(minutes=30)
    assert not desk.release(now="2026-11-24T12:30:00Z").changed
    assert [line["kind"] for line in desk.history] == ["hold", "release"]
    desk.hold("500 Mbps")
    desk.release()
    assert desk.circuit_state().hold is None  # it never was in force


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("06:00", NOON + timedelta(hours=1)),
        ("2026-11-24 06:00", NOON + timedelta(hours=1)),
        ("2026-11-24T13:00:00Z", NOON + timedelta(hours=1)),
        ("+90m", NOON + timedelta(minutes=90)),
    ],
)
def test_a_local_end_is_in_the_circuits_zone(desk: Desk, until: str, expected: datetime) -> None:
    act = desk.hold("500 Mbps", length=None, until=until)
    assert act.hold is not None
    assert act.hold.until == expected


def test_the_pause_of_all_is_in_the_configurations_zone(desk: Desk) -> None:
    pause = Pause(NOON, NOON + timedelta(hours=1), "pat", "why")
    assert desk.pause(length=None, until="13:00", note="why").pause == pause
    assert desk.state.pause == pause
    assert desk.pause().replaced == pause
    own = desk.pause("lon-a", length=None, until="13:00")
    assert (own.circuit, desk.circuit_state("lon-a").pause) == (
        desk.configuration.circuits["lon-a"],
        own.pause,
    )


def test_resume_ends_one_pause_or_all_of_them_and_parking(desk: Desk) -> None:
    assert not desk.resume("den-a").changed
    assert not desk.resume().changed
    desk.pause("den-a")
    assert desk.resume("den-a").changed
    assert desk.circuit_state().pause is None
    desk.pause("den-a")
    desk.pause()
    assert desk.park().paused == ("den-a", "lon-a")
    act = desk.resume()
    assert (act.paused, act.pause is not None, act.parked is not None) == (("den-a",), True, True)
    state = desk.state
    assert (state.pause, state.parked, desk.circuit_state().pause) == (None, None, None)
    assert [line["kind"] for line in desk.history].count("resume") == 2


def test_parking_twice_changes_nothing(desk: Desk) -> None:
    assert desk.park(note="moving").changed
    again = desk.park(now="2026-11-24T15:00:00Z", note="again")
    assert (again.changed, again.parked) == (False, Parked(NOON, "pat", "moving"))
    assert [line["kind"] for line in desk.history] == ["park"]


def test_a_hold_says_where_a_pause_is_in_its_way(desk: Desk) -> None:
    assert desk.hold("500 Mbps").paused == ()
    desk.pause()
    assert desk.hold("500 Mbps").paused == ("den-a",)


def left_behind(desk: Desk, *names: str, order: Order | None = None) -> None:
    state = desk.state
    for number, name in enumerate(names):
        circuit_state = CircuitState(f"k{number}", name, "lab", "1", confirmed=Bandwidth(1000), order=order)
        state = replace(state, circuits={**state.circuits, circuit_state.key: circuit_state})
    desk.store.save(state)


def test_a_circuit_that_left_is_forgotten(desk: Desk) -> None:
    left_behind(desk, "den-old", "lon-old")
    act = desk.forget("den-old")
    assert act.forgotten is not None
    assert act.forgotten.name == "den-old"
    assert list(desk.state.circuits) == ["k1"]
    (line,) = desk.history
    assert (line["kind"], line["key"], line["who"]) == ("forget", "k0", "pat")
    left_behind(desk, "same", "same")
    desk.forget("k1")
    assert list(desk.state.circuits) == ["k0"]


def test_one_with_an_open_order_only_by_force(desk: Desk) -> None:
    left_behind(desk, "den-old", order=order())
    assert refused(lambda: desk.forget("den-old")) == "forget_open_order"
    assert desk.state.circuits
    desk.forget("den-old", force=True)
    assert not desk.state.circuits


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(UsageError) as caught:
        act()
    words = describe(caught.value)
    assert "?" not in words.message + words.remedy.rpartition("Did you mean ")[2].rpartition("? ")[2]
    return caught.value.code


REFUSED: dict[str, Callable[[Desk], object]] = {
    "no_such_circuit": lambda desk: desk.hold("500 Mbps", "den-b"),
    "bad_bandwidth": lambda desk: desk.hold("fast"),
    "hold_too_high": lambda desk: desk.hold("2 Gbps"),
    "hold_below_baseline": lambda desk: desk.hold("50 Mbps"),
    "hold_no_tier": lambda desk: desk.hold("300 Mbps", exactly=True),
    "hold_too_short": lambda desk: desk.hold("500 Mbps", length=timedelta(minutes=9)),
    "bad_time": lambda desk: desk.pause(length=None, until="tomorrow"),
    "until_past": lambda desk: desk.hold("500 Mbps", length=None, until="05:00"),
    "until_far": lambda desk: desk.pause(length=timedelta(days=367)),
    "one_end": lambda desk: desk.pause(until="13:00"),
    "note_too_long": lambda desk: desk.park(note="x" * 201),
    "forget_configured": lambda desk: desk.forget("den-a"),
    "forget_unknown": lambda desk: desk.forget("den-z"),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_cannot_be_is_refused_in_words_and_changes_nothing(desk: Desk, code: str) -> None:
    left_behind(desk, "den-x")
    before = desk.state
    assert refused(lambda: REFUSED[code](desk)) == code
    assert (desk.state, desk.history) == (before, [])


def test_more_that_is_refused(desk: Desk) -> None:
    assert refused(lambda: desk.pause("lon-a", length=None)) == "one_end"
    assert refused(lambda: desk.pause(length=timedelta())) == "until_past"
    far_west = "9999-12-31T23:00:00-10:00"
    assert refused(lambda: desk.pause(length=None, until=far_west)) == "bad_time"
    left_behind(desk, "same", "same")
    assert refused(lambda: desk.forget("same")) == "forget_which"
    desk.pause()
    assert refused(lambda: desk.resume("den-a")) == "resume_all_paused"
    desk.park()
    assert refused(lambda: desk.hold("500 Mbps")) == "parked"
    assert refused(lambda: desk.pause()) == "parked"
    assert refused(lambda: desk.resume("den-a")) == "resume_parked"


@pytest.mark.parametrize(
    ("given", "offered"),
    [
        ({"until": "04:30"}, "2026-11-25 04:30"),  # a time of day of today, which is past
        ({"until": "2026-11-20 08:00"}, "2026-11-24 08:00"),
        ({"until": "2026-11-20T11:00:00Z"}, "2026-11-25 04:00"),
        ({"until": "-1m"}, "2026-11-25 04:59"),
        ({"length": timedelta()}, "2026-11-25 05:00"),
    ],
)
def test_in_place_of_an_end_that_is_past_one_is_offered_that_is_taken(
    desk: Desk, given: dict[str, Any], offered: str
) -> None:
    acts: list[Callable[..., Act]] = [
        lambda **end: desk.hold("500 Mbps", **end),
        lambda **end: desk.pause("den-a", **end),
    ]
    for act in acts:
        with pytest.raises(UsageError) as caught:
            act(**{"length": None, **given})
        assert f"--until '{offered}'" in describe(caught.value).remedy
        assert act(length=None, until=offered).changed


def test_the_nearest_name_is_offered(desk: Desk) -> None:
    left_behind(desk, "den-old")
    acts: list[Callable[[], Act]] = [lambda: desk.hold("1 Gbps", "dena"), lambda: desk.forget("den-odl")]
    for act in acts:
        with pytest.raises(UsageError) as caught:
            act()
        assert "Did you mean den-" in describe(caught.value).remedy


def test_only_the_sandbox_knows_another_time(desk: Desk) -> None:
    plugin: Any = SimpleNamespace(virtual=False)
    lumen = replace(desk.configuration.carriers["lab"], plugin=plugin)
    real = replace(desk, configuration=replace(desk.configuration, carriers={"lab": lumen}))
    assert refused(real.park) == "now_needs_sandbox"
    assert real.park(now=None).parked is not None


def test_a_damaged_state_is_left_to_the_next_run(desk: Desk) -> None:
    desk.pause()
    desk.path.write_text("{")
    with pytest.raises(StateError) as caught:
        desk.park()
    assert caught.value.code == "damaged"
    assert desk.path.read_text() == "{"


def test_another_run_is_waited_for_only_on_a_terminal(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    original = StateStore.lock

    def lock(store: StateStore, *, command: str, wait_seconds: float, insist: bool = False) -> Any:
        waited.append(wait_seconds)
        return original(store, command=command, wait_seconds=0, insist=insist)

    monkeypatch.setattr(StateStore, "lock", lock)
    with original(desk.store, command="sync", wait_seconds=0):
        for terminal in (False, True):
            asked = replace(desk.asked(), terminal=terminal)
            with pytest.raises(LockHeldError):
                overrides.park(desk.configuration, desk.path, asked)
    assert waited == [0.0, 60.0]


def test_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    account = real_person({}).account
    assert real_person({}) == Person(account, account)
    assert real_person({"SUDO_USER": ""}).name == account
    assert real_person({"SUDO_USER": "pat"}) == Person("pat", account)
    assert len(real_person({"SUDO_USER": "x" * 999}).name) == 64
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    assert real_person({}).name == f"uid {2**31 - 7}"


@pytest.mark.parametrize("output", ["json", "table"])
def test_what_was_done_is_said_even_if_the_sync_behind_it_fails(
    desk: Desk, output: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def held(*_given: object, **_named: object) -> None:
        raise LockHeldError(pid=7, host="den", command="sync", since=None)

    monkeypatch.setattr(sync, "sync", held)
    monkeypatch.setattr(boundary, "install", lambda: None)
    files = ["-c", str(desk.configuration.path), "--state", str(desk.path)]
    status = boundary.run_command(["park", "--sync", "-o", output, *files])
    said = capsys.readouterr()
    assert status == 75
    assert "Parked: every circuit goes" in (said.err if output == "json" else said.out)
    assert desk.state.parked is not None
