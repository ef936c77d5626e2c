"""`iodcal report --from --to`: what virtual days on the sandbox cost, by the real command."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from iodcal.analysis.past import circuit_pasts
from iodcal.domain.bandwidth import Bandwidth
from iodcal.store.lines import read_past
from iodcal.store.log import History
from iodcal.store.rebuild import rebuild
from tests.e2e.browser import Browser, needs_browser
from tests.e2e.command import Iodcal
from tests.e2e.test_report import HOSTILE, Structure
from tests.e2e.test_sandbox import CALENDAR, Lab

RULES = """\
version: 1
timezone: UTC
settings: {state: state/state.json, organizers: ["@contoso.example"], every: 5m}
calendars: {local: {ics: calendar.ics}}
carriers:
  lab:
    {type: sandbox, file: sandbox.json, provisioning: 2m, changes_per_day: 24,
     rates: {100 Mbps: 0.50, 1 Gbps: 1.50}}
circuits:
  den-a:
    {carrier: lab, service_id: "77000000001", tiers: [100 Mbps, 1 Gbps], baseline: {off_peak: 100 Mbps},
     labels: {cost_center: "4711"}}
rules:
  - {name: Calls, calendars: [local], match: {subject: All-Hands}, circuits: all, bandwidth: highest}
"""
SPAN = ("--from", "2026-11-24 10:00", "--to", "2026-11-24 15:00", "--now", "2026-11-24T16:00:00Z")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The All-Hands from 12:30 to 13:30 cost two hours at 1 Gbps: from 11:56 to 13:56."""
    iodcal = Iodcal(tmp_path_factory.mktemp("day"))
    made = Lab(iodcal)
    iodcal.write("rules.yaml", RULES)
    for time in ("10:00", "11:56", "12:00", "12:26", "13:56", "14:00"):
        made.sync(time)
    return made


@pytest.fixture
def lab(day: Lab, tmp_path: Path) -> Lab:
    return day.copied_to(tmp_path / "lab")


def report(lab: Lab, *arguments: str) -> Any:
    done = lab.iodcal("report", "-o", "json", *arguments)
    return done.json


def rewrite(lab: Lab, old: str, new: str) -> None:
    path = lab.iodcal.folder / "rules.yaml"
    path.write_text(path.read_text().replace(old, new))


def test_a_day_in_figures(lab: Lab) -> None:
    found = report(lab, *SPAN)
    assert (found["exit"], found["from"], found["to"]) == (0, "2026-11-24T10:00:00Z", "2026-11-24T15:00:00Z")
    assert found["total"] == {
        "complete": True,
        "hours": [{"mbps": 100, "hours": "3.00"}, {"mbps": 1000, "hours": "2.00"}],
        "unknown_hours": "0.00",
        "bills": [
            {"currency": "USD", "cost": "4.50", "highest": "7.50", "baseline": "2.50", "saved": "3.00",
             "extra": "2.00", "complete": True}
        ],
    }  # fmt: skip
    (rule,), (event,) = found["rules"], found["events"]
    assert (rule["rule"], rule["cost"]["amount"]) == ("Calls", "2.00")
    assert (event["subject"], event["start"], event["circuits"]) == (
        "All-Hands",
        "2026-11-24T12:30:00Z",
        ["den-a"],
    )
    assert found["quota"] == [{"account": "lab", "day": "2026-11-24", "used": 2, "limit": 24}]
    assert found["labels"][0]["bills"] == found["total"]["bills"]
    (served,) = found["service"]["worst_first"]
    assert (served["ready"], served["spare_seconds"], served["reason"]) == (True, 1800, None)
    assert found["notes"] == []


def test_a_late_event_is_told_with_its_reason(lab: Lab) -> None:
    again = CALENDAR.replace("UID:1", "UID:2").replace("T1230", "T1700").replace("T1330", "T1800")
    lab.iodcal.write("calendar.ics", again)
    for time in ("17:05", "17:10"):
        lab.sync(time)
    found = report(lab, "--from", "2026-11-24", "--now", "2026-11-24T18:00:00Z")
    late, ready = found["service"]["worst_first"]
    assert (late["ready"], late["spare_seconds"], late["reason"]) == (False, -600, "open_order")
    assert ready["ready"]
    assert (found["service"]["events"], found["service"]["late"]) == (2, 1)
    text = lab.iodcal("report", "--from", "2026-11-24", "--now", "2026-11-24T18:00:00Z", COLUMNS="80").out
    assert "Service level: 1 of 2 events" in text
    assert "late by 600 s" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_the_csv_has_the_same_figures(lab: Lab) -> None:
    rows = list(csv.DictReader(io.StringIO(lab.iodcal("report", "-o", "csv", *SPAN).out)))
    (total,) = [row for row in rows if row["section"] == "total"]
    assert (total["cost"], total["saved"], total["complete"]) == ("4.50", "3.00", "yes")
    assert {"month", "label", "circuit", "rule", "event", "quota", "service"} <= {
        row["section"] for row in rows
    }
    months = [Decimal(row["cost"]) for row in rows if row["section"] == "month"]
    assert sum(months) == Decimal(total["cost"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "2026-11-25", "--to", "2026-11-24"), "Nothing lies between"),
        (("--from", "2026-13"), "'2026-13' is not a time such as 2026-11, 2026-11-22, '2026-11-22 15:00',"),
        (("--to", "9999-12-31"), "is too far away"),
        (("--from", "2027-01", "--to", "2027-02"), "2027-01-01 00:00 has not come yet"),
        (("--from", "2020-01", "--to", "2020-02"), "The history knows no circuit's bandwidth"),
        (("--circuit", "nix"), "There is no circuit nix"),
        (("--past", "3d"), "do not go together"),
    ],
)
def test_what_cannot_be_looked_back_on(lab: Lab, arguments: tuple[str, ...], said: str) -> None:
    done = lab.iodcal("report", *arguments, "--now", "2026-11-26T00:00:00Z")
    assert done.status == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_without_a_history_there_is_nothing_to_look_back_on(iodcal: Iodcal) -> None:
    Lab(iodcal)
    span = ("--from", "2026-11", "--now", "2026-11-26T00:00:00Z")
    done = iodcal("report", *span)
    assert (done.status, done.err) == (0, "")
    assert "Nothing on record." in done.out
    assert "Note: There is no history beside" in done.out
    assert "cost" not in done.out
    found = iodcal("report", *span, "-o", "json").json
    assert (found["exit"], found["total"]["complete"], found["total"]["hours"]) == (0, False, [])
    assert [note["message"][:26] for note in found["notes"]] == ["There is no history beside"]
    assert ",no," in iodcal("report", *span, "-o", "csv").out
    assert iodcal("report", *span, "--html", "costs.html").status == 0
    assert "There is no history beside" in (iodcal.folder / "costs.html").read_text()


def test_what_the_state_knows_of_now_is_not_taken_for_history(lab: Lab) -> None:
    for path in (lab.iodcal.folder / "state").glob("history*"):
        path.unlink()
    found = report(lab, *SPAN)
    assert (found["total"]["hours"], found["total"]["unknown_hours"]) == ([], "5.00")
    assert len(found["notes"]) == 1


def test_a_month_by_its_name_and_a_history_that_is_not_whole(lab: Lab) -> None:
    with (lab.iodcal.folder / "state" / "history.jsonl").open("a") as file:
        file.write("{torn\n")
    asked = ("--from", "2026-11", "--to", "2026-12", "--now", "2026-11-24T16:00:00Z")
    found = report(lab, *asked)
    assert (found["from"], found["to"]) == ("2026-11-01T00:00:00Z", "2026-11-24T16:00:00Z")
    assert (found["unreadable_lines"], found["total"]["complete"]) == (1, False)
    assert len(found["notes"]) == 2
    assert "at least" in lab.iodcal("report", *asked).out


def test_what_was_before_the_month_is_found_in_older_files(lab: Lab) -> None:
    history = lab.iodcal.folder / "state" / "history.jsonl"
    history.rename(history.with_name("history-2026-11.jsonl"))
    found = report(lab, "--from", "2027-01", "--to", "2027-02", "--now", "2027-02-01T00:00:00Z")
    assert found["total"]["bills"][0]["cost"] == "372.00"
    assert found["total"]["complete"]


def test_a_circuit_that_left_is_told_of(lab: Lab) -> None:
    rewrite(lab, "den-a:", "den-b:")
    rewrite(lab, "77000000001", "77000000002")
    (state,) = lab.iodcal.folder.glob("state/state.json")
    owner = json.loads(state.read_text())["installation"]["name"]
    assert lab.iodcal("adopt", owner).status == 0  # another folder, and no circuit in common
    found = report(lab, *SPAN)
    assert [(one["name"], one["in_configuration"]) for one in found["circuits"]] == [
        ("den-b", True),
        ("den-a", False),
    ]
    assert any("den-a has left the configuration" in note["message"] for note in found["notes"])


def test_a_title_that_is_hidden_now_is_hidden_here(lab: Lab) -> None:
    assert "All-Hands" in lab.iodcal("report", *SPAN).out
    rewrite(lab, "{ics: calendar.ics}", "{ics: calendar.ics, subjects: hide}")
    for more in ((), ("-o", "json"), ("-o", "csv"), ("--html", "-")):
        assert "All-Hands" not in lab.iodcal("report", *SPAN, *more).out


@needs_browser
def test_the_page_opens_in_a_browser(lab: Lab, browser: Browser) -> None:
    done = lab.iodcal("report", *SPAN, "--html", "costs.html")
    assert (done.status, done.out, done.err) == (0, "", "")
    browser.open(lab.iodcal.folder / "costs.html")
    assert browser.complaints() == []
    assert browser.overflow() == 0
    (row,) = browser.run("[...document.querySelectorAll('#cost-1')].map((row) => row.innerText)")
    assert row.split() == ["den-a", "4.50", "USD", "7.50", "3.00", "2.50", "2.00"]
    assert browser.run("document.querySelector('#timeline').checkVisibility()") is False


def test_the_page_needs_nothing_but_itself_and_takes_no_markup(lab: Lab) -> None:
    hostile = CALENDAR.replace("SUMMARY:All-Hands", f"SUMMARY:{HOSTILE}").replace("UID:1", "UID:3")
    lab.iodcal.write("calendar.ics", hostile.replace("T1230", "T1700").replace("T1330", "T1800"))
    for time in ("16:30", "16:40", "18:20"):
        lab.sync(time)
    text = lab.iodcal("report", "--from", "2026-11-24", "--now", "2026-11-24T19:00:00Z", "--html", "-").out
    page = Structure(text)
    assert page.open == []
    assert "alert(1)" in text
    assert page.tags.count("script") == 1
    assert not {"iframe", "img", "object", "form", "use", "image"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert all(value.startswith(("#", "data:")) for name, value in page.attributes if name in ("href", "src"))
    assert "url(" not in text
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def shown_as_past(lab: Lab, now: str) -> list[tuple[str, str]]:
    """When the page's blocks left of now begin, and their Mbps."""
    page = Structure(lab.iodcal("report", "--html", "-", "--now", f"2026-11-24T{now}:00Z").out)
    names = ("title", "data-mbps", "data-start")
    found = [pair for pair in page.attributes if pair[0] in names]
    return [
        (start, mbps)
        for (_, title), (_, mbps), (name, start) in zip(found, found[1:], found[2:], strict=False)
        if title.startswith("was ") and name == "data-start"
    ]


def test_page_and_costs_tell_the_same_of_the_time_before_the_first_reading(iodcal: Iodcal) -> None:
    """The run that reads a circuit for the first time orders at once: of the days before nobody knows."""
    lab = Lab(iodcal)
    iodcal.write("rules.yaml", RULES)
    lab.sync("12:05")
    lab.sync("12:08")
    history = iodcal.folder / "state" / "history.jsonl"
    lines = [json.loads(line) for line in history.read_text().splitlines()]
    for line in lines:  # outside of a test the order is made a moment before this line is written
        if line["kind"] == "reading":
            line["at"] = line["at"].replace("12:05:00Z", "12:05:01Z")
    history.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (first, *_) = shown_as_past(lab, "13:00")
    assert first == ("2026-11-24T12:05:01Z", "100")
    found = report(lab, "--from", "2026-11-21 13:00", "--now", "2026-11-24T13:00:00Z")
    assert found["total"]["unknown_hours"] == "71.08"


def test_page_and_costs_know_nothing_where_there_is_no_history(lab: Lab) -> None:
    for path in (lab.iodcal.folder / "state").glob("history*"):
        path.unlink()
    assert shown_as_past(lab, "16:00") == []
    assert report(lab, *SPAN)["total"]["hours"] == []


def test_page_and_costs_find_what_was_before_in_older_months(lab: Lab) -> None:
    """The page shows three days; the last change lies months before them."""
    history = lab.iodcal.folder / "state" / "history.jsonl"
    history.rename(history.with_name("history-2026-11.jsonl"))
    text = lab.iodcal("report", "--html", "-", "--now", "2027-02-01T00:00:00Z").out
    assert 'title="was 100 Mbps, ' in text
    span = ("--from", "2027-01-29", "--now", "2027-02-01T00:00:00Z")
    assert report(lab, *span)["total"]["unknown_hours"] == "0.00"


def test_a_state_rebuilt_from_the_history_stands_where_its_past_does(lab: Lab) -> None:
    lab.sync("20:30")
    path = lab.iodcal.folder / "sandbox.json"
    path.write_text(json.dumps({"circuits": {"77000000001": {"bandwidth": "1 Gbps"}}}))
    lab.sync("21:30")  # somebody has raised it by hand
    lines = lab.iodcal.history
    past = read_past(History(lab.iodcal.folder / "state" / "history.jsonl"))
    ((key, own),) = circuit_pasts(past, {}).items()
    seen = []
    for moment in dict.fromkeys(line["at"] for line in lines):
        at = datetime.fromisoformat(moment)
        (circuit_state,) = rebuild([line for line in lines if line["at"] <= moment], at).circuits.values()
        seen.append(circuit_state.running)
        assert (circuit_state.key, seen[-1]) == (key, own.shown().at(at))
    assert list(dict.fromkeys(seen)) == [Bandwidth(100), Bandwidth(1000)]
    assert seen[-1] == Bandwidth(1000)


def budgets(done: Any) -> list[tuple[str, str]]:
    return [(one["where"], one["severity"]) for one in done["problems"] if one["kind"] == "budget"]


def test_a_budget_warns_and_blocks_nothing(lab: Lab) -> None:
    rewrite(lab, "rules:\n", "budget: {monthly: 10, label: cost_center}\nrules:\n")
    again = CALENDAR.replace("UID:1", "UID:4").replace("T1230", "T2000").replace("T1330", "T2200")
    lab.iodcal.write("calendar.ics", again)
    assert budgets(lab.sync("15:00")) == []  # 4.50 of 10
    up = lab.sync("19:26")
    assert [order["outcome"] for order in up["orders"]] == ["accepted"]
    assert budgets(up) == []  # 6.72
    warned = lab.sync("21:00")
    assert (budgets(warned), warned["exit"]) == ([("cost_center=4711", "warning")], 0)
    (problem,) = [one for one in warned["problems"] if one["kind"] == "budget"]
    assert "at least" in problem["message"], "nothing is known before the first reading"
    assert "9.07 USD in 2026-11, 90 % of the budget of 10" in problem["message"]
    assert budgets(lab.sync("21:30")) == budgets(warned), "what the hour's first run found stands"
    later = lab.sync("22:05")
    assert "106 % of the budget" in " ".join(one["message"] for one in later["problems"])
    told = [line["facts"]["level"] for line in lab.iodcal.history if line["kind"] == "problem"
            and line["id"].startswith("budget:")]  # fmt: skip
    assert told == [80, 100]


def test_a_month_of_runs_is_looked_back_on_at_once(lab: Lab) -> None:
    """Thousands of lines; what matters is that all of them count."""
    path = lab.iodcal.folder / "state" / "history.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    orders = [line for line in lines if line["kind"] == "order"]
    start = datetime(2026, 11, 24, tzinfo=UTC)
    with path.open("a") as file:
        for day in range(1, 31):
            text = json.dumps(orders)
            shifted = text.replace("2026-11-24", f"{start + timedelta(days=day):%Y-%m-%d}")
            for line in json.loads(shifted):
                line["order"]["id"] += f"-{day}"
                file.write(json.dumps(line) + "\n")
    found = report(lab, "--from", "2026-11-25", "--to", "2026-12-25", "--now", "2027-01-01T00:00:00Z")
    assert found["total"]["bills"][0]["extra"] == "60.00"
    assert [month["bills"][0]["extra"] for month in found["months"]] == ["12.00", "48.00"]
