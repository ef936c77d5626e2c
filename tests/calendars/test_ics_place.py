"""Addresses of calendars: understood however they were copied, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from iodcal.calendars import CalendarContext
from iodcal.calendars.ics import IcsOptions, plugin
from iodcal.calendars.ics.address import IcsPlace, understand_place
from iodcal.config.parse import section_of
from iodcal.config.secrets import Secret
from iodcal.domain.localtime import Interval
from iodcal.errors import CalendarError
from iodcal.http import Deadline
from tests.calendars.test_ics import WEEK, calendar

ADDRESS = "https://calendar.example/published/s3cret/calendar.ics"


@pytest.mark.parametrize(
    "text",
    [
        ADDRESS,
        f" {ADDRESS}\n",
        f'"{ADDRESS}"',
        f"'{ADDRESS}'",
        f"<{ADDRESS}>",
        f'"<{ADDRESS}>"',
        f"\ufeff{ADDRESS}\r\n",
        f"feed:{ADDRESS}",
        ADDRESS.replace("https", "feed"),
        ADDRESS.replace("https", "webcal"),
        ADDRESS.replace("https", "WEBCALS"),
        f"feed:{ADDRESS.replace('https', 'webcal')}",
        f"URL:{ADDRESS}",
        f'CALENDAR_URL="{ADDRESS}"',
        f"CALENDAR_URL={ADDRESS}",
        f"export CALENDAR_URL='{ADDRESS}';",
        f"# the company's calendar\nCALENDAR_URL={ADDRESS}\n",
    ],
)
def test_an_address_is_understood_however_it_was_copied(text: str) -> None:
    assert understand_place(text) == IcsPlace(url=ADDRESS)


@pytest.mark.parametrize(
    "text",
    [
        "https:/calendar.example/s3cret",
        "https:calendar.example/s3cret",
        "//calendar.example/s3cret",
        "ftp://calendar.example/s3cret",
        f"see {ADDRESS}",
        f"{ADDRESS} and more",
        f"{ADDRESS}\nhttps://other.example/s3cret",
        "mailto:s3cret@contoso.example",
        '""',
    ],
)
def test_what_is_neither_an_address_nor_a_path_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(CalendarError) as caught:
        understand_place(text)
    assert (caught.value.code, caught.value.facts) == ("ics_place_unclear", {})
    with pytest.raises(ValueError, match="neither an https address nor a path") as refused:
        section_of(IcsOptions, {"ics": text})
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["folder/calendar.ics", "./a.ics", "/srv/cal/a b.ics", "~/a.ics", "calendar.ics"]
)
def test_a_path_is_a_path(text: str) -> None:
    assert understand_place(text) == IcsPlace(path=text)


def failure(ics: object, folder: Path) -> str:
    """All that is told of a calendar that cannot be read."""
    options = section_of(IcsOptions, {"ics": ics})
    (reader,) = plugin.readers("local", options, CalendarContext(folder))
    with pytest.raises(CalendarError) as caught:
        reader.read(Interval(WEEK.start, WEEK.end), Deadline.after(20))
    return f"{caught.value} {caught.value.facts} {reader.source} {options!r}"


@pytest.mark.parametrize(
    "text", ["outlook.office365.com/owa/calendar/s3cret/calendar.ics", "s3cret-without-anything"]
)
def test_what_a_secret_holds_is_not_shown_as_a_path(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHED", text)
    told = failure({"env": "PUBLISHED"}, tmp_path)
    assert "s3cret" not in told
    assert "env PUBLISHED" in told


def test_an_address_without_its_scheme_is_not_shown_either(tmp_path: Path) -> None:
    assert "s3cret" not in failure("outlook.office365.com/owa/calendar/s3cret/calendar.ics", tmp_path)


def test_a_path_in_the_configuration_is_shown_where_it_is_missing(tmp_path: Path) -> None:
    assert "missing.ics" in failure("missing.ics", tmp_path)


def test_a_path_out_of_a_secret_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.ics").write_bytes(calendar("UID:a\nDTSTART:20260106T080000Z\nDURATION:PT1H"))
    monkeypatch.setenv("PUBLISHED", "a.ics")
    options = section_of(IcsOptions, {"ics": {"env": "PUBLISHED"}})
    (reader,) = plugin.readers("local", options, CalendarContext(tmp_path))
    assert len(reader.read(WEEK, Deadline.after(20)).events) == 1


@pytest.mark.parametrize(
    "reference",
    [
        {"env": "s3cret~value.of-an-app"},
        {"env": ADDRESS},
        {"file": ADDRESS},
        {"file": "-----BEGIN PRIVATE KEY-----\ns3cret"},
        {"credential": ADDRESS},
        {"credential": "../s3cret"},
        {"command": ADDRESS},
    ],
)
def test_a_secret_in_the_place_of_a_name_is_refused_without_being_shown(reference: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="not shown") as caught:
        Secret.parse(reference)
    assert "s3cret" not in str(caught.value)


def test_a_commands_words_are_not_shown() -> None:
    secret = Secret.parse({"command": "curl --user pat:s3cret https://vault.example"})
    assert "s3cret" not in f"{secret!r} {secret.shown} {secret.references}"
