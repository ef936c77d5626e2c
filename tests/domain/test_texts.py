"""Values as text: instants, keys, prices, bandwidths."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import join_key, split_key
from iodcal.domain.money import check_price
from iodcal.domain.time import instant_of, moment

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
FAR_EAST = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (None, None),
        (NOON, "2026-11-24T12:00:00Z"),
        (NOON.astimezone(FAR_EAST), "2026-11-24T12:00:00Z"),
        (NOON.replace(microsecond=999_999), "2026-11-24T12:00:00Z"),
    ],
)
def test_an_instant_is_written_in_utc_to_the_second(at: datetime | None, text: str | None) -> None:
    assert moment(at) == text


@pytest.mark.parametrize("text", ["2026-11-24T12:00:00Z", "2026-11-24T21:00:00+09:00"])
def test_an_instant_is_read_back_in_utc(text: str) -> None:
    found = instant_of(text)
    assert (found, found.tzinfo) == (NOON, UTC)


@pytest.mark.parametrize("text", ["2026-11-24T12:00:00", "noon", ""])
def test_a_time_without_an_offset_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r"offset|isoformat"):
        instant_of(text)


@pytest.mark.parametrize(
    ("key", "parts"), [("lumen|https://a|1|77", ("lumen|https://a|1", "77")), ("77", ("", "77"))]
)
def test_a_circuits_key_is_taken_apart_and_put_together(key: str, parts: tuple[str, str]) -> None:
    assert split_key(key) == parts
    assert join_key(*parts) == key


@pytest.mark.parametrize("amount", ["-0.01", "NaN", "Infinity"])
def test_what_is_no_price_is_refused(amount: str) -> None:
    check_price(Decimal(0))
    with pytest.raises(ValueError, match="is no price"):
        check_price(Decimal(amount))


def test_a_bandwidth_shows_what_it_is() -> None:
    assert repr(Bandwidth(500)) == "Bandwidth(500)"
    assert len({Bandwidth(500), Bandwidth(500), Bandwidth(100)}) == 2
