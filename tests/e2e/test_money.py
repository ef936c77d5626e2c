"""Money and quota from the command line: what is shown, what is too dear, what few changes are spent on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Iodcal
from tests.e2e.conftest import DEN, World
from tests.e2e.test_orders import held, kinds, stand_at
from tests.e2e.test_sandbox import Lab

FEW = """\
version: 1
timezone: UTC
settings:
  {state: state/state.json, organizers: ["@contoso.example"], every: 5m, quota_reserve: 0, window: 12h,
   max_unplanned_downs: 9}
calendars: {local: {ics: calendar.ics}}
carriers:
  lab:
    {type: sandbox, file: sandbox.json, provisioning: 2m, changes_per_day: 3,
     rates: {100 Mbps: 0.46, 500 Mbps: 0.82, 1 Gbps: 1.06}}
baselines:
  evening: {off_peak: 100 Mbps, peaks: [{days: mon-sun, from: "19:00", to: "20:00", bandwidth: 500 Mbps}]}
  noon: {off_peak: 100 Mbps, peaks: [{days: mon-sun, from: "12:00", to: "19:00", bandwidth: 500 Mbps}]}
defaults: {circuit: {carrier: lab, tiers: [100 Mbps, 500 Mbps, 1 Gbps]}}
circuits:
  long: {service_id: "1", baseline: evening}
  short: {service_id: "2", baseline: noon}
rules:
  - {name: Calls, calendars: [local], match: {subject: Nothing}, circuits: all, bandwidth: highest}
"""


@pytest.fixture
def lab(iodcal: Iodcal) -> Lab:
    made = Lab(iodcal)
    iodcal.write("rules.yaml", FEW)
    stand_at(made, "sandbox.json", "500 Mbps", "1", "2")
    return made


def circuits(result: Any) -> dict[str, Any]:
    return {one["name"]: one for one in result["circuits"]}


def test_few_changes_go_where_they_save_most(lab: Lab) -> None:
    done = lab.sync("09:30")
    assert [(order["circuit"], order["direction"]) for order in done["orders"]] == [("long", "down")]
    assert held(done) == {"short": "quota"}
    assert kinds(done) == ["quota_planned"]
    assert done["exit"] == 0, "a warning: nothing is late"
    (first, *_) = circuits(done)["short"]["left_out"]
    assert (first["kept_mbps"], first["until"]) == (500, "2026-11-24T11:58:00Z")
    assert first["cost"] == {"amount": "0.89", "currency": "USD", "complete": True}
    again = lab.sync("09:35")
    assert [order["outcome"] for order in again["orders"]] == ["confirmed"]
    assert held(again) == {"short": "quota"}
    up = lab.sync("18:56")
    assert [(order["circuit"], order["direction"]) for order in up["orders"]] == [("long", "up")]
    night = [order for order in lab.sync("20:10")["orders"] if order["outcome"] == "accepted"]
    assert [order["direction"] for order in night] == ["down"], "the day's last change saves a night"
    used_up = lab.sync("20:20")
    assert (len(held(used_up)), kinds(used_up)) == (1, ["quota"])


def test_the_plan_shows_what_everything_costs(lab: Lab) -> None:
    shown = lab.iodcal("plan", "--now", "2026-11-24T09:30:00Z", COLUMNS="80")
    assert "left out for the quota: down to 100 Mbps now; at 500 Mbps until" in shown.out
    assert "12 h cost" in shown.out
    assert "All circuits:" in shown.out
    assert max(len(line) for line in shown.out.splitlines()) <= 80
    told = lab.iodcal("plan", "--now", "2026-11-24T09:30:00Z", "-o", "json").json
    of_circuits = [one["cost"]["amount"] for one in told["circuits"]]
    assert [f"{sum(round(float(each) * 100) for each in of_circuits) / 100:.2f}"] == [
        one["amount"] for one in told["costs"]
    ]
    assert told["circuits"][0]["rates"][0] == {
        "mbps": 100,
        "per_hour": "0.46",
        "currency": "USD",
        "source": "configured",
        "as_of": None,
    }


def limit(world: World, text: str) -> None:
    path = Path(world.iodcal.folder) / "rules.yaml"
    path.write_text(path.read_text().replace("den-a: {", f"den-a: {{max_price_per_hour: {text}, "))


def test_a_raise_that_is_too_dear_is_not_ordered_until_the_price_falls(world: World) -> None:
    limit(world, "0.90")
    world.lumen.price = "$1.95"
    world.meeting("All-Hands", 20, 60)
    refused = world.iodcal("sync", "-o", "json").json
    assert (refused["orders"], held(refused), refused["exit"]) == ([], {"den-a": "price"}, 3)
    assert kinds(refused) == ["event_at_risk", "price"]
    (problem,) = [one for one in refused["problems"] if one["kind"] == "price"]
    assert "1 Gbps costs 1.95 USD an hour, above max_price_per_hour (0.90)" in problem["message"]
    assert world.den.orders == []
    planned = world.iodcal("plan", "-o", "json").json
    assert held(planned) == {"den-a": "price"}, "what was quoted last is remembered"
    world.lumen.price = "$0.84"
    (order,) = world.iodcal("sync", "-o", "json").json["orders"]
    assert (order["outcome"], order["price_per_hour"], order["currency"]) == ("accepted", "0.84", "USD")
    told = [line["order"] for line in world.iodcal.history if line["kind"] == "order"]
    assert {one["price_per_hour"] for one in told} == {"0.84"}
    (quote,) = next(iter(world.iodcal.circuit_states.values()))["quotes"]
    assert (quote["mbps"], quote["per_hour"], quote["currency"]) == (1000, "0.84", "USD")
    assert "quoted" in world.iodcal("report", "-o", "json").json["priced_by"]


def test_known_rates_tell_what_is_too_dear_hours_before_and_the_quote_has_the_last_word(
    world: World,
) -> None:
    limit(world, "0.90")
    world.meeting("All-Hands", 300, 360)
    early = world.iodcal("sync", "-o", "json").json
    assert kinds(early) == ["event_at_risk"]
    world.graph.mailboxes["events@contoso.example"].clear()
    world.meeting("All-Hands", 20, 60)
    assert [order["outcome"] for order in world.iodcal("sync", "-o", "json").json["orders"]] == ["accepted"]


def test_a_reviewed_plan_orders_nothing_that_was_too_dear(world: World) -> None:
    limit(world, "0.90")
    world.meeting("All-Hands", 20, 60)
    digest = world.iodcal("plan", "-o", "json").json["digest"]
    assert world.iodcal("sync", "--expect", digest, "-o", "json").json["orders"] == []
    assert world.den.orders == []


def test_a_quote_in_another_currency_is_told_and_compared_with_nothing(world: World) -> None:
    limit(world, "2")
    world.lumen.price = "€99.00"
    world.meeting("All-Hands", 20, 60)
    done = world.iodcal("sync", "-o", "json").json
    assert ([order["outcome"] for order in done["orders"]], kinds(done)) == (["accepted"], ["price_unknown"])
    assert done["orders"][0]["currency"] == "EUR"
    rates = {rate["mbps"]: rate for rate in circuits(done)["den-a"]["rates"]}
    assert (rates[1000]["per_hour"], rates[1000]["source"], rates[1000]["as_of"]) == (
        "1.06",
        "list",
        "2026-09-01",
    )
    assert DEN in next(iter(world.iodcal.circuit_states))


def test_a_hold_above_the_price_is_told_as_such_and_goes_up_when_the_price_falls(world: World) -> None:
    limit(world, "0.90")
    world.lumen.price = "$1.95"
    asked = world.iodcal("hold", "den-a", "1 Gbps", "--for", "2h", "--sync")
    assert (asked.status, world.den.orders) == (3, [])
    assert "den-a is held at 1 Gbps or more until" in asked.out
    assert "den-a: up 100 Mbps to 1 Gbps held back (price)" in asked.out
    assert "1 Gbps costs 1.95 USD an hour, above max_price_per_hour (0.90): not ordered" in asked.err
    assert "Raise max_price_per_hour" in asked.err
    world.lumen.price = "$0.84"
    done = world.iodcal("sync", "-o", "json").json
    assert ([order["outcome"] for order in done["orders"]], kinds(done)) == (["accepted"], [])
