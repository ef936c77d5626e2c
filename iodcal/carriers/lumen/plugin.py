"""Lumen as the configuration sees it, with its public list prices: a default until a quote says better."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

from iodcal.carriers import Carrier, CarrierContext
from iodcal.config.fields import Text, one_of, text_that
from iodcal.config.forms import Section
from iodcal.config.microsoft365 import SecureUrl
from iodcal.config.secrets import Secret
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Account
from iodcal.domain.money import Tariff

_AS_OF = date(2026, 9, 1)
# USD per hour and connection. Sites differ: a quote is what binds.
_PER_HOUR = {
    1: "0.10",
    5: "0.14",
    10: "0.18",
    20: "0.22",
    50: "0.32",
    100: "0.46",
    200: "0.58",
    300: "0.68",
    500: "0.82",
    1000: "1.06",
    2000: "1.70",
    5000: "2.90",
    10_000: "4.36",
}

LIST_PRICES = Tariff.listed("USD", _AS_OF, _PER_HOUR)


class LumenEnvironment(StrEnum):
    PRODUCTION = "production"
    TEST = "test"


_HOSTS = {
    LumenEnvironment.PRODUCTION: "https://api.lumen.com",
    LumenEnvironment.TEST: "https://api-test.lumen.com",
}


def _full_name(name: str) -> str:
    if len(name.split()) < 2:
        raise ValueError(f"{name!r} must be a first and a last name: Lumen refuses an order with one name")
    return name


def _us_phone(number: str) -> str:
    digits = re.sub(r"[\s().-]", "", number)
    if re.fullmatch(r"(\+?1)?[2-9]\d{9}", digits) is None:
        raise ValueError(f"{number!r} is not a US phone number such as +13035550100, which Lumen wants")
    return number


def _address(address: str) -> str:
    if re.fullmatch(r"[^@\s]+@[^@\s]+", address) is None:
        raise ValueError(f"{address!r} is not an e-mail address")
    return address


class Contact(Section, frozen=True):
    """Whom Lumen tells of an order."""

    name: Annotated[str, text_that(_full_name)]
    email: Annotated[str, text_that(_address)]
    phone: Annotated[str, text_that(_us_phone)]
    organization: Text


class LumenLogin(Section, frozen=True):
    """What all products of Lumen need. `environment` has no default: say which. `base_url` and `token_url`
    are for local servers."""

    environment: Annotated[LumenEnvironment, one_of(LumenEnvironment)]
    customer_number: Text
    client_id: Secret
    client_secret: Secret
    base_url: SecureUrl | None = None
    token_url: SecureUrl | None = None

    @property
    def url(self) -> str:
        """Where the API is."""
        return self.base_url or _HOSTS[self.environment]

    @property
    def login_url(self) -> str:
        """Where tokens come from."""
        return self.token_url or f"{self.url}/oauth/v2/token"


class LumenOptions(LumenLogin, frozen=True, kw_only=True):
    """Internet On-Demand. The maps by service ID fill in what the inventory does not tell; `speed_text` maps
    a tier to the text that stands for it in quotes and answers, such as `{1 Gbps: 1 Gbps}`, where `1000 Mbps`
    is refused."""

    contact: Contact
    source_system: Text = "NaaS ExternalApi"
    partner_id: Mapping[Text, Text] = {}
    uni_service_id: Mapping[Text, Text] = {}
    billing_account_name: Mapping[Text, Text] = {}
    speed_text: Mapping[Text, Text] = {}

    def __post_init__(self) -> None:
        for tier in self.speed_text:
            try:
                Bandwidth.parse(tier)
            except ValueError as error:
                raise ValueError(f"speed_text: {error}") from None

    @property
    def speeds(self) -> Mapping[Bandwidth, str]:
        """The texts of `speed_text`, by bandwidth."""
        return {Bandwidth.parse(tier): text for tier, text in self.speed_text.items()}


class LumenEfcOptions(LumenLogin, frozen=True, kw_only=True):
    """Ethernet Fabric Connect. `category` says by service ID in which price category a connection is (csp,
    datacenter, metro, longhaul); without it the dearest counts."""

    category: Mapping[Text, Text] = {}


class LumenPlugin:
    """`type: lumen`."""

    Options = LumenOptions
    virtual = False
    # Changes were seen to take about seven minutes; 24 changes a customer and UTC day is Lumen's limit.
    default_provisioning = timedelta(minutes=10)
    default_changes_per_day: int | None = 24
    list_prices = LIST_PRICES

    def is_test(self, options: LumenOptions) -> bool:
        return options.environment is LumenEnvironment.TEST

    def account(self, options: LumenOptions, context: CarrierContext) -> Account:  # noqa: ARG002 - needs no more
        return Account("lumen", options.url, options.customer_number)

    def create(self, options: LumenOptions, context: CarrierContext) -> Carrier:
        from iodcal.carriers.lumen.client import Lumen

        return Lumen(options, self.account(options, context), context)


class LumenEfcPlugin:
    """`type: lumen-efc`."""

    Options = LumenEfcOptions
    virtual = False
    # How long a change takes is not published; no limit of changes is known.
    default_provisioning = timedelta(minutes=10)
    default_changes_per_day: int | None = None
    idempotent = True

    def is_test(self, options: LumenEfcOptions) -> bool:
        return options.environment is LumenEnvironment.TEST

    def account(self, options: LumenEfcOptions, context: CarrierContext) -> Account:  # noqa: ARG002 - needs no more
        """The same account as Internet On-Demand's: what one orders counts for the other."""
        return Account("lumen", options.url, options.customer_number)

    def create(self, options: LumenEfcOptions, context: CarrierContext) -> Carrier:
        from iodcal.carriers.lumen.efc import LumenEfc

        return LumenEfc(options, self.account(options, context), context)


plugin = LumenPlugin()
efc_plugin = LumenEfcPlugin()
