"""The calls of a carrier whose API speaks JSON: every answer, and every lack of one, becomes what the
protocol of `iodcal.carriers` says. What matters most: an order counts as refused, or as not sent, only where
that is certain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from iodcal.carriers.answers import first_error, is_limit, names_errors, says_no, wait_told
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

_MULTI_STATUS = 207


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
    usual ones are looked for. `question_refusal` is asked what an answer that is no yes to a question means,
    with its text, and may leave that to us by None.
    """

    def __init__(
        self,
        session: Session,
        base_url: str,
        *,
        tokens: TokenSource | None = None,
        headers: Mapping[str, str] | None = None,
        error_names: tuple[str, ...] = (),
        question_refusal: Callable[[Answer, str], CarrierError | None] | None = None,
    ) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._tokens = tokens
        self._headers = dict(headers or {})
        self._error_names = error_names
        self._question_refusal = question_refusal
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
        None: 409 is a pending change, 429 and a gateway's limit "not now", any other a refusal. After 408,
        425, and whatever else is neither 2xx nor 4xx nobody knows. Raises OrderError.
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
        """What an answer says is wrong, with the first of its `errors` (RFC 9457's problem details): one
        line, bounded, without secrets."""
        said = error_text(answer, *self._error_names)
        shown = [word for word in first_error(answer) if word not in said]
        return printable(f"{said} ({', '.join(shown)})", 300) if shown else said

    def document(self, answer: Answer) -> Any:
        """The JSON of a yes to an order. Raises AnswerLostError where that cannot be read, or speaks for many
        parts (207), and OrderRefusedError where it says no all the same."""
        try:
            document = answer.json()
        except AnswerError:
            raise AnswerLostError("answer_lost", reason="a yes that is no JSON") from None
        of_many = answer.status == _MULTI_STATUS
        if says_no(document, of_many=of_many):
            raise OrderRefusedError("refused", status=answer.status, message=self.text(answer))
        if of_many or names_errors(document):
            raise AnswerLostError("answer_lost", reason=f"status {answer.status}, {self.text(answer)}")
        return document

    def _no(
        self, answer: Answer, service_id: str, refusal: Callable[[Answer, str], OrderError | None] | None
    ) -> OrderError:
        text, status, limited = self.text(answer), answer.status, is_limit(answer)
        if not limited and (not 400 <= status < 500 or status in (408, 425)):
            told = status >= 500 and bool(answer.body.strip())
            return AnswerLostError(
                GATEWAY_ANSWERED if told else "answer_lost", reason=f"status {status}, {text}"
            )
        own = refusal(answer, text) if refusal is not None else None
        if own is not None:
            return own
        if limited:
            return NotNowError("not_now", wait=wait_told(answer), status=status, message=text)
        if status == 409:
            return ChangePendingError("change_pending", service_id=service_id, message=text)
        return OrderRefusedError("refused", status=status, message=text)

    def _document(self, answer: Answer, unknown: str | None) -> Any:
        if answer.status == 404 and unknown is not None:
            raise CarrierError("circuit_unknown", service_id=unknown)
        if not 200 <= answer.status < 300:
            raise self._question_refused(answer)
        try:
            return answer.json()
        except AnswerError as error:
            raise CarrierError(error.code, **error.facts) from None

    def _question_refused(self, answer: Answer) -> CarrierError:
        text, status = self.text(answer), answer.status
        if status in (401, 403) and not is_limit(answer):
            return CarrierError("login_refused", status=status, message=text)
        own = self._question_refusal(answer, text) if self._question_refusal is not None else None
        return own or CarrierError("refused", status=status, message=text)

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
