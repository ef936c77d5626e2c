"""The calls of a carrier whose API speaks JSON: every answer, and every lack of one, becomes what the
protocol of `iodcal.carriers` says. What matters most: an order counts as refused, or as not sent, only where
that is certain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.orders import GATEWAY_ANSWERED
from iodcal.errors import (
    AnswerLostError,
    CarrierError,
    ChangePendingError,
    NotNowError,
    OrderError,
    OrderNotSentError,
    OrderRefusedError,
)
from iodcal.http import Answer, AnswerError, Deadline, HttpError, Session, error_text, printable


class TokenSource(Protocol):
    """Where a client's bearer token comes from: `iodcal.carriers.tokens.Tokens`, or something simpler."""

    def token(self, deadline: Deadline) -> str:
        """The token. Raises CarrierError."""
        ...

    def drop(self) -> None:
        """The token was refused: `token` may give another."""
        ...


class ApiClient:
    """Requests below `base_url`, each with `Authorization: Bearer` where there are `tokens`, and `headers`.

    Where a token is refused with 401, which proves that nothing was done, the request is sent once more with
    a new one. `error_names` are the keys under which the carrier's errors have their texts; without them the
    usual ones are looked for.
    """

    def __init__(
        self,
        session: Session,
        base_url: str,
        *,
        tokens: TokenSource | None = None,
        headers: Mapping[str, str] | None = None,
        error_names: tuple[str, ...] = (),
    ) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._tokens = tokens
        self._headers = dict(headers or {})
        self._error_names = error_names
        self.clock_error: float | None = None
        """The server's clock less ours in seconds at the last answer, None where it did not tell."""

    def get(
        self,
        path: str,
        deadline: Deadline,
        *,
        params: Mapping[str, str] | None = None,
        unknown: str | None = None,
    ) -> Any:
        """The JSON of a good answer. A 404 means that the carrier does not know the circuit `unknown`, where
        one is named. Raises CarrierError."""
        answer = self._call(
            lambda: self._session.get(
                self._base_url + path, params=params, headers=self._all_headers(deadline), deadline=deadline
            )
        )
        return self._document(answer, unknown)

    def ask(self, path: str, deadline: Deadline, *, json: object, unknown: str | None = None) -> Any:
        """The JSON of a good answer to a POST that changes nothing, such as a question for a price. Raises
        CarrierError."""
        answer = self._call(
            lambda: self._session.post(
                self._base_url + path,
                json=json,
                headers=self._all_headers(deadline),
                deadline=deadline,
                retry=True,
            )
        )
        return self._document(answer, unknown)

    def order(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        service_id: str,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        refusal: Callable[[Answer, str], OrderError | None] | None = None,
    ) -> Answer:
        """The 2xx answer to an order, which is sent once by `method` (POST, PUT, PATCH or DELETE).

        `refusal` is asked first what an answer of 4xx, with its text, means, and may leave that to us by
        None: 409 is a pending change, 429 "not now", any other a refusal. After 408, 425, and whatever is
        neither 2xx nor 4xx nobody knows. Raises OrderError.
        """
        send: Callable[..., Answer] = getattr(self._session, method.lower())
        body = {} if method.upper() == "DELETE" else {"json": json}

        def once() -> Answer:
            every = {**self._all_headers(deadline), **(headers or {})}
            try:
                return send(self._base_url + path, headers=every, deadline=deadline, **body)
            except HttpError as error:
                raise _unanswered(error) from None

        try:
            answer = self._call(once)
        except OrderError:
            raise
        except CarrierError as error:  # the login failed, so the order never left
            raise OrderNotSentError(error.code, **error.facts) from None
        if 200 <= answer.status < 300:
            return answer
        raise self._no(answer, service_id, refusal)

    def text(self, answer: Answer) -> str:
        """What an answer says is wrong: one line, bounded, without secrets."""
        return error_text(answer, *self._error_names)

    def document(self, answer: Answer) -> Any:
        """The JSON of the answer to an order. Raises AnswerLostError: a yes that cannot be read is none."""
        try:
            return answer.json()
        except AnswerError:
            raise AnswerLostError("answer_lost", reason="a yes that is no JSON") from None

    def _no(
        self, answer: Answer, service_id: str, refusal: Callable[[Answer, str], OrderError | None] | None
    ) -> OrderError:
        text, status = self.text(answer), answer.status
        if not 400 <= status < 500 or status in (408, 425):
            told = status >= 500 and bool(answer.body.strip())
            return AnswerLostError(
                GATEWAY_ANSWERED if told else "answer_lost", reason=f"status {status}, {text}"
            )
        own = refusal(answer, text) if refusal is not None else None
        if own is not None:
            return own
        if status == 409:
            return ChangePendingError("change_pending", service_id=service_id, message=text)
        if status == 429:
            from iodcal.http import retry_after

            return NotNowError("not_now", wait=retry_after(answer), status=status, message=text)
        return OrderRefusedError("refused", status=status, message=text)

    def _document(self, answer: Answer, unknown: str | None) -> Any:
        if answer.status == 404 and unknown is not None:
            raise CarrierError("circuit_unknown", service_id=unknown)
        if answer.status in (401, 403):
            raise CarrierError("login_refused", status=answer.status, message=self.text(answer))
        if not 200 <= answer.status < 300:
            raise CarrierError("refused", status=answer.status, message=self.text(answer))
        try:
            return answer.json()
        except AnswerError as error:
            raise CarrierError(error.code, **error.facts) from None

    def _call(self, send: Callable[[], Answer]) -> Answer:
        try:
            answer = send()
            if answer.status == 401 and self._tokens is not None:
                self._tokens.drop()
                answer = send()
        except HttpError as error:
            raise CarrierError(error.code, **error.facts) from None
        self.clock_error = answer.clock_error
        return answer

    def _all_headers(self, deadline: Deadline) -> dict[str, str]:
        login = {} if self._tokens is None else {"Authorization": f"Bearer {self._tokens.token(deadline)}"}
        return {"Accept": "application/json", **self._headers, **login}


def _unanswered(error: HttpError) -> OrderError:
    if not error.sent:
        return OrderNotSentError(
            "not_sent", host=error.facts.get("host"), reason=error.code.replace("_", " ")
        )
    return AnswerLostError("answer_lost", reason=error.code.replace("_", " "))


_MOST_MBPS = 10_000_000
_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "a flag",
    int: "a number",
    float: "a number",
    type(None): "nothing",
}


class AnswerObject:
    """An object in a carrier's answer. `where` names it in errors, such as `the reading of port-1`.

    What is missing, or of another kind than its reader wants, raises CarrierError (`answer_wrong`), which
    says which field of which answer, and never shows its value.
    """

    def __init__(self, document: object, where: str) -> None:
        self._where = where
        if not isinstance(document, dict):
            raise CarrierError("answer_wrong", what=f"{where} is no object but {_kind(document)}")
        self._fields: dict[str, Any] = document

    def __contains__(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def text(self, name: str) -> str:
        """A text that is not empty, without control characters, of at most 200 characters."""
        value = self._fields.get(name)
        if not isinstance(value, str) or not (shown := printable(value, 200)):
            raise self.wrong(name, "a text")
        return shown

    def text_or(self, name: str, otherwise: str = "") -> str:
        """As `text`; `otherwise` where there is nothing, or an empty text."""
        return otherwise if self._fields.get(name) in (None, "") else self.text(name)

    def bandwidth(self, name: str) -> Bandwidth:
        """A whole number of Mbps."""
        value = self._fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MOST_MBPS:
            raise self.wrong(name, "a whole number of Mbps")
        return Bandwidth(value)

    def flag(self, name: str, *, otherwise: bool = False) -> bool:
        """True or false; `otherwise` where there is nothing."""
        value = self._fields.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return otherwise if value is None else value

    def number(self, name: str) -> int:
        """A whole number that is not negative."""
        value = self._fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.wrong(name, "a whole number")
        return value

    def amount(self, name: str) -> Decimal:
        """An amount of money, written as a number or as a text."""
        value = self._fields.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and len(str(value)) < 40:
            try:
                amount = Decimal(str(value))
            except InvalidOperation:
                raise self.wrong(name, "an amount") from None
            if amount.is_finite() and amount >= 0:
                return amount
        raise self.wrong(name, "an amount")

    def object(self, name: str) -> AnswerObject:
        """An object within this one."""
        return AnswerObject(self._fields.get(name), f"{name} in {self._where}")

    def objects(self, name: str) -> list[AnswerObject]:
        """A list of objects."""
        value = self._fields.get(name)
        if not isinstance(value, list):
            raise self.wrong(name, "a list")
        return [AnswerObject(one, f"{name}[{at}] in {self._where}") for at, one in enumerate(value)]

    def wrong(self, name: str, wanted: str) -> CarrierError:
        """The error for a field that is not what is `wanted`, to be raised."""
        found = _kind(self._fields.get(name))
        return CarrierError(
            "answer_wrong", what=f"{name} in {self._where}: {found}, where {wanted} is wanted"
        )


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "something else")
