"""Orders from the command line: what is reviewed, what is refused, what is limited, and what is told."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from tests.e2e.command import Iodcal
from tests.e2e.conftest import World
from tests.e2e.test_sandbox import NOON, Lab
from tests.servers.lumen import instead, wrong

MANY = """\
version: 1
timezone: UTC
settings: {state: state/state.json, organizers: ["@contoso.example"], every: 5m}
calendars: {local: {ics: calendar.ics}}
carriers:
  lab: {type: sandbox, file: sandbox.json, provisioning: 2m, changes_per_day: CHANGES}
  other: {type: sandbox, file: other.json, provisioning: 2m}
defaults: {circuit: {carrier: lab, tiers: [100 Mbps, 1 Gbps], baseline: {off_peak: 100 Mbps}}}
circuits:
  a: {service_id: "1"}
  b: {service_id: "2"}
  c: {service_id: "3"}
  d: {service_id: "4"}
  e: {service_id: "5", carrier: other}
rules:
  - {name: Calls, calendars: [local], match: {subject: All-Hands}, circuits: all, bandwidth: highest}
"""


@pytest.fixture
def lab(iodcal: Iodcal) -> Lab:
    return Lab(iodcal)


def kinds(result: Any) -> list[str]:
    return sorted({problem["kind"] for problem in result["problems"]} - {"late_run"})


def held(result: Any) -> dict[str, str]:
    """Why the due change of a circuit waits, by its name."""
    due = {one["name"]: one["changes"][0] for one in result["circuits"] if one["changes"]}
    return {name: one["held"]["reason"] for name, one in due.items() if one["due"] and one["held"]}


def places(result: Any, kind: str) -> list[str]:
    return sorted(one["where"] for one in result["problems"] if one["kind"] == kind)


def several(lab: Lab, changes: int = 24) -> Lab:
    lab.iodcal.write("rules.yaml", MANY.replace("CHANGES", str(changes)))
    return lab


def stand_at(lab: Lab, name: str, rate: str, *service_ids: str) -> None:
    circuits = {service_id: {"bandwidth": rate} for service_id in service_ids}
    (lab.iodcal.folder / name).write_text(json.dumps({"circuits": circuits}))


def test_a_reviewed_plan_is_ordered_as_reviewed(lab: Lab) -> None:
    digest = lab.iodcal("plan", "--now", NOON, "-o", "json").json["digest"]
    done = lab.sync("12:00", "--expect", digest)
    assert (done["exit"], [order["outcome"] for order in done["orders"]]) == (0, ["accepted"])


def test_a_plan_that_the_timer_carried_out_already_is_not_ordered_again(lab: Lab) -> None:
    digest = lab.iodcal("plan", "--now", NOON, "-o", "json").json["digest"]
    lab.sync("12:00")
    refused = lab.iodcal("sync", "--now", NOON, "--expect", digest)
    assert (refused.status, refused.out) == (1, "")
    assert "Due now: nothing" in refused.err
    assert "Ordered lately: den-a up 100 Mbps to 1 Gbps (pending)" in refused.err
    assert len([one for one in lab.iodcal.history if one["kind"] == "order"]) == 2  # intent and answer


def test_a_plan_that_the_world_has_moved_away_from_is_refused(lab: Lab) -> None:
    refused = lab.iodcal("sync", "--now", NOON, "--expect", "sha256:0", "-o", "json")
    assert (refused.status, refused.json["error"]["code"]) == (1, "plan_changed")
    assert "den-a up 100 Mbps to 1 Gbps" in refused.json["error"]["message"]
    assert not lab.iodcal.folder.joinpath("sandbox.json").exists()


def test_accounts_are_ordered_from_side_by_side(lab: Lab) -> None:
    done = several(lab).sync("12:00")
    assert [order["circuit"] for order in done["orders"]] == ["a", "b", "c", "d", "e"]
    assert {order["outcome"] for order in done["orders"]} == {"accepted"}
    assert {order["outcome"] for order in lab.sync("12:04")["orders"]} == {"confirmed"}


def test_many_lowerings_that_nobody_saw_coming_stop_together(lab: Lab) -> None:
    several(lab)
    stand_at(lab, "sandbox.json", "1 Gbps", "1", "2", "3", "4")
    stand_at(lab, "other.json", "100 Mbps", "5")
    stopped = lab.sync("09:00")
    assert (stopped["exit"], kinds(stopped), stopped["orders"]) == (3, ["too_many_downs"], [])
    assert {
        one["changes"][0]["held"]["reason"] for one in stopped["circuits"] if one["changes"][0]["due"]
    } == {"limit"}
    (problem,) = stopped["problems"]
    assert problem["remedy"].endswith("iodcal sync --allow-downs 4")
    still = lab.sync("09:05")
    assert still["orders"] == []
    dry = lab.iodcal(
        *("sync", "--dry-run", "--allow-downs", "4", "--now", "2026-11-24T09:05:00Z", "-o", "json")
    ).json
    assert (kinds(dry), dry["orders"]) == ([], [])
    dues = [one["changes"][0] for one in dry["circuits"] if one["changes"] and one["changes"][0]["due"]]
    assert [(due["direction"], due["held"]) for due in dues] == [("down", None)] * 4
    let = lab.sync("09:05", "--allow-downs", "4")
    assert [order["direction"] for order in let["orders"]] == ["down"] * 4


def test_when_the_days_changes_are_used_up_ups_wait_and_events_are_at_risk(lab: Lab) -> None:
    done = several(lab, changes=2).sync("12:00")
    assert [order["circuit"] for order in done["orders"]] == ["a", "b", "e"]
    assert {one["name"]: one["changes"][0]["held"] for one in done["circuits"]}["c"] == {
        "reason": "quota",
        "until": "2026-11-25T00:00:00Z",
    }
    assert (done["exit"], kinds(done)) == (3, ["event_at_risk", "quota", "quota_short"])
    assert [place.split("/")[0] for place in places(done, "event_at_risk")] == ["c", "d"]


def test_the_reserve_is_kept_for_ups(lab: Lab) -> None:
    several(lab, changes=8)
    lab.sync("12:00")
    lab.sync("12:05")
    over = lab.sync("13:41")
    assert [(order["circuit"], order["direction"]) for order in over["orders"]] == [("e", "down")]
    assert {one["changes"][0]["held"]["reason"] for one in over["circuits"] if one["name"] != "e"} == {
        "quota"
    }


def test_a_lowering_that_fails_is_not_tried_with_every_run(lab: Lab) -> None:
    lab.sync("12:00")
    lab.sync("12:05")
    lab.switch(refuse="not today")
    assert [order["outcome"] for order in lab.sync("13:41")["orders"]] == ["refused"]
    waiting = lab.sync("13:45")
    assert (waiting["orders"], waiting["circuits"][0]["changes"][0]["held"]["reason"]) == ([], "backoff")
    assert [order["outcome"] for order in lab.sync("13:52")["orders"]] == ["refused"]
    lab.switch()
    assert [order["outcome"] for order in lab.sync("14:20")["orders"]] == ["accepted"]


def test_lowered_by_hand_it_is_raised_once(lab: Lab) -> None:
    lab.sync("12:00")
    lab.sync("12:05")
    stand_at(lab, "sandbox.json", "100 Mbps", "77000000001")
    found = lab.sync("13:06")
    assert kinds(found) == ["drift", "event_late"]
    assert [order["direction"] for order in found["orders"]] == ["up"]
    lab.sync("13:10")
    stand_at(lab, "sandbox.json", "100 Mbps", "77000000001")
    again = lab.sync("13:29", "--circuit", "den-a")
    assert again["orders"] == []


def test_a_circuit_that_left_the_configuration_while_up_is_told(lab: Lab) -> None:
    several(lab).sync("12:00")
    lab.sync("12:05")
    rules = MANY.replace("CHANGES", "24").replace('  e: {service_id: "5", carrier: other}\n', "")
    lab.iodcal.write("rules.yaml", rules)
    left = lab.sync("12:10")
    (problem,) = [one for one in left["problems"] if one["kind"] == "left_up"]
    assert (problem["where"], problem["severity"]) == ("e", "error")


def test_a_circuit_whose_carrier_moved_while_it_was_up_is_not_said_to_be_gone(lab: Lab) -> None:
    lab.sync("12:00")
    lab.sync("12:05")
    path = lab.iodcal.folder / "rules.yaml"
    path.write_text(path.read_text().replace("file: sandbox.json", "file: elsewhere.json"))
    (problem,) = [one for one in lab.sync("12:10")["problems"] if one["kind"] == "left_up"]
    assert (problem["where"], "no longer in the configuration" in problem["message"]) == ("den-a", False)
    assert "its carrier's address was changed from " in problem["message"]
    assert problem["remedy"].endswith("one and the same circuit: iodcal forget den-a")
    assert lab.iodcal("forget", "den-a").status == 0
    assert [one for one in lab.sync("12:15")["problems"] if one["kind"] == "left_up"] == []


def test_a_late_timer_is_told_and_clears(lab: Lab) -> None:
    lab.sync("09:00")
    assert lab.iodcal("sync", "--now", "2026-11-24T09:07:00Z").err == ""
    late = lab.iodcal("sync", "--now", "2026-11-24T09:20:00Z")
    assert (late.status, late.out) == (0, "")
    assert late.err.startswith("warning: The last run was 13 minutes ago, and `every` is 5m")
    assert lab.iodcal("sync", "--now", "2026-11-24T09:25:00Z").err.startswith("recovered: late_run")


def test_change_pending_from_the_order_means_wait(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    world.lumen.script("order", instead(wrong(400, "Change pending on the service")))
    refused = world.iodcal("sync", "-o", "json").json
    assert [order["outcome"] for order in refused["orders"]] == ["refused"]
    assert (refused["exit"], kinds(refused)) == (0, [])
    assert world.iodcal("sync", "-o", "json").json["orders"][0]["outcome"] == "accepted"


def test_where_no_quote_is_to_be_had_nothing_is_ordered(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    world.lumen.script("quote", instead(wrong(400, "no such speed")))
    result = world.iodcal("sync", "-o", "json").json
    assert (result["orders"], result["exit"]) == ([], 3)
    assert "order_refused" in kinds(result)
    assert world.iodcal("sync", "-o", "json").json["orders"][0]["outcome"] == "accepted"


def test_a_carrier_that_names_a_speed_by_another_text_is_understood_by_speed_text(world: World) -> None:
    world.lumen.speeds = re.compile("100 Mbps|500 Mbps|1 GIG flat")
    world.meeting("All-Hands", 20, 60)
    refused = world.iodcal("sync", "-o", "json").json
    assert (refused["orders"], refused["exit"]) == ([], 3)
    rules = (world.iodcal.folder / "rules.yaml").read_text(encoding="utf-8")
    speeds = "    type: lumen\n    speed_text: {1 Gbps: 1 GIG flat}\n"
    world.iodcal.write("rules.yaml", rules.replace("    type: lumen\n", speeds))
    ordered = world.iodcal("sync", "-o", "json").json
    assert [order["outcome"] for order in ordered["orders"]] == ["accepted"]
    world.ahead = timedelta(minutes=8)
    read = world.iodcal("sync", "-o", "json").json
    assert world.den.bandwidth == "1 GIG flat"
    assert ([order["outcome"] for order in read["orders"]], read["exit"]) == (["confirmed"], 0)
    den = next(one for one in read["circuits"] if one["name"] == "den-a")
    assert den["observed_mbps"] == 1000
