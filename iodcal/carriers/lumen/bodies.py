"""What is sent to Lumen and what comes back: price requests, quotes, orders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from iodcal.carriers import OrderRequest
from iodcal.carriers.lumen.inventory import NO_SPEED_TEXT, Service, parse_speed
from iodcal.carriers.lumen.plugin import LumenOptions
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Quote
from iodcal.domain.money import parse_price
from iodcal.errors import CarrierError, OrderRefusedError

PRODUCT_CODE = "718"
_SPECIFICATION = "5001"
_PRODUCT_NAME = "NaaS Internet"
_CHANNEL = "99"
_HOURLY = "hourly"
_CURRENCY = "USD"  # the only one that Lumen is known to quote in
_CODE = re.compile(r"[A-Za-z]{3}", re.ASCII)


def lacks_of(options: LumenOptions, service: Service) -> list[OrderRefusedError]:
    """What an order of the circuit needs and neither inventory nor configuration tells, each by itself."""
    told = {
        "site_unknown": service.master_site_id,
        "billing_account_unknown": service.billing_account_id,
        "billing_account_name_unknown": _account_name(options, service),
        "quote_place_unknown": _place(options, service),
    }
    missing = (code for code, value in told.items() if not value)
    return [OrderRefusedError(code, service_id=service.service_id) for code in missing]


def quote_body(options: LumenOptions, service: Service, bandwidth: Bandwidth) -> dict[str, Any]:
    """A price request. A data-centre circuit is quoted by its partner, any other by the service ID of its
    UNI: by the other one Lumen finds no price. Raises OrderRefusedError for the first of what
    `lacks_of` finds."""
    for lack in lacks_of(options, service):
        raise lack
    return {
        "sourceSystem": options.source_system,
        "customerNumber": options.customer_number,
        "currencyCode": _CURRENCY,
        "masterSiteId": service.master_site_id,
        "productCode": PRODUCT_CODE,
        "productName": "Internet On-Demand",
        "speed": options.speeds.get(bandwidth, f"{bandwidth.mbps} Mbps"),
        **_place(options, service),
    }


def _place(options: LumenOptions, service: Service) -> dict[str, str]:
    """The partner or the UNI by which the circuit is quoted; empty where neither is known."""
    partner = options.partner_id.get(service.service_id)
    uni = options.uni_service_id.get(service.service_id)
    if partner is None and uni is None:
        partner = service.partner_id if service.data_center else None
        uni = None if service.data_center else service.uni_service_id
    if partner:
        return {"partnerId": partner}
    return {"serviceId": uni} if uni else {}


def _account_name(options: LumenOptions, service: Service) -> str | None:
    return service.billing_account_name or options.billing_account_name.get(service.service_id)


def read_quote(
    document: Any, wanted: Bandwidth, at: datetime, speed_text: Mapping[str, str] = NO_SPEED_TEXT
) -> Quote:
    """The quote in an answer, after a look at whether it is for what was asked. Raises CarrierError."""
    if not isinstance(document, dict):
        raise CarrierError("answer_wrong", what="the quote is no object")
    told = [document.get(name) for name in ("id", "quoteId")]
    ids = {str(one) for one in told if isinstance(one, (str, int)) and not isinstance(one, bool)}
    if len(ids) != 1 or not (quote_id := ids.pop()).strip():
        raise CarrierError("answer_wrong", what="id in the quote: none, or two that differ")
    for speed in _speeds(document, speed_text):
        if speed != wanted:
            raise OrderRefusedError("quote_speed_differs", wanted=str(wanted), found=str(speed))
    return Quote(quote_id, wanted, at, *_hourly_price(document))


def _speeds(document: dict[str, Any], speed_text: Mapping[str, str]) -> list[Bandwidth]:
    echoed = document.get("priceRequest")
    prices = document.get("price")
    holders = [echoed, *(prices if isinstance(prices, list) else [])]
    texts = [holder.get("speed") for holder in holders if isinstance(holder, dict)]
    try:
        return [parse_speed(str(text), speed_text) for text in texts if text is not None]
    except ValueError:
        raise CarrierError("answer_wrong", what="speed in the quote: no bandwidth") from None


def read_offers(document: Any, speed_text: Mapping[str, str] = NO_SPEED_TEXT) -> frozenset[Bandwidth]:
    """The speeds for sale in a qualify answer. Raises CarrierError."""
    prices = document.get("pricePerSpeed") if isinstance(document, dict) else None
    if not isinstance(prices, list):
        raise CarrierError("answer_wrong", what="pricePerSpeed in the offer: no list")
    texts = [price.get("speed") for price in prices if isinstance(price, dict)]
    try:
        return frozenset(parse_speed(str(text), speed_text) for text in texts)
    except ValueError:
        raise CarrierError("answer_wrong", what="speed in the offer: no bandwidth") from None


def _hourly_price(document: dict[str, Any]) -> tuple[Decimal | None, str]:
    """The price per hour and its currency: the highest where there are several. None where there is none,
    or one that cannot be read, or several in different currencies."""
    prices = document.get("price")
    hourly = [
        _price(price, document)
        for price in (prices if isinstance(prices, list) else [])
        if isinstance(price, dict) and _HOURLY in str(price.get("term", "")).casefold()
    ]
    amounts = [amount for amount, _ in hourly if amount is not None]
    currencies = {currency for _, currency in hourly}
    if not hourly or len(amounts) < len(hourly) or len(currencies) > 1:
        return None, hourly[0][1] if hourly else _CURRENCY
    return max(amounts), currencies.pop()


def _price(price: dict[str, Any], document: dict[str, Any]) -> tuple[Decimal | None, str]:
    """One price. The currency of the answer as a whole is but an echo of what was asked for: it overrules no
    sign and no code in the price."""
    text, own = str(price.get("price", "")), _code(price)
    if own is not None:
        return parse_price(text, own, _CURRENCY)
    echoed = document.get("priceRequest")
    usual = _code(document) or (_code(echoed) if isinstance(echoed, dict) else None) or _CURRENCY
    return parse_price(text, None, usual)


def _code(holder: dict[str, Any]) -> str | None:
    """The currency's code that `holder` names."""
    named = holder.get("currencyCode", holder.get("currency"))
    return named.strip().upper() if isinstance(named, str) and _CODE.fullmatch(named.strip()) else None


def order_body(options: LumenOptions, service: Service, request: OrderRequest) -> dict[str, Any]:
    """A modify order for one service. The quote carries the new speed; the action is never another one:
    `delete` would disconnect the circuit."""
    name = _account_name(options, service)
    contact = options.contact
    return {
        "externalId": request.external_id,
        "billingAccount": {"id": service.billing_account_id, "name": name},
        "channel": [{"id": _CHANNEL, "name": options.source_system}],
        "note": [{"text": request.note}],
        "productOrderItem": [
            {
                "id": service.service_id,
                "quantity": 1,
                "action": "modify",
                "product": {
                    "id": service.service_id,
                    "productCharacteristic": [],
                    "productSpecification": {"id": _SPECIFICATION, "name": _PRODUCT_NAME},
                },
                "productOffering": {"id": PRODUCT_CODE, "name": _PRODUCT_NAME},
            }
        ],
        "quote": [{"id": request.quote.id, "name": "quoteId"}],
        "relatedContactInformation": [
            {
                "role": "Order Contact",
                "name": contact.name,
                "emailAddress": contact.email,
                "number": contact.phone,
                "organization": contact.organization,
                "numberExtension": "",
            }
        ],
    }
