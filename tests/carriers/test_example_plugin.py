"""The carrier in examples/, and the one that 0.1.0 had there: they pass the contract, and are found by their
entry points."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

from iodcal.carriers import CarrierContext
from iodcal.config.json_schema import configuration_schema
from iodcal.config.load import load_configuration
from iodcal.config.parse import section_of
from iodcal.config.plugins import CALENDARS, CARRIERS, load_plugin
from iodcal.domain.bandwidth import Bandwidth
from iodcal.errors import ConfigurationError
from iodcal.plugins.contract import CarrierContract, Harness
from tests.servers.tls import LocalServer, Reply, Request

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "carrier-plugin"
FOLDER = Path(__file__).parent / "plugin_of_0_1_0"
TOKEN = "token-of-the-example"


class RateLimitHarness(Harness):
    service_id = "port-1"
    bandwidth = Bandwidth(100)
    other = Bandwidth(1000)
    unknown_service_id = "port-9"
    provisioning = timedelta(minutes=5)
    secrets = (TOKEN,)

    def __init__(self, folder: Path) -> None:
        self.time = datetime(2026, 11, 24, 12, tzinfo=UTC)
        self.rate, self.target, self.taken_at = 100, 100, None
        self.fault: str | None = None
        self.garbled: bytes | None = None
        self.taken = 0
        self.server = LocalServer(self.answer)
        plugin = load_plugin(CARRIERS, "ratelimit")
        given = {"base_url": self.server.url, "account": "4711", "token": TOKEN}
        context = CarrierContext(folder, self.now, self.provisioning, None)
        self.carrier = plugin.create(section_of(plugin.Options, given), context)

    taken_at: datetime | None

    def answer(self, request: Request) -> Reply:
        if request.path != "/product/port-1" or request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply.of({"message": "not found"}, 404)
        if self.taken_at is not None and self.time >= self.taken_at + self.provisioning:
            self.rate, self.taken_at = self.target, None
        if request.method == "GET" and self.garbled is not None:
            return Reply(body=self.garbled)
        if request.method == "GET":
            status = "LIVE" if self.taken_at is None else "CHANGING"
            return Reply.of({"rateLimit": self.rate, "provisioningStatus": status})
        fault, self.fault = self.fault, None
        if fault == "refuse":
            return Reply.of({"message": "no"}, 403)
        if self.taken_at is not None:
            return Reply.of({"message": "busy"}, 409)
        if fault != "before":
            document: Any = Reply(body=request.body).document
            self.target, self.taken_at, self.taken = document["rateLimit"], self.time, self.taken + 1
        return Reply(dropped=True) if fault else Reply.of({"message": "ok"})

    def now(self) -> datetime:
        return self.time

    def finish(self) -> None:
        self.time += self.provisioning

    def garble(self, body: bytes) -> None:
        self.garbled = body

    def lose_answer(self, *, after_effect: bool) -> None:
        self.fault = "after" if after_effect else "before"

    def refuse(self) -> None:
        self.fault = "refuse"

    def orders(self) -> int:
        return self.taken


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the example of 0.1.0 had been installed: its entry point leads to its module."""
    monkeypatch.delitem(sys.modules, "iodcal_ratelimit", raising=False)
    monkeypatch.syspath_prepend(str(FOLDER))
    point = EntryPoint("ratelimit", "iodcal_ratelimit:plugin", CARRIERS)

    def entry_points(group: str) -> EntryPoints:
        return EntryPoints([point] if group == CARRIERS else [])

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[RateLimitHarness]:
    made = RateLimitHarness(tmp_path)
    with made.server:
        yield made


class TestRateLimit(CarrierContract):
    pass


@pytest.mark.parametrize(
    "arguments", [["-p", "test_ratelimit", "--pyargs", "iodcal.plugins.contract"], ["test_ratelimit.py"]]
)
def test_the_example_passes_as_its_readme_says(tmp_path: Path, arguments: list[str]) -> None:
    for path in EXAMPLE.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    (tmp_path / "pyproject.toml").unlink()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d\d passed", done.stdout.splitlines()[-1]), done.stdout


def test_a_type_that_nobody_registered_is_named() -> None:
    with pytest.raises(ValueError, match=r"'ratelimits' is not a known type; did you mean ratelimit\?"):
        load_plugin(CARRIERS, "ratelimits")


def test_the_example_is_importable() -> None:
    assert importlib.util.find_spec("iodcal_ratelimit") is not None


_MODULE = """\
from typing import Annotated
from iodcal.config.fields import Text, Zone
from iodcal.config.forms import Section

class Plain:
    pass

class Bare(Section, frozen=True):
    name: str

class Twofold(Section, frozen=True):
    place: Text | Zone

class Unknown(Section, frozen=True):
    place: "Nowhere"

class Plugin:
    def __init__(self, options):
        self.Options = options

plain, bare, twofold, unknown, nothing = *map(Plugin, (Plain, Bare, Twofold, Unknown)), object()
"""


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{}:plain", r"does not fit this iodcal: <class '.*\.Plain'> is no iodcal\.config\.forms\.Section"),
        ("{}:bare", r"does not fit this iodcal: <class 'str'> is no form of a value"),
        ("{}:twofold", r"does not fit this iodcal: .* too many forms for one value"),
        ("{}:unknown", r"does not fit this iodcal: name 'Nowhere' is not defined"),
        ("{}:nothing", r"does not fit this iodcal: 'object' object has no attribute 'Options'"),
        ("{}:absent", r"cannot be imported: AttributeError: "),
        ("{}_gone:plugin", r"cannot be imported: ModuleNotFoundError: "),
        ("{}_broken:plugin", r"cannot be imported: SyntaxError: "),
    ],
)
def test_a_plug_in_that_is_not_fit_is_no_bug_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, message: str
) -> None:
    (tmp_path / "unfit_plugin.py").write_text(_MODULE, encoding="utf-8")
    (tmp_path / "unfit_plugin_broken.py").write_text("class", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    point = EntryPoint("unfit", value.format("unfit_plugin"), CARRIERS)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: EntryPoints([point]))  # noqa: ARG005
    text = "version: 1\ntimezone: UTC\ncarriers:\n  x: {type: unfit}\n"
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load_configuration(tmp_path / "rules.yaml")
    (fault,) = raised.value.faults
    assert (fault.line, fault.path) == (4, "carriers.x.type")
    assert re.match(rf"the plug-in {point.value} {message}", fault.message)
    with pytest.raises(ConfigurationError) as raised:
        configuration_schema({CALENDARS: [], CARRIERS: ["unfit"]})
    assert [fault.path for fault in raised.value.faults] == ["iodcal.carriers.unfit"]
