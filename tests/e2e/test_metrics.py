"""The metrics file of the real command, read with Prometheus' own parser."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.conftest import LON, World
from tests.e2e.test_exits import HOLD
from tests.servers.faults import html

Labels = tuple[tuple[str, str], ...]

NAME = "Contoso, Ltd"


def configure(world: World, where: str = "prom/iodcal.prom") -> Path:
    rules = (world.iodcal.folder / "rules.yaml").read_text()
    world.iodcal.write(
        "rules.yaml", rules.replace("settings:\n", f"settings:\n  name: {NAME}\n  metrics_file: {where}\n", 1)
    )
    (world.iodcal.folder / "prom").mkdir(exist_ok=True)
    return world.iodcal.folder / where


def read(path: Path) -> dict[str, dict[Labels, float]]:
    """The values by name and labels."""
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
        assert family.documentation
        assert family.type == "gauge"
        for sample in family.samples:
            assert sample.labels.pop("installation") == NAME
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def one(metrics: dict[str, dict[Labels, float]], name: str, **labels: str) -> float:
    return metrics[f"iodcal_{name}"][tuple(sorted(labels.items()))]


def test_a_run_exports_what_it_knows(world: World) -> None:
    path = configure(world)
    world.meeting("All-Hands", 20, 60)
    before = datetime.now(UTC).timestamp()
    assert world.iodcal("sync").status == 0
    metrics = read(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [file.name for file in path.parent.iterdir()] == ["iodcal.prom"]
    assert one(metrics, "last_run_exit_status") == 0
    assert before <= one(metrics, "last_success_timestamp_seconds") <= datetime.now(UTC).timestamp()
    assert one(metrics, "last_success_timestamp_seconds") == one(metrics, "last_run_timestamp_seconds")
    assert one(metrics, "every_seconds") == 300
    assert one(metrics, "circuit_ordered_bits_per_second", circuit="den-a") == 1e9
    assert one(metrics, "circuit_target_bits_per_second", circuit="den-a") == 1e9
    assert one(metrics, "circuit_observed_bits_per_second", circuit="den-a") == 1e8
    assert one(metrics, "circuit_open_orders", circuit="den-a") == 1
    assert one(metrics, "circuit_open_orders", circuit="lon-a") == 0
    about = {"circuit": "lon-a", "carrier": "lumen", "service_id": LON, "site": "lon", "orders": "all"}
    assert one(metrics, "circuit_info", **about) == 1
    assert set(metrics["iodcal_problems"].values()) == {0}
    assert one(metrics, "problems", kind="event_late", severity="error") == 0
    assert one(metrics, "calendar_remembered", source="noc") == 0
    assert one(metrics, "quota_changes_left", carrier="lumen", account="1-ABCDE") == 23

    world.ahead = timedelta(minutes=8)
    world.iodcal("sync")
    metrics = read(path)
    left = one(metrics, "circuit_lead_left_seconds", circuit="den-a")
    assert 0 < left <= 20 * 60
    assert one(metrics, "circuit_open_orders", circuit="den-a") == 0
    assert "iodcal_circuit_open_order_timestamp_seconds" not in metrics


def test_problems_and_remembered_calendars_are_counted(world: World) -> None:
    path = configure(world)
    world.iodcal("sync")
    first = read(path)
    world.graph.script("noc@contoso.example", [html(503)] * 4)
    assert world.iodcal("sync").status == 3
    metrics = read(path)
    assert one(metrics, "last_run_exit_status") == 3
    assert one(metrics, "problems", kind="calendar_unreadable", severity="error") == 1
    assert one(metrics, "calendar_remembered", source="noc") == 1
    name = "calendar_read_timestamp_seconds"
    assert one(metrics, name, source="noc") == one(first, name, source="noc")
    assert one(metrics, name, source="company") >= one(first, name, source="company")
    assert one(metrics, "last_success_timestamp_seconds") > one(first, "last_success_timestamp_seconds")


def test_a_run_that_came_to_nothing_shows(world: World) -> None:
    path = configure(world)
    world.iodcal("sync")
    good = read(path)
    state = world.iodcal.folder / "state" / "state.json"
    kept = state.read_text()
    state.write_text(kept.replace('"version":3', '"version":99'))
    assert world.iodcal("sync").status == 1
    failed = read(path)
    assert one(failed, "last_run_exit_status") == 1
    assert one(failed, "last_run_timestamp_seconds") > one(good, "last_run_timestamp_seconds")
    assert one(failed, "last_success_timestamp_seconds") == one(good, "last_success_timestamp_seconds")
    assert failed["iodcal_circuit_ordered_bits_per_second"] == good["iodcal_circuit_ordered_bits_per_second"]
    state.write_text(kept)

    lock = state.with_name("state.json.lock")
    command = [sys.executable, "-c", HOLD, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert world.iodcal("sync").status == 75
        assert one(read(path), "last_run_exit_status") == 75
        holder.kill()
    assert world.iodcal("sync").status == 0
    assert one(read(path), "last_run_exit_status") == 0


@pytest.mark.parametrize("copy", [True, False])
def test_a_configuration_that_does_not_load_shows(world: World, copy: bool) -> None:
    path = configure(world)
    world.iodcal("sync")
    good = read(path)
    if not copy:  # not even the last good one does
        for kept in (world.iodcal.folder / "home").rglob("last-good-*"):
            kept.unlink()
    world.iodcal.write("rules.yaml", "version: [")
    assert world.iodcal("sync").status == 78
    failed = read(path)
    assert one(failed, "last_run_exit_status") == 78
    assert one(failed, "last_success_timestamp_seconds") == one(good, "last_success_timestamp_seconds")
    assert one(failed, "last_run_timestamp_seconds") > one(good, "last_run_timestamp_seconds")


def test_a_first_run_that_fails_exports_a_success_that_never_was(world: World) -> None:
    path = configure(world)
    world.iodcal.write("state", "a file where a folder should be")
    assert world.iodcal("sync").status == 1
    assert one(read(path), "last_success_timestamp_seconds") == 0


def test_a_folder_that_cannot_be_written_harms_nobody(world: World) -> None:
    configure(world, "missing/iodcal.prom")
    world.meeting("All-Hands", 20, 60)
    done = world.iodcal("sync", "-o", "json")
    assert done.status == 0
    assert json.loads(done.out)["orders"][0]["outcome"] == "accepted"
    assert "missing/iodcal.prom cannot be written: No such file or directory; the run is unharmed" in done.err
    again = world.iodcal("sync")
    assert (again.status, again.err) == (0, "")  # told once, as any problem is
    (world.iodcal.folder / "missing").mkdir()
    world.iodcal("sync")
    assert (world.iodcal.folder / "missing" / "iodcal.prom").exists()
    assert not (world.iodcal.folder / "state" / "metrics.told").exists()


def test_a_run_of_one_circuit_leaves_the_file_alone(world: World) -> None:
    path = configure(world)
    world.iodcal("sync", "--circuit", "den-a")
    assert not path.exists()


def test_a_hostile_name_stays_a_label(world: World) -> None:
    path = configure(world)
    rules = (world.iodcal.folder / "rules.yaml").read_text()
    name = 'den"a\\\\ 1'
    hostile = rules.replace("  den-a: {", f"  '{name}': {{").replace("[den-a]", f"['{name}']")
    world.iodcal.write("rules.yaml", hostile)
    world.iodcal("sync")
    assert one(read(path), "circuit_open_orders", circuit=name) == 0
