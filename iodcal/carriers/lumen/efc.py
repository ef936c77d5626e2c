"""Lumen Ethernet Fabric Connect (specification 1.0.0): connections by UUID, PATCH of the bandwidth.

There is no quote and no order id: the price list of a connection is its offer, and only a reading confirms.
See docs/reference/carriers.md for what is known of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from iodcal.carriers import CarrierContext, ListedCircuit, OrderRequest
from iodcal.carriers.answers import AnswerObject
from iodcal.carriers.api import ApiClient
from iodcal.carriers.lumen.plugin import LumenEfcOptions
from iodcal.carriers.tokens import shared_tokens
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Account, Quote, Reading, Status
from iodcal.errors import (
    AnswerLostError,
    CarrierError,
    ChangePendingError,
    OrderError,
    OrderNotSentError,
    OrderRefusedError,
    RefusedForGoodError,
)
from iodcal.http import Answer, Deadline, Session

_CONNECTIONS = "/fabric/v1/connections"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_STATUSES = {
    "active": Status.ACTIVE,
    **dict.fromkeys(("updating", "provisioning", "resetting"), Status.PENDING),
}
# Where a connection is changed, by what its type ends with; one to AWS takes no bandwidth, one to Lumen's own
# multi-cloud controller (lmcc) has no path.
_CHANGED_AT = {
    "port": "virtual/p2p",
    "gcp": "cloud/hosted/gcp",
    "azure": "cloud/hosted/azure",
    "azure-gov": "cloud/hosted/azure",
    "oci": "cloud/hosted/oci",
    "oci-gov": "cloud/hosted/oci",
}
_BUSY = re.compile(r"\b(updating|provisioning|resetting|pending|in progress)\b", re.IGNORECASE)
_MONTHLY = "monthly"  # the term by which scheduling saves nothing; what counts where none is told
_PAGE_SIZE, _MOST_PAGES = 100, 50
_CURRENCY = "USD"  # the API names none


class EfcConnection(Struct, frozen=True):
    """One connection as a reading has it; `kind` is its type, such as port.port."""

    service_id: str
    state: str
    kind: str
    bandwidth: Bandwidth
    term: str
    service_class: str
    name: str

    @property
    def status(self) -> Status:
        """A state that nobody has seen before, disabled and deleting are UNKNOWN: nothing is ordered."""
        return _STATUSES.get(self.state.casefold(), Status.UNKNOWN)

    @property
    def monthly(self) -> bool:
        return self.term.casefold() == _MONTHLY

    @property
    def change_path(self) -> str | None:
        """Where its bandwidth is changed; None where it cannot be."""
        path = _CHANGED_AT.get(self.kind.casefold().partition(".")[2])
        return None if path is None else f"{_CONNECTIONS}/{path}/{self.service_id}"


def connection_of(document: object, where: str) -> EfcConnection:
    """The connection in an answer. Raises CarrierError that names field and answer."""
    fields = AnswerObject(document, where)
    kinds = {fields.text(name) for name in ("type", "connection_type") if name in fields}
    if len(kinds) != 1:  # a simulator calls it connection_type
        raise fields.wrong("type", "one type") if not kinds else _two_types(where)
    return EfcConnection(
        fields.text("connection_id").lower(),
        fields.text("state"),
        kinds.pop(),
        bandwidth=fields.bandwidth("bandwidth"),
        term=fields.text_or("term", _MONTHLY),
        service_class=fields.text_or("class_of_service"),
        name=fields.text_or("name"),
    )


def _two_types(where: str) -> CarrierError:
    return CarrierError("answer_wrong", what=f"type and connection_type in {where} differ")


class EfcOption(Struct, frozen=True):
    """One way in which a bandwidth is sold."""

    bandwidth: Bandwidth
    category: str
    service_class: str
    per_hour: Decimal
    per_month: Decimal | None


def options_in(document: object, where: str) -> Iterator[EfcOption]:
    """What `bandwidths` of a connection says is for sale. Raises CarrierError."""
    for offer in AnswerObject({"the list": document}, where).objects("the list"):
        for option in offer.objects("options"):
            monthly = option.amount("price_monthly") if "price_monthly" in option else None
            yield EfcOption(
                offer.bandwidth("bandwidth"),
                option.text_or("category"),
                option.text_or("class_of_service"),
                per_hour=option.amount("price_hourly"),
                per_month=monthly,
            )


class LumenEfc:
    """A `Carrier` of one customer number. Used from one thread at a time."""

    def __init__(self, options: LumenEfcOptions, account: Account, context: CarrierContext) -> None:
        self._options = options
        self._account = account
        self._clock = context.now
        tokens = shared_tokens(options, context.directory)
        self._api = ApiClient(Session(), options.url, tokens=tokens, error_names=("title", "detail"))
        self._connections: dict[str, EfcConnection] = {}

    @property
    def account(self) -> Account:
        return self._account

    @property
    def clock_error(self) -> float | None:
        return self._api.clock_error

    def read(self, service_id: str, deadline: Deadline) -> Reading:
        """See `Carrier.read`."""
        uuid = service_id.lower()
        if not _UUID.fullmatch(uuid):
            raise CarrierError("circuit_unknown", service_id=service_id)
        document = self._api.get(f"{_CONNECTIONS}/{uuid}", deadline, unknown=service_id)
        where = f"the reading of {service_id}"
        connection = connection_of(document, where)
        if connection.service_id != uuid:
            raise CarrierError("answer_wrong", what=f"connection_id in {where} is another one's")
        self._connections[service_id] = connection
        return Reading(self._clock(), connection.status, connection.bandwidth, connection.state)

    def circuits(self, deadline: Deadline) -> Sequence[ListedCircuit]:
        """See `Listing.circuits`: those whose bandwidth can be changed."""
        found: dict[str, ListedCircuit] = {}
        for document in self._pages(deadline):
            one = connection_of(document, "the list of connections")
            if one.change_path is not None:
                found[one.service_id] = ListedCircuit(one.service_id, one.bandwidth, one.state, one.name)
        return [found[service_id] for service_id in sorted(found)]

    def _pages(self, deadline: Deadline) -> Iterator[Any]:
        """Every entry of the list, page by page, until a page is empty or the total is reached."""
        seen = 0
        for _ in range(_MOST_PAGES):
            query = {
                "limit": str(_PAGE_SIZE),
                "offset": str(seen),
                "customer_number": self._options.customer_number,
            }
            document = self._api.get(_CONNECTIONS, deadline, params=query)
            page = AnswerObject(document, "the list of connections")
            page.objects("data")
            yield from document["data"]
            seen += len(document["data"])
            if not document["data"] or seen >= page.object("pagination").number("total"):
                return
        raise CarrierError("answer_wrong", what=f"more than {_MOST_PAGES} pages of connections")

    def offered(self, service_id: str, deadline: Deadline) -> frozenset[Bandwidth]:
        """See `Offering.offered`."""
        return frozenset(option.bandwidth for option in self._options_of(service_id, deadline))

    def warnings(self, service_id: str, deadline: Deadline) -> Sequence[str]:
        """See `Advising.warnings`."""
        connection = self._known(service_id, deadline)
        told = []
        if connection.monthly:
            told.append("its term is Monthly: raising and lowering it saves nothing")
        if connection.change_path is None:
            told.append(f"Lumen changes no bandwidth of a connection of the type {connection.kind}")
        return told

    def quote(self, service_id: str, bandwidth: Bandwidth, deadline: Deadline) -> Quote:
        """See `Carrier.quote`. The price list is the offer. Where it does not come, a lowering goes on
        without a price; one that makes no sense stops either."""
        connection = self._known(service_id, deadline)
        if connection.change_path is None:
            raise RefusedForGoodError("bandwidth_fixed", service_id=service_id, kind=connection.kind)
        try:
            options = [one for one in self._options_of(service_id, deadline) if one.bandwidth == bandwidth]
        except CarrierError as error:
            if error.code == "answer_wrong" or bandwidth >= connection.bandwidth:
                raise
            return Quote(None, bandwidth, self._clock())
        if not options:
            raise OrderRefusedError("tier_not_sold", service_id=service_id, bandwidth=str(bandwidth))
        hourly, monthly = self._price(connection, options)
        return Quote(
            None,
            bandwidth,
            self._clock(),
            price_per_hour=None if connection.monthly else hourly,
            currency=_CURRENCY,
            price_per_month=monthly if connection.monthly else None,
        )

    def order(self, request: OrderRequest, deadline: Deadline) -> Acceptance:
        """See `Carrier.order`."""
        connection = self._connections.get(request.service_id)
        if connection is None or connection.change_path is None:
            reason = "its circuit was not read before, or takes no bandwidth"
            raise OrderNotSentError("not_sent", host="the order", reason=reason)
        wanted = request.quote.bandwidth
        answer = self._api.order(
            "PATCH",
            connection.change_path,
            deadline,
            service_id=request.service_id,
            json={"bandwidth": wanted.mbps},
            refusal=lambda no, text: _refusal(no, text, request.service_id),
        )
        return Acceptance(self._clock(), done=self._is_done(answer, connection, wanted))

    def _is_done(self, answer: Answer, before: EfcConnection, wanted: Bandwidth) -> bool:
        """Whether a yes already shows the change. Raises OrderError for a yes that says no, or nothing that
        can be understood."""
        document = self._api.document(answer)
        try:
            now = connection_of(document, "the answer to the order")
        except CarrierError as error:
            raise AnswerLostError("answer_lost", reason=str(error.facts.get("what"))) from None
        if now.service_id != before.service_id:
            raise AnswerLostError(
                "answer_lost", reason="connection_id in the answer to the order is another one's"
            )
        return now.status is Status.ACTIVE and now.bandwidth == wanted

    def _known(self, service_id: str, deadline: Deadline) -> EfcConnection:
        if service_id not in self._connections:
            self.read(service_id, deadline)
        return self._connections[service_id]

    def _options_of(self, service_id: str, deadline: Deadline) -> list[EfcOption]:
        connection = self._known(service_id, deadline)
        path = f"{_CONNECTIONS}/{connection.service_id}/bandwidths"
        document = self._api.get(path, deadline, unknown=service_id)
        return list(options_in(document, f"the bandwidths of {service_id}"))

    def _price(self, connection: EfcConnection, options: list[EfcOption]) -> tuple[Decimal, Decimal | None]:
        """Per hour and per month. A connection does not say in which category it is: the dearest of what may
        be meant counts, unless the configuration names it."""
        named = self._options.category.get(connection.service_id, "").casefold()
        wanted = connection.service_class.casefold()
        for fits in (
            [one for one in options if named in ("", one.category.casefold())],
            [one for one in options if wanted in ("", one.service_class.casefold())],
        ):
            narrowed = [one for one in options if one in fits]
            options = narrowed or options
        dearest = max(options, key=lambda one: one.per_hour)
        return dearest.per_hour, dearest.per_month


def _refusal(answer: Answer, text: str, service_id: str) -> OrderError | None:
    """A 422 that speaks of the connection's state is a pending change; None leaves it to the usual
    reading."""
    if answer.status == 422 and _BUSY.search(text):
        return ChangePendingError("change_pending", service_id=service_id, message=text)
    return None
