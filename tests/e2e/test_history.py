"""`iodcal history` as a process: who ordered what, why, by which rules, and what became of it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import pty
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest

from tests.e2e.command import ROOT, Done, Iodcal
from tests.e2e.test_sandbox import CALENDAR, Lab

PRIVATE = CALENDAR.replace("SUMMARY:", "CLASS:PRIVATE\nSUMMARY:")


@pytest.fixture
def lab(iodcal: Iodcal) -> Lab:
    return Lab(iodcal)


def label(lab: Lab) -> None:
    rules = lab.iodcal.folder / "rules.yaml"
    text = rules.read_text().replace(
        "    carrier: lab\n", "    carrier: lab\n    labels: {cost_center: '=4711'}\n"
    )
    rules.write_text(text.replace("bandwidth: highest", "bandwidth: highest, labels: {change_ref: CHG7}"))


def entries(lab: Lab, *arguments: str) -> Any:
    return lab.iodcal("history", "-o", "json", *arguments).json["entries"]


def as_a_person(lab: Lab, *arguments: str, **environment: str) -> None:
    """Runs the command with a terminal on standard input only: its output goes into a pipe."""
    leader, follower = pty.openpty()
    with closing(os.fdopen(leader, "rb", buffering=0)):
        subprocess.run(
            [sys.executable, "-m", "iodcal", *arguments],
            cwd=lab.iodcal.folder,
            env={"PATH": os.environ["PATH"], "HOME": "/nowhere", "PYTHONPATH": str(ROOT), **environment},
            stdin=follower,
            capture_output=True,
            check=True,
            timeout=120,
        )
        os.close(follower)


def test_an_auditor_finds_all_of_an_order(lab: Lab) -> None:
    label(lab)
    taken = lab.sync("11:56")["orders"][0]
    as_a_person(lab, "sync", "--now", "2026-11-24T11:58:00Z", SUDO_USER="pat", SUDO_UID="1004")
    (up,) = entries(lab)
    rules = (lab.iodcal.folder / "rules.yaml").read_bytes()
    told = {
        "kind": "order", "circuit": "den-a", "direction": "up", "from_mbps": 100, "to_mbps": 1000,
        "outcome": "confirmed", "settled_at": "2026-11-24T11:58:00Z", "at": "2026-11-24T11:56:00Z",
        "order_id": taken["order_id"], "external_id": taken["external_id"], "iodcal_version": "0.1.0",
        "rules_digest": "sha256:" + hashlib.sha256(rules).hexdigest(), "labels": {"cost_center": "=4711"},
    }  # fmt: skip
    assert {key: up[key] for key in told} == told
    assert up["by"]["kind"] == "timer"
    assert up["transitions"][-1]["by"] == {"kind": "person", "user": "pat", "uid": 1004}
    assert up["transitions"][0]["run_id"] == up["run_id"] != up["transitions"][-1]["run_id"]
    (cause,) = up["causes"]
    assert (cause["subject"], cause["rule"], cause["labels"]) == (
        "All-Hands",
        "Calls",
        {"change_ref": "CHG7"},
    )


def test_what_would_have_been_ordered_is_there_with_its_event(lab: Lab) -> None:
    lab.configure(orders="none")
    lab.sync("12:00")
    lab.sync("12:05")
    (change,) = entries(lab, "--outcome", "observe")
    assert (change["kind"], change["outcome"], change["to_mbps"]) == ("change", "held", 1000)
    assert change["causes"][0]["subject"] == "All-Hands"
    shown = lab.iodcal("history", NO_COLOR="1")
    assert "up 100 Mbps to 1 Gbps  only observed (orders: none)" in shown.out
    assert shown.err == ""


def test_a_private_title_is_nowhere(lab: Lab) -> None:
    lab.iodcal.write("calendar.ics", PRIVATE)
    lab.sync("11:56")
    outputs = [lab.iodcal("history", "--all", "-o", form).out for form in ("table", "json", "csv")]
    assert "All-Hands" not in "".join(outputs)
    assert "event of Calls" in outputs[0]
    assert "All-Hands" not in (lab.iodcal.folder / "state" / "history.jsonl").read_text()


def test_a_title_hidden_since_is_hidden_from_then_on(lab: Lab) -> None:
    lab.sync("11:56")
    assert entries(lab)[0]["causes"][0]["subject"] == "All-Hands"
    rules = lab.iodcal.folder / "rules.yaml"
    rules.write_text(rules.read_text().replace("{ics: calendar.ics}", "{ics: calendar.ics, subjects: hide}"))
    assert entries(lab)[0]["causes"][0]["subject"] is None


def test_the_csv_goes_into_a_spreadsheet_and_is_never_a_formula(lab: Lab) -> None:
    label(lab)
    lab.iodcal.write("calendar.ics", CALENDAR.replace("SUMMARY:", "SUMMARY:=cmd() "))
    lab.sync("11:56")
    done = lab.iodcal("history", "-o", "csv")
    (row,) = csv.DictReader(io.StringIO(done.out))
    assert (row["circuit"], row["to_mbps"], row["causes"]) == ("den-a", "1000", "'=cmd() All-Hands")
    assert (row["labels"], row["rule_labels"]) == ("cost_center==4711", "change_ref=CHG7")


def test_lines_that_cannot_be_read_are_counted_and_stop_nothing(lab: Lab) -> None:
    lab.sync("11:56")
    with (lab.iodcal.folder / "state" / "history.jsonl").open("a") as file:
        file.write('{"kind": "tor\n\n{"kind": "order"}\n')
    done = lab.iodcal("history", "-o", "json")
    assert (done.status, done.json["unreadable_lines"], len(done.json["entries"])) == (0, 3, 1)
    assert done.err == "warning: 3 lines of the history cannot be read and are not shown\n"


def test_an_order_that_settles_while_waited_for_is_settled_in_the_history(lab: Lab) -> None:
    rules = lab.iodcal.folder / "rules.yaml"
    rules.write_text(rules.read_text().replace("provisioning: 2m", "provisioning: 1s"))
    raised = {"circuits": {"77000000001": {"bandwidth": "1 Gbps"}}}
    (lab.iodcal.folder / "sandbox.json").write_text(json.dumps(raised))
    assert lab.iodcal("sync", "--wait", "50s").status == 0
    (down,) = entries(lab)
    assert (down["direction"], down["outcome"]) == ("down", "confirmed")


@pytest.mark.parametrize("command", ["sync", "plan", "status", "check"])
def test_a_command_without_csv_says_so(lab: Lab, command: str) -> None:
    done = lab.iodcal(command, "-o", "csv")
    assert (done.status, done.out) == (2, "")
    assert done.err == f"iodcal: iodcal {command} has no CSV. Leave -o csv out, or use -o json\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--circuit", "den-b"],
            "There is no circuit den-b. Did you mean den-a? The configuration has: den-a",
        ),
        (["--outcome", "confirmd"], "did you mean confirmed?"),
        (["--from", "soon"], "'soon' is not a time such as"),
        (["--since", "1 week"], "'1 week' is not a duration such as"),
        (["--since", "1h", "--from", "12:00"], "--from and --since both say where to begin"),
    ],
)
def test_wrong_questions_are_usage_errors(lab: Lab, arguments: list[str], message: str) -> None:
    done: Done = lab.iodcal("history", *arguments)
    assert done.status == 2
    assert message in done.err
