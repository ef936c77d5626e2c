"""A carrier whose API reads a circuit with GET and sets its rate limit with one PUT of the value alone.

It does at once what it is told, names prices by the month, and asks for five minutes between two changes of a
circuit. Everything that iodcal asks of a carrier is here; test_ratelimit.py runs its contract.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from iodcal.plugins import (
    Acceptance,
    Account,
    AnswerLostError,
    AnswerObject,
    ApiClient,
    Bandwidth,
    Carrier,
    CarrierContext,
    CarrierError,
    ChangeLimit,
    Deadline,
    Field,
    OrderRequest,
    Quote,
    Reading,
    Secret,
    SecretError,
    Section,
    SecureUrl,
    Session,
    Status,
    Text,
)

_STATUSES = {"LIVE": Status.ACTIVE, "CHANGING": Status.PENDING}


class RateLimitOptions(Section, frozen=True):
    """The carrier's keys in rules.yaml, beside those that every carrier has."""

    base_url: Annotated[SecureUrl, Field(description="Where the API is.")]
    account: Annotated[Text, Field(description="Whose account it bills.")]
    token: Annotated[Secret, Field(description="The token that opens it.")]


class ApiToken:
    """A token that stands in the configuration, read when it is first needed."""

    def __init__(self, secret: Secret, context: CarrierContext) -> None:
        self._secret = secret
        self._directory = context.directory

    def token(self, deadline: Deadline) -> str:  # noqa: ARG002 - nobody is asked
        try:
            return self._secret.resolve(self._directory).reveal()
        except SecretError as error:
            raise CarrierError(error.code, **error.facts) from None

    def drop(self) -> None:
        """There is no other."""


class RateLimit:
    """One account at the carrier."""

    def __init__(self, options: RateLimitOptions, context: CarrierContext) -> None:
        self._options = options
        self._now = context.now
        self._api = ApiClient(Session(), options.base_url, tokens=ApiToken(options.token, context))

    @property
    def account(self) -> Account:
        return Account("ratelimit", self._options.base_url, self._options.account)

    @property
    def clock_error(self) -> float | None:
        return self._api.clock_error

    def read(self, service_id: str, deadline: Deadline) -> Reading:
        document = self._api.get(f"/product/{service_id}", deadline, unknown=service_id)
        product = AnswerObject(document, f"the reading of {service_id}")
        word = product.text("provisioningStatus")
        status = _STATUSES.get(word, Status.UNKNOWN)
        return Reading(self._now(), status, product.bandwidth("rateLimit"), word)

    def quote(self, service_id: str, bandwidth: Bandwidth, deadline: Deadline) -> Quote:
        query = {"speed": str(bandwidth.mbps)}
        document = self._api.get(f"/product/{service_id}/price", deadline, params=query, unknown=service_id)
        price = AnswerObject(document, f"the price of {service_id}").amount("monthlyRate")
        return Quote(None, bandwidth, self._now(), price_per_month=price)

    def order(self, request: OrderRequest, deadline: Deadline) -> Acceptance:
        wanted = request.quote.bandwidth
        answer = self._api.order(
            "PUT",
            f"/product/{request.service_id}",
            deadline,
            service_id=request.service_id,
            json={"rateLimit": wanted.mbps},
        )
        try:
            product = AnswerObject(self._api.document(answer), "the answer to the order")
            done = product.text("provisioningStatus") == "LIVE" and product.bandwidth("rateLimit") == wanted
        except CarrierError as error:  # it said yes, and then something that nobody understands
            raise AnswerLostError("answer_lost", reason=str(error.facts.get("what"))) from None
        return Acceptance(self._now(), done=done)


class RateLimitPlugin:
    """`type: ratelimit`."""

    Options = RateLimitOptions
    virtual = False
    default_provisioning = timedelta(minutes=5)
    default_changes_per_day: int | None = None
    circuit_limits = (ChangeLimit(1, timedelta(minutes=5)),)
    idempotent = True

    def is_test(self, options: RateLimitOptions) -> bool:
        return "staging" in options.base_url

    def account(self, options: RateLimitOptions, context: CarrierContext) -> Account:  # noqa: ARG002 - needs no more
        return Account("ratelimit", options.base_url, options.account)

    def create(self, options: RateLimitOptions, context: CarrierContext) -> Carrier:
        return RateLimit(options, context)


plugin = RateLimitPlugin()
