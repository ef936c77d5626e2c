"""`iodcal skip`: one occurrence does not count, for as long as it would have."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.command import ROOT, Iodcal

NOW = ("--now", "2026-11-24T10:00:00Z")
DURING = ("--now", "2026-11-24T12:40:00Z")  # the All-Hands began at 12:30
AFTER = ("--now", "2026-11-27T10:00:00Z")


@pytest.fixture
def company(tmp_path: Path) -> Iodcal:
    folder = tmp_path / "company"
    shutil.copytree(ROOT / "tests" / "e2e" / "corpus", folder)
    iodcal = Iodcal(folder, {"SUDO_USER": "pat", "SUDO_UID": "1000", "COLUMNS": "160"})
    iodcal("sync", "-q", *NOW)
    return iodcal


def changes(iodcal: Iodcal, circuit: str = "den-a", *now: str) -> list[tuple[str, int]]:
    plan = iodcal("plan", "--circuit", circuit, "-o", "json", *(now or NOW)).json
    return [(one["at"], one["to_mbps"]) for one in plan["circuits"][0]["changes"]]


def test_a_skipped_event_asks_for_nothing_until_it_is_lifted(company: Iodcal) -> None:
    before = changes(company)
    assert ("2026-11-24T12:00:00Z", 1000) in before
    done = company("skip", "All-Hands", "--note", "moved to another place", *NOW)
    assert done.status == 0
    assert '"All-Hands" Tue 24 05:30-06:30 on company is skipped' in done.out
    assert ("2026-11-24T12:00:00Z", 1000) not in changes(company)
    assert changes(company, "lon-a") != []  # other events count on
    done = company("skip", "All-Hands", "--undo", *NOW)
    assert "counts again; it was skipped by pat: moved to another place" in done.out
    assert changes(company) == before


def test_it_stands_in_plan_status_history_and_json(company: Iodcal) -> None:
    company("skip", "All-Hands", "--note", "why", *NOW)
    line = 'skipped: "All-Hands" Tue 24 05:30-06:30 on company, by pat: why (id '
    assert line in company("plan", *NOW).out
    assert line in company("plan", "--cached", *NOW).out
    (skip,) = company("plan", "-o", "json", *NOW).json["skips"]
    assert (skip["calendar"], skip["subject"], skip["who"]) == ("company", "All-Hands", "pat")
    assert (skip["start"], skip["end"]) == ("2026-11-24T12:30:00Z", "2026-11-24T13:30:00Z")
    (entry,) = [one for one in company("history", "-o", "json").json["entries"] if one["kind"] == "skip"]
    assert (entry["who"], entry["note"], entry["details"]["subject"]) == ("pat", "why", "All-Hands")
    assert '"All-Hands", until Tue 24 Nov 06:30, by pat: why' in company("history").out


def test_explain_names_the_id_and_says_that_it_is_skipped(company: Iodcal) -> None:
    (event,) = company("explain", "--event", "All-Hands", "-o", "json", *NOW).json["events"][:1]
    assert f"(id {event['id']})" in company("explain", "--event", "All-Hands", *NOW).out
    assert company("skip", event["id"], *NOW).status == 0
    (event,) = company("explain", "--event", "All-Hands", "-o", "json", *NOW).json["events"][:1]
    assert (event["counts"], event["obstacle"], event["matched"]) == (False, "skipped", False)
    assert company("skip", event["id"], "--undo", *NOW).status == 0


def test_a_circuit_that_is_up_for_it_is_lowered(company: Iodcal) -> None:
    company("sync", "-q", "--now", "2026-11-24T12:00:00Z")
    company("sync", "-q", "--now", "2026-11-24T12:05:00Z")
    done = company("skip", "All-Hands", "--sync", "-o", "json", *DURING)
    (order,) = done.json["sync"]["orders"]
    assert (order["circuit"], order["direction"]) == ("den-a", "down")


def test_it_ends_by_itself(company: Iodcal) -> None:
    company("skip", "All-Hands", *NOW)
    assert len(company.state["skips"]) == 1
    company("sync", "-q", *AFTER)
    assert company.state.get("skips", []) == []
    assert "skips" not in company("plan", "-o", "json", *AFTER).json
    ended = [one for one in company.history if one["kind"] == "ended" and one["what"] == "skip"]
    assert len(ended) == 1


@pytest.mark.parametrize(
    ("event", "more", "says"),
    [
        ("Kick-off", (), 'knew of no event "Kick-off" that a rule takes'),
        ("Test", (), 'More than one event may be meant by "Test"'),
        ("All-Hands", ("--at", "2026-11-25T15:30:00Z"), "knew of no event"),
    ],
)
def test_what_is_not_one_event_is_refused(
    company: Iodcal, event: str, more: tuple[str, ...], says: str
) -> None:
    done = company("skip", event, *more, *NOW)
    assert (done.status, done.out) == (2, "")
    assert says in done.err
    assert "DR Test den-a" in done.err  # it names those that could be meant
    assert company.state.get("skips", []) == []


@pytest.mark.parametrize("near", ["All-Hends", "All-Hand", "All-Hands 2"])
def test_what_only_resembles_a_title_is_named_and_not_taken(company: Iodcal, near: str) -> None:
    done = company("skip", near, *NOW)
    assert (done.status, done.out) == (2, "")
    assert 'Known: "All-Hands" Tue 24 Nov 05:30' in done.err
    assert company.state.get("skips", []) == []


def test_a_time_picks_one_of_several(company: Iodcal) -> None:
    done = company("skip", "Test", "--at", "2026-11-24T18:00:00Z", *NOW)
    assert done.out.startswith('"DR Test" Tue 24 11:00-12:00 on noc is skipped')


def test_a_hidden_title_cannot_be_guessed_but_has_an_id(company: Iodcal) -> None:
    assert "event on board" in company("skip", "nothing", *NOW).err
    events = company("explain", "--calendar", "board", "-o", "json", *NOW).json["events"]
    id_ = next(one["id"] for one in events if one["matched"])
    done = company("skip", id_, *NOW)
    assert done.out.startswith("An event Tue 24 09:00-10:45 on board is skipped")
    assert company.state["skips"][0]["subject"] is None


def test_a_rebuilt_state_knows_it(company: Iodcal) -> None:
    company("skip", "All-Hands", *NOW)
    (company.folder / "state" / "state.json").write_text("{", encoding="utf-8")
    company("sync", "-q", *NOW)
    assert [one["subject"] for one in company.state["skips"]] == ["All-Hands"]
