"""Lumen's client: readings, quotes and orders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from iodcal.carriers import CarrierContext, ListedCircuit, OrderRequest
from iodcal.carriers.answers import all_text, gateway_code, is_limit
from iodcal.carriers.api import ApiClient
from iodcal.carriers.lumen import bodies
from iodcal.carriers.lumen.inventory import Service, find_service, listed, service_ids
from iodcal.carriers.lumen.plugin import LumenOptions
from iodcal.carriers.tokens import shared_tokens
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Account, Quote, Reading
from iodcal.errors import (
    AnswerLostError,
    CarrierError,
    ChangePendingError,
    OrderError,
    OrderNotSentError,
    OrderRefusedError,
    QuotaExceededError,
)
from iodcal.http import Answer, Deadline, Session

_INVENTORY = "/ProductInventory/v1/inventory"
_PRICE = "/Product/v1/price"
_QUOTE = "/Product/v1/priceRequest"
_ORDER = "/Customer/v3/Ordering/orderRequest"
_PAGE_SIZE = 100
_MOST_PAGES = 50
_QUOTE_TRIES = 3
_CHANGE_PENDING = "change pending"
_NOT_ENABLED = "not a naas enabled location"
# The carrier's own words for a day's limit. A gateway counts requests, and says "quota" for a minute's.
_OF_A_DAY = re.compile(
    r"\b(?:an?|per|each|the|one|calendar|this)[ -]day\b|/day\b|\bday'?s?[ -](?:limit|quota)\b"
    r"|\b(?:daily|24[ -]?h(?:ou)?rs?|today|tomorrow|midnight)\b"
)
_LIMIT = re.compile(
    r"\b(?:limit|limits|quota|more than|max|maximum|exceed(?:s|ed)?|reached|used up|too many)\b"
    r"|\bchange requests\b"
)
_OF_REQUESTS = re.compile(r"\b(?:api|calls?|requests?)\b")
_OF_CHANGES = re.compile(r"\b(?:changes?|orders?|modif\w+)\b")
_Value = TypeVar("_Value")


class Lumen:
    """A `Carrier` of one customer number. Used from one thread at a time."""

    def __init__(self, options: LumenOptions, account: Account, context: CarrierContext) -> None:
        self._options = options
        self._account = account
        self._clock = context.now
        self._api = ApiClient(
            Session(),
            options.url,
            tokens=shared_tokens(options, context.directory),
            headers={"x-customer-number": options.customer_number},
            question_refusal=_question_refusal,
        )
        self._services: dict[str, Service] = {}

    @property
    def account(self) -> Account:
        return self._account

    @property
    def clock_error(self) -> float | None:
        return self._api.clock_error

    def read(self, service_id: str, deadline: Deadline) -> Reading:
        """See `Carrier.read`. Asked by its ID a service was seen to be missing, or to fail, while a change
        was pending; so the whole list is asked once more before it counts as unknown."""
        try:
            document = self._api.get(_INVENTORY, deadline, params={"serviceId": service_id})
            service = find_service(document, service_id, self._options.speed_text)
        except CarrierError as error:
            if error.code in ("login_refused", "deadline", "too_slow"):
                raise
            service = self._in_list(service_id, deadline)
        else:
            service = service or self._in_list(service_id, deadline)
        if service is None:
            raise CarrierError("circuit_unknown", service_id=service_id)
        self._services[service_id] = service
        return service.reading(self._clock())

    def circuits(self, deadline: Deadline) -> Sequence[ListedCircuit]:
        """See `Listing.circuits`."""
        texts = self._options.speed_text
        found = {one.service_id: one for page in self._pages(deadline) for one in listed(page, texts)}
        return sorted(found.values(), key=lambda one: one.service_id)

    def offered(self, service_id: str, deadline: Deadline) -> frozenset[Bandwidth]:
        """See `Offering.offered`. It is the circuit's own ID that Lumen wants here, in a data centre too."""
        service = self._known(service_id, deadline)
        query = {
            "productCode": bodies.PRODUCT_CODE,
            "masterSiteId": service.master_site_id or "",
            "serviceId": service_id,
        }
        document = _patiently(lambda: self._api.get(_PRICE, deadline, params=query))
        return bodies.read_offers(document, self._options.speed_text)

    def lacks(self, service_id: str, deadline: Deadline) -> Sequence[CarrierError]:
        """See `Requiring.lacks`."""
        return bodies.lacks_of(self._options, self._known(service_id, deadline))

    def quote(self, service_id: str, bandwidth: Bandwidth, deadline: Deadline) -> Quote:
        """See `Carrier.quote`."""
        body = bodies.quote_body(self._options, self._known(service_id, deadline), bandwidth)
        document = _patiently(lambda: self._api.ask(_QUOTE, deadline, json=body))
        return bodies.read_quote(document, bandwidth, self._clock(), self._options.speed_text)

    def _known(self, service_id: str, deadline: Deadline) -> Service:
        """The circuit as the inventory had it in this run."""
        if service_id not in self._services:
            self.read(service_id, deadline)
        return self._services[service_id]

    def order(self, request: OrderRequest, deadline: Deadline) -> Acceptance:
        """See `Carrier.order`."""
        service = self._services.get(request.service_id)
        if service is None:
            raise OrderNotSentError("not_sent", host="the order", reason="its circuit was not read before")
        answer = self._api.order(
            "POST",
            _ORDER,
            deadline,
            service_id=request.service_id,
            json=bodies.order_body(self._options, service, request),
            refusal=lambda no, text: self._refusal(no, text, request.service_id),
        )
        return Acceptance(self._clock(), _order_id(self._api.document(answer)))

    def _refusal(self, answer: Answer, text: str, service_id: str) -> OrderError | None:
        """What a refusal means, by its words; a status alone, 409 as well, says little at Lumen."""
        said = all_text(answer)
        if _CHANGE_PENDING in said:
            return ChangePendingError("change_pending", service_id=service_id)
        if gateway_code(answer) is None and _speaks_of_a_day(said):
            return QuotaExceededError("quota_exceeded", account=self._account.number)
        if is_limit(answer):
            return None
        return OrderRefusedError("refused", status=answer.status, message=text)

    def _in_list(self, service_id: str, deadline: Deadline) -> Service | None:
        texts = self._options.speed_text
        found = (find_service(document, service_id, texts) for document in self._pages(deadline))
        return next((service for service in found if service is not None), None)

    def _pages(self, deadline: Deadline) -> Iterator[Any]:
        """The inventory's list of all internet services, page by page, until one names none that is new: how
        many a server puts on a page, whatever it is asked for, is not known."""
        seen: set[str] = set()
        for page in range(1, _MOST_PAGES + 1):
            query = {
                "serviceType": "Internet",
                "naasEnabled": "true",
                "entitled": "true",
                "pageNumber": str(page),
                "pageSize": str(_PAGE_SIZE),
            }
            document = self._api.get(_INVENTORY, deadline, params=query)
            yield document
            found = service_ids(document)
            if found <= seen:
                return
            seen |= found
        raise CarrierError("answer_wrong", what=f"more than {_MOST_PAGES} pages of services")


def _question_refusal(answer: Answer, text: str) -> CarrierError | None:
    return CarrierError("not_enabled", message=text) if _NOT_ENABLED in all_text(answer) else None


def _patiently(ask: Callable[[], _Value]) -> _Value:
    """What `ask` gives; again where Lumen says of a location what it also says of good ones, while it is
    itself at fault (seen for an hour)."""
    for _ in range(_QUOTE_TRIES - 1):
        try:
            return ask()
        except CarrierError as error:
            if error.code != "not_enabled":
                raise
    return ask()


def _speaks_of_a_day(said: str) -> bool:
    """True if a refusal speaks of a day's limit of changes. A limit of requests is another one."""
    if not (_OF_A_DAY.search(said) and _LIMIT.search(said)):
        return False
    return not _OF_REQUESTS.search(said) or _OF_CHANGES.search(said) is not None


def _order_id(document: Any) -> str:
    """The order's id in a yes. Raises AnswerLostError where there is none."""
    order_id = document.get("id") if isinstance(document, dict) else None
    if isinstance(order_id, bool) or not isinstance(order_id, (str, int)) or not str(order_id).strip():
        raise AnswerLostError("answer_lost", reason="a yes without an order id")
    return "".join(character for character in str(order_id)[:80] if character.isprintable())
