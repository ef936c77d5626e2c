"""Holidays by country and region, through the library `holidays`, and days of a company's own."""

from __future__ import annotations

from collections.abc import Container
from datetime import date
from functools import cached_property
from typing import Annotated, Any

from iodcal.config.fields import Text, kind_of, suggest_nearest
from iodcal.config.forms import ONE_OR_MORE, Scalar, Section

_MISSING = "a country's holidays need the package `holidays`: pip install 'iodcal[holidays]'"


def _date(value: object) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"a date such as 2026-12-24 is wanted, not {kind_of(value)}") from None


_DATE = {"type": "string", "format": "date"}
Dates = Annotated[tuple[Annotated[date, Scalar(_date, _DATE)], ...], ONE_OR_MORE]


class HolidaysSection(Section, frozen=True):
    """One entry of `holidays`: a country's, with those of a region, and other days, or only such."""

    country: Text | None = None
    region: Text | None = None
    dates: Dates = ()

    def __post_init__(self) -> None:
        if self.country is None:
            if self.region is not None:
                raise ValueError("a region needs its country")
            if not self.dates:
                raise ValueError("give a country, or dates")
            return
        known = _countries()
        if self.country not in known:
            raise ValueError(
                f"no holidays are known of the country {self.country!r}{suggest_nearest(self.country, known)}"
            )
        if self.region is not None and self.region not in known[self.country]:
            regions = known[self.country]
            close = suggest_nearest(self.region, regions) or f"; known are {', '.join(regions) or 'none'}"
            raise ValueError(f"no holidays are known of the region {self.region!r} of {self.country}{close}")


class HolidayCalendar:
    """The days of a section, for whatever year is asked about; years are worked out when they are."""

    def __init__(self, section: HolidaysSection) -> None:
        self._section = section

    def __contains__(self, day: object, /) -> bool:
        return day in self._section.dates or day in self._of_country

    @cached_property
    def _of_country(self) -> Container[Any]:
        if self._section.country is None:
            return ()
        import holidays

        return holidays.country_holidays(self._section.country, subdiv=self._section.region)


def _countries() -> dict[str, list[str]]:
    try:
        import holidays
    except ImportError:
        raise ValueError(_MISSING) from None
    return holidays.list_supported_countries(include_aliases=True)
