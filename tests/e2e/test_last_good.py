"""A configuration that does not load must not cost the event that is about to begin."""

from __future__ import annotations

import json
import stat

import pytest

from tests.e2e.command import Iodcal
from tests.e2e.test_sandbox import Lab


@pytest.fixture
def lab(iodcal: Iodcal) -> Lab:
    return Lab(iodcal)


def test_the_last_configuration_that_loaded_goes_on_ups_only(lab: Lab) -> None:
    lab.sync("11:00")
    rules = lab.iodcal.folder / "rules.yaml"
    good = rules.read_text()
    lab.iodcal.write("rules.yaml", good.replace("bandwidth:", "bandwith:"))
    raised = lab.sync("11:56")
    assert raised["exit"] == 78
    assert [(order["direction"], order["outcome"]) for order in raised["orders"]] == [("up", "accepted")]
    assert "bandwith" in json.dumps(raised["faults"])
    assert "configuration:rules" in [problem["id"] for problem in raised["problems"]]
    over = lab.sync("13:41")
    assert (over["exit"], [order["outcome"] for order in over["orders"]]) == (78, ["confirmed"])
    assert over["circuits"][0]["changes"][0]["held"]["reason"] == "ups_only"
    rules.write_text(good)
    mended = lab.sync("13:45")
    assert (mended["exit"], [order["direction"] for order in mended["orders"]]) == (0, ["down"])


def test_it_is_told_once_and_the_exit_status_stays(lab: Lab) -> None:
    lab.sync("11:00")
    lab.iodcal.write("rules.yaml", "version: [")
    first = lab.iodcal("sync", "--now", "2026-11-24T11:05:00Z")
    assert (first.status, first.out) == (78, "")
    assert first.err.startswith(
        "error: The configuration does not load; the last one that did goes on, ups only."
    )
    again = lab.iodcal("sync", "--now", "2026-11-24T11:10:00Z")
    assert (again.status, again.out, again.err) == (78, "", "")


def test_the_copy_is_for_its_owner_and_holds_no_secret_that_the_file_does_not(lab: Lab) -> None:
    lab.sync("11:00")
    (copy,) = (lab.iodcal.folder / "home" / ".local" / "state" / "iodcal").glob("last-good-*.yaml")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert copy.read_bytes() == (lab.iodcal.folder / "rules.yaml").read_bytes()


KNOWN = [
    "status",
    "history",
    "report --now 2026-11-24T12:00:00Z",
    "explain --cached",
    "plan --cached",
    "pause --all --for 1h",
    "resume --all",
    "hold den-a 1Gbps --for 1h --now 2026-11-24T12:00:00Z",
    "release den-a --now 2026-11-24T12:00:00Z",
    "doctor",
]


@pytest.mark.parametrize("command", KNOWN)
def test_what_needs_only_what_is_known_goes_on_and_says_so_first(lab: Lab, command: str) -> None:
    arguments = command.split()
    if arguments[0] in ("pause", "resume"):
        arguments += ["--now", "2026-11-24T12:00:00Z"]
    lab.sync("11:00")
    healthy = lab.iodcal(*arguments)
    lab.iodcal.write("rules.yaml", "version: [")
    done = lab.iodcal(*arguments)
    assert done.status == 78
    assert done.err.startswith("error: The configuration does not load; the last one that did goes on")
    assert done.out
    assert len(done.out.splitlines()) >= len(healthy.out.splitlines())
    told = lab.iodcal(*arguments, "-o", "json").json
    assert (told["exit"], len(told["faults"])) == (78, 1)
    assert "error" not in told


def test_a_hold_by_the_copy_is_acted_upon_at_once(lab: Lab) -> None:
    lab.sync("11:00")
    lab.iodcal.write("rules.yaml", "version: [")
    at = ("--now", "2026-11-24T11:05:00Z", "-o", "json")
    held = lab.iodcal("hold", "den-a", "1", "Gbps", "--for", "1h", "--sync", *at)
    assert (held.status, held.json["exit"], held.json["sync"]["exit"]) == (78, 78, 78)
    assert [order["outcome"] for order in held.json["sync"]["orders"]] == ["accepted"]


def test_what_ends_a_command_by_the_copy_is_told_with_the_status_of_the_configuration(lab: Lab) -> None:
    lab.sync("11:00")
    lab.iodcal.write("rules.yaml", "version: [")
    (lab.iodcal.folder / "state" / "state.json").write_text('{"version": 99}')
    done = lab.iodcal("status", "-o", "json")
    assert (done.status, done.json["exit"], done.json["error"]["code"]) == (78, 78, "too_new")
    assert done.json["faults"]
    slip = lab.iodcal("status", "--circuit", "den-b", "-o", "json")
    assert (slip.status, slip.json["error"]["code"]) == (2, "no_such_circuit")


def test_previews_show_what_is_wrong_and_use_no_copy(lab: Lab) -> None:
    lab.sync("11:00")
    lab.iodcal.write("rules.yaml", "version: [")
    for command in ("plan", "check"):
        done = lab.iodcal(command)
        assert (done.status, done.out) == (78, "")


def test_without_a_copy_nothing_is_done(lab: Lab) -> None:
    lab.iodcal.write("rules.yaml", "version: [")
    done = lab.iodcal("sync", "-o", "json")
    assert (done.status, json.loads(done.out)["exit"]) == (78, 78)


def test_a_copy_that_somebody_tampered_with_is_no_copy(lab: Lab) -> None:
    lab.sync("11:00")
    (copy,) = (lab.iodcal.folder / "home" / ".local" / "state" / "iodcal").glob("last-good-*.yaml")
    copy.rename(copy.with_name("elsewhere.yaml"))
    copy.symlink_to(copy.with_name("elsewhere.yaml"))
    lab.iodcal.write("rules.yaml", "version: [")
    assert "error" in json.loads(lab.iodcal("sync", "-o", "json").out)


def test_a_command_that_others_may_have_written_is_not_run_from_the_copy_either(lab: Lab) -> None:
    rules = lab.iodcal.folder / "rules.yaml"
    good = rules.read_text().replace("{ics: calendar.ics}", "{ics: {command: touch planted}}")
    rules.write_text(good)
    rules.chmod(0o664)
    assert [problem["kind"] for problem in lab.sync("11:00")["problems"]] == ["calendar_unreadable"]
    rules.write_text("version: [")
    rules.chmod(0o644)
    assert lab.sync("11:05")["exit"] == 78
    assert not (lab.iodcal.folder / "planted").exists()
    rules.write_text(good)
    lab.sync("11:10")
    assert (lab.iodcal.folder / "planted").exists()
    (copy,) = (lab.iodcal.folder / "home" / ".local" / "state" / "iodcal").glob("last-good-*.yaml")
    assert "writable" not in copy.name
