"""`iodcal simulate` as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command import ROOT, Iodcal

RANGE = ("--from", "2026-11-02", "--to", "2026-11-04")


@pytest.fixture
def sample(tmp_path: Path) -> Iodcal:
    """The sample configuration, in a folder of its own."""
    iodcal = Iodcal(tmp_path, {"COLUMNS": "80"})
    iodcal.write("rules.yaml", (ROOT / "rules.yaml").read_text(encoding="utf-8"))
    iodcal.write("examples/calendar.ics", (ROOT / "examples/calendar.ics").read_text(encoding="utf-8"))
    return iodcal


def test_it_shows_orders_costs_and_margins_and_touches_nothing(sample: Iodcal) -> None:
    before = sorted(sample.folder.rglob("*"))
    done = sample("simulate", *RANGE)
    assert (done.status, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= 80
    for part in (
        "saved against the highest tier",
        "no event was late",
        "All-Hands",
        "den-a",
        "seconds to spare",
    ):
        assert part in done.out
    assert sorted(sample.folder.rglob("*")) == before


def test_json_holds_the_whole_result(sample: Iodcal) -> None:
    document = sample("simulate", *RANGE, "-o", "json").json
    (simulation,) = document["simulations"]
    assert (document["command"], document["from"]) == ("simulate", "2026-11-02T07:00:00Z")
    assert (simulation["runs"], simulation["total"]["double_orders"], simulation["late"]) == (576, 0, [])
    den = next(one for one in simulation["circuits"] if one["name"] == "den-a")
    assert sum(den["hours"].values()) == pytest.approx(48, abs=0.001)
    assert float(den["savings"]) == pytest.approx(float(den["cost_highest"]) - float(den["cost"]), abs=0.011)
    assert simulation["margins"][0]["spare_seconds"] > 0


def test_another_rules_file_stands_beside(sample: Iodcal) -> None:
    text = (ROOT / "rules.yaml").read_text(encoding="utf-8")
    sample.write("late.yaml", text.replace("lead: 30m", "lead: 0m").replace("lead: 45m", "lead: 0m"))
    done = sample("simulate", *RANGE, "--rules", "late.yaml")
    assert "rules.yaml" in done.out
    assert "late.yaml" in done.out
    assert "an order cannot be carried out by then" in " ".join(done.out.split())
    (ours, theirs) = sample("simulate", *RANGE, "--rules", "late.yaml", "-o", "json").json["simulations"]
    assert not ours["late"]
    assert {one["late_seconds"] for one in theirs["late"]} == {60}
    assert float(theirs["total"]["cost"]) < float(ours["total"]["cost"])


def test_failures_are_injected_by_seed(sample: Iodcal) -> None:
    arguments = ("simulate", *RANGE, "--faults", "0.2", "--every", "15m", "-o", "json")
    one, same, other = (sample(*arguments, "--seed", seed).json for seed in ("1", "1", "2"))
    assert one == same
    assert one["simulations"][0]["injected"] != other["simulations"][0]["injected"]
    assert one["simulations"][0]["runs"] == 192
    table = sample("simulate", *RANGE, "--faults", "0.2", "--every", "15m")
    assert "20.0% of all calls failed (seed 0)" in table.out
    assert "calendar_unreadable" in table.out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--from", "2026-11-04", "--to", "2026-11-02"), "simulate_order", "is not before --to"),
        (("--from", "2026-11-04", "--to", "2026-11-04"), "simulate_order", "is not before --to"),
        (("--from", "2020-01-01", "--to", "2026-01-01"), "simulate_too_long", "Simulate a shorter range"),
        (("--from", "soon", "--to", "later"), "bad_time", "'soon' is not a time"),
        ((*RANGE, "--every", "10s"), "simulate_every", "shorter than a minute"),
        ((*RANGE, "--faults", "nan"), "usage", "--faults"),
    ],
)
def test_what_cannot_be_simulated(sample: Iodcal, arguments: tuple[str, ...], code: str, says: str) -> None:
    done = sample("simulate", *arguments, "-o", "json")
    assert (done.status, done.json["error"]["code"]) == (2, code)
    assert says in done.err


def test_a_range_without_events_is_the_ordinary_week(sample: Iodcal) -> None:
    done = sample("simulate", "--from", "2020-01-01", "--to", "2020-01-03", "-o", "json")
    assert done.status == 0
    (one,) = done.json["simulations"]
    assert (one["events"], one["late"]) == (0, [])
    assert one["total"]["orders_up"] > 0  # the baseline's peaks
    assert (
        "no event of this time matches a rule"
        in sample("simulate", "--from", "2020-01-01", "--to", "2020-01-02").out
    )


def test_without_calendars_there_is_nothing_to_simulate(sample: Iodcal) -> None:
    text = (ROOT / "rules.yaml").read_text(encoding="utf-8")
    sample.write("rules.yaml", text[: text.index("rules:\n")])
    done = sample("simulate", *RANGE)
    assert done.status == 2
    assert "no rule that names a calendar" in done.err


def test_a_calendar_that_cannot_be_read_ends_it(sample: Iodcal) -> None:
    (sample.folder / "examples/calendar.ics").unlink()
    done = sample("simulate", *RANGE)
    assert done.status == 1
    assert done.err.startswith("iodcal: The calendar company cannot be read: ")
    assert "No such file" in done.err
