"""Lumen's errors come in many envelopes; from each the first text that says something."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from iodcal.carriers import OrderRequest
from iodcal.carriers.lumen.inventory import Service
from iodcal.carriers.lumen.plugin import LumenOptions
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Quote
from iodcal.domain.money import UNKNOWN_CURRENCY, is_per_hour, read_price
from iodcal.errors import CarrierError, OrderRefusedError
from iodcal.http import Answer, AnswerError

_TEXTS = ("reason", "message", "detail", "title", "Error", "faultstring", "error_description", "error")
_INNER = ("exception", "errors", "error", "fault")
_MOST = 300
_DEPTH = 4


def error_text(answer: Answer) -> str:
    """What an answer says is wrong, cut and without control characters; its first words where it is no
    JSON."""
    try:
        document = answer.json()
    except AnswerError:
        return answer.first_words or "no text"
    text = next(_texts(document, _DEPTH), "no text")
    return "".join(character if character.isprintable() else " " for character in text)[:_MOST]


def gateway_code(answer: Answer) -> str | None:
    """The code in the envelope of the gateway (Apigee) before the carrier, `fault.detail.errorcode`; empty
    where that names none, None where the answer is in no such envelope."""
    try:
        document = answer.json()
    except AnswerError:
        return None
    fault = document.get("fault") if isinstance(document, dict) else None
    if not isinstance(fault, dict):
        return None
    detail = fault.get("detail")
    return str(detail.get("errorcode", "")) if isinstance(detail, dict) else ""


def all_text(answer: Answer) -> str:
    """Everything that an answer says, for looking for a phrase."""
    return answer.body[:65536].decode("utf-8", errors="replace").casefold()


def _texts(document: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(document, list):
        for entry in document[:5]:
            yield from _texts(entry, depth - 1)
    if not isinstance(document, dict):
        return
    for name in _TEXTS:
        value = document.get(name)
        if isinstance(value, str) and value.strip():
            yield value.strip()
    for name in _INNER:
        yield from _texts(document.get(name), depth - 1)


PRODUCT_CODE = "718"
_SPECIFICATION = "5001"
_PRODUCT_NAME = "NaaS Internet"
_CHANNEL = "99"
_CURRENCY = "USD"  # the only one that Lumen is known to quote in
_CODE = re.compile(r"[A-Za-z]{3}", re.ASCII)


def quote_body(options: LumenOptions, service: Service, bandwidth: Bandwidth) -> dict[str, Any]:
    """A price request. A data-centre circuit is quoted by its partner, any other by the service ID of its
    UNI: by the other one Lumen finds no price. Raises OrderRefusedError where neither is known."""
    if service.master_site_id is None:
        raise CarrierError("answer_wrong", what="no masterSiteId")
    if service.billing_account_id is None or _account_name(options, service) is None:
        raise OrderRefusedError("billing_account_unknown", service_id=service.service_id)
    return {
        "sourceSystem": options.source_system,
        "customerNumber": options.customer_number,
        "currencyCode": _CURRENCY,
        "masterSiteId": service.master_site_id,
        "productCode": PRODUCT_CODE,
        "productName": "Internet On-Demand",
        "speed": _speed_text(options, bandwidth),
        **_place(options, service),
    }


def _place(options: LumenOptions, service: Service) -> dict[str, str]:
    partner = options.partner_id.get(service.service_id)
    uni = options.uni_service_id.get(service.service_id)
    if partner is None and uni is None:
        partner = service.partner_id if service.data_center else None
        uni = None if service.data_center else service.uni_service_id
    if partner is not None:
        return {"partnerId": partner}
    if uni is not None:
        return {"serviceId": uni}
    raise OrderRefusedError("quote_place_unknown", service_id=service.service_id)


def _speed_text(options: LumenOptions, bandwidth: Bandwidth) -> str:
    for tier, text in options.speed_text.items():
        try:
            if Bandwidth.parse(tier) == bandwidth:
                return text
        except ValueError:
            continue
    return f"{bandwidth.mbps} Mbps"


def _account_name(options: LumenOptions, service: Service) -> str | None:
    return service.billing_account_name or options.billing_account_name.get(service.service_id)


def read_quote(document: Any, wanted: Bandwidth, at: datetime) -> Quote:
    """The quote in an answer, after a look at whether it is for what was asked. Raises CarrierError."""
    if not isinstance(document, dict):
        raise CarrierError("answer_wrong", what="a quote that is no object")
    told = [document.get(name) for name in ("id", "quoteId")]
    ids = {str(one) for one in told if isinstance(one, (str, int)) and not isinstance(one, bool)}
    if len(ids) != 1 or not (quote_id := ids.pop()).strip():
        raise CarrierError("answer_wrong", what="no quote id, or two")
    for speed in _speeds(document):
        if speed != wanted:
            raise OrderRefusedError("quote_speed_differs", wanted=str(wanted), found=str(speed))
    return Quote(quote_id, wanted, at, *_hourly_price(document))


def _speeds(document: dict[str, Any]) -> list[Bandwidth]:
    echoed = document.get("priceRequest")
    prices = document.get("price")
    holders = [echoed, *(prices if isinstance(prices, list) else [])]
    texts = [holder.get("speed") for holder in holders if isinstance(holder, dict)]
    try:
        return [Bandwidth.parse(str(text)) for text in texts if text is not None]
    except ValueError:
        raise CarrierError("answer_wrong", what="a quote for a speed that is none") from None


def read_offers(document: Any) -> frozenset[Bandwidth]:
    """The speeds for sale in a qualify answer. Raises CarrierError."""
    prices = document.get("pricePerSpeed") if isinstance(document, dict) else None
    if not isinstance(prices, list):
        raise CarrierError("answer_wrong", what="no list pricePerSpeed")
    texts = [price.get("speed") for price in prices if isinstance(price, dict)]
    try:
        return frozenset(Bandwidth.parse(str(text)) for text in texts)
    except ValueError:
        raise CarrierError("answer_wrong", what="an offer of a speed that is none") from None


def _hourly_price(document: dict[str, Any]) -> tuple[Decimal | None, str]:
    """The price per hour, of several the highest, None where none can be read; and its currency, the unknown
    one where they have several."""
    prices = document.get("price")
    entries = [price for price in (prices if isinstance(prices, list) else []) if isinstance(price, dict)]
    told = [
        (amount, _currency(entry, written, document))
        for entry in entries
        if _is_hourly(entry)
        for amount, written in [read_price(str(entry.get("price")))]
    ]
    currencies = {currency for _, currency in told} or {_CURRENCY}
    amounts = [amount for amount, _ in told if amount is not None]
    return max(amounts, default=None), currencies.pop() if len(currencies) == 1 else UNKNOWN_CURRENCY


def _is_hourly(price: dict[str, Any]) -> bool:
    """By its term; where none is told, by the text of the price."""
    return is_per_hour(str(price.get("term") or price.get("price")))


def _currency(price: dict[str, Any], written: Sequence[str], document: dict[str, Any]) -> str:
    """The currency of a price, by its own code and by what is `written` in its text; where neither says, by
    the answer's code. That is but an echo of what was asked for, so it overrules no sign."""
    echoed = document.get("priceRequest")
    own, *others = map(_code, (price, document, echoed if isinstance(echoed, dict) else {}))
    if own is not None:
        return own if not written or own in written else UNKNOWN_CURRENCY
    fitting = (code for code in others if code is not None and (not written or code in written))
    return (*fitting, *written, _CURRENCY)[0]


def _code(holder: dict[str, Any]) -> str | None:
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
