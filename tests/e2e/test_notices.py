"""Notices of the real command, as their receivers get them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.command import Done, Iodcal
from tests.e2e.conftest import World
from tests.servers.faults import html
from tests.servers.hook import Hook
from tests.servers.lumen import ORDER

NOTIFY = """
notify:
  noc: {webhook: {env: HOOK}}
"""


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as made:
        yield made


def notify(world: World, hook: Hook, text: str = NOTIFY, **settings: str) -> None:
    """Adds targets to the configuration; `$HOOK` is the receiver's address."""
    rules = (world.iodcal.folder / "rules.yaml").read_text()
    more = "".join(f"  {name}: {value}\n" for name, value in settings.items())
    world.iodcal.write("rules.yaml", rules.replace("settings:\n", f"settings:\n{more}", 1) + text)
    world.iodcal.environment["HOOK"] = hook.url


def test_each_piece_of_news_comes_once(world: World, hook: Hook) -> None:
    notify(world, hook)
    world.meeting("All-Hands", 20, 60)
    ordered = world.iodcal("sync", "-o", "json")
    assert (ordered.status, hook.kinds) == (0, ["change"])
    (change,) = hook.bodies
    assert change["circuits"] == ["den-a"]
    assert change["text"].startswith("den-a: up 100 Mbps to 1 Gbps accepted (io")
    assert change["run_id"] == ordered.json["run_id"] == world.iodcal.history[-1]["run_id"]
    data, (order,) = change["change"], ordered.json["orders"]
    assert (data["circuit"], data["direction"], data["outcome"]) == ("den-a", "up", "accepted")
    assert (data["from_mbps"], data["to_mbps"]) == (100, 1000)
    for key in ("external_id", "order_id", "price_per_hour", "currency"):
        assert data[key] == order[key]
    assert (data["at"], data["settled_at"]) == (order["created_at"], None)
    assert data["starts_at"] < data["ends_at"]
    assert data["service_id"]
    assert data["carrier"]
    assert ordered.json["notices"][0]["sent"] == 1

    world.iodcal("sync")
    assert hook.kinds == ["change"]

    world.ahead = timedelta(minutes=8)
    world.iodcal("sync")
    name = world.iodcal.folder.name
    assert [body["title"] for body in hook.bodies[1:]] == [f"{name}: den-a: up to 1 Gbps confirmed"]


def test_a_problem_is_told_once_and_so_is_its_end(world: World, hook: Hook) -> None:
    notify(world, hook)
    world.graph.script("noc@contoso.example", [html(503)] * 8)
    world.iodcal("sync")
    world.iodcal("sync")
    assert hook.kinds == ["problem"]
    assert hook.bodies[0]["id"] == "calendar_unreadable:noc"
    assert (hook.bodies[0]["severity"], hook.bodies[0]["circuits"]) == ("error", ["lon-a"])
    assert hook.bodies[0]["remedy"]
    assert world.iodcal("sync").status == 0
    assert [(body["kind"], body["severity"]) for body in hook.bodies[1:]] == [("recovered", "info")]
    assert hook.bodies[1]["id"] == "calendar_unreadable:noc"


def test_before_an_event_somebody_hears_that_its_circuit_is_ready_or_late(world: World, hook: Hook) -> None:
    notify(world, hook, "\nnotify:\n  noc: {webhook: {env: HOOK}, kinds: [ready, late]}\n")
    world.den.bandwidth = "1000 Mbps"
    world.meeting("All-Hands", 3, 60)
    world.meeting("DR Test", 3, 60, mailbox="noc")
    world.iodcal("sync")
    world.iodcal("sync")
    told = {body["circuits"][0]: (body["kind"], body["text"]) for body in hook.bodies}
    assert len(hook.bodies) == 2
    assert told["den-a"][0] == "ready"
    assert '"All-Hands"' in told["den-a"][1]
    assert told["lon-a"][0] == "late"
    assert "it needs 500 Mbps and has 100 Mbps" in told["lon-a"][1]


def test_a_target_gets_what_it_selects(world: World, hook: Hook) -> None:
    selecting = """
notify:
  site: {webhook: {env: HOOK}, sites: [lon]}
  circuit: {webhook: {env: HOOK}, circuits: [lon-a], kinds: change}
  label: {webhook: {env: HOOK}, labels: {owner: media}, template: '{"label": $circuits}'}
  all: {teams: {env: HOOK}, kinds: recovered}
"""
    notify(world, hook, selecting)
    rules = (world.iodcal.folder / "rules.yaml").read_text()
    world.iodcal.write("rules.yaml", rules.replace("den-a: {", "den-a: {labels: {owner: media}, "))
    world.meeting("All-Hands", 20, 60)
    assert world.iodcal("sync").status == 0
    assert hook.bodies == [{"label": ["den-a"]}]


def test_teams_gets_one_card_for_all(world: World, hook: Hook) -> None:
    notify(world, hook, "\nnotify:\n  chat: {teams: {env: HOOK}}\n")
    world.meeting("[click](https://evil.example) \u202e**All-Hands** </at>", 20, 60)
    world.graph.script("noc@contoso.example", [html(503)] * 4)
    world.iodcal("sync")
    (message,) = hook.bodies
    (attachment,) = message["attachments"]
    assert message["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    blocks = attachment["content"]["body"]
    assert {block["type"] for block in blocks} == {"RichTextBlock"}
    texts = [run["text"] for block in blocks for run in block["inlines"]]
    assert any("[click](https://evil.example) **All-Hands**" in text for text in texts)
    assert not any("\u202e" in text for text in texts)
    assert f"{world.iodcal.folder.name}: calendar unreadable (lon-a)" in texts


def test_a_hostile_title_stays_inside_its_string(world: World, hook: Hook) -> None:
    template = """
notify:
  noc:
    webhook: {env: HOOK}
    kinds: change
    template: |
      {"msg": $text, "$$fixed": {"who": $circuits}, "severity": $severity}
"""
    notify(world, hook, template)
    world.meeting('All-Hands", "severity": "pwned\\ $host ${run_id}', 20, 60)
    assert world.iodcal("sync").status == 0
    (body,) = hook.bodies
    assert set(body) == {"msg", "$fixed", "severity"}
    assert body["severity"] == "info"
    assert '"All-Hands", "severity": "pwned\\ $host ${run_id}"' in body["msg"]


def test_a_hanging_webhook_neither_delays_nor_alters_the_run(world: World, hook: Hook) -> None:
    hook.hanging = True
    notify(world, hook, notify_within="1s")
    world.meeting("All-Hands", 20, 60)
    done = world.iodcal("sync", "-o", "json")
    assert done.status == 0
    assert (len(hook.requests), hook.answered) == (1, 0)  # it hangs to this moment, and the run is over
    assert [order["outcome"] for order in done.json["orders"]] == ["accepted"]
    assert "notify.noc: it did not answer in time" in done.err
    (target,) = done.json["notices"]
    assert (target["sent"], target["waiting"]) == (0, 1)
    assert target["failing_since"] is not None
    (known,) = world.iodcal("status", "-o", "json").json["notices"]
    assert known["fault"] == target["fault"]
    assert "notices to noc have failed for" in world.iodcal("status").out
    assert "very-secret" not in done.out + done.err + json.dumps(world.iodcal.state)


def test_the_lock_is_free_while_a_webhook_hangs(world: World, hook: Hook) -> None:
    hook.hanging = True
    notify(world, hook, notify_within="20s")
    world.meeting("All-Hands", 20, 60)
    process = world.iodcal.start("sync")
    assert hook.arrived.wait(60)
    assert world.iodcal.state["last_run"] is not None
    assert world.iodcal("sync", "--circuit", "lon-a").status == 0
    assert len(hook.requests) == 1  # what the first run is sending, the second leaves to it
    hook.closing.set()
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_run_that_is_killed_while_it_sends_loses_no_notice(world: World, hook: Hook) -> None:
    hook.hanging = True
    notify(world, hook, notify_within="20s")
    world.meeting("All-Hands", 20, 60)
    process = world.iodcal.start("sync")
    assert hook.arrived.wait(60)
    process.kill()
    process.communicate(timeout=60)
    hook.hanging = False
    world.iodcal("sync")
    assert [body["id"] for body in hook.bodies[1:]] == [hook.bodies[0]["id"]]


def test_what_could_not_be_delivered_comes_with_the_next_run(world: World, hook: Hook) -> None:
    hook.status = 503
    notify(world, hook)
    world.meeting("All-Hands", 20, 60)
    failed = world.iodcal("sync")
    assert failed.status == 0
    assert "notify.noc: it answers with status 503" in failed.err
    still = world.iodcal("sync")
    assert (still.status, still.out, still.err) == (0, "", "")  # told once, as any problem is
    hook.status = 200
    again = world.iodcal("sync")
    assert (again.status, again.out, again.err) == (0, "", "")
    assert [body["kind"] for body in hook.bodies] == ["change"] * 3
    assert hook.bodies[0] == hook.bodies[2]
    world.iodcal("sync")
    assert len(hook.bodies) == 3


def test_a_message_without_an_answer_is_tried_three_times_at_most(world: World, hook: Hook) -> None:
    hook.hanging = True
    notify(world, hook, notify_within="1s")
    world.meeting("All-Hands", 20, 60)
    for _ in range(5):
        world.iodcal("sync")
    assert len(hook.requests) == 3


def test_a_watchdog_is_told_of_start_and_end(world: World, hook: Hook) -> None:
    notify(world, hook, "\nnotify:\n  watchdog: {ping: {env: HOOK}}\n")
    done = world.iodcal("sync", "-o", "json")
    world.graph.script("noc@contoso.example", [html(503)] * 4)
    world.iodcal("sync")
    hook_path = "/hook/very-secret-path"
    paths = [request.path.removeprefix(hook_path) for request in hook.requests]
    assert paths == ["/start", "", "/start", "/fail"]
    assert {request.query["sig"] for request in hook.requests} == {"very-secret-query"}
    assert hook.bodies[1] == {"run_id": done.json["run_id"], "exit": 0}
    assert hook.bodies[3]["exit"] == 3


def test_a_run_that_cannot_be_carried_through_is_told_once(world: World, hook: Hook) -> None:
    both = "\nnotify:\n  noc: {webhook: {env: HOOK}}\n  watchdog: {ping: {env: HOOK}}\n"
    notify(world, hook, both)
    world.iodcal("sync")
    hook.requests.clear()
    state = world.iodcal.folder / "state" / "state.json"
    good = state.read_text()
    state.write_text(good.replace('"version":3', '"version":99'))
    assert (world.iodcal("sync").status, world.iodcal("sync").status) == (1, 1)
    paths = [request.path.rpartition("/")[2] for request in hook.requests]
    assert sorted(paths) == ["fail", "fail", "start", "start", "very-secret-path"]
    assert paths.index("start") < paths.index("fail")
    told = hook.bodies[paths.index("very-secret-path")]
    assert (told["kind"], told["severity"], told["id"]) == ("problem", "error", "run:too_new")
    state.write_text(good)
    hook.requests.clear()
    world.iodcal("sync")
    mended = [body for body in hook.bodies if "kind" in body]
    assert [(body["kind"], body["id"]) for body in mended] == [("recovered", "run:too_new")]
    state.write_text(good.replace('"version":3', '"version":99'))
    hook.requests.clear()
    world.iodcal("sync")
    assert len(hook.requests) == 3


def test_a_watchdog_hears_of_the_end_while_a_webhook_hangs(world: World, hook: Hook) -> None:
    hook.hanging = True
    with Hook() as other:
        text = "\nnotify:\n  noc: {webhook: {env: HOOK}}\n  watchdog: {ping: {env: OTHER}}\n"
        notify(world, hook, text, notify_within="2s")
        world.meeting("All-Hands", 20, 60)
        world.iodcal("sync", OTHER=other.url)
        assert [request.path.rpartition("/")[2] for request in other.requests] == [
            "start",
            "very-secret-path",
        ]


def test_a_secret_that_does_not_resolve_harms_nobody(world: World, hook: Hook) -> None:
    notify(world, hook, "\nnotify:\n  a: {webhook: {env: NOWHERE}}\n  b: {webhook: {env: HOOK}}\n")
    world.meeting("All-Hands", 20, 60)
    done = world.iodcal("sync")
    assert done.status == 0
    assert "notify.a: the secret's variable is not set (env NOWHERE)" in done.err
    assert hook.kinds == ["change"]
    assert world.lumen.calls[ORDER] == 1


def test_plain_http_to_another_host_is_refused(world: World, hook: Hook) -> None:
    notify(world, hook)
    world.meeting("All-Hands", 20, 60)
    done = world.iodcal("sync", HOOK="http://hooks.example/x")
    assert (done.status, hook.requests) == (0, [])
    assert "notify.noc: its address is not an https one" in done.err


@pytest.mark.parametrize("address", ["http://[::1", "nonsense", "https://", "https://a b/ c", "\u2603"])
def test_an_address_that_is_none_is_told_and_not_shown(world: World, hook: Hook, address: str) -> None:
    notify(world, hook, "\nnotify:\n  a: {webhook: {env: HOOK}}\n  b: {ping: {env: HOOK}}\n")
    world.meeting("All-Hands", 20, 60)
    done = world.iodcal("sync", HOOK=address)
    assert done.status == 0
    lines = [line for line in done.err.splitlines() if "notify." in line]
    assert len(lines) == len(done.err.splitlines()) == 2
    assert address not in done.err or address == "https://"


def test_the_daily_summary_names_what_no_rule_took_and_keeps_nothing_of_it(world: World, hook: Hook) -> None:
    text = '\nnotify:\n  noc: {webhook: {env: HOOK}, kinds: daily, daily_at: "00:00"}\n'
    notify(world, hook, text)
    rules = (world.iodcal.folder / "rules.yaml").read_text()
    world.iodcal.write("rules.yaml", rules.replace("{mailbox: noc@", "{subjects: hide, mailbox: noc@"))
    world.meeting("Townhall of the planets", 300, 360)
    world.meeting("A hidden breakfast", 300, 360, mailbox="noc")
    world.meeting("A private surgery", 300, 360)
    world.graph.mailboxes["events@contoso.example"][-1]["sensitivity"] = "private"
    hook.status = 500
    world.iodcal("sync")
    kept = "".join(p.read_text() for p in (world.iodcal.folder / "state").iterdir() if p.is_file())
    assert "Townhall" not in kept
    hook.status = 200
    world.iodcal("sync")
    world.iodcal("sync")
    assert hook.kinds == ["daily", "daily"]  # the refused one, and that of the next run
    told = hook.bodies[1]["text"]
    assert 'no rule took "Townhall of the planets"' in told
    assert "den-a is ordered at 100 Mbps, next day: no change" in told
    assert "breakfast" not in told
    assert "surgery" not in told
    kept = "".join(p.read_text() for p in (world.iodcal.folder / "state").iterdir() if p.is_file())
    assert "Townhall" not in kept


def test_the_daily_summary_and_the_plan_name_the_same_events_that_no_rule_took(
    world: World, hook: Hook
) -> None:
    """One fits its rule by the subject and by no circuit's local time; one is a copy of what a rule took."""
    notify(world, hook, '\nnotify:\n  noc: {webhook: {env: HOOK}, kinds: daily, daily_at: "00:00"}\n')
    rules = (world.iodcal.folder / "rules.yaml").read_text()
    other_days = ["mon-tue", "tue-wed", "wed-thu", "thu-fri", "fri-sat", "sat-sun", "sun-mon"]
    days = other_days[(datetime.now(UTC).weekday() + 3) % 7]
    rehearsal = "match: {subject: [DR Test, Rehearsal], days: " + days + "}"
    world.iodcal.write("rules.yaml", rules.replace("match: {subject: DR Test}", rehearsal))
    world.meeting("Rehearsal west", 300, 360)
    world.graph.mailboxes["noc@contoso.example"] += world.graph.mailboxes["events@contoso.example"]
    world.graph.mailboxes["events@contoso.example"] = []
    world.meeting("Town Hall", 300, 360)
    copy = dict(world.graph.mailboxes["events@contoso.example"][0], id="copy", subject="Pat Doe")
    world.graph.mailboxes["noc@contoso.example"].append(copy)
    plan = world.iodcal("plan", "--unmatched", "-o", "json").json
    assert [one["subject"] for one in plan["unmatched"]["titles"]] == ["Rehearsal west"]
    world.iodcal("sync")
    (summary,) = hook.bodies
    assert summary["text"].endswith('no rule took "Rehearsal west"')


def test_apprise_delivers_the_rest(world: World, hook: Hook) -> None:
    notify(world, hook, "\nnotify:\n  phone: {apprise: {env: APPRISE}}\n")
    world.meeting("All-Hands", 20, 60)
    address = hook.url.replace("http://", "json://").partition("?")[0]
    done = world.iodcal("sync", "-v", APPRISE=address)
    assert done.status == 0, done.err
    (body,) = hook.bodies
    assert body["title"] == f"{world.iodcal.folder.name}: den-a: up to 1 Gbps accepted"
    assert "very-secret" not in done.err
    world.ahead = timedelta(minutes=8)
    refused = world.iodcal("sync", APPRISE="nonsense://x")
    assert "notify.phone: Apprise does not know its address" in refused.err
    assert "nonsense" not in refused.err


def test_people_at_a_terminal_see_for_themselves(world: World, hook: Hook) -> None:
    notify(world, hook, NOTIFY + "  watchdog: {ping: {env: HOOK}}\n")
    world.meeting("All-Hands", 20, 60)
    done = on_a_terminal(world.iodcal, "sync")
    assert done.status == 0
    assert hook.requests == []
    assert world.lumen.calls[ORDER] == 1


def on_a_terminal(iodcal: Iodcal, *arguments: str) -> Done:
    """The command with a pseudo-terminal for its output."""
    ours, theirs = pty.openpty()
    streams = (subprocess.DEVNULL, theirs, subprocess.PIPE)
    process = iodcal.run(arguments, environment=iodcal.around(), streams=streams)
    os.close(theirs)
    _, err = process.communicate(timeout=120)
    os.close(ours)
    return Done(process.wait(), "", err)


def test_a_run_that_is_ended_while_a_webhook_takes_its_time_has_told_its_problems(
    world: World, hook: Hook
) -> None:
    notify(world, hook)
    hook.hanging = True
    world.graph.mailboxes.pop("noc@contoso.example")
    process = world.iodcal.start("sync")
    assert hook.arrived.wait(60)
    process.terminate()
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "noc" in told.splitlines()[0]
    assert world.iodcal.state["problems"]
