"""What counts as a timer: in the system's own folders, made up in a folder of the test's."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from iodcal.config.load import load_configuration
from iodcal.doctor import DoctorContext
from iodcal.doctor.host import examine_timer
from iodcal.http import Deadline
from tests.e2e.command import ROOT

SERVICE = "[Service]\nExecStart=/opt/iodcal/bin/iodcal --config /etc/iodcal/rules.yaml sync\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def found(root: Path) -> list[tuple[str, str]]:
    now, deadline = datetime.now(UTC), Deadline.after(60)
    patient = DoctorContext(
        load_configuration(ROOT / "rules.yaml"), root / "state.json", now, deadline, lambda _text: None, root
    )
    return [(finding.code, str(finding.light)) for finding in examine_timer(patient)]


def test_nothing_to_be_seen_is_only_information(root: Path) -> None:
    assert found(root) == [("timer_unseen", "info")]


@pytest.mark.parametrize(
    "place", ["etc/crontab", "etc/cron.d/iodcal", "var/spool/cron/crontabs/iodcal", "var/spool/cron/iodcal"]
)
def test_a_line_of_a_crontab(root: Path, place: str) -> None:
    write(root / place, "SHELL=/bin/sh\n*/5 * * * * iodcal iodcal sync -c /etc/iodcal/rules.yaml\n")
    assert found(root) == [("timer_cron", "green")]


@pytest.mark.parametrize("text", ["# */5 * * * * iodcal sync\n", "*/5 * * * * iodcal plan\n", "\n", ""])
def test_what_is_no_such_line(root: Path, text: str) -> None:
    write(root / "etc/crontab", text)
    assert found(root) == [("timer_unseen", "info")]


def test_the_crontab_of_this_user(root: Path) -> None:
    write(root / "bin/crontab", "#!/bin/sh\necho '*/5 * * * * iodcal sync'\n").chmod(0o755)
    assert found(root) == [("timer_cron", "green")]


@pytest.mark.parametrize("folder", ["etc/systemd/system", "usr/lib/systemd/system"])
def test_a_systemd_timer_counts_once_it_is_enabled(root: Path, folder: str) -> None:
    timer = write(root / folder / "iodcal.timer", "[Timer]\nOnCalendar=*:0/5\n")
    write(root / folder / "iodcal.service", SERVICE)
    assert found(root) == [("timer_disabled", "yellow")]
    wants = root / "etc/systemd/system/timers.target.wants"
    wants.mkdir(parents=True)
    (wants / "iodcal.timer").symlink_to(timer)
    assert found(root) == [("timer_systemd", "green")]


def test_the_examples_are_found_where_the_guides_put_them(root: Path) -> None:
    crontab = (ROOT / "examples" / "crontab").read_text(encoding="utf-8")
    place = write(root / "etc/cron.d/iodcal", crontab)
    assert found(root) == [("timer_cron", "green")]
    place.unlink()
    units = root / "etc/systemd/system"
    for name in ("iodcal.service", "iodcal.timer"):
        write(units / name, (ROOT / "examples" / "systemd" / name).read_text(encoding="utf-8"))
    assert found(root) == [("timer_disabled", "yellow")]
    (units / "timers.target.wants").mkdir()
    (units / "timers.target.wants" / "iodcal.timer").symlink_to(units / "iodcal.timer")
    assert found(root) == [("timer_systemd", "green")]


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (
            "[Service]\nExecStart=/opt/iodcal/bin/iodcal \\\n  --config /etc/iodcal/rules.yaml \\\n  sync\n",
            True,
        ),
        ("[Service]\nExecStart = /usr/bin/python3 -m iodcal sync\n", True),
        ("[Unit]\nDescription=shows what iodcal sync would do\n[Service]\nExecStart=iodcal plan\n", False),
        ("[Service]\n#ExecStart=/opt/iodcal/bin/iodcal sync\nExecStart=/bin/true\n", False),
    ],
)
def test_only_what_a_service_starts_counts(root: Path, service: str, *, expected: bool) -> None:
    write(root / "etc/systemd/system/iodcal.timer", "[Timer]\nOnCalendar=*:0/5\n")
    write(root / "etc/systemd/system/iodcal.service", service)
    assert (found(root) == [("timer_disabled", "yellow")]) is expected


def test_a_service_need_not_lie_beside_its_timer(root: Path) -> None:
    write(root / "etc/systemd/system/iodcal.timer", "[Timer]\nOnCalendar=*:0/5\n")
    write(root / "usr/lib/systemd/system/iodcal.service", SERVICE)
    assert found(root) == [("timer_disabled", "yellow")]


def test_a_timer_may_name_another_service(root: Path) -> None:
    folder = root / "etc/systemd/system"
    write(folder / "often.timer", "[Timer]\nOnCalendar=*:0/5\nUnit=circuits.service\n")
    write(folder / "circuits.service", SERVICE)
    write(folder / "other.timer", "[Timer]\nOnCalendar=daily\n")
    write(folder / "other.service", "[Service]\nExecStart=/usr/bin/backup\n")
    assert found(root) == [("timer_disabled", "yellow")]


def test_what_cannot_be_read_is_not_seen(root: Path) -> None:
    (root / "etc/cron.d").mkdir(parents=True)
    (root / "etc/cron.d/gone").symlink_to("nowhere")
    (root / "etc/crontab").mkdir()
    assert found(root) == [("timer_unseen", "info")]
