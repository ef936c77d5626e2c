"""Values as text: instants, keys, prices, bandwidths."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import join_key, split_key
from iodcal.domain.money import check_price, parse_price
from iodcal.domain.text_match import Keyword, normalise_text
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


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("5", "5", "USD"),
        ("$1,200.50", "1200.50", "USD"),
        ("US$ 5", "5", "USD"),
        ("USD $5.00", "5.00", "USD"),
        ("5,00 EUR", "5.00", "EUR"),
        ("1.234,56 €", "1234.56", "EUR"),
        ("0,820 EUR", "0.820", "EUR"),
        ("1,200 EUR", "1200", "EUR"),
        ("12.345.678", "12345678", "USD"),
        ("CHF 4.20/h", "4.20", "CHF"),
        ("1'200.50 CHF per hour", "1200.50", "CHF"),
        ("1\u00a0200,50 EUR", "1200.50", "EUR"),
        ("A$5.10 hourly", "5.10", "AUD"),
        ("£.50", ".50", "GBP"),
        ("¥120", "120", "JPY"),
    ],
)
def test_a_price_in_a_carriers_words(text: str, amount: str, currency: str) -> None:
    assert parse_price(text) == (Decimal(amount), currency)


@pytest.mark.parametrize(
    ("text", "named", "amount", "currency"),
    [
        ("$4", "CAD", "4", "CAD"),
        ("4.00", "eur", "4.00", "EUR"),
        ("¥120", "CNY", "120", "CNY"),
        ("€4.00", "USD", None, "USD"),
        ("4.00 GBP", "EUR", None, "EUR"),
        ("$5 EUR", None, None, "USD"),
    ],
)
def test_a_price_and_the_currency_that_is_named_beside_it(
    text: str, named: str | None, amount: str | None, currency: str
) -> None:
    assert parse_price(text, named) == (Decimal(amount) if amount is not None else None, currency)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "free",
        "-3",
        "$-1",
        "NaN",
        "1e3",
        "1,2,3",
        "1.2.3",
        "$1,20.5",
        "5 dollars",
        "5 6 7",
        "1.00-2.00",
        "٣",
    ],
)
def test_what_tells_no_price(text: str) -> None:
    assert parse_price(text)[0] is None


@given(st.text(max_size=40), st.one_of(st.none(), st.sampled_from(["USD", "EUR"])))
def test_any_text_tells_a_price_or_none(text: str, named: str | None) -> None:
    amount, currency = parse_price(text, named)
    assert amount is None or (amount.is_finite() and amount >= 0)
    assert len(currency) == 3


@pytest.mark.parametrize(
    ("keyword", "title"),
    [
        ("Town Hall", "Town Halls in spring"),
        ("Town Hall", "TOWN-HALL"),
        ("DR test", "DR tests, all sites"),
        ("Product launch", "Product launches"),
        ("Rally", "Sales rallies"),
        ("Betriebsversammlung", "Betriebsversammlungen 2027"),
        ("Termin", "Termine"),
        ("Feier", "Feiern"),
        ("Mitarbeiterin", "Mitarbeiterinnen"),
        ("Vortrag", "Zwei Vorträge"),
        ("Haus", "Offene Häuser"),
        ("Kasten", "Kästen"),
    ],
)
def test_a_keyword_may_take_its_plural(keyword: str, title: str) -> None:
    assert Keyword(keyword, plurals=True).is_in(normalise_text(title))
    if normalise_text(keyword) != normalise_text(title):
        assert not Keyword(keyword).is_in(normalise_text(title))


@pytest.mark.parametrize(
    ("keyword", "title"),
    [
        ("Town Hall", "Towns Hall"),
        ("Town Hall", "Town Hallway"),
        ("Town Halls", "Town Hall"),
        ("DR test", "DR testing"),
        ("Q3", "Q3s"),
        ("全社会議", "会議"),
    ],
)
def test_a_plural_is_one_of_the_last_word_alone(keyword: str, title: str) -> None:
    assert not Keyword(keyword, plurals=True).is_in(normalise_text(title))


def test_what_stands_in_every_plural_is_what_titles_are_found_by() -> None:
    assert Keyword("Town Hall", plurals=True).words == {"town"}
    assert Keyword("Rally", plurals=True).words == frozenset()
    assert Keyword("Rally").words == {"rally"}
