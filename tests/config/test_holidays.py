"""Holidays: whose count for a circuit, what the library knows, and what is wrong."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest

from tests.config.test_load import changed, faults, loaded

CHRISTMAS, INDEPENDENCE, BOXING, COMPANY = (
    date(2026, 12, 25),
    date(2026, 7, 3),
    date(2026, 12, 28),
    date(2026, 12, 24),
)
KNOWN = """\
holidays:
  us: {country: US, region: CO, dates: [2026-12-24]}
  uk: {country: GB, region: ENG}
  own: {dates: "2026-12-24"}
"""


def kept(folder: Path, more: str) -> set[date]:
    """Which of four days den-a's place keeps."""
    text = KNOWN + changed('  den-a: {carrier: lab, service_id: "77",', more)
    holidays = loaded(folder, text).circuits["den-a"].holidays
    return {day for day in (CHRISTMAS, INDEPENDENCE, BOXING, COMPANY) if day in holidays}


CIRCUIT = '  den-a: {carrier: lab, service_id: "77",'


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (CIRCUIT, set()),
        (f"{CIRCUIT} holidays: us,", {CHRISTMAS, INDEPENDENCE, COMPANY}),
        (f"{CIRCUIT} holidays: uk,", {CHRISTMAS, BOXING}),
        (f"{CIRCUIT} holidays: own,", {COMPANY}),
    ],
    ids=["none", "a country's and our own", "another country's", "only our own"],
)
def test_the_holidays_of_a_circuit(tmp_path: Path, more: str, expected: set[date]) -> None:
    assert kept(tmp_path, more) == expected


def test_the_nearest_to_the_circuit_wins(tmp_path: Path) -> None:
    text = KNOWN + changed("settings: {", "sites: {den: {holidays: uk}}\nsettings: {holidays: own, ")
    at_site = text.replace(CIRCUIT, f"{CIRCUIT} site: den,")
    assert BOXING not in loaded(tmp_path, text).circuits["den-a"].holidays
    assert BOXING in loaded(tmp_path, at_site).circuits["den-a"].holidays
    own = at_site.replace("site: den,", "site: den, holidays: us,")
    assert INDEPENDENCE in loaded(tmp_path, own).circuits["den-a"].holidays


def test_a_peak_by_business_days(tmp_path: Path) -> None:
    peaks = '{off_peak: 100 Mbps, peaks: [{business_days: [-1, 1], holidays: as_sunday, from: "8:00", to: "9:00", bandwidth: 1 Gbps}]}'
    (peak,) = loaded(tmp_path, changed("{off_peak: 100 Mbps}", peaks)).circuits["den-a"].baseline.peaks
    assert (peak.days, peak.business_days, peak.holidays_as_sunday) == (frozenset(), frozenset({-1, 1}), True)


@pytest.mark.parametrize(
    ("holidays", "expected"),
    [
        ("{country: XX}", "no holidays are known of the country 'XX'"),
        (
            "{country: US, region: ZZ}",
            "no holidays are known of the region 'ZZ' of US; known are AK, AL, AR,",
        ),
        ("{country: GB, region: EGN}", "no holidays are known of the region 'EGN' of GB; did you mean ENG?"),
        ("{region: CO}", "a region needs its country"),
        ("{}", "give a country, or dates"),
        ("{dates: []}", "an empty list says nothing"),
        ("{dates: [24.12.]}", "a date such as 2026-12-24 is wanted, not '24.12.'"),
        ("{dates: [2026-02-30]}", "a date such as 2026-12-24 is wanted, not '2026-02-30'"),
    ],
)
def test_what_is_wrong_with_holidays(tmp_path: Path, holidays: str, expected: str) -> None:
    (fault,) = faults(tmp_path, f"holidays: {{x: {holidays}}}\n" + changed("", ""))
    assert fault.startswith("1: holidays.x")
    assert expected in fault


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            CIRCUIT,
            f"{CIRCUIT} holidays: usa,",
            "circuits.den-a.holidays: there is no entry of holidays 'usa'",
        ),
        (
            "settings: {",
            "settings: {holidays: usa, ",
            "settings.holidays: there is no entry of holidays 'usa'",
        ),
        ("settings: {", "sites: {den: {holidays: u}}\nsettings: {", "sites.den.holidays: there is no entry"),
    ],
)
def test_holidays_that_are_not_there(tmp_path: Path, old: str, new: str, expected: str) -> None:
    (fault,) = faults(tmp_path, KNOWN + changed(old, new))
    assert expected in fault


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("business_days: [0]", "the number 0 is no business day of a month: 1 is the first, -1 the last"),
        ("business_days: [24]", "the number 24 is no business day of a month"),
        ("business_days: [mon]", "'mon' is no business day of a month"),
        ("business_days: [true]", "true is no business day of a month"),
        ("business_days: []", "an empty list says nothing"),
        ("holidays: as_sunday", "a peak needs days or business_days"),
        ("days: mon, holidays: yes", "'yes' is not one of as_sunday, ignored"),
    ],
)
def test_what_is_wrong_with_the_days_of_a_peak(tmp_path: Path, days: str, expected: str) -> None:
    peaks = f'{{off_peak: 100 Mbps, peaks: [{{{days}, from: "8:00", to: "9:00", bandwidth: 1 Gbps}}]}}'
    (fault,) = faults(tmp_path, changed("{off_peak: 100 Mbps}", peaks))
    assert expected in fault


def test_a_rule_by_business_days(tmp_path: Path) -> None:
    text = KNOWN + changed(CIRCUIT, f"{CIRCUIT} holidays: us,")
    match = "match: {business_days: [-2, -1, 1], holidays: as_sunday}"
    found = loaded(tmp_path, text.replace("bandwidth: highest", f"bandwidth: highest, {match}"))
    conditions = found.rules[0].conditions
    assert (conditions.business_days, conditions.holidays_as_sunday) == (frozenset({-2, -1, 1}), True)
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (
            "business_days: [0]",
            "9: rules[0].match.business_days: the number 0 is no business day of a month: 1 is the first, "
            "-1 the last, up to 23",
        ),
        ("days: mon, holidays: yes", "9: rules[0].match.holidays: 'yes' is not one of as_sunday, ignored"),
        (
            "holidays: as_sunday",
            "9: rules[0].match: holidays: as_sunday needs days or business_days, which it is about",
        ),
    ],
)
def test_what_is_wrong_with_the_days_of_a_rule(tmp_path: Path, match: str, expected: str) -> None:
    assert faults(tmp_path, changed("bandwidth: highest", f"bandwidth: highest, match: {{{match}}}")) == [
        expected
    ]


def test_a_business_day_at_the_weekend_is_never(tmp_path: Path) -> None:
    match = "match: {business_days: 1, days: sat}"
    (own,) = KNOWN.splitlines()[3:]
    text = f"holidays:\n{own}\n" + changed(CIRCUIT, f"{CIRCUIT} holidays: own,")
    (warning,) = loaded(tmp_path, text.replace("bandwidth: highest", f"bandwidth: highest, {match}")).warnings
    assert warning.message == "this rule can never match: no business day is a Saturday or a Sunday"


def test_without_the_package_a_country_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    (fault,) = faults(tmp_path, KNOWN.replace("  uk: {country: GB, region: ENG}\n", "") + changed("", ""))
    assert "pip install 'iodcal[holidays]'" in fault
    alone = "holidays:\n  own: {dates: [2026-12-24]}\n" + changed(CIRCUIT, f"{CIRCUIT} holidays: own,")
    assert COMPANY in loaded(tmp_path, alone).circuits["den-a"].holidays
