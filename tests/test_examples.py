"""The examples fit together, and fit the program."""

from __future__ import annotations

import configparser
import re
import shlex
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from iodcal.cli.app import COMMANDS, application
from iodcal.config.forms import secrets_in
from iodcal.config.load import load_configuration
from iodcal.domain.durations import parse_duration
from iodcal.metrics.families import FAMILIES
from iodcal.problems.kinds import Kind
from tests.e2e.command import ROOT

EXAMPLES = ROOT / "examples"
RULES = EXAMPLES / "lumen.yaml"


class _Unit(configparser.RawConfigParser):
    """A unit's keys may stand more than once."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def unit(name: str) -> _Unit:
    found = _Unit(strict=False)
    found.read_string((EXAMPLES / "systemd" / name).read_text(encoding="utf-8"))
    return found


def every() -> timedelta:
    return load_configuration(RULES).settings.every


def test_the_timer_is_as_quick_as_the_configuration_says() -> None:
    timer = unit("iodcal.timer")["Timer"]
    delay = parse_duration(timer["RandomizedDelaySec"])
    period = re.fullmatch(r"\*:0/(\d+)", timer["OnCalendar"])
    assert period is not None
    assert delay <= every() / 10
    assert timedelta(minutes=int(period[1])) + delay <= every()
    assert 60 % int(period[1]) == 0  # else the last gap of the hour is another one


def test_the_service_leaves_an_order_the_time_it_needs() -> None:
    service = unit("iodcal.service")["Service"]
    assert service["Type"] == "oneshot"
    assert service["SuccessExitStatus"] == "75"
    assert service["TimeoutStartSec"] == "5min"
    assert service["TimeoutStopSec"] == "60s"  # 5 s to connect and 20 s to answer, and to spare
    assert "Restart" not in service


def test_the_service_loads_the_credentials_that_the_configuration_names() -> None:
    text = (EXAMPLES / "systemd" / "iodcal.service").read_text(encoding="utf-8")
    loaded = set(re.findall(r"^LoadCredential=([\w-]+):", text, flags=re.MULTILINE))
    configuration = load_configuration(RULES)
    holders = [carrier.options for carrier in configuration.carriers.values()]
    holders += [calendar.context.shared for calendar in configuration.calendars.values()]
    secrets = (secret for holder in holders for _, secret in secrets_in(holder))
    named = {one.name for secret in secrets for one in secret.references if one.kind == "credential"}
    assert loaded == named


@pytest.mark.parametrize("name", ["iodcal.service", "iodcal.timer"])
def test_a_reason_stands_beside_every_line(name: str) -> None:
    """A comment above each setting, or above the group of settings that it is about."""
    text = (EXAMPLES / "systemd" / name).read_text(encoding="utf-8")
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith("[")]
        told = [line for line in lines if not re.match(r"(Description|Type|ExecStart|WantedBy)=", line)]
        assert not told or told[0].startswith("#"), block


def test_the_alerts_name_metrics_that_there_are() -> None:
    text = (EXAMPLES / "prometheus-alerts.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    rules = [rule for group in document["groups"] for rule in group["rules"]]
    names = {name for rule in rules for name in re.findall(r"iodcal_\w+", rule["expr"])}
    assert names <= {family.name for family in FAMILIES}
    kinds = {
        kind
        for rule in rules
        for told in re.findall(r'kind!?~"([^"]+)"', rule["expr"])
        for kind in told.split("|")
    }
    assert kinds <= set(Kind)
    for rule in rules:
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["remedy"]


def command_line(arguments: str) -> None:
    """Fails if the command has no such option."""
    name, known = next(word for word in arguments.split() if word in COMMANDS), set[str]()
    command = get_command(application([name])).commands[name]  # type: ignore[attr-defined]  # a group's
    for parameter in command.params:
        known |= set(parameter.opts)
    given = {word for word in arguments.split() if word.startswith("--")}
    assert given - known == set(), arguments


def test_sudo_lets_operators_choose_no_file() -> None:
    text = (EXAMPLES / "sudoers").read_text(encoding="utf-8")
    patterns = [re.compile(found) for found in re.findall(r"iodcal (\^.*?\$)", text)]
    assert len(patterns) == 3

    def allowed(arguments: str) -> bool:
        return any(pattern.fullmatch(arguments) for pattern in patterns)

    page = (ROOT / "docs" / "how-to" / "two-in-the-morning.md").read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL))
    told = {*re.findall(r"^iodcal (.*)$", blocks, flags=re.MULTILINE), *re.findall(r"`iodcal ([^`]+)`", page)}
    assert len(told) > 9
    for command in told:
        arguments = " ".join(word for word in shlex.split(command.split(" > ")[0]))
        for form in (arguments, f"--config /etc/iodcal/rules.yaml {arguments}"):
            assert allowed(form), form
            command_line(form)
    for good in (
        "sync",
        "sync --wait 5m",
        "hold den-a 500Mbps --for 2h",
        "release den-a",
        "pause lon-* --for 1h",
    ):
        assert allowed(good)
    for bad in (
        "sync --config /tmp/x",
        "sync -c x",
        "hold den-a 1Gbps --state /tmp/x",
        "sync --wait -cx",
        "--config /tmp/rules.yaml sync",
        "--config /etc/iodcal/rulesXyaml sync",
        "status --state /tmp/x",
        "plan --diff /tmp/x",
        "report --html report.html",
        "hold den-a 1Gbps --for 2h --note -c/tmp/x",
        "forget den-a",
        "init",
    ):
        assert not allowed(bad)


def test_the_crontab_names_its_files() -> None:
    (line,) = [row for row in Path(EXAMPLES / "crontab").read_text().splitlines() if row.startswith("*")]
    assert re.fullmatch(r"\*/5( \*){4}  iodcal  /opt/iodcal/bin/iodcal --config /\S+ sync", line)
