"""Standard error as people, machines and the journal get it."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

from tests.e2e.command import Iodcal
from tests.e2e.conftest import World
from tests.servers.faults import html


def under_the_journal(iodcal: Iodcal, *arguments: str, right: bool = True) -> tuple[int, list[str]]:
    """The exit status and the lines that the journal would get; with `right` False, stderr is not its."""
    ours, theirs = os.pipe()
    about = os.fstat(theirs)
    stream = f"{about.st_dev}:{about.st_ino + (0 if right else 1)}"
    streams = (subprocess.DEVNULL, subprocess.DEVNULL, theirs)
    process = iodcal.run(arguments, environment=iodcal.around(JOURNAL_STREAM=stream), streams=streams)
    os.close(theirs)
    with os.fdopen(ours, encoding="utf-8") as lines:
        read = lines.read().splitlines()
    return process.wait(timeout=120), read


def test_the_journal_gets_a_priority_with_every_line(world: World) -> None:
    world.graph.script("noc@contoso.example", [html(503)] * 4)
    world.den.bandwidth = "1000 Mbps"
    status, lines = under_the_journal(world.iodcal, "sync", "-v")
    assert status == 3
    assert all(re.match(r"<[3-7]>\S", line) for line in lines)
    assert [line[:3] for line in lines if "calendar noc cannot be read" in line] == ["<3>"]
    assert {line[:3] for line in lines if "iodcal.http" in line} == {"<7>"}
    assert {line[:3] for line in lines if "iodcal.config" in line} == {"<6>"}
    _, lines = under_the_journal(world.iodcal, "sync")
    assert lines == ["<5>recovered: calendar_unreadable noc"]


def test_a_stream_that_is_not_the_journals_gets_none(world: World) -> None:
    world.graph.script("noc@contoso.example", [html(503)] * 4)
    _, lines = under_the_journal(world.iodcal, "sync", right=False)
    assert [line for line in lines if line.startswith("<")] == []
    assert lines[0].startswith("error: ")


@pytest.mark.parametrize("stream", ["", "nonsense", "1:2:3", ":"])
def test_a_strange_journal_stream_is_none(world: World, stream: str) -> None:
    assert world.iodcal("sync", "--circuit", "nowhere", JOURNAL_STREAM=stream).err.startswith("iodcal: ")


def test_faults_of_the_configuration_have_a_priority_too(iodcal: Iodcal) -> None:
    iodcal.write("rules.yaml", "version: [")
    status, lines = under_the_journal(iodcal, "check")
    assert status == 78
    assert all(line.startswith("<3>") for line in lines)


def test_json_lines_hold_the_run_that_history_and_result_name(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    world.graph.script("noc@contoso.example", [html(503)] * 4)
    done = world.iodcal("sync", "-v", "--log-format", "json")
    lines = [json.loads(line) for line in done.err.splitlines()]
    run_id = world.iodcal.state["last_run"]["run_id"]
    assert {line["run_id"] for line in lines} == {run_id}
    assert {record["run_id"] for record in world.iodcal.history} == {run_id}
    assert {"at", "level", "logger", "message"} <= set(lines[0])
    told = [line for line in lines if line["logger"] == "iodcal.told"]
    assert [line["level"] for line in told] == ["error", "notice"]
    assert done.out == ""
    order = told[1]["order"]
    assert (order["circuit"], order["to_mbps"], order["outcome"]) == ("den-a", 1000, "accepted")
    assert "calendar noc cannot be read" in told[0]["message"]


@pytest.mark.parametrize("command", ["plan", "status"])
def test_what_orders_nothing_has_one_run_id_too(world: World, command: str) -> None:
    done = world.iodcal(command, "-v", "-o", "json", "--log-format", "json")
    lines = [json.loads(line) for line in done.err.splitlines()]
    assert {line["run_id"] for line in lines} == {json.loads(done.out)["run_id"]}


def test_verbose_shows_requests_with_what_support_asks_for(world: World) -> None:
    world.meeting("All-Hands", 20, 60)
    done = world.iodcal("sync", "-v")
    run_id, name = world.iodcal.state["last_run"]["run_id"], world.iodcal.folder.name
    shown = [line for line in done.err.splitlines() if "/calendarView: 200 in " in line]
    assert len(shown) == 2
    for line in shown:
        assert line.startswith(f"DEBUG iodcal.http [{run_id} {name}]: GET https://127.0.0.1:")
        assert re.search(r" in \d+ ms .*\brequest-id=\S+", line)
        assert "startDateTime" not in line
    assert re.search(r"POST http://127.0.0.1:\d+/Customer/v3/Ordering/orderRequest: 201 in \d+ ms", done.err)
