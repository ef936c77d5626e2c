"""`iodcal advise`, and what `report` says of use, as a user runs them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.command import Iodcal
from tests.servers.tls import LocalServer, Reply, Request

FIRST = datetime(2026, 10, 5, 6, tzinfo=UTC)  # a Monday, midnight in Denver
DAYS = 28
RANGE = ("--from", "2026-10-05", "--to", "2026-11-02", "--every", "1h")
RULES = """\
version: 1
timezone: America/Denver
settings: {state: state/state.json}
calendars:
  company: {ics: calendar.ics}
  board: {ics: board.ics, subjects: hide}
carriers:
  lab: {type: sandbox, file: sandbox.json, rates: {100 Mbps: 0.4, 500 Mbps: 0.8, 1 Gbps: 1.2}}
baselines:
  office:  # shared
    off_peak: 100 Mbps
    peaks:
      - {days: mon-fri, from: "07:30", to: "18:30", bandwidth: 500 Mbps}  # office hours
defaults:
  circuit: {carrier: lab, tiers: [100 Mbps, 500 Mbps, 1 Gbps], baseline: office}
circuits:
  den-a: {service_id: "1"}
  den-b: {service_id: "2"}
rules:
  # The town halls are streamed.
  - name: Town halls
    calendars: [company]
    match: {subject: Town Hall}
    circuits: [den-a]
    bandwidth: highest  # to be sure
  - {name: Board, calendars: [board], match: {subject: Board}, circuits: [den-b], bandwidth: 1 Gbps}
"""


def calendar(*events: tuple[str, datetime]) -> str:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN"]
    for number, (title, start) in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{title}{number}", "DTSTAMP:20260101T000000Z", f"SUMMARY:{title}"]
        lines += [f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{start + timedelta(hours=1):%Y%m%dT%H%M%SZ}"]
        lines += ["END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def town_halls() -> list[datetime]:
    """Every Tuesday and Thursday at ten."""
    return [FIRST + timedelta(days=day, hours=10) for day in range(DAYS) if day % 7 in (1, 3)]


def launches() -> list[datetime]:
    """Every Wednesday at two, and no rule takes them."""
    return [FIRST + timedelta(days=day, hours=14) for day in range(DAYS) if day % 7 == 2]


def used(circuit: str, at: datetime) -> float:
    """Mbps. Of den-a town halls take 300, launches all there is, office hours 290, and nights 80."""
    local = at - timedelta(hours=6)
    if circuit == "den-a" and any(start <= at < start + timedelta(hours=1) for start in launches()):
        return 495
    if circuit == "den-a" and any(start <= at < start + timedelta(hours=1) for start in town_halls()):
        return 300
    return 290 if local.weekday() < 5 and 7.5 <= local.hour + local.minute / 60 < 18.5 else 80


def usage_file(factor: float = 1e6, skip: str = "") -> str:
    lines = ["circuit,time,in_bps,out_bps"]
    for circuit in ("den-a", "den-b"):
        for number in range(DAYS * 288) if circuit != skip else ():
            at = FIRST + timedelta(minutes=5 * number)
            lines.append(f"{circuit},{at.isoformat()},{used(circuit, at) * factor:.0f},1000000")
    return "\n".join(lines) + "\n"


@pytest.fixture
def office(tmp_path: Path) -> Iodcal:
    iodcal = Iodcal(tmp_path, {"COLUMNS": "80"})
    iodcal.write("rules.yaml", RULES)
    events = [*(("Town Hall", at) for at in town_halls()), *(("Product launch 7", at) for at in launches())]
    iodcal.write("calendar.ics", calendar(*events))
    board = [("Board", FIRST + timedelta(days=2, hours=9)), ("Merger of the year", launches()[0])]
    iodcal.write("board.ics", calendar(*board))
    iodcal.write("use.csv", usage_file())
    return iodcal


def advise(office: Iodcal, *more: str, width: str = "80") -> str:
    done = office("advise", "--usage", "use.csv", *RANGE, *more, COLUMNS=width)
    assert (done.status, done.err) == (0, "")
    return done.out


def test_it_says_what_the_weeks_teach_with_figures_and_edits(office: Iodcal) -> None:
    before = {path.name: path.read_bytes() for path in office.folder.glob("*.*")}
    text = advise(office)
    joined = " ".join(text.split())
    assert '"Product launch": no rule takes it, and den-a was full. 1 Gbps costs' in joined
    assert "Town halls: highest (1 Gbps) was never needed. 500 Mbps saves" in joined
    assert "8 events, all measured; that the next one tops them all has a chance of 1 in 9" in joined
    assert "-    bandwidth: highest  # to be sure\n+    bandwidth: 500 Mbps  # to be sure" in text
    assert "none late; never below what was used" in joined
    assert "Board: 1 of 1 events are measured; 3 are needed before less is advised" in joined
    assert "Merger" not in text  # its calendar hides subjects
    assert {path.name: path.read_bytes() for path in office.folder.glob("*.*")} == before


@pytest.mark.parametrize("width", ["60", "80", "120"])
def test_it_fits(office: Iodcal, width: str) -> None:
    lines = advise(office, width=width).splitlines()
    assert [line for line in lines if len(line) > int(width) and line[:1] not in "+- "] == []
    assert [line for line in lines if line.endswith(" ")] == []


def test_its_text_is_a_patch(office: Iodcal) -> None:
    text = advise(office)
    patched = subprocess.run(
        ["patch", "rules.yaml"], input=text, cwd=office.folder, capture_output=True, text=True, check=False
    )
    assert patched.returncode == 0, patched.stdout
    assert office("check").status == 0
    rules = (office.folder / "rules.yaml").read_text()
    assert "  # The town halls are streamed." in rules
    assert "name: Product launch" in rules
    again = office("advise", "--usage", "use.csv", *RANGE, "-o", "json").json
    kinds = {one["kind"] for one in again["advice"] if one["where"] in ("Town halls", "Product launch")}
    assert kinds <= {"lead_too_long", "trail_too_long"}  # of what was found before nothing is left


def test_json_holds_the_evidence(office: Iodcal) -> None:
    result = office("advise", "--usage", "use.csv", *RANGE, "-o", "json").json
    assert (result["command"], result["exit"], result["headroom"]) == ("advise", 0, 0.25)
    halls = next(one for one in result["advice"] if one["where"] == "Town halls")
    assert (halls["kind"], halls["old"], halls["new"]) == ("tier_not_needed", "highest", "500 Mbps")
    (evidence,) = halls["evidence"]
    assert (evidence["asked_mbps"], evidence["highest_mbps"], evidence["subject"]) == (1000, 300, "Town Hall")
    assert halls["needed_mbps"] == 375
    assert float(halls["rehearsal"]["monthly_saving"]) > 0
    assert halls["rehearsal"]["late_after"] == halls["rehearsal"]["short_seconds_after"] == 0
    launch = next(one for one in result["advice"] if one["kind"] == "rule_missing")
    assert [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in launches()] == launch["evidence"][0]["full_on"]


def test_headroom_counts(office: Iodcal) -> None:
    assert "Town halls: highest (1 Gbps) was never needed" not in advise(office, "--headroom", "0.7")


def test_a_circuit_of_which_nothing_is_known_keeps_a_shared_baseline(office: Iodcal) -> None:
    office.write("use.csv", usage_file(skip="den-b"))
    joined = " ".join(advise(office).split())
    assert "baseline office: nothing is known of the use of den-b, which it also concerns" in joined
    assert "Nothing says how much den-b carried" in joined


def test_another_unit_is_told_and_no_advice_built_on_it(office: Iodcal) -> None:
    office.write("use.csv", usage_file(factor=1e8))
    joined = " ".join(advise(office).split())
    assert "Use of den-a is not known: 49.50 Gbps are 50 times the highest tier (1 Gbps)" in joined
    assert "Nothing can be advised." in joined


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("circuit,time\nden-a,2026-10-05T00:00:00Z\n", "usage_file_columns"),
        ("circuit,time,in_bps\nden-a,noon,5\n", "usage_file_line"),
        ("circuit,time,in_bps\nden-a,2026-10-05T00:00:00,5\n", "usage_file_line"),
        ("circuit,time,in_bps\nden-a,2026-10-05T00:00:00Z,fast\n", "usage_file_line"),
    ],
)
def test_a_file_that_is_none_is_told_with_its_line(office: Iodcal, text: str, code: str) -> None:
    office.write("use.csv", text)
    done = office("advise", "--usage", "use.csv", *RANGE, "-o", "json")
    assert (done.status, done.json["error"]["code"]) == (1, code)
    assert "use.csv" in done.json["error"]["message"]


def test_without_anything_that_tells_of_use_it_says_what_is_missing(office: Iodcal) -> None:
    done = office("advise", *RANGE, "-o", "json")
    assert (done.status, done.json["error"]["code"]) == (2, "no_usage")


@pytest.fixture
def hostile(office: Iodcal) -> Iterator[tuple[Iodcal, list[Request]]]:
    """A server that answers every query with 422, which the rules name for both circuits."""
    seen: list[Request] = []

    def answer(request: Request) -> Reply:
        seen.append(request)
        return Reply.of({"status": "error", "error": "query processing would load too many samples"}, 422)

    with LocalServer(answer) as server:
        usage = f"usage: {{url: {server.url}, in: 'rate(octets{{name=\"{{circuit}}\"}}[5m])'}}\n"
        office.write("rules.yaml", RULES + usage)
        yield office, seen


def test_a_run_never_asks_how_much_was_used(hostile: tuple[Iodcal, list[Request]]) -> None:
    office, seen = hostile
    for command in ("plan", "sync", "status", "history", "check"):
        assert office(command).status in (0, 3)
    assert seen == []


def test_what_a_server_says_of_all_circuits_is_told_once(hostile: tuple[Iodcal, list[Request]]) -> None:
    office, seen = hostile
    office("sync")
    done = office("report", "-o", "json")
    assert done.status == 0
    (trouble,) = done.json["usage"]["troubles"]
    assert (trouble["code"], trouble["circuits"]) == ("usage_query", ["den-a", "den-b"])
    assert "too many samples" in trouble["message"]
    assert len([note for note in done.json["notes"] if "samples" in note["message"]]) == 1
    assert 'rate(octets{name="den-a"}[5m])' in {one.query["query"] for one in seen}
    assert office("report").out.count("too many samples") == 1


def test_report_puts_use_beside_what_was_ordered(office: Iodcal) -> None:
    now = ("--now", f"{FIRST:%Y-%m-%dT%H:%M:%SZ}")
    for minutes in range(0, 34 * 60, 30):
        at = FIRST + timedelta(days=1, minutes=minutes - 60)
        assert office("sync", "--now", f"{at:%Y-%m-%dT%H:%M:%SZ}").status == 0
    end = f"{FIRST + timedelta(days=2, hours=8):%Y-%m-%dT%H:%M:%SZ}"
    now = ("--now", end)
    arguments = ("report", "--from", "2026-10-06", "--usage", "use.csv", *now)
    usage = office(*arguments, "-o", "json").json["usage"]
    (event,) = usage["events"]
    assert (event["circuit"], event["rule"], event["subject"]) == ("den-a", "Town halls", "Town Hall")
    assert (event["ordered_mbps"], event["use"]["highest_mbps"], event["use"]["p95_mbps"]) == (1000, 300, 300)
    (rule,) = usage["rules"]
    assert (rule["rule"], rule["events"]) == ("Town halls", 1)
    assert {row["circuit"] for row in usage["circuits"]} == {"den-a", "den-b"}
    text = office(*arguments).out
    assert "Use by event" in text
    assert "300 Mbps" in text
    rows = office(*arguments, "-o", "csv").out
    assert "use_event,Town Hall,den-a" in rows
