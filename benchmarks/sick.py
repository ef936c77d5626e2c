"""Orders that come to nothing, over a working day, by the real command as processes.

`python -m benchmarks.sick [COMMAND [CASES]]`; COMMAND is the `iodcal` of another version, CASES are
letters such as `ab`. The carrier is the sandbox, its faults switched on in its file; every run is one
`sync --now`, five minutes after the last, from 06:00 to 14:00; the account has twelve changes a day. Cases:
(a) a peak's raise that is accepted and never done; (b) the same for an event, beside a healthy circuit in the
account; (d) a lowering that is refused; (e) a raise that is refused. Told are orders (each after one quote),
runs that make cron send a mail, and minutes for which the healthy circuit is too slow for its event.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from iodcal.domain.bandwidth import Bandwidth

EVERY = timedelta(minutes=5)
HOURS = timedelta(hours=8)
DAY = datetime(2026, 11, 24, 6, tzinfo=UTC)
RULES = """\
version: 1
timezone: UTC
settings: {{state: state.json, organizers: ["@contoso.example"]}}
calendars:
  noc: {{ics: noc.ics}}
carriers:
  lab: {{type: sandbox, file: sandbox.json, provisioning: 10m, changes_per_day: 12}}
circuits:
  den-a: {{carrier: lab, service_id: a, tiers: [100 Mbps, 1 Gbps], baseline: {baseline}}}
  lon-a: {{carrier: lab, service_id: b, tiers: [100 Mbps, 1 Gbps], baseline: {{off_peak: 100 Mbps}}}}
rules:
  - {{name: den, calendars: [noc], match: {{subject: Den}}, circuits: [den-a], bandwidth: 1 Gbps}}
  - {{name: lon, calendars: [noc], match: {{subject: Lon}}, circuits: [lon-a], bandwidth: 1 Gbps}}
"""
QUIET = "{off_peak: 100 Mbps}"
PEAK = '{off_peak: 100 Mbps, peaks: [{days: mon-sun, from: "07:30", to: "18:30", bandwidth: 1 Gbps}]}'


@dataclass(frozen=True)
class SickCase:
    """`events` are title, start and end in hours of the day; `faults` are switched on for den-a at an
    hour."""

    name: str
    events: tuple[tuple[str, float, float], ...]
    faults: dict[str, Any]
    faults_at: float = 0
    baseline: str = QUIET


CASES = (
    SickCase("a, a peak's raise is never done", (), {"fail": True}, baseline=PEAK),
    SickCase("b, one sick, one well", (("Den", 7, 30), ("Lon", 12.5, 13.5)), {"fail": True}),
    SickCase("d, a lowering is refused", (("Den", 7, 9),), {"refuse": "not today"}, faults_at=8),
    SickCase("e, a raise is refused", (("Den", 7, 30),), {"refuse": "no capacity"}),
)


def calendar(case: SickCase) -> str:
    """The case's events as iCalendar."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//bench//EN"]
    for number, (title, start, end) in enumerate(case.events):
        first, last = (_at(hour).strftime("%Y%m%dT%H%M%SZ") for hour in (start, end))
        lines += ["BEGIN:VEVENT", f"UID:{number}", "DTSTAMP:20260101T000000Z", f"DTSTART:{first}"]
        lines += [f"DTEND:{last}", f"SUMMARY:{title}", "ORGANIZER:mailto:noc@contoso.example", "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def _at(hour: float) -> datetime:
    return DAY.replace(hour=0) + timedelta(hours=hour)


def play(case: SickCase, command: str) -> tuple[int, int, int]:
    """Orders, runs with a mail, and late minutes of the circuit that is well."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "rules.yaml").write_text(RULES.format(baseline=case.baseline))
        (folder / "noc.ics").write_bytes(calendar(case).encode())
        mails = late = 0
        now, end = DAY, DAY + HOURS
        while now < end:
            if now == _at(max(case.faults_at, 6)):
                _switch_on(folder / "sandbox.json", case.faults)
            done = subprocess.run(
                [command, "sync", "--config", "rules.yaml", "--now", f"{now:%Y-%m-%dT%H:%M:%SZ}"],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode not in (0, 3):
                raise SystemExit(f"{case.name}: {done.returncode} {done.stderr[:300]}")
            mails += bool(done.stdout or done.stderr)
            needs = any(
                title == "Lon" and _at(first) <= now < _at(last) for title, first, last in case.events
            )
            late += 5 * (needs and _bandwidth(folder / "sandbox.json", now) < 1000)
            now += EVERY
        return _orders(folder / "history.jsonl"), mails, late


def _switch_on(path: Path, faults: dict[str, Any]) -> None:
    book: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"circuits": {}}
    book.setdefault("circuits", {}).setdefault("a", {"bandwidth": "100 Mbps"})["faults"] = faults
    path.write_text(json.dumps(book))


def _bandwidth(path: Path, now: datetime) -> int:
    line = json.loads(path.read_text())["circuits"].get("b", {"bandwidth": "100 Mbps"})
    pending = line.get("pending")
    done = pending is not None and datetime.fromisoformat(pending["active_at"]) <= now
    return Bandwidth.parse(pending["to"] if done else line["bandwidth"]).mbps


def _orders(path: Path) -> int:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return sum(one["kind"] == "order" and one["order"]["outcome"] == "sending" for one in lines)


def main() -> None:
    """Plays the cases and prints a line for each."""
    command = sys.argv[1] if len(sys.argv) > 1 else str(Path(sys.executable).with_name("iodcal"))
    chosen = sys.argv[2] if len(sys.argv) > 2 else "abde"
    print("orders (= quotes), runs with a mail, late minutes of the circuit that is well")
    for case in (case for case in CASES if case.name[0] in chosen):
        orders, mails, late = play(case, command)
        print(f"{case.name}: {orders}, {mails}, {late}", flush=True)


if __name__ == "__main__":
    main()
