"""A carrier whose API reads a service with GET and changes its rate limit with one PUT-like POST.

Everything that iodcal asks of a carrier is here; tests/carriers/contract.py checks it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from iodcal.carriers import Carrier, CarrierContext, OrderRequest
from iodcal.config.fields import Text
from iodcal.config.forms import Section
from iodcal.config.microsoft365 import SecureUrl
from iodcal.config.secrets import Secret
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Acceptance, Account, Quote, Reading, Status
from iodcal.errors import (
    AnswerLostError,
    CarrierError,
    ChangePendingError,
    OrderNotSentError,
    OrderRefusedError,
    SecretError,
)
from iodcal.http import Answer, AnswerError, Deadline, HttpError, Session

_STATUSES = {"LIVE": Status.ACTIVE, "CHANGING": Status.PENDING}


class RateLimitOptions(Section, frozen=True):
    """Where the API is, whose account it bills, and the token that opens it."""

    base_url: SecureUrl
    account: Text
    token: Secret


class RateLimit:
    """One account at the carrier."""

    def __init__(self, options: RateLimitOptions, context: CarrierContext) -> None:
        self._options = options
        self._context = context
        self._session = Session()
        self._clock_error: float | None = None

    @property
    def account(self) -> Account:
        return Account("ratelimit", self._options.base_url, self._options.account)

    @property
    def clock_error(self) -> float | None:
        return self._clock_error

    def read(self, service_id: str, deadline: Deadline) -> Reading:
        try:
            answer = self._session.get(self._url(service_id), headers=self._headers(), deadline=deadline)
            self._clock_error = answer.clock_error
            document: Any = answer.json() if answer.status == 200 else None
        except (HttpError, AnswerError) as error:
            raise CarrierError(error.code, **error.facts) from None
        if answer.status == 404:
            raise CarrierError("circuit_unknown", service_id=service_id)
        if not isinstance(document, dict) or not isinstance(document.get("rateLimit"), int):
            raise CarrierError("answer_wrong", what=f"status {answer.status}")
        text = str(document.get("provisioningStatus"))
        status = _STATUSES.get(text, Status.UNKNOWN)
        return Reading(self._context.now(), status, Bandwidth(document["rateLimit"]), text)

    def quote(self, service_id: str, bandwidth: Bandwidth, deadline: Deadline) -> Quote:  # noqa: ARG002 - it has no quotes
        return Quote(f"none-{bandwidth.mbps}", bandwidth, self._context.now())

    def order(self, request: OrderRequest, deadline: Deadline) -> Acceptance:
        body = {"rateLimit": request.quote.bandwidth.mbps, "reference": request.external_id}
        try:
            headers = self._headers()
        except CarrierError as error:
            raise OrderNotSentError(error.code, **error.facts) from None
        try:
            answer = self._session.post(
                self._url(request.service_id), json=body, headers=headers, deadline=deadline
            )
        except HttpError as error:
            if error.sent:
                raise AnswerLostError("answer_lost", reason=error.code) from None
            raise OrderNotSentError("not_sent", host=error.facts.get("host"), reason=error.code) from None
        return self._judge(answer, request)

    def _judge(self, answer: Answer, request: OrderRequest) -> Acceptance:
        if answer.status == 409:
            raise ChangePendingError("change_pending", service_id=request.service_id)
        if 400 <= answer.status < 500:
            raise OrderRefusedError("refused", status=answer.status, message=answer.first_words)
        if answer.status != 200:
            raise AnswerLostError("answer_lost", reason=f"status {answer.status}")
        return Acceptance(self._context.now(), request.external_id)

    def _url(self, service_id: str) -> str:
        return f"{self._options.base_url}/product/{service_id}"

    def _headers(self) -> dict[str, str]:
        try:
            token = self._options.token.resolve(self._context.directory).reveal()
        except SecretError as error:
            raise CarrierError(error.code, **error.facts) from None
        return {"Authorization": f"Bearer {token}"}


class RateLimitPlugin:
    """`type: ratelimit`."""

    Options = RateLimitOptions
    virtual = False
    default_provisioning = timedelta(minutes=5)
    default_changes_per_day: int | None = None

    def is_test(self, options: RateLimitOptions) -> bool:
        return "staging" in options.base_url

    def account(self, options: RateLimitOptions, context: CarrierContext) -> Account:  # noqa: ARG002 - needs no more
        return Account("ratelimit", options.base_url, options.account)

    def create(self, options: RateLimitOptions, context: CarrierContext) -> Carrier:
        return RateLimit(options, context)


plugin = RateLimitPlugin()
