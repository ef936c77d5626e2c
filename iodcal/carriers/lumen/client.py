"""Lumen's client: readings, quotes and orders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from iodcal.carriers import CarrierContext, ListedCircuit, OrderRequest
from iodcal.carriers.lumen import bodies
from iodcal.carriers.lumen.bodies import all_text
from iodcal.carriers.lumen.inventory import Service, find_service, listed, service_ids
from iodcal.carriers.lumen.plugin import LumenOptions
from iodcal.carriers.tokens import shared_tokens
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Account, Quote, Reading
from iodcal.domain.orders import GATEWAY_ANSWERED
from iodcal.errors import (
    AnswerLostError,
    CarrierError,
    ChangePendingError,
    NotNowError,
    OrderNotSentError,
    OrderRefusedError,
    QuotaExceededError,
)
from iodcal.http import Answer, AnswerError, Deadline, HttpError, Session, error_text
from iodcal.http.retries import retry_after

_INVENTORY = "/ProductInventory/v1/inventory"
_PRICE = "/Product/v1/price"
_QUOTE = "/Product/v1/priceRequest"
_ORDER = "/Customer/v3/Ordering/orderRequest"
_PAGE_SIZE = 100
_MOST_PAGES = 50
_QUOTE_TRIES = 3
_MULTI_STATUS = 207
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
_TOO_MANY = 429
_RATE_LIMIT = "policies.ratelimit."


class Lumen:
    """A `Carrier` of one customer number. Used from one thread at a time."""

    def __init__(self, options: LumenOptions, account: Account, context: CarrierContext) -> None:
        self._options = options
        self._account = account
        self._clock = context.now
        self._session = Session()
        self._tokens = shared_tokens(options, context.directory)
        self._services: dict[str, Service] = {}
        self._clock_error: float | None = None

    @property
    def account(self) -> Account:
        return self._account

    @property
    def clock_error(self) -> float | None:
        return self._clock_error

    def read(self, service_id: str, deadline: Deadline) -> Reading:
        """See `Carrier.read`. Asked by its ID a service was seen to be missing, or to fail, while a change
        was pending; so the whole list is asked once more before it counts as unknown."""
        try:
            service = find_service(self._inventory({"serviceId": service_id}, deadline), service_id)
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
        found = {one.service_id: one for page in self._pages(deadline) for one in listed(page)}
        return sorted(found.values(), key=lambda one: one.service_id)

    def offered(self, service_id: str, deadline: Deadline) -> frozenset[Bandwidth]:
        """See `Offering.offered`. It is the circuit's own ID that Lumen wants here, in a data centre too."""
        service = self._known(service_id, deadline)
        query = {
            "productCode": bodies.PRODUCT_CODE,
            "masterSiteId": service.master_site_id or "",
            "serviceId": service_id,
        }
        answer = self._patiently(lambda: self._get(_PRICE, query, deadline))
        self._refuse(answer)
        return bodies.read_offers(self._json(answer))

    def lacks(self, service_id: str, deadline: Deadline) -> Sequence[CarrierError]:
        """See `Requiring.lacks`."""
        return bodies.lacks_of(self._options, self._known(service_id, deadline))

    def quote(self, service_id: str, bandwidth: Bandwidth, deadline: Deadline) -> Quote:
        """See `Carrier.quote`."""
        body = bodies.quote_body(self._options, self._known(service_id, deadline), bandwidth)
        answer = self._patiently(lambda: self._post(_QUOTE, body, deadline, retry=True))
        self._refuse(answer)
        return bodies.read_quote(self._json(answer), bandwidth, self._clock())

    def _known(self, service_id: str, deadline: Deadline) -> Service:
        """The circuit as the inventory had it in this run."""
        if service_id not in self._services:
            self.read(service_id, deadline)
        return self._services[service_id]

    def _patiently(self, send: Callable[[], Answer]) -> Answer:
        """Sends; again where Lumen says of a location what it also says of good ones, while it is itself at
        fault (seen for an hour)."""
        for _ in range(_QUOTE_TRIES - 1):
            answer = self._call(send)
            if answer.status != 422 or _NOT_ENABLED not in all_text(answer):
                return answer
        return self._call(send)

    def order(self, request: OrderRequest, deadline: Deadline) -> Acceptance:
        """See `Carrier.order`. Only a refused token, which proves that nothing was taken, lets it go out a
        second time."""
        service = self._services.get(request.service_id)
        if service is None:
            raise OrderNotSentError("not_sent", host="the order", reason="its circuit was not read before")
        body = bodies.order_body(self._options, service, request)
        try:
            answer = self._call(lambda: self._post(_ORDER, body, deadline, retry=False))
        except HttpError as error:
            raise _unanswered(error) from None
        except CarrierError as error:
            # The login failed, so the order never left.
            raise OrderNotSentError(error.code, **error.facts) from None
        self._judge(answer, request.service_id)
        return Acceptance(self._clock(), self._read_acceptance(answer))

    def _judge(self, answer: Answer, service_id: str) -> None:
        """Raises unless the order was taken, by its status."""
        if 200 <= answer.status < 300:
            return
        said, gateway = all_text(answer), bodies.gateway_code(answer)
        limited = answer.status == _TOO_MANY or (gateway or "").startswith(_RATE_LIMIT)
        if not limited and (answer.status >= 500 or answer.status < 400 or answer.status in (408, 425)):
            # Also a redirect: no order was taken there by any reading of HTTP, but nobody promises so.
            told = answer.status >= 500 and bool(answer.body.strip())
            code = GATEWAY_ANSWERED if told else "answer_lost"
            raise AnswerLostError(code, reason=f"status {answer.status}, {error_text(answer)}")
        if _CHANGE_PENDING in said:
            raise ChangePendingError("change_pending", service_id=service_id)
        if gateway is None and _OF_A_DAY.search(said) and _LIMIT.search(said):
            raise QuotaExceededError("quota_exceeded", account=self._account.number)
        if limited:
            raise NotNowError(
                "not_now", wait=retry_after(answer), status=answer.status, message=error_text(answer)
            )
        raise OrderRefusedError("refused", status=answer.status, message=error_text(answer))

    def _read_acceptance(self, answer: Answer) -> str:
        """The order's id in a yes. Raises OrderRefusedError where the body says no all the same,
        AnswerLostError where nobody can tell, as by a status for many parts."""
        try:
            document = answer.json()
        except AnswerError:
            raise AnswerLostError("answer_lost", reason="a yes that is no JSON") from None
        if bodies.says_no(document, of_many=answer.status == _MULTI_STATUS):
            raise OrderRefusedError("refused", status=answer.status, message=error_text(answer))
        if answer.status == _MULTI_STATUS:
            raise AnswerLostError("answer_lost", reason=f"status {answer.status}, {error_text(answer)}")
        order_id = document.get("id") if isinstance(document, dict) else None
        if isinstance(order_id, bool) or not isinstance(order_id, (str, int)) or not str(order_id).strip():
            raise AnswerLostError("answer_lost", reason="a yes without an order id")
        return "".join(character for character in str(order_id)[:80] if character.isprintable())

    def _in_list(self, service_id: str, deadline: Deadline) -> Service | None:
        found = (find_service(document, service_id) for document in self._pages(deadline))
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
            document = self._inventory(query, deadline)
            yield document
            found = service_ids(document)
            if found <= seen:
                return
            seen |= found
        raise CarrierError("answer_wrong", what=f"more than {_MOST_PAGES} pages of services")

    def _inventory(self, query: dict[str, str], deadline: Deadline) -> Any:
        answer = self._call(lambda: self._get(_INVENTORY, query, deadline))
        self._refuse(answer)
        return self._json(answer)

    def _refuse(self, answer: Answer) -> None:
        """Raises for anything but a yes, where nothing was ordered yet."""
        if 200 <= answer.status < 300:
            return
        if answer.status in (401, 403):
            raise CarrierError("login_refused", status=answer.status, message=error_text(answer))
        if _NOT_ENABLED in all_text(answer):
            raise CarrierError("not_enabled", message=error_text(answer))
        raise CarrierError("refused", status=answer.status, message=error_text(answer))

    def _json(self, answer: Answer) -> Any:
        try:
            return answer.json()
        except AnswerError as error:
            raise CarrierError(error.code, **error.facts) from None

    def _call(self, send: Callable[[], Answer]) -> Answer:
        """Sends; where the token is refused, once more with a new one."""
        answer = send()
        if answer.status == 401:
            self._tokens.drop()
            answer = send()
        self._clock_error = answer.clock_error
        return answer

    def _get(self, path: str, query: dict[str, str], deadline: Deadline) -> Answer:
        try:
            return self._session.get(
                self._options.url + path, params=query, headers=self._headers(deadline), deadline=deadline
            )
        except HttpError as error:
            raise CarrierError(error.code, **error.facts) from None

    def _post(self, path: str, body: dict[str, Any], deadline: Deadline, *, retry: bool) -> Answer:
        """Raises CarrierError where it may be tried again, HttpError where it must not (`retry` False)."""
        headers = self._headers(deadline)
        url = self._options.url + path
        try:
            return self._session.post(url, json=body, headers=headers, deadline=deadline, retry=retry)
        except HttpError as error:
            if not retry:
                raise
            raise CarrierError(error.code, **error.facts) from None

    def _headers(self, deadline: Deadline) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._tokens.token(deadline)}",
            "x-customer-number": self._options.customer_number,
            "Accept": "application/json",
        }


def _unanswered(error: HttpError) -> CarrierError:
    if not error.sent:
        return OrderNotSentError(
            "not_sent", host=error.facts.get("host"), reason=error.code.replace("_", " ")
        )
    return AnswerLostError("answer_lost", reason=error.code.replace("_", " "))
