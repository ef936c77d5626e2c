"""What people see, letter by letter. `IODCAL_UPDATE_GOLDEN=1 pytest tests/render` writes it anew."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from iodcal.commands.overrides import Act
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.baseline import lay_out
from iodcal.domain.circuits import Baseline, Orders
from iodcal.domain.events import Source
from iodcal.domain.holds import Hold, Parked, Pause
from iodcal.domain.localtime import Interval
from iodcal.domain.money import Rate, RateSource, Tariff
from iodcal.domain.orders import Outcome
from iodcal.domain.policy import SafetyFlags
from iodcal.domain.structs import replace
from iodcal.output.json import check_view, dump, failed_view
from iodcal.output.lines import held_line, late_lines, order_line, problem_lines
from iodcal.output.operations_view import acts_view
from iodcal.output.overrides import act_lines
from iodcal.output.plan import print_plan
from iodcal.output.plan_view import report_view
from iodcal.output.status import print_status, print_sync
from iodcal.pipeline.alerts import AlertDecision
from iodcal.problems.kinds import Kind, Problem
from iodcal.result import Report, SourceReport
from iodcal.store.state import AlertRecord, LastRun
from tests.domain.minutes import (
    CIRCUIT,
    DENVER,
    NOON,
    SOURCE,
    TIERS,
    Ask,
    at,
    circuit_state_at,
    minutes,
    plan_of,
)
from tests.domain.test_orders import order
from tests.domain.test_targets import peak
from tests.domain.test_together import planned, together
from tests.render.plain import plain

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = "\x1b[31mAll-Hands\x1b[0m \u202eevil [bold]x[/bold]"


def check(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("IODCAL_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def report(command: str = "plan", **changes: object) -> Report:
    """Three circuits: one due up, one held, one with nothing to do; a calendar that is remembered."""
    office = Baseline(TIERS[0], (peak("mon tue wed thu fri", "07:30", "18:30"),))
    den = plan_of(Ask(2, 62, name=HOSTILE, lead=0, trail=10), Ask(240, 300, 500, name="Town Hall", lead=30))
    lon = plan_of(
        Ask(-60, -5, name="DR Test", remembered=True),
        ordered=1000,
        circuit=replace(
            CIRCUIT, name="lon-a", service_id="77000000002", zone=ZoneInfo("Europe/London"), baseline=office
        ),
        knowledge=SafetyFlags({"lon-a": at(30)}),
    )
    tok = plan_of(circuit=replace(CIRCUIT, name="tok-a", service_id="3", zone=ZoneInfo("Asia/Tokyo")))
    sources = (
        SourceReport(SOURCE, NOON, False, 12, 2),
        SourceReport(Source("r", "rooms", "rooms/board@contoso.example"), at(-90), True, 1, 1),
        SourceReport(Source("n", "new", "new"), None, True, 0, 0),
    )
    late = {
        "circuit": "den-a",
        "rule": "r",
        "subject": HOSTILE,
        "start": at(2).isoformat(),
        "needs": "1 Gbps",
    }
    problems = (
        Problem(Kind.EVENT_AT_RISK, "den-a/r", {**late, "cause": "late_run", "zone": "America/Denver"}, NOON),
        Problem(Kind.DRIFT, "tok-a", {"circuit": "tok-a", "observed": "1 Gbps", "ordered": "100 Mbps"}, NOON),
    )
    made = Report(
        command=command,
        run_id="0123456789abcdef",
        now=NOON,
        window=Interval(NOON, NOON + minutes(720)),
        config_digest="sha256:00",
        sources=sources,
        plans=(den, lon, tok),
        problems=problems,
        last_run=LastRun("r", at(-5), at(-5), True, 0),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name


def synced() -> Report:
    taken = replace(order(Outcome.ACCEPTED), circuit_key=CIRCUIT.key)
    made = report("sync", orders=(taken,))
    den, *others = made.plans
    den = replace(den, circuit_state=replace(den.circuit_state, order=taken))
    return replace(made, plans=(den, *others))


def shown(draw: Callable[[Console, Console], None], width: int, encoding: str = "utf-8") -> str:
    """Text and problems in one, as a terminal without colours would get them."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="strict", write_through=True)
    console = Console(
        file=file,
        width=width,
        force_terminal=True,
        color_system=None,
        markup=False,
        emoji=False,
        highlight=False,
    )
    draw(console, console)
    return "\n".join(line.rstrip() for line in raw.getvalue().decode(encoding).splitlines()) + "\n"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_plan(width: int) -> None:
    text = shown(lambda out, err: print_plan(report(), out, err), width)
    check(f"plan-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("width", [50, 80, 120])
def test_the_plan_with_its_costs(width: int) -> None:
    """A lowering that waits for the quota, one left out later, a raise that is too dear, a missing rate."""
    one = planned(Ask(120, 300, 500, name="Review"), Ask(500, 560, name="All-Hands"), ordered=500, limit=2)
    two = planned(Ask(400, 430, 500, name="Call"), name="b", ordered=1000, limit=2)
    dear = planned(Ask(200, 260, name="Live Stream"), name="c", limit=2, max_price_per_hour=Decimal(1))
    listed = Tariff(rates=((TIERS[0], Rate(Decimal("0.46"), RateSource.LIST, date(2026, 9, 1))),))
    odd = plan_of(Ask(60, 120, name="Town Hall"), circuit=replace(CIRCUIT, name="d", tariff=listed))
    bare = plan_of(Ask(60, 120, name="Town Hall"), circuit=replace(CIRCUIT, name="e"))
    plans = (*together(one, two, dear).values(), odd, bare)
    made = replace(report(), plans=plans, problems=())
    text = shown(lambda out, err: print_plan(made, out, err), width)
    check(f"plan-costs-{width}.txt", text)
    far = [line for line in text.splitlines() if line.startswith("  Tue 24")]
    assert {"(in " in line for line in far} == {width >= 100}  # on all circuits or on none
    assert max(len(line) for line in text.splitlines()) <= width


def test_the_json_of_costs() -> None:
    plan = together(planned(name="a", ordered=500, limit=1), used=1)["a"]
    (circuit,) = plain(report_view(replace(report(), plans=(plan,))))["circuits"]
    assert circuit["cost"] == {"amount": "9.84", "currency": "USD", "complete": True}
    assert circuit["changes"][0]["cost"]["amount"] == "-4.32"
    (left,) = circuit["left_out"]
    assert (left["cost"]["amount"], left["kept_mbps"], left["held"]["reason"]) == ("4.32", 500, "quota")


def test_the_plan_where_only_ascii_can_be_shown() -> None:
    plain = replace(report(), problems=())
    plans = tuple(
        plan_of(Ask(2, 62, name="All-Hands"), Ask(100, 160, 500, name="Town Hall")) for _ in range(1)
    )
    text = shown(lambda out, err: print_plan(replace(plain, plans=plans), out, err), 80, "ascii")
    check("plan-ascii.txt", text)
    assert text.isascii()


@pytest.mark.parametrize("width", [80, 120])
def test_a_sync_on_a_terminal(width: int) -> None:
    check(f"sync-{width}.txt", shown(lambda out, err: print_sync(synced(), out, err), width))


def test_a_sync_with_nothing_to_do() -> None:
    quiet = report("sync", problems=(), plans=(plan_of(),), sources=())
    text = shown(lambda out, err: print_sync(quiet, out, err), 80)
    assert "Nothing to do: every circuit is ordered as it should be." in text


def test_a_lost_state_says_what_not_to_do() -> None:
    lost = report("sync", lost_state=("/tmp/elsewhere.json",))  # noqa: S108 - a name in a text
    text = shown(lambda out, err: print_sync(lost, out, err), 80)
    assert "placed twice" in text
    assert lost.exit == 1


def test_the_status() -> None:
    drifted = replace(report("status").plans[2].circuit_state, order=replace(order(Outcome.OVERDUE)))
    plans = (*report().plans[:2], replace(report().plans[2], circuit_state=drifted))
    made = report("status", plans=plans)
    check("status-100.txt", shown(lambda out, err: print_status(made, out, err), 100))
    never = report("status", last_run=None, plans=(plan_of(ordered=None),))
    assert "no run yet" in shown(lambda out, err: print_status(never, out, err), 100)


def test_status_and_sync_name_the_zone_of_a_time_that_is_not_the_headings() -> None:
    den = plan_of(Ask(240, 300, 500, name="Town Hall", lead=30))
    lon = plan_of(
        Ask(240, 300, 500, name="Town Hall", lead=30),
        circuit=replace(CIRCUIT, name="lon-a", service_id="2", zone=ZoneInfo("Europe/London")),
    )
    made = report("status", plans=(den, lon), problems=())
    status = shown(lambda out, err: print_status(made, out, err), 120)
    assert "Tue 24 08:30 up to 500 Mbps" in status
    assert "Tue 24 15:30 GMT up to 500 Mbps" in status
    sync = shown(lambda out, err: print_sync(made, out, err), 120)
    assert "up to 500 Mbps Tue 24 08:30, in 3 h" in sync
    assert "up to 500 Mbps Tue 24 15:30 GMT, in 3 h" in sync
    alone = shown(lambda out, err: print_status(replace(made, plans=(lon,)), out, err), 120)
    assert "Tue 24 15:30 up to 500 Mbps" in alone  # the heading is London's, too


def wished() -> Report:
    """A circuit held and paused, one in a freeze, all of them paused."""
    hold = Hold(TIERS[2], at(-30), at(90), "pat", HOSTILE)
    pause = Pause(at(-5), at(30), "sam")
    den = plan_of(
        Ask(-30, 90, 500, hold=True, name=HOSTILE),
        Ask(60, 120, name="Town Hall", lead=30),
        circuit_state=replace(circuit_state_at(100), hold=hold, pause=pause),
    )
    lon = plan_of(
        Ask(-60, 240, freeze="ups", name="Quarter end"),
        Ask(600, 660, freeze="none", name="Year end"),
        Ask(-90, 0, 500, hold=True),
        ordered=500,
        circuit=replace(CIRCUIT, name="lon-a", service_id="2", zone=ZoneInfo("Europe/London")),
    )
    of_all = Pause(at(-5), at(20), "pat", "carrier maintenance")
    return report("plan", plans=(den, lon), problems=(), pause=of_all)


@pytest.mark.parametrize("width", [80, 120])
def test_what_people_asked_for(width: int) -> None:
    drawn = shown(lambda out, errors: print_plan(wished(), out, errors), width)
    drawn += shown(lambda out, err: print_status(replace(wished(), command="status"), out, err), width)
    parked = replace(wished(), plans=(), pause=None, parked=Parked(at(-60), "pat", "moving to den2"))
    drawn += shown(lambda out, err: print_status(replace(parked, command="status"), out, err), width)
    check(f"wishes-{width}.txt", drawn)


def test_what_people_asked_for_in_json() -> None:
    document = plain(report_view(replace(wished(), parked=Parked(at(-60), "pat"))))
    assert document["parked"] == {"since": "2026-11-24T11:00:00Z", "who": "pat", "note": None}
    assert document["pause"]["note"] == "carrier maintenance"
    den, lon = document["circuits"]
    assert (den["hold"]["bandwidth_mbps"], den["hold"]["note"]) == (500, HOSTILE)
    assert (den["pause"]["who"], den["pause"]["note"]) == ("sam", None)
    assert [freeze["allow"] for freeze in lon["freezes"]] == ["ups", "none"]
    over = replace(wished(), now=at(300))
    den, lon = plain(report_view(over))["circuits"]
    assert (den["hold"], den["pause"], len(lon["freezes"])) == (None, None, 1)


def test_a_hold_in_the_lines_of_cron() -> None:
    den = plan_of(Ask(-30, 90, 1000, hold=True, name=HOSTILE))
    line = order_line(replace(order(Outcome.ACCEPTED), circuit_key=CIRCUIT.key), den)
    assert " for a hold by pat: \N{REPLACEMENT CHARACTER}[31mAll-Hands" in line
    assert line.endswith("evil [bold]x[/bold]")


def act(command: str, **given: object) -> str:
    made = Act(command, NOON, "pat", DENVER, CIRCUIT)
    return "\n".join(act_lines([replace(made, **given)], synced=False))  # type: ignore[arg-type]  # fields by name


def test_what_a_persons_command_says() -> None:
    hold = Hold(Bandwidth(300), at(0), at(90), "pat", "DR")
    said = act("hold", hold=hold, replaced=replace(hold, exactly=True), paused=("den-a",))
    assert said.splitlines() == [
        "den-a is held at 300 Mbps or more until Tue 24 Nov 2026 06:30 MST (in 90 min), by pat: DR",
        "The next tier that is sold, 500 Mbps, is ordered for it",
        "It takes the place of another: held at exactly 300 Mbps until Tue 24 06:30, by pat: DR",
        "Its orders are paused: nothing is ordered before that ends",
        "The next run acts on it; with --sync it is done at once",
    ]
    observed = act("hold", hold=hold, circuit=replace(CIRCUIT, orders=Orders.NONE))
    assert "Its orders are `none` in the configuration, and a hold does not change that" in observed
    assert act("release", over=True, changed=False) == "den-a is not held: nothing to do"
    pause = Pause(at(0), at(90), "pat", "why")
    said = act("pause", circuit=None, pause=pause, replaced=pause)
    assert said.endswith("nothing is ordered until then\nAn earlier pause, by pat: why, is replaced")
    assert act("park", parked=Parked(at(0), "pat"), paused=("lon-a",)).splitlines()[1] == (
        "Only once their pause is over: lon-a"
    )
    known = replace(circuit_state_at(None), name=HOSTILE)
    assert act("forget", forgotten=known).endswith("is forgotten")
    assert (
        plain(acts_view([Act("forget", NOON, "pat", DENVER, forgotten=known)]))["forgotten"]["ordered_mbps"]
        is None
    )


def test_the_json_of_a_plan_and_of_a_sync() -> None:
    check("plan.json", dump(report_view(report())) + "\n")
    check("sync.json", dump(report_view(synced())) + "\n")
    assert "\x1b" not in dump(report_view(report()))


CONTRACT = {
    "": "version command run_id exit now config_digest digest window calendars circuits orders problems",
    "circuits": "name carrier service_id ordered_mbps observed_mbps observed_at target_mbps changes",
    "calendars": "name read_at remembered events matched",
    "orders": "circuit direction from_mbps to_mbps outcome external_id order_id",
    "problems": "id kind where severity since message remedy",
}


@pytest.mark.parametrize("part", CONTRACT)
def test_no_promised_key_is_missing(part: str) -> None:
    document = plain(report_view(synced()))
    holder = document[part][0] if part else document
    assert set(CONTRACT[part].split()) <= set(holder)


@pytest.mark.parametrize(("place", "advice"), [("/elsewhere", "Put that file"), ("", "Order nothing")])
def test_a_lost_state_is_told_in_json_with_what_not_to_do(place: str, advice: str) -> None:
    document = plain(report_view(report("sync", lost_state=(place,))))
    assert (document["exit"], document["error"]["code"]) == (1, "state_lost")
    assert document["error"]["remedy"].startswith(advice)
    assert document["state_written_to"] == ([place] if place else [])


def test_the_keys_of_a_change_and_its_causes() -> None:
    (change, *_) = plain(report_view(report()))["circuits"][0]["changes"]
    assert set(change) == {"at", "due", "direction", "from_mbps", "to_mbps", "held", "causes", "cost"}
    wanted = {"kind", "rule", "calendar", "subject", "start", "end", "remembered_since", "ended", "labels"}
    assert set(change["causes"][0]) == wanted | {"who", "note"}


def test_every_other_exit_is_one_object_too() -> None:
    failed = failed_view("sync", 75, code="lock_held", message="m", remedy="r")
    assert {"version", "command", "exit", "error", "faults"} == set(json.loads(dump(failed)))
    assert {"version", "command", "exit", "faults", "warnings"} == set(plain(check_view((), 0)))


def test_the_lines_of_cron() -> None:
    made = synced()
    den, lon, _ = made.plans
    due = lon.due
    assert due is not None
    gone = AlertRecord("drift", "lon-a", {}, (), NOON, NOON)
    telling = AlertDecision(made.problems[:1], (), made.problems[1:], (gone,), {})
    lost = replace(made, lost_state=("/elsewhere",))
    lines = [
        order_line(made.orders[0], den),
        order_line(replace(made.orders[0], outcome=Outcome.CONFIRMED), den),
        order_line(made.orders[0], None),
        held_line(lon, due),
        *(line for _, line in problem_lines(made, telling, everything=False)),
        *(line for _, line in problem_lines(lost, telling, everything=True)),
        *(line for _, line in late_lines(lost, telling, everything=False)),
    ]
    check("lines.txt", re.sub(r"io[A-Z2-7]{18}", "io...", "\n".join(lines)) + "\n")


def test_exit_statuses_follow_from_what_was_found() -> None:
    calm = report(problems=())
    assert report().exit == 3
    assert calm.exit == 0
    assert replace(calm, detailed_exitcode=True).exit == 4
    assert replace(calm, waited_out=True).exit == 3
    assert replace(calm, problems=report().problems[1:]).exit == 0


def test_the_digest_is_that_of_what_would_be_ordered() -> None:
    observed = plan_of(Ask(2, 62), circuit=replace(CIRCUIT, orders=Orders.NONE))
    empty = report(plans=())
    assert report(plans=(observed,)).digest == empty.digest
    assert report(plans=(plan_of(Ask(2, 62)),)).digest != empty.digest
    assert empty.digest.startswith("sha256:")
    assert circuit_state_at(100).confirmed == Bandwidth(100)
    assert lay_out(CIRCUIT.baseline, DENVER, Interval(at(0), at(1)))
